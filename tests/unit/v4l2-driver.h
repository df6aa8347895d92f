/* SPDX-License-Identifier: MIT */
/* A made-up V4L2 driver that answers VIDIOC_TRY_FMT and VIDIOC_ENUM_FRAMESIZES, and knows besides
 * where its planes really lie. */
#ifndef TESTS_V4L2_DRIVER_H
#define TESTS_V4L2_DRIVER_H

#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/format.h"
#include "broker/model/vocabulary.h"

enum driver_rounding { ROUNDS_DOWN, ROUNDS_UP, ROUNDS_TO_NEAREST };

enum driver_told {
	TELLS_NOTHING,
	TELLS_STEPS,
	TELLS_ANY_SIZE, /* continuous */
	TELLS_A_LIST,
};

enum driver_habit {
	HABIT_NO_STRIDE = 1 << 0,    /* bytesperline is 0 */
	HABIT_TRUNCATES = 1 << 1,    /* bytes = pixels * bits >> 3 */
	HABIT_ROUNDS_LIST = 1 << 2,  /* what it lists is rounded up to its steps */
	HABIT_CHROMA_OWN = 1 << 3,   /* chroma strides from the width, not from the first stride */
	HABIT_ROUNDS_LUMA = 1 << 4,  /* plane_round counts for all planes but the last */
	HABIT_PADS_LUMA = 1 << 5,    /* rows_align counts for the first plane only */
	HABIT_OTHER_FORMAT = 1 << 6, /* answers another pixelformat */
	HABIT_FIELDS_APART = 1 << 7, /* answers V4L2_FIELD_SEQ_TB */
	HABIT_INTERLACES = 1 << 8,   /* answers V4L2_FIELD_INTERLACED */
	HABIT_TWO_OBJECTS = 1 << 9,  /* answers two memory planes */
	HABIT_REFUSES = 1 << 10,     /* TRY_FMT is EINVAL */
	HABIT_FALLS_BACK = 1 << 11,  /* a stride that is too large is dropped, not cut */
	HABIT_IGNORES_STRIDE = 1 << 12, /* sizeimage does not follow a stride of ours */
};

struct driver {
	const char *what;
	uint32_t v4l2_format;
	enum driver_told told;
	struct vocab_size min, max; /* 0: 16x16 to 4096x4096 */
	struct vocab_size step;	    /* true ones; 0: 1 */
	struct vocab_size told_step;
	enum driver_rounding rounding;
	struct vocab_size sizes[8];
	uint32_t habits;
	uint32_t stride_align, stride_least;
	uint32_t chroma_align; /* of chroma strides, where they are its own */
	uint32_t rows_align, chroma_rows_align, plane_round;
	uint32_t tail, block_bytes, round, least_bytes; /* block: of 16x16 pixels */
	uint32_t custom_align, custom_max;
};

struct driver_picture {
	uint32_t width, height, stride[FORMAT_PLANES_MAX];
	uint64_t offset[FORMAT_PLANES_MAX], bytes;
};

static inline uint64_t driver_align(uint64_t value, uint64_t align)
{
	return align ? (value + align - 1) / align * align : value;
}

static inline struct vocab_size driver_or(struct vocab_size size, uint32_t dflt)
{
	return size.width ? size : (struct vocab_size){dflt, dflt};
}

static inline uint32_t driver_round(enum driver_rounding rounding, uint32_t value, uint32_t min,
				    uint32_t max, uint32_t step)
{
	if (value < min)
		value = min;
	if (value > max)
		value = max;
	if (rounding == ROUNDS_UP)
		value += step - 1;
	if (rounding == ROUNDS_TO_NEAREST)
		value += step / 2;
	value -= value % step;
	while (value > max)
		value -= step;
	while (value < min)
		value += step;
	return value;
}

