/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for a VA driver, which there is none of for the devices of our tests: libva loads
 * standin_drv_video.so as it loads any driver (LIBVA_DRIVERS_PATH, LIBVA_DRIVER_NAME=standin). It
 * decodes nothing. It takes descriptors of linear pictures as a driver would: it looks whether all
 * planes lie inside the objects, has the memory mapped, and on a render node imports it by PRIME;
 * it closes no fd. A surface holds the memory by a duplicate until it is destroyed.
 *
 * Environment:
 *	STANDIN_VA_RECORD	a file to which each surface adds what its descriptor said
 *	STANDIN_VA_PLAYS	how it differs from a good driver: "no-dmabuf" (no such memory
 *				type), "odd" (no format that DRM has), "full" (no memory),
 *				"choosy" (refuses every descriptor), "mute" (tells nothing)
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <va/va_backend.h>
#include <va/va_drmcommon.h>
#include <xf86drm.h>

#define SURFACES_MAX 64
#define DRM_MAJOR 226

struct driver {
	int fds[SURFACES_MAX]; /* of the first object of each surface, -1: none */
};

static bool plays(const char *part)
{
	const char *played = getenv("STANDIN_VA_PLAYS");

	return played && strcmp(played, part) == 0;
}

static VAStatus unimplemented(void)
{
	return VA_STATUS_ERROR_UNIMPLEMENTED;
}

static VAStatus terminate(VADriverContextP context)
{
	struct driver *driver = context->pDriverData;

	for (int i = 0; i < SURFACES_MAX; i++)
		if (driver->fds[i] >= 0)
			close(driver->fds[i]);
	free(driver);
	return VA_STATUS_SUCCESS;
}

static VAStatus create_config(VADriverContextP context, VAProfile profile, VAEntrypoint entrypoint,
			      VAConfigAttrib *attributes, int attributes_len,
			      VAConfigID *ret_config)
{
	(void)context, (void)attributes, (void)attributes_len;
	if (profile != VAProfileNone || entrypoint != VAEntrypointVideoProc)
		return VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
	*ret_config = 1;
	return VA_STATUS_SUCCESS;
}

static VAStatus destroy_config(VADriverContextP context, VAConfigID config)
{
	(void)context, (void)config;
	return VA_STATUS_SUCCESS;
}

/* ---- what it takes ---- */

static VASurfaceAttrib number(VASurfaceAttribType type, uint32_t value)
{
	return (VASurfaceAttrib){
		.type = type,
		.flags = VA_SURFACE_ATTRIB_GETTABLE | VA_SURFACE_ATTRIB_SETTABLE,
		.value = {.type = VAGenericValueTypeInteger, .value.i = (int)value}};
}

static VAStatus query_surface_attributes(VADriverContextP context, VAConfigID config,
					 VASurfaceAttrib *attributes, unsigned int *len)
{
	const bool odd = plays("odd");
	const VASurfaceAttrib all[] = {
		number(VASurfaceAttribPixelFormat, odd ? VA_FOURCC_IMC3 : VA_FOURCC_NV12),
		number(VASurfaceAttribPixelFormat, odd ? VA_FOURCC_AI44 : VA_FOURCC_BGRX),
		number(VASurfaceAttribPixelFormat, VA_FOURCC_422V), /* DRM has none */
		number(VASurfaceAttribPixelFormat, odd ? VA_FOURCC_RGBP : VA_FOURCC_I420),
		number(VASurfaceAttribMinWidth, 16),
		number(VASurfaceAttribMaxWidth, 4096),
		number(VASurfaceAttribMinHeight, 8),
		number(VASurfaceAttribMaxHeight, 65536), /* more than any picture here has */
		number(VASurfaceAttribMemoryType,
		       plays("no-dmabuf") ? VA_SURFACE_ATTRIB_MEM_TYPE_VA
					  : VA_SURFACE_ATTRIB_MEM_TYPE_VA |
						    VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2),
	};
	const unsigned int all_len = sizeof(all) / sizeof(all[0]);

	(void)context;
	if (config != 1 || plays("mute"))
		return VA_STATUS_ERROR_INVALID_CONFIG;
	if (attributes && *len < all_len)
		return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
	if (attributes)
		memcpy(attributes, all, sizeof(all));
	*len = all_len;
	return VA_STATUS_SUCCESS;
}

/* ---- surfaces ---- */

