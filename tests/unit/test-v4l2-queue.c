/* SPDX-License-Identifier: MIT */
/* libclient/v4l2.c against a made-up driver, in place of ioctl: what it is told, what is refused,
 * and with whom a buffer is after each call. */
#include <assert.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "dmabroker-v4l2.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/held.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define NODE_FD 0x7ffffff0
#define SLOTS 32
#define LOG 64

#define RGB "640x480 f=XR24 n=3 "
#define CAMERA RGB "camera=cap:capture cpu=:cpu"
#define MULTI "640x480 f=NV12 n=3 camera=mplane:capture cpu=:cpu"
#define ENCODER RGB "encoder=out:output cpu=:cpu"

/* ---- the made-up driver ---- */

struct slot {
	struct v4l2_buffer buffer;
	struct v4l2_plane plane;
	bool queued, done;
};

static struct driver {
	struct v4l2_format format;
	void (*change)(struct v4l2_format *format); /* what it makes of one; NULL: nothing */
	unsigned int room, least;		    /* buffers: at most, at least */
	unsigned int count;
	bool streaming;
	struct slot slots[SLOTS];
	unsigned long fails; /* a request that fails with `error`; 0: none, ~0: all */
	int error;
	unsigned int interruptions; /* EINTRs before anything is done */
	/* what was asked, in this order; SYNC as it comes */
	unsigned long log[LOG];
	unsigned int log_len;
} driver;

static const unsigned long all = ~0ul;

static bool is_multi(void)
{
	return V4L2_TYPE_IS_MULTIPLANAR(driver.format.type);
}

static int set_format(struct v4l2_format *format)
{
	if (driver.change)
		driver.change(format);
	driver.format = *format;
	return 0;
}

static int get_format(struct v4l2_format *format)
{
	uint32_t type = format->type;

	*format = driver.format;
	format->type = type;
	return 0;
}

static void cancel(void)
{
	driver.streaming = false;
	for (int i = 0; i < SLOTS; i++)
		driver.slots[i].queued = driver.slots[i].done = false;
}

static int request_buffers(struct v4l2_requestbuffers *request)
{
	assert(request->memory == V4L2_MEMORY_DMABUF);
	assert(request->type == driver.format.type);
	if (!request->count)
		cancel();
	else if (request->count < driver.least)
		request->count = driver.least;
	if (request->count > driver.room)
		request->count = driver.room;
	driver.count = request->count;
	return 0;
}

static int queue(struct v4l2_buffer *buffer)
{
	struct slot *slot = &driver.slots[buffer->index];

	assert(buffer->memory == V4L2_MEMORY_DMABUF);
	assert(buffer->type == driver.format.type);
	if (buffer->index >= driver.count || slot->queued)
		return -EINVAL;
	slot->buffer = *buffer;
	if (is_multi()) {
		assert(buffer->length == 1);
		slot->plane = buffer->m.planes[0];
	}
	slot->queued = true;
	return 0;
}

static int dequeue(struct v4l2_buffer *buffer)
{
	struct v4l2_plane *planes = buffer->m.planes;

	if (!driver.streaming)
		return -EINVAL;
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &driver.slots[i];

		if (!slot->queued || !slot->done)
			continue;
		slot->queued = slot->done = false;
		*buffer = slot->buffer;
		if (is_multi()) {
			assert(planes);
			buffer->m.planes = planes;
			planes[0] = slot->plane;
		}
		return 0;
	}
	return -EAGAIN;
}

