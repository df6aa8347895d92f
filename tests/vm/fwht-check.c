/* SPDX-License-Identifier: MIT */
/*
 * Whether a FWHT stream is the film that the camera took: decodes it with the kernel's virtual
 * stateful decoder and compares every frame with what the camera left in memory (XRGB8888).
 *
 *	fwht-check STREAM CAMERA-FRAMES WIDTH HEIGHT
 *
 * The codec loses something, so frames are compared by their PSNR. That alone would not notice
 * that two frames changed places: a frame must also resemble its own original more than the
 * originals before and after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define WAIT_MS 10000
#define PSNR_LEAST 30.0
#define BUFFERS 4
#define CHUNK_BYTES 65536 /* of the stream at a time; cuts frames anywhere */

struct file {
	uint8_t *data;
	size_t bytes;
};

struct queue {
	uint32_t type;
	uint32_t count;
	void *data[VIDEO_MAX_FRAME];
	uint32_t bytes[VIDEO_MAX_FRAME];
};

struct check {
	int fd;
	struct queue stream_queue, picture_queue;
	struct file stream, camera;
	size_t fed; /* bytes of the stream */
	uint32_t width, height, stride;
	size_t frame_bytes;			  /* of a camera frame */
	size_t expected, decoded, confused, same; /* frames */
	double psnr_min;
};

static _Noreturn void __attribute__((format(printf, 1, 2))) bail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("Bail out! ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	exit(1);
}

static struct file read_file(const char *path)
{
	struct file file = {0};
	FILE *in = fopen(path, "r");
	long length;

	if (!in || fseek(in, 0, SEEK_END) < 0 || (length = ftell(in)) <= 0)
		bail("%s: cannot be read, or empty", path);
	rewind(in);
	file.bytes = (size_t)length;
	file.data = malloc(file.bytes);
	if (!file.data || fread(file.data, file.bytes, 1, in) != 1)
		bail("%s: cannot be read", path);
	fclose(in);
	return file;
}

static void call(struct check *c, unsigned long request, void *argument, const char *name)
{
	if (ioctl(c->fd, request, argument) < 0)
		bail("%s: %s", name, strerror(errno));
}

/* ---- The decoder ---- */

static bool is_decoder(int fd)
{
	struct v4l2_fmtdesc format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
	struct v4l2_capability caps;

	if (ioctl(fd, VIDIOC_QUERYCAP, &caps) < 0 || !(caps.device_caps & V4L2_CAP_VIDEO_M2M))
		return false;
	for (; ioctl(fd, VIDIOC_ENUM_FMT, &format) == 0; format.index++)
		if (format.pixelformat == V4L2_PIX_FMT_FWHT)
			return true;
	return false;
}

