/* SPDX-License-Identifier: MIT */
/* Whether the memory of a heap suits everybody. */
#include <stdlib.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/solver/search.h"

static uint64_t highest_of_bits(uint64_t bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* ---- what participants and heaps are like ---- */

static enum agent agent_of(const struct party *party)
{
	if (!party->role)
		return AGENT_CPU;
	if (party->copies)
		return AGENT_CPU_COPYING;
	if (party->own) /* its driver sees to it that the CPU sees what it sees */
		return AGENT_COHERENT;
	switch (vocab_number(party->device, DEVICE_COHERENCY)) {
	case COHERENCY_COHERENT:
		return AGENT_COHERENT;
	case COHERENCY_NON_COHERENT: /* unless its driver may copy with the CPU instead */
		return party->may_copy ? AGENT_UNKNOWN : AGENT_NON_COHERENT;
	default: /* a barrier interconnect is bracketed like an unknown one */
		return AGENT_UNKNOWN;
	}
}

void suit_describe_party(struct search *search, unsigned int i)
{
	struct party *party = &search->parties[i];
	const struct device_role *role = party->role;

	party->agent = agent_of(party);
	if (!role)
		return;
	party->copies = vocab_number(role, ROLE_CPU_COPIES);
	/* a driver of which nothing is known may */
	party->may_copy = party->copies || !vocab_has(role, ROLE_CPU_COPIES);
	party->agent = agent_of(party);
	party->is_v4l2 = party->device->kind == KIND_V4L2;
	party->min_buffers = vocab_number(role, ROLE_MIN_BUFFERS);
	party->maps = vocab_number(role, ROLE_DMA_MAPS) &&
		      !vocab_number(party->device, DEVICE_IOMMU);
	party->incoherent = vocab_number(role, ROLE_DMA_MAPS) &&
			    vocab_number(party->device, DEVICE_COHERENCY) != COHERENCY_COHERENT;
	party->device_reach =
		arith_min(highest_of_bits(vocab_number(party->device, DEVICE_ADDRESS_BITS)),
			  vocab_number(party->device, DEVICE_ADDRESS_MAX));
}

static bool is_low(const struct search *search, const struct store *store)
{
	return store->top < UINT32_MAX + UINT64_C(1) &&
	       vocab_has(search->machine, MACHINE_MEMORY_MAX) &&
	       store->top < search->machine->memory_max;
}

static void describe_heap(const struct search *search, const struct heap *heap, struct store *store)
{
	*store = (struct store){
		.heap = heap,
		.top = arith_min(highest_of_bits(vocab_number(heap, HEAP_ADDRESS_BITS)),
				 vocab_number(heap, HEAP_ADDRESS_MAX)),
		.alignment = vocab_number(heap, HEAP_ALIGNMENT),
		.granularity = vocab_number(heap, HEAP_GRANULARITY),
		.segment_max = vocab_number(heap, HEAP_SEGMENT_BYTES_MAX),
		.capacity = vocab_number(heap, HEAP_CAPACITY_BYTES),
		.buffer_max = vocab_number(heap, HEAP_BUFFER_BYTES_MAX),
		.maintenance = (enum maintenance)vocab_number(heap, HEAP_MAINTENANCE),
		.known = vocab_number(heap, HEAP_KNOWN),
		.contiguous = vocab_number(heap, HEAP_CONTIGUOUS),
		.known_cached = vocab_number(heap, HEAP_CACHED),
		.cached = vocab_number(heap, HEAP_CACHED) || !vocab_has(heap, HEAP_CACHED),
		.is_protected = vocab_number(heap, HEAP_PROTECTED),
		.kernel_map = vocab_number(heap, HEAP_KERNEL_MAP),
		.dma_heap = vocab_has(heap, HEAP_EXPORTER) && heap->exporter == EXPORTER_DMA_HEAP,
	};
	store->scarce = (uint8_t)((store->is_protected ? 4 : 0) + (store->contiguous ? 2 : 0) +
				  (is_low(search, store) ? 1 : 0));
}

/* Nothing is allocated from it, scarce or not. */
static void describe_brought(const struct search *search, struct store *store)
{
	describe_heap(search, search->brought_heap, store);
	store->brought = true;
	store->scarce = 0;
	store->capacity = 0;
}

static void limit_capacity(const struct search *search, struct store *store)
{
	for (size_t i = 0; search->options && i < search->options->limits_len; i++) {
		const struct solve_limit *limit = &search->options->limits[i];

		if (strcmp(limit->heap, vocab_string(store->heap, HEAP_ID)) == 0)
			store->capacity = arith_min(store->capacity, limit->bytes);
	}
}

static int by_id(const void *a, const void *b)
{
	const struct store *left = a, *right = b;

	return strcmp(vocab_string(left->heap, HEAP_ID), vocab_string(right->heap, HEAP_ID));
}

void suit_add_named(const struct search *search, const struct vocab_strings *names,
		    struct heap_set *set)
{
	for (size_t i = 0; i < names->len; i++)
		for (unsigned int j = 0; j < search->stores_len; j++)
			if (strcmp(names->items[i],
				   vocab_string(search->stores[j].heap, HEAP_ID)) == 0)
				heap_set_add(set, j);
}

void suit_describe_heaps(struct search *search)
{
	const struct vocab_dicts *list = &search->machine->heaps;
	const struct request *request = search->request;

	for (size_t i = 0; i < list->len; i++) {
		describe_heap(search, (const struct heap *)list->items[i], &search->stores[i]);
		limit_capacity(search, &search->stores[i]);
	}
	search->stores_len = (unsigned int)list->len;
	if (search->brought_heap)
		describe_brought(search, &search->stores[search->stores_len++]);
	if (search->stores_len > 1)
		qsort(search->stores, search->stores_len, sizeof(search->stores[0]), by_id);
	for (unsigned int i = 0; i < search->stores_len; i++)
		heap_set_add(&search->all_heaps, i);
	suit_find_heaps(search, &request->allowed_heaps, &search->request_allowed);
	suit_find_heaps(search, &request->forbidden_heaps, &search->request_forbidden);
	suit_add_named(search, &request->allowed_heaps, &search->named);
}

static bool has_property(const struct heap *heap, int property)
{
	switch (property) {
	case HEAP_IS_CONTIGUOUS:
		return vocab_number(heap, HEAP_CONTIGUOUS);
	case HEAP_IS_SCATTERED:
		return vocab_has(heap, HEAP_CONTIGUOUS) && !heap->contiguous;
	case HEAP_IS_CACHED:
		return vocab_number(heap, HEAP_CACHED);
	case HEAP_IS_UNCACHED:
		return vocab_has(heap, HEAP_CACHED) && !heap->cached;
	case HEAP_IS_ZEROED:
		return vocab_number(heap, HEAP_ZEROED);
	case HEAP_IS_PROTECTED:
		return vocab_number(heap, HEAP_PROTECTED);
	case HEAP_IS_DMA_HEAP:
		return vocab_has(heap, HEAP_EXPORTER) && heap->exporter == EXPORTER_DMA_HEAP;
	default:
		return vocab_has(heap, HEAP_EXPORTER) && heap->exporter != EXPORTER_DMA_HEAP;
	}
}

static bool has_properties(const struct heap *heap, int properties)
{
	for (int property = 1; property <= properties; property <<= 1)
		if (properties & property && !has_property(heap, property))
			return false;
	return true;
}

void suit_find_heaps(const struct search *search, const struct vocab_strings *names,
		     struct heap_set *ret_set)
{
	struct heap_set set = {{0}};

	for (size_t i = 0; i < names->len; i++) {
		int properties = heap_properties(names->items[i]);

		for (unsigned int j = 0; j < search->stores_len && properties > 0; j++)
			if (has_properties(search->stores[j].heap, properties))
				heap_set_add(&set, j);
	}
	suit_add_named(search, names, &set);
	*ret_set = set;
}

/* ---- the size does not matter ---- */

/* Whether the memory is that of the party's device, which it takes without importing it. */
static bool is_own(const struct party *party, const struct store *store)
{
	return party->own && store->brought;
}

static bool out_of_reach(const struct search *search, unsigned int i, const struct store *store)
{
	const struct party *party = &search->parties[i];

	return party->maps && !is_own(party, store) &&
	       search_counts(search, i, UNIT_DEVICE_REACH) && store->top > party->device_reach;
}

static bool always_bounced(const struct search *search, unsigned int i, const struct store *store)
{
	const struct party *party = &search->parties[i];

	return party->maps && !is_own(party, store) && search_counts(search, i, UNIT_BOUNCED) &&
	       vocab_number(party->device, DEVICE_BOUNCED);
}

static bool kernel_bounces(const struct search *search)
{
	uint64_t bounce = vocab_number(search->machine, MACHINE_BOUNCE);

	return bounce == BOUNCE_REACH || bounce == BOUNCE_ALWAYS;
}

uint32_t suit_bounced(const struct search *search, const struct store *store)
{
	uint32_t bounced = 0;

	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i) &&
		    (always_bounced(search, i, store) || out_of_reach(search, i, store)))
			bounced |= 1u << i;
	return bounced;
}

