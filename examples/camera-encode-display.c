/* SPDX-License-Identifier: MIT */
/*
 * Camera -> encoder and display at once, without a copy: all three use the same buffers.
 *
 *	allocate_all	says who will use the buffers, and gets those that suit them all
 *	setup		gives the same buffers to the camera, the encoder and the display
 *	run		has frames wander: each hand-over is an end and a begin of access
 *
 * The last frame is kept twice, as the camera left it (camera.ppm) and as the display shows it
 * (display.ppm, through the display's writeback connector): both pictures must be the same.
 *
 * What is said to the drivers is in video.c and display.c. To stay short it ends at the first
 * error, and encodes to FWHT, the format of the kernel's virtual codec.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmabroker.h>
#include <drm_fourcc.h>

#include "die.h"
#include "display.h"
#include "layout.h"
#include "picture.h"
#include "video.h"

#define WAIT_MS 5000
#define BUFFERS_MAX 64
#define CODED_BUFFERS 4

enum stage { CAMERA, ENCODER, DISPLAY, STAGES };

struct buffer {
	struct dmabroker_buffer *shared;
	uint32_t handle, framebuffer; /* the display's names for it */
	bool at_camera;
	unsigned int readers;	 /* encoder and display, as long as they need the frame in it */
	uint64_t inodes[STAGES]; /* of its memory: of the fd that V4L2 gives back with a frame, of
				  * what the display exports for its handle; 0: never came there */
};

struct pipeline {
	struct dmabroker *broker;
	struct dmabroker_collection *collection;
	struct dmabroker_collection *writeback; /* one buffer more, for what the display shows */
	const struct dmabroker_record *plan;
	struct buffer buffers[BUFFERS_MAX];

	struct video camera_device, encoder_device;
	struct queue camera, raw, coded; /* raw frames go into the encoder, coded ones come out */
	void *coded_data[CODED_BUFFERS];
	struct display display;

	unsigned int width, height, frames; /* wanted */
	unsigned int counts[STAGES];	    /* frames that have passed */
	struct buffer *next, *shown;	    /* on the way to the screen; on the screen */
	bool drained;			    /* the encoder gave its last frame */
	const char *out;
	FILE *stream, *camera_frames;
};

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
	p->plan = dmabroker_collection_get_plan(p->collection);
	if (!p->display.writeback || !p->out)
		return;
	request = create_request(p);
	add_participant(request, "writeback", "writeback", p->display.node, 1);
	add_participant(request, "cpu", "cpu", NULL, 0);
	p->writeback = allocate(p, request, "a buffer for what the display shows");
}

/* ---- Hand-overs ---- */

static void begin(struct pipeline *p, struct dmabroker_buffer *buffer, const char *who,
		  enum dmabroker_access access)
{
	if (dmabroker_buffer_begin_access(buffer, who, access) < 0)
		die("%s cannot have a buffer: %s", who, dmabroker_get_error_text(p->broker));
}

static void end(struct pipeline *p, struct dmabroker_buffer *buffer, const char *who)
{
	if (dmabroker_buffer_end_access(buffer, who) < 0)
		die("%s cannot return a buffer: %s", who, dmabroker_get_error_text(p->broker));
}

/* `queue` is one of those that share the buffers: the camera or the encoder's input. */
static void put(struct pipeline *p, struct queue *queue, struct buffer *buffer,
		enum dmabroker_access access)
{
	begin(p, buffer->shared, queue->who, access);
	queue_put(queue, (unsigned int)(buffer - p->buffers),
		  dmabroker_buffer_get_fd(buffer->shared, 0));
}

/* Returns NULL if the driver has none to give. */
static struct buffer *take(struct pipeline *p, struct queue *queue, enum stage stage)
{
	struct v4l2_buffer taken;
	struct buffer *buffer;
	struct stat status;

	if (!queue_take(queue, &taken))
		return NULL;
	buffer = &p->buffers[taken.index];
	end(p, buffer->shared, queue->who);
	if (fstat(taken.m.fd, &status) == 0)
		buffer->inodes[stage] = status.st_ino;
	return buffer;
}

