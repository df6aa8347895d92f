/* SPDX-License-Identifier: MIT */
/* Section 4 of docs/negotiation.md: layouts that participants supply, and who can express them. */
#include <string.h>

#include "tests/property/brute-inside.h"

/* ---- 4. layouts that are supplied ---- */

static bool same_planes(const struct supplied_layout *a, const struct supplied_layout *b)
{
	if (a->planes.len != b->planes.len)
		return false;
	for (size_t i = 0; i < a->planes.len; i++) {
		const struct plane *left = (const struct plane *)a->planes.items[i];
		const struct plane *right = (const struct plane *)b->planes.items[i];

		if (left->offset != right->offset || left->stride != right->stride ||
		    left->bytes != right->bytes)
			return false;
	}
	return true;
}

static bool same_layout(const struct supplied_layout *a, const struct supplied_layout *b)
{
	return a->bytes == b->bytes && same_planes(a, b);
}

/* All layouts of the pair that somebody supplies. */
void collect_layouts(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
		     struct supply *supply)
{
	supply->len = 0;
	for (unsigned int i = 0; i < scene->len; i++)
		for (unsigned int j = 0; j < scene->users[i].records_len; j++) {
			const struct vocab_dicts *list = &scene->users[i].records[j]->layouts;

			for (size_t k = 0; k < list->len && supply->len < 256; k++) {
				const struct supplied_layout *one =
					(const struct supplied_layout *)list->items[k];

				if (one->format != fourcc || one->modifier != modifier)
					continue;
				supply->counts[supply->len] =
					counts(scene, scene->users[i].number, BRUTE_LAYOUTS);
				supply->layouts[supply->len++] = one;
			}
		}
}

/* Nothing is moved: what does not hold is a conflict. */
static bool supplied_suits(const struct scene *scene, const struct user *user, uint32_t fourcc,
			   uint64_t modifier, const struct picture *picture)
{
	const struct device_format *entry = entry_of(user, fourcc, modifier);
	uint64_t value;

	for (unsigned int i = 0; i < user->records_len; i++)
		if ((said(scene, user, i, PARTICIPANT_ROWS_ALIGN, BRUTE_ROWS_ALIGN, &value) &&
		     value > 1) ||
		    (user->records[i]->sizes.len && counts(scene, user->number, BRUTE_SIZES)))
			return false;
	for (unsigned int i = 0; i < picture->planes_len; i++) {
		if (!keeps(scene, user, PARTICIPANT_STRIDE_ALIGN, BRUTE_STRIDE_ALIGN, MULTIPLE,
			   picture->stride[i]) ||
		    !keeps(scene, user, PARTICIPANT_OFFSET_ALIGN, BRUTE_OFFSET_ALIGN, MULTIPLE,
			   picture->offset[i]))
			return false;
		if (user->device && counts(scene, user->number, BRUTE_DEVICE_OFFSET) &&
		    picture->offset[i] %
			    fact(scene, user, user->role, ROLE_OFFSET_ALIGN, BRUTE_DEVICE_OFFSET))
			return false;
		if (entry && counts(scene, user->number, BRUTE_DEVICE_STRIDE) &&
		    vocab_number(entry, FORMAT_STRIDE_CUSTOM) && (i == 0 || !is_v4l2(user)) &&
		    picture->stride[i] %
			    fact(scene, user, entry, FORMAT_STRIDE_ALIGN, BRUTE_DEVICE_STRIDE))
			return false;
	}
	return true;
}

static bool lay_out_supplied(const struct scene *scene, const struct supplied_layout *layout,
			     struct picture *ret_picture)
{
	struct picture picture = {.has_layout = true,
				  .planes_len = (unsigned int)layout->planes.len,
				  .total = layout->bytes};

