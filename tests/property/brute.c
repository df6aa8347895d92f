/* SPDX-License-Identifier: MIT */
/*
 * The rules of docs/negotiation.md, one function for each, in the order of the page. A value is
 * read through `said` (keys of a participant) and `fact` (of its device) only, so that any of them
 * can be left out of account. Nothing is prepared, nothing is remembered: each candidate is asked
 * everything again.
 */
#include "tests/property/brute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/access.h"
#include "broker/model/format.h"

#define X_ROW(unit, constraint, key) [BRUTE_##unit] = {CONSTRAINT_##constraint, key},
const struct brute_unit_row brute_units[BRUTE_UNITS_LEN] = {BRUTE_UNITS(X_ROW)};

const char *const brute_usage[BRUTE_USAGE_LEN] = {
	"read", "write",    "scanout",	      "encode",	   "decode",
	"none", "cpu-read", "cpu-read-often", "cpu-write", "cpu-write-often"};

#define ANY_MODIFIER 0x00ffffffffffffffull
#define MOST_BUFFERS 64
#define BOUNCE_PIECE_MAX 262144
#define PATH_MAX_LEN 5
#define PAIRS_MAX 512

/* A participant with one of its leaves chosen. */
struct user {
	unsigned int number;				 /* in the request */
	const struct participant *records[PATH_MAX_LEN]; /* from its record to the leaf */
	unsigned int records_len;
	const struct device *device; /* NULL: the CPU */
	const struct device_role *role;
	bool reads, writes, none;
};

struct scene {
	const struct brute_input *input;
	struct user users[BRUTE_USERS_MAX];
	unsigned int len;
};

struct picture {
	bool has_layout;
	unsigned int planes_len;
	uint64_t stride[4], offset[4], bytes[4];
	uint64_t total;
	uint64_t rows; /* of the first plane */
	uint64_t picture_bytes;
};

/* ---- numbers ---- */

static uint64_t add(uint64_t a, uint64_t b, bool *fits)
{
	*fits = *fits && a <= UINT64_MAX - b;
	return a + b;
}

static uint64_t multiply(uint64_t a, uint64_t b, bool *fits)
{
	*fits = *fits && (!b || a <= UINT64_MAX / b);
	return a * b;
}

static uint64_t round_up(uint64_t value, uint64_t align, bool *fits)
{
	uint64_t rest = value % align;

	return rest ? add(value, align - rest, fits) : value;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static uint64_t common_multiple(uint64_t a, uint64_t b, bool *fits)
{
	return multiply(a / greatest_divisor(a, b), b, fits);
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

/* ---- who says what ---- */

static bool counts(const struct scene *scene, unsigned int number, enum brute_unit unit)
{
	return !scene->input->filter || !scene->input->filter->out[number][unit];
}

static bool is_instead(const struct scene *scene, unsigned int number, enum brute_unit unit)
{
	const struct brute_filter *filter = scene->input->filter;

	return filter && filter->instead && filter->instead_user == number &&
	       filter->instead_unit == unit;
}

static bool said(const struct scene *scene, const struct user *user, unsigned int record,
		 unsigned int row, enum brute_unit unit, uint64_t *ret_value)
{
	if (!counts(scene, user->number, unit) || !vocab_has(user->records[record], row))
		return false;
	*ret_value = is_instead(scene, user->number, unit)
			     ? scene->input->filter->instead_value
			     : vocab_number(user->records[record], row);
	return true;
}

static uint64_t fact(const struct scene *scene, const struct user *user, const void *record,
		     unsigned int row, enum brute_unit unit)
{
	return is_instead(scene, user->number, unit) ? scene->input->filter->instead_value
						     : vocab_number(record, row);
}

enum kind_of_bound { SMALLEST, LARGEST, MULTIPLE };

/* Whether a number keeps what a participant says of it. */
static bool keeps(const struct scene *scene, const struct user *user, unsigned int row,
		  enum brute_unit unit, enum kind_of_bound kind, uint64_t number)
{
	uint64_t value;

	for (unsigned int i = 0; i < user->records_len; i++)
		if (said(scene, user, i, row, unit, &value) &&
		    (kind == SMALLEST  ? number < value
		     : kind == LARGEST ? number > value
				       : value && number % value))
			return false;
	return true;
}

static uint64_t largest_said(const struct scene *scene, const struct user *user, unsigned int row,
			     enum brute_unit unit, uint64_t least)
{
	uint64_t value;

	for (unsigned int i = 0; i < user->records_len; i++)
		if (said(scene, user, i, row, unit, &value) && value > least)
			least = value;
	return least;
}

static bool is_v4l2(const struct user *user)
{
	return user->device && vocab_number(user->device, DEVICE_KIND) == KIND_V4L2;
}

static bool maps(const struct user *user)
{
	return user->device && vocab_number(user->role, ROLE_DMA_MAPS);
}

static bool is_translated(const struct user *user)
{
	return vocab_number(user->device, DEVICE_IOMMU);
}

static bool may_copy(const struct user *user)
{
	return user->device && (!vocab_has(user->role, ROLE_CPU_COPIES) || user->role->cpu_copies);
}

static bool is_coherent(const struct user *user)
{
	return vocab_number(user->device, DEVICE_COHERENCY) == COHERENCY_COHERENT;
}

static const struct device_format *entry_of(const struct user *user, uint32_t fourcc,
					    uint64_t modifier)
{
	for (size_t i = 0; user->role && i < user->role->formats.len; i++) {
		const struct device_format *entry =
			(const struct device_format *)user->role->formats.items[i];

		if (entry->format == fourcc && vocab_number(entry, FORMAT_MODIFIER) == modifier)
			return entry;
	}
	return NULL;
}

/* ---- 1. participants and leaves ---- */

unsigned int brute_leaves(const struct participant *participant)
{
	unsigned int sum = 0;

	if (!participant->alternatives.len)
		return 1;
	for (size_t i = 0; i < participant->alternatives.len; i++)
		sum += brute_leaves((const struct participant *)participant->alternatives.items[i]);
	return sum;
}

static void choose_leaf(struct user *user, const struct participant *record, unsigned int leaf)
{
	user->records[user->records_len++] = record;
	for (size_t i = 0; i < record->alternatives.len; i++) {
		const struct participant *below =
			(const struct participant *)record->alternatives.items[i];
		unsigned int leaves = brute_leaves(below);

		if (leaf < leaves) {
			choose_leaf(user, below, leaf);
			return;
		}
		leaf -= leaves;
	}
}

void brute_leaf_text(const struct participant *participant, unsigned int leaf, char text[64])
{
	size_t used = strlen(text);

	for (size_t i = 0; i < participant->alternatives.len; i++) {
		const struct participant *below =
			(const struct participant *)participant->alternatives.items[i];
		unsigned int leaves = brute_leaves(below);

		if (leaf < leaves) {
			snprintf(text + used, 64 - used, "%s%zu", used ? "." : "", i);
			brute_leaf_text(below, leaf, text);
			return;
		}
		leaf -= leaves;
	}
}

static bool has_word(const struct vocab_strings *list, const char *word)
{
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(list->items[i], word) == 0)
			return true;
	return false;
}

static void set_usage(struct user *user, const struct participant *participant)
{
	const struct vocab_strings *usage = &participant->usage;
	enum role role = (enum role)participant->role;

	if (!vocab_has(participant, PARTICIPANT_USAGE)) {
		user->reads = role != ROLE_CAPTURE && role != ROLE_WRITEBACK;
		user->writes = role != ROLE_OUTPUT && role != ROLE_SCANOUT;
		return;
	}
	user->none = has_word(usage, "none");
	user->reads = has_word(usage, "read") || has_word(usage, "scanout") ||
		      has_word(usage, "encode");
	user->writes = has_word(usage, "write") || has_word(usage, "decode");
}

static void set_user(const struct brute_input *input, struct user *user, unsigned int number,
		     unsigned int leaf)
{
	const struct participant *participant =
		(const struct participant *)input->request->participants.items[number];

	*user = (struct user){.number = number};
	choose_leaf(user, participant, leaf);
	set_usage(user, participant);
	if (participant->role == ROLE_CPU)
		return;
	user->device = machine_find_device(input->machine, participant->device);
	user->role = device_find_role(user->device, (enum role)participant->role);
}

static const struct participant *root_of(const struct user *user)
{
	return user->records[0];
}

static enum cpu_access cpu_reads(const struct user *user)
{
	const struct participant *root = root_of(user);

	if (vocab_has(root, PARTICIPANT_CPU_ACCESS) &&
	    vocab_origin(root, PARTICIPANT_CPU_ACCESS) != VOCAB_ASSUMED)
		return (enum cpu_access)root->cpu_access;
	return !user->device && user->reads ? CPU_ACCESS_OFTEN : CPU_ACCESS_NEVER;
}

static enum cpu_access cpu_writes(const struct user *user)
{
	const struct participant *root = root_of(user);

	if (vocab_has(root, PARTICIPANT_CPU_WRITES))
		return (enum cpu_access)root->cpu_writes;
	return !user->device && user->writes ? CPU_ACCESS_OFTEN : CPU_ACCESS_NEVER;
}

/* Whether `reader` gets its pixels from `writer`. */
static bool produces(const struct user *writer, const struct user *reader)
{
	const struct vocab_strings *names = &root_of(reader)->reads_from;

	return writer->number != reader->number && writer->writes && reader->reads &&
	       (!vocab_has(root_of(reader), PARTICIPANT_READS_FROM) ||
		has_word(names, root_of(writer)->name));
}

/* ---- 2. formats ---- */

static bool matches(const struct vocab_format *entry, uint32_t fourcc, uint64_t modifier)
{
	return (entry->fourcc == 0 || entry->fourcc == fourcc) &&
	       (entry->modifier == ANY_MODIFIER || entry->modifier == modifier);
}

static bool list_matches(const struct vocab_formats *list, uint32_t fourcc, uint64_t modifier)
{
	for (size_t i = 0; i < list->len; i++)
		if (matches(&list->items[i], fourcc, modifier))
			return true;
	return false;
}

static bool declares_formats(const struct user *user)
{
	for (unsigned int i = 0; i < user->records_len; i++)
		if (user->records[i]->formats.len)
			return true;
	return false;
}

static bool takes_format(const struct scene *scene, const struct user *user, uint32_t fourcc,
			 uint64_t modifier)
{
	for (unsigned int i = 0; i < user->records_len; i++)
		if (counts(scene, user->number, BRUTE_FORMATS) &&
		    vocab_has(user->records[i], PARTICIPANT_FORMATS) &&
		    !list_matches(&user->records[i]->formats, fourcc, modifier))
			return false;
	if (!user->device || !counts(scene, user->number, BRUTE_DEVICE_FORMATS))
		return true;
	return user->role->formats.len ? entry_of(user, fourcc, modifier) != NULL
				       : declares_formats(user);
}

static bool formats_suit(const struct scene *scene, uint32_t fourcc, uint64_t modifier)
{
	const struct brute_input *input = scene->input;
	const struct vocab_format *only = input->filter ? input->filter->only_pair : NULL;

	if (only && (only->fourcc != fourcc || only->modifier != modifier))
		return false;
	if (input->restricted && (fourcc != input->fourcc || (input->linear && modifier)))
		return false;
	for (unsigned int i = 0; i < scene->len; i++)
		if (!takes_format(scene, &scene->users[i], fourcc, modifier))
			return false;
	return !counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_FORMATS) ||
	       !vocab_has(input->request, REQUEST_FORMATS) ||
	       list_matches(&input->request->formats, fourcc, modifier);
}