static void give_to_camera(struct pipeline *p, struct buffer *buffer)
{
	put(p, &p->camera, buffer, DMABROKER_ACCESS_WRITE);
	buffer->at_camera = true;
}

static void reader_is_done(struct pipeline *p, struct buffer *buffer)
{
	buffer->readers--;
	if (buffer->readers == 0 && p->counts[CAMERA] < p->frames)
		give_to_camera(p, buffer);
}

/* ---- Pictures ---- */

/* Begins an access of the CPU. */
static const uint8_t *look_at(struct pipeline *p, struct dmabroker_buffer *buffer)
{
	void *pixels;

	if (dmabroker_buffer_map(buffer, 0, &pixels) < 0)
		die("cannot map a buffer: %s", dmabroker_get_error_text(p->broker));
	begin(p, buffer, "cpu", DMABROKER_ACCESS_READ);
	return pixels;
}

static void save_raw(struct pipeline *p, struct buffer *buffer)
{
	struct picture picture = layout_for_drm(p->plan);

	picture_write_raw(&picture, look_at(p, buffer->shared), p->camera_frames);
	end(p, buffer->shared, "cpu");
}

static void save(struct pipeline *p, const struct dmabroker_record *plan,
		 struct dmabroker_buffer *buffer, const char *name)
{
	struct picture picture = layout_for_drm(plan);
	FILE *file = file_create(p->out, name);

	picture_write_ppm(&picture, look_at(p, buffer), file);
	end(p, buffer, "cpu");
	file_finish(file);
}

/* Has the display write what it shows into the buffer of the second collection. */
static void save_display(struct pipeline *p)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(p->writeback);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(p->writeback, 0);
	struct picture picture = layout_for_drm(plan);
	uint32_t handle, framebuffer;
	struct pollfd fence;

	framebuffer = display_add_framebuffer(&p->display, &picture,
					      dmabroker_buffer_get_fd(buffer, 0), &handle);
	begin(p, buffer, "writeback", DMABROKER_ACCESS_WRITE);
	fence = (struct pollfd){display_write_back(&p->display, framebuffer), POLLIN, 0};
	if (poll(&fence, 1, WAIT_MS) <= 0)
		die("the display does not finish writing within %d ms", WAIT_MS);
	close(fence.fd);
	end(p, buffer, "writeback");
	save(p, plan, buffer, "display.ppm");
}

/* ---- Frames on their way ---- */

static void on_camera_frame(struct pipeline *p)
{
	struct v4l2_encoder_cmd stop = {.cmd = V4L2_ENC_CMD_STOP};
	struct buffer *buffer = take(p, &p->camera, CAMERA);

	if (!buffer)
		return;
	buffer->at_camera = false;
	p->counts[CAMERA]++;
	if (p->camera_frames)
		save_raw(p, buffer);

	buffer->readers = 2;
	put(p, &p->raw, buffer, DMABROKER_ACCESS_READ);
	begin(p, buffer->shared, "display", DMABROKER_ACCESS_READ);
	display_flip(&p->display, buffer->framebuffer);
	p->next = buffer;
	if (p->counts[CAMERA] == p->frames && ioctl(p->raw.fd, VIDIOC_ENCODER_CMD, &stop) < 0)
		die("the encoder does not stop: %s", strerror(errno));
}

static void on_flip(struct pipeline *p)
{
	struct buffer *before = p->shown;

	if (!display_finish_flip(&p->display))
		return;
	p->shown = p->next;
	p->next = NULL;
	p->counts[DISPLAY]++;
	if (!before)
		return;
	end(p, before->shared, "display");
	reader_is_done(p, before);
}

static void on_encoder(struct pipeline *p)
{
	struct v4l2_buffer coded;
	struct buffer *buffer;

	if (queue_take(&p->coded, &coded)) {
		if (p->stream)
			fwrite(p->coded_data[coded.index], 1, coded.bytesused, p->stream);
		p->counts[ENCODER] += coded.bytesused > 0;
		p->drained = coded.flags & V4L2_BUF_FLAG_LAST;
		if (!p->drained)
			queue_put(&p->coded, coded.index, -1);
	}
	while ((buffer = take(p, &p->raw, ENCODER)))
		reader_is_done(p, buffer);
}

