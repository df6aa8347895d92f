/* SPDX-License-Identifier: MIT */
/*
 * Camera -> encoder and display at once, without a copy: all three use the same buffers.
 *
 *	allocate_all	says who will use the buffers, and gets those that suit them all
 *	setup		gives the same buffers to the camera, the encoder and the display
 *	run		has frames wander: what the helpers take and give is handed over as well
 *
 * The last frame is kept twice, as the camera left it (camera.ppm) and as the display shows it
 * (display.ppm, through the display's writeback connector): both pictures must be the same.
 *
 * Finding devices and modesetting are in video.c and display.c, the encoder's stream is in coded.c.
 * To stay short it ends at the first error, and encodes to FWHT, the format of the kernel's virtual
 * codec.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmabroker-kms.h>
#include <dmabroker-v4l2.h>
#include <dmabroker.h>
#include <drm_fourcc.h>

#include "coded.h"
#include "die.h"
#include "display.h"
#include "picture.h"
#include "video.h"

#define WAIT_MS 5000
#define BUFFERS_MAX 64

enum stage { CAMERA, ENCODER, DISPLAY, STAGES };

struct pipeline {
	struct dmabroker *broker;
	struct dmabroker_collection *collection;
	struct dmabroker_collection *writeback; /* one buffer more, for what the display shows */

	struct video camera_device, encoder_device;
	struct dmabroker_v4l2_queue *camera, *raw; /* raw frames go into the encoder */
	struct coded coded;			   /* and come out here */
	struct display display;
	struct dmabroker_kms *screen;

	unsigned int width, height, frames;    /* wanted */
	unsigned int counts[STAGES];	       /* frames that have passed */
	struct dmabroker_buffer *next, *shown; /* on the way to the screen; on the screen */
	bool drained;			       /* the encoder gave its last frame */
	uint64_t inodes[BUFFERS_MAX][STAGES];  /* of the memory, as each of them names it; 0: it
						* never came there */
	const char *out;
	FILE *stream, *camera_frames;
};

/* The library's word for what went wrong. */
static int must(struct pipeline *p, int result)
{
	if (result < 0)
		die("%s", dmabroker_get_error_text(p->broker));
	return result;
}

/* ---- What the buffers are for ---- */

static void add_participant(struct dmabroker_record *request, const char *name, const char *role,
			    const char *node, unsigned int camping)
{
	struct dmabroker_record *participant;

	if (dmabroker_request_add_participant(request, name, role, &participant) < 0 ||
	    dmabroker_record_set_uint(participant, "camping", camping) < 0 ||
	    (node ? dmabroker_record_set_string(participant, "device", node)
		  : dmabroker_record_set_string(participant, "cpu-access", "rare")) < 0)
		die("cannot ask for the participant %s", name);
}

static struct dmabroker_record *create_request(const struct pipeline *p)
{
	struct dmabroker_record *request;

	if (dmabroker_request_create(&request) < 0 ||
	    dmabroker_record_set_uint(request, "width", p->width) < 0 ||
	    dmabroker_record_set_uint(request, "height", p->height) < 0 ||
	    dmabroker_record_add_format(request, "formats", DRM_FORMAT_XRGB8888,
					DRM_FORMAT_MOD_LINEAR) < 0)
		die("cannot make a request");
	return request;
}

/* Takes the request. `what` is a heading for the plan. */
static struct dmabroker_collection *allocate(struct pipeline *p, struct dmabroker_record *request,
					     const char *what)
{
	struct dmabroker_collection *collection;
	char *text;

	if (dmabroker_allocate(p->broker, request, &collection) < 0)
		die("no buffers: %s", dmabroker_get_error_text(p->broker));
	dmabroker_record_destroy(request);
	text = dmabroker_plan_describe(dmabroker_collection_get_plan(collection));
	printf("\n%s:\n%s\n", what, text ? text : "(no memory to describe the plan)");
	free(text);
	return collection;
}

