/* SPDX-License-Identifier: MIT */
/*
 * Buffers that are brought, with real exporters: V4L2 queues that export their own (vmalloc and
 * dma-contig), a dumb buffer of vgem, memory of this process. Each is recognised by the daemon,
 * planned with an encoder, a display or a device that needs contiguous memory, and pictures pass.
 *
 * Environment: DMABROKER_ADDRESS
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "examples/video.h"
#include "tests/unit/check.h"
#include "tests/vm/library.h"
#include "tests/vm/queue.h"

#define WIDTH 640u
#define HEIGHT 480u
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)
#define COUNT 3u
#define FRAMES 12u
#define SINK "v4l2:platform/vivid.0:vivid-001-vid-out:1" /* needs contiguous memory */

static struct dmabroker *broker;
static struct dmabroker_record *request;

static void setup(void)
{
	broker = library_connect();
	request = library_request(WIDTH, HEIGHT);
}

static void teardown(void)
{
	library_disconnect(broker);
}

/* ---- a participant that brings ---- */

static void say_layout(struct dmabroker_record *participant, uint64_t bytes)
{
	static const uint64_t offset;
	static const uint32_t stride = STRIDE;

	ck_assert_int_eq(
		dmabroker_participant_set_layout(participant, XR24, 0, bytes, &offset, &stride, 1),
		0);
}

static void add_quietly(const char *name, const char *role, const char *device)
{
	ck_assert_int_eq(
		dmabroker_record_set_uint(library_add(request, name, role, device), "camping", 0),
		0);
}

static uint64_t inode_of(int fd)
{
	struct stat status;

	ck_assert_int_eq(fstat(fd, &status), 0);
	return status.st_ino;
}

static void check_exporter(const struct dmabroker_record *plan, const char *by,
			   const char *exporter)
{
	const struct dmabroker_record *memory;
	char *text = dmabroker_plan_describe(plan), wanted[96];

	ck_assert_str_eq(dmabroker_record_get_string(plan, "brought-by"), by);
	ck_assert_int_eq(dmabroker_record_get_record(plan, "memory", 0, &memory), 0);
	ck_assert_str_eq(dmabroker_record_get_string(memory, "exporter"), exporter);
	snprintf(wanted, sizeof(wanted), "brought by %s: %s", by, exporter);
	ck_assert_msg(strstr(text, wanted) != NULL, "%s", text);
	free(text);
}

/* ---- a camera with buffers of its own ---- */

struct camera {
	struct queue queue;
	int fds[COUNT];
	void *address[COUNT];
};

static void open_camera(struct camera *camera, const char *device)
{
	struct v4l2_pix_format pix = {.width = WIDTH,
				      .height = HEIGHT,
				      .pixelformat = V4L2_PIX_FMT_XBGR32,
				      .bytesperline = STRIDE,
				      .field = V4L2_FIELD_NONE};
	char node[64];

	library_node(broker, device, node, sizeof(node));
	camera->queue = (struct queue){.who = "camera",
				       .fd = open(node, O_RDWR | O_CLOEXEC),
				       .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				       .memory = V4L2_MEMORY_MMAP};
	ck_assert_int_ge(camera->queue.fd, 0);
	queue_set_format(&camera->queue, &pix);
	ck_assert_uint_eq(pix.bytesperline, STRIDE);
	ck_assert_uint_eq(pix.sizeimage, BYTES);
	queue_request(&camera->queue, COUNT);
	for (unsigned int i = 0; i < COUNT; i++) {
		struct v4l2_exportbuffer export = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
						   .index = i,
						   .flags = O_RDWR | O_CLOEXEC};

		ck_assert_int_eq(ioctl(camera->queue.fd, VIDIOC_EXPBUF, &export), 0);
		camera->fds[i] = export.fd;
		camera->address[i] = queue_map(&camera->queue, i);
	}
}

static void close_camera(struct camera *camera)
{
	for (unsigned int i = 0; i < COUNT; i++) {
		munmap(camera->address[i], BYTES);
		close(camera->fds[i]);
	}
	close(camera->queue.fd);
}

static struct dmabroker_record *bring_camera(const struct camera *camera, const char *device)
{
	struct dmabroker_record *participant = library_add(request, "camera", "capture", device);