static inline struct vocab_size driver_nearest(const struct driver *driver, uint32_t width,
					       uint32_t height)
{
	struct vocab_size best = {0, 0};
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 8 && driver->sizes[i].width; i++) {
		uint64_t distance = (uint64_t)labs((long)driver->sizes[i].width - (long)width) +
				    (uint64_t)labs((long)driver->sizes[i].height - (long)height);

		if (distance < least) {
			least = distance;
			best = driver->sizes[i];
		}
	}
	return best;
}

static inline void driver_size(const struct driver *driver, uint32_t *width, uint32_t *height)
{
	struct vocab_size min = driver_or(driver->min, 16), max = driver_or(driver->max, 4096);
	struct vocab_size step = driver_or(driver->step, 1), nearest;

	if (driver->told == TELLS_A_LIST && !(driver->habits & HABIT_ROUNDS_LIST)) {
		nearest = driver_nearest(driver, *width, *height);
		*width = nearest.width;
		*height = nearest.height;
		return;
	}
	*width = driver_round(driver->rounding, *width, min.width, max.width, step.width);
	*height = driver_round(driver->rounding, *height, min.height, max.height, step.height);
}

static inline uint32_t driver_row(const struct format_plane *plane, uint32_t width)
{
	return (width + plane->block_width - 1) / plane->block_width * plane->block_bytes;
}

/* The first plane's stride, where `asked` was asked for. */
static inline uint32_t driver_stride(const struct driver *driver, const struct format_info *info,
				     uint32_t width, uint32_t asked)
{
	uint64_t row = driver_row(&info->planes[0], width), stride;

	if (driver->habits & HABIT_TRUNCATES)
		row = (uint64_t)width * info->planes[0].block_bytes / info->planes[0].block_width;
	stride = driver_align(row, driver->stride_align);
	if (stride < driver->stride_least)
		stride = driver->stride_least;
	if (!driver->custom_align || asked <= stride)
		return (uint32_t)stride;
	asked = (uint32_t)driver_align(asked, driver->custom_align);
	if (!driver->custom_max || asked <= driver->custom_max)
		return asked;
	return driver->habits & HABIT_FALLS_BACK ? (uint32_t)stride : driver->custom_max;
}

static inline uint32_t driver_plane_stride(const struct driver *driver,
					   const struct format_info *info, unsigned int i,
					   uint32_t width, uint32_t stride)
{
	const struct format_plane *first = &info->planes[0], *plane = &info->planes[i];

	if (i == 0)
		return stride;
	if (driver->habits & HABIT_CHROMA_OWN)
		return (uint32_t)driver_align(driver_row(plane, width), driver->chroma_align);
	return (uint32_t)((uint64_t)stride * first->block_width * plane->block_bytes /
			  first->block_bytes / plane->block_width);
}

static inline uint64_t driver_rows(const struct driver *driver, const struct format_info *info,
				   unsigned int i, uint32_t height)
{
	uint64_t rows = height;

	if (i == 0 || !(driver->habits & HABIT_PADS_LUMA))
		rows = driver_align(height, driver->rows_align);
	if (driver->habits & HABIT_TRUNCATES)
		rows /= info->planes[i].row_height;
	else
		rows = driver_align(rows, info->planes[i].row_height) / info->planes[i].row_height;
	return i == 0 ? rows : driver_align(rows, driver->chroma_rows_align);
}

