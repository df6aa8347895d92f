/* SPDX-License-Identifier: MIT */
/*
 * broker/probe/v4l2-format.c, -sizes.c and -rule.c against made-up drivers: what they find of
 * sizes, strides and padding, and that what they find is true of every size they allow.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "broker/model/arith.h"
#include "broker/probe/v4l2-rule.h"
#include "broker/probe/v4l2.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/v4l2-driver.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define QUEUE_FD 0x7ffffff0
#define QUESTIONS 8192u
#define NV12 V4L2_PIX_FMT_NV12
#define YU12 V4L2_PIX_FMT_YUV420
#define XR24 V4L2_PIX_FMT_XBGR32
#define RGB3 V4L2_PIX_FMT_RGB24
#define YUYV V4L2_PIX_FMT_YUYV
#define NV16 V4L2_PIX_FMT_NV16
#define NV24 V4L2_PIX_FMT_NV24
#define P422 V4L2_PIX_FMT_YUV422P

static const struct driver *current; /* NULL: answers are random */
static uint64_t dice;

static uint32_t roll(void)
{
	dice = dice * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(dice >> 33);
}

/* Small numbers, usual ones, and any. */
static uint32_t roll_number(void)
{
	static const uint32_t usual[] = {0, 1, 16, 640, 1920, 1080, 4096, 65536, UINT32_MAX};

	switch (roll() % 3) {
	case 0:
		return roll() % 64;
	case 1:
		return usual[roll() % LEN(usual)];
	default:
		return roll() << 1 | (roll() & 1);
	}
}

/* Answers of one kind are mostly equal, as those of drivers are. */
static int answer_at_random(unsigned long request, void *argument)
{
	uint32_t *words = argument;
	size_t len = _IOC_SIZE(request) / sizeof(*words);

	if (roll() % 64 == 0)
		return -(int)(roll() % 130 + 1);
	for (unsigned int i = roll() % 4; i > 0; i--)
		words[1 + roll() % (len - 1 < 16 ? len - 1 : 16)] = roll_number();
	return 0;
}

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	int error = -ENOTTY;
	void *argument;
	va_list args;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (fd != QUEUE_FD)
		return __real_ioctl(fd, request, argument);
	if (!current)
		error = answer_at_random(request, argument);
	else if (request == VIDIOC_TRY_FMT)
		error = driver_try_fmt(current, argument);
	else if (request == VIDIOC_ENUM_FRAMESIZES)
		error = driver_enum_sizes(current, argument);
	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}

/* --- what is expected --- */

struct row {
	struct driver driver;
	const char *reason; /* a part of why it is not planned; NULL: it is */
	/* else */
	uint32_t stride_align, height_align;
	uint64_t tail;
	bool custom;
	struct vocab_size step; /* width 0: a list */
	size_t sizes;
};

#define FITS(align, rows, tail_bytes, keeps, width, height)                                       \
	.stride_align = (align), .height_align = (rows), .tail = (tail_bytes), .custom = (keeps), \
	.step = {(width), (height)}
#define LISTS(align, rows, tail_bytes, keeps, len)                                                \
	.stride_align = (align), .height_align = (rows), .tail = (tail_bytes), .custom = (keeps), \
	.sizes = (len)