/* ---- 2. sizes ---- */

static bool size_declared(const struct scene *scene, const struct user *user, uint64_t width,
			  uint64_t height)
{
	const struct {
		unsigned int row;
		enum brute_unit unit;
		enum kind_of_bound kind;
		uint64_t number;
	} bounds[] = {
		{PARTICIPANT_WIDTH_MIN, BRUTE_WIDTH_MIN, SMALLEST, width},
		{PARTICIPANT_WIDTH_MAX, BRUTE_WIDTH_MAX, LARGEST, width},
		{PARTICIPANT_WIDTH_ALIGN, BRUTE_WIDTH_ALIGN, MULTIPLE, width},
		{PARTICIPANT_HEIGHT_MIN, BRUTE_HEIGHT_MIN, SMALLEST, height},
		{PARTICIPANT_HEIGHT_MAX, BRUTE_HEIGHT_MAX, LARGEST, height},
		{PARTICIPANT_HEIGHT_ALIGN, BRUTE_HEIGHT_ALIGN, MULTIPLE, height},
		{PARTICIPANT_AREA_MAX, BRUTE_AREA_MAX, LARGEST, width * height},
	};

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (!keeps(scene, user, bounds[i].row, bounds[i].unit, bounds[i].kind,
			   bounds[i].number))
			return false;
	return true;
}

static bool side_fits(const struct device_format *entry, unsigned int min_row, unsigned int max_row,
		      unsigned int step_row, uint64_t length)
{
	uint64_t min = vocab_number(entry, min_row);

	return length >= min && length <= vocab_number(entry, max_row) &&
	       (length - min) % vocab_number(entry, step_row) == 0;
}

static bool size_of_device(const struct scene *scene, const struct user *user,
			   const struct device_format *entry, uint64_t width, uint64_t height)
{
	bool listed = !vocab_has(entry, FORMAT_SIZES);

	if (!counts(scene, user->number, BRUTE_DEVICE_SIZE))
		return true;
	for (size_t i = 0; i < entry->sizes.len; i++)
		listed = listed || (entry->sizes.items[i].width == width &&
				    entry->sizes.items[i].height == height);
	return listed &&
	       side_fits(entry, FORMAT_WIDTH_MIN, FORMAT_WIDTH_MAX, FORMAT_WIDTH_STEP, width) &&
	       side_fits(entry, FORMAT_HEIGHT_MIN, FORMAT_HEIGHT_MAX, FORMAT_HEIGHT_STEP, height);
}

static bool size_suits(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
		       uint64_t width, uint64_t height)
{
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];
		const struct device_format *entry = entry_of(user, fourcc, modifier);

		if (!size_declared(scene, user, width, height) ||
		    (entry && !size_of_device(scene, user, entry, width, height)))
			return false;
	}
	return true;
}

/* The buffers that there are, where they count. */
static const struct plan *existing_plan(const struct scene *scene)
{
	const struct solve_options *options = scene->input->options;

	return options && options->existing && counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_EXISTING)
		       ? options->existing
		       : NULL;
}

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

static uint64_t merged_offset_align(const struct scene *scene, bool *fits);

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

static bool stride_within(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
			  uint64_t stride)
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
static bool add_padding(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
			uint64_t height, struct picture *picture)
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

static bool bytes_within(const struct scene *scene, uint64_t bytes)
{
	for (unsigned int i = 0; i < scene->len; i++)
		if (!keeps(scene, &scene->users[i], PARTICIPANT_BYTES_MAX, BRUTE_BYTES_MAX, LARGEST,
			   bytes))
			return false;
	return true;
}

