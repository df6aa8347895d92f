/* SPDX-License-Identifier: MIT */
/*
 * vivid, vim2m and vicodec, for formats.c. What a driver writes into the shared buffer is compared
 * with what it writes into one of its own; what it has read is seen
 *
 *   vivid     in its other half: an output that is looped back to an input copies lines
 *   vim2m     in the copy that it makes
 *   vicodec   in the stream, which must be that of the same picture in a buffer of its own, and
 *             what a decoder makes of it must resemble the picture
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/v4l2-dv-timings.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "examples/die.h"
#include "examples/video.h"
#include "tests/vm/formats.h"
#include "tests/vm/queue.h"

#define PSNR_LEAST 25.0
#define FRAMES_MAX 30 /* until a picture has come through a loop */

static int open_node(const char *node)
{
	int fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		die("%s: %s", node, strerror(errno));
	return fd;
}

static void call(int fd, unsigned long request, void *argument, const char *name)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	if (result < 0)
		die("%s: %s", name, strerror(errno));
}

static void wait_for(int fd, short events, const char *who)
{
	struct pollfd pollfd = {.fd = fd, .events = events};

	if (poll(&pollfd, 1, FORMATS_WAIT_MS) != 1 || !(pollfd.revents & events))
		die("%s does nothing for %d ms", who, FORMATS_WAIT_MS);
}

static struct v4l2_buffer take(struct queue *queue)
{
	struct v4l2_buffer buffer;

	while (!queue_take(queue, &buffer))
		wait_for(queue->fd, queue->type == V4L2_BUF_TYPE_VIDEO_OUTPUT ? POLLOUT : POLLIN,
			 queue->who);
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		die("%s: a broken buffer", queue->who);
	return buffer;
}

static struct v4l2_pix_format pix_of(uint32_t v4l2_format)
{
	return (struct v4l2_pix_format){.width = FORMATS_WIDTH,
					.height = FORMATS_HEIGHT,
					.pixelformat = v4l2_format,
					.field = V4L2_FIELD_NONE};
}

/* The driver's own layout of a picture that must be taken as it is otherwise. */
static struct v4l2_pix_format set_own_format(struct queue *queue, uint32_t v4l2_format)
{
	struct v4l2_pix_format wanted = pix_of(v4l2_format), pix = wanted;

	queue_set_format(queue, &pix);
	if (pix.width != wanted.width || pix.height != wanted.height ||
	    pix.pixelformat != v4l2_format)
		die("%s: takes no such picture", queue->who);
	return pix;
}

/* ---- a queue with one buffer: the shared one, or its own ---- */

struct place {
	struct queue queue;
	struct v4l2_pix_format pix;
	const struct shared *shared; /* NULL: its own */
	uint8_t *memory;
};

static struct place place_create(const char *who, int fd, uint32_t type, uint32_t v4l2_format,
				 const struct shared *shared)
{
	struct place place = {.queue = {.who = who,
					.fd = fd,
					.type = type,
					.memory = shared ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP},
			      .shared = shared};

	if (shared) {
		queue_set_exact_format(&place.queue, &shared->v4l2);
		place.pix = shared->v4l2;
	} else {
		place.pix = set_own_format(&place.queue, v4l2_format);
	}
	return place;
}

static void place_prepare(struct place *place)
{
	queue_request(&place->queue, 1);
	place->memory = place->shared ? place->shared->seen.memory : queue_map(&place->queue, 0);
}

static void place_start(struct place *place)
{
	queue_put(&place->queue, 0, place->shared ? place->shared->fd : -1);
	queue_start(&place->queue);
}

/* Closes the device. A mapping would keep it. */
static void place_finish(struct place *place)
{
	if (!place->shared)
		munmap(place->memory, place->pix.sizeimage);
	close(place->queue.fd);
}

static struct seen place_see(const struct place *place, const struct format_info *info)
{
	return seen_create_v4l2(info, &place->pix, place->memory);
}

/* ---- vivid ---- */