static const struct row rows[] = {
	/* no padding */
	{{"as few bytes as can be", NV12}, FITS(1, 1, 0, false, 2, 2)},
	{{"rows of four bytes per pixel", XR24, TELLS_STEPS}, FITS(1, 1, 0, false, 1, 1)},
	{{"rows of three", RGB3, TELLS_STEPS, .step = {2, 2}}, FITS(1, 1, 0, false, 2, 2)},
	{{"two pixels in four bytes", YUYV, TELLS_ANY_SIZE}, FITS(1, 1, 0, false, 2, 1)},
	/* strides */
	{{"stride to 16", NV12, .stride_align = 16}, FITS(16, 1, 0, false, 2, 2)},
	{{"stride to 32", YU12, .stride_align = 32}, FITS(32, 1, 0, false, 2, 2)},
	{{"stride to 64", XR24, TELLS_STEPS, .stride_align = 64}, FITS(64, 1, 0, false, 1, 1)},
	{{"stride to 128", NV16, .stride_align = 128}, FITS(128, 1, 0, false, 2, 1)},
	{{"stride to 256", NV24, .stride_align = 256}, FITS(256, 1, 0, false, 1, 1)},
	{{"stride to 4096", YUYV, .stride_align = 4096}, FITS(4096, 1, 0, false, 2, 1)},
	{{"stride to 64 pixels of three bytes", RGB3, .stride_align = 192},
	 FITS(192, 1, 0, false, 1, 1)},
	{{"stride to 32 of widths that are multiples of 16", NV12, .step = {16, 16},
	  .stride_align = 32},
	 FITS(32, 1, 0, false, 16, 16)},
	{{"stride to 16 of widths that are multiples of 16", NV12, .step = {16, 16},
	  .stride_align = 16},
	 FITS(1, 1, 0, false, 16, 16)},
	{{"stride to 8192", XR24, .stride_align = 8192}, .reason = "no alignment"},
	{{"stride to 48", NV12, .stride_align = 48}, FITS(48, 1, 0, false, 2, 2)},
	{{"stride to 40", NV12, .stride_align = 40}, .reason = "no alignment"},
	{{"a least stride", NV12, .stride_align = 64, .stride_least = 256},
	 .reason = "no alignment"},
	/* rows */
	{{"rows to 16", NV12, .rows_align = 16}, FITS(1, 16, 0, false, 2, 2)},
	{{"rows to 32", NV12, TELLS_STEPS, .rows_align = 32}, FITS(1, 32, 0, false, 2, 2)},
	{{"rows to 64", YU12, .stride_align = 16, .rows_align = 64}, FITS(16, 64, 0, false, 2, 2)},
	{{"rows to 128", NV12, .rows_align = 128}, FITS(1, 128, 0, false, 2, 2)},
	{{"rows to 512", P422, .rows_align = 512}, FITS(1, 512, 0, false, 2, 1)},
	{{"rows to 1024", NV12, .rows_align = 1024}, .reason = "fits neither"},
	{{"rows to 24", NV12, .rows_align = 24, .step = {1, 8}}, .reason = "fits neither"},
	{{"rows to 16 where heights are", NV12, .step = {2, 16}, .rows_align = 16},
	 FITS(1, 1, 0, false, 2, 16)},
	{{"rows to 32 where heights are to 16", NV12, .step = {16, 16}, .rows_align = 32},
	 FITS(1, 32, 0, false, 16, 16)},
	{{"rows to 16 of a single plane", XR24, .rows_align = 16}, FITS(1, 16, 0, false, 1, 1)},
	{{"stride to 128, rows to 32", NV12, .stride_align = 128, .rows_align = 32},
	 FITS(128, 32, 0, false, 2, 2)},
	/* bytes at the end */
	{{"a constant tail", NV12, .tail = 512}, FITS(1, 1, 512, false, 2, 2)},
	{{"a constant tail of a single plane", XR24, .tail = 4096}, FITS(1, 1, 4096, false, 1, 1)},
	{{"tail and padding", NV12, .rows_align = 16, .tail = 1024},
	 FITS(1, 16, 1024, false, 2, 2)},
	{{"an odd tail", RGB3, .tail = 7}, FITS(1, 1, 7, false, 1, 1)},
	{{"a tail beyond belief", XR24, .tail = 100u << 20}, .reason = "fits neither"},
	{{"whole pages", NV12, .round = 4096}, FITS(1, 1, 4095, false, 8, 8)},
	{{"whole pages of a single plane", YUYV, .round = 4096}, FITS(1, 1, 4095, false, 2, 1)},
	{{"whole pages of padded rows", NV12, .stride_align = 128, .rows_align = 32, .round = 4096},
	 FITS(128, 32, 4095, false, 2, 2)},
	{{"sizeimage to 128", XR24, .round = 128}, FITS(1, 1, 127, false, 1, 1)},
	{{"a page more, then whole pages", XR24, .tail = 4096, .round = 4096},
	 FITS(1, 1, 8191, false, 1, 1)},
	/* planes by themselves */
	{{"each plane in whole pages", NV12, .plane_round = 4096}, FITS(1, 1, 4095, false, 64, 64)},
	{{"luma in whole pages", NV12, .plane_round = 4096, .habits = HABIT_ROUNDS_LUMA},
	 FITS(1, 1, 0, false, 64, 64)},
	{{"luma rows to 16, chroma rows as they are", NV12, .rows_align = 16,
	  .habits = HABIT_PADS_LUMA},
	 FITS(1, 1, 0, false, 2, 16)},
	{{"rows of each plane to 32", NV12, .rows_align = 32, .chroma_rows_align = 32},
	 FITS(1, 1, 0, false, 2, 64)},
	{{"chroma strides by themselves", YU12, .stride_align = 32, .chroma_align = 32,
	  .habits = HABIT_CHROMA_OWN},
	 FITS(1, 1, 0, false, 64, 2)},
	{{"v4l2_fill_pixfmt: odd widths", NV12, .chroma_align = 1, .habits = HABIT_CHROMA_OWN},
	 FITS(1, 1, 0, false, 2, 2)},
	{{"v4l2_fill_pixfmt: odd widths, planar", YU12, .chroma_align = 1,
	  .habits = HABIT_CHROMA_OWN},
	 FITS(1, 1, 0, false, 2, 2)},
	{{"pixels times bits", NV12, .habits = HABIT_TRUNCATES}, FITS(1, 1, 0, false, 2, 2)},
	{{"pixels times bits, packed", YUYV, .habits = HABIT_TRUNCATES},
	 FITS(1, 1, 0, false, 2, 1)},
	{{"room for motion vectors", NV12, .block_bytes = 128, .step = {16, 16}},
	 .reason = "fits neither"},
	{{"room for motion vectors of a single plane", XR24, .block_bytes = 64},
	 .reason = "fits neither"},
	{{"2 MiB at least", XR24, .least_bytes = 2u << 20}, .reason = "fits neither"},
	{{"always the same size", NV12, .least_bytes = 64u << 20}, .reason = "fits neither"},
	/* sizes */
	{{"told steps that are true", NV12, TELLS_STEPS, .step = {8, 2}},
	 FITS(1, 1, 0, false, 8, 2)},
	{{"told any size, made even", NV12, TELLS_ANY_SIZE, .step = {2, 2}},
	 FITS(1, 1, 0, false, 2, 2)},
	{{"told any size, made whole macroblocks", NV12, TELLS_ANY_SIZE, .step = {16, 16},
	  .rounding = ROUNDS_UP},
	 FITS(1, 1, 0, false, 16, 16)},
	{{"told steps of 2, made 32 and 8", NV12, TELLS_STEPS, .min = {32, 32}, .step = {32, 8},
	  .told_step = {2, 2}, .rounding = ROUNDS_TO_NEAREST},
	 FITS(1, 1, 0, false, 32, 8)},
	{{"nothing told, up to 64", XR24, .min = {64, 64}, .step = {64, 64}, .rounding = ROUNDS_UP},
	 FITS(1, 1, 0, false, 64, 64)},
	{{"nothing told, one size", XR24, .min = {720, 576}, .max = {720, 576}},
	 FITS(1, 1, 0, false, 1, 1)},
	{{"one size with padding", NV12, .min = {640, 480}, .max = {640, 480}, .rows_align = 512},
	 .reason = "too few"},
	{{"one size with padding of a single plane", XR24, .min = {640, 480}, .max = {640, 480},
	  .rows_align = 512},
	 FITS(1, 1, 32 * 2560, false, 1, 1)},
	{{"a list", NV12, TELLS_A_LIST, .sizes = {{320, 180}, {640, 480}, {1920, 1080}}},
	 LISTS(1, 1, 0, false, 3)},
	{{"a list, rows to 16", NV12, TELLS_A_LIST,
	  .sizes = {{320, 180}, {640, 480}, {1280, 720}, {1920, 1080}}, .rows_align = 16},
	 LISTS(1, 16, 0, false, 4)},
	{{"a list of one, rows to 16", NV12, TELLS_A_LIST, .sizes = {{1920, 1080}},
	  .rows_align = 16},
	 .reason = "too few"},
	{{"a list of one height with a tail", NV12, TELLS_A_LIST,
	  .sizes = {{640, 480}, {800, 480}, {960, 480}}, .tail = 64},
	 .reason = "too few"},
	{{"a list that is rounded up to whole macroblocks", NV12, TELLS_A_LIST, .step = {16, 16},
	  .rounding = ROUNDS_UP, .habits = HABIT_ROUNDS_LIST,
	  .sizes = {{640, 480}, {1280, 720}, {1920, 1080}, {1920, 1088}}},
	 LISTS(1, 1, 0, false, 3)},
	{{"a list with an odd size", YUYV, TELLS_A_LIST, .habits = HABIT_TRUNCATES,
	  .sizes = {{640, 480}, {321, 240}, {1280, 720}}},
	 LISTS(1, 1, 0, false, 2)},
	/* strides of ours */
	{{"any stride", XR24, .custom_align = 1}, FITS(1, 1, 0, true, 1, 1)},
	{{"any stride, but chroma needs whole bytes", YU12, .custom_align = 1},
	 FITS(2, 1, 0, true, 2, 2)},
	{{"strides to 64", NV12, .stride_align = 64, .custom_align = 64},
	 FITS(64, 1, 0, true, 2, 2)},
	{{"ours to 16, its own to 128", XR24, .stride_align = 128, .custom_align = 16},
	 FITS(128, 1, 0, true, 1, 1)},
	{{"ours to 128, its own as they are", XR24, .custom_align = 128},
	 FITS(128, 1, 0, true, 1, 1)},
	{{"ours to 512", XR24, .custom_align = 512}, FITS(1, 1, 0, false, 1, 1)},
	{{"up to 65536", XR24, .custom_align = 1, .custom_max = 65536}, FITS(1, 1, 0, true, 1, 1)},
	{{"its widest picture leaves no room", XR24, .custom_align = 1, .custom_max = 16384},
	 FITS(1, 1, 0, true, 1, 1)},
	{{"too large ones are dropped", XR24, .custom_align = 8, .custom_max = 30000,
	  .habits = HABIT_FALLS_BACK},
	 FITS(8, 1, 0, true, 1, 1)},
	{{"strides that the bytes do not follow", XR24, .custom_align = 1,
	  .habits = HABIT_IGNORES_STRIDE},
	 FITS(1, 1, 0, false, 1, 1)},
	{{"padded rows of any stride", NV12, .rows_align = 16, .custom_align = 32},
	 FITS(32, 16, 0, true, 2, 2)},
	{{"strides of a list", XR24, TELLS_A_LIST, .sizes = {{640, 480}, {1920, 1080}},
	  .custom_align = 64},
	 LISTS(64, 1, 0, true, 2)},
	/* answers that are no pictures */
	{{"no stride", NV12, .habits = HABIT_NO_STRIDE}, .reason = "does not tell a stride"},
	{{"another format", NV12, .habits = HABIT_OTHER_FORMAT}, .reason = "refuses"},
	{{"fields one after the other", NV12, .habits = HABIT_FIELDS_APART}, .reason = "refuses"},
	{{"interlaced fields are a frame", NV12, .habits = HABIT_INTERLACES},
	 FITS(1, 1, 0, false, 2, 2)},
	{{"no TRY_FMT", NV12, .habits = HABIT_REFUSES}, .reason = "refuses"},
};