/* Rows of plane `i` of a picture, and the least bytes of one. */
static unsigned int plane_rows(const VADRMPRIMESurfaceDescriptor *descriptor, unsigned int i)
{
	bool half = descriptor->fourcc == VA_FOURCC_NV12 || descriptor->fourcc == VA_FOURCC_I420;

	return i && half ? (descriptor->height + 1) / 2 : descriptor->height;
}

static unsigned int row_bytes(const VADRMPRIMESurfaceDescriptor *descriptor, unsigned int i)
{
	if (descriptor->fourcc == VA_FOURCC_BGRX)
		return descriptor->width * 4;
	if (i && descriptor->fourcc == VA_FOURCC_I420)
		return (descriptor->width + 1) / 2;
	return descriptor->width;
}

static bool plane_fits(const VADRMPRIMESurfaceDescriptor *descriptor, unsigned int i,
		       unsigned int layer, unsigned int plane)
{
	unsigned int object = descriptor->layers[layer].object_index[plane];
	uint64_t pitch = descriptor->layers[layer].pitch[plane];
	uint64_t rows = plane_rows(descriptor, i);

	return object < descriptor->num_objects && pitch >= row_bytes(descriptor, i) &&
	       descriptor->layers[layer].offset[plane] + pitch * rows <=
		       descriptor->objects[object].size;
}

static bool object_is_there(const VADRMPRIMESurfaceDescriptor *descriptor, unsigned int i)
{
	uint32_t size = descriptor->objects[i].size;
	void *address;

	if (descriptor->objects[i].drm_format_modifier != 0)
		return false;
	if (lseek(descriptor->objects[i].fd, 0, SEEK_END) < (off_t)size)
		return false;
	address = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor->objects[i].fd, 0);
	if (address == MAP_FAILED)
		return false;
	munmap(address, size);
	return true;
}

/* On a render node for real; what else the display stands on imports nothing. */
static bool node_imports(VADriverContextP context, int fd, const char **ret_how)
{
	int node = ((struct drm_state *)context->drm_state)->fd;
	struct stat status;
	uint32_t handle;

	*ret_how = "no";
	if (fstat(node, &status) < 0 || !S_ISCHR(status.st_mode) ||
	    major(status.st_rdev) != DRM_MAJOR)
		return true;
	*ret_how = "yes";
	if (drmPrimeFDToHandle(node, fd, &handle) < 0)
		return false;
	drmCloseBufferHandle(node, handle);
	return true;
}

static bool check(VADriverContextP context, const VADRMPRIMESurfaceDescriptor *descriptor,
		  const char **ret_prime)
{
	unsigned int planes = 0;

	if (!descriptor->num_objects || descriptor->num_objects > 4 || !descriptor->num_layers ||
	    descriptor->num_layers > 4)
		return false;
	for (unsigned int i = 0; i < descriptor->num_objects; i++)
		if (!object_is_there(descriptor, i) ||
		    !node_imports(context, descriptor->objects[i].fd, ret_prime))
			return false;
	for (unsigned int i = 0; i < descriptor->num_layers; i++)
		for (unsigned int j = 0; j < descriptor->layers[i].num_planes; j++)
			if (!plane_fits(descriptor, planes++, i, j))
				return false;
	return planes == (descriptor->fourcc == VA_FOURCC_NV12	 ? 2
			  : descriptor->fourcc == VA_FOURCC_I420 ? 3
								 : 1);
}

static void record(const VADRMPRIMESurfaceDescriptor *descriptor, const char *prime)
{
	const char *path = getenv("STANDIN_VA_RECORD");
	FILE *file = path ? fopen(path, "ae") : NULL;
	struct stat status;

	if (!file)
		return;
	fprintf(file, "surface %.4s %ux%u prime %s\n", (const char *)&descriptor->fourcc,
		descriptor->width, descriptor->height, prime);
	for (unsigned int i = 0; i < descriptor->num_objects; i++)
		if (fstat(descriptor->objects[i].fd, &status) == 0)
			fprintf(file, "object inode %llu size %u modifier 0x%llx\n",
				(unsigned long long)status.st_ino, descriptor->objects[i].size,
				(unsigned long long)descriptor->objects[i].drm_format_modifier);
	for (unsigned int i = 0; i < descriptor->num_layers; i++) {
		fprintf(file, "layer %.4s", (const char *)&descriptor->layers[i].drm_format);
		for (unsigned int j = 0; j < descriptor->layers[i].num_planes; j++)
			fprintf(file, " %u:%u+%u", descriptor->layers[i].object_index[j],
				descriptor->layers[i].offset[j], descriptor->layers[i].pitch[j]);
		fprintf(file, "\n");
	}
	fclose(file);
}

