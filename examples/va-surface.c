/* SPDX-License-Identifier: MIT */
/*
 * A picture that the CPU draws as a surface of VA, without a copy.
 *
 *	allocate	says what the VA driver takes, and gets a buffer that suits it and the CPU
 *	draw		has the CPU fill it
 *	use		makes it a surface; here a real program would encode or scale it
 *
 * To stay short it ends at the first error.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include <dmabroker-va.h>
#include <va/va_drm.h>

#include "die.h"

struct options {
	const char *node;   /* for VA */
	const char *device; /* the broker's name for it; NULL: the node */
	unsigned int width, height;
	enum dmabroker_va_layers layers;
};

/* ---- VA ---- */

static VADisplay open_display(int fd, VAConfigID *ret_config)
{
	VADisplay display = vaGetDisplayDRM(fd);
	VAStatus status;
	int major, minor;

	status = display ? vaInitialize(display, &major, &minor) : VA_STATUS_ERROR_INVALID_DISPLAY;
	if (status != VA_STATUS_SUCCESS)
		die("no VA driver: %s", vaErrorStr(status));
	printf("driver   %s\n", vaQueryVendorString(display));
	status = vaCreateConfig(display, VAProfileNone, VAEntrypointVideoProc, NULL, 0, ret_config);
	if (status != VA_STATUS_SUCCESS)
		die("the driver processes no pictures: %s", vaErrorStr(status));
	return display;
}

/* ---- The buffer ---- */

static void add_va(struct dmabroker_record *request, struct dmabroker_va *va, VAConfigID config,
		   const struct options *options)
{
	struct dmabroker_record *participant;
	const char *device = options->device ? options->device : options->node;

	if (dmabroker_request_add_participant(request, "va", "render", &participant) < 0 ||
	    dmabroker_record_set_string(participant, "device", device) < 0)
		die("cannot ask for %s", device);
	if (dmabroker_va_declare(va, config, participant) < 0)
		die("VA: %s", dmabroker_va_get_error_text(va));
}

static struct dmabroker_collection *allocate(struct dmabroker *broker, struct dmabroker_va *va,
					     VAConfigID config, const struct options *options)
{
	struct dmabroker_record *request, *cpu;
	struct dmabroker_collection *collection;
	char *text;

	if (dmabroker_request_create(&request) < 0 ||
	    dmabroker_record_set_uint(request, "width", options->width) < 0 ||
	    dmabroker_record_set_uint(request, "height", options->height) < 0 ||
	    dmabroker_request_add_participant(request, "cpu", "cpu", &cpu) < 0)
		die("cannot make a request");
	add_va(request, va, config, options);
	if (dmabroker_allocate(broker, request, &collection) < 0)
		die("no buffers: %s", dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
	text = dmabroker_plan_describe(dmabroker_collection_get_plan(collection));
	printf("%s\n", text ? text : "(no memory to describe the plan)");
	free(text);
	return collection;
}

static void draw(struct dmabroker *broker, struct dmabroker_buffer *buffer)
{
	void *pixels;

	if (dmabroker_buffer_map(buffer, 0, &pixels) < 0 ||
	    dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_WRITE) < 0)
		die("the CPU cannot have the buffer: %s", dmabroker_get_error_text(broker));
	memset(pixels, 0x80, dmabroker_buffer_get_bytes(buffer, 0)); /* grey */
	if (dmabroker_buffer_end_access(buffer, "cpu") < 0)
		die("the CPU cannot return the buffer: %s", dmabroker_get_error_text(broker));
}

static void use(struct dmabroker *broker, struct dmabroker_va *va, VADisplay display,
		struct dmabroker_buffer *buffer, enum dmabroker_va_layers layers)
{
	VASurfaceID surface;
	VAStatus status;

	if (dmabroker_va_import(va, buffer, "va", layers, &surface) < 0)
		die("VA: %s", dmabroker_va_get_error_text(va));
	if (dmabroker_buffer_begin_access(buffer, "va", DMABROKER_ACCESS_READ) < 0)
		die("VA cannot have the buffer: %s", dmabroker_get_error_text(broker));
	/* vaBeginPicture, vaRenderPicture, vaEndPicture */
	status = vaSyncSurface(display, surface);
	if (status != VA_STATUS_SUCCESS)
		die("vaSyncSurface: %s", vaErrorStr(status));
	if (dmabroker_buffer_end_access(buffer, "va") < 0)
		die("VA cannot return the buffer: %s", dmabroker_get_error_text(broker));
	printf("surface  %u of the buffer with inode %llu\n", surface,
	       (unsigned long long)dmabroker_buffer_get_inode(buffer, 0));
	vaDestroySurfaces(display, &surface, 1);
}

/* ---- All of it ---- */

static void run(const struct options *options)
{
	int fd = open(options->node, O_RDWR | O_CLOEXEC);
	struct dmabroker_collection *collection;
	struct dmabroker *broker;
	struct dmabroker_va *va;
	VAConfigID config;
	VADisplay display;

	if (fd < 0)
		die("%s: %s", options->node, strerror(errno));
	display = open_display(fd, &config);
	if (dmabroker_connect(NULL, &broker) < 0)
		die("no broker answers");
	if (dmabroker_va_create(display, &va) < 0)
		die("no memory");
	collection = allocate(broker, va, config, options);
	draw(broker, dmabroker_collection_get_buffer(collection, 0));
	use(broker, va, display, dmabroker_collection_get_buffer(collection, 0), options->layers);
	dmabroker_collection_release(collection);
	dmabroker_va_destroy(va);
	dmabroker_disconnect(broker);
	vaDestroyConfig(display, config);
	vaTerminate(display);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {{"node", required_argument, NULL, 'n'},
						     {"device", required_argument, NULL, 'd'},
						     {"size", required_argument, NULL, 's'},
						     {"separate", no_argument, NULL, 'l'},
						     {0}};
	struct options options = {.node = "/dev/dri/renderD128", .width = 640, .height = 480};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'n')
			options.node = optarg;
		else if (option == 'd')
			options.device = optarg;
		else if (option == 'l')
			options.layers = DMABROKER_VA_LAYERS_SEPARATE;
		else if (option != 's' ||
			 sscanf(optarg, "%ux%u", &options.width, &options.height) != 2)
			die("usage: va-surface [--node RENDER-NODE] [--device ID] [--size WxH] "
			    "[--separate]");
	}
	run(&options);
	return 0;
}
