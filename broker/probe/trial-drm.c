/* SPDX-License-Identifier: MIT */
/*
 * Trials of a DRM node, on the parent's open file: nothing is opened here, so that nobody becomes a
 * master by it. Imports and frame buffers need none (6.12 drm_ioctl.c); no mode is set, nothing is
 * committed, no monitor asked. Handles and frame buffers belong to that file: what a child that is
 * killed leaves behind, the parent's close gives back.
 *
 * Imports. A handle of a buffer of one page, and of a longer one of the same page again and again.
 * The helpers for engines without an MMU refuse the second, whatever part of it would be used (6.12
 * drm_gem_dma_helper.c, drm_gem_dma_prime_import_sg_table). That another driver takes it proves
 * little: many map nothing before the buffer is used.
 *
 * Pitches and offsets. ADDFB2 says no to what the driver never takes, but some drivers look at it
 * only when a picture is shown. What they think of pitches is seen in the dumb buffers they make:
 * longer rows than the picture needs are there for a reason. Both together count.
 */
#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "broker/model/arith.h"
#include "broker/model/format.h"
#include "broker/probe/trial-child.h"

#define WIDE 1024u			  /* pixels of the dumb buffer that is room for pictures */
#define ROOM_MAX (UINT64_C(8) << 20)	  /* bytes of it */
#define ALIGN_LIMIT 65536u		  /* of the vocabulary */
#define OFFSET_STEP (3 * TRIAL_ALIGN_MAX) /* a multiple of all alignments that are tried */

/* --- imports --- */

static bool is_gone(int fd)
{
	struct drm_get_cap cap = {.capability = DRM_CAP_PRIME};

	return trial_ioctl(fd, DRM_IOCTL_GET_CAP, &cap) == -ENODEV;
}

static void try_import(int fd, const struct trial_memory *memory, uint64_t bytes,
		       enum trial_verdict *verdict, uint32_t *refusal)
{
	struct drm_prime_handle prime = {.flags = 0};
	int error;

	prime.fd = trial_memory_make(memory, bytes, &bytes);
	if (prime.fd < 0)
		return;
	error = trial_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
	if (!error) {
		struct drm_gem_close handle = {.handle = prime.handle};

		trial_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &handle);
	}
	trial_note(error, verdict, refusal);
	close(prime.fd);
}

/* Errors: -ENODEV: the device went away, which some drivers also say of a buffer. */
static int try_imports(int fd, struct trial_answer *answer)
{
	struct trial_memory memory;
	uint64_t bytes;

	if (trial_memory_open(&memory))
		return 0;
	/* as many pages as can be the same one */
	bytes = arith_min(TRIAL_SCATTERED_BYTES, memory.limits.items * memory.limits.page_bytes);
	try_import(fd, &memory, 1, &answer->one_page, &answer->errors.one_page);
	if (bytes > memory.limits.page_bytes)
		try_import(fd, &memory, bytes, &answer->scattered, &answer->errors.scattered);
	trial_memory_close(&memory);
	if ((answer->errors.one_page == ENODEV || answer->errors.scattered == ENODEV) &&
	    is_gone(fd))
		return -ENODEV;
	return 0;
}

/* --- dumb buffers --- */

static int create_dumb(int fd, uint32_t width, uint32_t height, uint32_t bits,
		       struct drm_mode_create_dumb *ret_dumb)
{
	*ret_dumb = (struct drm_mode_create_dumb){.width = width, .height = height, .bpp = bits};
	return trial_ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, ret_dumb);
}

static void destroy_dumb(int fd, const struct drm_mode_create_dumb *dumb)
{
	struct drm_mode_destroy_dumb handle = {.handle = dumb->handle};

	trial_ioctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &handle);
}

static uint32_t bits_of(const struct format_info *info)
{
	return info->planes[0].block_bytes * 8u / info->planes[0].block_width;
}

/* What rows of odd lengths are rounded up to. 0: it makes no such buffers. */
static uint32_t measure_dumb_align(int fd, const struct format_info *info)
{
	static const uint32_t widths[] = {17, 65, 129};
	uint32_t pitches[3], row_bytes[3];

	for (size_t i = 0; i < 3; i++) {
		struct drm_mode_create_dumb dumb;

		if (create_dumb(fd, widths[i], 16, bits_of(info), &dumb))
			return 0;
		destroy_dumb(fd, &dumb);
		pitches[i] = dumb.pitch;
		row_bytes[i] = (widths[i] * bits_of(info) + 7) / 8;
	}
	return trial_pitch_align(pitches, row_bytes, 3);
}

/* --- frame buffers --- */

struct canvas {
	int fd;
	const struct trial *trial;
	const struct format_info *info;
	uint32_t handle;
	uint32_t pitch;
	uint32_t offset[2]; /* of the planes */
	uint64_t bytes;	    /* of the buffer: how far pictures may reach */
};

static uint32_t rows_of(const struct canvas *canvas, unsigned int plane)
{
	uint32_t covered = canvas->info->planes[plane].row_height;

	return (canvas->trial->height + covered - 1) / covered;
}

