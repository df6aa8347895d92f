/* SPDX-License-Identifier: MIT */
/*
 * The CPU and a display: draws a test picture into a buffer that both can use, and shows it. Where
 * the display has a writeback connector, what is on the screen is read back and kept.
 *
 * The modesetting is in display.c.
 *
 * usage: kms-show WIDTHxHEIGHT [FILE.ppm [DISPLAY]]    (a node or a part of the driver's name)
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <dmabroker-kms.h>
#include <dmabroker.h>
#include <drm_fourcc.h>

#include "die.h"
#include "display.h"
#include "picture.h"

#define WAIT_MS 5000

static struct dmabroker *broker;

static void must(int result)
{
	if (result < 0)
		die("%s", dmabroker_get_error_text(broker));
}

/* A buffer for the display in the role, and for the CPU. */
static struct dmabroker_collection *allocate(const struct display *display, const char *role,
					     uint32_t width, uint32_t height)
{
	struct dmabroker_record *request, *participant;
	struct dmabroker_collection *collection;

	if (dmabroker_request_create(&request) < 0 ||
	    dmabroker_record_set_uint(request, "width", width) < 0 ||
	    dmabroker_record_set_uint(request, "height", height) < 0 ||
	    dmabroker_record_add_format(request, "formats", DRM_FORMAT_XRGB8888,
					DRM_FORMAT_MOD_LINEAR) < 0 ||
	    dmabroker_request_add_participant(request, role, role, &participant) < 0 ||
	    dmabroker_record_set_string(participant, "device", display->node) < 0 ||
	    dmabroker_request_add_participant(request, "cpu", "cpu", &participant) < 0 ||
	    dmabroker_record_set_string(participant, "cpu-access", "rare") < 0 ||
	    dmabroker_record_set_string(participant, "cpu-writes", "rare") < 0)
		die("no such request");
	must(dmabroker_allocate(broker, request, &collection));
	dmabroker_record_destroy(request);
	return collection;
}

/* Red grows to the right, green to the bottom, blue along the diagonals. */
static void draw(struct dmabroker_buffer *buffer)
{
	struct picture picture = picture_of_plan(dmabroker_buffer_get_plan(buffer));
	void *memory;

	must(dmabroker_buffer_map(buffer, 0, &memory));
	must(dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_WRITE));
	for (uint32_t y = 0; y < picture.height; y++) {
		uint8_t *row = (uint8_t *)memory + picture.offsets[0] + y * picture.strides[0];

		for (uint32_t x = 0; x < picture.width; x++) {
			uint8_t pixel[] = {(uint8_t)(x + y), (uint8_t)(y * 255 / picture.height),
					   (uint8_t)(x * 255 / picture.width), 0};

			memcpy(row + 4 * x, pixel, sizeof(pixel));
		}
	}
	must(dmabroker_buffer_end_access(buffer, "cpu"));
}

static void wait_for(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	if (poll(&wait, 1, WAIT_MS) <= 0)
		die("the display does nothing for %d ms", WAIT_MS);
}

/* Shows a buffer and waits until it is on the screen. */
static void show(struct display *display, struct dmabroker_kms *screen,
		 struct dmabroker_buffer *buffer)
{
	struct dmabroker_buffer *before;
	uint32_t framebuffer;

	must(dmabroker_kms_begin_flip(screen, buffer, &framebuffer));
	display_flip(display, framebuffer);
	do
		wait_for(display->fd);
	while (!display_finish_flip(display));
	must(dmabroker_kms_end_flip(screen, &before));
}

/* Has the display write what it shows into a buffer. */
static void write_back(struct display *display, struct dmabroker_buffer *buffer,
		       struct dmabroker_kms *back)
{
	int fence;

	must(dmabroker_buffer_begin_access(buffer, "writeback", DMABROKER_ACCESS_WRITE));
	fence = display_write_back(display, dmabroker_kms_get_framebuffer(back, buffer));
	wait_for(fence);
	close(fence);
	must(dmabroker_buffer_end_access(buffer, "writeback"));
}

static void keep(struct dmabroker_buffer *buffer, const char *name)
{
	struct picture picture = picture_of_plan(dmabroker_buffer_get_plan(buffer));
	FILE *file = file_create(NULL, name);
	void *memory;

	must(dmabroker_buffer_map(buffer, 0, &memory));
	must(dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_READ));
	picture_write_ppm(&picture, memory, file);
	must(dmabroker_buffer_end_access(buffer, "cpu"));
	file_finish(file);
}

static void read_back(struct display *display, const char *name, uint32_t width, uint32_t height)
{
	struct dmabroker_collection *collection = allocate(display, "writeback", width, height);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	struct dmabroker_kms *back;

	must(dmabroker_kms_create(collection, "writeback", display->fd, &back));
	write_back(display, buffer, back);
	keep(buffer, name);
	printf("what is on the screen is in %s\n", name);
	dmabroker_kms_destroy(back);
	dmabroker_collection_release(collection);
}

int main(int argc, char **argv)
{
	struct display display = {0};
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *buffer;
	struct dmabroker_kms *screen;
	uint32_t width, height;

	if (argc < 2 || argc > 4 || sscanf(argv[1], "%ux%u", &width, &height) != 2)
		die("usage: kms-show WIDTHxHEIGHT [FILE.ppm [DISPLAY]]");
	display_find(&display, argc > 3 ? argv[3] : "", width, height);
	if (dmabroker_connect(NULL, &broker) < 0)
		die("there is no broker");
	collection = allocate(&display, "scanout", width, height);
	must(dmabroker_kms_create(collection, "scanout", display.fd, &screen));
	buffer = dmabroker_collection_get_buffer(collection, 0);
	draw(buffer);
	show(&display, screen, buffer);
	if (argc > 2 && display.writeback)
		read_back(&display, argv[2], width, height);
	else if (argc > 2)
		die("the display cannot be read back");
	else
		sleep(5);
	display_switch_off(&display);
	dmabroker_kms_destroy(screen);
	dmabroker_collection_release(collection);
	dmabroker_disconnect(broker);
	return 0;
}