/* V4L2 knows no gaps between planes. */
static bool packed_enough(const struct scene *scene, const struct picture *picture)
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
static bool lay_out_all(const struct scene *scene, const struct format_info *info,
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

struct supply {
	const struct supplied_layout *layouts[256];
	bool counts[256];
	unsigned int len;
};

/* All layouts of the pair that somebody supplies. */
static void collect_layouts(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
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

/* Whether all whose layouts count say the same as the n-th. */
static bool agrees_with_all(const struct supply *supply, unsigned int n)
{
	for (unsigned int i = 0; i < supply->len; i++)
		if (supply->counts[i] && !same_layout(supply->layouts[n], supply->layouts[i]))
			return false;
	return true;
}

/* A layout that is not linear is what it is. */
static bool take_existing(const struct scene *scene, const struct plan *existing, uint32_t fourcc,
			  uint64_t modifier, const struct supply *supply,
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

		if (supply->counts[i] && (!same || !agrees_with_all(supply, i)))
			return false;
		if (same && supply->layouts[i]->bytes > layout.bytes)
			layout.bytes = supply->layouts[i]->bytes;
	}
	return lay_out_supplied(scene, &layout, ret_picture);
}

/* The n-th layout that there might be. False: it does not suit. */
static bool make_layout(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
			const struct supply *supply, unsigned int n, struct picture *ret_picture)
{
	const struct format_info *info = format_find(fourcc);
	const struct plan *existing = existing_plan(scene);
	bool asked = counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_LAYOUT);

	*ret_picture = (struct picture){0};
	if (modifier == 0 && info)
		return n == 0 && lay_out_all(scene, info, ret_picture);
	if (existing)
		return n == 0 &&
		       take_existing(scene, existing, fourcc, modifier, supply, ret_picture);
	for (unsigned int i = 0; i < supply->len; i++)
		asked = asked || supply->counts[i];
	if (n < supply->len)
		return agrees_with_all(supply, n) &&
		       lay_out_supplied(scene, supply->layouts[n], ret_picture);
	return !asked; /* then none is a layout as well */
}

/* ---- 4. expressing ---- */

static bool can_express(const struct scene *scene, const struct user *user, uint32_t fourcc,
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

/* ---- 2. heaps ---- */

static bool known_and(const struct heap *heap, unsigned int row, bool value)
{
	return vocab_has(heap, row) && (vocab_number(heap, row) != 0) == value;
}

static bool has_property(const struct heap *heap, const char *word, size_t len)
{
	char text[32] = "";

	if (len < sizeof(text))
		memcpy(text, word, len);
	if (strcmp(text, "contiguous") == 0)
		return known_and(heap, HEAP_CONTIGUOUS, true);
	if (strcmp(text, "scattered") == 0)
		return known_and(heap, HEAP_CONTIGUOUS, false);
	if (strcmp(text, "cached") == 0)
		return known_and(heap, HEAP_CACHED, true);
	if (strcmp(text, "uncached") == 0)
		return known_and(heap, HEAP_CACHED, false);
	if (strcmp(text, "zeroed") == 0)
		return known_and(heap, HEAP_ZEROED, true);
	if (strcmp(text, "protected") == 0)
		return known_and(heap, HEAP_PROTECTED, true);
	if (strcmp(text, "dma-heap") == 0)
		return known_and(heap, HEAP_EXPORTER, false);
	if (strcmp(text, "udmabuf") == 0)
		return known_and(heap, HEAP_EXPORTER, true);
	return false;
}

static bool heap_matches(const struct heap *heap, const char *entry)
{
	if (strncmp(entry, "is:", 3) != 0)
		return strcmp(entry, heap->id) == 0;
	for (entry += 3;; entry++) {
		size_t len = strcspn(entry, "+");

		if (!has_property(heap, entry, len))
			return false;
		entry += len;
		if (!*entry)
			return true;
	}
}

static bool any_matches(const struct vocab_strings *list, const struct heap *heap)
{
	for (size_t i = 0; i < list->len; i++)
		if (heap_matches(heap, list->items[i]))
			return true;
	return false;
}

static uint64_t highest_of_bits(uint64_t bits)
{
	return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t highest_address(const struct heap *heap)
{
	return least(highest_of_bits(vocab_number(heap, HEAP_ADDRESS_BITS)),
		     vocab_number(heap, HEAP_ADDRESS_MAX));
}

static uint64_t scarcity(const struct scene *scene, const struct heap *heap)
{
	bool known = vocab_has(heap, HEAP_ADDRESS_BITS) || vocab_has(heap, HEAP_ADDRESS_MAX);
	uint64_t highest = highest_address(heap);
	bool low = known && highest < (uint64_t)1 << 32 &&
		   vocab_has(scene->input->machine, MACHINE_MEMORY_MAX) &&
		   highest < vocab_number(scene->input->machine, MACHINE_MEMORY_MAX);

	return (vocab_number(heap, HEAP_PROTECTED) ? 4 : 0) +
	       (vocab_number(heap, HEAP_CONTIGUOUS) ? 2 : 0) + (low ? 1 : 0);
}

static bool lists_suit(const struct scene *scene, const struct user *user, const struct heap *heap)
{
	for (unsigned int i = 0; i < user->records_len; i++) {
		const struct participant *record = user->records[i];

		if (vocab_has(record, PARTICIPANT_ALLOWED_HEAPS) &&
		    counts(scene, user->number, BRUTE_ALLOWED_HEAPS) &&
		    !any_matches(&record->allowed_heaps, heap))
			return false;
		if (counts(scene, user->number, BRUTE_FORBIDDEN_HEAPS) &&
		    any_matches(&record->forbidden_heaps, heap))
			return false;
	}
	return true;
}

static bool is_named(const struct scene *scene, const struct heap *heap)
{
	if (has_word(&scene->input->request->allowed_heaps, heap->id))
		return true;
	for (unsigned int i = 0; i < scene->len; i++)
		for (unsigned int j = 0; j < scene->users[i].records_len; j++)
			if (has_word(&scene->users[i].records[j]->allowed_heaps, heap->id))
				return true;
	return false;
}

static bool heap_may_serve(const struct scene *scene, const struct heap *heap)
{
	const struct request *request = scene->input->request;
	const struct brute_filter *filter = scene->input->filter;

	if (filter && filter->only_heap && strcmp(filter->only_heap, heap->id) != 0)
		return false;
	for (unsigned int i = 0; i < scene->len; i++)
		if (!lists_suit(scene, &scene->users[i], heap))
			return false;
	if (counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_ALLOWED) &&
	    vocab_has(request, REQUEST_ALLOWED_HEAPS) &&
	    !any_matches(&request->allowed_heaps, heap))
		return false;
	if (counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_FORBIDDEN) &&
	    any_matches(&request->forbidden_heaps, heap))
		return false;
	if (counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_KNOWN) && !vocab_number(heap, HEAP_KNOWN) &&
	    !is_named(scene, heap))
		return false;
	return !counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_SCARCE) ||
	       !vocab_number(request, REQUEST_FORBID_SCARCE) || scarcity(scene, heap) == 0;
}

/* ---- 2. what a participant needs of the memory ---- */

static bool contiguity_suits(const struct scene *scene, const struct user *user,
			     const struct heap *heap)
{
	if (vocab_number(heap, HEAP_CONTIGUOUS))
		return true;
	if (largest_said(scene, user, PARTICIPANT_CONTIGUOUS, BRUTE_CONTIGUOUS, 0))
		return false;
	return !user->device || is_translated(user) ||
	       !counts(scene, user->number, BRUTE_DEVICE_CONTIGUITY) ||
	       vocab_number(user->role, ROLE_CONTIGUITY) == CONTIGUITY_NONE;
}