/* The last number: how many buffers each holds at once. */
static void allocate_all(struct pipeline *p)
{
	struct dmabroker_record *request = create_request(p);

	add_participant(request, "camera", "capture", p->camera_device.node, 2);
	add_participant(request, "encoder", "output", p->encoder_device.node, 1);
	add_participant(request, "display", "scanout", p->display.node, 2);
	add_participant(request, "cpu", "cpu", NULL, 0);
	p->collection = allocate(p, request, "buffers for camera, encoder and display");
	if (!p->display.writeback || !p->out)
		return;
	request = create_request(p);
	add_participant(request, "writeback", "writeback", p->display.node, 1);
	add_participant(request, "cpu", "cpu", NULL, 0);
	p->writeback = allocate(p, request, "a buffer for what the display shows");
}

/* ---- Pictures ---- */

/* Begins an access of the CPU. */
static const uint8_t *look_at(struct pipeline *p, struct dmabroker_buffer *buffer)
{
	void *pixels;

	must(p, dmabroker_buffer_map(buffer, 0, &pixels));
	must(p, dmabroker_buffer_begin_access(buffer, "cpu", DMABROKER_ACCESS_READ));
	return pixels;
}

static void save_raw(struct pipeline *p, struct dmabroker_buffer *buffer)
{
	struct picture picture = picture_of_plan(dmabroker_buffer_get_plan(buffer));

	picture_write_raw(&picture, look_at(p, buffer), p->camera_frames);
	must(p, dmabroker_buffer_end_access(buffer, "cpu"));
}

static void save(struct pipeline *p, struct dmabroker_buffer *buffer, const char *name)
{
	struct picture picture = picture_of_plan(dmabroker_buffer_get_plan(buffer));
	FILE *file = file_create(p->out, name);

	picture_write_ppm(&picture, look_at(p, buffer), file);
	must(p, dmabroker_buffer_end_access(buffer, "cpu"));
	file_finish(file);
}

/* Has the display write what it shows into the buffer of the second collection. */
static void save_display(struct pipeline *p)
{
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(p->writeback, 0);
	struct dmabroker_kms *back;
	struct pollfd fence = {.events = POLLIN};

	must(p, dmabroker_kms_create(p->writeback, "writeback", p->display.fd, &back));
	must(p, dmabroker_buffer_begin_access(buffer, "writeback", DMABROKER_ACCESS_WRITE));
	fence.fd = display_write_back(&p->display, dmabroker_kms_get_framebuffer(back, buffer));
	if (poll(&fence, 1, WAIT_MS) <= 0)
		die("the display does not finish writing within %d ms", WAIT_MS);
	close(fence.fd);
	must(p, dmabroker_buffer_end_access(buffer, "writeback"));
	save(p, buffer, "display.ppm");
	dmabroker_kms_destroy(back);
}

/* ---- Frames on their way ---- */

/* The camera gets a buffer back from whoever is the last to read it: -EBUSY says that it is not. */
static void reader_is_done(struct pipeline *p, struct dmabroker_buffer *buffer)
{
	int error;

	if (p->counts[CAMERA] == p->frames)
		return;
	error = dmabroker_v4l2_queue_put(p->camera, buffer, NULL);
	if (error != -EBUSY)
		must(p, error);
}

/* False: the driver has none to give. */
static bool take(struct pipeline *p, struct dmabroker_v4l2_queue *queue, enum stage stage,
		 struct dmabroker_v4l2_frame *frame)
{
	int error = dmabroker_v4l2_queue_take(queue, frame);
	struct stat status;

	if (error == -EAGAIN)
		return false;
	must(p, error);
	if (fstat(frame->fd, &status) == 0)
		p->inodes[frame->index][stage] = status.st_ino;
	return true;
}

