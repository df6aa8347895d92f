/* SPDX-License-Identifier: MIT */
/* Section 3 of docs/negotiation.md, and the colour of section 6. */
#include <string.h>

#include "tests/property/brute-inside.h"

#define MOST_BUFFERS 64

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
	uint64_t needed = scene->input->copied, slack = 0, shared = 0;

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
bool choose_count(const struct scene *scene, struct brute_plan *plan, uint64_t *ret_missing)
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

bool choose_colour(const struct scene *scene, uint32_t colour[4])
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