static bool protection_suits(const struct scene *scene, const struct user *user,
			     const struct heap *heap)
{
	bool is_protected = vocab_number(heap, HEAP_PROTECTED);
	bool reaches = false;

	if (largest_said(scene, user, PARTICIPANT_PROTECTED, BRUTE_PROTECTED, 0) && !is_protected)
		return false;
	if (!is_protected || !counts(scene, user->number, BRUTE_UNPROTECTED))
		return true;
	if (!user->device || may_copy(user) || cpu_reads(user) || cpu_writes(user))
		return false;
	for (unsigned int i = 0; i < user->records_len; i++)
		reaches = reaches || vocab_number(user->records[i], PARTICIPANT_REACHES_PROTECTED);
	return reaches || vocab_number(user->role, ROLE_REACHES_PROTECTED);
}

static bool maintenance_suits(const struct scene *scene, const struct user *user,
			      const struct heap *heap)
{
	bool maybe_cached = !vocab_has(heap, HEAP_CACHED) || heap->cached;

	if (vocab_number(heap, HEAP_MAINTENANCE) == MAINTENANCE_HARMFUL &&
	    counts(scene, user->number, BRUTE_MAINTENANCE))
		return false;
	return !maps(user) || !counts(scene, user->number, BRUTE_MAINTENANCE) ||
	       is_coherent(user) || !maybe_cached ||
	       vocab_number(heap, HEAP_MAINTENANCE) == MAINTENANCE_ATTACHMENTS;
}

static bool segments_suit(const struct scene *scene, const struct user *user,
			  const struct heap *heap, uint64_t memory_bytes)
{
	uint64_t longest = least(vocab_number(heap, HEAP_SEGMENT_BYTES_MAX), memory_bytes);
	uint64_t page = vocab_number(scene->input->machine, MACHINE_PAGE_BYTES);
	bool one = vocab_number(heap, HEAP_CONTIGUOUS) && known_and(heap, HEAP_EXPORTER, false);
	uint64_t number = one ? 1 : memory_bytes / page;

	if (!keeps(scene, user, PARTICIPANT_SEGMENTS_MAX, BRUTE_SEGMENTS, LARGEST, number) ||
	    !keeps(scene, user, PARTICIPANT_SEGMENT_BYTES_MAX, BRUTE_SEGMENT_BYTES, LARGEST,
		   longest))
		return false;
	return !maps(user) || is_translated(user) ||
	       !counts(scene, user->number, BRUTE_DEVICE_SEGMENTS) ||
	       (number <= vocab_number(user->role, ROLE_SEGMENTS_MAX) &&
		longest <= vocab_number(user->role, ROLE_SEGMENT_BYTES_MAX));
}

static bool memory_suits(const struct scene *scene, const struct user *user,
			 const struct heap *heap, uint64_t memory_bytes)
{
	if (user->device && counts(scene, user->number, BRUTE_IMPORTS) &&
	    !vocab_number(user->role, ROLE_IMPORTS))
		return false;
	if (may_copy(user) && counts(scene, user->number, BRUTE_KERNEL_MAP) &&
	    !vocab_number(heap, HEAP_KERNEL_MAP))
		return false;
	if (!keeps(scene, user, PARTICIPANT_BASE_ALIGN, BRUTE_BASE_ALIGN, MULTIPLE,
		   vocab_number(heap, HEAP_ALIGNMENT)))
		return false;
	return contiguity_suits(scene, user, heap) && protection_suits(scene, user, heap) &&
	       maintenance_suits(scene, user, heap) &&
	       segments_suit(scene, user, heap, memory_bytes);
}

/* ---- 5. reach and bouncing ---- */

static bool declared_reach_suits(const struct scene *scene, const struct user *user,
				 const struct heap *heap)
{
	uint64_t bits;

	for (unsigned int i = 0; i < user->records_len; i++)
		if (said(scene, user, i, PARTICIPANT_ADDRESS_BITS, BRUTE_ADDRESS_BITS, &bits) &&
		    highest_address(heap) > highest_of_bits(bits))
			return false;
	return true;
}

static bool out_of_reach(const struct scene *scene, const struct user *user,
			 const struct heap *heap)
{
	if (!maps(user) || is_translated(user) || !counts(scene, user->number, BRUTE_DEVICE_REACH))
		return false;
	return highest_address(heap) >
		       highest_of_bits(vocab_number(user->device, DEVICE_ADDRESS_BITS)) ||
	       highest_address(heap) > vocab_number(user->device, DEVICE_ADDRESS_MAX);
}

static bool always_bounced(const struct scene *scene, const struct user *user)
{
	return maps(user) && !is_translated(user) && counts(scene, user->number, BRUTE_BOUNCED) &&
	       vocab_number(user->device, DEVICE_BOUNCED);
}

static bool may_bounce(const struct scene *scene, const struct user *user, const struct heap *heap,
		       uint64_t memory_bytes)
{
	const struct brute_input *input = scene->input;

	return (vocab_number(input->request, REQUEST_ALLOW_BOUNCE) ||
		vocab_number(input->machine, MACHINE_BOUNCE) == BOUNCE_ALWAYS) &&
	       !may_copy(user) && vocab_number(heap, HEAP_MAINTENANCE) == MAINTENANCE_ATTACHMENTS &&
	       known_and(heap, HEAP_EXPORTER, false) && known_and(heap, HEAP_CACHED, true) &&
	       least(vocab_number(heap, HEAP_SEGMENT_BYTES_MAX), memory_bytes) <= BOUNCE_PIECE_MAX;
}

/* A READ bracket must never be due while somebody is bounced that did not write last. */
static bool brackets_are_safe(const struct scene *scene, const bool *bounced)
{
	unsigned int len = 0;
	bool writer = false;

	for (unsigned int i = 0; i < scene->len; i++)
		if (bounced[scene->users[i].number]) {
			len++;
			writer = writer || scene->users[i].writes;
		}
	if (!len)
		return true;
	if (writer && len > 1)
		return false;
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];

		if ((writer ? !bounced[user->number] : user->writes) && maps(user) &&
		    !is_coherent(user))
			return false;
	}
	return true;
}

static bool reach_suits(const struct scene *scene, const struct heap *heap, uint64_t memory_bytes,
			bool *ret_bounced)
{
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];
		bool out = out_of_reach(scene, user, heap);
		bool bounced = always_bounced(scene, user) || out;

		if (!declared_reach_suits(scene, user, heap))
			return false;
		if (out && !always_bounced(scene, user) &&
		    vocab_number(scene->input->machine, MACHINE_BOUNCE) != BOUNCE_REACH &&
		    vocab_number(scene->input->machine, MACHINE_BOUNCE) != BOUNCE_ALWAYS)
			return false;
		if (bounced && !may_bounce(scene, user, heap, memory_bytes))
			return false;
		ret_bounced[user->number] = bounced;
	}
	return brackets_are_safe(scene, ret_bounced);
}

/* ---- 3. count ---- */

static uint64_t camping(const struct scene *scene, const struct user *user)
{
	uint64_t most = 0, value;
	bool declared = false;

	if (user->none || !counts(scene, user->number, BRUTE_CAMPING))
		return 0;
	for (unsigned int i = 0; i < user->records_len; i++)
		if (said(scene, user, i, PARTICIPANT_CAMPING, BRUTE_CAMPING, &value)) {
			declared = true;
			most = value > most ? value : most;
		}
	if (!declared)
		most = is_instead(scene, user->number, BRUTE_CAMPING)
			       ? scene->input->filter->instead_value
			       : 1;
	if (user->device && vocab_number(user->role, ROLE_MIN_BUFFERS) > most)
		most = vocab_number(user->role, ROLE_MIN_BUFFERS);
	return most;
}