	for (unsigned int i = 0; i < COUNT; i++)
		ck_assert_int_eq(dmabroker_participant_add_buffer(participant, camera->fds[i]), 0);
	say_layout(participant, BYTES);
	return participant;
}

static uint32_t take_frame(struct camera *camera)
{
	struct pollfd ready = {.fd = camera->queue.fd, .events = POLLIN};
	struct v4l2_buffer taken;

	ck_assert_int_eq(poll(&ready, 1, WAIT_MS), 1);
	ck_assert(queue_take(&camera->queue, &taken));
	ck_assert_uint_eq(taken.flags & V4L2_BUF_FLAG_ERROR, 0);
	return taken.index;
}

/* Neighbours that differ: a test picture has bars. */
static void check_picture(const uint32_t *pixels)
{
	const uint32_t *row = pixels + WIDTH * (HEIGHT / 2);
	unsigned int edges = 0;

	for (size_t i = 1; i < WIDTH; i++)
		edges += (row[i] & 0xffffff) != (row[i - 1] & 0xffffff);
	ck_assert_msg(edges >= 4, "only %u edges", edges);
}

/* ---- an encoder ---- */

#define STREAM_MAX (4u << 20)

/* Encodes one picture: that of a dma-buf, or (fd below 0) of memory that is copied. Returns the
 * bytes of the stream. */