static void on_camera_frame(struct pipeline *p)
{
	struct dmabroker_v4l2_frame frame;
	uint32_t framebuffer;

	if (!take(p, p->camera, CAMERA, &frame))
		return;
	p->counts[CAMERA]++;
	if (p->camera_frames)
		save_raw(p, frame.buffer);
	must(p, dmabroker_v4l2_queue_put(p->raw, frame.buffer, &frame));
	must(p, dmabroker_kms_begin_flip(p->screen, frame.buffer, &framebuffer));
	display_flip(&p->display, framebuffer);
	p->next = frame.buffer;
	if (p->counts[CAMERA] == p->frames)
		coded_drain(&p->coded);
}

static void on_flip(struct pipeline *p)
{
	struct dmabroker_buffer *before;

	if (!display_finish_flip(&p->display))
		return;
	must(p, dmabroker_kms_end_flip(p->screen, &before));
	p->shown = p->next;
	p->next = NULL;
	p->counts[DISPLAY]++;
	if (before)
		reader_is_done(p, before);
}

static void on_encoder(struct pipeline *p)
{
	struct dmabroker_v4l2_frame frame;

	p->counts[ENCODER] += coded_write(&p->coded, p->stream, &p->drained) > 0;
	while (take(p, p->raw, ENCODER, &frame))
		reader_is_done(p, frame.buffer);
}

/* Until the last frame is encoded and shown. */
static void run(struct pipeline *p)
{
	while (!p->drained || p->next) {
		bool wants_frame = !p->next && p->counts[CAMERA] < p->frames;
		struct pollfd polls[] = {
			{p->camera_device.fd, wants_frame ? POLLIN : 0, 0},
			{p->drained ? -1 : p->encoder_device.fd, POLLIN | POLLOUT, 0},
			{p->display.fd, POLLIN, 0},
		};

		if (poll(polls, 3, WAIT_MS) <= 0)
			die("nothing happens for %d ms: %u frames taken, %u encoded, %u shown",
			    WAIT_MS, p->counts[CAMERA], p->counts[ENCODER], p->counts[DISPLAY]);
		if (polls[2].revents & POLLIN)
			on_flip(p);
		if (polls[1].revents)
			on_encoder(p);
		if (wants_frame && polls[0].revents)
			on_camera_frame(p);
	}
}

/* ---- Before and after ---- */

static void setup(struct pipeline *p)
{
	int camera = p->camera_device.fd, encoder = p->encoder_device.fd;
	struct dmabroker_buffer *buffer;

	coded_begin(&p->coded, encoder, p->width, p->height);
	must(p, dmabroker_v4l2_queue_create(p->collection, "encoder", encoder, &p->raw));
	must(p, dmabroker_v4l2_queue_create(p->collection, "camera", camera, &p->camera));
	must(p, dmabroker_kms_create(p->collection, "display", p->display.fd, &p->screen));
	for (size_t i = 0; (buffer = dmabroker_v4l2_queue_get_buffer(p->camera, i)); i++)
		must(p, dmabroker_v4l2_queue_put(p->camera, buffer, NULL));
	must(p, dmabroker_v4l2_queue_start(p->raw));
	coded_start(&p->coded);
	must(p, dmabroker_v4l2_queue_start(p->camera));
}

static void stop(struct pipeline *p)
{
	dmabroker_v4l2_queue_destroy(p->camera);
	dmabroker_v4l2_queue_destroy(p->raw);
	coded_stop(&p->coded);
	display_switch_off(&p->display);
	dmabroker_kms_destroy(p->screen);
	dmabroker_collection_release(p->writeback);
	dmabroker_collection_release(p->collection);
	dmabroker_disconnect(p->broker);
}