static uint64_t largest_wish(const struct user *user, unsigned int row)
{
	uint64_t most = 0;

	for (unsigned int i = 0; i < user->records_len; i++)
		if (vocab_number(user->records[i], row) > most)
			most = vocab_number(user->records[i], row);
	return most;
}

static uint64_t smallest_max(const struct scene *scene)
{
	uint64_t most = MOST_BUFFERS, value;

	for (unsigned int i = 0; i < scene->len; i++)
		for (unsigned int j = 0; j < scene->users[i].records_len; j++)
			if (said(scene, &scene->users[i], j, PARTICIPANT_MAX_COUNT, BRUTE_MAX_COUNT,
				 &value))
				most = least(most, value);
	return most;
}

static void count_buffers(const struct scene *scene, uint64_t *ret_needed, uint64_t *ret_wanted)
{
	uint64_t needed = 0, slack = 0, shared = 0;

	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];

		needed += camping(scene, user);
		slack += largest_wish(user, PARTICIPANT_SLACK);
		if (largest_wish(user, PARTICIPANT_SHARED_SLACK) > shared)
			shared = largest_wish(user, PARTICIPANT_SHARED_SLACK);
	}
	for (unsigned int i = 0; i < scene->len; i++)
		needed = largest_said(scene, &scene->users[i], PARTICIPANT_MIN_COUNT,
				      BRUTE_MIN_COUNT, needed);
	if (counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_COUNT)) {
		uint64_t count = vocab_number(scene->input->request, REQUEST_COUNT);

		if (is_instead(scene, BRUTE_REQUEST, BRUTE_REQUEST_COUNT))
			count = scene->input->filter->instead_value;
		needed = count > needed ? count : needed;
	}
	*ret_needed = needed ? needed : 1;
	*ret_wanted = *ret_needed + slack + shared;
}

static uint64_t capacity_of(const struct scene *scene, const struct heap *heap)
{
	const struct solve_options *options = scene->input->options;
	uint64_t capacity = vocab_number(heap, HEAP_CAPACITY_BYTES);

	for (size_t i = 0; options && i < options->limits_len; i++)
		if (strcmp(options->limits[i].heap, heap->id) == 0)
			capacity = least(capacity, options->limits[i].bytes);
	return capacity;
}

/* Sets how many buffers there are; false: not enough. */
static bool choose_count(const struct scene *scene, struct brute_plan *plan, uint64_t *ret_missing)
{
	uint64_t most = smallest_max(scene), n;

	count_buffers(scene, &plan->count_needed, &plan->count_wanted);
	if (plan->count_needed > most)
		return false;
	most = least(plan->count_wanted, most);
	n = most;
	if (counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_CAPACITY) && !existing_plan(scene)) {
		if (plan->memory_bytes > vocab_number(plan->heap, HEAP_BUFFER_BYTES_MAX))
			return false;
		if (plan->memory_bytes)
			n = least(n, capacity_of(scene, plan->heap) / plan->memory_bytes);
	}
	if (existing_plan(scene)) {
		if (n < plan->count_needed)
			return false;
		n = existing_plan(scene)->count;
	}
	plan->count = n;
	*ret_missing = most > n ? most - n : 0;
	return n >= plan->count_needed && n <= smallest_max(scene);
}

/* ---- colour ---- */

static const unsigned int colour_rows[] = {COLOUR_PRIMARIES, COLOUR_TRANSFER, COLOUR_MATRIX,
					   COLOUR_RANGE};

static void read_colour(const void *entry, uint32_t words[4])
{
	for (unsigned int i = 0; i < 4; i++)
		words[i] = (uint32_t)vocab_number(entry, colour_rows[i]);
}

struct colour_choice {
	const struct vocab_dicts *lists[BRUTE_USERS_MAX * PATH_MAX_LEN];
	unsigned int lists_len;
	bool found;
	uint64_t sum;
	uint32_t words[4];
};

/* What both say; false: they do not agree. */
static bool agree(const uint32_t a[4], const uint32_t b[4], uint32_t ret_words[4])
{
	for (unsigned int i = 0; i < 4; i++) {
		if (a[i] && b[i] && a[i] != b[i])
			return false;
		ret_words[i] = a[i] ? a[i] : b[i];
	}
	return true;
}

/* Chooses one entry of each list from the n-th on, in every way there is. */
static void choose_entries(struct colour_choice *choice, unsigned int n, const uint32_t words[4],
			   uint64_t sum)
{
	int order = 0;

	if (n < choice->lists_len) {
		for (size_t i = 0; i < choice->lists[n]->len; i++) {
			uint32_t entry[4], both[4];

			read_colour(choice->lists[n]->items[i], entry);
			if (agree(words, entry, both))
				choose_entries(choice, n + 1, both, sum + i);
		}
		return;
	}
	for (unsigned int i = 0; i < 4 && !order; i++)
		order = words[i] < choice->words[i] ? -1 : words[i] > choice->words[i];
	if (choice->found && (sum > choice->sum || (sum == choice->sum && order >= 0)))
		return;
	choice->found = true;
	choice->sum = sum;
	memcpy(choice->words, words, sizeof(choice->words));
}

static bool choose_colour(const struct scene *scene, uint32_t colour[4])
{
	static const unsigned int rows[] = {REQUEST_PRIMARIES, REQUEST_TRANSFER, REQUEST_MATRIX,
					    REQUEST_RANGE};
	struct colour_choice choice = {.lists_len = 0};
	uint32_t words[4] = {0};

	for (unsigned int i = 0; i < 4 && counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_COLOUR); i++)
		words[i] = (uint32_t)vocab_number(scene->input->request, rows[i]);
	for (unsigned int i = 0; i < scene->len; i++)
		for (unsigned int j = 0; j < scene->users[i].records_len; j++) {
			const struct vocab_dicts *list = &scene->users[i].records[j]->colours;

			if (list->len && counts(scene, scene->users[i].number, BRUTE_COLOURS))
				choice.lists[choice.lists_len++] = list;
		}
	choose_entries(&choice, 0, words, 0);
	memcpy(colour, choice.words, sizeof(choice.words));
	return choice.found;
}

/* ---- 6. preference ---- */

static uint64_t format_place(const struct user *user, uint32_t fourcc)
{
	for (unsigned int i = 0; i < user->records_len; i++) {
		const struct vocab_formats *list = &user->records[i]->formats;

		for (size_t j = 0; j < list->len; j++)
			if (list->items[j].fourcc == 0 || list->items[j].fourcc == fourcc)
				return j;
		if (list->len)
			return 0;
	}
	for (size_t i = 0; user->role && i < user->role->formats.len; i++)
		if (((const struct device_format *)user->role->formats.items[i])->format == fourcc)
			return i;
	return 0;
}

static uint64_t modifier_place(const struct user *user, uint32_t fourcc, uint64_t modifier)
{
	for (unsigned int i = 0; i < user->records_len; i++) {
		const struct vocab_formats *list = &user->records[i]->formats;

		for (size_t j = 0; j < list->len; j++)
			if (matches(&list->items[j], fourcc, modifier))
				return j;
		if (list->len)
			return 0;
	}
	for (size_t i = 0; user->role && i < user->role->formats.len; i++) {
		const void *entry = user->role->formats.items[i];

		if (vocab_number(entry, FORMAT_FORMAT) == fourcc &&
		    vocab_number(entry, FORMAT_MODIFIER) == modifier)
			return i;
	}
	return 0;
}

