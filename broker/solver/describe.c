/* SPDX-License-Identifier: MIT */
/* The words of a member of a conflict: what it wants, and what there is instead. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/model/brought.h"
#include "broker/solver/search.h"

/* printf behind what `text` holds already; what does not fit is cut. */
static void __attribute__((format(printf, 3, 4)))
append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

#define APPEND(field, ...) append(field, sizeof(field), __VA_ARGS__)

/* "536870912 bytes (512M)" */
static void append_bytes(char *text, size_t size, const char *before, uint64_t bytes,
			 const char *after)
{
	static const char units[] = "KMGTPE";
	uint64_t unit = 1;
	int power = -1;

	for (; bytes / unit >= 1024; power++)
		unit *= 1024;
	append(text, size, "%s%llu bytes", before, (unsigned long long)bytes);
	if (power >= 0)
		append(text, size, " (%s%llu%c)", bytes % unit ? "about " : "",
		       (unsigned long long)(bytes / unit), units[power]);
	append(text, size, "%s", after);
}

/* ---- formats ---- */

static bool is_in(const uint64_t *set, unsigned int candidate)
{
	return set[candidate / 64] >> (candidate % 64) & 1;
}

/* Whether the participant (parties_len: the request) takes the candidate, in one of its leaves. */
static bool takes(const struct search *search, unsigned int i, unsigned int candidate)
{
	const struct party *party = &search->parties[i];

	if (i == search->parties_len)
		return !search->request_list || is_in(search->request_list->takes, candidate);
	if (party->list && !is_in(party->list->takes, candidate))
		return false;
	for (unsigned int j = 0; j < party->wishes_len; j++) {
		bool all = true;

		for (unsigned int k = 0; k < party->wishes[j].lists_len && all; k++)
			all = is_in(party->wishes[j].lists[k]->takes, candidate);
		if (all)
			return true;
	}
	return false;
}

static bool others_take(const struct search *search, unsigned int but, unsigned int candidate)
{
	for (unsigned int i = 0; i <= search->parties_len; i++)
		if (i != but && !takes(search, i, candidate))
			return false;
	return true;
}

/* The candidate that most take: the one to speak of. */
static const struct candidate *sample(const struct search *search)
{
	unsigned int best = 0, best_takers = 0;

	for (unsigned int j = 0; j < search->candidates_len; j++) {
		unsigned int takers = is_in(search->laid_out, j) ? 1 : 0;

		for (unsigned int i = 0; i <= search->parties_len && takers; i++)
			takers += takes(search, i, j);
		if (takers > best_takers) {
			best_takers = takers;
			best = j;
		}
	}
	return &search->candidates[best];
}

static const struct device_format *sample_facts(const struct search *search, unsigned int i)
{
	const struct party *party = &search->parties[i];

	return party->facts ? party->facts[sample(search) - search->candidates] : NULL;
}

static void append_format(char *text, size_t size, const struct candidate *candidate)
{
	char name[FORMAT_TEXT_BYTES];

	format_text(candidate->fourcc, name);
	append(text, size, "%s%s", text[0] ? " " : "", name);
	if (candidate->modifier != FORMAT_MODIFIER_LINEAR)
		append(text, size, ":0x%llx", (unsigned long long)candidate->modifier);
}

static void describe_formats(const struct search *search, unsigned int i, struct description *text)
{
	for (unsigned int j = 0; j < search->candidates_len; j++) {
		if (takes(search, i, j)) {
			append_format(text->wanted, sizeof(text->wanted), &search->candidates[j]);
			append_format(text->value, sizeof(text->value), &search->candidates[j]);
		}
		if (others_take(search, i, j))
			append_format(text->offered, sizeof(text->offered), &search->candidates[j]);
	}
	if (!text->wanted[0])
		APPEND(text->wanted, "none of the formats named");
	if (!text->offered[0])
		APPEND(text->offered, "no format that all others take");
}

/* ---- numbers ---- */

/* The value that the first leaf which has any declares. */
static uint64_t declared_number(const struct party *party, enum unit unit)
{
	for (unsigned int j = 0; j < party->wishes_len; j++)
		if (party->wishes[j].number[unit] != wish_neutral(unit))
			return party->wishes[j].number[unit];
	return wish_neutral(unit);
}

