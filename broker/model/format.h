/* SPDX-License-Identifier: MIT */
/*
 * Pixel formats: one vocabulary for V4L2, DRM and VA. The table in format.c says which fourccs name
 * the same bytes, and what the planes look like. DRM's fourcc is the name we use; what DRM has no
 * name for goes by V4L2's, or by one of ours where that means something else in DRM.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_PLANES_MAX 4
#define FORMAT_MODIFIER_LINEAR 0ull
#define FORMAT_TEXT_BYTES 11 /* of a fourcc as text, with the end */

struct format_plane {
	uint8_t block_bytes; /* bytes of one block of samples */
	uint8_t block_width; /* pixels of the picture that a block covers */
	uint8_t row_height;  /* rows of the picture that one row of the plane covers */
};

struct format_info {
	uint32_t fourcc;  /* our name: DRM's, if it has one */
	uint32_t v4l2[2]; /* V4L2, all planes in one memory object; the first is preferred, 0: none
			   */
	const char *name; /* as in DRM_FORMAT_..., else as in V4L2_PIX_FMT_... */
	uint32_t va;	  /* VA_FOURCC_...; 0: none */
	bool drm;	  /* DRM has the fourcc; else no DRM device can be told of the picture */
	uint8_t planes_len;
	struct format_plane planes[FORMAT_PLANES_MAX];
};

/* The table, row by row. Returns borrowed for ever; NULL: there are no more. */
const struct format_info *format_at(size_t index);

/* Returns borrowed for ever; NULL: no such format in the table. */
const struct format_info *format_find(uint32_t fourcc);

/* Our fourcc of a V4L2 one; 0: not in the table. */
uint32_t format_from_v4l2(uint32_t v4l2_format);

/* Writes a fourcc as text: "XR24", or "0xb6314752" if that cannot be printed. */
void format_text(uint32_t fourcc, char text[FORMAT_TEXT_BYTES]);

struct format_layout {
	uint8_t planes_len;
	uint32_t stride[FORMAT_PLANES_MAX]; /* bytes */
	uint64_t offset[FORMAT_PLANES_MAX]; /* bytes, in one memory object */
	uint64_t bytes[FORMAT_PLANES_MAX];
	uint64_t total; /* bytes from 0 to the end of the last plane */
};

/*
 * The smallest stride of the first plane, in bytes, with which a row fits into every plane; those
 * of the others need not be whole numbers with it. 0: it overflows 32 bit, or the width is 0.
 */
uint32_t format_stride_min(const struct format_info *info, uint32_t width);

/*
 * Lays out a linear picture in one memory object, as V4L2 does: planes one after the other, the
 * strides of the others follow from the first plane's. Offsets are rounded up to `offset_align`,
 * a number above 0. Whether a row fits into the stride is not looked at.
 * Returns false if something overflows (strides: 32 bit, bytes: 64), or if the stride is 0, or does
 * not divide for the other planes.
 */
bool format_layout(const struct format_info *info, uint32_t height, uint32_t stride,
		   uint64_t offset_align, struct format_layout *ret_layout);

#endif