static const VADRMPRIMESurfaceDescriptor *find_descriptor(const VASurfaceAttrib *attributes,
							  unsigned int len)
{
	const VADRMPRIMESurfaceDescriptor *descriptor = NULL;
	bool prime = false;

	for (unsigned int i = 0; i < len; i++) {
		if (attributes[i].type == VASurfaceAttribMemoryType)
			prime = (uint32_t)attributes[i].value.value.i ==
				VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2;
		if (attributes[i].type == VASurfaceAttribExternalBufferDescriptor)
			descriptor = attributes[i].value.value.p;
	}
	return prime ? descriptor : NULL;
}

static unsigned int kind_of(uint32_t fourcc)
{
	return fourcc == VA_FOURCC_BGRX ? VA_RT_FORMAT_RGB32 : VA_RT_FORMAT_YUV420;
}

static VAStatus create_surfaces(VADriverContextP context, unsigned int format, unsigned int width,
				unsigned int height, VASurfaceID *surfaces, unsigned int len,
				VASurfaceAttrib *attributes, unsigned int attributes_len)
{
	struct driver *driver = context->pDriverData;
	const VADRMPRIMESurfaceDescriptor *descriptor = find_descriptor(attributes, attributes_len);
	const char *prime = "no";

	if (!descriptor)
		return VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE;
	if (plays("full"))
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	if (format != kind_of(descriptor->fourcc))
		return VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT;
	if (len != 1 || width != descriptor->width || height != descriptor->height ||
	    plays("choosy") || !check(context, descriptor, &prime))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	for (unsigned int i = 0; i < SURFACES_MAX; i++)
		if (driver->fds[i] < 0) {
			driver->fds[i] = dup(descriptor->objects[0].fd);
			surfaces[0] = i;
			record(descriptor, prime);
			return VA_STATUS_SUCCESS;
		}
	return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

static bool is_surface(const struct driver *driver, VASurfaceID surface)
{
	return surface < SURFACES_MAX && driver->fds[surface] >= 0;
}

static VAStatus destroy_surfaces(VADriverContextP context, VASurfaceID *surfaces, int len)
{
	struct driver *driver = context->pDriverData;

	for (int i = 0; i < len; i++) {
		if (!is_surface(driver, surfaces[i]))
			return VA_STATUS_ERROR_INVALID_SURFACE;
		close(driver->fds[surfaces[i]]);
		driver->fds[surfaces[i]] = -1;
	}
	return VA_STATUS_SUCCESS;
}

static VAStatus sync_surface(VADriverContextP context, VASurfaceID surface)
{
	return is_surface(context->pDriverData, surface) ? VA_STATUS_SUCCESS
							 : VA_STATUS_ERROR_INVALID_SURFACE;
}

/* ---- libva ---- */

#define INIT_NAME(major, minor) INIT_NAME2(major, minor)
#define INIT_NAME2(major, minor) __vaDriverInit_##major##_##minor
#define INIT INIT_NAME(VA_MAJOR_VERSION, VA_MINOR_VERSION)

VAStatus INIT(VADriverContextP context);

__attribute__((visibility("default"))) VAStatus INIT(VADriverContextP context)
{
	struct VADriverVTable *table = context->vtable;
	struct driver *driver = malloc(sizeof(*driver));
	VAStatus (*none)(void) = unimplemented;

	if (!driver)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	for (int i = 0; i < SURFACES_MAX; i++)
		driver->fds[i] = -1;
	context->pDriverData = driver;
	context->version_major = VA_MAJOR_VERSION;
	context->version_minor = VA_MINOR_VERSION;
	context->max_profiles = context->max_entrypoints = context->max_attributes = 1;
	context->max_image_formats = context->max_subpic_formats = 1;
	context->str_vendor = "stand-in of dmabroker's tests: no driver, decodes nothing";
	/* libva wants a function for each call; whatever we do not need is said to be missing */
	for (size_t at = 0; at < offsetof(struct VADriverVTable, reserved); at += sizeof(none))
		memcpy((char *)table + at, &none, sizeof(none));
	table->vaTerminate = terminate;
	table->vaCreateConfig = create_config;
	table->vaDestroyConfig = destroy_config;
	table->vaQuerySurfaceAttributes = query_surface_attributes;
	table->vaCreateSurfaces2 = create_surfaces;
	table->vaDestroySurfaces = destroy_surfaces;
	table->vaSyncSurface = sync_surface;
	return VA_STATUS_SUCCESS;
}
