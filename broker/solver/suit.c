/* SPDX-License-Identifier: MIT */
/* Whether the memory of a heap suits everybody. */
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

enum agent suit_agent(const struct device *device, const struct device_role *role)
{
	if (vocab_number(role, ROLE_CPU_COPIES))
		return AGENT_CPU_COPYING;
	switch (vocab_number(device, DEVICE_COHERENCY)) {
	case COHERENCY_COHERENT:
		return AGENT_COHERENT;
	case COHERENCY_NON_COHERENT: /* unless its driver may copy with the CPU instead */
		return vocab_has(role, ROLE_CPU_COPIES) ? AGENT_NON_COHERENT : AGENT_UNKNOWN;
	default: /* a barrier interconnect is bracketed like an unknown one */
		return AGENT_UNKNOWN;
	}
}

/* What is not known of a role must be contiguous as a whole: ROLE_CONTIGUITY's default. */
bool suit_needs_contiguous(const struct party *party)
{
	if (vocab_number(party->wish, PARTICIPANT_CONTIGUOUS))
		return true;
	return party->role && vocab_number(party->role, ROLE_CONTIGUITY) != CONTIGUITY_NONE &&
	       !vocab_number(party->device, DEVICE_IOMMU);
}

static uint64_t highest_of_bits(uint64_t bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* Whether the device's own DMA meets the heap's pages as they lie in memory. */
static bool meets_memory(const struct party *party)
{
	return party->role && vocab_number(party->role, ROLE_DMA_MAPS) &&
	       !vocab_number(party->device, DEVICE_IOMMU);
}

uint64_t suit_reach(const struct party *party)
{
	uint64_t reach = highest_of_bits(vocab_number(party->wish, PARTICIPANT_ADDRESS_BITS));

	if (!meets_memory(party))
		return reach;
	reach = arith_min(reach, highest_of_bits(vocab_number(party->device, DEVICE_ADDRESS_BITS)));
	return arith_min(reach, vocab_number(party->device, DEVICE_ADDRESS_MAX));
}

uint64_t suit_heap_top(const struct heap *heap)
{
	return arith_min(highest_of_bits(vocab_number(heap, HEAP_ADDRESS_BITS)),
			 vocab_number(heap, HEAP_ADDRESS_MAX));
}

static bool is_bounced(const struct party *party)
{
	return meets_memory(party) && vocab_number(party->device, DEVICE_BOUNCED);
}

/* A driver of which nothing is known may copy. */
static bool may_copy(const struct party *party)
{
	return party->role && (vocab_number(party->role, ROLE_CPU_COPIES) ||
			       !vocab_has(party->role, ROLE_CPU_COPIES));
}

/* A device whose DMA does not certainly snoop needs a heap whose SYNC reaches its mapping. */
bool suit_needs_maintenance(const struct party *party)
{
	return party->role && vocab_number(party->role, ROLE_DMA_MAPS) &&
	       vocab_number(party->device, DEVICE_COHERENCY) != COHERENCY_COHERENT;
}

static bool contains(const struct vocab_strings *list, const char *text)
{
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static bool heap_is_allowed(const struct request *request, const struct heap *heap)
{
	if (contains(&request->forbidden_heaps, heap->id))
		return false;
	if (contains(&request->allowed_heaps, heap->id))
		return true;
	return !request->allowed_heaps.len && vocab_number(heap, HEAP_KNOWN);
}

bool suit_capacity(const struct search *search, const struct heap *heap,
		   const struct merged *merged)
{
	uint64_t all;

	if (!search_counts(search, search->parties_len, CONSTRAINT_CAPACITY))
		return true;
	return arith_mul(merged->memory_bytes, merged->count, &all) &&
	       all <= vocab_number(heap, HEAP_CAPACITY_BYTES) &&
	       merged->memory_bytes <= vocab_number(heap, HEAP_BUFFER_BYTES_MAX);
}

/* An IOMMU presents the pieces as one run, whatever their number. */
bool suit_segments(const struct search *search, const struct heap *heap,
		   const struct merged *merged)
{
	uint64_t longest =
		arith_min(vocab_number(heap, HEAP_SEGMENT_BYTES_MAX), merged->memory_bytes);
	/* udmabuf describes each page by itself, even those of one huge page */
	bool one_piece = vocab_number(heap, HEAP_CONTIGUOUS) &&
			 vocab_number(heap, HEAP_EXPORTER) == EXPORTER_DMA_HEAP;
	uint64_t pieces = one_piece ? 1
				    : merged->memory_bytes /
					      vocab_number(search->machine, MACHINE_PAGE_BYTES);

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct party *party = &search->parties[i];

		if (!search_counts(search, i, CONSTRAINT_SEGMENTS) || !meets_memory(party))
			continue;
		if (longest > vocab_number(party->role, ROLE_SEGMENT_BYTES_MAX) ||
		    pieces > vocab_number(party->role, ROLE_SEGMENTS_MAX))
			return false;
	}
	return true;
}

/* Programs do SYNC whether or not it is due: a heap where that does harm suits nobody. */
static bool is_maintained(const struct heap *heap, const struct party *party)
{
	uint64_t maintenance = vocab_number(heap, HEAP_MAINTENANCE);
	bool cached = vocab_number(heap, HEAP_CACHED) || !vocab_has(heap, HEAP_CACHED);

	if (maintenance == MAINTENANCE_HARMFUL)
		return false;
	return !cached || maintenance == MAINTENANCE_ATTACHMENTS || !suit_needs_maintenance(party);
}

static bool heap_suits_party(const struct search *search, const struct heap *heap, unsigned int i)
{
	const struct party *party = &search->parties[i];

	if (search_counts(search, i, CONSTRAINT_DEVICE) && party->role &&
	    !vocab_number(party->role, ROLE_IMPORTS))
		return false;
	if (search_counts(search, i, CONSTRAINT_BOUNCE) && is_bounced(party))
		return false;
	if (search_counts(search, i, CONSTRAINT_KERNEL_MAP) && may_copy(party) &&
	    !vocab_number(heap, HEAP_KERNEL_MAP))
		return false;
	if (search_counts(search, i, CONSTRAINT_CONTIGUITY) && suit_needs_contiguous(party) &&
	    !vocab_number(heap, HEAP_CONTIGUOUS))
		return false;
	if (search_counts(search, i, CONSTRAINT_REACH) &&
	    (suit_heap_top(heap) > suit_reach(party) || vocab_number(heap, HEAP_PROTECTED)))
		return false;
	return !search_counts(search, i, CONSTRAINT_MAINTENANCE) || is_maintained(heap, party);
}

bool suit_heap(const struct search *search, const struct heap *heap)
{
	if (search_counts(search, search->parties_len, CONSTRAINT_HEAPS) &&
	    !heap_is_allowed(search->request, heap))
		return false;
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (!heap_suits_party(search, heap, i))
			return false;
	return true;
}