static int answer(unsigned long request, void *argument)
{
	switch (request) {
	case VIDIOC_S_FMT:
		return set_format(argument);
	case VIDIOC_G_FMT:
		return get_format(argument);
	case VIDIOC_REQBUFS:
		return request_buffers(argument);
	case VIDIOC_QBUF:
		return queue(argument);
	case VIDIOC_DQBUF:
		return dequeue(argument);
	case VIDIOC_STREAMON:
		driver.streaming = true;
		return 0;
	case VIDIOC_STREAMOFF:
		cancel();
		return 0;
	default:
		assert(!"an ioctl that is none of ours");
		return -ENOTTY;
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list args;
	int result;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (request != DMA_BUF_IOCTL_SYNC)
		assert(fd == NODE_FD);
	if (driver.interruptions) {
		driver.interruptions--;
		errno = EINTR;
		return -1;
	}
	assert(driver.log_len < LOG);
	driver.log[driver.log_len++] = request;
	if (driver.fails == request || driver.fails == all)
		result = -driver.error;
	else
		result = request == DMA_BUF_IOCTL_SYNC ? 0 : answer(request, argument);
	errno = -result;
	return result < 0 ? -1 : 0;
}

/* The device is done with what it has. */
static void finish(uint32_t index, uint32_t used, uint32_t flags)
{
	struct slot *slot = &driver.slots[index];

	ck_assert(slot->queued);
	slot->done = true;
	slot->buffer.flags = flags;
	slot->buffer.sequence = 7;
	slot->buffer.field = V4L2_FIELD_NONE;
	slot->buffer.timestamp.tv_sec = 3;
	slot->buffer.timestamp.tv_usec = 14;
	if (is_multi())
		slot->plane.bytesused = used;
	else
		slot->buffer.bytesused = used;
}

static unsigned int asked(unsigned long request)
{
	unsigned int times = 0;

	for (unsigned int i = 0; i < driver.log_len; i++)
		times += driver.log[i] == request;
	return times;
}

static void forget(void)
{
	driver.log_len = 0;
}

/* ---- what each test begins with ---- */

static struct held held;

static void begin(const char *machine, const char *request)
{
	driver = (struct driver){.room = SLOTS};
	held = held_create(machine, request);
}

static void end(void)
{
	held_destroy(&held);
}

static struct dmabroker_v4l2_queue *create(const char *participant)
{
	struct dmabroker_v4l2_queue *made = NULL;

	ck_assert_int_eq(dmabroker_v4l2_queue_create(held.collection, participant, NODE_FD, &made),
			 0);
	ck_assert_ptr_nonnull(made);
	return made;
}

static void put(struct dmabroker_v4l2_queue *to, size_t index)
{
	ck_assert_int_eq(dmabroker_v4l2_queue_put(to, held_buffer(&held, index), NULL), 0);
}

/* The last call failed so, and the sentence has these words. */
static void says(const char *words)
{
	const char *text = dmabroker_get_error_text(held.broker);

	ck_assert_msg(strstr(text, words), "\"%s\" is not in: %s", words, text);
}

/* No queue is made. */
static void refused(const char *participant, int error, const char *words)
{
	struct dmabroker_v4l2_queue *none = (void *)&held;

	ck_assert_int_eq(dmabroker_v4l2_queue_create(held.collection, participant, NODE_FD, &none),
			 error);
	ck_assert_ptr_eq(none, &held);
	ck_assert_uint_eq(driver.count, 0);
	says(words);
}

/* ---- the format ---- */

START_TEST(single_planar_format_is_the_plans)
{
	const struct v4l2_pix_format *pix = &driver.format.fmt.pix;

	begin("lab", CAMERA);
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "camera", NODE_FD), 0);
	ck_assert_uint_eq(driver.format.type, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	ck_assert_uint_eq(pix->width, 640);
	ck_assert_uint_eq(pix->height, 480);
	ck_assert_uint_eq(pix->pixelformat, V4L2_PIX_FMT_XBGR32);
	ck_assert_uint_eq(pix->field, V4L2_FIELD_NONE);
	ck_assert_uint_eq(pix->bytesperline, 2560);
	ck_assert_uint_eq(pix->sizeimage, 1228800);
	ck_assert_uint_eq(pix->priv, V4L2_PIX_FMT_PRIV_MAGIC);
	ck_assert_uint_eq(pix->flags, 0);
	ck_assert_uint_eq(asked(VIDIOC_S_FMT), 1);
	ck_assert_uint_eq(asked(VIDIOC_REQBUFS), 0);
	end();
}
END_TEST

START_TEST(multi_planar_format_is_the_plans)
{
	const struct v4l2_pix_format_mplane *pix = &driver.format.fmt.pix_mp;

	begin("lab", MULTI);
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "camera", NODE_FD), 0);
	ck_assert_uint_eq(driver.format.type, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE);
	ck_assert_uint_eq(pix->width, 640);
	ck_assert_uint_eq(pix->height, 480);
	ck_assert_uint_eq(pix->pixelformat, V4L2_PIX_FMT_NV12);
	ck_assert_uint_eq(pix->field, V4L2_FIELD_NONE);
	ck_assert_uint_eq(pix->num_planes, 1);
	ck_assert_uint_eq(pix->plane_fmt[0].bytesperline, 640);
	ck_assert_uint_eq(pix->plane_fmt[0].sizeimage, 460800);
	end();
}
END_TEST

START_TEST(type_follows_the_role)
{
	begin("lab", ENCODER);
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "encoder", NODE_FD), 0);
	ck_assert_uint_eq(driver.format.type, V4L2_BUF_TYPE_VIDEO_OUTPUT);
	end();
	begin("lab mplane:capture/role=output",
	      "640x480 n=3 encoder=mplane:output cpu=:cpu/f=NV12");
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "encoder", NODE_FD), 0);
	ck_assert_uint_eq(driver.format.type, V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE);
	end();
}
END_TEST

/* What a driver may make of a format. All but the strides are at the same place in both APIs. */
static void other_width(struct v4l2_format *format)
{
	format->fmt.pix.width = 656;
}
static void other_height(struct v4l2_format *format)
{
	format->fmt.pix.height = 496;
}
static void other_format(struct v4l2_format *format)
{
	format->fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
}
static void other_field(struct v4l2_format *format)
{
	format->fmt.pix.field = V4L2_FIELD_INTERLACED;
}
static void wider_rows(struct v4l2_format *format)
{
	if (is_multi() || V4L2_TYPE_IS_MULTIPLANAR(format->type))
		format->fmt.pix_mp.plane_fmt[0].bytesperline += 64;
	else
		format->fmt.pix.bytesperline += 64;
}
static void more_bytes(struct v4l2_format *format)
{
	if (V4L2_TYPE_IS_MULTIPLANAR(format->type))
		format->fmt.pix_mp.plane_fmt[0].sizeimage++;
	else
		format->fmt.pix.sizeimage++;
}
static void fewer_bytes(struct v4l2_format *format)
{
	if (V4L2_TYPE_IS_MULTIPLANAR(format->type))
		format->fmt.pix_mp.plane_fmt[0].sizeimage -= 4096;
	else
		format->fmt.pix.sizeimage -= 4096;
}
static void two_planes(struct v4l2_format *format)
{
	format->fmt.pix_mp.num_planes = 2;
}