/* Whether all three had the same memory: by the inode numbers of each buffer. */
static bool report(struct pipeline *p)
{
	struct dmabroker_buffer *buffer;
	bool same = true;

	for (size_t i = 0; (buffer = dmabroker_collection_get_buffer(p->collection, i)); i++) {
		uint32_t framebuffer = dmabroker_kms_get_framebuffer(p->screen, buffer);
		uint64_t *inodes = p->inodes[i];

		inodes[DISPLAY] = display_get_inode(&p->display, framebuffer);
		if (inodes[CAMERA] == 0) {
			printf("buffer %zu: never filled\n", i);
		} else if (inodes[CAMERA] == inodes[ENCODER] && inodes[CAMERA] == inodes[DISPLAY]) {
			printf("buffer %zu: inode %ju at camera, encoder, display\n", i,
			       (uintmax_t)inodes[CAMERA]);
		} else {
			printf("buffer %zu: inode %ju at camera, %ju at encoder, %ju at display\n",
			       i, (uintmax_t)inodes[CAMERA], (uintmax_t)inodes[ENCODER],
			       (uintmax_t)inodes[DISPLAY]);
			same = false;
		}
	}
	printf("frames: %u taken, %u encoded, %u shown\n", p->counts[CAMERA], p->counts[ENCODER],
	       p->counts[DISPLAY]);
	return same;
}

static const char usage[] =
	"usage: camera-encode-display [--camera DEVICE] [--encoder DEVICE] [--display DEVICE]\n"
	"                             [--size WIDTHxHEIGHT] [--frames N] [--out FOLDER]\n"
	"                             [--camera-frames FILE]\n"
	"DEVICE is a node or a part of a name. FOLDER gets stream.fwht, camera.ppm, display.ppm;\n"
	"FILE gets every frame as the camera left it in memory.\n";

enum { SIZE = STAGES, FRAMES, OUT, CAMERA_FRAMES, HELP, OPTIONS };

static void parse_options(const char *values[OPTIONS], int argc, char **argv)
{
	static const struct option options[] = {
		{"camera", required_argument, NULL, CAMERA},
		{"encoder", required_argument, NULL, ENCODER},
		{"display", required_argument, NULL, DISPLAY},
		{"size", required_argument, NULL, SIZE},
		{"frames", required_argument, NULL, FRAMES},
		{"out", required_argument, NULL, OUT},
		{"camera-frames", required_argument, NULL, CAMERA_FRAMES},
		{"help", no_argument, NULL, HELP},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0 && option < HELP)
		values[option] = optarg;
	if (option == HELP) {
		fputs(usage, stdout);
		exit(0);
	}
	if (option >= 0 || optind < argc)
		die("%s", usage);
}

int main(int argc, char **argv)
{
	const char *options[OPTIONS] = {"", "", "", "640x480", "60"};
	struct pipeline pipeline = {0}, *p = &pipeline;
	bool same;
	int error;

	parse_options(options, argc, argv);
	if (sscanf(options[SIZE], "%ux%u", &p->width, &p->height) != 2 ||
	    sscanf(options[FRAMES], "%u", &p->frames) != 1 || p->frames == 0)
		die("%s", usage);
	video_find(&p->camera_device, "camera", options[CAMERA], video_is_camera);
	video_find(&p->encoder_device, "encoder", options[ENCODER], video_is_encoder);
	display_find(&p->display, options[DISPLAY], p->width, p->height);
	p->out = options[OUT];
	if (p->out && mkdir(p->out, 0777) < 0 && errno != EEXIST)
		die("%s: %s", p->out, strerror(errno));
	p->stream = p->out ? file_create(p->out, "stream.fwht") : NULL;
	if (options[CAMERA_FRAMES])
		p->camera_frames = file_create(NULL, options[CAMERA_FRAMES]);

	error = dmabroker_connect(NULL, &p->broker);
	if (error < 0)
		die("no broker, neither a daemon nor one inside this process: %s",
		    strerror(-error));
	allocate_all(p);
	setup(p);
	run(p);
	if (p->out)
		save(p, p->shown, "camera.ppm");
	if (p->writeback)
		save_display(p);
	same = report(p);
	stop(p);
	file_finish(p->stream);
	file_finish(p->camera_frames);
	return same ? 0 : 1;
}
