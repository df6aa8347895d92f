/* SPDX-License-Identifier: MIT */
/*
 * Who is to blame: a minimal set of constraints that cannot hold together.
 *
 * Every constraint of every party is left out of account in turn. If the rest still has no answer
 * the constraint is not needed for the conflict and stays left out; if the rest has one, it is a
 * member. What remains is minimal by itself: without any one of its members there is an answer.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/solver/search.h"

#define TEXT_BYTES 1024

/* printf behind what `text` holds already; what does not fit is cut. */
static void __attribute__((format(printf, 2, 3)))
append(char text[TEXT_BYTES], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, TEXT_BYTES - used, format, args);
	va_end(args);
}

struct description {
	char wanted[TEXT_BYTES];
	char offered[TEXT_BYTES];
	const char *key;
	enum vocab_origin origin;
};

static void append_format(char text[TEXT_BYTES], const struct candidate *candidate)
{
	char name[FORMAT_TEXT_BYTES];

	format_text(candidate->fourcc, name);
	append(text, "%s%s", text[0] ? " " : "", name);
	if (candidate->modifier != FORMAT_MODIFIER_LINEAR)
		append(text, ":0x%llx", (unsigned long long)candidate->modifier);
}

/* Whether `i` (parties_len: the request) takes the candidate. */
static bool takes(const struct search *search, const struct candidate *candidate, unsigned int i)
{
	return i == search->parties_len ? candidate->request_position != SEARCH_NOWHERE
					: candidate->party[i].position != SEARCH_NOWHERE;
}

static bool all_others_take(const struct search *search, const struct candidate *candidate,
			    unsigned int but)
{
	for (unsigned int i = 0; i <= search->parties_len; i++)
		if (i != but && !takes(search, candidate, i))
			return false;
	return true;
}

static void describe_format(const struct search *search, unsigned int i, struct description *text)
{
	for (size_t j = 0; j < search->candidates_len; j++) {
		const struct candidate *candidate = &search->candidates[j];

		if (takes(search, candidate, i))
			append_format(text->wanted, candidate);
		if (all_others_take(search, candidate, i))
			append_format(text->offered, candidate);
	}
	if (!text->wanted[0])
		append(text->wanted, "none of the formats named");
	if (!text->offered[0])
		append(text->offered, "no format that all others take");
	text->key = "formats";
}

/* The candidate that most parties take: the one to speak of. */
static const struct candidate *sample(const struct search *search)
{
	const struct candidate *best = &search->candidates[0];
	unsigned int best_takers = 0;

	for (size_t j = 0; j < search->candidates_len; j++) {
		unsigned int takers = search->candidates[j].info ? 1 : 0;

		for (unsigned int i = 0; i <= search->parties_len && takers; i++)
			takers += takes(search, &search->candidates[j], i);
		if (takers > best_takers) {
			best_takers = takers;
			best = &search->candidates[j];
		}
	}
	return best;
}

static void describe_size(const struct search *search, unsigned int i, struct description *text)
{
	const struct device_format *facts = sample(search)->party[i].facts;

	append(text->offered, "%ux%u", search->request->width, search->request->height);
	if (!facts) {
		append(text->wanted, "another size");
		return;
	}
	text->origin = vocab_origin(facts, facts->sizes.len ? FORMAT_SIZES : FORMAT_WIDTH_MIN);
	for (size_t j = 0; j < facts->sizes.len; j++)
		append(text->wanted, "%s%ux%u", j ? " " : "one of ", facts->sizes.items[j].width,
		       facts->sizes.items[j].height);
	if (!facts->sizes.len)
		append(text->wanted, "%llux%llu to %llux%llu in steps of %llux%llu",
		       (unsigned long long)vocab_number(facts, FORMAT_WIDTH_MIN),
		       (unsigned long long)vocab_number(facts, FORMAT_HEIGHT_MIN),
		       (unsigned long long)vocab_number(facts, FORMAT_WIDTH_MAX),
		       (unsigned long long)vocab_number(facts, FORMAT_HEIGHT_MAX),
		       (unsigned long long)vocab_number(facts, FORMAT_WIDTH_STEP),
		       (unsigned long long)vocab_number(facts, FORMAT_HEIGHT_STEP));
}

