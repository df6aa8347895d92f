/* SPDX-License-Identifier: MIT */
/* The plan of the option that was chosen: layout, views, access policy, and for each choice why. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/model/access.h"
#include "broker/solver/search.h"

static int put(void *record, unsigned int row, uint64_t value)
{
	return vocab_set_number(record, row, value, VOCAB_SOLVED);
}

static int add_planes(struct plan *plan, const struct format_layout *layout)
{
	struct plane *plane;
	int error;

	for (unsigned int i = 0; i < layout->planes_len; i++) {
		error = vocab_add_dict(plan, PLAN_PLANES, VOCAB_SOLVED, &plane);
		if (error)
			return error;
		put(plane, PLANE_MEMORY, 0);
		put(plane, PLANE_OFFSET, layout->offset[i]);
		put(plane, PLANE_STRIDE, layout->stride[i]);
		put(plane, PLANE_BYTES, layout->bytes[i]);
	}
	return 0;
}

static int add_memory(struct plan *plan, const struct merged *merged)
{
	struct memory_object *memory;
	int error = vocab_add_dict(plan, PLAN_MEMORY, VOCAB_SOLVED, &memory);

	return error ? error : put(memory, MEMORY_BYTES, merged->memory_bytes);
}

static void repeat_request(struct plan *plan, const struct request *request)
{
	put(plan, PLAN_WIDTH, request->width);
	put(plan, PLAN_HEIGHT, request->height);
	put(plan, PLAN_VISIBLE_X, request->visible_x);
	put(plan, PLAN_VISIBLE_Y, request->visible_y);
	put(plan, PLAN_VISIBLE_WIDTH, request->visible_width);
	put(plan, PLAN_VISIBLE_HEIGHT, request->visible_height);
	put(plan, PLAN_FIELD, vocab_number(request, REQUEST_FIELD));
	put(plan, PLAN_PRIMARIES, vocab_number(request, REQUEST_PRIMARIES));
	put(plan, PLAN_TRANSFER, vocab_number(request, REQUEST_TRANSFER));
	put(plan, PLAN_MATRIX, vocab_number(request, REQUEST_MATRIX));
	put(plan, PLAN_RANGE, vocab_number(request, REQUEST_RANGE));
}

static void put_v4l2(struct view *view, const struct search *search,
		     const struct device_format *facts, const struct option *option)
{
	const struct format_layout *layout = &option->merged.layout;

	put(view, VIEW_V4L2_FORMAT, vocab_number(facts, FORMAT_V4L2_FORMAT));
	put(view, VIEW_V4L2_BYTESPERLINE, layout->stride[0]);
	put(view, VIEW_V4L2_SIZEIMAGE,
	    layout->total +
		    merge_tail(facts, option->candidate->info, search->request->height, layout));
}

static int add_view(struct plan *plan, const struct search *search, const struct option *option,
		    unsigned int i)
{
	const struct party *party = &search->parties[i];
	const struct device_format *facts = option->candidate->party[i].facts;
	struct view *view;
	int error = vocab_add_dict(plan, PLAN_PARTICIPANTS, VOCAB_SOLVED, &view);

	if (!error)
		error = vocab_set_string(view, VIEW_NAME, party->name, VOCAB_SOLVED);
	if (error)
		return error;
	put(view, VIEW_ROLE, party->wish->role);
	put(view, VIEW_AGENT, party->agent);
	if (!party->device)
		return 0;
	if (vocab_has(party->wish, PARTICIPANT_COMPLETION))
		put(view, VIEW_COMPLETION, party->wish->completion);
	else
		put(view, VIEW_COMPLETION,
		    party->device->kind == KIND_V4L2 ? COMPLETION_DEQUEUE
						     : COMPLETION_IMPLICIT_FENCE);
	if (party->device->kind == KIND_V4L2 && facts)
		put_v4l2(view, search, facts, option);
	error = vocab_set_string(view, VIEW_DEVICE, party->device->id, VOCAB_SOLVED);
	if (error || !vocab_has(party->device, DEVICE_NODE))
		return error;
	return vocab_set_string(view, VIEW_NODE, party->device->node, VOCAB_SOLVED);
}

static bool writes(const struct party *party)
{
	switch (party->wish->role) {
	case ROLE_CAPTURE:
	case ROLE_WRITEBACK:
	case ROLE_RENDER:
	case ROLE_CPU:
		return true;
	default:
		return false;
	}
}

static const char *because(enum operation operation, bool cached)
{
	if (!cached)
		return "the heap's mappings are not cached";
	switch (operation) {
	case OPERATION_CLEAN:
		return "the newest data may sit in a CPU cache, and the reader looks into memory";
	case OPERATION_INVALIDATE:
		return "memory is newest, and the reader may find old lines in a CPU cache";
	case OPERATION_BOTH:
		return "of one of them it is not known whether it snoops: what either kind needs";
	default:
		return "both see the same data: through the CPU caches, or both in memory";
	}
}

static int add_edge(struct plan *plan, const struct party *from, const struct party *to,
		    bool cached)
{
	enum operation operation = access_hand_over(from->agent, to->agent, cached);
	struct edge *edge;
	int error = vocab_add_dict(plan, PLAN_POLICY, VOCAB_SOLVED, &edge);

	if (!error)
		error = vocab_set_string(edge, EDGE_FROM, from->name, VOCAB_SOLVED);
	if (!error)
		error = vocab_set_string(edge, EDGE_TO, to->name, VOCAB_SOLVED);
	if (!error)
		error = put(edge, EDGE_OPERATION, operation);
	if (!error)
		error = vocab_set_string(edge, EDGE_BECAUSE, because(operation, cached),
					 VOCAB_SOLVED);
	return error;
}

static int add_policy(struct plan *plan, const struct search *search, bool cached)
{
	int error = 0;

	for (unsigned int i = 0; i < search->parties_len; i++)
		for (unsigned int j = 0; j < search->parties_len && !error; j++)
			if (i != j && writes(&search->parties[i]))
				error = add_edge(plan, &search->parties[i], &search->parties[j],
						 cached);
	return error;
}

struct why {
	const char *choice;
	const char *value;
	const struct party *party; /* NULL: nobody in particular */
	enum constraint constraint;
	const char *wanted;
	enum vocab_origin origin;
};