static size_t encode(int fd, const void *pixels, uint8_t *stream)
{
	struct v4l2_pix_format raw = {.width = WIDTH,
				      .height = HEIGHT,
				      .pixelformat = V4L2_PIX_FMT_XBGR32,
				      .bytesperline = STRIDE,
				      .sizeimage = BYTES,
				      .field = V4L2_FIELD_NONE};
	struct v4l2_pix_format coded = {.width = WIDTH,
					.height = HEIGHT,
					.pixelformat = V4L2_PIX_FMT_FWHT,
					.field = V4L2_FIELD_NONE};
	struct queue in = {.who = "encoder", .type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
	struct queue out = {
		.who = "stream", .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
	struct pollfd ready = {.events = POLLIN};
	struct v4l2_buffer done;
	void *own = NULL, *address;
	char node[64];

	library_node(broker, ENCODER, node, sizeof(node));
	in.fd = out.fd = ready.fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	ck_assert_int_ge(in.fd, 0);
	in.memory = fd < 0 ? V4L2_MEMORY_MMAP : V4L2_MEMORY_DMABUF;
	queue_set_exact_format(&in, &raw);
	queue_set_format(&out, &coded);
	queue_request(&in, 1);
	queue_request(&out, 1);
	if (fd < 0) {
		own = queue_map(&in, 0);
		memcpy(own, pixels, BYTES);
	}
	address = queue_map(&out, 0);
	queue_put(&in, 0, fd);
	queue_put(&out, 0, -1);
	queue_start(&in);
	queue_start(&out);
	do
		ck_assert_int_eq(poll(&ready, 1, WAIT_MS), 1);
	while (!queue_take(&out, &done));
	ck_assert_uint_eq(done.flags & V4L2_BUF_FLAG_ERROR, 0);
	ck_assert_uint_gt(done.bytesused, 0);
	ck_assert_uint_le(done.bytesused, STREAM_MAX);
	memcpy(stream, address, done.bytesused);
	munmap(address, done.length);
	if (own)
		munmap(own, BYTES);
	close(in.fd);
	return done.bytesused;
}

/* The encoder makes the same of the buffer as of the picture in memory of its own. */
static void check_encoder(struct dmabroker_buffer *buffer, const void *pixels)
{
	uint8_t *one = malloc(STREAM_MAX), *two = malloc(STREAM_MAX);
	size_t len;

	ck_assert(one && two);
	len = encode(dmabroker_buffer_get_fd(buffer, 0), NULL, one);
	ck_assert_uint_eq(encode(-1, pixels, two), len);
	ck_assert_mem_eq(one, two, len);
	free(one);
	free(two);
}

/* ---- a display ---- */

/* Whether vkms takes the buffer as a frame, in the words of the plan. */
static void check_display(struct dmabroker_buffer *buffer)
{
	uint32_t handles[4] = {0}, pitches[4] = {STRIDE}, offsets[4] = {0}, id;
	char node[64];
	int card;

	library_node(broker, DISPLAY, node, sizeof(node));
	card = open(node, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(card, 0);
	ck_assert_int_eq(drmPrimeFDToHandle(card, dmabroker_buffer_get_fd(buffer, 0), &handles[0]),
			 0);
	ck_assert_int_eq(drmModeAddFB2(card, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, handles, pitches,
				       offsets, &id, 0),
			 0);
	ck_assert_int_eq(drmModeRmFB(card, id), 0);
	close(card);
}

/* ---- frames ---- */

static void put_frame(struct camera *camera, struct dmabroker_buffer *buffer, uint32_t index)
{
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "camera", DMABROKER_ACCESS_WRITE),
			 0);
	queue_put(&camera->queue, index, -1);
}

/* What the camera has written into its own buffer is in everybody's. */
static void pass_frames(struct camera *camera, struct dmabroker_collection *collection)
{
	struct dmabroker_buffer *buffers[COUNT];
	void *address;

	for (uint32_t i = 0; i < COUNT; i++) {
		buffers[i] = dmabroker_collection_get_buffer(collection, i);
		ck_assert_uint_eq(dmabroker_buffer_get_inode(buffers[i], 0),
				  inode_of(camera->fds[i]));
		put_frame(camera, buffers[i], i);
	}
	queue_start(&camera->queue);
	for (unsigned int frame = 0; frame < FRAMES; frame++) {
		uint32_t i = take_frame(camera);

		ck_assert_int_eq(dmabroker_buffer_end_access(buffers[i], "camera"), 0);
		ck_assert_int_eq(
			dmabroker_buffer_begin_access(buffers[i], "cpu", DMABROKER_ACCESS_READ), 0);
		ck_assert_int_eq(dmabroker_buffer_map(buffers[i], 0, &address), 0);
		check_picture(address);
		ck_assert_mem_eq(address, camera->address[i], BYTES);
		if (frame == 0) {
			check_encoder(buffers[i], address);
			check_display(buffers[i]);
		}
		ck_assert_int_eq(dmabroker_buffer_end_access(buffers[i], "cpu"), 0);
		memset(camera->address[i], 0, BYTES); /* the next frame is a new one */
		put_frame(camera, buffers[i], i);
	}
	queue_stop(&camera->queue);
}

static const struct {
	const char *device, *exporter;
} cameras[] = {{CAMERA_ANY, "videobuf2_vmalloc"}, {CAMERA, "videobuf2_dma_contig"}};

START_TEST(buffers_of_a_queue)
{
	struct dmabroker_collection *collection;
	struct camera camera;

	open_camera(&camera, cameras[_i].device);
	bring_camera(&camera, cameras[_i].device);
	add_quietly("encoder", "output", ENCODER);
	add_quietly("display", "scanout", DISPLAY);
	add_quietly("cpu", "cpu", NULL);
	collection = library_allocate(broker, request);
	check_exporter(dmabroker_collection_get_plan(collection), "camera", cameras[_i].exporter);
	ck_assert_uint_eq(library_number(dmabroker_collection_get_plan(collection), "cached"), 1);
	pass_frames(&camera, collection);
	dmabroker_collection_release(collection);
	close_camera(&camera);
}
END_TEST

/* The same for a device that needs contiguous memory: of dma-contig it is, of vmalloc it is not. */
START_TEST(contiguous_or_not)
{
	struct dmabroker_record *plan;
	struct camera camera;
	int result;

	open_camera(&camera, cameras[_i].device);
	bring_camera(&camera, cameras[_i].device);
	add_quietly("sink", "output", SINK);
	result = dmabroker_plan(broker, request, &plan);
	if (_i == 0) {
		const char *text = dmabroker_get_error_text(broker);

		ck_assert_int_eq(result, -EXDEV);
		ck_assert_msg(strstr(text, "videobuf2_vmalloc") && strstr(text, "contiguous"), "%s",
			      text);
	} else {
		ck_assert_int_eq(result, 0);
		check_exporter(plan, "camera", cameras[_i].exporter);
		dmabroker_record_destroy(plan);
	}
	dmabroker_record_destroy(request);
	close_camera(&camera);
}
END_TEST

/* A sink takes a frame that somebody has copied for it. */
static void check_sink(struct dmabroker_buffer *buffer)
{
	struct v4l2_pix_format pix = {.width = WIDTH,
				      .height = HEIGHT,
				      .pixelformat = V4L2_PIX_FMT_XBGR32,
				      .bytesperline = STRIDE,
				      .sizeimage = BYTES,
				      .field = V4L2_FIELD_NONE};
	struct queue queue = {
		.who = "sink", .type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_DMABUF};
	char node[64];

	library_node(broker, SINK, node, sizeof(node));
	queue.fd = open(node, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(queue.fd, 0);
	queue_set_exact_format(&queue, &pix);
	queue_request(&queue, 1);
	queue_put(&queue, 0, dmabroker_buffer_get_fd(buffer, 0));
	close(queue.fd);
}

START_TEST(copies_where_they_do_not_suit)
{
	const struct dmabroker_record *plan, *group;
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *from, *to;
	void *source, *copy;
	struct camera camera;
	uint32_t i;

	open_camera(&camera, CAMERA_ANY);
	bring_camera(&camera, CAMERA_ANY);
	add_quietly("sink", "output", SINK);
	ck_assert_int_eq(dmabroker_record_set_bool(request, "allow-copies", 1), 0);
	collection = library_allocate(broker, request);
	plan = dmabroker_collection_get_plan(collection);
	ck_assert_uint_eq(dmabroker_record_get_len(plan, "groups"), 2);
	ck_assert_uint_eq(library_number(plan, "copied-bytes"), BYTES);
	ck_assert_int_eq(dmabroker_record_get_record(plan, "groups", 0, &group), 0);
	check_exporter(group, "camera", "videobuf2_vmalloc");
	ck_assert_int_eq(dmabroker_record_get_record(plan, "groups", 1, &group), 0);
	ck_assert_str_eq(dmabroker_record_get_string(group, "heap"), "reserved");
	queue_put(&camera.queue, 0, -1);
	queue_put(&camera.queue, 1, -1);
	queue_start(&camera.queue);
	i = take_frame(&camera);
	from = dmabroker_collection_get_buffer(collection, i);
	to = dmabroker_collection_get_buffer(collection, COUNT);
	ck_assert_int_eq(dmabroker_buffer_map(from, 0, &source), 0);
	ck_assert_int_eq(dmabroker_buffer_map(to, 0, &copy), 0);
	ck_assert_int_eq(dmabroker_buffer_begin_access(from, "copy", DMABROKER_ACCESS_READ), 0);
	ck_assert_int_eq(dmabroker_buffer_begin_access(to, "copy", DMABROKER_ACCESS_WRITE), 0);
	memcpy(copy, source, BYTES);
	ck_assert_int_eq(dmabroker_buffer_end_access(to, "copy"), 0);
	ck_assert_int_eq(dmabroker_buffer_end_access(from, "copy"), 0);
	check_picture(copy);
	ck_assert_mem_eq(copy, camera.address[i], BYTES);
	check_sink(to);
	queue_stop(&camera.queue);
	dmabroker_collection_release(collection);
	close_camera(&camera);
}
END_TEST

/* ---- a dumb buffer ---- */

static int open_vgem(void)
{
	char node[64];

	for (int i = 0; i < 64; i++) {
		drmVersion *version;
		bool found;
		int fd;

		snprintf(node, sizeof(node), "/dev/dri/card%d", i);
		fd = open(node, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		version = drmGetVersion(fd);
		found = version && strcmp(version->name, "vgem") == 0;
		drmFreeVersion(version);
		if (found)
			return fd;
		close(fd);
	}
	return -1;
}

static void paint(uint32_t *pixels, uint32_t seed)
{
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
		pixels[i] = (i % WIDTH / 64 * 0x1f3f + i / WIDTH / 48 * 0x2f0f1f + seed) & 0xffffff;
}

START_TEST(a_dumb_buffer_of_vgem)
{
	struct drm_mode_create_dumb dumb = {.width = WIDTH, .height = HEIGHT, .bpp = 32};
	struct drm_mode_map_dumb map = {0};
	struct dmabroker_record *participant;
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *buffer;
	int card = open_vgem(), fd;
	void *own, *address;

	ck_assert_msg(card >= 0, "no vgem");
	ck_assert_int_eq(drmIoctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	ck_assert_uint_eq(dumb.pitch, STRIDE);
	ck_assert_int_eq(drmPrimeHandleToFD(card, dumb.handle, DRM_CLOEXEC | DRM_RDWR, &fd), 0);
	map.handle = dumb.handle;
	ck_assert_int_eq(drmIoctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map), 0);
	own = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	ck_assert_ptr_ne(own, MAP_FAILED);
	participant = library_add(request, "painter", "cpu", NULL);
	ck_assert_int_eq(dmabroker_record_set_uint(participant, "camping", 0), 0);
	ck_assert_int_eq(dmabroker_participant_add_buffer(participant, fd), 0);
	say_layout(participant, dumb.size);
	add_quietly("encoder", "output", ENCODER);
	collection = library_allocate(broker, request);
	check_exporter(dmabroker_collection_get_plan(collection), "painter", "drm");
	buffer = dmabroker_collection_get_buffer(collection, 0);
	ck_assert_uint_eq(dmabroker_buffer_get_inode(buffer, 0), inode_of(fd));
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "painter", DMABROKER_ACCESS_WRITE),
			 0);
	paint(own, 1);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "painter"), 0);
	ck_assert_int_eq(dmabroker_buffer_map(buffer, 0, &address), 0);
	ck_assert_mem_eq(address, own, BYTES);
	ck_assert_int_eq(dmabroker_buffer_begin_access(buffer, "encoder", DMABROKER_ACCESS_READ),
			 0);
	check_encoder(buffer, own);
	ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "encoder"), 0);
	dmabroker_collection_release(collection);
	munmap(own, dumb.size);
	close(fd);
	close(card);
}
END_TEST