/* --- asking --- */

static struct device_format *measure(const struct driver *driver, bool multi_planar,
				     const char **ret_reason)
{
	struct v4l2_queue queue = {.fd = QUEUE_FD,
				   .type = multi_planar ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
							: V4L2_BUF_TYPE_VIDEO_CAPTURE,
				   .multi_planar = multi_planar,
				   .questions_left = QUESTIONS};
	const struct format_info *info = format_find(format_from_v4l2(driver->v4l2_format));
	struct device_format *format;
	int error;

	ck_assert_ptr_nonnull(info);
	ck_assert_int_eq(vocab_create(&vocab_device_format, &format), 0);
	*ret_reason = NULL;
	current = driver;
	error = v4l2_format_measure(&queue, driver->v4l2_format, info, format, ret_reason);
	ck_assert_int_eq(error, *ret_reason ? -ENOTSUP : 0);
	return format;
}

static void check_facts(const struct row *row, const struct device_format *format)
{
	const char *what = row->driver.what;

	ck_assert_msg(vocab_number(format, FORMAT_STRIDE_ALIGN) == row->stride_align,
		      "%s: stride-align %u", what, format->stride_align);
	ck_assert_msg(vocab_number(format, FORMAT_HEIGHT_ALIGN) == row->height_align,
		      "%s: height-align %u", what, format->height_align);
	/* of a rest that is rounded it is not known how much is rounding */
	ck_assert_msg(format->tail_bytes >= row->tail &&
			      format->tail_bytes <= row->tail + row->driver.round,
		      "%s: tail-bytes %lu", what, (unsigned long)format->tail_bytes);
	ck_assert_msg(format->stride_custom == row->custom, "%s: stride-custom", what);
	ck_assert_msg(format->sizes.len == row->sizes, "%s: %zu sizes", what, format->sizes.len);
	if (!row->step.width)
		return;
	ck_assert_msg(format->width_step == row->step.width &&
			      format->height_step == row->step.height,
		      "%s: steps %ux%u", what, format->width_step, format->height_step);
}