static uint64_t format_cost(const struct scene *scene, uint32_t fourcc, uint64_t modifier)
{
	const struct vocab_formats *list = &scene->input->request->formats;
	uint64_t sum = 0;

	for (size_t i = 0; i < list->len; i++)
		if (matches(&list->items[i], fourcc, modifier))
			return i;
	for (unsigned int i = 0; i < scene->len && !list->len; i++)
		sum += format_place(&scene->users[i], fourcc);
	return sum;
}

static enum agent agent_of(const struct user *user, const struct brute_plan *plan)
{
	if (!user->device)
		return AGENT_CPU;
	if (plan->bounced[user->number])
		return AGENT_BOUNCED;
	if (vocab_number(user->role, ROLE_CPU_COPIES))
		return AGENT_CPU_COPYING;
	if (!vocab_has(user->role, ROLE_CPU_COPIES) && !is_coherent(user))
		return AGENT_UNKNOWN;
	switch ((enum coherency)vocab_number(user->device, DEVICE_COHERENCY)) {
	case COHERENCY_COHERENT:
		return AGENT_COHERENT;
	case COHERENCY_NON_COHERENT:
		return AGENT_NON_COHERENT;
	default:
		return AGENT_UNKNOWN;
	}
}

static uint64_t hand_over_passes(const struct scene *scene, const struct brute_plan *plan)
{
	uint64_t passes = 0;

	for (unsigned int i = 0; i < scene->len; i++)
		for (unsigned int j = 0; j < scene->len; j++) {
			const struct user *from = &scene->users[i], *to = &scene->users[j];
			unsigned int due;

			if (!produces(from, to))
				continue;
			due = (unsigned int)access_hand_over(plan->agent[from->number],
							     plan->agent[to->number], true);
			passes += (due & OPERATION_CLEAN ? 1u : 0u) +
				  (due & OPERATION_INVALIDATE ? 1u : 0u);
		}
	return passes;
}

static uint64_t access_cost(const struct scene *scene, const struct brute_plan *plan)
{
	static const uint64_t reads[] = {0, 4, 16}, writes[] = {0, 1, 2};
	uint64_t passes = 0, cost;
	bool fits = true;

	if (!known_and(plan->heap, HEAP_CACHED, false))
		passes = hand_over_passes(scene, plan);
	else
		for (unsigned int i = 0; i < scene->len; i++)
			passes += reads[cpu_reads(&scene->users[i])] +
				  writes[cpu_writes(&scene->users[i])];
	cost = multiply(passes, plan->picture_bytes, &fits);
	return fits ? cost : UINT64_MAX;
}

/* Adds what one of them does. */
static void add_usage(const struct user *user, bool *usage)
{
	const struct participant *root = root_of(user);

	usage[0] = usage[0] || user->reads;
	usage[1] = usage[1] || user->writes;
	if (!vocab_has(root, PARTICIPANT_USAGE))
		usage[2] = usage[2] || root->role == ROLE_SCANOUT;
	for (unsigned int i = 2; i < 5; i++)
		usage[i] = usage[i] || has_word(&root->usage, brute_usage[i]);
	usage[6] = usage[6] || cpu_reads(user) != CPU_ACCESS_NEVER;
	usage[7] = usage[7] || cpu_reads(user) == CPU_ACCESS_OFTEN;
	usage[8] = usage[8] || cpu_writes(user) != CPU_ACCESS_NEVER;
	usage[9] = usage[9] || cpu_writes(user) == CPU_ACCESS_OFTEN;
}

static void weigh(const struct scene *scene, struct brute_plan *plan)
{
	uint64_t *key = plan->key;
	bool often = false;

	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];

		key[RULE_BOUNCE] |= plan->bounced[user->number];
		plan->agent[user->number] = agent_of(user, plan);
		add_usage(user, plan->usage);
		often = often || cpu_reads(user) == CPU_ACCESS_OFTEN;
		key[RULE_MODIFIER] += modifier_place(user, plan->fourcc, plan->modifier);
	}
	key[RULE_FORMAT] = format_cost(scene, plan->fourcc, plan->modifier);
	key[RULE_UNCACHED] = often && !known_and(plan->heap, HEAP_CACHED, true);
	key[RULE_SCARCE] = scarcity(scene, plan->heap);
	key[RULE_ACCESS] = access_cost(scene, plan);
	key[RULE_LINEAR] = plan->modifier != 0;
	key[RULE_BYTES] = plan->memory_bytes;
}

static bool is_better(const struct brute_plan *a, const struct brute_plan *b)
{
	for (unsigned int i = 0; i < RULES; i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i];
	if (a->fourcc != b->fourcc)
		return a->fourcc < b->fourcc;
	if (a->modifier != b->modifier)
		return a->modifier < b->modifier;
	return strcmp(a->heap->id, b->heap->id) < 0;
}

/* ---- candidates ---- */

static bool sizes_suit(const struct scene *scene, uint32_t fourcc, uint64_t modifier)
{
	const struct request *request = scene->input->request;

	if (!size_suits(scene, fourcc, modifier, request->width, request->height))
		return false;
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];

		for (unsigned int j = 0;
		     counts(scene, user->number, BRUTE_SIZES) && j < user->records_len; j++) {
			const struct vocab_sizes *sizes = &user->records[j]->sizes;

			for (size_t k = 0; k < sizes->len; k++)
				if (!size_suits(scene, fourcc, modifier, sizes->items[k].width,
						sizes->items[k].height))
					return false;
		}
	}
	return true;
}

static uint64_t memory_bytes_of(const struct scene *scene, const struct heap *heap,
				uint64_t picture_bytes, bool *fits)
{
	uint64_t bytes = round_up(picture_bytes,
				  vocab_number(scene->input->machine, MACHINE_PAGE_BYTES), fits);

	return round_up(bytes, vocab_number(heap, HEAP_GRANULARITY), fits);
}

/* Whether it is the memory that there is; then that many bytes, and not more. */
static bool is_of_existing(const struct scene *scene, struct brute_plan *plan)
{
	const struct plan *existing = existing_plan(scene);

	if (!existing)
		return true;
	plan->memory_bytes = ((const struct memory_object *)existing->memory.items[0])->bytes;
	return strcmp(existing->heap, plan->heap->id) == 0 && existing->format == plan->fourcc &&
	       existing->modifier == plan->modifier && plan->picture_bytes <= plan->memory_bytes;
}

/* Whether a pair on a heap satisfies every constraint; then the plan has all but its key. */
static bool judge(const struct scene *scene, const struct picture *picture, struct brute_plan *plan)
{
	uint64_t missing;
	bool fits = true;

	plan->memory_bytes = memory_bytes_of(scene, plan->heap, picture->picture_bytes, &fits);
	plan->picture_bytes = picture->picture_bytes;
	plan->planes_len = picture->planes_len;
	memcpy(plan->stride, picture->stride, sizeof(plan->stride));
	memcpy(plan->offset, picture->offset, sizeof(plan->offset));
	if (!fits || !heap_may_serve(scene, plan->heap) || !is_of_existing(scene, plan))
		return false;
	for (unsigned int i = 0; i < scene->len; i++)
		if (!memory_suits(scene, &scene->users[i], plan->heap, plan->memory_bytes) ||
		    !can_express(scene, &scene->users[i], plan->fourcc, plan->modifier, picture,
				 plan->memory_bytes))
			return false;
	if (!reach_suits(scene, plan->heap, plan->memory_bytes, plan->bounced) ||
	    !choose_count(scene, plan, &missing))
		return false;
	plan->key[RULE_SLACK] = missing;
	return true;
}

