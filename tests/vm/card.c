/* SPDX-License-Identifier: MIT */
#include "tests/vm/card.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

#include "examples/die.h"

static void wait_for(int fd, const char *what)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	if (poll(&pollfd, 1, CARD_WAIT_MS) != 1)
		die("vkms: no %s in %d ms", what, CARD_WAIT_MS);
}

uint32_t card_add_framebuffer(struct display *display, const struct picture *picture, int fd)
{
	uint32_t handles[4] = {0}, handle, framebuffer;
	uint64_t modifiers[4] = {0}, can_modifiers = 0;

	if (drmPrimeFDToHandle(display->fd, fd, &handle) < 0)
		die("%s: cannot import a buffer: %s", display->node, strerror(errno));
	for (int i = 0; i < 4 && picture->strides[i]; i++) {
		handles[i] = handle;
		modifiers[i] = picture->modifier;
	}
	drmGetCap(display->fd, DRM_CAP_ADDFB2_MODIFIERS, &can_modifiers);
	if (drmModeAddFB2WithModifiers(display->fd, picture->width, picture->height,
				       picture->format, handles, picture->strides, picture->offsets,
				       can_modifiers ? modifiers : NULL, &framebuffer,
				       can_modifiers ? DRM_MODE_FB_MODIFIERS : 0) < 0)
		die("%s: no framebuffer of a buffer: %s", display->node, strerror(errno));
	return framebuffer;
}

void card_show(struct display *display, uint32_t framebuffer)
{
	display_flip(display, framebuffer);
	do
		wait_for(display->fd, "flip");
	while (!display_finish_flip(display));
}

/* References to a framebuffer, as debugfs tells; 0: it is not listed. */
static unsigned int count_references(const struct display *display, uint32_t framebuffer)
{
	unsigned int id = 0, count = 0;
	struct stat status;
	char line[256];
	FILE *file;

	if (fstat(display->fd, &status) < 0)
		die("vkms: %s", strerror(errno));
	snprintf(line, sizeof(line), "/sys/kernel/debug/dri/%u/framebuffer", minor(status.st_rdev));
	file = fopen(line, "re");
	if (!file)
		die("%s: %s", line, strerror(errno));
	while (fgets(line, sizeof(line), file) && !count) {
		sscanf(line, "framebuffer[%u]", &id);
		if (id == framebuffer)
			sscanf(line, " refcount=%u", &count);
	}
	fclose(file);
	return count;
}

void card_wait_free(const struct display *display, uint32_t framebuffer)
{
	for (int i = 0; count_references(display, framebuffer) != 1; i++) {
		if (i == CARD_WAIT_MS)
			die("%s keeps a framebuffer", display->name);
		usleep(1000);
	}
}

/*
 * When a writeback is done, vkms cleans up after it, and that switches off what computes pictures:
 * also for a writeback that has been asked for meanwhile, which then never ends
 * (vkms_wb_cleanup_job in Linux 6.12). The last that the cleaning up does is to let go of the
 * framebuffer.
 */
void card_write_back(struct display *display, uint32_t framebuffer)
{
	int fence = display_write_back(display, framebuffer);

	wait_for(fence, "writeback");
	close(fence);
	card_wait_free(display, framebuffer);
}
