/* SPDX-License-Identifier: MIT */
/*
 * The rules of docs/negotiation.md, one function for each, in the order of the page. A value is
 * read through `said` (keys of a participant) and `fact` (of its device) only, so that any of them
 * can be left out of account. Nothing is prepared, nothing is remembered: each candidate is asked
 * everything again.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/model/access.h"
#include "tests/property/brute-inside.h"

#define X_ROW(unit, constraint, key) [BRUTE_##unit] = {CONSTRAINT_##constraint, key},
const struct brute_unit_row brute_units[BRUTE_UNITS_LEN] = {BRUTE_UNITS(X_ROW)};

const char *const brute_usage[BRUTE_USAGE_LEN] = {
	"read", "write",    "scanout",	      "encode",	   "decode",
	"none", "cpu-read", "cpu-read-often", "cpu-write", "cpu-write-often"};

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

static enum agent agent_of(const struct scene *scene, const struct user *user,
			   const struct brute_plan *plan)
{
	if (!user->device)
		return AGENT_CPU;
	if (plan->bounced[user->number])
		return AGENT_BOUNCED;
	if (vocab_number(user->role, ROLE_CPU_COPIES))
		return AGENT_CPU_COPYING;
	if (has_own(scene, user))
		return AGENT_COHERENT;
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
		plan->agent[user->number] = agent_of(scene, user, plan);
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
		return !is_brought(scene, plan->heap);
	plan->memory_bytes = ((const struct memory_object *)existing->memory.items[0])->bytes;
	if ((plan->modifier || !format_find(plan->fourcc)) &&
	    existing->picture_bytes > plan->picture_bytes)
		plan->picture_bytes = existing->picture_bytes;
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
	const struct vocab_dicts *heaps = &scene->input->machine->heaps;
	const struct brute_brought *brought = scene->input->brought;

	for (size_t i = 0; i < heaps->len + (brought && brought->heap); i++) {
		struct brute_plan plan = *start;

		plan.heap = i < heaps->len ? (const struct heap *)heaps->items[i] : brought->heap;
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
void collect_pairs(const struct brute_input *input, struct pairs *pairs)
{
	const struct vocab_dicts *list = &input->request->participants;

	pairs->len = 0;
	add_list(pairs, &input->request->formats);
	if (input->brought && input->brought->plan)
		add_pair(pairs, input->brought->plan->format, input->brought->plan->modifier);
	for (size_t i = 0; i < list->len; i++) {
		const struct participant *participant = (const struct participant *)list->items[i];

		collect_record(pairs, participant);
		if (participant->role != ROLE_CPU)
			collect_role(input, pairs, participant);
	}
}

/* ---- combinations of leaves ---- */

/* Participants by rank, then by name: the first is the most significant digit. */
unsigned int order_users(const struct brute_input *input, unsigned int *order)
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

static unsigned int leaves_of(const struct brute_input *input, unsigned int number)
{
	return input->plain ? 1
			    : brute_leaves((const struct participant *)
						   input->request->participants.items[number]);
}

void set_scene(const struct brute_input *input, const unsigned int *order, unsigned int len,
	       uint64_t combination, struct scene *scene, struct brute_plan *plan)
{
	*scene = (struct scene){.input = input};
	*plan = (struct brute_plan){.key = {[RULE_ALTERNATIVE] = combination}};
	for (unsigned int i = len; i > 0; i--) {
		unsigned int number = order[i - 1];
		unsigned int leaves = leaves_of(input, number);

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
		combinations *= leaves_of(input, order[i]);
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

/* More combinations than are looked at: is it what all of them have in common? */
static void solve_plain(const struct brute_input *input, struct brute_answer *answer)
{
	struct brute_input plain = *input;

	plain.plain = true;
	solve_together(&plain, answer);
	answer->plain = answer->code == ERROR_CONFLICT;
	answer->combinations = BRUTE_COMBINATIONS_MAX + 1;
	if (answer->code == ERROR_NONE)
		answer->code = ERROR_TOO_COMPLEX;
}

void solve_together(const struct brute_input *input, struct brute_answer *answer)
{
	unsigned int order[BRUTE_USERS_MAX];
	unsigned int len = order_users(input, order);
	uint64_t combinations = count_combinations(input, order, len);
	struct brute_plan start;
	struct scene scene;

	answer->code = ERROR_CONFLICT;
	answer->combinations = combinations;
	answer->incomplete = true;
	for (uint64_t i = 0; i < combinations && i < BRUTE_COMBINATIONS_MAX; i++) {
		set_scene(input, order, len, i, &scene, &start);
		judge_combination(&scene, &start, answer);
	}
	if (answer->code == ERROR_CONFLICT && combinations > BRUTE_COMBINATIONS_MAX)
		solve_plain(input, answer);
}