static bool device_number(const struct search *search, unsigned int i, enum unit unit,
			  uint64_t *ret_number)
{
	const struct device_format *facts = sample_facts(search, i);
	const struct party *party = &search->parties[i];

	if (unit == UNIT_DEVICE_OFFSET && party->role) {
		*ret_number = vocab_number(party->role, ROLE_OFFSET_ALIGN);
		return true;
	}
	if (!facts)
		return false;
	switch (unit) {
	case UNIT_DEVICE_STRIDE:
		*ret_number = vocab_number(facts, FORMAT_STRIDE_ALIGN);
		return true;
	case UNIT_DEVICE_STRIDE_MAX:
		*ret_number = vocab_number(facts, FORMAT_STRIDE_MAX);
		return true;
	case UNIT_DEVICE_ROWS:
		*ret_number = vocab_number(facts, FORMAT_HEIGHT_ALIGN);
		return true;
	case UNIT_DEVICE_TAIL:
		*ret_number = vocab_number(facts, FORMAT_TAIL_BYTES);
		return true;
	default:
		return false;
	}
}

static uint64_t largest_capacity(const struct search *search)
{
	uint64_t most = 0;

	for (unsigned int i = 0; i < search->stores_len; i++)
		most = arith_max(
			most, arith_min(search->stores[i].capacity, search->stores[i].buffer_max));
	return most;
}

bool describe_number(const struct search *search, unsigned int party, enum unit unit,
		     uint64_t *ret_number)
{
	if (party < search->parties_len && wish_is_number(unit)) {
		*ret_number = declared_number(&search->parties[party], unit);
		return true;
	}
	if (party < search->parties_len)
		return device_number(search, party, unit, ret_number);
	if (unit == UNIT_REQUEST_COUNT)
		*ret_number = vocab_number(search->request, REQUEST_COUNT);
	else if (unit == UNIT_REQUEST_CAPACITY)
		*ret_number = largest_capacity(search);
	else
		return false;
	return true;
}

/* ---- what there is ---- */

static void offer_size(const struct search *search, struct description *text)
{
	APPEND(text->offered, "%ux%u", search->request->width, search->request->height);
	for (unsigned int i = 0; i < search->parties_len; i++)
		for (unsigned int j = 0; j < search->parties[i].wishes_len; j++) {
			const struct wish *wish = &search->parties[i].wishes[j];

			for (unsigned int k = 0; k < wish->path_len && wish->has_sizes; k++)
				for (size_t n = 0; n < wish->path[k]->sizes.len; n++)
					APPEND(text->offered, ", %ux%u",
					       wish->path[k]->sizes.items[n].width,
					       wish->path[k]->sizes.items[n].height);
		}
}

static void offer_stride(const struct search *search, struct description *text)
{
	const struct candidate *candidate = sample(search);
	char name[FORMAT_TEXT_BYTES];

	format_text(candidate->fourcc, name);
	if (candidate->info)
		APPEND(text->offered, "%u bytes are the least for %u pixels of %s",
		       format_stride_min(candidate->info, search->request->width),
		       search->request->width, name);
	else
		APPEND(text->offered, "the stride of %s as it is supplied", name);
}

static void offer_count(const struct search *search, struct description *text)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < search->parties_len; i++) {
		const struct party *party = &search->parties[i];
		uint64_t camping = declared_number(party, UNIT_CAMPING);

		if (!party->idle)
			sum += party->role ? arith_max(camping, party->min_buffers) : camping;
	}
	APPEND(text->offered, "%llu held by all together, count %llu", (unsigned long long)sum,
	       (unsigned long long)vocab_number(search->request, REQUEST_COUNT));
}

static const char *heap_words(const struct store *store, enum constraint constraint, char *words,
			      size_t size)
{
	switch (constraint) {
	case CONSTRAINT_CONTIGUITY:
		return store->contiguous ? "contiguous" : "scattered";
	case CONSTRAINT_REACH:
	case CONSTRAINT_BOUNCE:
		snprintf(words, size, "up to 0x%llx", (unsigned long long)store->top);
		return words;
	case CONSTRAINT_ALIGNMENT:
		snprintf(words, size, "aligned to %llu", (unsigned long long)store->alignment);
		return words;
	case CONSTRAINT_SEGMENTS:
		return store->contiguous && store->dma_heap ? "one piece" : "many pieces";
	case CONSTRAINT_PROTECTED:
		return store->is_protected ? "protected" : "not protected";
	case CONSTRAINT_MAINTENANCE:
		return vocab_enum_name(store->heap, HEAP_MAINTENANCE);
	case CONSTRAINT_CACHE_ALIAS:
		return !store->cached	    ? "not cached"
		       : !store->contiguous ? "cached, scattered"
					    : "cached, aligned to less";
	case CONSTRAINT_KERNEL_MAP:
		return !store->kernel_map ? "mapped wrongly"
		       : store->cached	  ? "mapped cached"
					  : "mapped uncached";
	default:
		return store->known ? "" : "unknown properties";
	}
}