static const struct {
	void (*change)(struct v4l2_format *format);
	bool multi_only;
	const char *single, *multi; /* what is said of it; NULL: it is fine */
} changes[] = {
	{NULL},
	{fewer_bytes},
	{other_width, false, "width 656 instead of 640", "width 656 instead of 640"},
	{other_height, false, "height 496 instead of 480", "height 496 instead of 480"},
	{other_format, false, "pixelformat YUYV instead of XR24",
	 "pixelformat YUYV instead of NV12"},
	{other_field, false, "field 4 instead of 1", "field 4 instead of 1"},
	{wider_rows, false, "bytesperline 2624 instead of 2560", "bytesperline 704 instead of 640"},
	{more_bytes, false, "sizeimage 1228801 instead of 1228800",
	 "sizeimage 460801 instead of 460800"},
	{two_planes, true, NULL, "num_planes 2 instead of 1"},
};

static void check_change(const char *request, void (*change)(struct v4l2_format *format),
			 const char *words)
{
	begin("lab", request);
	driver.change = change;
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "camera", NODE_FD),
			 words ? -EPROTO : 0);
	if (words) {
		says(words);
		says("640x480");
		says("camera");
		refused("camera", -EPROTO, words);
	} else {
		dmabroker_v4l2_queue_destroy(create("camera"));
	}
	end();
}

START_TEST(format_that_the_driver_changes_is_refused)
{
	if (!changes[_i].multi_only)
		check_change(CAMERA, changes[_i].change, changes[_i].single);
	check_change(MULTI, changes[_i].change, changes[_i].multi);
}
END_TEST

static void many_others(struct v4l2_format *format)
{
	other_width(format);
	wider_rows(format);
}

START_TEST(all_that_differs_is_named)
{
	check_change(CAMERA, many_others,
		     "width 656 instead of 640, bytesperline 2624 instead of 2560");
}
END_TEST

START_TEST(format_that_stands_is_not_set_again)
{
	begin("lab", CAMERA);
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "camera", NODE_FD), 0);
	dmabroker_v4l2_queue_destroy(create("camera"));
	ck_assert_uint_eq(asked(VIDIOC_S_FMT), 1);
	driver.format.fmt.pix.bytesperline = 4096;
	dmabroker_v4l2_queue_destroy(create("camera"));
	ck_assert_uint_eq(asked(VIDIOC_S_FMT), 2);
	ck_assert_uint_eq(driver.format.fmt.pix.bytesperline, 2560);
	end();
}
END_TEST

/* ---- colours ---- */

/* In numbers of V4L2's: colorspace, xfer_func, ycbcr_enc, quantization. */
static const struct {
	const char *request; /* the four words */
	uint32_t told[4];
	uint32_t answered[4]; /* 0: as told */
	const char *refusal;
} colours[] = {
	{"", {0, 0, 0, 0}, {8, 2, 1, 1}, NULL},
	{"colour-primaries=bt709", {3, 0, 0, 0}, {0}, NULL},
	{"colour-primaries=bt601-525", {1, 0, 0, 0}, {0}, NULL},
	{"colour-primaries=bt601-625", {6, 0, 0, 0}, {0}, NULL},
	{"colour-primaries=bt2020", {10, 0, 0, 0}, {0}, NULL},
	{"colour-primaries=dci-p3", {12, 0, 0, 0}, {0}, NULL},
	/* BT.709's primaries with sRGB's name */
	{"colour-primaries=bt709", {3, 0, 0, 0}, {8, 0, 0, 0}, NULL},
	{"colour-primaries=bt709 colour-transfer=srgb", {8, 2, 0, 0}, {0}, NULL},
	{"colour-primaries=bt709 colour-transfer=srgb", {8, 2, 0, 0}, {3, 2, 0, 0}, NULL},
	{"colour-primaries=bt709", {3, 0, 0, 0}, {1, 0, 0, 0}, "colorspace 1 instead of 3"},
	{"colour-primaries=bt709", {3, 0, 0, 0}, {0xff, 0, 0, 0}, "colorspace 0 instead of 3"},
	{"colour-transfer=bt709", {0, 1, 0, 0}, {0}, NULL},
	{"colour-transfer=linear", {0, 5, 0, 0}, {0}, NULL},
	{"colour-transfer=pq", {0, 7, 0, 0}, {0}, NULL},
	/* no word for it */
	{"colour-transfer=hlg", {0, 0, 0, 0}, {3, 1, 0, 0}, NULL},
	/* what goes without saying */
	{"colour-transfer=srgb", {0, 2, 0, 0}, {8, 0, 0, 0}, NULL},
	{"colour-transfer=srgb", {0, 2, 0, 0}, {3, 0, 0, 0}, "xfer_func 1 instead of 2"},
	{"colour-matrix=bt601", {0, 0, 1, 0}, {0}, NULL},
	{"colour-matrix=bt709", {0, 0, 2, 0}, {3, 0, 0, 0}, NULL},
	{"colour-matrix=bt2020", {0, 0, 6, 0}, {0}, NULL},
	{"colour-matrix=bt709", {0, 0, 2, 0}, {1, 0, 0, 0}, "ycbcr_enc 1 instead of 2"},
	{"colour-range=limited", {0, 0, 0, 2}, {3, 0, 0, 0}, NULL},
	{"colour-range=full", {0, 0, 0, 1}, {0}, NULL},
	{"colour-range=full", {0, 0, 0, 1}, {3, 0, 0, 0}, "quantization 2 instead of 1"},
	{"colour-range=full", {0, 0, 0, 1}, {7, 0, 0, 0}, NULL}, /* JPEG */
};

