/* SPDX-License-Identifier: MIT */
/*
 * The table of formats against the kernel's: its tables of planes, the names in its headers, and
 * the order of bits that they and the documentation give. Compiled by formats.sh when the test
 * runs, with kernel-formats.inc made of the kernel's source (kernel-formats.py).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "broker/model/format.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define WIDTHS 400

#define fourcc_code(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))
#define v4l2_fourcc fourcc_code
#define v4l2_fourcc_be(a, b, c, d) (fourcc_code(a, b, c, d) | (1u << 31))

/* as in include/drm/drm_fourcc.h */
struct drm_format_info {
	uint32_t format;
	uint8_t depth, num_planes;
	union {
		uint8_t cpp[4], char_per_block[4];
	};
	uint8_t block_w[4], block_h[4], hsub, vsub;
	bool has_alpha, is_yuv, is_color_indexed;
};

/* as in include/media/v4l2-common.h */
enum { V4L2_PIXEL_ENC_RGB, V4L2_PIXEL_ENC_YUV, V4L2_PIXEL_ENC_BAYER };
struct v4l2_format_info {
	uint32_t format;
	uint8_t pixel_enc, mem_planes, comp_planes, bpp[4], bpp_div[4], hdiv, vdiv, block_w[4],
		block_h[4];
};

struct kernel_name {
	const char *name;
	uint32_t fourcc;
	const char *bits;    /* in memory; "": not told */
	const char *section; /* of the header */
};

#include "kernel-formats.inc"

static unsigned int wrong, number;

static void differ(const char *what, const char *name)
{
	printf("# %s: %s\n", name, what);
	wrong++;
}

static void result(const char *text, unsigned int compared)
{
	number++;
	if (compared == 0)
		differ("nothing compared", text);
	printf("%s %u - %s (%u)\n", wrong ? "not ok" : "ok", number, text, compared);
	wrong = 0;
}

static uint64_t quotient(uint64_t dividend, uint64_t divisor)
{
	return (dividend + divisor - 1) / divisor;
}

static uint64_t row_of(const struct format_plane *plane, uint64_t width)
{
	return quotient(width, plane->block_width) * plane->block_bytes;
}

/* ---- planes ---- */

/* What the kernel says of a plane: samples of `width` pixels are quotient(width, hsub), a row of
 * them has quotient(samples * bytes, block) bytes. */
struct kernel_plane {
	uint64_t hsub, vsub, bytes, block;
};

/* The same bytes where blocks are whole, and never fewer. */
static void compare_plane(const char *name, const struct format_plane *plane,
			  const struct kernel_plane *kernel)
{
	for (uint64_t width = 1; width <= WIDTHS; width++) {
		uint64_t own = row_of(plane, width);
		uint64_t theirs =
			quotient(quotient(width, kernel->hsub) * kernel->bytes, kernel->block);

		if (own < theirs || (width % plane->block_width == 0 && own != theirs)) {
			differ("another row", name);
			break;
		}
	}
	if (plane->row_height != kernel->vsub)
		differ("other rows", name);
	if (plane->block_width % kernel->hsub)
		differ("its blocks do not hold whole samples", name);
}

static uint8_t or_one(uint8_t number_or_zero)
{
	return number_or_zero ? number_or_zero : 1;
}

static bool is_linear_drm(const struct drm_format_info *kernel)
{
	return kernel->char_per_block[0] && or_one(kernel->block_h[0]) == 1;
}

static const char *name_of(uint32_t fourcc, const struct kernel_name *names, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (names[i].fourcc == fourcc)
			return names[i].name;
	return "no name";
}

static void compare_drm(const struct drm_format_info *kernel)
{
	const char *name = name_of(kernel->format, drm_names, LEN(drm_names));
	const struct format_info *info = format_find(kernel->format);

	if (!is_linear_drm(kernel)) {
		if (info)
			differ("has no linear layout", name);
		return;
	}
	if (!info || !info->drm || info->planes_len != kernel->num_planes) {
		differ("not in the table, or with other planes", name);
		return;
	}
	for (unsigned int i = 0; i < kernel->num_planes; i++) {
		struct kernel_plane plane = {.hsub = i ? kernel->hsub : 1,
					     .vsub = i ? kernel->vsub : 1,
					     .bytes = kernel->char_per_block[i],
					     .block = or_one(kernel->block_w[i])};

		compare_plane(name, &info->planes[i], &plane);
	}
	/* in a single plane, colour is shared by the pixels of a block */
	if (kernel->num_planes == 1 && info->planes[0].block_width % kernel->hsub)
		differ("its blocks do not hold whole pairs", name);
}

static bool is_tiled(uint32_t format)
{
	static const uint32_t tiled[] = {V4L2_PIX_FMT_NV12_4L4, V4L2_PIX_FMT_NV15_4L4,
					 V4L2_PIX_FMT_P010_4L4};

	for (size_t i = 0; i < LEN(tiled); i++)
		if (tiled[i] == format)
			return true;
	return false;
}