/* Whether the kernel could serve the device by bouncing, as far as the memory decides that. */
static bool may_bounce(const struct search *search, unsigned int i, const struct store *store)
{
	return search->bounce_allowed && !search->parties[i].may_copy && store->dma_heap &&
	       store->known_cached && store->maintenance == MAINTENANCE_ATTACHMENTS &&
	       (always_bounced(search, i, store) || kernel_bounces(search));
}

/* Programs do SYNC whether or not it is due: a heap where that does harm suits nobody. */
static bool is_maintained(const struct search *search, const struct party *party,
			  const struct store *store)
{
	switch (store->maintenance) {
	case MAINTENANCE_HARMFUL:
		return false;
	case MAINTENANCE_ATTACHMENTS:
		return true;
	case MAINTENANCE_EXPORTER:
		/* whose device is described by no firmware, so that it has the architecture's
		 * default: what it cleans is clean for everybody */
		if (vocab_number(search->machine, MACHINE_COHERENCY) == COHERENCY_NON_COHERENT)
			return true;
		break;
	default:
		break;
	}
	return !store->cached || !party->incoherent || is_own(party, store);
}

static bool is_aliased(const struct search *search, const struct store *store)
{
	return vocab_number(search->machine, MACHINE_CACHE_ALIASES) && store->cached;
}