static const uint32_t *answered; /* colours; NULL: as told */

static void other_colours(struct v4l2_format *format)
{
	struct v4l2_pix_format *single = &format->fmt.pix;
	struct v4l2_pix_format_mplane *multi = &format->fmt.pix_mp;

	if (!answered || !answered[0])
		return;
	if (V4L2_TYPE_IS_MULTIPLANAR(format->type)) {
		multi->colorspace = answered[0] == 0xff ? 0 : answered[0];
		multi->xfer_func = (uint8_t)answered[1];
		multi->ycbcr_enc = (uint8_t)answered[2];
		multi->quantization = (uint8_t)answered[3];
	} else {
		single->colorspace = answered[0] == 0xff ? 0 : answered[0];
		single->xfer_func = answered[1];
		single->ycbcr_enc = answered[2];
		single->quantization = answered[3];
	}
}

static struct v4l2_format told;

static void remember(struct v4l2_format *format)
{
	told = *format;
	other_colours(format);
}

static void check_colours(int row, const char *who, const char *request, bool is_output)
{
	bool said = colours[row].told[0] || colours[row].told[1] || colours[row].told[2] ||
		    colours[row].told[3];
	bool multi;
	char text[256];

	snprintf(text, sizeof(text), "%s %s", request, colours[row].request);
	begin("lab", text);
	answered = colours[row].answered;
	driver.change = remember;
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, who, NODE_FD),
			 colours[row].refusal ? -EPROTO : 0);
	if (colours[row].refusal)
		says(colours[row].refusal);
	multi = V4L2_TYPE_IS_MULTIPLANAR(told.type);
	ck_assert_uint_eq(multi ? told.fmt.pix_mp.colorspace : told.fmt.pix.colorspace,
			  colours[row].told[0]);
	ck_assert_uint_eq(multi ? told.fmt.pix_mp.xfer_func : told.fmt.pix.xfer_func,
			  colours[row].told[1]);
	ck_assert_uint_eq(multi ? told.fmt.pix_mp.ycbcr_enc : told.fmt.pix.ycbcr_enc,
			  colours[row].told[2]);
	ck_assert_uint_eq(multi ? told.fmt.pix_mp.quantization : told.fmt.pix.quantization,
			  colours[row].told[3]);
	ck_assert_uint_eq(multi ? told.fmt.pix_mp.flags : told.fmt.pix.flags,
			  said && !is_output ? V4L2_PIX_FMT_FLAG_SET_CSC : 0);
	end();
}

START_TEST(colours_are_the_plans)
{
	check_colours(_i, "camera", "640x480 f=NV12 camera=cap:capture", false);
	check_colours(_i, "camera", "640x480 f=NV12 camera=mplane:capture", false);
	check_colours(_i, "encoder", "640x480 f=NV12 encoder=out:output", true);
}
END_TEST

static void rgb_of_unknown_range(struct v4l2_format *format)
{
	format->fmt.pix.colorspace = V4L2_COLORSPACE_SRGB;
	format->fmt.pix.quantization = V4L2_QUANTIZATION_DEFAULT;
}

static void without_magic(struct v4l2_format *format)
{
	format->fmt.pix.colorspace = V4L2_COLORSPACE_REC709;
	format->fmt.pix.priv = 0; /* so this is left from whoever called */
	format->fmt.pix.quantization = V4L2_QUANTIZATION_FULL_RANGE;
}

START_TEST(default_range_depends_on_the_format)
{
	begin("lab", CAMERA " colour-range=full");
	driver.change = rgb_of_unknown_range;
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "camera", NODE_FD), 0);
	end();
	begin("lab", "640x480 f=NV12 camera=cap:capture colour-range=full");
	driver.change = without_magic;
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "camera", NODE_FD), -EPROTO);
	says("quantization 2 instead of 1");
	end();
}
END_TEST

/* ---- who is refused ---- */

START_TEST(others_than_v4l2_devices_are_refused)
{
	begin("lab", RGB "camera=cap:capture screen=disp:scanout cpu=:cpu gpu=gpu:render/f=XR24");
	refused("cpu", -EINVAL, "cpu is no V4L2 device: its role is cpu");
	refused("screen", -EINVAL, "screen is no V4L2 device: its role is scanout");
	refused("gpu", -EINVAL, "its role is render");
	refused("nobody", -ENOENT, "no participant called nobody");
	refused("", -ENOENT, "no participant");
	ck_assert_uint_eq(driver.log_len, 0);
	end();
}
END_TEST