START_TEST(driver_is_understood)
{
	const struct row *row = &rows[_i];
	struct device_format *format;
	const char *reason;

	format = measure(&row->driver, false, &reason);
	if (row->reason) {
		ck_assert_msg(reason && strstr(reason, row->reason), "%s: %s", row->driver.what,
			      reason ? reason : "planned");
		ck_assert_uint_eq(format->sizes.len, 0);
		ck_assert(!vocab_has(format, FORMAT_STRIDE_ALIGN));
	} else {
		ck_assert_msg(!reason, "%s: %s", row->driver.what, reason);
		check_facts(row, format);
	}
	vocab_destroy(format);
}
END_TEST

/* The multi-planar API tells the same of formats with one memory plane. */
START_TEST(driver_is_understood_through_the_multi_planar_api)
{
	const struct row *row = &rows[_i];
	struct device_format *format;
	const char *reason;

	format = measure(&row->driver, true, &reason);
	ck_assert_msg(!reason == !row->reason, "%s: %s", row->driver.what, reason);
	if (!reason)
		check_facts(row, format);
	vocab_destroy(format);
}
END_TEST

START_TEST(several_memory_objects_are_not_planned)
{
	const struct driver driver = {"two", NV12, .habits = HABIT_TWO_OBJECTS};
	struct device_format *format;
	const char *reason;

	format = measure(&driver, true, &reason);
	ck_assert_msg(reason && strstr(reason, "several memory objects"), "%s", reason);
	vocab_destroy(format);
}
END_TEST