/*
 * Whether a process that maps this memory would have cache lines of its own, which SYNC does not
 * reach: it maintains the kernel's linear mapping, in which the kernel has cleared the memory, too.
 * Where the cache aliases ours agrees with that page by page only if the memory is contiguous and
 * aligned to the colour.
 */
bool suit_aliases(const struct search *search, const struct store *store)
{
	uint64_t colour = vocab_number(search->machine, MACHINE_MAPPING_COLOUR);

	return is_aliased(search, store) &&
	       (!store->contiguous || !store->dma_heap || store->alignment % colour);
}

/* Whether a driver that may copy with the CPU shares memory with somebody who does not: its mapping
 * has a colour that nobody can choose. Drivers that copy share one mapping of the kernel. */
static bool copy_aliases(const struct search *search, unsigned int i, const struct store *store)
{
	bool others = search->copier;

	for (unsigned int j = 0; j < search->parties_len; j++)
		others |= j != i && search_is_active(search, j) && !search->parties[j].copies;
	return others && is_aliased(search, store);
}

static bool needs_contiguous(const struct search *search, unsigned int i, const struct wish *wish,
			     const struct store *store)
{
	const struct party *party = &search->parties[i];

	if (search_declared(search, i, wish, UNIT_CONTIGUOUS, 0))
		return true;
	return party->role && !is_own(party, store) &&
	       search_counts(search, i, UNIT_DEVICE_CONTIGUITY) &&
	       vocab_number(party->role, ROLE_CONTIGUITY) != CONTIGUITY_NONE &&
	       !vocab_number(party->device, DEVICE_IOMMU);
}