static void judge_layout(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
			 const struct picture *picture, const struct brute_plan *start,
			 struct brute_answer *answer)
{
	const struct machine *machine = scene->input->machine;

	for (size_t i = 0; i < machine->heaps.len; i++) {
		struct brute_plan plan = *start;

		plan.heap = (const struct heap *)machine->heaps.items[i];
		plan.fourcc = fourcc;
		plan.modifier = modifier;
		if (!judge(scene, picture, &plan))
			continue;
		weigh(scene, &plan);
		if (answer->code != ERROR_NONE || is_better(&plan, &answer->plan))
			answer->plan = plan;
		answer->code = ERROR_NONE;
	}
}

static void judge_pair(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
		       const struct brute_plan *start, struct brute_answer *answer)
{
	struct supply supply;
	struct picture picture;

	if (!formats_suit(scene, fourcc, modifier) || !sizes_suit(scene, fourcc, modifier))
		return;
	collect_layouts(scene, fourcc, modifier, &supply);
	for (unsigned int i = 0; i <= supply.len; i++)
		if (make_layout(scene, fourcc, modifier, &supply, i, &picture) &&
		    bytes_within(scene, picture.picture_bytes))
			judge_layout(scene, fourcc, modifier, &picture, start, answer);
}

/* ---- the pairs that somebody names ---- */

struct pairs {
	struct vocab_format items[PAIRS_MAX];
	size_t len;
};

static void add_pair(struct pairs *pairs, uint32_t fourcc, uint64_t modifier)
{
	if (!fourcc || modifier == ANY_MODIFIER)
		return;
	for (size_t i = 0; i < pairs->len; i++)
		if (pairs->items[i].fourcc == fourcc && pairs->items[i].modifier == modifier)
			return;
	if (pairs->len == PAIRS_MAX)
		abort();
	pairs->items[pairs->len++] = (struct vocab_format){fourcc, modifier};
}

static void add_list(struct pairs *pairs, const struct vocab_formats *list)
{
	for (size_t i = 0; i < list->len; i++)
		add_pair(pairs, list->items[i].fourcc, list->items[i].modifier);
}

static void collect_record(struct pairs *pairs, const struct participant *record)
{
	add_list(pairs, &record->formats);
	for (size_t i = 0; i < record->alternatives.len; i++)
		collect_record(pairs, (const struct participant *)record->alternatives.items[i]);
}

static void collect_role(const struct brute_input *input, struct pairs *pairs,
			 const struct participant *participant)
{
	const struct device *device = machine_find_device(input->machine, participant->device);
	const struct device_role *role = device_find_role(device, (enum role)participant->role);

	for (size_t i = 0; i < role->formats.len; i++)
		add_pair(pairs, (uint32_t)vocab_number(role->formats.items[i], FORMAT_FORMAT),
			 vocab_number(role->formats.items[i], FORMAT_MODIFIER));
}

/* Whoever names them, with whichever leaf. */
static void collect_pairs(const struct brute_input *input, struct pairs *pairs)
{
	const struct vocab_dicts *list = &input->request->participants;

	pairs->len = 0;
	add_list(pairs, &input->request->formats);
	for (size_t i = 0; i < list->len; i++) {
		const struct participant *participant = (const struct participant *)list->items[i];

		collect_record(pairs, participant);
		if (participant->role != ROLE_CPU)
			collect_role(input, pairs, participant);
	}
}

/* ---- combinations of leaves ---- */

/* Participants by rank, then by name: the first is the most significant digit. */
static unsigned int order_users(const struct brute_input *input, unsigned int *order)
{
	const struct vocab_dicts *list = &input->request->participants;
	unsigned int len = 0;

	for (unsigned int i = 0; i < list->len; i++) {
		unsigned int place = len;

		if (!(input->members & 1u << i))
			continue;
		for (; place > 0; place--) {
			if (vocab_number(list->items[order[place - 1]], PARTICIPANT_RANK) <=
			    vocab_number(list->items[i], PARTICIPANT_RANK))
				break;
			order[place] = order[place - 1];
		}
		order[place] = i;
		len++;
	}
	return len;
}

static void set_scene(const struct brute_input *input, const unsigned int *order, unsigned int len,
		      uint64_t combination, struct scene *scene, struct brute_plan *plan)
{
	*scene = (struct scene){.input = input};
	*plan = (struct brute_plan){.key = {[RULE_ALTERNATIVE] = combination}};
	for (unsigned int i = len; i > 0; i--) {
		unsigned int number = order[i - 1];
		unsigned int leaves = brute_leaves(
			(const struct participant *)input->request->participants.items[number]);

		plan->leaf[number] = (unsigned int)(combination % leaves);
		combination /= leaves;
	}
	for (unsigned int i = 0; i < input->request->participants.len; i++)
		if (input->members & 1u << i) {
			set_user(input, &scene->users[scene->len], i, plan->leaf[i]);
			scene->len++;
		}
}

static uint64_t count_combinations(const struct brute_input *input, const unsigned int *order,
				   unsigned int len)
{
	uint64_t combinations = 1;

	for (unsigned int i = 0; i < len && combinations <= BRUTE_COMBINATIONS_MAX; i++)
		combinations *= brute_leaves(
			(const struct participant *)input->request->participants.items[order[i]]);
	return combinations;
}

static void judge_combination(const struct scene *scene, struct brute_plan *start,
			      struct brute_answer *answer)
{
	struct pairs pairs;

	collect_pairs(scene->input, &pairs);
	answer->incomplete = answer->incomplete && !pairs.len;
	if (!choose_colour(scene, start->colour))
		return;
	for (size_t i = 0; i < pairs.len; i++)
		judge_pair(scene, pairs.items[i].fourcc, pairs.items[i].modifier, start, answer);
}

static void solve_together(const struct brute_input *input, struct brute_answer *answer)
{
	unsigned int order[BRUTE_USERS_MAX];
	unsigned int len = order_users(input, order);
	uint64_t combinations = count_combinations(input, order, len);
	struct brute_plan start;
	struct scene scene;

	answer->code = ERROR_CONFLICT;
	answer->incomplete = true;
	for (uint64_t i = 0; i < combinations && i < BRUTE_COMBINATIONS_MAX; i++) {
		set_scene(input, order, len, i, &scene, &start);
		judge_combination(&scene, &start, answer);
	}
	if (answer->code == ERROR_CONFLICT && combinations > BRUTE_COMBINATIONS_MAX)
		answer->code = ERROR_TOO_COMPLEX;
}

/* ---- 8. copies ---- */

/* One way to split them, with the formats that suit it best. */
struct split {
	unsigned int groups_len;
	unsigned int group_of[BRUTE_USERS_MAX];
	bool hop[BRUTE_USERS_MAX][BRUTE_USERS_MAX];
	unsigned int hops_len;
	uint64_t bytes;
	struct brute_plan plans[BRUTE_USERS_MAX];
};

