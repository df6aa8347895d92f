/* SPDX-License-Identifier: MIT */
/*
 * The table of formats that V4L2 and DRM share. DRM names the components of a little-endian word
 * from its highest bit, V4L2 names most formats by the order of bytes in memory; each row was put
 * together from include/uapi/drm/drm_fourcc.h and include/uapi/linux/videodev2.h and
 * Documentation/userspace-api/media/v4l/pixfmt-*.rst of Linux 6.12.
 */
#include "broker/model/format.h"

#include <string.h>

#include "broker/model/arith.h"

#define CODE(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))

#define PACKED(bytes)                 \
	1,                            \
	{                             \
		{                     \
			(bytes), 1, 1 \
		}                     \
	}
#define PACKED_422              \
	1,                      \
	{                       \
		{               \
			4, 2, 1 \
		}               \
	}
#define SEMI(x, y)                  \
	2,                          \
	{                           \
		{1, 1, 1},          \
		{                   \
			2, (x), (y) \
		}                   \
	}
#define SEMI16(x, y)                \
	2,                          \
	{                           \
		{2, 1, 1},          \
		{                   \
			4, (x), (y) \
		}                   \
	}
#define PLANAR(x, y)                      \
	3,                                \
	{                                 \
		{1, 1, 1}, {1, (x), (y)}, \
		{                         \
			1, (x), (y)       \
		}                         \
	}

/* clang-format off */
static const struct format_info formats[] = {
	/* DRM name                        V4L2 names                                        planes */
	/* XRGB8888: BGR X in memory */
	{CODE('X', 'R', '2', '4'), {CODE('X', 'R', '2', '4'), CODE('B', 'G', 'R', '4')}, PACKED(4)},
	{CODE('A', 'R', '2', '4'), {CODE('A', 'R', '2', '4'), 0}, PACKED(4)},
	/* XBGR8888: RGB X in memory */
	{CODE('X', 'B', '2', '4'), {CODE('X', 'B', '2', '4'), 0}, PACKED(4)},
	{CODE('A', 'B', '2', '4'), {CODE('A', 'B', '2', '4'), 0}, PACKED(4)},
	/* RGBX8888: X BGR in memory */
	{CODE('R', 'X', '2', '4'), {CODE('R', 'X', '2', '4'), 0}, PACKED(4)},
	{CODE('R', 'A', '2', '4'), {CODE('R', 'A', '2', '4'), 0}, PACKED(4)},
	/* BGRX8888: X RGB in memory */
	{CODE('B', 'X', '2', '4'), {CODE('B', 'X', '2', '4'), CODE('R', 'G', 'B', '4')}, PACKED(4)},
	{CODE('B', 'A', '2', '4'), {CODE('B', 'A', '2', '4'), 0}, PACKED(4)},
	/* RGB888: BGR in memory; BGR888: RGB in memory */
	{CODE('R', 'G', '2', '4'), {CODE('B', 'G', 'R', '3'), 0}, PACKED(3)},
	{CODE('B', 'G', '2', '4'), {CODE('R', 'G', 'B', '3'), 0}, PACKED(3)},
	/* RGB565, XRGB1555, ARGB1555, XRGB4444, ARGB4444 */
	{CODE('R', 'G', '1', '6'), {CODE('R', 'G', 'B', 'P'), 0}, PACKED(2)},
	{CODE('X', 'R', '1', '5'), {CODE('X', 'R', '1', '5'), 0}, PACKED(2)},
	{CODE('A', 'R', '1', '5'), {CODE('A', 'R', '1', '5'), 0}, PACKED(2)},
	{CODE('X', 'R', '1', '2'), {CODE('X', 'R', '1', '2'), 0}, PACKED(2)},
	{CODE('A', 'R', '1', '2'), {CODE('A', 'R', '1', '2'), 0}, PACKED(2)},
	/* RGB332, R8 */
	{CODE('R', 'G', 'B', '8'), {CODE('R', 'G', 'B', '1'), 0}, PACKED(1)},
	{CODE('R', '8', ' ', ' '), {CODE('G', 'R', 'E', 'Y'), 0}, PACKED(1)},
	/* packed 4:2:2 */
	{CODE('Y', 'U', 'Y', 'V'), {CODE('Y', 'U', 'Y', 'V'), 0}, PACKED_422},
	{CODE('Y', 'V', 'Y', 'U'), {CODE('Y', 'V', 'Y', 'U'), 0}, PACKED_422},
	{CODE('U', 'Y', 'V', 'Y'), {CODE('U', 'Y', 'V', 'Y'), 0}, PACKED_422},
	{CODE('V', 'Y', 'U', 'Y'), {CODE('V', 'Y', 'U', 'Y'), 0}, PACKED_422},
	/* semi-planar */
	{CODE('N', 'V', '1', '2'), {CODE('N', 'V', '1', '2'), 0}, SEMI(2, 2)},
	{CODE('N', 'V', '2', '1'), {CODE('N', 'V', '2', '1'), 0}, SEMI(2, 2)},
	{CODE('N', 'V', '1', '6'), {CODE('N', 'V', '1', '6'), 0}, SEMI(2, 1)},
	{CODE('N', 'V', '6', '1'), {CODE('N', 'V', '6', '1'), 0}, SEMI(2, 1)},
	{CODE('N', 'V', '2', '4'), {CODE('N', 'V', '2', '4'), 0}, SEMI(1, 1)},
	{CODE('N', 'V', '4', '2'), {CODE('N', 'V', '4', '2'), 0}, SEMI(1, 1)},
	{CODE('P', '0', '1', '0'), {CODE('P', '0', '1', '0'), 0}, SEMI16(2, 2)},
	/* planar; V4L2's 422P is DRM's YU16 */
	{CODE('Y', 'U', '1', '2'), {CODE('Y', 'U', '1', '2'), 0}, PLANAR(2, 2)},
	{CODE('Y', 'V', '1', '2'), {CODE('Y', 'V', '1', '2'), 0}, PLANAR(2, 2)},
	{CODE('Y', 'U', '1', '6'), {CODE('4', '2', '2', 'P'), 0}, PLANAR(2, 1)},
};
/* clang-format on */