/* ---- memory of this process ---- */

/* What an fd is, as the kernel says. */
static void check_fdinfo(int fd, const char *exporter)
{
	char path[64], line[80];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	snprintf(line, sizeof(line), "exp_name:\t%s\n", exporter);
	ck_assert_uint_eq(library_count_lines(path, line), 1);
}

START_TEST(memory_that_a_camera_fills)
{
	struct dmabroker_memory *memory[COUNT];
	struct dmabroker_record *participant;
	struct dmabroker_collection *collection;
	struct queue queue = {
		.who = "camera", .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF};
	struct v4l2_pix_format pix = {.width = WIDTH,
				      .height = HEIGHT,
				      .pixelformat = V4L2_PIX_FMT_XBGR32,
				      .bytesperline = STRIDE,
				      .sizeimage = BYTES,
				      .field = V4L2_FIELD_NONE};
	struct camera camera;
	char node[64];

	participant = library_add(request, "app", "cpu", NULL);
	for (unsigned int i = 0; i < COUNT; i++) {
		ck_assert_int_eq(dmabroker_memory_create(broker, BYTES, &memory[i]), 0);
		ck_assert_int_eq(dmabroker_participant_add_memory(participant, memory[i]), 0);
	}
	say_layout(participant, BYTES);
	library_add(request, "camera", "capture", CAMERA_ANY);
	collection = library_allocate(broker, request);
	check_exporter(dmabroker_collection_get_plan(collection), "app", "memfd");
	ck_assert_uint_eq(
		library_number(dmabroker_collection_get_plan(collection), "initially-dirty"), 1);
	library_node(broker, CAMERA_ANY, node, sizeof(node));
	queue.fd = open(node, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(queue.fd, 0);
	camera.queue = queue;
	queue_set_exact_format(&camera.queue, &pix);
	queue_request(&camera.queue, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, i);

		check_fdinfo(dmabroker_buffer_get_fd(buffer, 0), "udmabuf");
		ck_assert_int_eq(
			dmabroker_buffer_begin_access(buffer, "camera", DMABROKER_ACCESS_WRITE), 0);
		queue_put(&camera.queue, i, dmabroker_buffer_get_fd(buffer, 0));
	}
	queue_start(&camera.queue);
	for (unsigned int frame = 0; frame < FRAMES; frame++) {
		uint32_t i = take_frame(&camera);
		struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, i);
		void *own = dmabroker_memory_get_address(memory[i]);

		ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "camera"), 0);
		ck_assert_int_eq(
			dmabroker_buffer_begin_access(buffer, "app", DMABROKER_ACCESS_READ_WRITE),
			0);
		check_picture(own); /* in the mapping it had before */
		memset(own, 0, BYTES);
		ck_assert_int_eq(dmabroker_buffer_end_access(buffer, "app"), 0);
		ck_assert_int_eq(
			dmabroker_buffer_begin_access(buffer, "camera", DMABROKER_ACCESS_WRITE), 0);
		queue_put(&camera.queue, i, dmabroker_buffer_get_fd(buffer, 0));
	}
	queue_stop(&camera.queue);
	close(camera.queue.fd);
	dmabroker_collection_release(collection);
	for (unsigned int i = 0; i < COUNT; i++)
		dmabroker_memory_destroy(memory[i]);
}
END_TEST

