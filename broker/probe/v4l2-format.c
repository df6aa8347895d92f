/* SPDX-License-Identifier: MIT */
/*
 * Sizes, strides and bytes of one format of a V4L2 queue. VIDIOC_TRY_FMT answers what the driver
 * would make of a format and changes nothing, so its rules can be found by asking:
 *
 * Sizes. ENUM_FRAMESIZES where the driver has it; else the smallest and the largest picture are
 * asked for, and the steps show in what becomes of widths in between.
 *
 * Stride. The strides answered for several widths have a common divisor. If each is just the bytes
 * of a row, no alignment is needed, whatever they have in common. Else the widths were chosen so
 * that the largest power of two in that divisor is the alignment or, had we bad luck, a multiple of
 * it: too much costs a few bytes, too little gives a picture that the device shears. A divisor
 * that is no power of two (three bytes per pixel, 64 pixels) serves if it explains every answer.
 *
 *   NV12, asked 17 27 63 111: answered strides 32 32 64 128  ->  divisor 32, the driver's own
 *
 * Custom stride. Then strides larger than needed are asked for: whether the driver keeps them, to
 * what it rounds them, and the largest it takes.
 *
 * Bytes. A driver may want more than the picture has (its own data behind it, whole macroblocks):
 * the most seen at any sample is the tail.
 */
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "broker/probe/fact.h"
#include "broker/probe/v4l2.h"

#define SIZES_MAX 128u
#define EXTREME 32768u		  /* as large as a request may ask */
#define STRIDE_EXTREME (1u << 19) /* more than any picture needs, small enough for 32-bit sums */
#define STRIDE_STEP 256u	  /* an alignment that nobody exceeds */
#define ALIGN_MAX 65536u

/* Offsets from the smallest width, for rounding down, up and to the nearest: whatever power of two
 * up to 64 a driver rounds to, the answers have no larger step in common. */
static const uint32_t offsets[] = {1, 2, 5, 11, 23, 47, 95, 191};
#define OFFSETS (sizeof(offsets) / sizeof(offsets[0]))

/* --- one answer --- */

static void fill_single(struct v4l2_format *format, uint32_t fourcc, const struct v4l2_picture *ask)
{
	format->fmt.pix.width = ask->width;
	format->fmt.pix.height = ask->height;
	format->fmt.pix.pixelformat = fourcc;
	format->fmt.pix.field = V4L2_FIELD_NONE;
	format->fmt.pix.bytesperline = ask->stride;
}

static void fill_multi(struct v4l2_format *format, uint32_t fourcc, const struct v4l2_picture *ask)
{
	format->fmt.pix_mp.width = ask->width;
	format->fmt.pix_mp.height = ask->height;
	format->fmt.pix_mp.pixelformat = fourcc;
	format->fmt.pix_mp.field = V4L2_FIELD_NONE;
	format->fmt.pix_mp.num_planes = 1;
	format->fmt.pix_mp.plane_fmt[0].bytesperline = ask->stride;
}

static int take_single(const struct v4l2_format *format, uint32_t fourcc,
		       struct v4l2_picture *ret_answer)
{
	const struct v4l2_pix_format *pix = &format->fmt.pix;

	if (pix->pixelformat != fourcc)
		return -EINVAL;
	*ret_answer = (struct v4l2_picture){.width = pix->width,
					    .height = pix->height,
					    .stride = pix->bytesperline,
					    .bytes = pix->sizeimage};
	return 0;
}

static int take_multi(const struct v4l2_format *format, uint32_t fourcc,
		      struct v4l2_picture *ret_answer)
{
	const struct v4l2_pix_format_mplane *pix = &format->fmt.pix_mp;

	if (pix->pixelformat != fourcc)
		return -EINVAL;
	if (pix->num_planes != 1)
		return -ENOTSUP;
	*ret_answer = (struct v4l2_picture){.width = pix->width,
					    .height = pix->height,
					    .stride = pix->plane_fmt[0].bytesperline,
					    .bytes = pix->plane_fmt[0].sizeimage};
	return 0;
}

