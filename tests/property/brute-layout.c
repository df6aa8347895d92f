/* SPDX-License-Identifier: MIT */
/* Section 4 of docs/negotiation.md: strides, rows, offsets and bytes of linear pictures. */
#include <string.h>

#include "tests/property/brute-inside.h"

/* ---- 4. layout: strides ---- */

/* stride_i = stride_0 * block_width_0 * block_bytes_i / (block_bytes_0 * block_width_i) */
static uint64_t stride_numerator(const struct format_info *info, unsigned int i)
{
	return (uint64_t)info->planes[0].block_width * info->planes[i].block_bytes;
}

static uint64_t stride_denominator(const struct format_info *info, unsigned int i)
{
	return (uint64_t)info->planes[0].block_bytes * info->planes[i].block_width;
}

static uint64_t natural_stride(const struct format_info *info, uint64_t width)
{
	uint64_t natural = 0;

	for (unsigned int i = 0; i < info->planes_len; i++) {
		uint64_t row = divide_up(width, info->planes[i].block_width) *
			       info->planes[i].block_bytes;
		uint64_t first =
			divide_up(row * stride_denominator(info, i), stride_numerator(info, i));

		if (first > natural)
			natural = first;
	}
	return natural;
}

/* If the first stride is a multiple of this, that of plane i is one of `align`: m_i(a). */
static uint64_t for_plane(const struct format_info *info, unsigned int i, uint64_t align)
{
	uint64_t n = stride_numerator(info, i), d = stride_denominator(info, i);

	/* d in lowest terms; m = a * d / gcd(a * d, n) */
	d /= greatest_divisor(n, d);
	n /= greatest_divisor(n, stride_denominator(info, i));
	return align * d / greatest_divisor(align * d, n);
}

static uint64_t for_all_planes(const struct format_info *info, uint64_t align, bool *fits)
{
	uint64_t all = 1;

	for (unsigned int i = 0; i < info->planes_len; i++)
		all = common_multiple(all, for_plane(info, i, align), fits);
	return all;
}

static uint64_t device_stride_align(const struct scene *scene, const struct user *user,
				    const struct device_format *entry,
				    const struct format_info *info, bool *fits)
{
	uint64_t align = fact(scene, user, entry, FORMAT_STRIDE_ALIGN, BRUTE_DEVICE_STRIDE);

	return is_v4l2(user) ? align : for_all_planes(info, align, fits);
}

/* What one participant asks of the stride. */
static uint64_t stride_align_of(const struct scene *scene, const struct user *user,
				const struct format_info *info, bool *fits)
{
	const struct device_format *entry = entry_of(user, info->fourcc, 0);
	uint64_t align = 1, value;

	for (unsigned int i = 0; i < user->records_len; i++) {
		if (said(scene, user, i, PARTICIPANT_STRIDE_ALIGN, BRUTE_STRIDE_ALIGN, &value))
			align = common_multiple(align, for_all_planes(info, value, fits), fits);
		if (said(scene, user, i, PARTICIPANT_STRIDE_PIXELS, BRUTE_STRIDE_PIXELS, &value) &&
		    value)
			for (unsigned int j = 0; j < info->planes_len; j++)
				align = common_multiple(
					align, for_plane(info, j, info->planes[j].block_bytes),
					fits);
	}
	if (entry && counts(scene, user->number, BRUTE_DEVICE_STRIDE) &&
	    vocab_number(entry, FORMAT_STRIDE_CUSTOM))
		align = common_multiple(align, device_stride_align(scene, user, entry, info, fits),
					fits);
	return align;
}

static bool wants_no_gap(const struct scene *scene)
{
	for (unsigned int i = 0; i < scene->len; i++)
		if (is_v4l2(&scene->users[i]) &&
		    counts(scene, scene->users[i].number, BRUTE_DEVICE_PACKED))
			return true;
	return false;
}

/* Without a gap between planes it is the stride that aligns the offsets: offset_k = stride_0 * C /
 * D with C / D = sum of rows_i * n_i / d_i. */
static uint64_t gapless_align(const struct format_info *info, uint64_t rows, uint64_t offset_align,
			      bool *fits)
{
	uint64_t align = 1, c = 0, d = 1;

	for (unsigned int i = 0; i + 1 < info->planes_len && *fits; i++) {
		uint64_t plane_rows = divide_up(rows, info->planes[i].row_height);
		uint64_t plane_d = stride_denominator(info, i), all;

		c = c * plane_d + plane_rows * stride_numerator(info, i) * d;
		d *= plane_d;
		all = greatest_divisor(c, d);
		c /= all;
		d /= all;
		align = common_multiple(
			align, offset_align * d / greatest_divisor(offset_align * d, c), fits);
	}
	return align;
}

