/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker-va, a library of its own: what a VA driver takes as constraints of a participant,
 * and a buffer as a surface. It knows libdmabroker by its public header only.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmabroker-va.h>

#include "libclient/helper.h"

#define PLANES_MAX 4
#define PIXELS_MAX 32768 /* of the keys width-max and height-max */

struct dmabroker_va {
	VADisplay display; /* borrowed, or NULL */
	char text[512];
};

/* ---- names ---- */

#define CODE(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))
#define R8 CODE('R', '8', ' ', ' ')
#define GR88 CODE('G', 'R', '8', '8')
#define R16 CODE('R', '1', '6', ' ')
#define GR1616 CODE('G', 'R', '3', '2')

/* One format: VA's name, DRM's, the kind of surface, and DRM's name for each plane by itself; a
 * packed format has one plane, which is the whole. */
struct name {
	uint32_t va;
	uint32_t drm;
	uint32_t rt_format;
	uint32_t planes[PLANES_MAX];
};

/* The pairs are those of broker/model/format.c; a test compares. */
static const struct name names[] = {
	{VA_FOURCC_Y800, R8, VA_RT_FORMAT_YUV400, {0}},
	{VA_FOURCC_Y16, R16, VA_RT_FORMAT_YUV400, {0}},
	{VA_FOURCC_RGB565, CODE('R', 'G', '1', '6'), VA_RT_FORMAT_RGB16, {0}},
	{VA_FOURCC_BGR565, CODE('B', 'G', '1', '6'), VA_RT_FORMAT_RGB16, {0}},
	{VA_FOURCC_BGRX, CODE('X', 'R', '2', '4'), VA_RT_FORMAT_RGB32, {0}},
	{VA_FOURCC_RGBX, CODE('X', 'B', '2', '4'), VA_RT_FORMAT_RGB32, {0}},
	{VA_FOURCC_XBGR, CODE('R', 'X', '2', '4'), VA_RT_FORMAT_RGB32, {0}},
	{VA_FOURCC_XRGB, CODE('B', 'X', '2', '4'), VA_RT_FORMAT_RGB32, {0}},
	{VA_FOURCC_BGRA, CODE('A', 'R', '2', '4'), VA_RT_FORMAT_RGB32, {0}},
	{VA_FOURCC_RGBA, CODE('A', 'B', '2', '4'), VA_RT_FORMAT_RGB32, {0}},
	{VA_FOURCC_ABGR, CODE('R', 'A', '2', '4'), VA_RT_FORMAT_RGB32, {0}},
	{VA_FOURCC_ARGB, CODE('B', 'A', '2', '4'), VA_RT_FORMAT_RGB32, {0}},
	{VA_FOURCC_X2R10G10B10, CODE('X', 'R', '3', '0'), VA_RT_FORMAT_RGB32_10, {0}},
	{VA_FOURCC_X2B10G10R10, CODE('X', 'B', '3', '0'), VA_RT_FORMAT_RGB32_10, {0}},
	{VA_FOURCC_A2R10G10B10, CODE('A', 'R', '3', '0'), VA_RT_FORMAT_RGB32_10, {0}},
	{VA_FOURCC_A2B10G10R10, CODE('A', 'B', '3', '0'), VA_RT_FORMAT_RGB32_10, {0}},
	{VA_FOURCC_AYUV, CODE('A', 'Y', 'U', 'V'), VA_RT_FORMAT_YUV444, {0}},
	{VA_FOURCC_XYUV, CODE('X', 'Y', 'U', 'V'), VA_RT_FORMAT_YUV444, {0}},
	{VA_FOURCC_Y410, CODE('Y', '4', '1', '0'), VA_RT_FORMAT_YUV444_10, {0}},
	{VA_FOURCC_Y412, CODE('Y', '4', '1', '2'), VA_RT_FORMAT_YUV444_12, {0}},
	{VA_FOURCC_Y416, CODE('Y', '4', '1', '6'), VA_RT_FORMAT_YUV444_12, {0}},
	{VA_FOURCC_YUY2, CODE('Y', 'U', 'Y', 'V'), VA_RT_FORMAT_YUV422, {0}},
	{VA_FOURCC_YVYU, CODE('Y', 'V', 'Y', 'U'), VA_RT_FORMAT_YUV422, {0}},
	{VA_FOURCC_UYVY, CODE('U', 'Y', 'V', 'Y'), VA_RT_FORMAT_YUV422, {0}},
	{VA_FOURCC_VYUY, CODE('V', 'Y', 'U', 'Y'), VA_RT_FORMAT_YUV422, {0}},
	{VA_FOURCC_Y210, CODE('Y', '2', '1', '0'), VA_RT_FORMAT_YUV422_10, {0}},
	{VA_FOURCC_Y212, CODE('Y', '2', '1', '2'), VA_RT_FORMAT_YUV422_12, {0}},
	{VA_FOURCC_Y216, CODE('Y', '2', '1', '6'), VA_RT_FORMAT_YUV422_12, {0}},
	{VA_FOURCC_NV12, CODE('N', 'V', '1', '2'), VA_RT_FORMAT_YUV420, {R8, GR88}},
	{VA_FOURCC_NV21, CODE('N', 'V', '2', '1'), VA_RT_FORMAT_YUV420, {R8, GR88}},
	{VA_FOURCC_P208, CODE('N', 'V', '1', '6'), VA_RT_FORMAT_YUV422, {R8, GR88}},
	{VA_FOURCC_P010, CODE('P', '0', '1', '0'), VA_RT_FORMAT_YUV420_10, {R16, GR1616}},
	{VA_FOURCC_P012, CODE('P', '0', '1', '2'), VA_RT_FORMAT_YUV420_12, {R16, GR1616}},
	{VA_FOURCC_P016, CODE('P', '0', '1', '6'), VA_RT_FORMAT_YUV420_12, {R16, GR1616}},
	{VA_FOURCC_411P, CODE('Y', 'U', '1', '1'), VA_RT_FORMAT_YUV411, {R8, R8, R8}},
	{VA_FOURCC_I420, CODE('Y', 'U', '1', '2'), VA_RT_FORMAT_YUV420, {R8, R8, R8}},
	{VA_FOURCC_YV12, CODE('Y', 'V', '1', '2'), VA_RT_FORMAT_YUV420, {R8, R8, R8}},
	{VA_FOURCC_422H, CODE('Y', 'U', '1', '6'), VA_RT_FORMAT_YUV422, {R8, R8, R8}},
	{VA_FOURCC_YV16, CODE('Y', 'V', '1', '6'), VA_RT_FORMAT_YUV422, {R8, R8, R8}},
	{VA_FOURCC_444P, CODE('Y', 'U', '2', '4'), VA_RT_FORMAT_YUV444, {R8, R8, R8}},
	{VA_FOURCC_YV24, CODE('Y', 'V', '2', '4'), VA_RT_FORMAT_YUV444, {R8, R8, R8}},
};

