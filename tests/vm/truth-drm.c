/* SPDX-License-Identifier: MIT */
/*
 * Real imports by DRM. Of vkms the picture that the display shows is seen, too: its checksum has to
 * be that of the same picture in a buffer of the card's own.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "tests/vm/truth.h"

#define SEED 7u
#define CRC_MS 10000

static int add_framebuffer(int fd, const struct truth_picture *picture, uint32_t handle,
			   uint32_t *ret_id)
{
	uint32_t handles[4] = {0}, pitches[4] = {0}, offsets[4] = {0};

	for (unsigned int i = 0; i < picture->layout.planes_len; i++) {
		handles[i] = handle;
		pitches[i] = picture->layout.stride[i];
		offsets[i] = (uint32_t)picture->layout.offset[i];
	}
	return drmModeAddFB2(fd, picture->width, picture->height, picture->fourcc, handles, pitches,
			     offsets, ret_id, 0);
}

/* --- what a display shows --- */

static int find_output(int fd, uint32_t *ret_crtc, uint32_t *ret_connector,
		       drmModeModeInfo *ret_mode)
{
	drmModeRes *resources = drmModeGetResources(fd);
	drmModeConnector *connector = NULL;
	int error = -ENOENT;

	if (!resources)
		return -errno;
	for (int i = 0; i < resources->count_connectors && error; i++) {
		drmModeFreeConnector(connector);
		connector = drmModeGetConnector(fd, resources->connectors[i]);
		if (!connector || connector->connection != DRM_MODE_CONNECTED ||
		    !connector->count_modes || !resources->count_crtcs)
			continue;
		*ret_crtc = resources->crtcs[0];
		*ret_connector = connector->connector_id;
		*ret_mode = connector->modes[0];
		error = 0;
	}
	drmModeFreeConnector(connector);
	drmModeFreeResources(resources);
	return error;
}

static int crc_file(int fd, const char *name, int flags)
{
	struct stat status;
	char path[128];
	int file;

	if (fstat(fd, &status) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/crtc-0/crc/%s",
		 minor(status.st_rdev), name);
	file = open(path, flags | O_CLOEXEC);
	return file < 0 ? -errno : file;
}

/* The checksum of the third frame from now: the first may be one of before. */
static int read_crc(int fd, char crc[64])
{
	int control = crc_file(fd, "control", O_WRONLY), data, error = 0;

	if (control < 0)
		return control;
	if (write(control, "auto", 4) != 4)
		error = -errno;
	close(control);
	data = error ? error : crc_file(fd, "data", O_RDONLY);
	if (data < 0)
		return data;
	for (int i = 0; i < 3 && !error; i++) {
		ssize_t len = read(data, crc, 63);

		error = len <= 0 ? -EIO : 0;
		crc[len > 0 ? len : 0] = '\0';
	}
	close(data);
	/* "0x0000002a 0x12345678\n": frame number and checksum */
	if (!error && strchr(crc, ' '))
		memmove(crc, strchr(crc, ' '), strlen(strchr(crc, ' ')) + 1);
	return error;
}

static int show(int fd, uint32_t framebuffer, const struct truth_picture *picture, char crc[64])
{
	uint32_t crtc = 0, connector = 0;
	drmModeModeInfo mode;
	int error = find_output(fd, &crtc, &connector, &mode);

	if (error)
		return error;
	if (mode.hdisplay > picture->width || mode.vdisplay > picture->height)
		return -ERANGE;
	if (drmModeSetCrtc(fd, crtc, framebuffer, 0, 0, &connector, 1, &mode) < 0)
		return -errno;
	error = read_crc(fd, crc);
	drmModeSetCrtc(fd, crtc, 0, 0, 0, NULL, 0, NULL);
	return error;
}

/* The same picture from a buffer of the card's own. */
static int show_own(int fd, const struct truth_picture *picture, char crc[64])
{
	struct drm_mode_create_dumb create = {
		.width = picture->layout.stride[0] / 4, .height = picture->height, .bpp = 32};
	struct drm_mode_map_dumb map = {0};
	uint32_t framebuffer, value = SEED;
	char *address;
	int error;

	if (drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0)
		return -errno;
	map.handle = create.handle;
	if (create.pitch != picture->layout.stride[0] ||
	    drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0)
		return -ERANGE;
	address =
		mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
	if (address == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i + 4 <= picture->bytes && i + 4 <= create.size; i += 4) {
		value = value * 1664525u + 1013904223u;
		memcpy(address + i, &value, 4);
	}
	munmap(address, create.size);
	if (add_framebuffer(fd, picture, create.handle, &framebuffer) < 0)
		return -errno;
	error = show(fd, framebuffer, picture, crc);
	drmModeRmFB(fd, framebuffer);
	drmModeDestroyDumbBuffer(fd, create.handle);
	return error;
}

static void see_display(int fd, const struct truth_picture *picture, int buffer,
			uint32_t framebuffer, struct truth_answer *answer)
{
	char own[64], foreign[64];

	if (picture->fourcc != DRM_FORMAT_XRGB8888 || show_own(fd, picture, own) ||
	    truth_fill(buffer, picture->bytes, SEED) || show(fd, framebuffer, picture, foreign))
		return;
	answer->data = strcmp(own, foreign) == 0 ? TRUTH_DATA_RIGHT : TRUTH_DATA_WRONG;
}

/* --- all --- */

int truth_import_drm(const struct device *device, const struct truth_picture *picture, int buffer,
		     uint64_t buffer_bytes, bool see_data, struct truth_answer *answer)
{
	int fd = open(device->node, O_RDWR | O_CLOEXEC);
	uint64_t before = truth_bounced_slots();
	uint32_t handle, framebuffer;
	bool render;

	(void)buffer_bytes;
	if (fd < 0)
		return -errno;
	render = drmGetNodeTypeFromFd(fd) == DRM_NODE_RENDER;
	answer->taken = true;
	if (drmPrimeFDToHandle(fd, buffer, &handle) < 0) {
		truth_refuse(answer, "PRIME_FD_TO_HANDLE", errno);
		close(fd);
		return 0;
	}
	answer->bounced = truth_bounced_slots() > before;
	if (!render && add_framebuffer(fd, picture, handle, &framebuffer) < 0) {
		truth_refuse(answer, "ADDFB2", errno);
	} else if (!render) {
		if (see_data)
			see_display(fd, picture, buffer, framebuffer, answer);
		drmModeRmFB(fd, framebuffer);
	}
	drmCloseBufferHandle(fd, handle);
	close(fd);
	return 0;
}
