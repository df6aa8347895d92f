/* SPDX-License-Identifier: MIT */
/* The plan of the choice that was made: layout, views in each participant's words, access policy.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/model/brought.h"
#include "broker/solver/search.h"

static int put(void *record, unsigned int row, uint64_t value)
{
	return vocab_set_number(record, row, value, VOCAB_SOLVED);
}

/* ---- layout ---- */

static int add_planes(void *record, unsigned int row, const struct format_layout *layout)
{
	struct plane *plane;
	int error;

	for (unsigned int i = 0; i < layout->planes_len; i++) {
		error = vocab_add_dict(record, row, VOCAB_SOLVED, &plane);
		if (error)
			return error;
		put(plane, PLANE_MEMORY, 0);
		put(plane, PLANE_OFFSET, layout->offset[i]);
		put(plane, PLANE_STRIDE, layout->stride[i]);
		put(plane, PLANE_BYTES, layout->bytes[i]);
	}
	return 0;
}

static int add_memory(struct plan *plan, uint64_t bytes, const char *exporter)
{
	struct memory_object *memory;
	int error = vocab_add_dict(plan, PLAN_MEMORY, VOCAB_SOLVED, &memory);

	if (!error)
		error = put(memory, MEMORY_BYTES, bytes);
	return error || !exporter
		       ? error
		       : vocab_set_string(memory, MEMORY_EXPORTER, exporter, VOCAB_SOLVED);
}

/* Pages of a memfd have been cleared, or filled, through CPU caches; of what was done with buffers
 * that are brought nobody knows. */
static bool is_dirty(const struct store *store)
{
	return store->brought || (vocab_has(store->heap, HEAP_EXPORTER) && !store->dma_heap);
}

static int add_buffers(struct plan *plan, const struct search *search, const struct option *option)
{
	const struct party *bringer = option->store->brought ? &search->parties[search->bringer]
							     : NULL;
	int error = add_memory(plan, option->key[RULE_BYTES],
			       bringer ? brought_exporter(bringer->record) : NULL);

	if (is_dirty(option->store))
		put(plan, PLAN_INITIALLY_DIRTY, true);
	return error || !bringer
		       ? error
		       : vocab_set_string(plan, PLAN_BROUGHT_BY, bringer->name, VOCAB_SOLVED);
}

/* What the request says of the picture, and the solver does not decide. */
static void repeat_request(struct plan *plan, const struct request *request)
{
	put(plan, PLAN_WIDTH, request->width);
	put(plan, PLAN_HEIGHT, request->height);
	put(plan, PLAN_VISIBLE_X, request->visible_x);
	put(plan, PLAN_VISIBLE_Y, request->visible_y);
	put(plan, PLAN_VISIBLE_WIDTH, request->visible_width);
	put(plan, PLAN_VISIBLE_HEIGHT, request->visible_height);
	put(plan, PLAN_FIELD, vocab_number(request, REQUEST_FIELD));
}

static bool has_size(const struct plan *plan, const struct vocab_size *size)
{
	for (size_t i = 0; i < plan->fits.len; i++)
		if (plan->fits.items[i].width == size->width &&
		    plan->fits.items[i].height == size->height)
			return true;
	return false;
}

static int add_sizes(struct plan *plan, const struct wish *wish)
{
	int error = 0;

	for (unsigned int depth = 0; depth < wish->path_len; depth++) {
		const struct vocab_sizes *sizes = &wish->path[depth]->sizes;

		for (size_t i = 0; i < sizes->len && !error; i++)
			if (!has_size(plan, &sizes->items[i]))
				error = vocab_add_size(plan, PLAN_FITS, sizes->items[i].width,
						       sizes->items[i].height, VOCAB_SOLVED);
	}
	return error;
}

static int add_usage(struct plan *plan, const struct search *search)
{
	unsigned int usage = 0;
	int error = 0;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct party *party = &search->parties[i];

		if (!search_is_active(search, i))
			continue;
		usage |= participant_usage(party->record) & ~(unsigned int)USAGE_NONE;
		if (party->cpu_reads)
			usage |= party->cpu_reads == CPU_ACCESS_OFTEN
					 ? USAGE_CPU_READ | USAGE_CPU_READ_OFTEN
					 : USAGE_CPU_READ;
		if (party->cpu_writes)
			usage |= party->cpu_writes == CPU_ACCESS_OFTEN
					 ? USAGE_CPU_WRITE | USAGE_CPU_WRITE_OFTEN
					 : USAGE_CPU_WRITE;
	}
	for (unsigned int i = 0; usage_names[i] && !error; i++)
		if (usage >> i & 1)
			error = vocab_add_string(plan, PLAN_USAGE, usage_names[i], VOCAB_SOLVED);
	return error;
}