/* --- truth --- */

static void describe(const struct driver *driver)
{
	fprintf(stderr,
		"# %.4s told %d %ux%u..%ux%u step %ux%u rounding %d habits %x stride %u least %u "
		"chroma %u rows %u chroma rows %u plane %u tail %u block %u round %u custom %u\n",
		(const char *)&driver->v4l2_format, driver->told, driver->min.width,
		driver->min.height, driver->max.width, driver->max.height, driver->step.width,
		driver->step.height, driver->rounding, driver->habits, driver->stride_align,
		driver->stride_least, driver->chroma_align, driver->rows_align,
		driver->chroma_rows_align, driver->plane_round, driver->tail, driver->block_bytes,
		driver->round, driver->custom_align);
}

/* What is wrong with the facts at this size; NULL: nothing. Pictures are laid out as merge.c does.
 */
static const char *find_fault(const struct driver *driver, const struct device_format *format,
			      uint32_t width, uint32_t height, uint32_t asked)
{
	const struct format_info *info = format_find(format_from_v4l2(driver->v4l2_format));
	struct driver_picture truth = driver_try(driver, width, height, asked);
	struct format_layout layout;
	uint64_t stride = asked, tall;

	if (truth.width != width || truth.height != height)
		return "size";
	if (!asked)
		arith_align(format_stride_min(info, width), format->stride_align, &stride);
	if (stride != truth.stride[0])
		return "stride";
	arith_align(height, format->height_align, &tall);
	if (!format_layout(info, info->planes_len > 1 ? (uint32_t)tall : height, (uint32_t)stride,
			   1, &layout))
		return "layout";
	for (unsigned int i = 0; i < info->planes_len; i++)
		if (layout.stride[i] != truth.stride[i] || layout.offset[i] != truth.offset[i])
			return "plane";
	if (info->planes_len == 1)
		layout.total += (tall - height) * stride;
	return truth.bytes <= layout.total + format->tail_bytes ? NULL : "bytes";
}

static void check_picture(const struct driver *driver, const struct device_format *format,
			  uint32_t width, uint32_t height, uint32_t asked)
{
	const char *fault = find_fault(driver, format, width, height, asked);

	if (!fault)
		return;
	describe(driver);
	ck_abort_msg("%s: %s at %ux%u, stride %u; stride-align %u height-align %u tail %lu",
		     driver->what, fault, width, height, asked, format->stride_align,
		     format->height_align, (unsigned long)format->tail_bytes);
}