/* A picture that stands still. */
static void prepare_camera(int fd, int input)
{
	call(fd, VIDIOC_S_INPUT, &input, "VIDIOC_S_INPUT");
	queue_set_item(fd, "Test Pattern", "100% Color Squares");
	queue_set_item(fd, "OSD Text Mode", "None");
}

static struct place capture(const char *node, const struct shared *shared, uint32_t v4l2_format)
{
	struct place place;
	int fd = open_node(node);

	prepare_camera(fd, 0);
	place = place_create("vivid's camera", fd, V4L2_BUF_TYPE_VIDEO_CAPTURE, v4l2_format,
			     shared);
	place_prepare(&place);
	place_start(&place);
	take(&place.queue);
	queue_stop(&place.queue);
	return place;
}

void vivid_write(const struct party *party, const struct shared *shared, struct seen *ret_expected)
{
	struct place place = capture(party->writer_node, shared, 0);

	place_finish(&place);
	place = capture(party->writer_node, NULL, shared->v4l2.pixelformat);
	*ret_expected = place_see(&place, shared->seen.info);
	place_finish(&place);
}

/* As the driver begins. */
static void reset_camera(int fd)
{
	queue_set_item(fd, "Test Pattern", "75% Colorbar");
	queue_set_item(fd, "OSD Text Mode", "All");
}

void vivid_restore(const struct party *party)
{
	struct v4l2_dv_timings timings = V4L2_DV_BT_CEA_1280X720P60;
	int camera = open_node(party->writer_node), input = open_node(party->loop_node);
	int output = open_node(party->reader_node), first = 0;

	reset_camera(camera);
	queue_set_item(input, "HDMI 001-0 Is Connected To", "Test Pattern Generator");
	call(input, VIDIOC_S_DV_TIMINGS, &timings, "VIDIOC_S_DV_TIMINGS");
	call(input, VIDIOC_S_INPUT, &first, "VIDIOC_S_INPUT");
	reset_camera(input);
	call(output, VIDIOC_S_DV_TIMINGS, &timings, "VIDIOC_S_DV_TIMINGS");
	call(output, VIDIOC_S_OUTPUT, &first, "VIDIOC_S_OUTPUT");
	close(camera);
	close(input);
	close(output);
}

struct seen vivid_see(const struct party *party)
{
	struct place place = capture(party->writer_node, NULL, V4L2_PIX_FMT_XBGR32);
	struct seen seen = place_see(&place, format_find(format_from_v4l2(V4L2_PIX_FMT_XBGR32)));

	place_finish(&place);
	return seen;
}

static int find_hdmi_output(int fd)
{
	struct v4l2_output output = {0};

	for (; ioctl(fd, VIDIOC_ENUMOUTPUT, &output) == 0; output.index++)
		if (strstr((const char *)output.name, "HDMI"))
			return (int)output.index;
	die("vivid has no HDMI output");
}

static int find_hdmi_input(int fd)
{
	struct v4l2_input input = {0};

	for (; ioctl(fd, VIDIOC_ENUMINPUT, &input) == 0; input.index++)
		if (strstr((const char *)input.name, "HDMI"))
			return (int)input.index;
	die("vivid has no HDMI input");
}

/* Output and input of one vivid, connected. */
static void connect_loop(const struct party *party, int *ret_output, int *ret_input)
{
	struct v4l2_dv_timings timings = V4L2_DV_BT_CEA_640X480P59_94;
	int output = open_node(party->reader_node), input = open_node(party->loop_node), number;

	number = find_hdmi_output(output);
	call(output, VIDIOC_S_OUTPUT, &number, "VIDIOC_S_OUTPUT");
	call(output, VIDIOC_S_DV_TIMINGS, &timings, "VIDIOC_S_DV_TIMINGS");
	prepare_camera(input, find_hdmi_input(input));
	call(input, VIDIOC_S_DV_TIMINGS, &timings, "VIDIOC_S_DV_TIMINGS");
	queue_set_item(input, "HDMI 001-0 Is Connected To", "Output HDMI 001-0");
	*ret_output = output;
	*ret_input = input;
}