/* Protected memory is for devices only that are known to reach it, not for the CPU in any guise. */
static bool reaches_protected(const struct search *search, unsigned int i, const struct wish *wish)
{
	const struct party *party = &search->parties[i];

	if (!search_counts(search, i, UNIT_UNPROTECTED))
		return true;
	return party->role && !party->may_copy && !party->cpu_reads && !party->cpu_writes &&
	       (wish->reaches_protected || vocab_number(party->role, ROLE_REACHES_PROTECTED));
}

static bool protection_suits(const struct search *search, unsigned int i, const struct wish *wish,
			     const struct store *store)
{
	if (store->is_protected)
		return reaches_protected(search, i, wish);
	return !search_declared(search, i, wish, UNIT_PROTECTED, 0);
}

static bool reach_suits(const struct search *search, unsigned int i, const struct wish *wish,
			const struct store *store)
{
	if (store->top > highest_of_bits(search_declared(search, i, wish, UNIT_ADDRESS_BITS, 64)))
		return false;
	return (!always_bounced(search, i, store) && !out_of_reach(search, i, store)) ||
	       may_bounce(search, i, store);
}

enum unit suit_refusal(const struct search *search, unsigned int i, const struct wish *wish,
		       const struct store *store)
{
	const struct party *party = &search->parties[i];
	uint64_t align = search_declared(search, i, wish, UNIT_BASE_ALIGN, 1);

	if (party->role && !is_own(party, store) && search_counts(search, i, UNIT_IMPORTS) &&
	    !vocab_number(party->role, ROLE_IMPORTS))
		return UNIT_IMPORTS;
	if (party->may_copy && search_counts(search, i, UNIT_KERNEL_MAP) &&
	    ((!store->kernel_map && !is_own(party, store)) || copy_aliases(search, i, store)))
		return UNIT_KERNEL_MAP;
	if ((party->cpu_reads || party->cpu_writes) && search_counts(search, i, UNIT_CACHE_ALIAS) &&
	    suit_aliases(search, store))
		return UNIT_CACHE_ALIAS;
	if (search_counts(search, i, UNIT_MAINTENANCE) && !is_maintained(search, party, store))
		return UNIT_MAINTENANCE;
	if (!store->contiguous && needs_contiguous(search, i, wish, store))
		return search_declared(search, i, wish, UNIT_CONTIGUOUS, 0)
			       ? UNIT_CONTIGUOUS
			       : UNIT_DEVICE_CONTIGUITY;
	if (!align || store->alignment % align)
		return UNIT_BASE_ALIGN;
	if (!protection_suits(search, i, wish, store))
		return store->is_protected ? UNIT_UNPROTECTED : UNIT_PROTECTED;
	if (!reach_suits(search, i, wish, store))
		return out_of_reach(search, i, store)	  ? UNIT_DEVICE_REACH
		       : always_bounced(search, i, store) ? UNIT_BOUNCED
							  : UNIT_ADDRESS_BITS;
	return UNITS;
}

static void keep(struct heap_set *set, const struct heap_set *other)
{
	for (size_t i = 0; i < SEARCH_HEAPS_MAX / 64; i++)
		set->bits[i] &= other->bits[i];
}

static void drop(struct heap_set *set, const struct heap_set *other)
{
	for (size_t i = 0; i < SEARCH_HEAPS_MAX / 64; i++)
		set->bits[i] &= ~other->bits[i];
}

static void keep_listed(const struct search *search, const struct combination *combination,
			struct heap_set *set, struct heap_set *named)
{
	const struct request *request = search->request;
	unsigned int all = search->parties_len;

	*named = search->named;
	if (request->allowed_heaps.len && search_counts(search, all, UNIT_REQUEST_ALLOWED))
		keep(set, &search->request_allowed);
	if (search_counts(search, all, UNIT_REQUEST_FORBIDDEN))
		drop(set, &search->request_forbidden);
	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct wish *wish = combination->wish[i];

		if (!search_is_active(search, i))
			continue;
		if (wish->has_allowed && search_counts(search, i, UNIT_ALLOWED_HEAPS))
			keep(set, &wish->allowed);
		for (size_t word = 0; word < SEARCH_HEAPS_MAX / 64; word++)
			named->bits[word] |= wish->named.bits[word];
		if (wish->has_forbidden && search_counts(search, i, UNIT_FORBIDDEN_HEAPS))
			drop(set, &wish->forbidden);
	}
}