static int add_reason(struct plan *plan, const struct why *why)
{
	struct reason *reason;
	int error = vocab_add_dict(plan, PLAN_REASONS, VOCAB_SOLVED, &reason);

	if (!error)
		error = vocab_set_string(reason, REASON_CHOICE, why->choice, VOCAB_SOLVED);
	if (!error)
		error = vocab_format_string(reason, REASON_VALUE, VOCAB_SOLVED, "%s", why->value);
	if (!error && why->party)
		error = vocab_set_string(reason, REASON_PARTICIPANT, why->party->name,
					 VOCAB_SOLVED);
	if (!error)
		error = put(reason, REASON_CONSTRAINT, why->constraint);
	if (!error)
		error = vocab_format_string(reason, REASON_WANTED, VOCAB_SOLVED, "%s", why->wanted);
	if (!error)
		error = put(reason, REASON_ORIGIN, why->origin);
	return error;
}

static enum vocab_origin contiguity_origin(const struct party *party)
{
	if (vocab_number(party->wish, PARTICIPANT_CONTIGUOUS))
		return VOCAB_DECLARED;
	if (vocab_has(party->role, ROLE_CONTIGUITY))
		return vocab_origin(party->role, ROLE_CONTIGUITY);
	return VOCAB_ASSUMED;
}

/* "contiguous memory (dma-contig, v4l2:...)": what the party needs and what it rests on. */
static void contiguity_text(const struct party *party, char *text, size_t size)
{
	if (!party->role)
		snprintf(text, size, "contiguous memory");
	else
		snprintf(text, size, "contiguous memory: %s, %s",
			 vocab_string(party->device, DEVICE_NAME),
			 vocab_enum_name(party->role, ROLE_MEMORY_MODEL));
}

static int add_contiguous_reasons(struct plan *plan, const struct search *search,
				  const struct option *option, unsigned int *ret_len)
{
	int error = 0;

	*ret_len = 0;
	for (unsigned int i = 0; i < search->parties_len && !error; i++) {
		const struct party *party = &search->parties[i];
		char wanted[255];

		if (!suit_needs_contiguous(party))
			continue;
		contiguity_text(party, wanted, sizeof(wanted));
		error = add_reason(plan, &(struct why){"heap", option->heap->id, party,
						       CONSTRAINT_CONTIGUITY, wanted,
						       contiguity_origin(party)});
		++*ret_len;
	}
	return error;
}

