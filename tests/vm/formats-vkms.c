/* SPDX-License-Identifier: MIT */
/*
 * vkms, for formats.c: what its monitor shows comes back through the writeback connector, into the
 * shared buffer or into one of the card's own.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "examples/die.h"
#include "examples/display.h"
#include "tests/vm/card.h"
#include "tests/vm/formats.h"

/* A buffer of the card's own. */
struct own {
	struct seen seen;
	uint32_t framebuffer;
};

static struct own create_own(struct display *display, const struct format_info *info)
{
	struct drm_mode_create_dumb create = {.width = FORMATS_WIDTH,
					      .height = FORMATS_HEIGHT,
					      .bpp = info->planes[0].block_bytes * 8u};
	struct drm_mode_map_dumb map = {0};
	struct own own = {.seen.info = info};
	void *memory;
	int fd;

	if (drmIoctl(display->fd, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0)
		die("CREATE_DUMB: %s", strerror(errno));
	map.handle = create.handle;
	if (drmIoctl(display->fd, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0 ||
	    drmPrimeHandleToFD(display->fd, create.handle, DRM_CLOEXEC | DRM_RDWR, &fd) < 0)
		die("a buffer of the card's own: %s", strerror(errno));
	memory = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, display->fd,
		      (off_t)map.offset);
	if (memory == MAP_FAILED)
		die("a buffer of the card's own: mmap: %s", strerror(errno));
	own.seen.memory = memory;
	own.seen.bytes = create.size;
	own.seen.picture = (struct picture){.width = FORMATS_WIDTH,
					    .height = FORMATS_HEIGHT,
					    .format = info->fourcc,
					    .strides = {create.pitch}};
	own.framebuffer = card_add_framebuffer(display, &own.seen.picture, fd);
	close(fd);
	return own;
}

static void open_display(const struct party *party, struct display *ret_display)
{
	memset(ret_display, 0, sizeof(*ret_display));
	display_find(ret_display, party->reader_node, FORMATS_WIDTH, FORMATS_HEIGHT);
	if (!ret_display->writeback)
		die("vkms has no writeback connector");
}

/* Mappings keep the file, so the master has to be given back. */
static void close_display(struct display *display)
{
	display_switch_off(display);
	drmDropMaster(display->fd);
	close(display->fd);
}

void vkms_write(const struct party *party, const struct shared *shared, struct seen *ret_expected)
{
	struct own shown, back;
	struct display display;

	open_display(party, &display);
	shown = create_own(&display, shared->seen.info);
	back = create_own(&display, shared->seen.info);
	seen_paint(&shown.seen);
	card_show(&display, shown.framebuffer);
	card_write_back(&display,
			card_add_framebuffer(&display, &shared->seen.picture, shared->fd));
	card_write_back(&display, back.framebuffer);
	*ret_expected = seen_create(shared->seen.info, &back.seen.picture, back.seen.bytes);
	seen_copy(ret_expected, &back.seen);
	close_display(&display);
}

/* The same picture shown from the shared buffer and from one of the card's own. */
void vkms_read(const struct party *party, const struct shared *shared)
{
	struct own copy, first, second;
	struct display display;

	open_display(party, &display);
	copy = create_own(&display, shared->seen.info);
	first = create_own(&display, shared->seen.info);
	second = create_own(&display, shared->seen.info);
	seen_copy(&copy.seen, &shared->seen);
	card_show(&display, card_add_framebuffer(&display, &shared->seen.picture, shared->fd));
	card_write_back(&display, first.framebuffer);
	card_show(&display, copy.framebuffer);
	card_write_back(&display, second.framebuffer);
	seen_compare(&first.seen, &second.seen, "shown by vkms");
	close_display(&display);
}

struct seen vkms_show(const struct party *party, const struct shared *shared)
{
	struct display display;
	struct seen seen;
	struct own back;

	open_display(party, &display);
	back = create_own(&display, format_find(DRM_FORMAT_XRGB8888));
	card_show(&display, card_add_framebuffer(&display, &shared->seen.picture, shared->fd));
	card_write_back(&display, back.framebuffer);
	seen = seen_create(back.seen.info, &back.seen.picture, back.seen.bytes);
	seen_copy(&seen, &back.seen);
	close_display(&display);
	return seen;
}