START_TEST(without_a_plan_nothing_is_done)
{
	begin("lab", NULL);
	refused("camera", -ENOENT, "no plan yet");
	ck_assert_int_eq(dmabroker_v4l2_set_format(held.collection, "camera", NODE_FD), -ENOENT);
	ck_assert_uint_eq(driver.log_len, 0);
	end();
}
END_TEST

START_TEST(view_that_v4l2_cannot_be_told_is_refused)
{
	struct view *view;

	begin("lab", CAMERA);
	view = held_view(&held, "camera");
	view->v4l2_sizeimage = 1ull << 32;
	refused("camera", -EOVERFLOW, "4294967296 bytes");
	view->v4l2_format = 0;
	refused("camera", -EOPNOTSUPP, "no V4L2 format for camera");
	ck_assert_uint_eq(driver.log_len, 0);
	end();
}
END_TEST

START_TEST(several_memory_objects_are_refused)
{
	struct memory_object *more;

	begin("lab", CAMERA);
	ck_assert_int_eq(
		vocab_add_dict(held.collection->newest->plan, PLAN_MEMORY, VOCAB_SOLVED, &more), 0);
	refused("camera", -EOPNOTSUPP, "2 memory objects");
	end();
}
END_TEST

/* ---- making room ---- */

START_TEST(queue_has_room_for_all_buffers)
{
	struct dmabroker_v4l2_queue *made;
	size_t count;

	begin("lab", CAMERA);
	count = dmabroker_collection_get_count(held.collection);
	ck_assert_uint_eq(count, 3);
	made = create("camera");
	ck_assert_uint_eq(driver.count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_eq(dmabroker_v4l2_queue_get_buffer(made, i), held_buffer(&held, i));
	ck_assert_ptr_null(dmabroker_v4l2_queue_get_buffer(made, count));
	dmabroker_v4l2_queue_destroy(made);
	ck_assert_uint_eq(driver.count, 0);
	dmabroker_v4l2_queue_destroy(NULL);
	end();
}
END_TEST

START_TEST(driver_may_make_more_room)
{
	begin("lab", CAMERA);
	driver.least = 5;
	dmabroker_v4l2_queue_destroy(create("camera"));
	ck_assert_uint_eq(asked(VIDIOC_REQBUFS), 2);
	end();
}
END_TEST

START_TEST(driver_with_less_room_is_refused)
{
	begin("lab", CAMERA);
	driver.room = 2;
	refused("camera", -ENOBUFS, "takes 2 buffers, and there are 3");
	end();
}
END_TEST

static const struct {
	unsigned long request;
	int error;
	const char *words;
} failures[] = {
	{VIDIOC_S_FMT, EBUSY, "camera: VIDIOC_S_FMT: Device or resource busy"},
	{VIDIOC_REQBUFS, EBUSY, "camera: VIDIOC_REQBUFS with V4L2_MEMORY_DMABUF: Device"},
	{VIDIOC_REQBUFS, EINVAL, "Invalid argument"},
	{all, ENODEV, "No such device"},
};

START_TEST(failure_of_the_driver_is_told)
{
	begin("lab", CAMERA);
	driver.fails = failures[_i].request;
	driver.error = failures[_i].error;
	refused("camera", -failures[_i].error, failures[_i].words);
	end();
}
END_TEST

START_TEST(interruptions_are_overcome)
{
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	driver.interruptions = 3;
	made = create("camera");
	driver.interruptions = 3;
	put(made, 0);
	driver.interruptions = 3;
	ck_assert_int_eq(dmabroker_v4l2_queue_start(made), 0);
	driver.interruptions = 3;
	ck_assert_int_eq(dmabroker_v4l2_queue_stop(made), 0);
	ck_assert_uint_eq(driver.interruptions, 0);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(every_allocation_fails_once)
{
	struct dmabroker_v4l2_queue *made = NULL;
	bool failed = true;
	unsigned int n;

	begin("lab", CAMERA);
	for (n = 1; failed; n++) {
		int error;

		faults_begin(n);
		error = dmabroker_v4l2_queue_create(held.collection, "camera", NODE_FD, &made);
		failed = faults_end();
		ck_assert_int_eq(error, failed ? -ENOMEM : 0);
		ck_assert_uint_eq(driver.count, failed ? 0 : 3);
		ck_assert(failed == !made);
	}
	ck_assert_uint_ge(n, 4);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

/* ---- hand-overs ---- */

START_TEST(queued_buffer_is_with_the_device)
{
	struct dmabroker_v4l2_queue *made;
	const struct v4l2_buffer *queued = &driver.slots[1].buffer;

	begin("lab", CAMERA);
	made = create("camera");
	put(made, 1);
	ck_assert(held_has(&held, 1, "camera"));
	ck_assert(!held_has(&held, 0, "camera"));
	ck_assert_uint_eq(queued->index, 1);
	ck_assert_int_eq(queued->m.fd, dmabroker_buffer_get_fd(held_buffer(&held, 1), 0));
	ck_assert_uint_eq(queued->length, 1228800);
	ck_assert_uint_eq(queued->bytesused, 0);
	/* it writes: the CPU cannot read meanwhile, nor queue it again */
	ck_assert_int_eq(
		dmabroker_buffer_begin_access(held_buffer(&held, 1), "cpu", DMABROKER_ACCESS_READ),
		-EBUSY);
	forget();
	ck_assert_int_eq(dmabroker_v4l2_queue_put(made, held_buffer(&held, 1), NULL), -EALREADY);
	ck_assert_uint_eq(driver.log_len, 0);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(multi_planar_buffer_is_queued_as_one_plane)
{
	struct dmabroker_v4l2_queue *made;
	struct dmabroker_v4l2_frame frame;
	const struct v4l2_plane *plane = &driver.slots[2].plane;

	begin("lab", MULTI);
	made = create("camera");
	put(made, 2);
	ck_assert_int_eq(plane->m.fd, dmabroker_buffer_get_fd(held_buffer(&held, 2), 0));
	ck_assert_uint_eq(plane->length, 460800);
	ck_assert_uint_eq(plane->bytesused, 0);
	ck_assert_int_eq(dmabroker_v4l2_queue_start(made), 0);
	finish(2, 460800, 0);
	ck_assert_int_eq(dmabroker_v4l2_queue_take(made, &frame), 0);
	ck_assert_uint_eq(frame.bytesused, 460800);
	ck_assert_int_eq(frame.fd, dmabroker_buffer_get_fd(held_buffer(&held, 2), 0));
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(output_reads_what_it_is_told_of)
{
	static const struct dmabroker_v4l2_frame part = {
		.bytesused = 1000, .timestamp_us = 5000007, .field = V4L2_FIELD_INTERLACED};
	struct dmabroker_v4l2_queue *made;

	begin("lab", ENCODER);
	made = create("encoder");
	put(made, 0);
	ck_assert_uint_eq(driver.slots[0].buffer.bytesused, 1228800);
	ck_assert_uint_eq(driver.slots[0].buffer.field, V4L2_FIELD_NONE);
	ck_assert_int_eq(driver.slots[0].buffer.timestamp.tv_sec, 0);
	ck_assert_int_eq(dmabroker_v4l2_queue_put(made, held_buffer(&held, 1), &part), 0);
	ck_assert_uint_eq(driver.slots[1].buffer.bytesused, 1000);
	ck_assert_uint_eq(driver.slots[1].buffer.length, 1228800);
	ck_assert_uint_eq(driver.slots[1].buffer.field, V4L2_FIELD_INTERLACED);
	ck_assert_int_eq(driver.slots[1].buffer.timestamp.tv_sec, 5);
	ck_assert_int_eq(driver.slots[1].buffer.timestamp.tv_usec, 7);
	/* it reads: others may read, too */
	ck_assert_int_eq(
		dmabroker_buffer_begin_access(held_buffer(&held, 0), "cpu", DMABROKER_ACCESS_READ),
		0);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(refused_buffer_is_nobodys)
{
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	made = create("camera");
	driver.fails = VIDIOC_QBUF;
	driver.error = EFAULT;
	ck_assert_int_eq(dmabroker_v4l2_queue_put(made, held_buffer(&held, 1), NULL), -EFAULT);
	says("camera: VIDIOC_QBUF of buffer 1: Bad address (the device cannot use this memory)");
	ck_assert(!held_has(&held, 1, "camera"));
	driver.error = EINVAL;
	ck_assert_int_eq(dmabroker_v4l2_queue_put(made, held_buffer(&held, 1), NULL), -EINVAL);
	says("camera: VIDIOC_QBUF of buffer 1: Invalid argument");
	driver.fails = 0;
	put(made, 1);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(buffer_that_somebody_has_is_not_queued)
{
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	made = create("camera");
	ck_assert_int_eq(
		dmabroker_buffer_begin_access(held_buffer(&held, 0), "cpu", DMABROKER_ACCESS_READ),
		0);
	ck_assert_int_eq(dmabroker_v4l2_queue_put(made, held_buffer(&held, 0), NULL), -EBUSY);
	ck_assert_uint_eq(asked(VIDIOC_QBUF), 0);
	ck_assert_int_eq(dmabroker_buffer_end_access(held_buffer(&held, 0), "cpu"), 0);
	put(made, 0);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(taken_buffer_is_the_callers)
{
	struct dmabroker_v4l2_frame frame = {.index = 99};
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	made = create("camera");
	put(made, 0);
	put(made, 1);
	ck_assert_int_eq(dmabroker_v4l2_queue_start(made), 0);
	ck_assert_int_eq(dmabroker_v4l2_queue_take(made, &frame), -EAGAIN);
	ck_assert_uint_eq(frame.index, 99);
	ck_assert(held_has(&held, 0, "camera") && held_has(&held, 1, "camera"));
	finish(1, 1228800, V4L2_BUF_FLAG_LAST | V4L2_BUF_FLAG_ERROR);
	ck_assert_int_eq(dmabroker_v4l2_queue_take(made, &frame), 0);
	ck_assert(held_has(&held, 0, "camera") && !held_has(&held, 1, "camera"));
	ck_assert_ptr_eq(frame.buffer, held_buffer(&held, 1));
	ck_assert_uint_eq(frame.index, 1);
	ck_assert_uint_eq(frame.bytesused, 1228800);
	ck_assert_uint_eq(frame.flags, V4L2_BUF_FLAG_LAST | V4L2_BUF_FLAG_ERROR);
	ck_assert_uint_eq(frame.field, V4L2_FIELD_NONE);
	ck_assert_uint_eq(frame.sequence, 7);
	ck_assert_int_eq(frame.timestamp_us, 3000014);
	ck_assert_int_eq(frame.fd, dmabroker_buffer_get_fd(held_buffer(&held, 1), 0));
	put(made, 1);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

static const int take_errors[] = {EINTR, EPIPE, EIO, ENODEV};

START_TEST(failure_to_take_changes_nothing)
{
	struct dmabroker_v4l2_frame frame;
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	made = create("camera");
	put(made, 0);
	driver.fails = VIDIOC_DQBUF;
	driver.error = take_errors[_i];
	ck_assert_int_eq(dmabroker_v4l2_queue_take(made, &frame), -take_errors[_i]);
	says("camera: VIDIOC_DQBUF: ");
	ck_assert_uint_eq(asked(VIDIOC_DQBUF), 1);
	ck_assert(held_has(&held, 0, "camera"));
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(buffer_that_nobody_queued_is_refused)
{
	struct dmabroker_v4l2_frame frame;
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	driver.least = 5;
	made = create("camera");
	ck_assert_int_eq(dmabroker_v4l2_queue_start(made), 0);
	for (uint32_t i = 2; i < 5; i += 2) { /* one of ours that is not there, one of nobody */
		driver.slots[i].queued = true;
		driver.slots[i].buffer.index = i;
		finish(i, 1, 0);
		ck_assert_int_eq(dmabroker_v4l2_queue_take(made, &frame), -EPROTO);
		says("which it does not have");
	}
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(place_of_a_put_is_named)
{
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	made = create("camera");
	ck_assert_int_eq(
		dmabroker_v4l2_queue_put_at(made, held_buffer(&held, 0), NULL, "pipeline.c", 12),
		0);
	ck_assert_int_eq(
		dmabroker_buffer_begin_access(held_buffer(&held, 0), "cpu", DMABROKER_ACCESS_READ),
		-EBUSY);
	says("camera (begun at pipeline.c:12) has not ended");
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(stop_ends_all_accesses)
{
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	made = create("camera");
	put(made, 0);
	put(made, 2);
	ck_assert_int_eq(dmabroker_v4l2_queue_start(made), 0);
	finish(2, 1228800, 0); /* done, and nobody has taken it */
	driver.fails = VIDIOC_STREAMOFF;
	driver.error = EIO;
	ck_assert_int_eq(dmabroker_v4l2_queue_stop(made), -EIO);
	says("camera: VIDIOC_STREAMOFF: ");
	ck_assert(held_has(&held, 0, "camera") && held_has(&held, 2, "camera"));
	driver.fails = 0;
	ck_assert_int_eq(dmabroker_v4l2_queue_stop(made), 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert(!held_has(&held, i, "camera"));
	/* and it goes on */
	put(made, 2);
	ck_assert_int_eq(dmabroker_v4l2_queue_start(made), 0);
	driver.fails = VIDIOC_STREAMON;
	ck_assert_int_eq(dmabroker_v4l2_queue_start(made), -EIO);
	says("camera: VIDIOC_STREAMON: ");
	driver.fails = 0;
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(stop_without_start_gives_buffers_back)
{
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	made = create("camera");
	put(made, 0);
	ck_assert_int_eq(dmabroker_v4l2_queue_stop(made), 0);
	ck_assert(!held_has(&held, 0, "camera"));
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(destroy_ends_what_is_left)
{
	begin("lab", CAMERA);
	for (int gone = 0; gone < 2; gone++) {
		struct dmabroker_v4l2_queue *made = create("camera");

		put(made, 0);
		put(made, 1);
		forget();
		driver.fails = gone ? all : 0;
		driver.error = ENODEV;
		dmabroker_v4l2_queue_destroy(made);
		ck_assert_uint_eq(driver.log[0], VIDIOC_STREAMOFF);
		ck_assert_uint_eq(driver.log[driver.log_len - 1], VIDIOC_REQBUFS);
		ck_assert(!held_has(&held, 0, "camera") && !held_has(&held, 1, "camera"));
	}
	end();
}
END_TEST

START_TEST(access_that_was_ended_by_hand_is_told)
{
	struct dmabroker_v4l2_frame frame = {.index = 99};
	struct dmabroker_v4l2_queue *made;

	begin("lab", CAMERA);
	made = create("camera");
	for (size_t i = 0; i < 3; i++)
		put(made, i);
	ck_assert_int_eq(dmabroker_v4l2_queue_start(made), 0);
	ck_assert_int_eq(dmabroker_buffer_end_access(held_buffer(&held, 0), "camera"), 0);
	ck_assert_int_eq(dmabroker_buffer_end_access(held_buffer(&held, 1), "camera"), 0);
	finish(0, 1228800, 0);
	ck_assert_int_eq(dmabroker_v4l2_queue_take(made, &frame), -EINVAL);
	says("camera has not begun an access");
	ck_assert_uint_eq(frame.index, 99);
	ck_assert_int_eq(dmabroker_v4l2_queue_stop(made), -EINVAL);
	ck_assert(!held_has(&held, 2, "camera"));
	put(made, 0);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

/* ---- several of everything ---- */

START_TEST(split_participants_have_their_own_buffers)
{
	struct dmabroker_v4l2_queue *made;
	const struct plan *plan;
	size_t first;

	begin("lab", "640x480 allow-copies=1 f=XR24 a=cap:capture/h=system b=out:output/h=cma");
	plan = held.collection->newest->plan;
	ck_assert_uint_eq(plan->groups.len, 2);
	first = ((const struct plan *)plan->groups.items[0])->count;
	ck_assert_uint_lt(first, dmabroker_collection_get_count(held.collection));
	made = create("b");
	ck_assert_uint_eq(driver.count, dmabroker_collection_get_count(held.collection) - first);
	ck_assert_ptr_eq(dmabroker_v4l2_queue_get_buffer(made, 0), held_buffer(&held, first));
	ck_assert_int_eq(dmabroker_v4l2_queue_put(made, held_buffer(&held, 0), NULL), -ENOENT);
	says("not in the queue of b");
	put(made, first);
	ck_assert(driver.slots[0].queued);
	dmabroker_v4l2_queue_destroy(made);
	end();
}
END_TEST

START_TEST(queue_belongs_to_its_generation)
{
	struct dmabroker_v4l2_queue *old, *newer;
	struct dmabroker_buffer *before;

	begin("lab", CAMERA);
	before = held_buffer(&held, 0);
	old = create("camera");
	ck_assert_int_eq(dmabroker_v4l2_queue_put(old, before, NULL), 0);
	held_renegotiate(&held, "320x240 f=XR24 n=2 camera=cap:capture cpu=:cpu");
	ck_assert_int_eq(dmabroker_v4l2_queue_put(old, held_buffer(&held, 0), NULL), -ENOENT);
	dmabroker_v4l2_queue_destroy(old);
	ck_assert_int_eq(dmabroker_buffer_begin_access(before, "cpu", DMABROKER_ACCESS_READ), 0);
	newer = create("camera");
	ck_assert_uint_eq(driver.format.fmt.pix.width, 320);
	ck_assert_uint_eq(driver.count, 2);
	put(newer, 0);
	dmabroker_v4l2_queue_destroy(newer);
	end();
}
END_TEST

static void add_rows(TCase *tcase)
{
	tcase_add_loop_test(tcase, format_that_the_driver_changes_is_refused, 0, (int)LEN(changes));
	tcase_add_loop_test(tcase, colours_are_the_plans, 0, (int)LEN(colours));
	tcase_add_loop_test(tcase, failure_of_the_driver_is_told, 0, (int)LEN(failures));
	tcase_add_loop_test(tcase, failure_to_take_changes_nothing, 0, (int)LEN(take_errors));
}

static void add_hand_overs(TCase *tcase)
{
	tcase_add_test(tcase, queued_buffer_is_with_the_device);
	tcase_add_test(tcase, multi_planar_buffer_is_queued_as_one_plane);
	tcase_add_test(tcase, output_reads_what_it_is_told_of);
	tcase_add_test(tcase, refused_buffer_is_nobodys);
	tcase_add_test(tcase, buffer_that_somebody_has_is_not_queued);
	tcase_add_test(tcase, taken_buffer_is_the_callers);
	tcase_add_test(tcase, buffer_that_nobody_queued_is_refused);
	tcase_add_test(tcase, place_of_a_put_is_named);
	tcase_add_test(tcase, stop_ends_all_accesses);
	tcase_add_test(tcase, stop_without_start_gives_buffers_back);
	tcase_add_test(tcase, destroy_ends_what_is_left);
	tcase_add_test(tcase, access_that_was_ended_by_hand_is_told);
	tcase_add_test(tcase, split_participants_have_their_own_buffers);
	tcase_add_test(tcase, queue_belongs_to_its_generation);
}

int main(void)
{
	Suite *suite = suite_create("v4l2-queue");
	TCase *tcase = tcase_create("v4l2-queue");

	tcase_add_test(tcase, single_planar_format_is_the_plans);
	tcase_add_test(tcase, multi_planar_format_is_the_plans);
	tcase_add_test(tcase, type_follows_the_role);
	tcase_add_test(tcase, all_that_differs_is_named);
	tcase_add_test(tcase, format_that_stands_is_not_set_again);
	tcase_add_test(tcase, default_range_depends_on_the_format);
	tcase_add_test(tcase, others_than_v4l2_devices_are_refused);
	tcase_add_test(tcase, without_a_plan_nothing_is_done);
	tcase_add_test(tcase, view_that_v4l2_cannot_be_told_is_refused);
	tcase_add_test(tcase, several_memory_objects_are_refused);
	tcase_add_test(tcase, queue_has_room_for_all_buffers);
	tcase_add_test(tcase, driver_may_make_more_room);
	tcase_add_test(tcase, driver_with_less_room_is_refused);
	tcase_add_test(tcase, interruptions_are_overcome);
	tcase_add_test(tcase, every_allocation_fails_once);
	add_rows(tcase);
	add_hand_overs(tcase);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