static void compare_v4l2(const struct v4l2_format_info *kernel)
{
	const char *name = name_of(kernel->format, v4l2_names, LEN(v4l2_names));
	const struct format_info *info = format_find(format_from_v4l2(kernel->format));

	if (kernel->mem_planes > 1 || is_tiled(kernel->format)) {
		if (info)
			differ("several memory planes, or tiles", name);
		return;
	}
	if (!info || info->planes_len != kernel->comp_planes) {
		differ("not in the table, or with other planes", name);
		return;
	}
	for (unsigned int i = 0; i < kernel->comp_planes; i++) {
		struct kernel_plane plane = {.hsub = i ? kernel->hdiv : 1,
					     .vsub = i ? kernel->vdiv : 1,
					     .bytes = kernel->bpp[i],
					     .block = kernel->bpp_div[i]};

		compare_plane(name, &info->planes[i], &plane);
	}
	if (kernel->comp_planes == 1 && info->planes[0].block_width % kernel->hdiv)
		differ("its blocks do not hold whole pairs", name);
}

/* ---- names ---- */

/* What the headers have and the table leaves out on purpose, with no row in the kernel's tables. */
static const char *const left_out[] = {
	"Y4",	 "Y6",	  "YYUV",    "UV8",	"M420",	   "NV12M",   "NV21M",	 "NV16M",
	"NV61M", "P012M", "YUV420M", "YVU420M", "YUV422M", "YVU422M", "YUV444M", "YVU444M",
};

static bool is_left_out(const char *name)
{
	for (size_t i = 0; i < LEN(left_out); i++)
		if (strcmp(left_out[i], name) == 0)
			return true;
	return false;
}

static const struct kernel_name *find_name(uint32_t fourcc, const struct kernel_name *names,
					   size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (names[i].fourcc == fourcc)
			return &names[i];
	return NULL;
}

/* Younger than the source. */
static bool is_young(const char *name)
{
	static const char *const young[] = {"RGB161616", "BGR161616", "NV15", "NV20"};

	for (size_t i = 0; i < LEN(young); i++)
		if (strcmp(young[i], name) == 0)
			return true;
	return false;
}

/* A name of V4L2's own has the name of its header; one of DRM's has DRM's number and name. */
static void check_names(const struct format_info *info)
{
	const struct kernel_name *drm = find_name(info->fourcc, drm_names, LEN(drm_names));

	if (info->drm && !(drm && strcmp(drm->name, info->name) == 0) && !is_young(info->name))
		differ("DRM does not call it so", info->name);
	if (!info->drm && drm)
		differ("means something else in DRM", info->name);
	for (int i = 0; i < 2; i++) {
		const struct kernel_name *v4l2 =
			find_name(info->v4l2[i], v4l2_names, LEN(v4l2_names));

		if (info->v4l2[i] && !v4l2 && !is_young(info->name))
			differ("not a format of V4L2", info->name);
		/* YUV444 is another format in DRM */
		if (!info->drm && i == 0 && v4l2 && strcmp(v4l2->name, info->name) != 0 &&
		    strcmp(info->name, "YUV444_4") != 0)
			differ("V4L2 does not call it so", info->name);
	}
}

static unsigned int check_all_names(void)
{
	const struct format_info *info;
	unsigned int len = 0;

	for (; (info = format_at(len)); len++)
		check_names(info);
	return len;
}

/* Every picture of one memory object that the header lists has a row, or a reason to have none. */
static unsigned int check_complete(void)
{
	unsigned int len = 0;

	for (size_t i = 0; i < LEN(v4l2_names); i++) {
		const char *section = v4l2_names[i].section, *name = v4l2_names[i].name;
		bool is_picture =
			strncmp(section, "RGB ", 4) == 0 || strncmp(section, "Grey ", 5) == 0 ||
			strncmp(section, "Palette ", 8) == 0 || strncmp(section, "Lumi", 4) == 0 ||
			strncmp(section, "Chromi", 6) == 0 || strncmp(section, "Bayer ", 6) == 0 ||
			strncmp(section, "HSV ", 4) == 0;

		len += is_picture;
		if (is_picture &&
		    (format_from_v4l2(v4l2_names[i].fourcc) != 0) == is_left_out(name))
			differ("in the table or not, against the list", name);
	}
	return len;
}

/* ---- bits ---- */

static unsigned int compare_bits(void)
{
	const struct format_info *info;
	unsigned int len = 0;

	for (size_t i = 0; (info = format_at(i)); i++) {
		const struct kernel_name *drm = find_name(info->fourcc, drm_names, LEN(drm_names));
		const struct kernel_name *v4l2 =
			find_name(info->v4l2[0], v4l2_names, LEN(v4l2_names));

		if (!info->drm || !drm || !v4l2 || !*drm->bits || !*v4l2->bits)
			continue;
		len++;
		if (strcmp(drm->bits, v4l2->bits) != 0) {
			printf("# DRM %s, V4L2 %s\n", drm->bits, v4l2->bits);
			differ("other bits", info->name);
		}
	}
	return len;
}

int main(void)
{
	for (size_t i = 0; i < LEN(kernel_drm); i++)
		compare_drm(&kernel_drm[i]);
	result("planes are those of drm_fourcc.c", LEN(kernel_drm));
	for (size_t i = 0; i < LEN(kernel_v4l2); i++)
		compare_v4l2(&kernel_v4l2[i]);
	result("planes are those of v4l2-common.c", LEN(kernel_v4l2));
	result("names are those of the headers", check_all_names());
	result("no picture of V4L2's header is forgotten", check_complete());
	result("both names mean the same bits", compare_bits());
	printf("1..%u\n", number);
	return 0;
}
