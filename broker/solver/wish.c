/* SPDX-License-Identifier: MIT */
/*
 * What a participant declares on the way from its record to one leaf of its alternatives, merged
 * into plain numbers once, so that the search touches no record.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

#define SEARCH_X_ROW(unit, constraint, key) [unit] = {constraint, key},
const struct unit_row search_units[UNITS] = {SEARCH_UNITS(SEARCH_X_ROW)};

/* How declared numbers of one unit merge; an alignment that overflows is 0. */
enum merge { MERGE_LARGEST, MERGE_SMALLEST, MERGE_MULTIPLE };

/* The units that are one declared number, with the row of the participant. */
static const struct declared {
	enum unit unit;
	unsigned int row;
	enum merge merge;
} declared[] = {
	{UNIT_WIDTH_MIN, PARTICIPANT_WIDTH_MIN, MERGE_LARGEST},
	{UNIT_WIDTH_MAX, PARTICIPANT_WIDTH_MAX, MERGE_SMALLEST},
	{UNIT_HEIGHT_MIN, PARTICIPANT_HEIGHT_MIN, MERGE_LARGEST},
	{UNIT_HEIGHT_MAX, PARTICIPANT_HEIGHT_MAX, MERGE_SMALLEST},
	{UNIT_AREA_MAX, PARTICIPANT_AREA_MAX, MERGE_SMALLEST},
	{UNIT_WIDTH_ALIGN, PARTICIPANT_WIDTH_ALIGN, MERGE_MULTIPLE},
	{UNIT_HEIGHT_ALIGN, PARTICIPANT_HEIGHT_ALIGN, MERGE_MULTIPLE},
	{UNIT_STRIDE_MIN, PARTICIPANT_STRIDE_MIN, MERGE_LARGEST},
	{UNIT_STRIDE_MAX, PARTICIPANT_STRIDE_MAX, MERGE_SMALLEST},
	{UNIT_STRIDE_ALIGN, PARTICIPANT_STRIDE_ALIGN, MERGE_MULTIPLE},
	{UNIT_STRIDE_PIXELS, PARTICIPANT_STRIDE_PIXELS, MERGE_LARGEST},
	{UNIT_OFFSET_ALIGN, PARTICIPANT_OFFSET_ALIGN, MERGE_MULTIPLE},
	{UNIT_ROWS_ALIGN, PARTICIPANT_ROWS_ALIGN, MERGE_MULTIPLE},
	{UNIT_BYTES_MIN, PARTICIPANT_BYTES_MIN, MERGE_LARGEST},
	{UNIT_BYTES_MAX, PARTICIPANT_BYTES_MAX, MERGE_SMALLEST},
	{UNIT_BYTES_ALIGN, PARTICIPANT_BYTES_ALIGN, MERGE_MULTIPLE},
	{UNIT_TAIL, PARTICIPANT_TAIL_BYTES, MERGE_LARGEST},
	{UNIT_CONTIGUOUS, PARTICIPANT_CONTIGUOUS, MERGE_LARGEST},
	{UNIT_BASE_ALIGN, PARTICIPANT_BASE_ALIGN, MERGE_MULTIPLE},
	{UNIT_ADDRESS_BITS, PARTICIPANT_ADDRESS_BITS, MERGE_SMALLEST},
	{UNIT_SEGMENTS, PARTICIPANT_SEGMENTS_MAX, MERGE_SMALLEST},
	{UNIT_SEGMENT_BYTES, PARTICIPANT_SEGMENT_BYTES_MAX, MERGE_SMALLEST},
	{UNIT_PROTECTED, PARTICIPANT_PROTECTED, MERGE_LARGEST},
	{UNIT_CAMPING, PARTICIPANT_CAMPING, MERGE_LARGEST},
	{UNIT_MIN_COUNT, PARTICIPANT_MIN_COUNT, MERGE_LARGEST},
	{UNIT_MAX_COUNT, PARTICIPANT_MAX_COUNT, MERGE_SMALLEST},
};

#define DECLARED_LEN (sizeof(declared) / sizeof(declared[0]))

uint64_t wish_neutral(enum unit unit)
{
	for (size_t i = 0; i < DECLARED_LEN; i++)
		if (declared[i].unit == unit)
			return vocab_participant.rows[declared[i].row].dflt;
	return 0;
}

static uint64_t merge_numbers(enum merge how, uint64_t a, uint64_t b)
{
	uint64_t multiple;

	switch (how) {
	case MERGE_LARGEST:
		return arith_max(a, b);
	case MERGE_SMALLEST:
		return arith_min(a, b);
	default:
		return a && b && arith_lcm(a, b, &multiple) ? multiple : 0;
	}
}

/* The first that is declared stands for itself: a default is no wish. */
static void merge_declared(struct wish *wish, const struct declared *one, bool *has,
			   const struct participant *record)
{
	uint64_t value;

	if (!vocab_has(record, one->row))
		return;
	value = vocab_number(record, one->row);
	wish->number[one->unit] = *has ? merge_numbers(one->merge, wish->number[one->unit], value)
				       : value;
	*has = true;
}