static void describe_stride(const struct search *search, unsigned int i, struct description *text)
{
	const struct candidate *candidate = sample(search);
	const struct device_format *facts = candidate->party[i].facts;
	const struct participant *wish = search->parties[i].wish;
	uint32_t natural =
		candidate->info ? format_stride_min(candidate->info, search->request->width) : 0;

	if (facts) {
		text->origin = vocab_origin(facts, FORMAT_STRIDE_ALIGN);
		append(text->wanted, "%s a multiple of %llu bytes, at most %llu",
		       vocab_number(facts, FORMAT_STRIDE_CUSTOM) ? "any stride that is"
								 : "its own stride:",
		       (unsigned long long)vocab_number(facts, FORMAT_STRIDE_ALIGN),
		       (unsigned long long)vocab_number(facts, FORMAT_STRIDE_MAX));
	}
	if (vocab_has(wish, PARTICIPANT_STRIDE_ALIGN) || vocab_has(wish, PARTICIPANT_STRIDE_MIN) ||
	    vocab_has(wish, PARTICIPANT_STRIDE_MAX) || !facts) {
		append(text->wanted, "%sas declared: a multiple of %llu bytes, %llu to %llu",
		       text->wanted[0] ? "; " : "",
		       (unsigned long long)vocab_number(wish, PARTICIPANT_STRIDE_ALIGN),
		       (unsigned long long)vocab_number(wish, PARTICIPANT_STRIDE_MIN),
		       (unsigned long long)vocab_number(wish, PARTICIPANT_STRIDE_MAX));
		text->key = "stride-align";
	}
	append(text->offered, "%u bytes are the least for %u pixels", natural,
	       search->request->width);
}

static void describe_offset(const struct search *search, unsigned int i, struct description *text)
{
	const struct party *party = &search->parties[i];

	if (party->device && party->device->kind == KIND_V4L2 &&
	    !vocab_has(party->wish, PARTICIPANT_OFFSET_ALIGN))
		append(text->wanted, "planes that follow each other without a gap (V4L2)");
	else
		append(text->wanted, "plane offsets that are a multiple of %llu bytes",
		       (unsigned long long)vocab_number(party->wish, PARTICIPANT_OFFSET_ALIGN));
	append(text->offered, "offsets that do not suit all");
	text->key = "offset-align";
}

static void describe_bytes(const struct search *search, unsigned int i, struct description *text)
{
	const struct participant *wish = search->parties[i].wish;

	if (vocab_has(wish, PARTICIPANT_BYTES_MAX))
		append(text->wanted, "at most %llu bytes", (unsigned long long)wish->bytes_max);
	else if (vocab_has(wish, PARTICIPANT_BYTES_MIN))
		append(text->wanted, "at least %llu bytes", (unsigned long long)wish->bytes_min);
	else
		append(text->wanted, "room behind the picture");
	append(text->offered, "a picture of %ux%u", search->request->width,
	       search->request->height);
	text->key = vocab_has(wish, PARTICIPANT_BYTES_MAX) ? "bytes-max" : "bytes-min";
}

static void describe_contiguity(const struct search *search, unsigned int i,
				struct description *text)
{
	const struct party *party = &search->parties[i];

	append(text->wanted, "contiguous memory");
	for (size_t j = 0; j < search->heaps_len; j++)
		if (!vocab_number(search->heaps[j], HEAP_CONTIGUOUS))
			append(text->offered, "%s%s",
			       text->offered[0] ? ", " : "scattered memory: ",
			       vocab_string(search->heaps[j], HEAP_ID));
	text->origin = vocab_number(party->wish, PARTICIPANT_CONTIGUOUS)
			       ? VOCAB_DECLARED
			       : vocab_origin(party->role, ROLE_CONTIGUITY);
}