/* The loop needs some frames until it is closed; what comes before is another picture. */
void vivid_read(const struct party *party, const struct shared *shared)
{
	struct place out, in;
	struct seen seen;
	int output, input;

	connect_loop(party, &output, &input);
	out = place_create("vivid's output", output, V4L2_BUF_TYPE_VIDEO_OUTPUT, 0, shared);
	in = place_create("vivid's input", input, V4L2_BUF_TYPE_VIDEO_CAPTURE,
			  shared->v4l2.pixelformat, NULL);
	place_prepare(&out);
	place_prepare(&in);
	place_start(&out);
	place_start(&in);
	for (unsigned int i = 0; i < FRAMES_MAX; i++) {
		take(&in.queue);
		seen = place_see(&in, shared->seen.info);
		if (seen_is_same(&seen, &shared->seen))
			break;
		queue_put(&in.queue, 0, -1);
	}
	seen_compare(&seen, &shared->seen, "looped back by vivid");
	queue_stop(&in.queue);
	queue_stop(&out.queue);
	close(input);
	close(output);
}

/* ---- memory to memory ---- */

/* One picture through a device. Leaves both queues as they are. */
static void transform(struct place *in, struct place *out)
{
	place_prepare(out);
	place_start(in);
	place_start(out);
	out->queue.bytes = take(&out->queue).bytesused;
}

/* ---- vim2m ---- */

static bool lists(int fd, uint32_t type, uint32_t v4l2_format)
{
	struct v4l2_fmtdesc description = {.type = type};

	for (; ioctl(fd, VIDIOC_ENUM_FMT, &description) == 0; description.index++)
		if (description.pixelformat == v4l2_format)
			return true;
	return false;
}

/* It converts what it does not take itself. */
static struct place convert(const char *node, const struct shared *shared, uint32_t v4l2_format)
{
	int fd = open_node(node);
	bool same = lists(fd, V4L2_BUF_TYPE_VIDEO_OUTPUT, v4l2_format);
	uint32_t source = same ? v4l2_format : V4L2_PIX_FMT_RGB24;
	struct place in =
		place_create("vim2m's output", fd, V4L2_BUF_TYPE_VIDEO_OUTPUT, source, NULL);
	struct place out = place_create("vim2m's capture", fd, V4L2_BUF_TYPE_VIDEO_CAPTURE,
					v4l2_format, shared);
	struct seen seen;

	place_prepare(&in);
	seen = seen_create_v4l2(format_find(format_from_v4l2(source)), &in.pix, NULL);
	seen_paint(&seen);
	memcpy(in.memory, seen.memory, in.queue.bytes);
	transform(&in, &out);
	return out;
}

void vim2m_write(const struct party *party, const struct shared *shared, struct seen *ret_expected)
{
	struct place place = convert(party->writer_node, shared, shared->v4l2.pixelformat);

	place_finish(&place);
	place = convert(party->writer_node, NULL, shared->v4l2.pixelformat);
	*ret_expected = place_see(&place, shared->seen.info);
	place_finish(&place);
}

void vim2m_read(const struct party *party, const struct shared *shared)
{
	int fd = open_node(party->reader_node);
	struct place in = place_create("vim2m's output", fd, V4L2_BUF_TYPE_VIDEO_OUTPUT, 0, shared);
	struct place out = place_create("vim2m's capture", fd, V4L2_BUF_TYPE_VIDEO_CAPTURE,
					shared->v4l2.pixelformat, NULL);
	struct seen seen;

	place_prepare(&in);
	transform(&in, &out);
	seen = place_see(&out, shared->seen.info);
	seen_compare(&seen, &shared->seen, "copied by vim2m");
	close(fd);
}

/* ---- vicodec ---- */

struct stream {
	void *bytes;
	uint32_t len;
};

