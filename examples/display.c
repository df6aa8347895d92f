/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>

#include "die.h"
#include "display.h"

/* ---- Finding ---- */

/* The id of an object's property and its value; 0: it has no such property. */
static uint32_t find_property(int fd, uint32_t object, const char *name, uint64_t *ret_value)
{
	drmModeObjectProperties *all = drmModeObjectGetProperties(fd, object, DRM_MODE_OBJECT_ANY);
	uint32_t id = 0;

	for (uint32_t i = 0; all && !id && i < all->count_props; i++) {
		drmModePropertyRes *one = drmModeGetProperty(fd, all->props[i]);

		if (one && strcmp(one->name, name) == 0) {
			id = one->prop_id;
			*ret_value = all->prop_values[i];
		}
		drmModeFreeProperty(one);
	}
	drmModeFreeObjectProperties(all);
	return id;
}

/* Which CRTCs can feed a connector, as bits. */
static uint32_t crtcs_of(int fd, const drmModeConnector *connector)
{
	drmModeEncoder *encoder =
		connector->count_encoders ? drmModeGetEncoder(fd, connector->encoders[0]) : NULL;
	uint32_t crtcs = encoder ? encoder->possible_crtcs : 0;

	drmModeFreeEncoder(encoder);
	return crtcs;
}

static bool find_mode(struct display *display, const drmModeConnector *connector, uint32_t width,
		      uint32_t height)
{
	for (int i = 0; i < connector->count_modes; i++) {
		display->mode = connector->modes[i];
		if (display->mode.hdisplay == width && display->mode.vdisplay == height)
			return true;
	}
	return false;
}

/* Finds a monitor with the right mode and the writeback connector of the same CRTC, if there is
 * one. Returns the number of that CRTC, or -1. */
static int find_connectors(struct display *display, const drmModeRes *res, uint32_t width,
			   uint32_t height)
{
	uint32_t crtcs = 0, writeback_crtcs = 0;

	display->connector = display->writeback = 0;
	for (int i = 0; i < res->count_connectors; i++) {
		drmModeConnector *one = drmModeGetConnector(display->fd, res->connectors[i]);

		if (one && one->connector_type == DRM_MODE_CONNECTOR_WRITEBACK) {
			display->writeback = one->connector_id;
			writeback_crtcs = crtcs_of(display->fd, one);
		} else if (one && one->connection == DRM_MODE_CONNECTED && !display->connector &&
			   find_mode(display, one, width, height)) {
			display->connector = one->connector_id;
			crtcs = crtcs_of(display->fd, one);
		}
		drmModeFreeConnector(one);
	}
	if (crtcs & writeback_crtcs)
		crtcs &= writeback_crtcs;
	else
		display->writeback = 0;
	return ffs((int)crtcs) - 1;
}

static uint32_t find_primary_plane(int fd, int crtc_number)
{
	drmModePlaneRes *planes = drmModeGetPlaneResources(fd);
	uint32_t found = 0;

	for (uint32_t i = 0; planes && !found && i < planes->count_planes; i++) {
		drmModePlane *plane = drmModeGetPlane(fd, planes->planes[i]);
		uint64_t type;

		if (plane && (plane->possible_crtcs & (1u << crtc_number)) &&
		    find_property(fd, plane->plane_id, "type", &type) &&
		    type == DRM_PLANE_TYPE_PRIMARY)
			found = plane->plane_id;
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(planes);
	return found;
}

static bool find_outputs(struct display *display, uint32_t width, uint32_t height)
{
	drmModeRes *res = drmModeGetResources(display->fd);
	int crtc_number = res ? find_connectors(display, res, width, height) : -1;

	if (crtc_number >= 0) {
		display->crtc = res->crtcs[crtc_number];
		display->plane = find_primary_plane(display->fd, crtc_number);
	}
	drmModeFreeResources(res);
	return crtc_number >= 0 && display->plane;
}

static bool set_capabilities(int fd)
{
	if (drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1) < 0)
		return false;
	drmSetClientCap(fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1); /* or do without */
	return true;
}

static bool is_named(struct display *display, const char *name)
{
	drmVersion *version = drmGetVersion(display->fd);

	snprintf(display->name, sizeof(display->name), "%s", version ? version->name : "");
	drmFreeVersion(version);
	return strstr(display->name, name);
}

static bool open_if(struct display *display, const char *node, const char *name, uint32_t width,
		    uint32_t height)
{
	display->fd = open(node, O_RDWR | O_CLOEXEC);
	if (display->fd < 0)
		return false;
	snprintf(display->node, sizeof(display->node), "%s", node);
	if (is_named(display, name) && set_capabilities(display->fd) &&
	    find_outputs(display, width, height))
		return true;
	close(display->fd);
	return false;
}

static bool find_card(struct display *display, const char *name, uint32_t width, uint32_t height,
		      bool needs_writeback)
{
	char node[64];

	for (unsigned int i = 0; i < 16; i++) {
		snprintf(node, sizeof(node), "/dev/dri/card%u", i);
		if (!open_if(display, node, name, width, height))
			continue;
		if (display->writeback || !needs_writeback)
			return true;
		close(display->fd);
	}
	return false;
}

void display_find(struct display *display, const char *wanted, uint32_t width, uint32_t height)
{
	bool found;

	if (wanted[0] == '/')
		found = open_if(display, wanted, "", width, height);
	else
		found = find_card(display, wanted, width, height, true) ||
			find_card(display, wanted, width, height, false);
	if (!found)
		die("found no display%s%s with a mode of %ux%u", *wanted ? " " : "", wanted, width,
		    height);
	printf("%-8s %s (%s%s)\n", "display", display->node, display->name,
	       display->writeback ? ", with writeback" : "");
}

