/* SPDX-License-Identifier: MIT */
/* The layout of a plan in the words of each kernel interface. Ends the process on errors. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <dmabroker.h>
#include <linux/videodev2.h>

#include "picture.h"

/* For VIDIOC_S_FMT of the V4L2 device that is the participant `who`. */
struct v4l2_pix_format layout_for_v4l2(const struct dmabroker_record *plan, const char *who);

/* For framebuffers. */
struct picture layout_for_drm(const struct dmabroker_record *plan);

#endif