/* Until the last frame is encoded and shown. */
static void run(struct pipeline *p)
{
	while (!p->drained || p->next) {
		bool wants_frame = !p->next && p->counts[CAMERA] < p->frames;
		struct pollfd polls[] = {
			{p->camera.fd, wants_frame ? POLLIN : 0, 0},
			{p->drained ? -1 : p->raw.fd, POLLIN | POLLOUT, 0},
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

static void setup_encoder(struct pipeline *p)
{
	struct v4l2_pix_format raw = layout_for_v4l2(p->plan, "encoder");
	struct v4l2_pix_format coded = {
		.width = raw.width, .height = raw.height, .pixelformat = V4L2_PIX_FMT_FWHT};

	p->raw = (struct queue){"encoder", p->encoder_device.fd, V4L2_BUF_TYPE_VIDEO_OUTPUT,
				V4L2_MEMORY_DMABUF, 0};
	p->coded = (struct queue){"encoder", p->encoder_device.fd, V4L2_BUF_TYPE_VIDEO_CAPTURE,
				  V4L2_MEMORY_MMAP, 0};
	queue_set_format(&p->coded, &coded);
	queue_set_exact_format(&p->raw, &raw);
	queue_request(&p->raw, (unsigned int)dmabroker_collection_get_count(p->collection));
	queue_request(&p->coded, CODED_BUFFERS);
	for (unsigned int i = 0; i < CODED_BUFFERS; i++) {
		p->coded_data[i] = queue_map(&p->coded, i);
		queue_put(&p->coded, i, -1);
	}
}

static void setup_camera(struct pipeline *p)
{
	struct v4l2_pix_format raw = layout_for_v4l2(p->plan, "camera");

	p->camera = (struct queue){"camera", p->camera_device.fd, V4L2_BUF_TYPE_VIDEO_CAPTURE,
				   V4L2_MEMORY_DMABUF, 0};
	queue_set_exact_format(&p->camera, &raw);
	queue_request(&p->camera, (unsigned int)dmabroker_collection_get_count(p->collection));
}

static void setup(struct pipeline *p)
{
	struct picture picture = layout_for_drm(p->plan);

	setup_encoder(p);
	setup_camera(p);
	for (size_t i = 0; i < dmabroker_collection_get_count(p->collection); i++) {
		struct buffer *buffer = &p->buffers[i];

		buffer->shared = dmabroker_collection_get_buffer(p->collection, i);
		buffer->framebuffer = display_add_framebuffer(
			&p->display, &picture, dmabroker_buffer_get_fd(buffer->shared, 0),
			&buffer->handle);
		give_to_camera(p, buffer);
	}
	queue_start(&p->raw);
	queue_start(&p->coded);
	queue_start(&p->camera);
}

static void stop(struct pipeline *p)
{
	queue_stop(&p->camera);
	queue_stop(&p->raw);
	queue_stop(&p->coded);
	display_switch_off(&p->display);
	end(p, p->shown->shared, "display");
	for (size_t i = 0; i < dmabroker_collection_get_count(p->collection); i++)
		if (p->buffers[i].at_camera)
			end(p, p->buffers[i].shared, "camera");
}

/* Whether all three had the same memory: by the inode numbers of each buffer. */
static bool report(struct pipeline *p)
{
	bool same = true;

	for (size_t i = 0; i < dmabroker_collection_get_count(p->collection); i++) {
		struct buffer *b = &p->buffers[i];
		const uint64_t *inodes = b->inodes;

		b->inodes[DISPLAY] = display_get_inode(&p->display, b->handle);
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
		save(p, p->plan, p->shown->shared, "camera.ppm");
	if (p->writeback)
		save_display(p);
	stop(p);
	same = report(p);

	file_finish(p->stream);
	file_finish(p->camera_frames);
	dmabroker_collection_release(p->writeback);
	dmabroker_collection_release(p->collection);
	dmabroker_disconnect(p->broker);
	return same ? 0 : 1;
}