static void offer_heaps(const struct search *search, enum constraint constraint,
			struct description *text)
{
	char buffer[64];

	for (unsigned int i = 0; i < search->stores_len; i++) {
		const struct store *store = &search->stores[i];
		const char *words = heap_words(store, constraint, buffer, sizeof(buffer));

		APPEND(text->offered, "%s%s%s%s%s", i ? ", " : "",
		       vocab_string(store->heap, HEAP_ID), words[0] ? " (" : "", words,
		       words[0] ? ")" : "");
	}
}

static void offer_capacity(const struct search *search, struct description *text)
{
	size_t size = sizeof(text->offered);

	for (unsigned int i = 0; i < search->stores_len; i++) {
		const struct store *store = &search->stores[i];
		bool whole = store->capacity != UINT64_MAX,
		     one = store->buffer_max < store->capacity;

		if (store->brought)
			continue;
		APPEND(text->offered, "%s%s", text->offered[0] ? "; " : "",
		       vocab_string(store->heap, HEAP_ID));
		if (whole)
			append_bytes(text->offered, size, ": ", store->capacity, " in all");
		if (one)
			append_bytes(text->offered, size, whole ? ", " : ": ", store->buffer_max,
				     " in one buffer");
		if (!whole && !one)
			APPEND(text->offered, ": no limit known");
	}
}

static void offer(const struct search *search, enum unit unit, struct description *text)
{
	switch (search_units[unit].constraint) {
	case CONSTRAINT_SIZE:
		offer_size(search, text);
		break;
	case CONSTRAINT_STRIDE:
		offer_stride(search, text);
		break;
	case CONSTRAINT_COUNT:
		offer_count(search, text);
		break;
	case CONSTRAINT_OFFSET:
		APPEND(text->offered, "planes that do not lie so for all");
		break;
	case CONSTRAINT_BYTES:
	case CONSTRAINT_EXPRESS:
		APPEND(text->offered, "a picture of %ux%u", search->request->width,
		       search->request->height);
		break;
	case CONSTRAINT_CAPACITY:
		offer_capacity(search, text);
		break;
	case CONSTRAINT_DEVICE:
		APPEND(text->offered, "a dma-buf from a heap");
		break;
	case CONSTRAINT_COLOUR:
		APPEND(text->offered, "colour spaces of the others");
		break;
	case CONSTRAINT_LAYOUT:
		APPEND(text->offered, "none, or another one");
		break;
	case CONSTRAINT_EXISTING:
		APPEND(text->offered, "buffers that would have to be others");
		break;
	default:
		offer_heaps(search, search_units[unit].constraint, text);
		break;
	}
}

/* ---- what is wanted ---- */

/* Words around a number; %llu is its place. */
static const char *number_words(enum unit unit)
{
	switch (unit) {
	case UNIT_WIDTH_MIN:
		return "a width of at least %llu pixels";
	case UNIT_WIDTH_MAX:
		return "a width of at most %llu pixels";
	case UNIT_HEIGHT_MIN:
		return "a height of at least %llu pixels";
	case UNIT_HEIGHT_MAX:
		return "a height of at most %llu pixels";
	case UNIT_AREA_MAX:
		return "at most %llu pixels in all";
	case UNIT_WIDTH_ALIGN:
		return "a width that is a multiple of %llu pixels";
	case UNIT_HEIGHT_ALIGN:
		return "a height that is a multiple of %llu pixels";
	case UNIT_STRIDE_MIN:
		return "a stride of at least %llu bytes";
	case UNIT_STRIDE_MAX:
	case UNIT_DEVICE_STRIDE_MAX:
		return "a stride of at most %llu bytes";
	case UNIT_STRIDE_ALIGN:
		return "strides that are a multiple of %llu bytes";
	case UNIT_OFFSET_ALIGN:
	case UNIT_DEVICE_OFFSET:
		return "plane offsets that are a multiple of %llu bytes";
	case UNIT_ROWS_ALIGN:
	case UNIT_DEVICE_ROWS:
		return "rows in memory up to a multiple of %llu";
	case UNIT_BYTES_MIN:
		return "at least %llu bytes";
	case UNIT_BYTES_MAX:
		return "at most %llu bytes";
	case UNIT_BYTES_ALIGN:
		return "a multiple of %llu bytes";
	case UNIT_TAIL:
	case UNIT_DEVICE_TAIL:
		return "%llu bytes behind the picture";
	case UNIT_BASE_ALIGN:
		return "an address that is a multiple of %llu";
	case UNIT_ADDRESS_BITS:
		return "addresses of at most %llu bits";
	case UNIT_SEGMENTS:
		return "at most %llu pieces";
	case UNIT_SEGMENT_BYTES:
		return "pieces of at most %llu bytes";
	case UNIT_CAMPING:
		return "to hold %llu buffers at once";
	case UNIT_MIN_COUNT:
	case UNIT_REQUEST_COUNT:
		return "at least %llu buffers";
	case UNIT_MAX_COUNT:
		return "at most %llu buffers";
	default:
		return NULL;
	}
}