/* Errors: -ENOTSUP: the format has several memory planes; others: the driver's. */
static int try(struct v4l2_queue *queue, uint32_t fourcc, const struct v4l2_picture *ask,
	       struct v4l2_picture *ret_answer)
{
	struct v4l2_format format = {.type = queue->type};
	int error;

	if (queue->multi_planar)
		fill_multi(&format, fourcc, ask);
	else
		fill_single(&format, fourcc, ask);
	error = v4l2_ask(queue, VIDIOC_TRY_FMT, &format);
	if (!error)
		error = queue->multi_planar ? take_multi(&format, fourcc, ret_answer)
					    : take_single(&format, fourcc, ret_answer);
	if (!error && (ret_answer->width == 0 || ret_answer->height == 0))
		error = -EINVAL;
	return error;
}

/* --- what several answers have in common --- */

static uint32_t divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static uint32_t power_of_two_in(uint32_t value)
{
	return value & (~value + 1);
}

void v4l2_strides_add(struct v4l2_strides *strides, const struct v4l2_picture *picture)
{
	if (strides->samples_len < sizeof(strides->samples) / sizeof(strides->samples[0]))
		strides->samples[strides->samples_len++] = *picture;
}

/* Whether rows rounded up to `align` give exactly the strides seen. */
static bool explains(const struct v4l2_strides *strides, const struct format_info *info,
		     uint32_t align)
{
	for (size_t i = 0; i < strides->samples_len; i++) {
		uint64_t row = format_stride_min(info, strides->samples[i].width);

		if (row == 0 || (row + align - 1) / align * align != strides->samples[i].stride)
			return false;
	}
	return true;
}

uint32_t v4l2_strides_align(const struct v4l2_strides *strides, const struct format_info *info)
{
	uint32_t common = 0, power;

	for (size_t i = 0; i < strides->samples_len; i++)
		common = divisor(strides->samples[i].stride, common);
	if (common == 0 || explains(strides, info, 1))
		return common ? 1 : 0;
	power = power_of_two_in(common);
	if (power < common && !explains(strides, info, power) && explains(strides, info, common))
		power = common;
	return power < ALIGN_MAX ? power : ALIGN_MAX;
}

uint64_t v4l2_strides_tail(const struct v4l2_strides *strides, const struct format_info *info)
{
	struct format_layout layout;
	uint64_t tail = 0;

	for (size_t i = 0; i < strides->samples_len; i++) {
		const struct v4l2_picture *sample = &strides->samples[i];

		if (format_layout(info, sample->height, sample->stride, 1, &layout) &&
		    sample->bytes > layout.total && sample->bytes - layout.total > tail)
			tail = sample->bytes - layout.total;
	}
	return tail;
}

/* --- sizes --- */

/* The smallest and the largest picture, as far as they are known. */
struct limits {
	struct v4l2_picture low, high;
	uint32_t width_step, height_step; /* 0: not told */
};

static void write_limits(struct device_format *format, const struct limits *limits,
			 enum vocab_origin origin)
{
	fact_number(format, FORMAT_WIDTH_MIN, limits->low.width, origin);
	fact_number(format, FORMAT_WIDTH_MAX, limits->high.width, origin);
	fact_number(format, FORMAT_HEIGHT_MIN, limits->low.height, origin);
	fact_number(format, FORMAT_HEIGHT_MAX, limits->high.height, origin);
	if (limits->width_step)
		fact_number(format, FORMAT_WIDTH_STEP, limits->width_step, origin);
	if (limits->height_step)
		fact_number(format, FORMAT_HEIGHT_STEP, limits->height_step, origin);
}

static void take_stepwise(const struct v4l2_frmsize_stepwise *sizes, struct limits *ret_limits)
{
	*ret_limits = (struct limits){
		.low = {.width = sizes->min_width, .height = sizes->min_height},
		.high = {.width = sizes->max_width, .height = sizes->max_height},
		.width_step = sizes->step_width ? sizes->step_width : 1,
		.height_step = sizes->step_height ? sizes->step_height : 1,
	};
}