static int add_heap_reasons(struct plan *plan, const struct search *search,
			    const struct option *option)
{
	const char *id = option->heap->id;
	unsigned int needing = 0;
	int error = 0;

	if (search->request->allowed_heaps.len)
		return add_reason(plan, &(struct why){"heap", id, NULL, CONSTRAINT_HEAPS,
						      "one of the heaps that the request allows",
						      VOCAB_DECLARED});
	if (option->scarce)
		error = add_contiguous_reasons(plan, search, option, &needing);
	if (error || needing)
		return error;
	if (option->scarce)
		return add_reason(plan, &(struct why){"heap", id, NULL, CONSTRAINT_HEAPS,
						      "no other heap suits all", VOCAB_SOLVED});
	return add_reason(plan, &(struct why){"heap", id, NULL, CONSTRAINT_SCARCE,
					      "all take scattered memory; contiguous memory is "
					      "scarce and kept",
					      VOCAB_SOLVED});
}

static int add_format_reason(struct plan *plan, const struct search *search,
			     const struct option *option)
{
	char name[FORMAT_TEXT_BYTES];

	format_text(option->candidate->fourcc, name);
	if (search->request->formats.len)
		return add_reason(plan, &(struct why){"format", name, NULL, CONSTRAINT_PREFERENCE,
						      "first in the request's list that suits all",
						      VOCAB_DECLARED});
	return add_reason(plan, &(struct why){"format", name, NULL, CONSTRAINT_PREFERENCE,
					      "first in the participants' lists, by the sum of "
					      "its positions, of those that suit all",
					      VOCAB_SOLVED});
}

static int add_number_reason(struct plan *plan, const struct search *search, const char *choice,
			     uint64_t value, unsigned int by, enum constraint constraint,
			     const char *wanted)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return add_reason(plan, &(struct why){choice, text,
					      by == SEARCH_NOBODY ? NULL : &search->parties[by],
					      constraint, wanted, VOCAB_SOLVED});
}

static int add_reasons(struct plan *plan, const struct search *search, const struct option *option)
{
	const struct merged *merged = &option->merged;
	int error = add_heap_reasons(plan, search, option);

	if (!error)
		error = add_format_reason(plan, search, option);
	if (!error)
		error = add_number_reason(plan, search, "stride", merged->layout.stride[0],
					  merged->stride_by, CONSTRAINT_STRIDE,
					  merged->stride_by == SEARCH_NOBODY
						  ? "the least that the picture needs"
						  : "its alignment, or a stride of its own");
	if (!error)
		error = add_number_reason(plan, search, "bytes", merged->picture_bytes,
					  merged->bytes_by, CONSTRAINT_BYTES,
					  merged->bytes_by == SEARCH_NOBODY
						  ? "the picture, nothing behind it"
						  : "room beyond the picture");
	if (!error)
		error = add_number_reason(
			plan, search, "count", merged->count, merged->count_by, CONSTRAINT_COUNT,
			merged->count_by == SEARCH_NOBODY
				? "as the request says"
				: "what all hold at once, summed; none holds more than it");
	return error;
}

static int fill_plan(struct plan *plan, const struct search *search, const struct option *option)
{
	const struct merged *merged = &option->merged;
	/* unknown: the safe side */
	bool cached = vocab_number(option->heap, HEAP_CACHED) ||
		      !vocab_has(option->heap, HEAP_CACHED);
	int error = vocab_set_string(plan, PLAN_HEAP, option->heap->id, VOCAB_SOLVED);

	put(plan, PLAN_GENERATION, 1);
	put(plan, PLAN_CACHED, cached);
	put(plan, PLAN_FORMAT, option->candidate->fourcc);
	put(plan, PLAN_MODIFIER, option->candidate->modifier);
	put(plan, PLAN_COUNT, merged->count);
	put(plan, PLAN_COUNT_NEEDED, merged->count_needed);
	put(plan, PLAN_PICTURE_BYTES, merged->picture_bytes);
	repeat_request(plan, search->request);
	if (!error)
		error = add_memory(plan, merged);
	if (!error)
		error = add_planes(plan, &merged->layout);
	for (unsigned int i = 0; i < search->parties_len && !error; i++)
		error = add_view(plan, search, option, i);
	if (!error)
		error = add_policy(plan, search, cached);
	return error ? error : add_reasons(plan, search, option);
}

int answer_plan(const struct search *search, const struct option *option, struct plan **ret_plan)
{
	struct plan *plan;
	int error = vocab_create(&vocab_plan, &plan);

	if (error)
		return error;
	error = fill_plan(plan, search, option);
	if (error) {
		vocab_destroy(plan);
		return error;
	}
	*ret_plan = plan;
	return 0;
}