/* `seen` is what to encode from a buffer of the encoder's own; NULL: the shared one. */
static struct stream encode(const char *node, const struct shared *shared, const struct seen *seen)
{
	int fd = open_node(node);
	struct place in = place_create("vicodec's encoder", fd, V4L2_BUF_TYPE_VIDEO_OUTPUT,
				       shared->v4l2.pixelformat, seen ? NULL : shared);
	struct place out = place_create("vicodec's encoder, stream", fd,
					V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_PIX_FMT_FWHT, NULL);
	struct stream stream;

	place_prepare(&in);
	if (seen) {
		struct seen own = seen_create_v4l2(seen->info, &in.pix, NULL);

		seen_copy(&own, seen);
		memcpy(in.memory, own.memory, in.queue.bytes);
	}
	transform(&in, &out);
	stream.len = out.queue.bytes;
	stream.bytes = malloc(stream.len);
	if (!stream.bytes)
		die("no memory");
	memcpy(stream.bytes, out.memory, stream.len);
	close(fd);
	return stream;
}

/* Feeds the decoder until it knows the size of the pictures. */
static void feed(int fd, const struct stream *stream)
{
	struct v4l2_event_subscription subscription = {.type = V4L2_EVENT_SOURCE_CHANGE};
	struct v4l2_event event = {0};
	struct place in;

	call(fd, VIDIOC_SUBSCRIBE_EVENT, &subscription, "VIDIOC_SUBSCRIBE_EVENT");
	in = place_create("vicodec's decoder, stream", fd, V4L2_BUF_TYPE_VIDEO_OUTPUT,
			  V4L2_PIX_FMT_FWHT, NULL);
	if (in.queue.bytes < stream->len)
		die("the stream has %u bytes, a buffer %u", stream->len, in.queue.bytes);
	place_prepare(&in);
	memcpy(in.memory, stream->bytes, stream->len);
	in.queue.bytes = stream->len;
	place_start(&in);
	wait_for(fd, POLLPRI, "vicodec's decoder");
	call(fd, VIDIOC_DQEVENT, &event, "VIDIOC_DQEVENT");
	if (event.type != V4L2_EVENT_SOURCE_CHANGE)
		die("vicodec's decoder finds no picture in the stream");
}

static struct seen decode(const char *node, const struct stream *stream,
			  const struct shared *wanted, const struct shared *shared)
{
	int fd = open_node(node);
	struct place out;
	struct seen seen;

	feed(fd, stream);
	out = place_create("vicodec's decoder", fd, V4L2_BUF_TYPE_VIDEO_CAPTURE,
			   wanted->v4l2.pixelformat, shared);
	place_prepare(&out);
	place_start(&out);
	take(&out.queue);
	seen = shared ? shared->seen : place_see(&out, wanted->seen.info);
	close(fd);
	return seen;
}

static void check_loss(const struct seen *found, const struct seen *original)
{
	double psnr = seen_psnr(found, original);

	if (psnr < PSNR_LEAST)
		die("coded and decoded, only %.1f dB are left", psnr);
}

void vicodec_write(const struct party *party, const struct shared *shared,
		   struct seen *ret_expected)
{
	struct seen painted =
		seen_create(shared->seen.info, &shared->seen.picture, shared->seen.bytes);
	struct stream stream;

	seen_paint(&painted);
	stream = encode(party->reader_node, shared, &painted);
	decode(party->writer_node, &stream, shared, shared);
	*ret_expected = decode(party->writer_node, &stream, shared, NULL);
	check_loss(ret_expected, &painted);
}

void vicodec_read(const struct party *party, const struct shared *shared)
{
	struct stream stream = encode(party->reader_node, shared, NULL);
	struct stream own = encode(party->reader_node, shared, &shared->seen);
	struct seen seen;

	if (stream.len != own.len || memcmp(stream.bytes, own.bytes, own.len) != 0)
		die("vicodec's encoder makes another stream of the shared buffer");
	seen = decode(party->writer_node, &stream, shared, NULL);
	check_loss(&seen, &shared->seen);
}