const struct format_info *format_find(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

uint32_t format_from_v4l2(uint32_t v4l2_format)
{
	for (size_t i = 0; v4l2_format && i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].v4l2[0] == v4l2_format || formats[i].v4l2[1] == v4l2_format)
			return formats[i].fourcc;
	return 0;
}

void format_text(uint32_t fourcc, char text[FORMAT_TEXT_BYTES])
{
	for (int i = 0; i < 4; i++) {
		char c = (char)(fourcc >> (8 * i));

		text[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	text[4] = '\0';
}

uint32_t format_stride_min(const struct format_info *info, uint32_t width)
{
	const struct format_plane *plane = &info->planes[0];
	uint64_t blocks = ((uint64_t)width + plane->block_width - 1) / plane->block_width;
	uint64_t bytes = blocks * plane->block_bytes;

	/* the other planes' rows must fit as well: an odd width needs a whole block there */
	for (unsigned int i = 1; i < info->planes_len; i++) {
		const struct format_plane *other = &info->planes[i];
		uint64_t row = ((uint64_t)width + other->block_width - 1) / other->block_width *
			       other->block_bytes;
		uint64_t first = row * other->block_width * plane->block_bytes /
				 other->block_bytes / plane->block_width;

		bytes = arith_max(bytes, first);
	}
	return bytes > UINT32_MAX ? 0 : (uint32_t)bytes;
}

/* The stride of plane i that belongs to `stride` of the first; 0: it is no whole number. */
static uint32_t plane_stride(const struct format_info *info, unsigned int i, uint32_t stride)
{
	const struct format_plane *first = &info->planes[0], *plane = &info->planes[i];
	uint64_t pixels = (uint64_t)stride * first->block_width * plane->block_bytes;
	uint64_t divisor = (uint64_t)first->block_bytes * plane->block_width;

	if (pixels % divisor || pixels / divisor > UINT32_MAX)
		return 0;
	return (uint32_t)(pixels / divisor);
}

bool format_layout(const struct format_info *info, uint32_t height, uint32_t stride,
		   uint32_t offset_align, struct format_layout *ret_layout)
{
	struct format_layout layout = {.planes_len = info->planes_len};

	for (unsigned int i = 0; i < info->planes_len; i++) {
		uint64_t rows = ((uint64_t)height + info->planes[i].row_height - 1) /
				info->planes[i].row_height;

		layout.stride[i] = plane_stride(info, i, stride);
		if (!layout.stride[i] ||
		    !arith_align(layout.total, offset_align, &layout.offset[i]) ||
		    !arith_mul(layout.stride[i], rows, &layout.bytes[i]) ||
		    !arith_add(layout.offset[i], layout.bytes[i], &layout.total))
			return false;
	}
	*ret_layout = layout;
	return true;
}