static void describe_reach(const struct search *search, unsigned int i, struct description *text)
{
	const struct party *party = &search->parties[i];

	append(text->wanted, "memory up to 0x%llx", (unsigned long long)suit_reach(party));
	for (size_t j = 0; j < search->heaps_len; j++)
		append(text->offered, "%s%s: up to 0x%llx", text->offered[0] ? ", " : "",
		       vocab_string(search->heaps[j], HEAP_ID),
		       (unsigned long long)suit_heap_top(search->heaps[j]));
	if (vocab_has(party->wish, PARTICIPANT_ADDRESS_BITS) || !party->device)
		text->origin = VOCAB_DECLARED;
	else
		text->origin =
			vocab_origin(party->device, vocab_has(party->device, DEVICE_ADDRESS_MAX)
							    ? DEVICE_ADDRESS_MAX
							    : DEVICE_ADDRESS_BITS);
}

static void describe_bounce(const struct search *search, unsigned int i, struct description *text)
{
	append(text->wanted, "no foreign memory: all that is mapped for it is bounced");
	append(text->offered, "heaps that it would never see, only copies");
	text->origin = vocab_origin(search->parties[i].device, DEVICE_BOUNCED);
}

static void describe_segments(const struct search *search, unsigned int i, struct description *text)
{
	const struct device_role *role = search->parties[i].role;
	bool length = vocab_has(role, ROLE_SEGMENT_BYTES_MAX);

	if (length)
		append(text->wanted, "pieces of at most %llu bytes",
		       (unsigned long long)vocab_number(role, ROLE_SEGMENT_BYTES_MAX));
	if (vocab_has(role, ROLE_SEGMENTS_MAX))
		append(text->wanted, "%sat most %llu pieces", length ? ", " : "",
		       (unsigned long long)vocab_number(role, ROLE_SEGMENTS_MAX));
	for (size_t j = 0; j < search->heaps_len; j++)
		append(text->offered, "%s%s: %s", text->offered[0] ? ", " : "",
		       vocab_string(search->heaps[j], HEAP_ID),
		       vocab_number(search->heaps[j], HEAP_CONTIGUOUS) ? "one piece"
								       : "many pieces");
	text->origin = vocab_origin(role, length ? ROLE_SEGMENT_BYTES_MAX : ROLE_SEGMENTS_MAX);
}

static void describe_kernel_map(const struct search *search, unsigned int i,
				struct description *text)
{
	append(text->wanted, "memory that the kernel maps for its driver, which copies");
	for (size_t j = 0; j < search->heaps_len; j++)
		if (!vocab_number(search->heaps[j], HEAP_KERNEL_MAP))
			append(text->offered, "%s%s", text->offered[0] ? ", " : "mapped wrongly: ",
			       vocab_string(search->heaps[j], HEAP_ID));
	text->origin = vocab_has(search->parties[i].role, ROLE_CPU_COPIES)
			       ? vocab_origin(search->parties[i].role, ROLE_CPU_COPIES)
			       : VOCAB_ASSUMED;
}

static void describe_count(const struct search *search, unsigned int i, struct description *text)
{
	const struct participant *wish = search->parties[i].wish;
	uint64_t sum = 0;

	for (unsigned int j = 0; j < search->parties_len; j++)
		sum += vocab_number(search->parties[j].wish, PARTICIPANT_CAMPING);
	append(text->wanted, "to hold %llu at once, of at most %llu",
	       (unsigned long long)vocab_number(wish, PARTICIPANT_CAMPING),
	       (unsigned long long)vocab_number(wish, PARTICIPANT_MAX_COUNT));
	append(text->offered, "%llu held by all together, count %llu", (unsigned long long)sum,
	       (unsigned long long)vocab_number(search->request, REQUEST_COUNT));
	text->key = vocab_has(wish, PARTICIPANT_MAX_COUNT) ? "max-count" : "camping";
}

