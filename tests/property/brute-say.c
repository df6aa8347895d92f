/* SPDX-License-Identifier: MIT */
/* What participants say and what is known of their devices; formats and sizes. */
#include <stdio.h>
#include <string.h>

#include "tests/property/brute-inside.h"

/* ---- numbers ---- */

uint64_t add(uint64_t a, uint64_t b, bool *fits)
{
	*fits = *fits && a <= UINT64_MAX - b;
	return a + b;
}

uint64_t multiply(uint64_t a, uint64_t b, bool *fits)
{
	*fits = *fits && (!b || a <= UINT64_MAX / b);
	return a * b;
}

uint64_t round_up(uint64_t value, uint64_t align, bool *fits)
{
	uint64_t rest = value % align;

	return rest ? add(value, align - rest, fits) : value;
}

uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

uint64_t common_multiple(uint64_t a, uint64_t b, bool *fits)
{
	return multiply(a / greatest_divisor(a, b), b, fits);
}

uint64_t divide_up(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

/* ---- who says what ---- */

bool counts(const struct scene *scene, unsigned int number, enum brute_unit unit)
{
	return !scene->input->filter || !scene->input->filter->out[number][unit];
}

bool is_instead(const struct scene *scene, unsigned int number, enum brute_unit unit)
{
	const struct brute_filter *filter = scene->input->filter;

	return filter && filter->instead && filter->instead_user == number &&
	       filter->instead_unit == unit;
}

bool said(const struct scene *scene, const struct user *user, unsigned int record, unsigned int row,
	  enum brute_unit unit, uint64_t *ret_value)
{
	if (!counts(scene, user->number, unit) || !vocab_has(user->records[record], row))
		return false;
	*ret_value = is_instead(scene, user->number, unit)
			     ? scene->input->filter->instead_value
			     : vocab_number(user->records[record], row);
	return true;
}

uint64_t fact(const struct scene *scene, const struct user *user, const void *record,
	      unsigned int row, enum brute_unit unit)
{
	return is_instead(scene, user->number, unit) ? scene->input->filter->instead_value
						     : vocab_number(record, row);
}

/* Whether a number keeps what a participant says of it. */
bool keeps(const struct scene *scene, const struct user *user, unsigned int row,
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

uint64_t largest_said(const struct scene *scene, const struct user *user, unsigned int row,
		      enum brute_unit unit, uint64_t least)
{
	uint64_t value;

	for (unsigned int i = 0; i < user->records_len; i++)
		if (said(scene, user, i, row, unit, &value) && value > least)
			least = value;
	return least;
}

bool is_v4l2(const struct user *user)
{
	return user->device && vocab_number(user->device, DEVICE_KIND) == KIND_V4L2;
}

bool maps(const struct user *user)
{
	return user->device && vocab_number(user->role, ROLE_DMA_MAPS);
}

bool is_translated(const struct user *user)
{
	return vocab_number(user->device, DEVICE_IOMMU);
}

bool may_copy(const struct user *user)
{
	return user->device && (!vocab_has(user->role, ROLE_CPU_COPIES) || user->role->cpu_copies);
}

bool is_coherent(const struct user *user)
{
	return vocab_number(user->device, DEVICE_COHERENCY) == COHERENCY_COHERENT;
}

const struct device_format *entry_of(const struct user *user, uint32_t fourcc, uint64_t modifier)
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

bool has_word(const struct vocab_strings *list, const char *word)
{
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(list->items[i], word) == 0)
			return true;
	return false;
}

static bool says_never(const struct participant *participant, unsigned int row)
{
	return vocab_origin(participant, row) == VOCAB_DECLARED &&
	       vocab_number(participant, row) == CPU_ACCESS_NEVER;
}

static void set_usage(struct user *user, const struct participant *participant)
{
	const struct vocab_strings *usage = &participant->usage;
	enum role role = (enum role)participant->role;

	if (!vocab_has(participant, PARTICIPANT_USAGE)) {
		user->reads = role != ROLE_CAPTURE && role != ROLE_WRITEBACK;
		user->writes = role != ROLE_OUTPUT && role != ROLE_SCANOUT;
		if (role == ROLE_CPU) {
			user->reads = !says_never(participant, PARTICIPANT_CPU_ACCESS);
			user->writes = !says_never(participant, PARTICIPANT_CPU_WRITES);
			user->none = !user->reads && !user->writes;
		}
		return;
	}
	user->none = has_word(usage, "none");
	user->reads = has_word(usage, "read") || has_word(usage, "scanout") ||
		      has_word(usage, "encode");
	user->writes = has_word(usage, "write") || has_word(usage, "decode");
}

void set_user(const struct brute_input *input, struct user *user, unsigned int number,
	      unsigned int leaf)
{
	const struct participant *participant =
		(const struct participant *)input->request->participants.items[number];

	*user = (struct user){.number = number};
	if (input->plain)
		user->records[user->records_len++] = participant;
	else
		choose_leaf(user, participant, leaf);
	set_usage(user, participant);
	if (participant->role == ROLE_CPU)
		return;
	user->device = machine_find_device(input->machine, participant->device);
	user->role = device_find_role(user->device, (enum role)participant->role);
}

const struct participant *root_of(const struct user *user)
{
	return user->records[0];
}

enum cpu_access cpu_reads(const struct user *user)
{
	const struct participant *root = root_of(user);

	if (vocab_has(root, PARTICIPANT_CPU_ACCESS) &&
	    vocab_origin(root, PARTICIPANT_CPU_ACCESS) != VOCAB_ASSUMED)
		return (enum cpu_access)root->cpu_access;
	return !user->device && user->reads ? CPU_ACCESS_OFTEN : CPU_ACCESS_NEVER;
}

enum cpu_access cpu_writes(const struct user *user)
{
	const struct participant *root = root_of(user);

	if (vocab_has(root, PARTICIPANT_CPU_WRITES))
		return (enum cpu_access)root->cpu_writes;
	return !user->device && user->writes ? CPU_ACCESS_OFTEN : CPU_ACCESS_NEVER;
}

/* Whether `reader` gets its pixels from `writer`. */
bool produces(const struct user *writer, const struct user *reader)
{
	const struct vocab_strings *names = &root_of(reader)->reads_from;

	return writer->number != reader->number && writer->writes && reader->reads &&
	       (!vocab_has(root_of(reader), PARTICIPANT_READS_FROM) ||
		has_word(names, root_of(writer)->name));
}

/* ---- 2. formats ---- */

bool matches(const struct vocab_format *entry, uint32_t fourcc, uint64_t modifier)
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

bool formats_suit(const struct scene *scene, uint32_t fourcc, uint64_t modifier)
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

bool size_suits(const struct scene *scene, uint32_t fourcc, uint64_t modifier, uint64_t width,
		uint64_t height)
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
const struct plan *existing_plan(const struct scene *scene)
{
	const struct solve_options *options = scene->input->options;

	if (options && options->existing)
		return counts(scene, BRUTE_REQUEST, BRUTE_REQUEST_EXISTING) ||
				       !scene->input->machine->heaps.len
			       ? options->existing
			       : NULL;
	return brought_plan(scene);
}