/* Where contiguous memory is needed, an application's pages will not do. */
START_TEST(memory_for_who_needs_contiguous_memory)
{
	struct dmabroker_memory *memory;
	struct dmabroker_record *participant, *plan;

	participant = library_add(request, "app", "cpu", NULL);
	ck_assert_int_eq(dmabroker_memory_create(broker, BYTES, &memory), 0);
	ck_assert_int_eq(dmabroker_participant_add_memory(participant, memory), 0);
	say_layout(participant, BYTES);
	add_quietly("sink", "output", SINK);
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -EXDEV);
	dmabroker_record_destroy(request);
	dmabroker_memory_destroy(memory);
}
END_TEST

/* ---- what is refused ---- */

static void expect_refused(int fd, const char *says)
{
	struct dmabroker_record *participant = library_add(request, "app", "cpu", NULL);
	struct dmabroker_collection *collection;

	ck_assert_int_eq(dmabroker_participant_add_buffer(participant, fd), 0);
	say_layout(participant, BYTES);
	ck_assert_int_eq(dmabroker_allocate(broker, request, &collection), -EINVAL);
	ck_assert_str_eq(dmabroker_get_error(broker), "InvalidRequest");
	ck_assert_msg(strstr(dmabroker_get_error_text(broker), says) != NULL, "%s",
		      dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
	close(fd);
}

START_TEST(a_pipe_is_refused)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	expect_refused(ends[1], "pipe");
}
END_TEST