static bool ask_size(struct v4l2_queue *queue, uint32_t fourcc, uint32_t index,
		     struct v4l2_frmsizeenum *ret_size)
{
	*ret_size = (struct v4l2_frmsizeenum){.index = index, .pixel_format = fourcc};
	return v4l2_ask(queue, VIDIOC_ENUM_FRAMESIZES, ret_size) == 0;
}

/* Drivers may list the first of many sizes and continue with ranges: only a list counts as such. */
static int list_sizes(struct v4l2_queue *queue, uint32_t fourcc, struct v4l2_frmsizeenum *first,
		      struct device_format *format)
{
	struct v4l2_frmsizeenum size = *first;
	uint32_t index = 0;
	int error = 0;

	do {
		if (size.discrete.width && size.discrete.height)
			error = vocab_add_size(format, FORMAT_SIZES, size.discrete.width,
					       size.discrete.height, VOCAB_KERNEL);
		index++;
	} while (!error && index < SIZES_MAX && ask_size(queue, fourcc, index, &size) &&
		 size.type == V4L2_FRMSIZE_TYPE_DISCRETE);
	return error;
}

/* --- samples --- */

static int sample(struct v4l2_queue *queue, uint32_t fourcc, uint32_t width, uint32_t height,
		  struct v4l2_strides *strides)
{
	struct v4l2_picture ask = {.width = width, .height = height}, answer;
	int error = try(queue, fourcc, &ask, &answer);

	if (!error)
		v4l2_strides_add(strides, &answer);
	return error;
}

static int sample_sizes(struct v4l2_queue *queue, uint32_t fourcc, const struct vocab_sizes *sizes,
			struct v4l2_strides *strides)
{
	size_t step = (sizes->len + 3) / 4;
	int error = -EINVAL;

	for (size_t i = 0; i < sizes->len; i += step) {
		error = sample(queue, fourcc, sizes->items[i].width, sizes->items[i].height,
			       strides);
		if (error == -ENOTSUP)
			return error;
	}
	return error;
}

static int sample_limits(struct v4l2_queue *queue, uint32_t fourcc, const struct limits *limits,
			 struct v4l2_strides *strides)
{
	int error = sample(queue, fourcc, limits->low.width, limits->low.height, strides);

	for (size_t i = 0; i < OFFSETS && !error; i++)
		if (limits->low.width + offsets[i] < limits->high.width)
			error = sample(queue, fourcc, limits->low.width + offsets[i],
				       limits->low.height + offsets[i], strides);
	if (!error)
		error = sample(queue, fourcc, limits->high.width, limits->high.height, strides);
	return error;
}

static uint32_t step_of(uint32_t common, uint32_t low, uint32_t high)
{
	if (common)
		return common;
	return high > low ? high - low : 1;
}

/* The steps: what the distances from the smallest picture have in common. */
static void find_steps(const struct v4l2_strides *strides, struct limits *limits)
{
	uint32_t width_step = 0, height_step = 0;

	for (size_t i = 0; i < strides->samples_len; i++) {
		const struct v4l2_picture *picture = &strides->samples[i];

		if (picture->width > limits->low.width && picture->width < limits->high.width)
			width_step = divisor(picture->width - limits->low.width, width_step);
		if (picture->height > limits->low.height && picture->height < limits->high.height)
			height_step = divisor(picture->height - limits->low.height, height_step);
	}
	limits->width_step = step_of(width_step, limits->low.width, limits->high.width);
	limits->height_step = step_of(height_step, limits->low.height, limits->high.height);
}

/* Without ENUM_FRAMESIZES: what becomes of the least and of the most. */
static int find_limits(struct v4l2_queue *queue, uint32_t fourcc, struct v4l2_strides *strides,
		       struct device_format *format)
{
	struct v4l2_picture least = {.width = 1, .height = 1};
	struct v4l2_picture most = {.width = EXTREME, .height = EXTREME};
	struct limits limits = {0};
	int error;