static void describe_party(const struct search *search, unsigned int i, enum constraint constraint,
			   struct description *text)
{
	const struct party *party = &search->parties[i];

	switch (constraint) {
	case CONSTRAINT_FORMAT:
		describe_format(search, i, text);
		text->origin = party->role && !vocab_has(party->wish, PARTICIPANT_FORMATS)
				       ? VOCAB_KERNEL
				       : VOCAB_DECLARED;
		break;
	case CONSTRAINT_SIZE:
		describe_size(search, i, text);
		break;
	case CONSTRAINT_STRIDE:
		describe_stride(search, i, text);
		break;
	case CONSTRAINT_OFFSET:
		describe_offset(search, i, text);
		break;
	case CONSTRAINT_BYTES:
		describe_bytes(search, i, text);
		break;
	case CONSTRAINT_CONTIGUITY:
		describe_contiguity(search, i, text);
		break;
	case CONSTRAINT_REACH:
		describe_reach(search, i, text);
		break;
	case CONSTRAINT_BOUNCE:
		describe_bounce(search, i, text);
		break;
	case CONSTRAINT_SEGMENTS:
		describe_segments(search, i, text);
		break;
	case CONSTRAINT_KERNEL_MAP:
		describe_kernel_map(search, i, text);
		break;
	case CONSTRAINT_COUNT:
		describe_count(search, i, text);
		break;
	case CONSTRAINT_MAINTENANCE:
		append(text->wanted, suit_needs_maintenance(party)
					     ? "a heap whose SYNC reaches its mapping"
					     : "a heap whose SYNC does no harm");
		append(text->offered, "heaps that maintain for themselves only");
		break;
	default:
		append(text->wanted, "no foreign buffers");
		append(text->offered, "a dma-buf from a heap");
		text->origin = vocab_origin(party->role, ROLE_IMPORTS);
		break;
	}
}

static void describe_heaps(const struct search *search, struct description *text)
{
	const struct request *request = search->request;

	for (size_t i = 0; i < request->allowed_heaps.len; i++)
		append(text->wanted, "%s%s", i ? ", " : "only ", request->allowed_heaps.items[i]);
	for (size_t i = 0; i < request->forbidden_heaps.len; i++)
		append(text->wanted, "%s%s",
		       i		 ? ", "
		       : text->wanted[0] ? "; not "
					 : "not ",
		       request->forbidden_heaps.items[i]);
	if (!text->wanted[0])
		append(text->wanted, "a heap whose properties are known");
	for (size_t i = 0; i < search->heaps_len; i++)
		append(text->offered, "%s%s%s", i ? ", " : "",
		       vocab_string(search->heaps[i], HEAP_ID),
		       vocab_number(search->heaps[i], HEAP_KNOWN) ? "" : " (unknown properties)");
	text->key = request->forbidden_heaps.len && !request->allowed_heaps.len ? "forbidden-heaps"
										: "allowed-heaps";
}

static void append_bytes(char text[TEXT_BYTES], const struct heap *heap, unsigned int row,
			 const char *what)
{
	if (vocab_has(heap, row))
		append(text, ", %llu bytes %s", (unsigned long long)vocab_number(heap, row), what);
}

/* What is asked of the heaps when nothing but the layout counts. */
static void describe_capacity(struct search *search, struct description *text)
{
	struct merged merged;

	for (size_t i = 0; i < search->candidates_len; i++) {
		if (!merge_candidate(search, &search->candidates[i], &merged))
			continue;
		append(text->wanted, "%u buffers of %llu bytes", merged.count,
		       (unsigned long long)merged.memory_bytes);
		break;
	}
	for (size_t i = 0; i < search->heaps_len; i++) {
		append(text->offered, "%s%s", i ? "; " : "",
		       vocab_string(search->heaps[i], HEAP_ID));
		append_bytes(text->offered, search->heaps[i], HEAP_CAPACITY_BYTES, "in all");
		append_bytes(text->offered, search->heaps[i], HEAP_BUFFER_BYTES_MAX,
			     "in one buffer");
	}
}