static void check_size(const struct driver *driver, const struct device_format *format,
		       uint32_t width, uint32_t height)
{
	const struct format_info *info = format_find(format_from_v4l2(driver->v4l2_format));
	uint64_t stride;

	if (!format->stride_custom) {
		check_picture(driver, format, width, height, 0);
		return;
	}
	arith_align(format_stride_min(info, width), format->stride_align, &stride);
	for (uint32_t more = 0; more < 5; more++)
		if (stride + more * format->stride_align <= format->stride_max)
			check_picture(driver, format, width, height,
				      (uint32_t)stride + more * format->stride_align);
	if (stride <= format->stride_max)
		check_picture(driver, format, width, height,
			      format->stride_max / format->stride_align * format->stride_align);
}

static void check_range(const struct driver *driver, const struct device_format *format)
{
	uint32_t widths = (format->width_max - format->width_min) / format->width_step + 1;
	uint32_t heights = (format->height_max - format->height_min) / format->height_step + 1;

	for (uint32_t i = 0; i < widths; i += i < 200 ? 1 : 1 + widths / 61)
		for (uint32_t j = 0; j < heights; j += j < 70 ? 1 : 1 + heights / 13)
			check_size(driver, format, format->width_min + i * format->width_step,
				   format->height_min + j * format->height_step);
	check_size(driver, format, format->width_min + (widths - 1) * format->width_step,
		   format->height_min + (heights - 1) * format->height_step);
}

static void check_truth(const struct driver *driver, const struct device_format *format)
{
	for (size_t i = 0; i < format->sizes.len; i++)
		check_size(driver, format, format->sizes.items[i].width,
			   format->sizes.items[i].height);
	if (!format->sizes.len)
		check_range(driver, format);
}

START_TEST(what_is_found_is_true_of_every_size)
{
	const struct row *row = &rows[_i];
	struct device_format *format;
	const char *reason;

	format = measure(&row->driver, false, &reason);
	if (!reason)
		check_truth(&row->driver, format);
	vocab_destroy(format);
}
END_TEST

static uint32_t pick(const uint32_t *numbers, size_t len)
{
	return numbers[roll() % len];
}

/* A driver of all properties at once, each unlikely. */
static struct driver random_driver(void)
{
	static const uint32_t formats[] = {NV12, YU12, XR24, RGB3, YUYV, NV16, NV24, P422};
	static const uint32_t steps[] = {1, 1, 2, 2, 4, 8, 16, 32};
	static const uint32_t aligns[] = {0, 0, 0, 2, 8, 16, 32, 64, 96, 128, 256, 1024};
	static const uint32_t rows_aligns[] = {0, 0, 0, 2, 8, 16, 32, 64, 128, 256};
	static const uint32_t rare[] = {0, 0, 0, 0, 0, 0, 16, 64, 256, 4096};
	static const uint32_t habits[] = {0,
					  0,
					  0,
					  HABIT_TRUNCATES,
					  HABIT_CHROMA_OWN,
					  HABIT_PADS_LUMA,
					  HABIT_ROUNDS_LUMA,
					  HABIT_FALLS_BACK};
	struct driver driver = {
		.what = "a driver at random",
		.v4l2_format = pick(formats, LEN(formats)),
		.told = roll() % 3,
		.min = {32, 32},
		.max = {roll() % 2 ? 4096 : 1000, roll() % 2 ? 4096 : 777},
		.step = {pick(steps, LEN(steps)), pick(steps, LEN(steps))},
		.rounding = roll() % 3,
		.habits = pick(habits, LEN(habits)),
		.stride_align = pick(aligns, LEN(aligns)),
		.chroma_align = pick(aligns, LEN(aligns)),
		.rows_align = pick(rows_aligns, LEN(rows_aligns)),
		.chroma_rows_align = roll() % 4 ? 0 : pick(rows_aligns, LEN(rows_aligns)),
		.plane_round = pick(rare, LEN(rare)),
		.tail = pick(rare, LEN(rare)),
		.block_bytes = pick(rare, LEN(rare)),
		.round = pick(rare, LEN(rare)),
		.custom_align = pick(rare, LEN(rare)),
	};

	return driver;
}

#define RANDOM_DRIVERS 1500
#define SHARES 10