static uint64_t merged_offset_align(const struct scene *scene, bool *fits)
{
	uint64_t align = 1, value;

	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];

		for (unsigned int j = 0; j < user->records_len; j++)
			if (said(scene, user, j, PARTICIPANT_OFFSET_ALIGN, BRUTE_OFFSET_ALIGN,
				 &value))
				align = common_multiple(align, value, fits);
		if (user->device && counts(scene, user->number, BRUTE_DEVICE_OFFSET))
			align = common_multiple(align,
						fact(scene, user, user->role, ROLE_OFFSET_ALIGN,
						     BRUTE_DEVICE_OFFSET),
						fits);
	}
	return align;
}

static uint64_t merged_stride_align(const struct scene *scene, const struct format_info *info,
				    uint64_t rows, bool *fits)
{
	uint64_t align = for_all_planes(info, 1, fits), offset_align;

	for (unsigned int i = 0; i < scene->len; i++)
		align = common_multiple(align, stride_align_of(scene, &scene->users[i], info, fits),
					fits);
	offset_align = merged_offset_align(scene, fits);
	if (*fits && wants_no_gap(scene))
		align = common_multiple(align, gapless_align(info, rows, offset_align, fits), fits);
	return align;
}

static uint64_t least_stride(const struct scene *scene, uint64_t start)
{
	for (unsigned int i = 0; i < scene->len; i++)
		start = largest_said(scene, &scene->users[i], PARTICIPANT_STRIDE_MIN,
				     BRUTE_STRIDE_MIN, start);
	return start;
}

/* What those insist on who cannot be told a stride; 0: nobody does. False: on different ones. */
static bool insisted_stride(const struct scene *scene, const struct format_info *info,
			    uint64_t natural, uint64_t *ret_stride)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];
		const struct device_format *entry = entry_of(user, info->fourcc, 0);
		bool fits = true;
		uint64_t own;

		if (!entry || !counts(scene, user->number, BRUTE_DEVICE_STRIDE) ||
		    vocab_number(entry, FORMAT_STRIDE_CUSTOM))
			continue;
		own = round_up(natural, device_stride_align(scene, user, entry, info, &fits),
			       &fits);
		if (!fits || (all && all != own))
			return false;
		all = own;
	}
	*ret_stride = all;
	return true;
}

bool stride_within(const struct scene *scene, uint32_t fourcc, uint64_t modifier, uint64_t stride)
{
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];
		const struct device_format *entry = entry_of(user, fourcc, modifier);

		if (!keeps(scene, user, PARTICIPANT_STRIDE_MAX, BRUTE_STRIDE_MAX, LARGEST,
			   stride) ||
		    !keeps(scene, user, PARTICIPANT_STRIDE_MIN, BRUTE_STRIDE_MIN, SMALLEST, stride))
			return false;
		if (entry && counts(scene, user->number, BRUTE_DEVICE_STRIDE_MAX) &&
		    stride > fact(scene, user, entry, FORMAT_STRIDE_MAX, BRUTE_DEVICE_STRIDE_MAX))
			return false;
	}
	return stride <= UINT32_MAX;
}

/* Whether a stride that there is already is one that all take. */
static bool stride_suits(const struct scene *scene, const struct format_info *info, uint64_t width,
			 uint64_t rows, uint64_t stride)
{
	uint64_t natural = natural_stride(info, width), insisted;
	bool fits = true;
	uint64_t align = merged_stride_align(scene, info, rows, &fits);

	return fits && stride % align == 0 && stride >= least_stride(scene, natural) &&
	       insisted_stride(scene, info, natural, &insisted) &&
	       (!insisted || insisted == stride) && stride_within(scene, info->fourcc, 0, stride);
}

/* The stride of the first plane; 0: there is none. */
static uint64_t choose_stride(const struct scene *scene, const struct format_info *info,
			      uint64_t width, uint64_t rows)
{
	uint64_t natural = natural_stride(info, width), insisted;
	bool fits = true;
	uint64_t least = least_stride(scene, natural);
	uint64_t align = merged_stride_align(scene, info, rows, &fits);
	uint64_t stride = fits ? round_up(least, align, &fits) : 0;

	if (!fits || !insisted_stride(scene, info, natural, &insisted))
		return 0;
	if (insisted) {
		if (insisted % align || insisted < least)
			return 0;
		stride = insisted;
	}
	return stride_within(scene, info->fourcc, 0, stride) ? stride : 0;
}