#define NAMES_LEN (sizeof(names) / sizeof(names[0]))

static const struct name *find_name(uint32_t va_fourcc)
{
	for (size_t i = 0; i < NAMES_LEN; i++)
		if (names[i].va == va_fourcc)
			return &names[i];
	return NULL;
}

static const struct name *find_drm_name(uint32_t drm_format)
{
	for (size_t i = 0; i < NAMES_LEN; i++)
		if (names[i].drm == drm_format)
			return &names[i];
	return NULL;
}

/* ---- the object ---- */

int dmabroker_va_create(VADisplay display, struct dmabroker_va **ret_va)
{
	struct dmabroker_va *va = calloc(1, sizeof(*va));

	if (!va)
		return -ENOMEM;
	va->display = display;
	*ret_va = va;
	return 0;
}

void dmabroker_va_destroy(struct dmabroker_va *va)
{
	free(va);
}

const char *dmabroker_va_get_error_text(const struct dmabroker_va *va)
{
	return va->text;
}

__attribute__((format(printf, 3, 4))) static int fail(struct dmabroker_va *va, int number,
						      const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(va->text, sizeof(va->text), format, arguments);
	va_end(arguments);
	return number;
}

static int errno_of(VAStatus status)
{
	switch (status) {
	case VA_STATUS_ERROR_ALLOCATION_FAILED:
		return -ENOMEM;
	case VA_STATUS_ERROR_UNIMPLEMENTED:
	case VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT:
	case VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE:
	case VA_STATUS_ERROR_ATTR_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case VA_STATUS_ERROR_INVALID_PARAMETER:
	case VA_STATUS_ERROR_INVALID_VALUE:
	case VA_STATUS_ERROR_INVALID_SURFACE:
	case VA_STATUS_ERROR_INVALID_IMAGE_FORMAT:
	case VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static int check_display(struct dmabroker_va *va)
{
	return va->display
		       ? 0
		       : fail(va, -EINVAL, "there is no VA display: dmabroker_va_create got none");
}

/* ---- what a driver takes ---- */

/* What vaQuerySurfaceAttributes says that a participant has keys for. */
struct capabilities {
	VASurfaceAttrib *attributes;
	unsigned int attributes_len;
	uint32_t memory_types;
	int width_min, width_max, height_min, height_max; /* 0: not told */
};

static int query(struct dmabroker_va *va, VAConfigID config, struct capabilities *capabilities)
{
	unsigned int len = 0;
	VAStatus status = vaQuerySurfaceAttributes(va->display, config, NULL, &len);

	if (status == VA_STATUS_SUCCESS) {
		capabilities->attributes = calloc(len ? len : 1, sizeof(VASurfaceAttrib));
		if (!capabilities->attributes)
			return fail(va, -ENOMEM, "no memory for %u attributes", len);
		status = vaQuerySurfaceAttributes(va->display, config, capabilities->attributes,
						  &len);
	}
	if (status != VA_STATUS_SUCCESS)
		return fail(va, -EIO, "vaQuerySurfaceAttributes: %s", vaErrorStr(status));
	capabilities->attributes_len = len;
	return 0;
}

static void read_attributes(struct capabilities *capabilities)
{
	for (unsigned int i = 0; i < capabilities->attributes_len; i++) {
		int value = capabilities->attributes[i].value.value.i;

		switch (capabilities->attributes[i].type) {
		case VASurfaceAttribMemoryType:
			capabilities->memory_types = (uint32_t)value;
			break;
		case VASurfaceAttribMinWidth:
			capabilities->width_min = value;
			break;
		case VASurfaceAttribMaxWidth:
			capabilities->width_max = value;
			break;
		case VASurfaceAttribMinHeight:
			capabilities->height_min = value;
			break;
		case VASurfaceAttribMaxHeight:
			capabilities->height_max = value;
			break;
		default:
			break;
		}
	}
}

/* The format of attribute i by both names, or NULL: it is another attribute, or DRM has none. */
static const struct name *attribute_name(const struct capabilities *capabilities, unsigned int i)
{
	const VASurfaceAttrib *attribute = &capabilities->attributes[i];

	return attribute->type == VASurfaceAttribPixelFormat
		       ? find_name((uint32_t)attribute->value.value.i)
		       : NULL;
}

static bool has_format(const struct capabilities *capabilities)
{
	for (unsigned int i = 0; i < capabilities->attributes_len; i++)
		if (attribute_name(capabilities, i))
			return true;
	return false;
}

static int check_capabilities(struct dmabroker_va *va, const struct capabilities *capabilities)
{
	if (!(capabilities->memory_types & VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2))
		return fail(va, -EOPNOTSUPP,
			    "the driver does not import dma-bufs by descriptor (DRM_PRIME_2): its "
			    "memory types are 0x%08x",
			    capabilities->memory_types);
	if (!has_format(capabilities))
		return fail(va, -EOPNOTSUPP,
			    "the driver names no pixel format that DRM has a name for");
	return 0;
}

static int check_participant(struct dmabroker_va *va, const struct dmabroker_record *participant)
{
	const char *role;

	if (dmabroker_record_get_type(participant, "camping") < 0)
		return fail(va, -EINVAL, "the record is no participant of a request");
	role = dmabroker_record_get_string(participant, "role");
	if (role && strcmp(role, "render") != 0)
		return fail(va, -EINVAL,
			    "the participant's role is %s: a VA driver works on a render node, "
			    "whose role is render",
			    role);
	if (dmabroker_record_get_len(participant, "formats"))
		return fail(va, -EEXIST, "the participant has formats already");
	return 0;
}

/* A size that the driver did not tell, or that no picture has, stays unsaid. */
static int set_size(struct dmabroker_record *participant, const char *key, int value)
{
	if (value < 1 || value > PIXELS_MAX)
		return 0;
	return dmabroker_record_set_uint(participant, key, (uint64_t)value);
}

static int say(struct dmabroker_record *participant, const struct capabilities *capabilities)
{
	int error = 0;

	for (unsigned int i = 0; i < capabilities->attributes_len && !error; i++)
		if (attribute_name(capabilities, i))
			error = dmabroker_record_add_format(
				participant, "formats", attribute_name(capabilities, i)->drm, 0);
	if (!error)
		error = set_size(participant, "width-min", capabilities->width_min);
	if (!error)
		error = set_size(participant, "width-max", capabilities->width_max);
	if (!error)
		error = set_size(participant, "height-min", capabilities->height_min);
	if (!error)
		error = set_size(participant, "height-max", capabilities->height_max);
	if (!error)
		error = helper_say_stride(participant);
	return error;
}

int dmabroker_va_declare(struct dmabroker_va *va, VAConfigID config,
			 struct dmabroker_record *participant)
{
	struct capabilities capabilities = {.attributes = NULL};
	int error = check_participant(va, participant);

	if (!error)
		error = check_display(va);
	if (!error)
		error = query(va, config, &capabilities);
	if (!error) {
		read_attributes(&capabilities);
		error = check_capabilities(va, &capabilities);
	}
	if (!error) {
		error = say(participant, &capabilities);
		if (error)
			fail(va, error, "cannot say what the driver takes: %s", strerror(-error));
	}
	free(capabilities.attributes);
	return error;
}

/* ---- a buffer as a descriptor ---- */

/* A number of the plan that has to fit a field of 32 bit; `*error` stays what it is, if it is one
 * already. */
static uint32_t number(struct dmabroker_va *va, const struct dmabroker_record *record,
		       const char *key, int *error)
{
	uint64_t value = 0;

	if (*error)
		return 0;
	if (dmabroker_record_get_uint(record, key, &value) < 0)
		*error = fail(va, -EINVAL, "the plan does not say %s", key);
	else if (value > UINT32_MAX)
		*error = fail(va, -EOVERFLOW, "%s is %llu, and a descriptor has 32 bit for it", key,
			      (unsigned long long)value);
	return (uint32_t)value;
}

/* The names of the participant's format, which VA may not have. */
static int find_names(struct dmabroker_va *va, const struct dmabroker_record *view,
		      const char *participant, const struct name **ret_name)
{
	const char *role = dmabroker_record_get_string(view, "role");
	uint64_t va_fourcc, drm_format = 0;
	const struct name *name;
	char text[HELPER_FOURCC_BYTES];

	if (!role || strcmp(role, "render") != 0)
		return fail(va, -EINVAL,
			    "%s has the role %s: only what a render node sees can be a VA surface",
			    participant, role ? role : "unknown");
	(void)dmabroker_record_get_uint(view, "drm-format", &drm_format);
	/* absent where the layout is not linear, too: the name is the same there */
	if (dmabroker_record_get_uint(view, "va-fourcc", &va_fourcc) == 0)
		name = find_name((uint32_t)va_fourcc);
	else
		name = find_drm_name((uint32_t)drm_format);
	if (!name)
		return fail(va, -EOPNOTSUPP, "VA has no name for the format %s of %s",
			    helper_fourcc_text((uint32_t)drm_format, text), participant);
	*ret_name = name;
	return 0;
}

static int put_objects(struct dmabroker_va *va, const struct dmabroker_buffer *buffer,
		       const struct dmabroker_record *view, VADRMPRIMESurfaceDescriptor *descriptor)
{
	size_t len = dmabroker_buffer_get_memory_count(buffer);
	uint64_t modifier = 0, bytes;
	int error = 0;

	(void)dmabroker_record_get_uint(view, "drm-modifier", &modifier);
	descriptor->num_objects = (uint32_t)len;
	for (size_t i = 0; i < len && i < PLANES_MAX; i++) {
		bytes = dmabroker_buffer_get_bytes(buffer, i);
		if (bytes > UINT32_MAX)
			return fail(
				va, -EOVERFLOW,
				"a memory object has %llu bytes, and a descriptor 32 bit for it",
				(unsigned long long)bytes);
		descriptor->objects[i].fd = dmabroker_buffer_get_fd(buffer, i);
		descriptor->objects[i].size = (uint32_t)bytes;
		descriptor->objects[i].drm_format_modifier = modifier;
	}
	descriptor->objects[0].size = number(va, view, "va-object-bytes", &error);
	return error;
}

/* Plane i of the view, as plane `plane` of a layer. */
static int put_plane(struct dmabroker_va *va, const struct dmabroker_record *view, size_t i,
		     VADRMPRIMESurfaceDescriptor *descriptor, uint32_t layer, uint32_t plane)
{
	const struct dmabroker_record *record;
	int error = dmabroker_record_get_record(view, "drm-planes", i, &record);
	uint64_t memory = 0;

	if (error)
		return error;
	(void)dmabroker_record_get_uint(record, "memory", &memory);
	if (memory >= descriptor->num_objects)
		return fail(va, -EINVAL, "plane %zu lies in memory object %llu of %u", i,
			    (unsigned long long)memory, descriptor->num_objects);
	descriptor->layers[layer].object_index[plane] = (uint32_t)memory;
	descriptor->layers[layer].offset[plane] = number(va, record, "offset", &error);
	descriptor->layers[layer].pitch[plane] = number(va, record, "stride", &error);
	return error;
}

static int put_layers(struct dmabroker_va *va, const struct dmabroker_record *view,
		      const struct name *name, bool separate,
		      VADRMPRIMESurfaceDescriptor *descriptor)
{
	size_t len = dmabroker_record_get_len(view, "drm-planes");
	int error = 0;

	if (!len || len > PLANES_MAX)
		return fail(va, -EINVAL, "the plan has %zu planes, and a descriptor 1 to %d", len,
			    PLANES_MAX);
	if (separate && len > 1 &&
	    (!name->planes[len - 1] || (len < PLANES_MAX && name->planes[len])))
		return fail(va, -EOPNOTSUPP,
			    "the %zu planes of this modifier have no names of their own: ask for "
			    "composed layers",
			    len);
	descriptor->num_layers = separate ? (uint32_t)len : 1;
	for (uint32_t i = 0; i < len && !error; i++) {
		uint32_t layer = separate ? i : 0;

		descriptor->layers[layer].drm_format = separate && name->planes[0] ? name->planes[i]
										   : name->drm;
		descriptor->layers[layer].num_planes++;
		error = put_plane(va, view, i, descriptor, layer, separate ? 0 : i);
	}
	return error;
}

static int describe(struct dmabroker_va *va, const struct dmabroker_buffer *buffer,
		    const char *participant, enum dmabroker_va_layers layers,
		    VADRMPRIMESurfaceDescriptor *descriptor, const struct name **ret_name)
{
	const struct dmabroker_record *plan = dmabroker_buffer_get_plan(buffer);
	const struct dmabroker_record *view = helper_find_view(plan, participant);
	int error;

	memset(descriptor, 0, sizeof(*descriptor));
	if (layers != DMABROKER_VA_LAYERS_COMPOSED && layers != DMABROKER_VA_LAYERS_SEPARATE)
		return fail(va, -EINVAL, "layers are composed or separate, not %d", (int)layers);
	if (!view)
		return fail(va, -ENOENT, "the plan has no participant called %s", participant);
	error = find_names(va, view, participant, ret_name);
	if (error)
		return error;
	descriptor->fourcc = (*ret_name)->va;
	descriptor->width = number(va, plan, "width", &error);
	descriptor->height = number(va, plan, "height", &error);
	if (!error)
		error = put_objects(va, buffer, view, descriptor);
	if (!error)
		error = put_layers(va, view, *ret_name, layers == DMABROKER_VA_LAYERS_SEPARATE,
				   descriptor);
	return error;
}

int dmabroker_va_describe(struct dmabroker_va *va, const struct dmabroker_buffer *buffer,
			  const char *participant, enum dmabroker_va_layers layers,
			  VADRMPRIMESurfaceDescriptor *ret_descriptor)
{
	VADRMPRIMESurfaceDescriptor descriptor;
	const struct name *name;
	int error = describe(va, buffer, participant, layers, &descriptor, &name);

	if (!error)
		*ret_descriptor = descriptor;
	return error;
}

/* ---- a buffer as a surface ---- */

int dmabroker_va_import(struct dmabroker_va *va, const struct dmabroker_buffer *buffer,
			const char *participant, enum dmabroker_va_layers layers,
			VASurfaceID *ret_surface)
{
	VADRMPRIMESurfaceDescriptor descriptor;
	VASurfaceAttrib attributes[] = {
		{.type = VASurfaceAttribMemoryType,
		 .flags = VA_SURFACE_ATTRIB_SETTABLE,
		 .value = {.type = VAGenericValueTypeInteger,
			   .value.i = VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2}},
		{.type = VASurfaceAttribExternalBufferDescriptor,
		 .flags = VA_SURFACE_ATTRIB_SETTABLE,
		 .value = {.type = VAGenericValueTypePointer, .value.p = &descriptor}},
	};
	const struct name *name;
	char text[HELPER_FOURCC_BYTES];
	VASurfaceID surface;
	VAStatus status;
	int error = check_display(va);

	if (!error)
		error = describe(va, buffer, participant, layers, &descriptor, &name);
	if (error)
		return error;
	status = vaCreateSurfaces(va->display, name->rt_format, descriptor.width, descriptor.height,
				  &surface, 1, attributes, 2);
	if (status != VA_STATUS_SUCCESS)
		return fail(va, errno_of(status),
			    "vaCreateSurfaces refuses %ux%u of %s, stride %u, modifier 0x%llx: %s",
			    descriptor.width, descriptor.height, helper_fourcc_text(name->va, text),
			    descriptor.layers[0].pitch[0],
			    (unsigned long long)descriptor.objects[0].drm_format_modifier,
			    vaErrorStr(status));
	*ret_surface = surface;
	return 0;
}
