/* SPDX-License-Identifier: MIT */
/*
 * The buffers of a collection in V4L2's queues.
 *
 * vb2 never maintains caches of imported memory by itself, and says only by DQBUF and STREAMOFF
 * that a device is done with it (there are no fences). So here a buffer changes hands with exactly
 * three ioctls: QBUF gives it away, DQBUF gives one back, STREAMOFF gives all back, started or not
 * (videobuf2-core.c, vb2_core_streamoff(), Linux 6.12). `queued` says which are away.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/videodev2.h>

#include "broker/model/format.h"
#include "dmabroker-v4l2.h"
#include "libclient/part.h"

struct dmabroker_v4l2_queue {
	struct part part;
	int fd; /* borrowed */
	uint32_t type;
	uint32_t bytes; /* of a buffer, to queue */
	uint32_t field;
	bool *queued; /* by place */
};

/* Repeated on EINTR. Returns 0 or -errno, without a sentence. */
static int call(int fd, unsigned long request, void *argument)
{
	int result;

	do {
		result = ioctl(fd, request, argument);
	} while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

static int fail(const struct part *part, int error, const char *what)
{
	return handle_fail(part->broker, error, "%s: %s: %s", part->name, what, strerror(-error));
}

/* ---- the plan in V4L2's words ---- */

/* By enum field; the colour words by the numbers of their names in vocabulary.c. 0: no word. */
static const uint32_t fields[] = {
	V4L2_FIELD_NONE, V4L2_FIELD_INTERLACED, V4L2_FIELD_INTERLACED_TB, V4L2_FIELD_INTERLACED_BT,
	V4L2_FIELD_TOP,	 V4L2_FIELD_BOTTOM,	V4L2_FIELD_ALTERNATE};
static const uint32_t colorspaces[] = {0,
				       V4L2_COLORSPACE_REC709,
				       V4L2_COLORSPACE_SMPTE170M,
				       V4L2_COLORSPACE_470_SYSTEM_BG,
				       V4L2_COLORSPACE_BT2020,
				       V4L2_COLORSPACE_DCI_P3};
static const uint32_t transfers[] = {
	0, V4L2_XFER_FUNC_709, V4L2_XFER_FUNC_SRGB, V4L2_XFER_FUNC_NONE, V4L2_XFER_FUNC_SMPTE2084,
	0};
/* "rgb": the format says it */
static const uint32_t encodings[] = {0, 0, V4L2_YCBCR_ENC_601, V4L2_YCBCR_ENC_709,
				     V4L2_YCBCR_ENC_BT2020};
static const uint32_t quantizations[] = {0, V4L2_QUANTIZATION_FULL_RANGE,
					 V4L2_QUANTIZATION_LIM_RANGE};

#define WORD(table, plan, row) \
	word_of(table, sizeof(table) / sizeof((table)[0]), vocab_number(plan, row))

static uint32_t word_of(const uint32_t *table, size_t len, uint64_t number)
{
	return number < len ? table[number] : 0;
}

/* The format of a queue, both APIs alike. */
struct pix {
	uint32_t width, height, pixelformat, field, bytesperline, sizeimage, planes;
	uint32_t colorspace, xfer_func, encoding, quantization; /* 0: nothing said */
};

/* V4L2 has one word for primaries and what usually goes with them: of BT.709's primaries sRGB's
 * name says more. */
static void words_of(struct pix *pix, const struct plan *plan)
{
	pix->colorspace = WORD(colorspaces, plan, PLAN_PRIMARIES);
	pix->xfer_func = WORD(transfers, plan, PLAN_TRANSFER);
	pix->encoding = WORD(encodings, plan, PLAN_MATRIX);
	pix->quantization = WORD(quantizations, plan, PLAN_RANGE);
	if (pix->colorspace == V4L2_COLORSPACE_REC709 && pix->xfer_func == V4L2_XFER_FUNC_SRGB)
		pix->colorspace = V4L2_COLORSPACE_SRGB;
}

static int refuse_view(const struct part *part)
{
	const struct view *view = part->view;

	if (!vocab_has(view, VIEW_DEVICE) ||
	    (view->role != ROLE_CAPTURE && view->role != ROLE_OUTPUT))
		return handle_fail(part->broker, -EINVAL,
				   "%s is no V4L2 device: its role is %s, not capture or output",
				   part->name, vocab_role_names[view->role]);
	if (!vocab_has(view, VIEW_V4L2_FORMAT) || !view->v4l2_format)
		return handle_fail(part->broker, -EOPNOTSUPP, "the plan has no V4L2 format for %s",
				   part->name);
	if (part->plan->memory.len > 1)
		return handle_fail(part->broker, -EOPNOTSUPP,
				   "the pictures of %s lie in %zu memory objects, not in one",
				   part->name, part->plan->memory.len);
	if (view->v4l2_sizeimage > UINT32_MAX)
		return handle_fail(part->broker, -EOVERFLOW,
				   "%s: V4L2 cannot name a picture of %llu bytes", part->name,
				   (unsigned long long)view->v4l2_sizeimage);
	return 0;
}

static struct pix pix_wanted(const struct part *part)
{
	const struct plan *plan = part->plan;
	const struct view *view = part->view;
	struct pix pix = {.width = plan->width,
			  .height = plan->height,
			  .pixelformat = view->v4l2_format,
			  .field = WORD(fields, plan, PLAN_FIELD),
			  .bytesperline = view->v4l2_bytesperline,
			  .sizeimage = (uint32_t)view->v4l2_sizeimage,
			  .planes = 1};

	words_of(&pix, plan);
	return pix;
}

static uint32_t type_of(const struct view *view)
{
	if (vocab_number(view, VIEW_V4L2_MULTI_PLANAR))
		return view->role == ROLE_CAPTURE ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
						  : V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
	return view->role == ROLE_CAPTURE ? V4L2_BUF_TYPE_VIDEO_CAPTURE
					  : V4L2_BUF_TYPE_VIDEO_OUTPUT;
}

/* ---- the format ---- */

/* A capture queue tells colours; it takes them only with this flag, from drivers that convert. */
static uint32_t flags_for(uint32_t type, const struct pix *pix)
{
	bool said = pix->colorspace || pix->xfer_func || pix->encoding || pix->quantization;

	return said && !V4L2_TYPE_IS_OUTPUT(type) ? V4L2_PIX_FMT_FLAG_SET_CSC : 0;
}

static struct v4l2_format to_single(uint32_t type, const struct pix *pix)
{
	struct v4l2_format format = {.type = type};

	format.fmt.pix = (struct v4l2_pix_format){.width = pix->width,
						  .height = pix->height,
						  .pixelformat = pix->pixelformat,
						  .field = pix->field,
						  .bytesperline = pix->bytesperline,
						  .sizeimage = pix->sizeimage,
						  .colorspace = pix->colorspace,
						  .priv = V4L2_PIX_FMT_PRIV_MAGIC,
						  .flags = flags_for(type, pix),
						  .ycbcr_enc = pix->encoding,
						  .quantization = pix->quantization,
						  .xfer_func = pix->xfer_func};
	return format;
}

static struct v4l2_format to_multi(uint32_t type, const struct pix *pix)
{
	struct v4l2_format format = {.type = type};
	struct v4l2_pix_format_mplane *multi = &format.fmt.pix_mp;

	multi->width = pix->width;
	multi->height = pix->height;
	multi->pixelformat = pix->pixelformat;
	multi->field = pix->field;
	multi->colorspace = pix->colorspace;
	multi->num_planes = (uint8_t)pix->planes;
	multi->plane_fmt[0].bytesperline = pix->bytesperline;
	multi->plane_fmt[0].sizeimage = pix->sizeimage;
	multi->flags = (uint8_t)flags_for(type, pix);
	multi->ycbcr_enc = (uint8_t)pix->encoding;
	multi->quantization = (uint8_t)pix->quantization;
	multi->xfer_func = (uint8_t)pix->xfer_func;
	return format;
}

static struct pix from_single(const struct v4l2_pix_format *single)
{
	/* without the magic number the driver did not fill what was added later */
	bool whole = single->priv == V4L2_PIX_FMT_PRIV_MAGIC;

	return (struct pix){.width = single->width,
			    .height = single->height,
			    .pixelformat = single->pixelformat,
			    .field = single->field,
			    .bytesperline = single->bytesperline,
			    .sizeimage = single->sizeimage,
			    .planes = 1,
			    .colorspace = single->colorspace,
			    .xfer_func = whole ? single->xfer_func : 0,
			    .encoding = whole ? single->ycbcr_enc : 0,
			    .quantization = whole ? single->quantization : 0};
}

static struct pix from_multi(const struct v4l2_pix_format_mplane *multi)
{
	return (struct pix){.width = multi->width,
			    .height = multi->height,
			    .pixelformat = multi->pixelformat,
			    .field = multi->field,
			    .bytesperline = multi->plane_fmt[0].bytesperline,
			    .sizeimage = multi->plane_fmt[0].sizeimage,
			    .planes = multi->num_planes,
			    .colorspace = multi->colorspace,
			    .xfer_func = multi->xfer_func,
			    .encoding = multi->ycbcr_enc,
			    .quantization = multi->quantization};
}

/* What "default" stands for in a driver's answer, by V4L2's own rules. */
static void resolve_colours(struct pix *pix)
{
	const struct format_info *info = format_find(format_from_v4l2(pix->pixelformat));
	bool is_rgb = info && (strstr(info->name, "RGB") || strstr(info->name, "BGR"));

	if (!pix->xfer_func)
		pix->xfer_func = V4L2_MAP_XFER_FUNC_DEFAULT(pix->colorspace);
	if (!pix->encoding)
		pix->encoding = V4L2_MAP_YCBCR_ENC_DEFAULT(pix->colorspace);
	if (!pix->quantization)
		pix->quantization =
			V4L2_MAP_QUANTIZATION_DEFAULT(is_rgb, pix->colorspace, pix->encoding);
	/* the primaries are what is compared, and these have the same */
	if (pix->colorspace == V4L2_COLORSPACE_SRGB || pix->colorspace == V4L2_COLORSPACE_JPEG)
		pix->colorspace = V4L2_COLORSPACE_REC709;
}

/* Appends what differs to `text`, as long as there is room. */
static void compare(char *text, size_t size, const char *name, uint32_t wanted, uint32_t got)
{
	size_t used = strlen(text);

	if (wanted == got)
		return;
	snprintf(text + used, size - used, "%s%s %u instead of %u", used ? ", " : "", name, got,
		 wanted);
}

/* The same of a number that may be left open. */
static void compare_word(char *text, size_t size, const char *name, uint32_t wanted, uint32_t got)
{
	if (wanted)
		compare(text, size, name, wanted, got);
}

static void compare_formats(char *text, size_t size, uint32_t wanted, uint32_t got)
{
	char names[2][FORMAT_TEXT_BYTES];

	if (wanted == got)
		return;
	format_text(wanted, names[0]);
	format_text(got, names[1]);
	snprintf(text, size, "pixelformat %s instead of %s", names[1], names[0]);
}

static void compare_all(char *text, size_t size, const struct pix *wanted, const struct pix *got)
{
	struct pix colours = *got, said = *wanted;

	*text = '\0';
	compare_formats(text, size, wanted->pixelformat, got->pixelformat);
	compare(text, size, "width", wanted->width, got->width);
	compare(text, size, "height", wanted->height, got->height);
	compare(text, size, "field", wanted->field, got->field);
	compare(text, size, "num_planes", wanted->planes, got->planes);
	compare(text, size, "bytesperline", wanted->bytesperline, got->bytesperline);
	if (got->sizeimage > wanted->sizeimage)
		compare(text, size, "sizeimage", wanted->sizeimage, got->sizeimage);
	resolve_colours(&colours);
	if (said.colorspace == V4L2_COLORSPACE_SRGB)
		said.colorspace = V4L2_COLORSPACE_REC709;
	compare_word(text, size, "colorspace", said.colorspace, colours.colorspace);
	compare_word(text, size, "xfer_func", said.xfer_func, colours.xfer_func);
	compare_word(text, size, "ycbcr_enc", said.encoding, colours.encoding);
	compare_word(text, size, "quantization", said.quantization, colours.quantization);
}

static int ask_format(int fd, unsigned long request, uint32_t type, struct pix *pix)
{
	bool multi = V4L2_TYPE_IS_MULTIPLANAR(type);
	struct v4l2_format format = multi ? to_multi(type, pix) : to_single(type, pix);
	int error = call(fd, request, &format);

	if (!error)
		*pix = multi ? from_multi(&format.fmt.pix_mp) : from_single(&format.fmt.pix);
	return error;
}

static int set_format(const struct part *part, int fd)
{
	const struct pix wanted = pix_wanted(part);
	struct pix got = wanted;
	char text[512], name[FORMAT_TEXT_BYTES];
	int error = ask_format(fd, VIDIOC_S_FMT, type_of(part->view), &got);

	if (error)
		return fail(part, error, "VIDIOC_S_FMT");
	compare_all(text, sizeof(text), &wanted, &got);
	if (!*text)
		return 0;
	format_text(wanted.pixelformat, name);
	return handle_fail(part->broker, -EPROTO,
			   "%s: of a picture of %ux%u in %s the driver makes another: %s",
			   part->name, wanted.width, wanted.height, name, text);
}

/* Whether the format stands already; if that cannot be told it does not. */
static bool has_format(const struct part *part, int fd)
{
	const struct pix wanted = pix_wanted(part);
	struct pix got = wanted;
	char text[512];

	if (ask_format(fd, VIDIOC_G_FMT, type_of(part->view), &got))
		return false;
	compare_all(text, sizeof(text), &wanted, &got);
	return !*text;
}

static int init_part(struct part *part, struct dmabroker_collection *collection,
		     const char *participant)
{
	int error = part_init(part, collection, participant);

	if (!error)
		error = refuse_view(part);
	if (error)
		part_finish(part);
	return error;
}

int dmabroker_v4l2_set_format(struct dmabroker_collection *collection, const char *participant,
			      int fd)
{
	struct part part;
	int error = init_part(&part, collection, participant);

	if (error)
		return error;
	error = set_format(&part, fd);
	part_finish(&part);
	return error;
}

/* ---- the queue ---- */

/* Returns how many there are then. */
static int request_buffers(const struct dmabroker_v4l2_queue *queue, size_t count)
{
	struct v4l2_requestbuffers request = {
		.count = (uint32_t)count, .type = queue->type, .memory = V4L2_MEMORY_DMABUF};
	int error = call(queue->fd, VIDIOC_REQBUFS, &request);

	return error ? error : (int)request.count;
}

static int make_room(const struct dmabroker_v4l2_queue *queue)
{
	const struct part *part = &queue->part;
	int count = request_buffers(queue, part->buffers_len);

	if (count < 0)
		return fail(part, count, "VIDIOC_REQBUFS with V4L2_MEMORY_DMABUF");
	if ((size_t)count >= part->buffers_len)
		return 0;
	request_buffers(queue, 0);
	return handle_fail(part->broker, -ENOBUFS,
			   "%s: the driver takes %d buffers, and there are %zu", part->name, count,
			   part->buffers_len);
}

static int prepare(struct dmabroker_v4l2_queue *queue)
{
	const struct part *part = &queue->part;
	const struct pix pix = pix_wanted(part);
	int error = has_format(part, queue->fd) ? 0 : set_format(part, queue->fd);

	if (error)
		return error;
	queue->type = type_of(part->view);
	queue->bytes = pix.sizeimage;
	queue->field = pix.field;
	queue->queued = calloc(part->buffers_len ? part->buffers_len : 1, sizeof(queue->queued[0]));
	if (!queue->queued)
		return fail(part, -ENOMEM, "the queue");
	return make_room(queue);
}

int dmabroker_v4l2_queue_create(struct dmabroker_collection *collection, const char *participant,
				int fd, struct dmabroker_v4l2_queue **ret_queue)
{
	struct dmabroker_v4l2_queue *queue = calloc(1, sizeof(*queue));
	int error;

	if (!queue)
		return handle_fail(collection->broker, -ENOMEM, "no memory for a queue");
	queue->fd = fd;
	error = init_part(&queue->part, collection, participant);
	if (error) {
		free(queue);
		return error;
	}
	error = prepare(queue);
	if (!error) {
		*ret_queue = queue;
		return 0;
	}
	free(queue->queued);
	part_finish(&queue->part);
	free(queue);
	return error;
}

/* All buffers are back. Returns the first error. */
static int end_all(struct dmabroker_v4l2_queue *queue)
{
	int first = 0;

	for (size_t i = 0; i < queue->part.buffers_len; i++) {
		int error = queue->queued[i] ? part_end(&queue->part, i) : 0;

		queue->queued[i] = false;
		if (!first)
			first = error;
	}
	return first;
}

/* If the device is gone, so are its accesses. */
void dmabroker_v4l2_queue_destroy(struct dmabroker_v4l2_queue *queue)
{
	int type;

	if (!queue)
		return;
	type = (int)queue->type;
	call(queue->fd, VIDIOC_STREAMOFF, &type);
	end_all(queue);
	request_buffers(queue, 0);
	free(queue->queued);
	part_finish(&queue->part);
	free(queue);
}

struct dmabroker_buffer *dmabroker_v4l2_queue_get_buffer(const struct dmabroker_v4l2_queue *queue,
							 size_t index)
{
	return index < queue->part.buffers_len ? queue->part.buffers[index] : NULL;
}

/* ---- hand-overs ---- */

/* A buffer as both APIs want it: of the multi-planar one `plane` says what of the other `buffer`
 * does. */
struct message {
	struct v4l2_buffer buffer;
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
};

static struct v4l2_buffer *message_begin(struct message *message,
					 const struct dmabroker_v4l2_queue *queue)
{
	*message = (struct message){.buffer = {.type = queue->type, .memory = V4L2_MEMORY_DMABUF}};
	if (V4L2_TYPE_IS_MULTIPLANAR(queue->type)) {
		message->buffer.m.planes = message->planes;
		message->buffer.length = VIDEO_MAX_PLANES;
	}
	return &message->buffer;
}

static void message_set_memory(struct message *message, int fd, uint32_t bytes, uint32_t used)
{
	if (V4L2_TYPE_IS_MULTIPLANAR(message->buffer.type)) {
		message->buffer.length = 1;
		message->planes[0].m.fd = fd;
		message->planes[0].length = bytes;
		message->planes[0].bytesused = used;
	} else {
		message->buffer.m.fd = fd;
		message->buffer.length = bytes;
		message->buffer.bytesused = used;
	}
}

static void message_fill(struct message *message, const struct dmabroker_v4l2_queue *queue,
			 size_t index, const struct dmabroker_v4l2_frame *frame)
{
	bool is_output = V4L2_TYPE_IS_OUTPUT(queue->type);
	uint32_t used = frame && frame->bytesused ? frame->bytesused : queue->bytes;
	struct v4l2_buffer *buffer = message_begin(message, queue);

	buffer->index = (uint32_t)index;
	buffer->field = is_output ? queue->field : 0;
	if (is_output && frame) {
		buffer->field = frame->field ? frame->field : queue->field;
		buffer->timestamp.tv_sec = frame->timestamp_us / 1000000;
		buffer->timestamp.tv_usec = frame->timestamp_us % 1000000;
	}
	message_set_memory(message, dmabroker_buffer_get_fd(queue->part.buffers[index], 0),
			   queue->bytes, is_output ? used : 0);
}

int dmabroker_v4l2_queue_put_at(struct dmabroker_v4l2_queue *queue, struct dmabroker_buffer *buffer,
				const struct dmabroker_v4l2_frame *frame, const char *file,
				int line)
{
	const struct part *part = &queue->part;
	int error, index = part_find(part, buffer);
	struct message message;

	if (index < 0)
		return handle_fail(part->broker, index, "the buffer is not in the queue of %s",
				   part->name);
	error = part_begin(part, (size_t)index,
			   V4L2_TYPE_IS_OUTPUT(queue->type) ? DMABROKER_ACCESS_READ
							    : DMABROKER_ACCESS_WRITE,
			   (struct part_place){file, line});
	if (error)
		return error;
	message_fill(&message, queue, (size_t)index, frame);
	error = call(queue->fd, VIDIOC_QBUF, &message.buffer);
	if (!error) {
		queue->queued[index] = true;
		return 0;
	}
	part_end(part, (size_t)index);
	return handle_fail(part->broker, error, "%s: VIDIOC_QBUF of buffer %d: %s%s", part->name,
			   index, strerror(-error),
			   error == -EFAULT ? " (the device cannot use this memory)" : "");
}

#undef dmabroker_v4l2_queue_put
int dmabroker_v4l2_queue_put(struct dmabroker_v4l2_queue *queue, struct dmabroker_buffer *buffer,
			     const struct dmabroker_v4l2_frame *frame)
{
	return dmabroker_v4l2_queue_put_at(queue, buffer, frame, NULL, 0);
}

static struct dmabroker_v4l2_frame to_frame(const struct dmabroker_v4l2_queue *queue,
					    const struct message *message)
{
	const struct v4l2_buffer *buffer = &message->buffer;
	bool multi = V4L2_TYPE_IS_MULTIPLANAR(queue->type);

	return (struct dmabroker_v4l2_frame){
		.buffer = queue->part.buffers[buffer->index],
		.index = buffer->index,
		.bytesused = multi ? message->planes[0].bytesused : buffer->bytesused,
		.flags = buffer->flags,
		.field = buffer->field,
		.sequence = buffer->sequence,
		.timestamp_us = (int64_t)buffer->timestamp.tv_sec * 1000000 +
				buffer->timestamp.tv_usec,
		.fd = multi ? message->planes[0].m.fd : buffer->m.fd,
	};
}

/* Not repeated on EINTR: it may wait for ever, and the signal may be there to end that. */
int dmabroker_v4l2_queue_take(struct dmabroker_v4l2_queue *queue,
			      struct dmabroker_v4l2_frame *ret_frame)
{
	const struct part *part = &queue->part;
	struct message message;
	struct v4l2_buffer *buffer = message_begin(&message, queue);
	int error;

	if (ioctl(queue->fd, VIDIOC_DQBUF, buffer) < 0)
		return fail(part, -errno, "VIDIOC_DQBUF");
	if (buffer->index >= part->buffers_len || !queue->queued[buffer->index])
		return handle_fail(part->broker, -EPROTO,
				   "%s: the driver gives back buffer %u, which it does not have",
				   part->name, buffer->index);
	queue->queued[buffer->index] = false;
	error = part_end(part, buffer->index);
	if (!error)
		*ret_frame = to_frame(queue, &message);
	return error;
}

int dmabroker_v4l2_queue_start(struct dmabroker_v4l2_queue *queue)
{
	int type = (int)queue->type;
	int error = call(queue->fd, VIDIOC_STREAMON, &type);

	return error ? fail(&queue->part, error, "VIDIOC_STREAMON") : 0;
}

int dmabroker_v4l2_queue_stop(struct dmabroker_v4l2_queue *queue)
{
	int type = (int)queue->type;
	int error = call(queue->fd, VIDIOC_STREAMOFF, &type);

	return error ? fail(&queue->part, error, "VIDIOC_STREAMOFF") : end_all(queue);
}