static void append_number(char *text, size_t size, const char *words, uint64_t number)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	append(text, size, words, (unsigned long long)number);
#pragma GCC diagnostic pop
}

static void want_device_stride(const struct search *search, unsigned int i,
			       struct description *text)
{
	const struct device_format *facts = sample_facts(search, i);
	bool custom = facts && vocab_number(facts, FORMAT_STRIDE_CUSTOM);
	uint64_t align = facts ? vocab_number(facts, FORMAT_STRIDE_ALIGN) : 1;

	APPEND(text->wanted, "%s a multiple of %llu bytes",
	       custom ? "any stride that is" : "the stride that it computes itself:",
	       (unsigned long long)align);
	APPEND(text->value, "%llu", (unsigned long long)align);
}

static void want_device_size(const struct search *search, unsigned int i, struct description *text)
{
	const struct device_format *facts = sample_facts(search, i);

	if (!facts) {
		APPEND(text->wanted, "another size");
		return;
	}
	text->origin = vocab_origin(facts, facts->sizes.len ? FORMAT_SIZES : FORMAT_WIDTH_MIN);
	for (size_t j = 0; j < facts->sizes.len; j++)
		APPEND(text->wanted, "%s%ux%u", j ? " " : "one of ", facts->sizes.items[j].width,
		       facts->sizes.items[j].height);
	if (!facts->sizes.len)
		APPEND(text->wanted, "%llux%llu to %llux%llu in steps of %llux%llu",
		       (unsigned long long)vocab_number(facts, FORMAT_WIDTH_MIN),
		       (unsigned long long)vocab_number(facts, FORMAT_HEIGHT_MIN),
		       (unsigned long long)vocab_number(facts, FORMAT_WIDTH_MAX),
		       (unsigned long long)vocab_number(facts, FORMAT_HEIGHT_MAX),
		       (unsigned long long)vocab_number(facts, FORMAT_WIDTH_STEP),
		       (unsigned long long)vocab_number(facts, FORMAT_HEIGHT_STEP));
	/* the value begins after "one of " */
	APPEND(text->value, "%s", text->wanted + (facts->sizes.len ? strlen("one of ") : 0));
}

static void want_heaps(const struct vocab_strings *list, const char *words,
		       struct description *text)
{
	for (size_t i = 0; i < list->len; i++) {
		APPEND(text->wanted, "%s%s", i ? ", " : words, list->items[i]);
		APPEND(text->value, "%s%s", i ? ", " : "", list->items[i]);
	}
}

static void want_wish_heaps(const struct party *party, bool allowed, struct description *text)
{
	for (unsigned int j = 0; j < party->wishes_len; j++)
		for (unsigned int k = 0; k < party->wishes[j].path_len && !text->wanted[0]; k++) {
			const struct participant *record = party->wishes[j].path[k];

			if (allowed)
				want_heaps(&record->allowed_heaps, "only ", text);
			else
				want_heaps(&record->forbidden_heaps, "not ", text);
		}
}

static enum vocab_origin role_origin(const struct party *party, unsigned int row)
{
	return party->role && vocab_has(party->role, row) ? vocab_origin(party->role, row)
							  : VOCAB_ASSUMED;
}

