/* SPDX-License-Identifier: MIT */
#include "ctl/party.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/facts.h"
#include "ctl/key.h"
#include "ctl/text.h"

#define FORMATS_SHOWN 3
#define SIZES_SHOWN 2
#define NAMES_SHOWN 3

/* ---- finding ---- */

static const struct dmabroker_record *find_device(const struct party_devices *devices,
						  const char *name)
{
	for (size_t i = 0; i < devices->len; i++)
		if (strcmp(text_string(devices->records[i], "id", ""), name) == 0 ||
		    strcmp(text_string(devices->records[i], "node", ""), name) == 0)
			return devices->records[i];
	return NULL;
}

/* The role of this name, or the only one. */
static const struct dmabroker_record *find_role(const struct dmabroker_record *device,
						const char *name)
{
	const struct dmabroker_record *role;

	for (size_t i = 0; dmabroker_record_get_record(device, "roles", i, &role) == 0; i++)
		if (name ? strcmp(text_string(role, "role", ""), name) == 0
			 : dmabroker_record_get_len(device, "roles") == 1)
			return role;
	return NULL;
}

/* The first entry of this fourcc (0: of any). */
static const struct dmabroker_record *find_format(const struct dmabroker_record *role,
						  uint32_t fourcc)
{
	const struct dmabroker_record *format;

	for (size_t i = 0; dmabroker_record_get_record(role, "formats", i, &format) == 0; i++)
		if (!fourcc || facts_number(format, "format", 0) == fourcc)
			return format;
	return NULL;
}

/* Adds the alternatives that hold, level by level. */
static void add_alternatives(struct party *party, const char *alternative)
{
	const struct dmabroker_record *record = party->said[0];
	char *end;

	while (alternative && *alternative && party->said_len < PARTY_SAID_MAX) {
		size_t index = strtoul(alternative, &end, 10);

		if (dmabroker_record_get_record(record, "alternatives", index, &record) < 0)
			return;
		party->said[party->said_len++] = record;
		alternative = *end == '.' ? end + 1 : NULL;
	}
}

void party_init(struct party *party, const struct party_devices *devices,
		const struct dmabroker_record *participant, const char *alternative,
		uint32_t format)
{
	*party = (struct party){.said = {participant}, .said_len = 1};
	add_alternatives(party, alternative);
	party->device = find_device(devices, text_string(participant, "device", ""));
	if (party->device)
		party->role =
			find_role(party->device, dmabroker_record_get_string(participant, "role"));
	if (party->role)
		party->format = find_format(party->role, format);
}

/* ---- values ---- */

/* The largest of the values that are declared, or `otherwise`. */
static uint64_t largest(const struct party *party, const char *key, uint64_t otherwise)
{
	uint64_t value = otherwise, number;
	bool found = false;

	for (size_t i = 0; i < party->said_len; i++) {
		if (dmabroker_record_get_uint(party->said[i], key, &number) < 0)
			continue;
		if (!found || number > value)
			value = number;
		found = true;
	}
	return value;
}

static uint64_t smallest(const struct party *party, const char *key, uint64_t otherwise)
{
	uint64_t value = otherwise, number;
	bool found = false;

	for (size_t i = 0; i < party->said_len; i++) {
		if (dmabroker_record_get_uint(party->said[i], key, &number) < 0)
			continue;
		if (!found || number < value)
			value = number;
		found = true;
	}
	return value;
}