	for (unsigned int i = 0; i < picture.planes_len; i++) {
		const struct plane *plane = (const struct plane *)layout->planes.items[i];

		picture.stride[i] = plane->stride;
		picture.offset[i] = plane->offset;
		picture.bytes[i] = plane->bytes;
	}
	for (unsigned int i = 0; i < scene->len; i++)
		if (!supplied_suits(scene, &scene->users[i], layout->format, layout->modifier,
				    &picture))
			return false;
	if (!stride_within(scene, layout->format, layout->modifier, picture.stride[0]) ||
	    !packed_enough(scene, &picture) ||
	    !add_padding(scene, layout->format, layout->modifier, 0, &picture))
		return false;
	*ret_picture = picture;
	return true;
}

/* Whether all whose layouts count say the same as the n-th. */
static bool agrees_with_all(const struct supply *supply, unsigned int n)
{
	for (unsigned int i = 0; i < supply->len; i++)
		if (supply->counts[i] && !same_layout(supply->layouts[n], supply->layouts[i]))
			return false;
	return true;
}

/* The end of the last plane. */
static uint64_t end_of_planes(const struct plan *plan)
{
	uint64_t end = 0;

	for (size_t i = 0; i < plan->planes.len; i++) {
		const struct plane *plane = (const struct plane *)plan->planes.items[i];

		if (plane->offset + plane->bytes > end)
			end = plane->offset + plane->bytes;
	}
	return end;
}

/* A layout that is not linear is what it is; its bytes are what the n-th that is supplied says.
 * Where nobody supplies it only its planes are known; the picture keeps the bytes that it had
 * (is_of_existing). */
static bool take_existing(const struct scene *scene, const struct plan *existing, uint32_t fourcc,
			  uint64_t modifier, const struct supply *supply, unsigned int n,
			  struct picture *ret_picture)
{
	struct supplied_layout layout = {.format = fourcc,
					 .modifier = modifier,
					 .bytes = end_of_planes(existing),
					 .planes = existing->planes};

	if (existing->format != fourcc || existing->modifier != modifier)
		return false;
	for (unsigned int i = 0; i < supply->len; i++) {
		bool same = same_planes(&layout, supply->layouts[i]);

		if ((supply->counts[i] && !same) || (same && n == supply->len))
			return false;
	}
	if (n < supply->len) {
		if (!same_planes(&layout, supply->layouts[n]) || !agrees_with_all(supply, n))
			return false;
		layout.bytes = supply->layouts[n]->bytes;
	}
	return lay_out_supplied(scene, &layout, ret_picture);
}

/* The n-th layout that there might be. False: it does not suit. */
bool make_layout(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
		 const struct supply *supply, unsigned int n, struct picture *ret_picture)
{
	const struct format_info *info = format_find(fourcc);
	const struct plan *existing = existing_plan(scene);
	bool asked = counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_LAYOUT);

	*ret_picture = (struct picture){0};
	if (modifier == 0 && info)
		return n == 0 && lay_out_all(scene, info, ret_picture);
	if (existing)
		return take_existing(scene, existing, fourcc, modifier, supply, n, ret_picture);
	for (unsigned int i = 0; i < supply->len; i++)
		asked = asked || supply->counts[i];
	if (n < supply->len)
		return agrees_with_all(supply, n) &&
		       lay_out_supplied(scene, supply->layouts[n], ret_picture);
	return !asked; /* then none is a layout as well */
}

/* ---- 4. expressing ---- */

bool can_express(const struct scene *scene, const struct user *user, uint32_t fourcc,
		 uint64_t modifier, const struct picture *picture, uint64_t memory_bytes)
{
	const struct device_format *entry = entry_of(user, fourcc, modifier);
	const struct format_info *info = format_find(fourcc);

	if (!user->device || !picture->has_layout || !counts(scene, user->number, BRUTE_EXPRESS))
		return true;
	if (is_v4l2(user))
		return picture->picture_bytes <= UINT32_MAX && picture->stride[0] <= UINT32_MAX &&
		       (!entry || vocab_number(entry, FORMAT_V4L2_FORMAT) ||
			(modifier == 0 && info && info->v4l2[0]));
	for (unsigned int i = 0; i < picture->planes_len; i++)
		if (picture->offset[i] > UINT32_MAX || picture->stride[i] > UINT32_MAX)
			return false;
	return root_of(user)->role != ROLE_RENDER || memory_bytes <= UINT32_MAX;
}