/* Most of what can be told of drivers that nobody wrote down above. */
START_TEST(no_driver_is_misunderstood)
{
	unsigned int planned = 0;

	dice = (uint64_t)_i + 1;
	for (int i = 0; i < RANDOM_DRIVERS / SHARES; i++) {
		struct driver driver = random_driver();
		struct device_format *format;
		const char *reason;

		format = measure(&driver, roll() % 2, &reason);
		if (!reason)
			check_truth(&driver, format);
		planned += !reason;
		vocab_destroy(format);
	}
	ck_assert_uint_gt(planned, RANDOM_DRIVERS / SHARES / 3);
}
END_TEST

/* --- answers of no sense, and no memory --- */

START_TEST(answers_of_no_sense_are_no_trouble)
{
	const struct driver driver = {"random", NV12};

	dice = (uint64_t)_i + 77;
	for (int i = 0; i < 500; i++) {
		struct v4l2_queue queue = {.fd = QUEUE_FD,
					   .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					   .multi_planar = roll() % 2,
					   .questions_left = QUESTIONS};
		struct device_format *format;
		const char *reason = NULL;
		int error;

		current = NULL;
		ck_assert_int_eq(vocab_create(&vocab_device_format, &format), 0);
		error = v4l2_format_measure(&queue, driver.v4l2_format,
					    format_find(DRM_FORMAT_NV12), format, &reason);
		ck_assert(error == 0 || (error == -ENOTSUP && reason));
		ck_assert_uint_le(QUESTIONS - queue.questions_left, 2000);
		vocab_destroy(format);
	}
}
END_TEST

START_TEST(questions_run_out)
{
	for (unsigned int questions = 0; questions < 40; questions++) {
		struct v4l2_queue queue = {.fd = QUEUE_FD,
					   .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					   .questions_left = questions};
		struct device_format *format;
		const char *reason = NULL;
		int error;

		current = &rows[0].driver;
		ck_assert_int_eq(vocab_create(&vocab_device_format, &format), 0);
		error = v4l2_format_measure(&queue, NV12, format_find(DRM_FORMAT_NV12), format,
					    &reason);
		ck_assert(error == 0 ? queue.questions_left == 0 || questions > 20
				     : error == -ENOTSUP && strstr(reason, "often enough"));
		vocab_destroy(format);
	}
}
END_TEST

START_TEST(memory_that_runs_short_is_an_error)
{
	const struct driver driver = {"list", XR24, TELLS_A_LIST,
				      .sizes = {{640, 480}, {1920, 1080}}};
	long live = faults_live();
	int error = -ENOMEM;

	current = &driver;
	for (unsigned int nth = 1; error && nth < 100; nth++) {
		struct v4l2_queue queue = {.fd = QUEUE_FD,
					   .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
					   .questions_left = QUESTIONS};
		struct device_format *format;
		const char *reason;

		ck_assert_int_eq(vocab_create(&vocab_device_format, &format), 0);
		faults_begin(nth);
		error = v4l2_format_measure(&queue, XR24, format_find(DRM_FORMAT_XRGB8888), format,
					    &reason);
		if (!faults_end())
			ck_assert_int_eq(error, 0);
		else
			ck_assert(error == -ENOMEM || error == 0); /* only a "how" was lost */
		vocab_destroy(format);
		ck_assert_int_eq(faults_live(), live);
	}
	ck_assert_int_eq(error, 0);
}
END_TEST

/* --- the rule by itself --- */

START_TEST(samples_are_kept_once_and_are_bounded)
{
	struct v4l2_picture picture = {64, 64, 64, 6144};
	struct v4l2_samples samples = {.len = 0};

	ck_assert(v4l2_samples_add(&samples, &picture));
	ck_assert(v4l2_samples_add(&samples, &picture));
	ck_assert_uint_eq(samples.len, 1);
	for (picture.width = 65; picture.width < 64 + V4L2_SAMPLES_MAX; picture.width++)
		ck_assert(v4l2_samples_add(&samples, &picture));
	ck_assert(!v4l2_samples_add(&samples, &picture));
	ck_assert_uint_eq(samples.len, V4L2_SAMPLES_MAX);
}
END_TEST