static void want_segments(const struct party *party, struct description *text)
{
	bool length = vocab_has(party->role, ROLE_SEGMENT_BYTES_MAX);

	if (length)
		APPEND(text->wanted, "pieces of at most %llu bytes",
		       (unsigned long long)vocab_number(party->role, ROLE_SEGMENT_BYTES_MAX));
	if (vocab_has(party->role, ROLE_SEGMENTS_MAX))
		APPEND(text->wanted, "%sat most %llu pieces", length ? ", " : "",
		       (unsigned long long)vocab_number(party->role, ROLE_SEGMENTS_MAX));
	text->origin = role_origin(party, length ? ROLE_SEGMENT_BYTES_MAX : ROLE_SEGMENTS_MAX);
}

static void want_reach(const struct party *party, bool bounce_allowed, struct description *text)
{
	APPEND(text->wanted, "memory up to 0x%llx", (unsigned long long)party->device_reach);
	if (bounce_allowed)
		APPEND(text->wanted, ", or what the kernel can bounce: pieces of at most %d bytes",
		       BOUND_BOUNCE_BYTES);
	APPEND(text->value, "0x%llx", (unsigned long long)party->device_reach);
	text->origin = vocab_has(party->device, DEVICE_ADDRESS_MAX)
			       ? vocab_origin(party->device, DEVICE_ADDRESS_MAX)
			       : vocab_origin(party->device, DEVICE_ADDRESS_BITS);
}

static void want_of_device(const struct search *search, unsigned int i, enum unit unit,
			   struct description *text)
{
	const struct party *party = &search->parties[i];

	switch (unit) {
	case UNIT_IMPORTS:
		APPEND(text->wanted, "no foreign buffers");
		text->origin = role_origin(party, ROLE_IMPORTS);
		break;
	case UNIT_EXPRESS:
		APPEND(text->wanted, "%s",
		       party->is_v4l2 ? "a layout that V4L2 has words for"
				      : "a layout that DRM has words for");
		break;
	case UNIT_DEVICE_SIZE:
		want_device_size(search, i, text);
		break;
	case UNIT_DEVICE_STRIDE:
		want_device_stride(search, i, text);
		break;
	case UNIT_DEVICE_PACKED:
		APPEND(text->wanted, "planes that follow each other without a gap (V4L2)");
		break;
	case UNIT_DEVICE_CONTIGUITY:
		APPEND(text->wanted, "contiguous memory");
		APPEND(text->value, "%s", vocab_enum_name(party->role, ROLE_CONTIGUITY));
		text->origin = role_origin(party, ROLE_CONTIGUITY);
		break;
	case UNIT_DEVICE_REACH:
		want_reach(party, search->bounce_allowed, text);
		break;
	case UNIT_BOUNCED:
		APPEND(text->wanted, "no foreign memory: all that is mapped for it is bounced");
		text->origin = vocab_origin(party->device, DEVICE_BOUNCED);
		break;
	case UNIT_DEVICE_SEGMENTS:
		want_segments(party, text);
		break;
	case UNIT_MAINTENANCE:
		APPEND(text->wanted, party->incoherent ? "a heap whose SYNC reaches its mapping"
						       : "a heap whose SYNC does no harm");
		break;
	case UNIT_KERNEL_MAP:
		APPEND(text->wanted,
		       "memory that the kernel maps for its driver, which copies, and "
		       "uncached where the CPU's cache aliases");
		text->origin = role_origin(party, ROLE_CPU_COPIES);
		break;
	default:
		break;
	}
}

static void want_declared(const struct party *party, enum unit unit, struct description *text)
{
	text->origin = VOCAB_DECLARED;
	switch (unit) {
	case UNIT_STRIDE_PIXELS:
		APPEND(text->wanted, "strides of whole pixels");
		break;
	case UNIT_CONTIGUOUS:
		APPEND(text->wanted, "contiguous memory");
		break;
	case UNIT_PROTECTED:
		APPEND(text->wanted, "memory that the CPU cannot reach");
		break;
	case UNIT_UNPROTECTED:
		APPEND(text->wanted, "memory that is not protected");
		text->origin = VOCAB_ASSUMED;
		break;
	case UNIT_CACHE_ALIAS:
		APPEND(text->wanted, "memory that is not cached, or contiguous and aligned to the "
				     "colour of the CPU's cache, which aliases");
		text->origin = VOCAB_KERNEL;
		break;
	case UNIT_ALLOWED_HEAPS:
		want_wish_heaps(party, true, text);
		break;
	case UNIT_FORBIDDEN_HEAPS:
		want_wish_heaps(party, false, text);
		break;
	case UNIT_COLOURS:
		APPEND(text->wanted, "one of its colour spaces");
		break;
	case UNIT_LAYOUTS:
		APPEND(text->wanted, "the layout that it supplies");
		break;
	case UNIT_BUFFERS:
		APPEND(text->wanted, "its own buffers: %zu of %s", party->record->buffers.len,
		       brought_exporter(party->record));
		APPEND(text->value, "%zu of %s", party->record->buffers.len,
		       brought_exporter(party->record));
		break;
	case UNIT_SIZES:
		APPEND(text->wanted, "room for its further sizes, and that all take them");
		break;
	default:
		break;
	}
}