/* ---- 4. layout: rows, offsets, bytes ---- */

static bool rows_in_memory(const struct scene *scene, const struct format_info *info,
			   uint64_t height, uint64_t *ret_rows)
{
	uint64_t align = 1, value, insisted = 0;
	bool declared = false, fits = true;

	for (unsigned int i = 0; i < scene->len; i++)
		for (unsigned int j = 0; j < scene->users[i].records_len; j++)
			if (said(scene, &scene->users[i], j, PARTICIPANT_ROWS_ALIGN,
				 BRUTE_ROWS_ALIGN, &value)) {
				declared = declared || value > 1;
				align = common_multiple(align, value, &fits);
			}
	*ret_rows = round_up(height, align, &fits);
	if (!fits)
		return false;
	for (unsigned int i = 0; i < scene->len && info->planes_len > 1; i++) {
		const struct user *user = &scene->users[i];
		const struct device_format *entry = entry_of(user, info->fourcc, 0);
		uint64_t own;

		if (!entry || !is_v4l2(user) || !counts(scene, user->number, BRUTE_DEVICE_ROWS))
			continue;
		own = round_up(height,
			       fact(scene, user, entry, FORMAT_HEIGHT_ALIGN, BRUTE_DEVICE_ROWS),
			       &fits);
		if ((insisted && insisted != own) || (declared && own != *ret_rows))
			return false;
		insisted = own;
	}
	if (insisted)
		*ret_rows = insisted;
	return true;
}

/* Whether the rows that there are already will do where others are asked for. */
static bool rows_suffice(const struct scene *scene, const struct format_info *info, uint64_t rows,
			 uint64_t asked)
{
	if (rows == asked)
		return true;
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];

		if (!keeps(scene, user, PARTICIPANT_ROWS_ALIGN, BRUTE_ROWS_ALIGN, MULTIPLE, rows))
			return false;
		if (is_v4l2(user) && info->planes_len > 1 &&
		    counts(scene, user->number, BRUTE_DEVICE_PACKED))
			return false;
	}
	return rows > asked;
}

/* Bytes a participant wants beyond the planes. */
static uint64_t tail_of(const struct scene *scene, const struct user *user, uint32_t fourcc,
			uint64_t modifier, const struct picture *picture, uint64_t height,
			bool *fits)
{
	const struct device_format *entry = entry_of(user, fourcc, modifier);
	uint64_t tail = largest_said(scene, user, PARTICIPANT_TAIL_BYTES, BRUTE_TAIL, 0), own, rows;

	if (!entry)
		return tail;
	own = fact(scene, user, entry, FORMAT_TAIL_BYTES, BRUTE_DEVICE_TAIL);
	if (own > tail && counts(scene, user->number, BRUTE_DEVICE_TAIL))
		tail = own;
	if (!is_v4l2(user) || picture->planes_len != 1 || !picture->rows ||
	    !counts(scene, user->number, BRUTE_DEVICE_ROWS))
		return tail;
	rows = round_up(height, fact(scene, user, entry, FORMAT_HEIGHT_ALIGN, BRUTE_DEVICE_ROWS),
			fits);
	if (rows > picture->rows)
		tail = add(tail, multiply(rows - picture->rows, picture->stride[0], fits), fits);
	return tail;
}

/* From the planes to picture and padding. */
bool add_padding(const struct scene *scene, uint32_t fourcc, uint64_t modifier, uint64_t height,
		 struct picture *picture)
{
	uint64_t tail = 0, one, align = 1, value;
	bool fits = true;

	for (unsigned int i = 0; i < scene->len; i++) {
		one = tail_of(scene, &scene->users[i], fourcc, modifier, picture, height, &fits);
		tail = one > tail ? one : tail;
	}
	picture->picture_bytes = add(picture->total, tail, &fits);
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];

		picture->picture_bytes = largest_said(scene, user, PARTICIPANT_BYTES_MIN,
						      BRUTE_BYTES_MIN, picture->picture_bytes);
		for (unsigned int j = 0; j < user->records_len; j++)
			if (said(scene, user, j, PARTICIPANT_BYTES_ALIGN, BRUTE_BYTES_ALIGN,
				 &value))
				align = common_multiple(align, value, &fits);
	}
	if (fits)
		picture->picture_bytes = round_up(picture->picture_bytes, align, &fits);
	return fits;
}