/* What the driver makes of a picture, with the truth of where its planes lie. */
static inline struct driver_picture driver_try(const struct driver *driver, uint32_t width,
					       uint32_t height, uint32_t asked)
{
	const struct format_info *info = format_find(format_from_v4l2(driver->v4l2_format));
	struct driver_picture picture = {.width = width, .height = height};
	uint64_t end = 0;
	uint32_t stride;

	driver_size(driver, &picture.width, &picture.height);
	stride = driver_stride(driver, info, picture.width, asked);
	for (unsigned int i = 0; i < info->planes_len; i++) {
		bool is_last = i + 1 == info->planes_len;

		picture.stride[i] = driver_plane_stride(driver, info, i, picture.width, stride);
		picture.offset[i] = end;
		end += picture.stride[i] * driver_rows(driver, info, i, picture.height);
		if (driver->plane_round && !(is_last && (driver->habits & HABIT_ROUNDS_LUMA)))
			end = driver_align(end, driver->plane_round);
	}
	if (driver->habits & HABIT_IGNORES_STRIDE && asked)
		end = driver_try(driver, width, height, 0).bytes;
	end += (uint64_t)driver->block_bytes * ((picture.width + 15) / 16) *
	       ((picture.height + 15) / 16);
	picture.bytes = driver_align(end + driver->tail, driver->round);
	if (picture.bytes < driver->least_bytes)
		picture.bytes = driver->least_bytes;
	return picture;
}

static inline uint32_t driver_field(const struct driver *driver)
{
	if (driver->habits & HABIT_FIELDS_APART)
		return V4L2_FIELD_SEQ_TB;
	return driver->habits & HABIT_INTERLACES ? V4L2_FIELD_INTERLACED : V4L2_FIELD_NONE;
}

static inline int driver_try_fmt(const struct driver *driver, struct v4l2_format *format)
{
	bool multi_planar = V4L2_TYPE_IS_MULTIPLANAR(format->type);
	struct v4l2_pix_format_mplane *multi = &format->fmt.pix_mp;
	struct v4l2_pix_format *single = &format->fmt.pix;
	struct driver_picture picture;

	if (driver->habits & HABIT_REFUSES)
		return -EINVAL;
	picture =
		driver_try(driver, multi_planar ? multi->width : single->width,
			   multi_planar ? multi->height : single->height,
			   multi_planar ? multi->plane_fmt[0].bytesperline : single->bytesperline);
	if (driver->habits & HABIT_NO_STRIDE)
		picture.stride[0] = 0;
	if (multi_planar) {
		multi->width = picture.width;
		multi->height = picture.height;
		multi->field = driver_field(driver);
		multi->num_planes = driver->habits & HABIT_TWO_OBJECTS ? 2 : 1;
		multi->plane_fmt[0].bytesperline = picture.stride[0];
		multi->plane_fmt[0].sizeimage = (uint32_t)picture.bytes;
	} else {
		single->width = picture.width;
		single->height = picture.height;
		single->field = driver_field(driver);
		single->bytesperline = picture.stride[0];
		single->sizeimage = (uint32_t)picture.bytes;
	}
	if (driver->habits & HABIT_OTHER_FORMAT)
		single->pixelformat ^= 1; /* it is in the same place in both */
	return 0;
}

static inline int driver_enum_sizes(const struct driver *driver, struct v4l2_frmsizeenum *size)
{
	struct vocab_size min = driver_or(driver->min, 16), max = driver_or(driver->max, 4096);
	struct vocab_size step = driver_or(driver->step, 1);

	if (driver->told == TELLS_NOTHING)
		return -ENOTTY;
	if (driver->told == TELLS_A_LIST) {
		if (size->index >= 8 || !driver->sizes[size->index].width)
			return -EINVAL;
		size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
		size->discrete.width = driver->sizes[size->index].width;
		size->discrete.height = driver->sizes[size->index].height;
		return 0;
	}
	if (size->index)
		return -EINVAL;
	if (driver->told_step.width)
		step = driver->told_step;
	size->type = driver->told == TELLS_STEPS ? V4L2_FRMSIZE_TYPE_STEPWISE
						 : V4L2_FRMSIZE_TYPE_CONTINUOUS;
	size->stepwise = (struct v4l2_frmsize_stepwise){.min_width = min.width,
							.max_width = max.width,
							.step_width = step.width,
							.min_height = min.height,
							.max_height = max.height,
							.step_height = step.height};
	return 0;
}

#endif