static int open_decoder(void)
{
	char node[32];
	int fd;

	for (unsigned int i = 0; i < 64; i++) {
		snprintf(node, sizeof(node), "/dev/video%u", i);
		fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && is_decoder(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	bail("found no decoder for FWHT");
}

static struct v4l2_buffer buffer_of(const struct queue *queue, uint32_t index)
{
	return (struct v4l2_buffer){
		.index = index, .type = queue->type, .memory = V4L2_MEMORY_MMAP};
}

static void start(struct check *c, struct queue *queue)
{
	struct v4l2_requestbuffers request = {
		.count = BUFFERS, .type = queue->type, .memory = V4L2_MEMORY_MMAP};
	struct v4l2_buffer buffer;
	int type = (int)queue->type;

	call(c, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	queue->count = request.count;
	for (uint32_t i = 0; i < queue->count; i++) {
		buffer = buffer_of(queue, i);
		call(c, VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
		queue->bytes[i] = buffer.length;
		queue->data[i] = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED,
				      c->fd, buffer.m.offset);
		if (queue->data[i] == MAP_FAILED)
			bail("mmap: %s", strerror(errno));
	}
	call(c, VIDIOC_STREAMON, &type, "VIDIOC_STREAMON");
}

/* False: nothing there, or the stream is over. */
static bool take(struct check *c, struct queue *queue, struct v4l2_buffer *ret_buffer)
{
	*ret_buffer = buffer_of(queue, 0);
	if (ioctl(c->fd, VIDIOC_DQBUF, ret_buffer) == 0)
		return true;
	if (errno != EAGAIN)
		bail("VIDIOC_DQBUF: %s", strerror(errno));
	return false;
}

/* Gives the decoder the next piece of the stream; after the last one it is told to finish. */
static void feed(struct check *c, uint32_t index)
{
	struct v4l2_decoder_cmd stop = {.cmd = V4L2_DEC_CMD_STOP};
	struct v4l2_buffer buffer = buffer_of(&c->stream_queue, index);
	size_t bytes = c->stream.bytes - c->fed;

	if (bytes == 0)
		return;
	if (bytes > CHUNK_BYTES)
		bytes = CHUNK_BYTES;
	if (bytes > c->stream_queue.bytes[index])
		bytes = c->stream_queue.bytes[index];
	memcpy(c->stream_queue.data[index], c->stream.data + c->fed, bytes);
	c->fed += bytes;
	buffer.bytesused = (uint32_t)bytes;
	call(c, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
	if (c->fed == c->stream.bytes)
		call(c, VIDIOC_DECODER_CMD, &stop, "VIDIOC_DECODER_CMD");
}

static void wait_for(struct check *c, short events)
{
	struct pollfd fd = {c->fd, events, 0};

	if (poll(&fd, 1, WAIT_MS) <= 0)
		bail("the decoder does nothing for %d ms, %zu frames so far", WAIT_MS, c->decoded);
}

/* Feeds until the decoder knows the size of the pictures. */
static void start_stream(struct check *c)
{
	struct v4l2_event_subscription subscription = {.type = V4L2_EVENT_SOURCE_CHANGE};
	struct v4l2_format format = {.type = c->stream_queue.type};
	struct v4l2_event event;

	format.fmt.pix.pixelformat = V4L2_PIX_FMT_FWHT;
	format.fmt.pix.width = c->width;
	format.fmt.pix.height = c->height;
	call(c, VIDIOC_SUBSCRIBE_EVENT, &subscription, "VIDIOC_SUBSCRIBE_EVENT");
	call(c, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
	start(c, &c->stream_queue);
	for (uint32_t i = 0; i < c->stream_queue.count; i++)
		feed(c, i);
	wait_for(c, POLLPRI);
	call(c, VIDIOC_DQEVENT, &event, "VIDIOC_DQEVENT");
	if (event.type != V4L2_EVENT_SOURCE_CHANGE)
		bail("the decoder finds no picture in the stream");
}

static void start_pictures(struct check *c)
{
	struct v4l2_format format = {.type = c->picture_queue.type};

	call(c, VIDIOC_G_FMT, &format, "VIDIOC_G_FMT");
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_XBGR32;
	call(c, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
	if (format.fmt.pix.pixelformat != V4L2_PIX_FMT_XBGR32 || format.fmt.pix.width != c->width ||
	    format.fmt.pix.height != c->height)
		bail("the stream is of %ux%u, or not RGB", format.fmt.pix.width,
		     format.fmt.pix.height);
	c->stride = format.fmt.pix.bytesperline;
	start(c, &c->picture_queue);
	for (uint32_t i = 0; i < c->picture_queue.count; i++) {
		struct v4l2_buffer buffer = buffer_of(&c->picture_queue, i);

		call(c, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
	}
}

/* ---- Comparison ---- */

static double psnr(const struct check *c, const uint8_t *picture, const uint8_t *original)
{
	uint64_t sum = 0;

	for (size_t y = 0; y < c->height; y++)
		for (size_t i = 0; i < (size_t)c->width * 4; i++) {
			int difference = picture[y * c->stride + i] -
					 original[y * c->width * 4 + i];

			if (i % 4 != 3) /* of four bytes the last has no meaning */
				sum += (uint64_t)(difference * difference);
		}
	return sum == 0 ? INFINITY
			: 10 * log10(255.0 * 255.0 * c->width * c->height * 3 / (double)sum);
}

static bool originals_differ(const struct check *c, size_t a, size_t b)
{
	return memcmp(c->camera.data + a * c->frame_bytes, c->camera.data + b * c->frame_bytes,
		      c->frame_bytes) != 0;
}

static void compare(struct check *c, const uint8_t *picture)
{
	size_t n = c->decoded++;
	size_t first = n > 0 ? n - 1 : 0;
	double own;

	if (n >= c->expected)
		return;
	own = psnr(c, picture, c->camera.data + n * c->frame_bytes);
	if (own < c->psnr_min)
		c->psnr_min = own;
	for (size_t i = first; i <= n + 1 && i < c->expected; i++)
		if (originals_differ(c, i, n) &&
		    psnr(c, picture, c->camera.data + i * c->frame_bytes) >= own) {
			c->confused++;
			printf("# frame %zu resembles the camera's %zu\n", n, i);
		}
	if (n > 0 && !originals_differ(c, n, n - 1))
		c->same++;
}

static void decode(struct check *c)
{
	struct v4l2_buffer buffer;
	bool finished = false;

	while (!finished) {
		wait_for(c, POLLIN | POLLOUT);
		while (take(c, &c->stream_queue, &buffer))
			feed(c, buffer.index);
		if (!take(c, &c->picture_queue, &buffer))
			continue;
		finished = buffer.flags & V4L2_BUF_FLAG_LAST;
		if (buffer.bytesused > 0 && !(buffer.flags & V4L2_BUF_FLAG_ERROR))
			compare(c, c->picture_queue.data[buffer.index]);
		if (!finished)
			call(c, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
	}
}

static int report(const struct check *c)
{
	bool count = c->decoded == c->expected, quality = c->psnr_min >= PSNR_LEAST;
	bool order = c->confused == 0, film = c->same * 2 < c->expected;

	printf("%s 1 - the stream has as many frames as the camera gave (%zu of %zu)\n",
	       count ? "ok" : "not ok", c->decoded, c->expected);
	printf("%s 2 - every frame has a PSNR of at least %.0f dB (lowest: %.1f)\n",
	       quality ? "ok" : "not ok", PSNR_LEAST, c->psnr_min);
	printf("%s 3 - every frame resembles its own original most\n", order ? "ok" : "not ok");
	printf("%s 4 - the camera's frames differ (%zu do not)\n", film ? "ok" : "not ok", c->same);
	printf("1..4\n");
	return count && quality && order && film ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct check check = {
		.stream_queue.type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
		.picture_queue.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.psnr_min = INFINITY,
	};

	if (argc != 5)
		bail("usage: fwht-check STREAM CAMERA-FRAMES WIDTH HEIGHT");
	check.width = (uint32_t)atoi(argv[3]);
	check.height = (uint32_t)atoi(argv[4]);
	check.frame_bytes = (size_t)check.width * check.height * 4;
	check.stream = read_file(argv[1]);
	check.camera = read_file(argv[2]);
	if (check.frame_bytes == 0 || check.camera.bytes % check.frame_bytes != 0)
		bail("%s: no whole number of frames", argv[2]);
	check.expected = check.camera.bytes / check.frame_bytes;
	check.fd = open_decoder();
	start_stream(&check);
	start_pictures(&check);
	decode(&check);
	free(check.stream.data);
	free(check.camera.data);
	close(check.fd);
	return report(&check);
}
