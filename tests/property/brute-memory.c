/* SPDX-License-Identifier: MIT */
/* Sections 2 and 5 of docs/negotiation.md: heaps, and what participants need of the memory. */
#include <string.h>

#include "tests/property/brute-inside.h"

#define BOUNCE_PIECE_MAX 262144

/* ---- 2. heaps ---- */

bool known_and(const struct heap *heap, unsigned int row, bool value)
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

uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t highest_address(const struct heap *heap)
{
	return least(highest_of_bits(vocab_number(heap, HEAP_ADDRESS_BITS)),
		     vocab_number(heap, HEAP_ADDRESS_MAX));
}

uint64_t scarcity(const struct scene *scene, const struct heap *heap)
{
	bool taken = !is_brought(scene, heap);
	bool known = vocab_has(heap, HEAP_ADDRESS_BITS) || vocab_has(heap, HEAP_ADDRESS_MAX);
	uint64_t highest = highest_address(heap);
	bool low = known && highest < (uint64_t)1 << 32 &&
		   vocab_has(scene->input->machine, MACHINE_MEMORY_MAX) &&
		   highest < vocab_number(scene->input->machine, MACHINE_MEMORY_MAX);

	return (vocab_number(heap, HEAP_PROTECTED) && taken ? 4 : 0) +
	       (vocab_number(heap, HEAP_CONTIGUOUS) && taken ? 2 : 0) + (low && taken ? 1 : 0);
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

static bool is_aliased(const struct scene *scene, const struct heap *heap)
{
	return vocab_number(scene->input->machine, MACHINE_CACHE_ALIASES) &&
	       (!vocab_has(heap, HEAP_CACHED) || heap->cached);
}

static bool aliases(const struct scene *scene, const struct heap *heap)
{
	uint64_t colour = vocab_number(scene->input->machine, MACHINE_MAPPING_COLOUR);

	return is_aliased(scene, heap) &&
	       (!vocab_number(heap, HEAP_CONTIGUOUS) || !known_and(heap, HEAP_EXPORTER, false) ||
		vocab_number(heap, HEAP_ALIGNMENT) % colour != 0);
}

static bool copying_aliases(const struct scene *scene, const struct user *user,
			    const struct heap *heap)
{
	bool others = scene->input->copied;

	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *other = &scene->users[i];

		others = others || (other != user &&
				    !(other->device && vocab_number(other->role, ROLE_CPU_COPIES)));
	}
	return others && is_aliased(scene, heap);
}

bool heap_may_serve(const struct scene *scene, const struct heap *heap)
{
	const struct request *request = scene->input->request;
	const struct brute_filter *filter = scene->input->filter;

	if (filter && filter->only_heap && strcmp(filter->only_heap, heap->id) != 0)
		return false;
	if (scene->input->copied && (vocab_number(heap, HEAP_PROTECTED) || aliases(scene, heap)))
		return false; /* the CPU copies */
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

/* Who does not import the memory asks nothing of it by the facts of his device. */
static bool imports(const struct scene *scene, const struct user *user, const struct heap *heap)
{
	return !has_own(scene, user) || !is_brought(scene, heap);
}

static bool contiguity_suits(const struct scene *scene, const struct user *user,
			     const struct heap *heap)
{
	if (vocab_number(heap, HEAP_CONTIGUOUS))
		return true;
	if (largest_said(scene, user, PARTICIPANT_CONTIGUOUS, BRUTE_CONTIGUOUS, 0))
		return false;
	return !user->device || is_translated(user) || !imports(scene, user, heap) ||
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
	return !maps(user) || !imports(scene, user, heap) ||
	       !counts(scene, user->number, BRUTE_MAINTENANCE) || is_coherent(user) ||
	       !maybe_cached || vocab_number(heap, HEAP_MAINTENANCE) == MAINTENANCE_ATTACHMENTS ||
	       (vocab_number(heap, HEAP_MAINTENANCE) == MAINTENANCE_EXPORTER &&
		vocab_number(scene->input->machine, MACHINE_COHERENCY) == COHERENCY_NON_COHERENT);
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
	return !maps(user) || is_translated(user) || !imports(scene, user, heap) ||
	       !counts(scene, user->number, BRUTE_DEVICE_SEGMENTS) ||
	       (number <= vocab_number(user->role, ROLE_SEGMENTS_MAX) &&
		longest <= vocab_number(user->role, ROLE_SEGMENT_BYTES_MAX));
}

bool memory_suits(const struct scene *scene, const struct user *user, const struct heap *heap,
		  uint64_t memory_bytes)
{
	if (user->device && imports(scene, user, heap) &&
	    counts(scene, user->number, BRUTE_IMPORTS) && !vocab_number(user->role, ROLE_IMPORTS))
		return false;
	if (may_copy(user) && counts(scene, user->number, BRUTE_KERNEL_MAP) &&
	    ((imports(scene, user, heap) && !vocab_number(heap, HEAP_KERNEL_MAP)) ||
	     copying_aliases(scene, user, heap)))
		return false;
	if ((cpu_reads(user) || cpu_writes(user)) &&
	    counts(scene, user->number, BRUTE_CACHE_ALIAS) && aliases(scene, heap))
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
	if (!maps(user) || is_translated(user) || !imports(scene, user, heap) ||
	    !counts(scene, user->number, BRUTE_DEVICE_REACH))
		return false;
	return highest_address(heap) >
		       highest_of_bits(vocab_number(user->device, DEVICE_ADDRESS_BITS)) ||
	       highest_address(heap) > vocab_number(user->device, DEVICE_ADDRESS_MAX);
}

static bool always_bounced(const struct scene *scene, const struct user *user,
			   const struct heap *heap)
{
	return maps(user) && imports(scene, user, heap) && !is_translated(user) &&
	       counts(scene, user->number, BRUTE_BOUNCED) &&
	       vocab_number(user->device, DEVICE_BOUNCED);
}

static bool may_bounce(const struct scene *scene, const struct user *user, const struct heap *heap,
		       uint64_t memory_bytes)
{
	const struct brute_input *input = scene->input;

	return (vocab_number(input->request, REQUEST_ALLOW_BOUNCE) ||
		(input->filter && input->filter->bounces) ||
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

		bool copies = user->role && vocab_number(user->role, ROLE_CPU_COPIES);

		if (user->device && !is_coherent(user) &&
		    (writer ? !bounced[user->number] && (maps(user) || !copies)
			    : user->writes && !copies))
			return false;
	}
	return true;
}

bool reach_suits(const struct scene *scene, const struct heap *heap, uint64_t memory_bytes,
		 bool *ret_bounced)
{
	for (unsigned int i = 0; i < scene->len; i++) {
		const struct user *user = &scene->users[i];
		bool out = out_of_reach(scene, user, heap);
		bool bounced = always_bounced(scene, user, heap) || out;

		if (!declared_reach_suits(scene, user, heap))
			return false;
		if (out && !always_bounced(scene, user, heap) &&
		    vocab_number(scene->input->machine, MACHINE_BOUNCE) != BOUNCE_REACH &&
		    vocab_number(scene->input->machine, MACHINE_BOUNCE) != BOUNCE_ALWAYS)
			return false;
		if (bounced && !may_bounce(scene, user, heap, memory_bytes))
			return false;
		ret_bounced[user->number] = bounced;
	}
	return brackets_are_safe(scene, ret_bounced);
}