static uint64_t fact(const struct dmabroker_record *record, const char *key, uint64_t otherwise)
{
	return record ? facts_number(record, key, otherwise) : otherwise;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Least common multiple; the larger where there is none in 64 bits. */
static uint64_t multiple(uint64_t a, uint64_t b)
{
	uint64_t divisor = a, rest = b, next, product;

	while (rest) {
		next = divisor % rest;
		divisor = rest;
		rest = next;
	}
	if (!divisor || __builtin_mul_overflow(a / divisor, b, &product))
		return larger(a, b);
	return product;
}

static uint64_t alignment(const struct party *party, const char *key)
{
	uint64_t value = 1, number;

	for (size_t i = 0; i < party->said_len; i++)
		if (dmabroker_record_get_uint(party->said[i], key, &number) == 0)
			value = multiple(value, number);
	return value;
}

/* Takes `more`, which goes behind the words with a space. */
static void add(char **words, char *more)
{
	char *longer;

	if (*more) {
		longer = text_format("%s%s%s", *words, **words ? " " : "", more);
		free(*words);
		*words = longer;
	}
	free(more);
}

/* Whether it is less than 1024 of some unit: text_bytes does not round that. */
static bool is_whole(uint64_t bytes)
{
	while (bytes >= 1024 && bytes % 1024 == 0)
		bytes /= 1024;
	return bytes < 1024;
}

/* Adds "<=64K" and the like. */
static void add_bytes(const struct party *party, char **words, const char *before, uint64_t bytes)
{
	bool plain = bytes < 65536 || (party->exact && !is_whole(bytes));
	char *text = plain ? text_format("%" PRIu64, bytes) : text_bytes(bytes);

	add(words, text_format("%s%s", before, text));
	free(text);
}

/* ---- formats ---- */

/* "NV12", "NV12:0x100000000000001", "NV12:*", "any", "any linear" */
static char *format_text(uint32_t fourcc, uint64_t modifier)
{
	char *name, *number, *text;

	if (fourcc == KEY_ANY_FOURCC && modifier == KEY_ANY_MODIFIER)
		return text_format("any");
	if (fourcc == KEY_ANY_FOURCC && !modifier)
		return text_format("any linear");
	name = text_listed_fourcc(fourcc);
	if (!modifier)
		return name;
	number = text_listed_modifier(modifier);
	text = text_format("%s:%s", name, number);
	free(number);
	free(name);
	return text;
}

static char *declared_formats(const struct dmabroker_record *record, const char *key)
{
	size_t len = dmabroker_record_get_len(record, key);
	char *words = text_format("%s", "");
	uint64_t modifier = 0;
	uint32_t fourcc = 0;

	for (size_t i = 0; i < len && i < FORMATS_SHOWN; i++) {
		dmabroker_record_get_format(record, key, i, &fourcc, &modifier);
		add(&words, format_text(fourcc, modifier));
	}
	if (len > FORMATS_SHOWN)
		add(&words, text_format("+%zu", len - FORMATS_SHOWN));
	return words;
}

/* Whether an entry before this one has the same fourcc. */
static bool is_again(const struct dmabroker_record *role, size_t index, uint64_t fourcc)
{
	const struct dmabroker_record *format;

	for (size_t i = 0; i < index; i++)
		if (dmabroker_record_get_record(role, "formats", i, &format) == 0 &&
		    facts_number(format, "format", 0) == fourcc)
			return true;
	return false;
}

/* The device's fourccs, that of party->format before the others. */
static char *device_formats(const struct party *party)
{
	uint64_t first = fact(party->format, "format", 0), fourcc;
	const struct dmabroker_record *format;
	char *words = text_format("%s", "");
	size_t shown = 1, more = 0;

	if (party->format)
		add(&words, text_fourcc((uint32_t)first));
	for (size_t i = 0; dmabroker_record_get_record(party->role, "formats", i, &format) == 0;
	     i++) {
		fourcc = facts_number(format, "format", 0);
		if (fourcc == first || is_again(party->role, i, fourcc))
			continue;
		if (shown++ < FORMATS_SHOWN)
			add(&words, text_fourcc((uint32_t)fourcc));
		else
			more++;
	}
	if (more)
		add(&words, text_format("+%zu", more));
	return words;
}

static char *formats_words(const struct party *party)
{
	char *words;

	for (size_t i = 0; i < party->said_len; i++)
		if (dmabroker_record_get_len(party->said[i], "formats"))
			break;
		else if (i + 1 == party->said_len)
			return party->role ? device_formats(party) : text_format("%s", "");
	words = text_format("%s", "");
	for (size_t i = 0; i < party->said_len; i++)
		add(&words, declared_formats(party->said[i], "formats"));
	return words;
}

/* Adds "2 colours". */
static void add_colours(const struct party *party, char **words)
{
	size_t colours = 0;

	for (size_t i = 0; i < party->said_len; i++)
		colours += dmabroker_record_get_len(party->said[i], "colours");
	if (colours)
		add(words, text_format("%zu colour%s", colours, colours == 1 ? "" : "s"));
}

/* ---- sizes ---- */

static void add_sizes(char **words, const struct dmabroker_record *record, const char *before)
{
	size_t len = dmabroker_record_get_len(record, "sizes");
	uint32_t width = 0, height = 0;

	for (size_t i = 0; i < len && i < SIZES_SHOWN; i++) {
		dmabroker_record_get_size(record, "sizes", i, &width, &height);
		add(words, text_format("%s%" PRIu32 "x%" PRIu32, before, width, height));
	}
	if (len > SIZES_SHOWN)
		add(words, text_format("+%zu", len - SIZES_SHOWN));
}

static char *size_words(const struct party *party)
{
	const struct dmabroker_record *format = party->format;
	uint64_t width_min = larger(largest(party, "width-min", 1), fact(format, "width-min", 1));
	uint64_t height_min =
		larger(largest(party, "height-min", 1), fact(format, "height-min", 1));
	uint64_t width_max = lesser(smallest(party, "width-max", UINT32_MAX),
				    fact(format, "width-max", UINT32_MAX));
	uint64_t height_max = lesser(smallest(party, "height-max", UINT32_MAX),
				     fact(format, "height-max", UINT32_MAX));
	uint64_t across = multiple(alignment(party, "width-align"), fact(format, "width-step", 1));
	uint64_t down = multiple(alignment(party, "height-align"), fact(format, "height-step", 1));
	char *words = text_format("%s", "");

	if (format && dmabroker_record_get_len(format, "sizes"))
		add_sizes(&words, format, "");
	if (width_min > 1 || height_min > 1)
		add(&words, text_format(">=%" PRIu64 "x%" PRIu64, width_min, height_min));
	if (width_max < UINT32_MAX || height_max < UINT32_MAX)
		add(&words, text_format("<=%" PRIu64 "x%" PRIu64, width_max, height_max));
	if (across > 1 || down > 1)
		add(&words, text_format("by %" PRIu64 "x%" PRIu64, across, down));
	if (smallest(party, "area-max", UINT64_MAX) < UINT64_MAX)
		add(&words,
		    text_format("<=%" PRIu64 " pixels", smallest(party, "area-max", UINT64_MAX)));
	for (size_t i = 0; i < party->said_len; i++)
		add_sizes(&words, party->said[i], "and ");
	return words;
}

/* ---- stride and bytes ---- */

/* "own, x64": whoever cannot be told a stride insists on the natural one, rounded up. */
static char *stride_words(const struct party *party)
{
	uint64_t align =
		multiple(alignment(party, "stride-align"), fact(party->format, "stride-align", 1));
	uint64_t max = lesser(smallest(party, "stride-max", UINT32_MAX),
			      fact(party->format, "stride-max", UINT32_MAX));
	uint64_t min = largest(party, "stride-min", 0);
	char *words = text_format("%s", "");

	if (party->format && !fact(party->format, "stride-custom", 0))
		add(&words, text_format("own"));
	if (align > 1)
		add(&words, text_format("x%" PRIu64, align));
	if (largest(party, "stride-pixels", 0))
		add(&words, text_format("pixels"));
	if (min)
		add(&words, text_format(">=%" PRIu64, min));
	if (max < UINT32_MAX)
		add(&words, text_format("<=%" PRIu64, max));
	return words;
}

static char *bytes_words(const struct party *party)
{
	uint64_t offset =
		multiple(alignment(party, "offset-align"), fact(party->role, "offset-align", 1));
	uint64_t rows = alignment(party, "rows-align"),
		 padded = fact(party->format, "height-align", 1);
	uint64_t tail =
		larger(largest(party, "tail-bytes", 0), fact(party->format, "tail-bytes", 0));
	char *words = text_format("%s", "");

	if (offset > 1)
		add(&words, text_format("offset x%" PRIu64, offset));
	if (multiple(rows, padded) > 1)
		add(&words, text_format("rows x%" PRIu64, multiple(rows, padded)));
	if (tail)
		add_bytes(party, &words, "tail ", tail);
	if (alignment(party, "bytes-align") > 1)
		add_bytes(party, &words, "x", alignment(party, "bytes-align"));
	if (largest(party, "bytes-min", 0))
		add_bytes(party, &words, ">=", largest(party, "bytes-min", 0));
	if (smallest(party, "bytes-max", UINT64_MAX) < UINT64_MAX)
		add_bytes(party, &words, "<=", smallest(party, "bytes-max", UINT64_MAX));
	for (size_t i = 0; i < party->said_len; i++)
		if (dmabroker_record_get_len(party->said[i], "layouts") &&
		    !dmabroker_record_get_len(party->said[i], "buffers"))
			add(&words,
			    text_format("%zu layouts of its own",
					dmabroker_record_get_len(party->said[i], "layouts")));
	return words;
}

/* ---- memory ---- */

/* Adds "only system", "not reserved". */
static void add_heaps(char **words, const struct dmabroker_record *record)
{
	static const char *const lists[][2] = {{"allowed-heaps", "only"},
					       {"forbidden-heaps", "not"}};
	const char *name = "";
	size_t len;

	for (size_t l = 0; l < 2; l++) {
		len = dmabroker_record_get_len(record, lists[l][0]);
		for (size_t i = 0; i < len && i < NAMES_SHOWN; i++) {
			dmabroker_record_get_string_at(record, lists[l][0], i, &name);
			add(words,
			    i ? text_format("%s", name) : text_format("%s %s", lists[l][1], name));
		}
		if (len > NAMES_SHOWN)
			add(words, text_format("+%zu", len - NAMES_SHOWN));
	}
}

/* What the device needs of memory that no IOMMU hides from it. */
static void add_device_memory(char **words, const struct party *party)
{
	uint64_t bits = fact(party->device, "address-bits", 32);
	uint64_t last = fact(party->device, "address-max", UINT64_MAX);
	const char *contiguity = text_string(party->role, "contiguity", "whole");

	if (strcmp(contiguity, "none") != 0)
		add(words,
		    text_format("contiguous%s",
				dmabroker_record_get_origin(party->role, "contiguity") ? "" : "?"));
	if (fact(party->role, "dma-maps", 1) && last < UINT64_MAX)
		add_bytes(party, words, "below ", last + 1);
	else if (fact(party->role, "dma-maps", 1) && bits < 64)
		add(words, text_format("%" PRIu64 " bit", bits));
	if (fact(party->role, "segments-max", UINT32_MAX) < UINT32_MAX)
		add(words, text_format("<=%" PRIu64 " pieces",
				       fact(party->role, "segments-max", UINT32_MAX)));
	if (fact(party->device, "bounced", 0))
		add(words, text_format("bounced"));
}

/* "3 of videobuf2_vmalloc": what it brings */
static void add_brought(char **words, const struct dmabroker_record *record)
{
	size_t len = dmabroker_record_get_len(record, "buffers");
	const struct dmabroker_record *first;

	if (len && !dmabroker_record_get_record(record, "buffers", 0, &first))
		add(words,
		    text_format("%zu of %s", len, text_string(first, "exporter", "its own")));
}

static char *memory_words(const struct party *party)
{
	uint64_t bits = smallest(party, "address-bits", 64);
	char *words = text_format("%s", "");

	for (size_t i = 0; i < party->said_len; i++)
		add_brought(&words, party->said[i]);
	if (party->role && !fact(party->role, "imports", 1))
		add(&words, text_format("takes none of others"));
	if (largest(party, "protected", 0))
		add(&words, text_format("protected"));
	if (largest(party, "contiguous", 0))
		add(&words, text_format("contiguous"));
	if (bits < 64)
		add(&words, text_format("%" PRIu64 " bit", bits));
	if (alignment(party, "base-align") > 1)
		add_bytes(party, &words, "base x", alignment(party, "base-align"));
	if (smallest(party, "segments-max", UINT32_MAX) < UINT32_MAX)
		add(&words, text_format("<=%" PRIu64 " pieces",
					smallest(party, "segments-max", UINT32_MAX)));
	if (smallest(party, "segment-bytes-max", UINT64_MAX) < UINT64_MAX)
		add_bytes(party, &words,
			  "pieces <=", smallest(party, "segment-bytes-max", UINT64_MAX));
	if (party->role && fact(party->device, "iommu", 0))
		add(&words, text_format("IOMMU"));
	else if (party->role)
		add_device_memory(&words, party);
	for (size_t i = 0; i < party->said_len; i++)
		add_heaps(&words, party->said[i]);
	return words;
}

/* ---- count ---- */

static char *count_words(const struct party *party)
{
	uint64_t camping =
		larger(largest(party, "camping", 1), fact(party->role, "min-buffers", 0));
	char *words = text_format("%" PRIu64, camping);

	if (largest(party, "slack", 0))
		add(&words, text_format("+%" PRIu64, largest(party, "slack", 0)));
	if (largest(party, "shared-slack", 0))
		add(&words, text_format("+%" PRIu64 " shared", largest(party, "shared-slack", 0)));
	if (largest(party, "min-count", 0))
		add(&words, text_format(">=%" PRIu64, largest(party, "min-count", 0)));
	if (smallest(party, "max-count", UINT64_MAX) < UINT64_MAX)
		add(&words, text_format("<=%" PRIu64, smallest(party, "max-count", UINT64_MAX)));
	return words;
}

char *party_words(const struct party *party, enum party_column column)
{
	char *words;

	switch (column) {
	case PARTY_FORMATS:
		words = formats_words(party);
		add_colours(party, &words);
		return words;
	case PARTY_SIZE:
		return size_words(party);
	case PARTY_STRIDE:
		return stride_words(party);
	case PARTY_BYTES:
		return bytes_words(party);
	case PARTY_MEMORY:
		return memory_words(party);
	default:
		return count_words(party);
	}
}

char *party_request_words(const struct dmabroker_record *request, enum party_column column)
{
	char *words;

	switch (column) {
	case PARTY_FORMATS:
		return declared_formats(request, "formats");
	case PARTY_SIZE:
		return text_format("%" PRIu64 "x%" PRIu64, facts_number(request, "width", 0),
				   facts_number(request, "height", 0));
	case PARTY_MEMORY:
		words = text_format("%s",
				    facts_number(request, "forbid-scarce", 0) ? "not scarce" : "");
		add_heaps(&words, request);
		return words;
	case PARTY_COUNT:
		return dmabroker_record_get_origin(request, "count")
			       ? text_format(">=%" PRIu64, facts_number(request, "count", 0))
			       : text_format("%s", "");
	default:
		return text_format("%s", "");
	}
}