static bool takes_picture(const struct canvas *canvas)
{
	struct drm_mode_fb_cmd2 command = {.width = canvas->trial->width,
					   .height = canvas->trial->height,
					   .pixel_format = canvas->info->fourcc};

	for (unsigned int i = 0; i < canvas->info->planes_len; i++) {
		uint64_t end = (uint64_t)rows_of(canvas, i) * canvas->pitch + canvas->offset[i];

		if (end > canvas->bytes)
			return false;
		command.handles[i] = canvas->handle;
		command.pitches[i] = canvas->pitch;
		command.offsets[i] = canvas->offset[i];
	}
	if (trial_ioctl(canvas->fd, DRM_IOCTL_MODE_ADDFB2, &command) < 0)
		return false;
	trial_ioctl(canvas->fd, DRM_IOCTL_MODE_RMFB, &command.fb_id);
	return true;
}

static bool takes_pitch(void *data, uint32_t pitch)
{
	struct canvas canvas = *(const struct canvas *)data;

	canvas.pitch = pitch;
	return takes_picture(&canvas);
}

/* Of the last plane: of one alone, or of the second. */
static bool takes_offset(void *data, uint32_t offset)
{
	struct canvas canvas = *(const struct canvas *)data;

	canvas.offset[canvas.info->planes_len - 1] += offset;
	return takes_picture(&canvas);
}

static uint32_t round_up(uint32_t value, uint32_t align)
{
	return (value + align - 1) / align * align;
}

/* Where the canvas's planes lie, for pitches of a multiple of `align`. */
static void lay_out(struct canvas *canvas, uint32_t align)
{
	canvas->pitch = round_up(format_stride_min(canvas->info, canvas->trial->width), align);
	canvas->offset[0] = 0;
	canvas->offset[1] = canvas->info->planes_len < 2
				    ? 0
				    : round_up(rows_of(canvas, 0) * canvas->pitch, OFFSET_STEP);
}

static uint32_t measure_offset_align(struct canvas *canvas, uint32_t stride_align)
{
	lay_out(canvas, stride_align);
	return trial_find_align(0, 0, takes_offset, canvas);
}

/* Room for the longest pitches and offsets that are tried: the third multiple behind the first. */
static int create_canvas(int fd, const struct trial *trial, const struct format_info *info,
			 struct canvas *ret_canvas)
{
	uint64_t pitch = format_stride_min(info, trial->width) + 4ull * TRIAL_ALIGN_MAX;
	uint64_t bytes = pitch * trial->height + 2 * OFFSET_STEP;
	struct drm_mode_create_dumb dumb;
	int error;

	if (bytes > ROOM_MAX)
		return -EFBIG;
	error = create_dumb(fd, WIDE, (uint32_t)(bytes * 8 / WIDE / bits_of(info)) + 1,
			    bits_of(info), &dumb);
	if (error)
		return error;
	*ret_canvas = (struct canvas){
		.fd = fd, .trial = trial, .info = info, .handle = dumb.handle, .bytes = dumb.size};
	return 0;
}

static void destroy_canvas(const struct canvas *canvas)
{
	destroy_dumb(canvas->fd, &(struct drm_mode_create_dumb){.handle = canvas->handle});
}

/* 0: nothing was found, or nothing that anybody could keep to. */
static uint32_t both(uint32_t a, uint32_t b)
{
	uint64_t align;

	return a && b && arith_lcm(a, b, &align) && align <= ALIGN_LIMIT ? (uint32_t)align : 0;
}

/* The second plane is where offsets matter: the first of a picture begins with its buffer. */
static uint32_t measure_offsets(struct canvas *canvas, uint32_t stride_align)
{
	const struct format_info *info = format_find(canvas->trial->planar_format);
	uint32_t align = measure_offset_align(canvas, stride_align);

	if (!info || info->planes_len != 2)
		return align;
	canvas->info = info;
	return both(align, measure_offset_align(canvas, stride_align));
}

/* Without dumb buffers ADDFB2 would have the last word, which it has not. */
static void try_pictures(int fd, const struct trial *trial, struct trial_answer *answer)
{
	const struct format_info *info = format_find(trial->format);
	uint32_t dumb_align, least;
	struct canvas canvas;

	if (!info || info->planes_len != 1 || trial->width == 0 || trial->height == 0)
		return;
	dumb_align = measure_dumb_align(fd, info);
	if (dumb_align == 0 || create_canvas(fd, trial, info, &canvas))
		return;
	least = format_stride_min(info, trial->width);
	answer->stride_align =
		both(trial_find_align(least, dumb_align, takes_pitch, &canvas), dumb_align);
	if (answer->stride_align)
		answer->offset_align = measure_offsets(&canvas, answer->stride_align);
	destroy_canvas(&canvas);
}

int trial_drm(const struct trial *trial, struct trial_answer *ret_answer)
{
	int error = 0;

	*ret_answer = (struct trial_answer){0};
	if (!trial->no_imports)
		error = try_imports(trial->drm_fd, ret_answer);
	if (!error)
		try_pictures(trial->drm_fd, trial, ret_answer);
	return error;
}