static uint64_t add_bytes(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void find_hops(const struct scene *all, struct split *split)
{
	memset(split->hop, 0, sizeof(split->hop));
	split->hops_len = 0;
	for (unsigned int i = 0; i < all->len; i++)
		for (unsigned int j = 0; j < all->len; j++) {
			unsigned int from = split->group_of[i], to = split->group_of[j];

			if (from == to || split->hop[from][to] ||
			    !produces(&all->users[i], &all->users[j]))
				continue;
			split->hop[from][to] = true;
			split->hops_len++;
		}
}

/* The groups that are joined with the first one, as bits. */
static uint32_t joined_with(const struct split *split, unsigned int first)
{
	uint32_t joined = 1u << first, before = 0;

	while (joined != before) {
		before = joined;
		for (unsigned int i = 0; i < split->groups_len; i++)
			for (unsigned int j = 0; j < split->groups_len; j++)
				if ((split->hop[i][j] || split->hop[j][i]) && joined & 1u << i)
					joined |= 1u << j;
	}
	return joined;
}

static bool solve_group(const struct brute_input *input, const struct split *split,
			unsigned int group, bool restricted, uint32_t fourcc,
			struct brute_plan *ret_plan)
{
	struct brute_input part = *input;
	struct brute_answer *answer = calloc(1, sizeof(*answer));
	bool found;

	if (!answer)
		abort();
	part.members = 0;
	for (unsigned int i = 0; i < input->request->participants.len; i++)
		if (split->group_of[i] == group)
			part.members |= 1u << i;
	part.restricted = part.linear = restricted;
	part.fourcc = fourcc;
	solve_together(&part, answer);
	found = answer->code == ERROR_NONE;
	if (found)
		*ret_plan = answer->plan;
	free(answer);
	return found;
}

struct joined_answer {
	bool found;
	uint64_t bytes, places;
	struct brute_plan plans[BRUTE_USERS_MAX];
};

/* Plans of groups that are joined, in one format. */
static void try_format(const struct brute_input *input, const struct split *split, uint32_t joined,
		       uint32_t fourcc, struct joined_answer *best)
{
	struct joined_answer one = {.found = true};

	for (unsigned int i = 0; i < split->groups_len; i++) {
		if (!(joined & 1u << i))
			continue;
		if (!solve_group(input, split, i, true, fourcc, &one.plans[i]))
			return;
		one.places += one.plans[i].key[RULE_FORMAT];
		for (unsigned int j = 0; j < split->groups_len; j++)
			if (split->hop[i][j])
				one.bytes = add_bytes(one.bytes, one.plans[i].picture_bytes);
	}
	/* formats come in ascending order: of equals the first stays */
	if (!best->found || one.bytes < best->bytes ||
	    (one.bytes == best->bytes && one.places < best->places))
		*best = one;
}

static bool solve_joined(const struct brute_input *input, struct split *split, uint32_t joined,
			 const uint32_t *fourccs, size_t fourccs_len)
{
	struct joined_answer best = {0};

	if (!(joined & (joined - 1))) { /* alone */
		unsigned int group = (unsigned int)__builtin_ctz(joined);

		return solve_group(input, split, group, false, 0, &split->plans[group]);
	}
	for (size_t i = 0; i < fourccs_len; i++)
		try_format(input, split, joined, fourccs[i], &best);
	for (unsigned int i = 0; best.found && i < split->groups_len; i++)
		if (joined & 1u << i)
			split->plans[i] = best.plans[i];
	split->bytes = add_bytes(split->bytes, best.bytes);
	return best.found;
}

static int by_fourcc(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Every fourcc that anybody names and whose layout is known, in ascending order. */
static size_t all_fourccs(const struct brute_input *input, uint32_t fourccs[PAIRS_MAX])
{
	struct pairs pairs;
	size_t n = 0;

	collect_pairs(input, &pairs);
	for (size_t i = 0; i < pairs.len; i++)
		if (format_find(pairs.items[i].fourcc))
			fourccs[n++] = pairs.items[i].fourcc;
	qsort(fourccs, n, sizeof(fourccs[0]), by_fourcc);
	return n;
}

static bool split_is_better(const struct split *a, const struct split *b, unsigned int users)
{
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes;
	if (a->groups_len != b->groups_len)
		return a->groups_len < b->groups_len;
	if (a->hops_len != b->hops_len)
		return a->hops_len < b->hops_len;
	for (unsigned int i = 0; i < users; i++)
		if (a->group_of[i] != b->group_of[i])
			return a->group_of[i] < b->group_of[i];
	return false;
}

static bool solve_split(const struct brute_input *input, struct split *split,
			const uint32_t *fourccs, size_t fourccs_len)
{
	uint32_t done = 0;

	split->bytes = 0;
	for (unsigned int i = 0; i < split->groups_len; i++) {
		uint32_t joined = joined_with(split, i);

		if (done & 1u << i)
			continue;
		if (!solve_joined(input, split, joined, fourccs, fourccs_len))
			return false;
		done |= joined;
	}
	return true;
}

/* The next way to put users into groups that are numbered by their first member. */
static bool next_split(struct split *split, unsigned int users)
{
	for (unsigned int i = users - 1; i > 0; i--) {
		unsigned int most = 0;

		for (unsigned int j = 0; j < i; j++)
			if (split->group_of[j] + 1 > most)
				most = split->group_of[j] + 1;
		if (split->group_of[i] < most) {
			split->group_of[i]++;
			for (unsigned int j = i + 1; j < users; j++)
				split->group_of[j] = 0;
			return true;
		}
	}
	return false;
}

static void take_hop(const struct scene *all, const struct split *split, unsigned int from,
		     unsigned int to, struct brute_answer *answer)
{
	struct brute_hop *hop = &answer->hops[answer->hops_len++];

	*hop = (struct brute_hop){from, to, split->plans[from].picture_bytes, 0, 0};
	for (unsigned int i = 0; i < all->len; i++)
		for (unsigned int j = 0; j < all->len; j++)
			if (split->group_of[i] == from && split->group_of[j] == to &&
			    produces(&all->users[i], &all->users[j])) {
				hop->producers |= 1u << i;
				hop->consumers |= 1u << j;
			}
}

static void take_split(const struct scene *all, const struct split *split,
		       struct brute_answer *answer)
{
	answer->code = ERROR_NONE;
	answer->groups_len = split->groups_len;
	answer->copied_bytes = split->bytes;
	memcpy(answer->group_of, split->group_of, sizeof(answer->group_of));
	memcpy(answer->groups, split->plans, sizeof(split->plans));
	answer->hops_len = 0;
	for (unsigned int i = 0; i < split->groups_len; i++)
		for (unsigned int j = 0; j < split->groups_len; j++)
			if (split->hop[i][j])
				take_hop(all, split, i, j, answer);
}

static void solve_apart(const struct brute_input *input, struct brute_answer *answer)
{
	unsigned int users = (unsigned int)input->request->participants.len;
	struct split *split = calloc(2, sizeof(*split)), *best = split ? split + 1 : NULL;
	unsigned int order[BRUTE_USERS_MAX];
	uint32_t fourccs[PAIRS_MAX];
	size_t fourccs_len = all_fourccs(input, fourccs);
	struct brute_plan start;
	struct scene all;

	if (!split)
		abort();
	set_scene(input, order, order_users(input, order), 0, &all, &start);
	while (next_split(split, users)) {
		split->groups_len = 0;
		for (unsigned int i = 0; i < users; i++)
			if (split->group_of[i] + 1 > split->groups_len)
				split->groups_len = split->group_of[i] + 1;
		find_hops(&all, split);
		if (solve_split(input, split, fourccs, fourccs_len) &&
		    (!best->groups_len || split_is_better(split, best, users)))
			*best = *split;
	}
	if (best->groups_len)
		take_split(&all, best, answer);
	free(split);
}

void brute_solve(const struct brute_input *input, struct brute_answer *ret_answer)
{
	memset(ret_answer, 0, sizeof(*ret_answer));
	solve_together(input, ret_answer);
	if (ret_answer->code != ERROR_NONE && !input->filter &&
	    !(input->options && input->options->existing) &&
	    vocab_number(input->request, REQUEST_ALLOW_COPIES))
		solve_apart(input, ret_answer);
}