static const struct {
	uint32_t min, max, step, grain;
	uint32_t first, common; /* 0: none */
} axes[] = {
	{1, 100, 1, 1, 1, 1},	  {1, 100, 1, 2, 2, 2},	      {16, 100, 8, 16, 16, 16},
	{24, 100, 8, 16, 32, 16}, {17, 100, 2, 2, 0, 0},      {17, 100, 1, 64, 64, 64},
	{17, 63, 1, 64, 0, 0},	  {3, 4096, 3, 64, 192, 192}, {5, 4, 1, 1, 0, 0},
	{5, 10, 0, 1, 0, 0},	  {5, 10, 1, 0, 0, 0},	      {1, 10, UINT32_MAX, 2, 0, 0},
};

START_TEST(grid_has_the_sizes_of_its_steps_and_grain)
{
	struct v4l2_grid grid = {.min = {axes[_i].min, 1},
				 .max = {axes[_i].max, 1},
				 .step = {axes[_i].step, 1},
				 .grain = {axes[_i].grain, 1}};
	struct vocab_size min = {0, 0}, step = {0, 0};

	ck_assert_int_eq(v4l2_grid_range(&grid, &min, &step), axes[_i].first != 0);
	if (!axes[_i].first)
		return;
	ck_assert_uint_eq(min.width, axes[_i].first);
	ck_assert_uint_eq(step.width, axes[_i].common);
	for (uint32_t width = 0; width < 300; width++)
		ck_assert_int_eq(v4l2_grid_has(&grid, width, 1),
				 width >= axes[_i].first && width <= axes[_i].max &&
					 (width - axes[_i].first) % axes[_i].common == 0);
}
END_TEST

/* The example of v4l2-rule.c. */
START_TEST(witness_tells_rivals_apart)
{
	const struct format_info *nv12 = format_find(DRM_FORMAT_NV12);
	struct v4l2_samples samples = {.items = {{640, 480, 640, 491520}, {640, 512, 640, 491520}},
				       .len = 2};
	struct v4l2_grid grid = {
		.min = {640, 16}, .max = {640, 4096}, .step = {1, 1}, .grain = {1, 1}};
	struct vocab_size witness = {0, 0};
	struct v4l2_rule rule;
	const char *reason;

	ck_assert_int_eq(v4l2_rule_fit(&samples, nv12, &grid, &rule, &witness, &reason),
			 V4L2_FIT_MORE);
	ck_assert(v4l2_grid_has(&grid, witness.width, witness.height));
	ck_assert_uint_ne(witness.height, 480);
	grid.max.height = 480;
	grid.min.height = 480;
	samples.len = 1;
	ck_assert_int_eq(v4l2_rule_fit(&samples, nv12, &grid, &rule, &witness, &reason),
			 V4L2_FIT_NONE);
	ck_assert_str_eq(reason, "too few sizes to tell where the padding lies");
	samples.len = 0;
	ck_assert_int_eq(v4l2_rule_fit(&samples, nv12, &grid, &rule, &witness, &reason),
			 V4L2_FIT_MORE);
	ck_assert_uint_eq(witness.height, 480);
	grid.min.height = 481;
	ck_assert_int_eq(v4l2_rule_fit(&samples, nv12, &grid, &rule, &witness, &reason),
			 V4L2_FIT_NONE);
}
END_TEST

static Suite *format_suite(void)
{
	Suite *suite = suite_create("v4l2-format");
	TCase *drivers = tcase_create("drivers"), *rules = tcase_create("rules");

	tcase_set_timeout(drivers, 60);
	tcase_add_loop_test(drivers, driver_is_understood, 0, LEN(rows));
	tcase_add_loop_test(drivers, driver_is_understood_through_the_multi_planar_api, 0,
			    LEN(rows));
	tcase_add_loop_test(drivers, what_is_found_is_true_of_every_size, 0, LEN(rows));
	tcase_add_test(drivers, several_memory_objects_are_not_planned);
	tcase_add_loop_test(drivers, no_driver_is_misunderstood, 0, SHARES);
	tcase_add_loop_test(drivers, answers_of_no_sense_are_no_trouble, 0, 4);
	tcase_add_test(drivers, questions_run_out);
	tcase_add_test(drivers, memory_that_runs_short_is_an_error);
	suite_add_tcase(suite, drivers);

	tcase_add_test(rules, samples_are_kept_once_and_are_bounded);
	tcase_add_loop_test(rules, grid_has_the_sizes_of_its_steps_and_grain, 0, LEN(axes));
	tcase_add_test(rules, witness_tells_rivals_apart);
	suite_add_tcase(suite, rules);
	return suite;
}

int main(void)
{
	return run_suite(format_suite());
}