bool bytes_within(const struct scene *scene, uint64_t bytes)
{
	for (unsigned int i = 0; i < scene->len; i++)
		if (!keeps(scene, &scene->users[i], PARTICIPANT_BYTES_MAX, BRUTE_BYTES_MAX, LARGEST,
			   bytes))
			return false;
	return true;
}

/* V4L2 knows no gaps between planes. */
bool packed_enough(const struct scene *scene, const struct picture *picture)
{
	bool gap = picture->offset[0] != 0;

	for (unsigned int i = 1; i < picture->planes_len; i++)
		gap = gap || picture->offset[i] != picture->offset[i - 1] + picture->bytes[i - 1];
	for (unsigned int i = 0; gap && i < scene->len; i++)
		if (is_v4l2(&scene->users[i]) &&
		    counts(scene, scene->users[i].number, BRUTE_DEVICE_PACKED))
			return false;
	return true;
}

static bool lay_out_existing(const struct scene *scene, const struct format_info *info,
			     const struct plan *plan, struct picture *ret_picture)
{
	const struct request *request = scene->input->request;
	struct picture picture = {.has_layout = true, .planes_len = (unsigned int)plan->planes.len};
	uint64_t rows, align;
	bool fits = true;

	for (unsigned int i = 0; i < picture.planes_len; i++) {
		const struct plane *plane = (const struct plane *)plan->planes.items[i];

		picture.stride[i] = plane->stride;
		picture.offset[i] = plane->offset;
		picture.bytes[i] = plane->bytes;
		picture.total = plane->offset + plane->bytes;
	}
	picture.rows = picture.bytes[0] / picture.stride[0] * info->planes[0].row_height;
	if (!rows_in_memory(scene, info, request->height, &rows) ||
	    !stride_suits(scene, info, request->width, picture.rows, picture.stride[0]) ||
	    !rows_suffice(scene, info, picture.rows, rows))
		return false;
	align = merged_offset_align(scene, &fits);
	for (unsigned int i = 0; i < picture.planes_len && fits; i++)
		if (picture.offset[i] % align)
			return false;
	if (!fits || !packed_enough(scene, &picture) ||
	    !add_padding(scene, info->fourcc, 0, request->height, &picture))
		return false;
	*ret_picture = picture;
	return true;
}

/* A linear picture of one size, of a format in the table. */
static bool lay_out(const struct scene *scene, const struct format_info *info, uint64_t width,
		    uint64_t height, struct picture *ret_picture)
{
	struct picture picture = {.has_layout = true, .planes_len = info->planes_len};
	uint64_t stride, offset_align;
	bool fits = true;

	if (!rows_in_memory(scene, info, height, &picture.rows))
		return false;
	stride = choose_stride(scene, info, width, picture.rows);
	if (!stride)
		return false;
	offset_align = merged_offset_align(scene, &fits);
	for (unsigned int i = 0; i < info->planes_len && fits; i++) {
		uint64_t product = stride * stride_numerator(info, i);

		if (product % stride_denominator(info, i))
			return false;
		picture.stride[i] = product / stride_denominator(info, i);
		if (picture.stride[i] > UINT32_MAX)
			return false;
		picture.offset[i] = round_up(picture.total, offset_align, &fits);
		picture.bytes[i] = multiply(picture.stride[i],
					    divide_up(picture.rows, info->planes[i].row_height),
					    &fits);
		picture.total = add(picture.offset[i], picture.bytes[i], &fits);
	}
	if (!fits || !packed_enough(scene, &picture) ||
	    !add_padding(scene, info->fourcc, 0, height, &picture))
		return false;
	*ret_picture = picture;
	return true;
}

/* Further sizes must fit into the same buffers. */
bool lay_out_all(const struct scene *scene, const struct format_info *info,
		 struct picture *ret_picture)
{
	const struct request *request = scene->input->request;
	const struct plan *existing = existing_plan(scene);
	struct picture other;

	if (existing && (existing->format != info->fourcc || existing->modifier))
		return false;
	if (existing ? !lay_out_existing(scene, info, existing, ret_picture)
		     : !lay_out(scene, info, request->width, request->height, ret_picture))
		return false;
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];

		for (unsigned int j = 0;
		     counts(scene, user->number, BRUTE_SIZES) && j < user->records_len; j++) {
			const struct vocab_sizes *sizes = &user->records[j]->sizes;

			for (size_t k = 0; k < sizes->len; k++) {
				if (!lay_out(scene, info, sizes->items[k].width,
					     sizes->items[k].height, &other))
					return false;
				if (other.picture_bytes > ret_picture->picture_bytes)
					ret_picture->picture_bytes = other.picture_bytes;
			}
		}
	}
	return true;
}