/* ---- views ---- */

static void put_v4l2(struct view *view, const struct search *search, const struct option *option,
		     unsigned int i)
{
	const struct party *party = &search->parties[i];
	const struct format_layout *layout = &option->merged.layout;
	const struct device_format *facts = party->facts[option->candidate - search->candidates];

	if (!facts)
		return;
	put(view, VIEW_V4L2_FORMAT, merge_v4l2_format(facts, option->candidate));
	put(view, VIEW_V4L2_BYTESPERLINE, layout->stride[0]);
	put(view, VIEW_V4L2_SIZEIMAGE,
	    layout->total + merge_tail(search, i, option->combination.wish[i], option->candidate,
				       search->request->height, layout));
	put(view, VIEW_V4L2_MULTI_PLANAR, vocab_number(party->role, ROLE_MULTI_PLANAR));
}

static int put_drm(struct view *view, const struct party *party, const struct option *option)
{
	const struct candidate *candidate = option->candidate;

	put(view, VIEW_DRM_FORMAT, candidate->fourcc);
	put(view, VIEW_DRM_MODIFIER, candidate->modifier);
	if (party->record->role == ROLE_RENDER) {
		put(view, VIEW_VA_OBJECT_BYTES, option->key[RULE_BYTES]);
		if (candidate->info && candidate->info->va)
			put(view, VIEW_VA_FOURCC, candidate->info->va);
	}
	return add_planes(view, VIEW_DRM_PLANES, &option->merged.layout);
}

/* "0.2": the alternative of each level. */
static int put_alternative(struct view *view, const struct wish *wish)
{
	char text[4 * PARTICIPANT_DEPTH_MAX + 1] = "";
	size_t used = 0;

	if (wish->path_len == 1)
		return 0;
	for (unsigned int i = 0; i + 1 < wish->path_len; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? "." : "",
					 wish->place[i]);
	return vocab_set_string(view, VIEW_ALTERNATIVE, text, VOCAB_SOLVED);
}

static int put_device(struct view *view, const struct search *search, const struct option *option,
		      unsigned int i)
{
	const struct party *party = &search->parties[i];
	int error = 0;

	put(view, VIEW_COMPLETION, policy_completion(party));
	if (party->is_v4l2)
		put_v4l2(view, search, option, i);
	else
		error = put_drm(view, party, option);
	if (!error)
		error = vocab_set_string(view, VIEW_DEVICE, party->device->id, VOCAB_SOLVED);
	if (error || !vocab_has(party->device, DEVICE_NODE))
		return error;
	return vocab_set_string(view, VIEW_NODE, party->device->node, VOCAB_SOLVED);
}

static int add_view(struct plan *plan, const struct search *search, const struct option *option,
		    unsigned int i)
{
	const struct party *party = &search->parties[i];
	bool bounced = option->bounced >> i & 1;
	struct view *view;
	int error = vocab_add_dict(plan, PLAN_PARTICIPANTS, VOCAB_SOLVED, &view);

	if (!error)
		error = vocab_set_string(view, VIEW_NAME, party->name, VOCAB_SOLVED);
	if (!error)
		error = put_alternative(view, option->combination.wish[i]);
	if (error)
		return error;
	put(view, VIEW_ROLE, party->record->role);
	put(view, VIEW_AGENT, choose_agent(party, bounced));
	put(view, VIEW_READS, party->reads && !party->idle);
	put(view, VIEW_WRITES, party->writes && !party->idle);
	if (bounced)
		put(view, VIEW_BOUNCED, true);
	return party->device ? put_device(view, search, option, i) : 0;
}

/* ---- access policy ---- */

static bool takes_part(const struct search *search, unsigned int i)
{
	return search_is_active(search, i) && !search->parties[i].idle;
}