static void describe_request(struct search *search, enum constraint constraint,
			     struct description *text)
{
	text->origin = VOCAB_DECLARED;
	switch (constraint) {
	case CONSTRAINT_FORMAT:
		describe_format(search, search->parties_len, text);
		break;
	case CONSTRAINT_HEAPS:
		describe_heaps(search, text);
		break;
	case CONSTRAINT_CAPACITY:
		describe_capacity(search, text);
		break;
	default:
		append(text->wanted, "%llu buffers",
		       (unsigned long long)vocab_number(search->request, REQUEST_COUNT));
		append(text->offered, "fewer");
		text->key = "count";
		break;
	}
}

static void report_member(struct search *search, unsigned int i, enum constraint constraint,
			  struct error *error)
{
	struct description text = {.origin = VOCAB_ASSUMED};
	const struct device *device = i < search->parties_len ? search->parties[i].device : NULL;
	const char *name = i < search->parties_len ? search->parties[i].name : NULL;
	struct refusal *refusal;

	if (name)
		describe_party(search, i, constraint, &text);
	else
		describe_request(search, constraint, &text);
	error_set(error, ERROR_CONFLICT, constraint, name, text.key, text.wanted, text.offered);
	if (!error || !error->details || !error->details->refusals.len)
		return;
	refusal =
		(struct refusal *)error->details->refusals.items[error->details->refusals.len - 1];
	if (device)
		vocab_set_string(refusal, REFUSAL_DEVICE, device->id, VOCAB_SOLVED);
	if (text.origin)
		vocab_set_number(refusal, REFUSAL_ORIGIN, text.origin, VOCAB_SOLVED);
}

static bool applies(const struct search *search, unsigned int i, enum constraint constraint)
{
	bool of_request = constraint == CONSTRAINT_HEAPS || constraint == CONSTRAINT_CAPACITY;

	if (i < search->parties_len)
		return !of_request;
	return of_request || constraint == CONSTRAINT_FORMAT || constraint == CONSTRAINT_COUNT;
}

/* Leaves out what the conflict does not need. */
static void minimise(struct search *search)
{
	struct option option;

	for (unsigned int i = 0; i <= search->parties_len; i++)
		for (int c = CONSTRAINT_DEVICE; c <= CONSTRAINT_COUNT; c++) {
			if (!applies(search, i, (enum constraint)c))
				continue;
			search->ignored.bits[i] |= 1u << c;
			if (choose(search, &option))
				search->ignored.bits[i] &= ~(1u << c);
		}
}

static bool has_answer_without_constraints(struct search *search)
{
	struct option option;
	bool found;

	memset(&search->ignored, 0xff, sizeof(search->ignored));
	found = choose(search, &option);
	memset(&search->ignored, 0, sizeof(search->ignored));
	return found;
}

int conflict_report(struct search *search, struct error *error)
{
	if (!search->heaps_len)
		return error_set(error, ERROR_CONFLICT, CONSTRAINT_HEAPS, NULL, NULL,
				 "a heap to allocate from", "no heap on this machine");
	if (!has_answer_without_constraints(search))
		return error_setf(error, ERROR_CONFLICT, CONSTRAINT_FORMAT, NULL, "formats",
				  "a linear format whose layout is known",
				  "no such format, or a picture of %ux%u that overflows",
				  search->request->width, search->request->height);
	minimise(search);
	for (unsigned int i = 0; i <= search->parties_len; i++)
		for (int c = CONSTRAINT_DEVICE; c <= CONSTRAINT_COUNT; c++)
			if (applies(search, i, (enum constraint)c) &&
			    search_counts(search, i, (enum constraint)c))
				report_member(search, i, (enum constraint)c, error);
	return error_rows[ERROR_CONFLICT].number;
}