	error = try(queue, fourcc, &least, &limits.low);
	if (!error)
		error = try(queue, fourcc, &most, &limits.high);
	if (!error &&
	    (limits.low.width > limits.high.width || limits.low.height > limits.high.height))
		error = -EINVAL;
	if (!error)
		error = sample_limits(queue, fourcc, &limits, strides);
	if (error)
		return error;
	find_steps(strides, &limits);
	write_limits(format, &limits, VOCAB_MEASURED);
	return 0;
}

/* Finds the sizes and takes the samples. */
static int measure_sizes(struct v4l2_queue *queue, uint32_t fourcc, struct v4l2_strides *strides,
			 struct device_format *format)
{
	struct v4l2_frmsizeenum first;
	struct limits limits;
	int error;

	if (!ask_size(queue, fourcc, 0, &first))
		return find_limits(queue, fourcc, strides, format);
	if (first.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
		error = list_sizes(queue, fourcc, &first, format);
		return error ? error : sample_sizes(queue, fourcc, &format->sizes, strides);
	}
	take_stepwise(&first.stepwise, &limits);
	write_limits(format, &limits, VOCAB_KERNEL);
	return sample_limits(queue, fourcc, &limits, strides);
}

/* --- strides --- */

/* Asks for a larger stride. Returns what the driver made of it, or 0. */
static uint32_t try_stride(struct v4l2_queue *queue, uint32_t fourcc,
			   const struct v4l2_picture *base, uint32_t stride)
{
	struct v4l2_picture ask = *base, answer;

	ask.stride = stride;
	ask.bytes = 0;
	if (try(queue, fourcc, &ask, &answer) < 0 || answer.width != base->width)
		return 0;
	return answer.stride > base->stride ? answer.stride : 0;
}

/* One byte more shows to what the driver rounds. If it drops that byte, the next multiple of a
 * large alignment shows whether it keeps any: that alignment is then the one that is known. */
static uint32_t measure_custom(struct v4l2_queue *queue, uint32_t fourcc,
			       const struct v4l2_picture *base, struct device_format *format)
{
	uint32_t next = (base->stride / STRIDE_STEP + 2) * STRIDE_STEP;
	uint32_t rounded = try_stride(queue, fourcc, base, base->stride + 1), most;

	if (!rounded)
		rounded = try_stride(queue, fourcc, base, next);
	fact_number(format, FORMAT_STRIDE_CUSTOM, rounded != 0, VOCAB_MEASURED);
	if (!rounded)
		return 1;
	most = try_stride(queue, fourcc, base, STRIDE_EXTREME);
	if (most && most < STRIDE_EXTREME)
		fact_number(format, FORMAT_STRIDE_MAX, most, VOCAB_MEASURED);
	rounded = power_of_two_in(rounded);
	return rounded < STRIDE_STEP ? rounded : STRIDE_STEP;
}

/* Each of two alignments must hold. Both are powers of two, or the larger is all that is known. */
static void measure_strides(struct v4l2_queue *queue, uint32_t fourcc,
			    const struct format_info *info, const struct v4l2_strides *strides,
			    struct device_format *format)
{
	uint32_t align = v4l2_strides_align(strides, info), custom;
	const struct v4l2_picture *base = &strides->samples[0];

	if (align == 0 || base->stride > STRIDE_EXTREME / 2)
		return;
	custom = measure_custom(queue, fourcc, base, format);
	if (custom > align)
		align = custom % align ? align * custom : custom;
	fact_number(format, FORMAT_STRIDE_ALIGN, align, VOCAB_MEASURED);
	fact_number(format, FORMAT_TAIL_BYTES, v4l2_strides_tail(strides, info), VOCAB_MEASURED);
}

int v4l2_format_measure(struct v4l2_queue *queue, uint32_t v4l2_format,
			const struct format_info *info, struct device_format *format)
{
	struct v4l2_strides strides = {0};
	int error = measure_sizes(queue, v4l2_format, &strides, format);

	if (error == -ENOTSUP || error == -ENOMEM)
		return error;
	if (strides.samples_len > 0)
		measure_strides(queue, v4l2_format, info, &strides, format);
	return 0;
}
