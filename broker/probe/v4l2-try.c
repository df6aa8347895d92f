/* SPDX-License-Identifier: MIT */
/* One VIDIOC_TRY_FMT: what a driver makes of a picture. */
#include <errno.h>
#include <linux/videodev2.h>

#include "broker/probe/v4l2-asker.h"

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

/* Fields that lie one after the other, or in buffers of their own, are no progressive picture. */
static bool is_frame(uint32_t field)
{
	return field == V4L2_FIELD_ANY || field == V4L2_FIELD_NONE ||
	       field == V4L2_FIELD_INTERLACED || field == V4L2_FIELD_INTERLACED_TB ||
	       field == V4L2_FIELD_INTERLACED_BT;
}

static int take_single(struct v4l2_asker *asker, const struct v4l2_format *format,
		       struct v4l2_picture *ret_answer)
{
	const struct v4l2_pix_format *pix = &format->fmt.pix;

	if (pix->pixelformat != asker->fourcc || !is_frame(pix->field))
		return -EINVAL;
	*ret_answer = (struct v4l2_picture){.width = pix->width,
					    .height = pix->height,
					    .stride = pix->bytesperline,
					    .bytes = pix->sizeimage};
	return 0;
}

static int take_multi(struct v4l2_asker *asker, const struct v4l2_format *format,
		      struct v4l2_picture *ret_answer)
{
	const struct v4l2_pix_format_mplane *pix = &format->fmt.pix_mp;

	if (pix->pixelformat != asker->fourcc || !is_frame(pix->field))
		return -EINVAL;
	if (pix->num_planes != 1) {
		asker->reason = "its planes lie in several memory objects";
		return -ENOTSUP;
	}
	*ret_answer = (struct v4l2_picture){.width = pix->width,
					    .height = pix->height,
					    .stride = pix->plane_fmt[0].bytesperline,
					    .bytes = pix->plane_fmt[0].sizeimage};
	return 0;
}

int v4l2_try(struct v4l2_asker *asker, const struct v4l2_picture *ask,
	     struct v4l2_picture *ret_answer)
{
	struct v4l2_queue *queue = asker->queue;
	struct v4l2_format format = {.type = queue->type};
	int error;

	if (queue->multi_planar)
		fill_multi(&format, asker->fourcc, ask);
	else
		fill_single(&format, asker->fourcc, ask);
	error = v4l2_ask(queue, VIDIOC_TRY_FMT, &format);
	if (!error)
		error = queue->multi_planar ? take_multi(asker, &format, ret_answer)
					    : take_single(asker, &format, ret_answer);
	if (!error && (ret_answer->width == 0 || ret_answer->height == 0))
		error = -EINVAL;
	return error;
}

static bool recall(const struct v4l2_asker *asker, uint32_t width, uint32_t height,
		   struct v4l2_picture *ret_answer)
{
	for (size_t i = 0; i < asker->samples.len; i++) {
		*ret_answer = asker->samples.items[i];
		if (ret_answer->width == width && ret_answer->height == height)
			return true;
	}
	return false;
}

int v4l2_sample(struct v4l2_asker *asker, uint32_t width, uint32_t height,
		struct v4l2_picture *ret_answer)
{
	const struct v4l2_picture ask = {.width = width, .height = height};
	int error;

	if (recall(asker, width, height, ret_answer))
		return 0;
	error = v4l2_try(asker, &ask, ret_answer);
	if (error)
		return error;
	if (ret_answer->width != width || ret_answer->height != height)
		return -ERANGE;
	return v4l2_samples_add(&asker->samples, ret_answer) ? 0 : -E2BIG;
}

int v4l2_sample_size(struct v4l2_asker *asker, const struct vocab_size *size)
{
	struct v4l2_picture answer;

	return v4l2_sample(asker, size->width, size->height, &answer);
}