static bool store_counts(const struct search *search, const struct heap_set *named, unsigned int i)
{
	const struct store *store = &search->stores[i];
	const struct plan *existing = search_existing(search);
	unsigned int all = search->parties_len;

	if (!store->known && search_counts(search, all, UNIT_REQUEST_KNOWN) &&
	    !heap_set_has(named, i))
		return false;
	if (store->scarce && search_counts(search, all, UNIT_REQUEST_SCARCE) &&
	    vocab_number(search->request, REQUEST_FORBID_SCARCE))
		return false;
	if (search->copier && (store->is_protected || suit_aliases(search, store)))
		return false; /* no CPU could copy it */
	if (!existing)
		return !store->brought;
	return strcmp(vocab_string(existing, PLAN_HEAP), vocab_string(store->heap, HEAP_ID)) == 0;
}

/* The heaps that suit a participant at one leaf: looked at once in each round. */
static const struct heap_set *heaps_of(struct search *search, unsigned int i, struct wish *wish)
{
	if (wish->round == search->round)
		return &wish->suits;
	wish->round = search->round;
	wish->suits = (struct heap_set){{0}};
	search->work += search->stores_len;
	for (unsigned int j = 0; j < search->stores_len; j++)
		if (suit_refusal(search, i, wish, &search->stores[j]) == UNITS)
			heap_set_add(&wish->suits, j);
	return &wish->suits;
}

void suit_heaps(struct search *search, const struct combination *combination,
		struct heap_set *ret_set)
{
	struct heap_set set = search->all_heaps, named;

	keep_listed(search, combination, &set, &named);
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i))
			keep(&set, heaps_of(search, i, combination->wish[i]));
	search->work += search->parties_len;
	*ret_set = (struct heap_set){{0}};
	for (unsigned int i = 0; i < search->stores_len; i++)
		if (heap_set_has(&set, i) && store_counts(search, &named, i))
			heap_set_add(ret_set, i);
}

/* ---- the size matters ---- */

static uint64_t longest_piece(const struct store *store, uint64_t memory_bytes)
{
	return arith_min(store->segment_max, memory_bytes);
}

bool suit_bounce(const struct search *search, const struct store *store, uint32_t bounced,
		 uint64_t memory_bytes)
{
	struct access_agent agents[SEARCH_PARTIES_MAX];
	unsigned int len = 0;

	if (longest_piece(store, memory_bytes) > BOUND_BOUNCE_BYTES)
		return false;
	for (unsigned int i = 0; i < search->parties_len; i++)
		if (search_is_active(search, i))
			agents[len++] = policy_end_of(&search->parties[i], bounced >> i & 1).agent;
	return access_check(agents, len, store->cached) == 0;
}

/* An IOMMU presents the pieces as one run, whatever their number. */
bool suit_segments(const struct search *search, const struct combination *combination,
		   const struct store *store, uint64_t memory_bytes)
{
	uint64_t longest = longest_piece(store, memory_bytes);
	/* udmabuf describes each page by itself, even those of one huge page */
	uint64_t pieces = store->contiguous && store->dma_heap ? 1
							       : memory_bytes / search->page_bytes;

	pieces = arith_min(pieces, UINT32_MAX); /* as who has no limit has that */

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct party *party = &search->parties[i];
		const struct wish *wish = combination->wish[i];

		if (!search_is_active(search, i))
			continue;
		if (longest > search_declared(search, i, wish, UNIT_SEGMENT_BYTES, UINT64_MAX) ||
		    pieces > search_declared(search, i, wish, UNIT_SEGMENTS, UINT64_MAX))
			return false;
		if (party->maps && !is_own(party, store) &&
		    search_counts(search, i, UNIT_DEVICE_SEGMENTS) &&
		    (longest > vocab_number(party->role, ROLE_SEGMENT_BYTES_MAX) ||
		     pieces > vocab_number(party->role, ROLE_SEGMENTS_MAX)))
			return false;
	}
	return true;
}