static void merge_heaps(const struct search *search, struct wish *wish,
			const struct participant *record)
{
	struct heap_set set;

	if (vocab_has(record, PARTICIPANT_ALLOWED_HEAPS)) {
		suit_add_named(search, &record->allowed_heaps, &wish->named);
		suit_find_heaps(search, &record->allowed_heaps, &set);
		for (size_t i = 0; i < SEARCH_HEAPS_MAX / 64; i++)
			wish->allowed.bits[i] = wish->has_allowed
							? wish->allowed.bits[i] & set.bits[i]
							: set.bits[i];
		wish->has_allowed = true;
	}
	if (vocab_has(record, PARTICIPANT_FORBIDDEN_HEAPS)) {
		suit_find_heaps(search, &record->forbidden_heaps, &set);
		for (size_t i = 0; i < SEARCH_HEAPS_MAX / 64; i++)
			wish->forbidden.bits[i] |= set.bits[i];
		wish->has_forbidden = true;
	}
}

static void merge_path(const struct search *search, struct wish *wish)
{
	bool has[DECLARED_LEN] = {false};

	for (size_t i = 0; i < DECLARED_LEN; i++)
		wish->number[declared[i].unit] = vocab_participant.rows[declared[i].row].dflt;
	for (unsigned int depth = 0; depth < wish->path_len; depth++) {
		const struct participant *record = wish->path[depth];

		for (size_t i = 0; i < DECLARED_LEN; i++)
			merge_declared(wish, &declared[i], &has[i], record);
		merge_heaps(search, wish, record);
		wish->slack = arith_max(wish->slack, vocab_number(record, PARTICIPANT_SLACK));
		wish->shared_slack = arith_max(wish->shared_slack,
					       vocab_number(record, PARTICIPANT_SHARED_SLACK));
		wish->reaches_protected |= vocab_number(record, PARTICIPANT_REACHES_PROTECTED) != 0;
		wish->has_colours |= vocab_has(record, PARTICIPANT_COLOURS);
		wish->has_layouts |= vocab_has(record, PARTICIPANT_LAYOUTS);
		wish->has_sizes |= vocab_has(record, PARTICIPANT_SIZES);
	}
}

static unsigned int count_leaves(const struct participant *record)
{
	unsigned int leaves = 0;

	for (size_t i = 0; i < record->alternatives.len; i++)
		leaves += count_leaves((const struct participant *)record->alternatives.items[i]);
	return leaves ? leaves : 1;
}

/* Fills the leaves below the last record of `path`, in their order. */
static void add_leaves(const struct search *search, struct party *party, const struct wish *path)
{
	const struct participant *last = path->path[path->path_len - 1];
	struct wish next;

	if (!last->alternatives.len) {
		party->wishes[party->wishes_len] = *path;
		merge_path(search, &party->wishes[party->wishes_len++]);
		return;
	}
	next = *path;
	next.path_len++;
	for (size_t i = 0; i < last->alternatives.len; i++) {
		next.path[path->path_len] = (const struct participant *)last->alternatives.items[i];
		next.place[path->path_len - 1] = (uint8_t)i;
		add_leaves(search, party, &next);
	}
}

int wish_collect(struct search *search)
{
	unsigned int leaves = 0;

	for (unsigned int i = 0; i < search->parties_len; i++)
		leaves += count_leaves(search->parties[i].record);
	search->wishes = calloc(leaves, sizeof(search->wishes[0]));
	if (!search->wishes)
		return -ENOMEM;
	leaves = 0;
	for (unsigned int i = 0; i < search->parties_len; i++) {
		struct party *party = &search->parties[i];
		struct wish root = {.path = {party->record}, .path_len = 1};

		party->wishes = search->wishes + leaves;
		add_leaves(search, party, &root);
		leaves += party->wishes_len;
	}
	return 0;
}

bool wish_is_number(enum unit unit)
{
	for (size_t i = 0; i < DECLARED_LEN; i++)
		if (declared[i].unit == unit)
			return true;
	return false;
}

static unsigned int count_records(const struct participant *record, unsigned int row)
{
	unsigned int len = vocab_has(record, row) ? 1 : 0;

	for (size_t i = 0; i < record->alternatives.len; i++)
		len += count_records((const struct participant *)record->alternatives.items[i],
				     row);
	return len;
}

unsigned int wish_count_records(const struct party *party, enum unit unit)
{
	for (size_t i = 0; i < DECLARED_LEN; i++)
		if (declared[i].unit == unit)
			return count_records(party->record, declared[i].row);
	return 0;
}

void wish_keep_roots(struct search *search)
{
	for (unsigned int i = 0; i < search->parties_len; i++) {
		struct party *party = &search->parties[i];

		if (party->wishes_len == 1 && party->wishes[0].path_len == 1)
			continue;
		party->wishes[0] = (struct wish){.path = {party->record}, .path_len = 1};
		merge_path(search, &party->wishes[0]);
		party->wishes_len = 1;
	}
	search->combinations = 1;
}