/* At least what a picture takes that has nothing between its rows and planes. */
static void want_room(const struct search *search, struct description *text)
{
	const struct format_info *info = sample(search)->info;
	uint32_t stride = info ? format_stride_min(info, search->request->width) : 0;
	struct format_layout layout;

	APPEND(text->wanted, "a heap with room for all buffers");
	if (stride && format_layout(info, search->request->height, stride, 1, &layout))
		append_bytes(text->wanted, sizeof(text->wanted), ", each of at least ",
			     layout.total, "");
}

static void want_of_request(const struct search *search, enum unit unit, struct description *text)
{
	const struct request *request = search->request;

	text->origin = VOCAB_DECLARED;
	switch (unit) {
	case UNIT_REQUEST_LAYOUT:
		APPEND(text->wanted, "a layout of the format: it is not linear, or has none");
		break;
	case UNIT_REQUEST_COLOUR:
		APPEND(text->wanted, "the colour space of the request");
		break;
	case UNIT_REQUEST_ALLOWED:
		want_heaps(&request->allowed_heaps, "only ", text);
		break;
	case UNIT_REQUEST_FORBIDDEN:
		want_heaps(&request->forbidden_heaps, "not ", text);
		break;
	case UNIT_REQUEST_KNOWN:
		APPEND(text->wanted, "a heap whose properties are known");
		break;
	case UNIT_REQUEST_SCARCE:
		APPEND(text->wanted, "memory that is not scarce");
		break;
	case UNIT_REQUEST_CAPACITY:
		want_room(search, text);
		APPEND(text->value, "%llu", (unsigned long long)largest_capacity(search));
		text->origin = VOCAB_KERNEL;
		break;
	case UNIT_REQUEST_EXISTING:
		APPEND(text->wanted, "the buffers that exist: heap %s, %u of them",
		       vocab_string(search->options->existing, PLAN_HEAP),
		       search->options->existing->count);
		break;
	default:
		break;
	}
}

void describe(struct search *search, unsigned int party, enum unit unit,
	      struct description *ret_text)
{
	const char *words = number_words(unit);
	bool of_device = strncmp(search_units[unit].key, "device.", 7) == 0;
	uint64_t number;

	ret_text->origin = of_device ? VOCAB_KERNEL : VOCAB_DECLARED;
	if (search_units[unit].constraint == CONSTRAINT_FORMAT) {
		describe_formats(search, party, ret_text);
		return;
	}
	if (unit == UNIT_CAMPING && search->parties[party].role &&
	    search->parties[party].min_buffers > declared_number(&search->parties[party], unit)) {
		APPEND(ret_text->wanted, "to hold %llu buffers at once: its driver's least",
		       (unsigned long long)search->parties[party].min_buffers);
		APPEND(ret_text->value, "%llu",
		       (unsigned long long)search->parties[party].min_buffers);
		ret_text->origin = role_origin(&search->parties[party], ROLE_MIN_BUFFERS);
	} else if (words && describe_number(search, party, unit, &number)) {
		append_number(ret_text->wanted, sizeof(ret_text->wanted), words, number);
		APPEND(ret_text->value, "%llu", (unsigned long long)number);
	} else if (party == search->parties_len) {
		want_of_request(search, unit, ret_text);
	} else if (of_device) {
		want_of_device(search, party, unit, ret_text);
	} else {
		want_declared(&search->parties[party], unit, ret_text);
	}
	if (!ret_text->wanted[0])
		APPEND(ret_text->wanted, "%s", search_units[unit].key);
	offer(search, unit, ret_text);
}