static int add_policy(struct plan *plan, const struct search *search, const struct option *option)
{
	const struct policy_buffer buffer = policy_buffer_of(search, search->active, option);
	int error = 0;

	for (unsigned int i = 0; i < search->parties_len; i++)
		for (unsigned int j = 0; j < search->parties_len && !error; j++) {
			struct policy_end from, to;

			if (i == j || !takes_part(search, i) || !takes_part(search, j) ||
			    !search->parties[i].writes)
				continue;
			from = policy_end_of(&search->parties[i], option->bounced >> i & 1);
			to = policy_end_of(&search->parties[j], option->bounced >> j & 1);
			error = policy_add_edge(plan, &from, &to, &buffer);
		}
	return error;
}

/* ---- all of it ---- */

static int fill_parties(struct plan *plan, const struct search *search, const struct option *option)
{
	int error = 0;

	for (unsigned int i = 0; i < search->parties_len && !error; i++) {
		if (!search_is_active(search, i))
			continue;
		error = add_view(plan, search, option, i);
		if (!error && option->combination.wish[i]->has_sizes)
			error = add_sizes(plan, option->combination.wish[i]);
	}
	return error;
}

/* Kernels have uncached heaps map write-combined where there is such a thing: Android's and
 * Rockchip's system-uncached (pgprot_writecombine). */
static enum mapping mapping_of(const struct machine *machine, const struct store *store)
{
	if (store->is_protected)
		return MAPPING_NONE;
	if (store->known_cached)
		return MAPPING_CACHED;
	if (store->cached)
		return MAPPING_UNKNOWN;
	return vocab_number(machine, MACHINE_WRITE_COMBINED) ? MAPPING_WRITE_COMBINED
							     : MAPPING_UNCACHED;
}

static void put_mapping(struct plan *plan, const struct search *search, const struct store *store)
{
	put(plan, PLAN_MAPPING, mapping_of(search->machine, store));
	if (vocab_number(search->machine, MACHINE_CACHE_ALIASES))
		put(plan, PLAN_MAPPING_COLOUR,
		    vocab_number(search->machine, MACHINE_MAPPING_COLOUR));
}

static int fill_plan(struct plan *plan, struct search *search, const struct choice *choice)
{
	const struct option *option = &choice->best;
	int error = vocab_set_string(plan, PLAN_HEAP, vocab_string(option->store->heap, HEAP_ID),
				     VOCAB_SOLVED);

	put(plan, PLAN_GENERATION, 1);
	put(plan, PLAN_CACHED, option->store->cached); /* unknown: the safe side */
	put_mapping(plan, search, option->store);
	put(plan, PLAN_FORMAT, option->candidate->fourcc);
	put(plan, PLAN_MODIFIER, option->candidate->modifier);
	put(plan, PLAN_COUNT, option->count);
	put(plan, PLAN_COUNT_NEEDED, option->counts.needed);
	put(plan, PLAN_COUNT_WANTED, option->counts.wanted);
	put(plan, PLAN_PICTURE_BYTES, option->merged.picture_bytes);
	for (unsigned int i = 0; i < 4; i++)
		put(plan, PLAN_PRIMARIES + i, option->colours.word[i]);
	if (option->bounced)
		put(plan, PLAN_BOUNCED, true);
	repeat_request(plan, search->request);
	if (!error)
		error = add_buffers(plan, search, option);
	if (!error)
		error = add_planes(plan, PLAN_PLANES, &option->merged.layout);
	if (!error)
		error = fill_parties(plan, search, option);
	if (!error)
		error = add_usage(plan, search);
	if (!error)
		error = add_policy(plan, search, option);
	return error ? error : reasons_add(plan, search, choice);
}

_Static_assert(PLAN_TRANSFER == PLAN_PRIMARIES + 1 && PLAN_MATRIX == PLAN_PRIMARIES + 2 &&
		       PLAN_RANGE == PLAN_PRIMARIES + 3,
	       "the four words follow each other");

int answer_plan(struct search *search, const struct choice *choice, struct plan **ret_plan)
{
	struct plan *plan;
	int error = vocab_create(&vocab_plan, &plan);

	if (error)
		return error;
	error = fill_plan(plan, search, choice);
	if (error) {
		vocab_destroy(plan);
		return error;
	}
	*ret_plan = plan;
	return 0;
}
