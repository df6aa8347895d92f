/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "die.h"
#include "layout.h"

static uint64_t number(const struct dmabroker_record *record, const char *key)
{
	uint64_t value;

	if (dmabroker_record_get_uint(record, key, &value) < 0)
		die("the plan says no %s", key);
	return value;
}

static const struct dmabroker_record *find_view(const struct dmabroker_record *plan,
						const char *who)
{
	const struct dmabroker_record *view;
	const char *name;

	for (size_t i = 0; dmabroker_record_get_record(plan, "participants", i, &view) == 0; i++) {
		name = dmabroker_record_get_string(view, "name");
		if (name && strcmp(name, who) == 0)
			return view;
	}
	die("the plan says nothing of %s", who);
}

struct v4l2_pix_format layout_for_v4l2(const struct dmabroker_record *plan, const char *who)
{
	const struct dmabroker_record *view = find_view(plan, who);

	return (struct v4l2_pix_format){
		.width = (uint32_t)number(plan, "width"),
		.height = (uint32_t)number(plan, "height"),
		.pixelformat = (uint32_t)number(view, "v4l2-format"),
		.bytesperline = (uint32_t)number(view, "v4l2-bytesperline"),
		.sizeimage = (uint32_t)number(view, "v4l2-sizeimage"),
		.field = V4L2_FIELD_NONE,
	};
}

struct picture layout_for_drm(const struct dmabroker_record *plan)
{
	struct picture picture = {
		.width = (uint32_t)number(plan, "width"),
		.height = (uint32_t)number(plan, "height"),
		.format = (uint32_t)number(plan, "format"),
		.modifier = number(plan, "modifier"),
	};
	const struct dmabroker_record *plane;

	for (size_t i = 0; i < 4 && !dmabroker_record_get_record(plan, "planes", i, &plane); i++) {
		picture.offsets[i] = (uint32_t)number(plane, "offset");
		picture.strides[i] = (uint32_t)number(plane, "stride");
	}
	return picture;
}