START_TEST(more_than_udmabuf_takes_is_refused)
{
	int fd = memfd_create("much", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, (64 << 20) + 4096), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	expect_refused(fd, "size_limit_mb");
}
END_TEST

/* Of the heap that made them they have all facts; the broker's own come back, too. */
START_TEST(buffers_of_a_heap)
{
	struct dmabroker_record *first = library_request(WIDTH, HEIGHT), *participant, *plan;
	struct dmabroker_collection *collection;

	library_add(first, "cpu", "cpu", NULL);
	ck_assert_int_eq(dmabroker_record_add_string(first, "allowed-heaps", "reserved"), 0);
	collection = library_allocate(broker, first);
	participant = library_add(request, "app", "cpu", NULL);
	ck_assert_int_eq(dmabroker_record_set_uint(participant, "camping", 0), 0);
	ck_assert_int_eq(
		dmabroker_participant_add_buffer(
			participant,
			dmabroker_buffer_get_fd(dmabroker_collection_get_buffer(collection, 0), 0)),
		0);
	say_layout(participant, BYTES);
	add_quietly("sink", "output", SINK);
	plan = library_plan(broker, request);
	check_exporter(plan, "app", "reserved");
	dmabroker_record_destroy(plan);
	dmabroker_collection_release(collection);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("brought");
	TCase *all = tcase_create("brought");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 240);
	tcase_add_loop_test(all, buffers_of_a_queue, 0, 2);
	tcase_add_loop_test(all, contiguous_or_not, 0, 2);
	tcase_add_test(all, copies_where_they_do_not_suit);
	tcase_add_test(all, a_dumb_buffer_of_vgem);
	tcase_add_test(all, memory_that_a_camera_fills);
	tcase_add_test(all, memory_for_who_needs_contiguous_memory);
	tcase_add_test(all, buffers_of_a_heap);
	tcase_add_test(all, a_pipe_is_refused);
	tcase_add_test(all, more_than_udmabuf_takes_is_refused);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