/* ---- Showing ---- */

static void set(struct display *display, drmModeAtomicReq *request, uint32_t object,
		const char *name, uint64_t value)
{
	uint64_t before;
	uint32_t id = find_property(display->fd, object, name, &before);

	if (!id || drmModeAtomicAddProperty(request, object, id, value) < 0)
		die("%s: cannot set %s", display->node, name);
}

/* Takes the request. */
static void commit(struct display *display, drmModeAtomicReq *request, uint32_t flags)
{
	if (drmModeAtomicCommit(display->fd, request, flags, display) < 0)
		die("%s: the display refuses: %s", display->node, strerror(errno));
	drmModeAtomicFree(request);
}

static void set_mode(struct display *display, drmModeAtomicReq *request)
{
	uint32_t width = display->mode.hdisplay, height = display->mode.vdisplay, blob;

	if (drmModeCreatePropertyBlob(display->fd, &display->mode, sizeof(display->mode), &blob))
		die("%s: no mode: %s", display->node, strerror(errno));
	set(display, request, display->connector, "CRTC_ID", display->crtc);
	set(display, request, display->crtc, "MODE_ID", blob);
	set(display, request, display->crtc, "ACTIVE", 1);
	set(display, request, display->plane, "CRTC_ID", display->crtc);
	set(display, request, display->plane, "SRC_X", 0);
	set(display, request, display->plane, "SRC_Y", 0);
	set(display, request, display->plane, "SRC_W", (uint64_t)width << 16);
	set(display, request, display->plane, "SRC_H", (uint64_t)height << 16);
	set(display, request, display->plane, "CRTC_X", 0);
	set(display, request, display->plane, "CRTC_Y", 0);
	set(display, request, display->plane, "CRTC_W", width);
	set(display, request, display->plane, "CRTC_H", height);
}

void display_flip(struct display *display, uint32_t framebuffer)
{
	drmModeAtomicReq *request = drmModeAtomicAlloc();
	uint32_t flags = DRM_MODE_PAGE_FLIP_EVENT | DRM_MODE_ATOMIC_NONBLOCK;

	if (!display->on) {
		set_mode(display, request);
		flags |= DRM_MODE_ATOMIC_ALLOW_MODESET;
	}
	set(display, request, display->plane, "FB_ID", framebuffer);
	commit(display, request, flags);
	display->on = true;
}

static void on_flip(int fd, unsigned int sequence, unsigned int seconds, unsigned int microseconds,
		    unsigned int crtc, void *data)
{
	(void)fd, (void)sequence, (void)seconds, (void)microseconds, (void)crtc;
	((struct display *)data)->flipped = true;
}

bool display_finish_flip(struct display *display)
{
	drmEventContext context = {.version = 3, .page_flip_handler2 = on_flip};

	display->flipped = false;
	if (drmHandleEvent(display->fd, &context) < 0)
		die("%s: no event: %s", display->node, strerror(errno));
	return display->flipped;
}

int display_write_back(struct display *display, uint32_t framebuffer)
{
	drmModeAtomicReq *request = drmModeAtomicAlloc();
	uint32_t flags = DRM_MODE_ATOMIC_ALLOW_MODESET;
	int fence = -1;

	set(display, request, display->writeback, "CRTC_ID", display->crtc);
	set(display, request, display->writeback, "WRITEBACK_FB_ID", framebuffer);
	if (drmModeAtomicCommit(display->fd, request, flags | DRM_MODE_ATOMIC_TEST_ONLY, NULL) < 0)
		set(display, request, display->connector, "CRTC_ID", 0);
	set(display, request, display->writeback, "WRITEBACK_OUT_FENCE_PTR",
	    (uint64_t)(uintptr_t)&fence);
	commit(display, request, flags);
	return fence;
}

void display_switch_off(struct display *display)
{
	drmModeAtomicReq *request = drmModeAtomicAlloc();

	if (display->writeback)
		set(display, request, display->writeback, "CRTC_ID", 0);
	set(display, request, display->connector, "CRTC_ID", 0);
	set(display, request, display->crtc, "MODE_ID", 0);
	set(display, request, display->crtc, "ACTIVE", 0);
	set(display, request, display->plane, "CRTC_ID", 0);
	set(display, request, display->plane, "FB_ID", 0);
	commit(display, request, DRM_MODE_ATOMIC_ALLOW_MODESET);
}

/* ---- Looking ---- */

uint64_t display_get_inode(struct display *display, uint32_t framebuffer)
{
	drmModeFB2 *found = drmModeGetFB2(display->fd, framebuffer);
	struct stat status = {0};
	int fd;

	if (!found)
		die("%s: no framebuffer %u: %s", display->node, framebuffer, strerror(errno));
	if (drmPrimeHandleToFD(display->fd, found->handles[0], DRM_CLOEXEC, &fd) == 0) {
		if (fstat(fd, &status) < 0)
			status.st_ino = 0;
		close(fd);
	}
	for (int i = 0; i < 4; i++) /* planes in the same memory have the same handle */
		if (found->handles[i] && (i == 0 || found->handles[i] != found->handles[i - 1]))
			drmCloseBufferHandle(display->fd, found->handles[i]);
	drmModeFreeFB2(found);
	return status.st_ino;
}
