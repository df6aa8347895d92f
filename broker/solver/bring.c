/* SPDX-License-Identifier: MIT */
/*
 * Buffers that a participant brings: a heap more, from which nothing is allocated, and a plan as if
 * an earlier negotiation had made them, so that the rules are those of buffers that exist. The heap
 * counts for the group of that participant only (suit.c).
 *
 * Example: a camera that takes no foreign buffers brings three of its own (videobuf2_vmalloc). The
 * heap "brought:camera" is scattered, cached, and SYNC does nothing on it; an encoder that snoops
 * takes it, one that does not has the constraint maintenance.
 */
#include "broker/model/brought.h"

#include <errno.h>
#include <string.h>

#include "broker/model/exporter.h"
#include "broker/solver/search.h"

_Static_assert(SEARCH_HEAPS_MAX % 64 == 0, "a set of heaps is made of whole words");

static int put(void *record, unsigned int row, uint64_t value)
{
	return vocab_set_number(record, row, value, VOCAB_DECLARED);
}

static int add_planes(struct plan *plan, const struct supplied_layout *layout)
{
	int error = 0;

	for (size_t i = 0; i < layout->planes.len && !error; i++) {
		const void *from = layout->planes.items[i];
		struct plane *plane;

		error = vocab_add_dict(plan, PLAN_PLANES, VOCAB_DECLARED, &plane);
		for (unsigned int row = PLANE_MEMORY; row < PLANE_ROWS && !error; row++)
			error = put(plane, row, vocab_number(from, row));
	}
	return error;
}

static int fill_plan(struct plan *plan, const struct heap *heap,
		     const struct participant *participant)
{
	const struct supplied_layout *layout = brought_layout(participant);
	struct memory_object *memory;
	int error = vocab_set_string(plan, PLAN_HEAP, heap->id, VOCAB_DECLARED);

	if (!error)
		error = vocab_add_dict(plan, PLAN_MEMORY, VOCAB_DECLARED, &memory);
	if (error)
		return error;
	put(memory, MEMORY_BYTES, brought_bytes(participant));
	put(plan, PLAN_FORMAT, layout->format);
	put(plan, PLAN_MODIFIER, layout->modifier);
	put(plan, PLAN_COUNT, participant->buffers.len);
	put(plan, PLAN_PICTURE_BYTES, layout->bytes);
	return add_planes(plan, layout);
}

int bring_prepare(struct search *search)
{
	struct party *party = NULL;
	int error;

	for (unsigned int i = 0; i < search->parties_len && !party; i++)
		if (vocab_has(search->parties[i].record, PARTICIPANT_BUFFERS)) {
			party = &search->parties[i];
			search->bringer = i;
		}
	if (!party)
		return 0;
	error = exporter_describe(search->machine, party->record, party->device, party->role,
				  &search->brought_heap);
	if (!error)
		error = vocab_create(&vocab_plan, &search->brought);
	return error ? error : fill_plan(search->brought, search->brought_heap, party->record);
}

void bring_forget(struct search *search)
{
	vocab_destroy(search->brought);
	vocab_destroy(search->brought_heap);
}
