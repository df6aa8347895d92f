/* SPDX-License-Identifier: MIT */
/*
 * A section of a quirk file: which keys there are, what they may say, and what must not be missing
 * in the end. The limits of values and the words for them are the vocabulary's.
 */
#include "broker/probe/quirks-section.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEM_BYTES 320
#define SHOWN_BYTES 2048 /* of match and facts each */

#define DEVICES (1u << QUIRK_KIND_V4L2 | 1u << QUIRK_KIND_DRM)
#define HEAPS (1u << QUIRK_KIND_HEAP)

enum type { TYPE_OF_ROW, TYPE_BOOL, TYPE_PATTERNS };

struct key {
	const char *name;
	unsigned int kinds;
	enum type type;
	/* TYPE_OF_ROW: type, words and limits; another of these for heaps is never needed */
	const struct vocab_group *group;
	unsigned int row;
};

/* clang-format off */
static const struct key keys[QUIRK_KEYS] = {
	[QUIRK_MEMORY_MODEL] = {"memory-model", DEVICES, TYPE_OF_ROW, &vocab_role, ROLE_MEMORY_MODEL},
	[QUIRK_CONTIGUITY] = {"contiguity", DEVICES, TYPE_OF_ROW, &vocab_role, ROLE_CONTIGUITY},
	[QUIRK_IMPORTS] = {"imports", DEVICES, TYPE_BOOL, NULL, 0},
	[QUIRK_CPU_COPIES] = {"cpu-copies", DEVICES, TYPE_BOOL, NULL, 0},
	[QUIRK_COHERENCY] = {"coherency", DEVICES, TYPE_OF_ROW, &vocab_device, DEVICE_COHERENCY},
	[QUIRK_ADDRESS_BITS] = {"address-bits", DEVICES | HEAPS, TYPE_OF_ROW, &vocab_device, DEVICE_ADDRESS_BITS},
	[QUIRK_STRIDE_ALIGN] = {"stride-align", DEVICES, TYPE_OF_ROW, &vocab_device_format, FORMAT_STRIDE_ALIGN},
	[QUIRK_OFFSET_ALIGN] = {"offset-align", DEVICES, TYPE_OF_ROW, &vocab_role, ROLE_OFFSET_ALIGN},
	[QUIRK_SEGMENT_BYTES_MAX] = {"segment-bytes-max", DEVICES, TYPE_OF_ROW, &vocab_role, ROLE_SEGMENT_BYTES_MAX},
	[QUIRK_SEGMENTS_MAX] = {"segments-max", DEVICES, TYPE_OF_ROW, &vocab_role, ROLE_SEGMENTS_MAX},
	[QUIRK_TRIALS] = {"trials", DEVICES, TYPE_BOOL, NULL, 0},
	[QUIRK_PRIVATE_IOMMU] = {"private-iommu", DEVICES, TYPE_BOOL, NULL, 0},
	[QUIRK_DMA_DEVICE] = {"dma-device", DEVICES, TYPE_PATTERNS, NULL, 0},
	[QUIRK_CONTIGUOUS] = {"contiguous", HEAPS, TYPE_BOOL, NULL, 0},
	[QUIRK_CACHED] = {"cached", HEAPS, TYPE_BOOL, NULL, 0},
	[QUIRK_ZEROED] = {"zeroed", HEAPS, TYPE_BOOL, NULL, 0},
	[QUIRK_PROTECTED] = {"protected", HEAPS, TYPE_BOOL, NULL, 0},
	[QUIRK_MAINTENANCE] = {"maintenance", HEAPS, TYPE_OF_ROW, &vocab_heap, HEAP_MAINTENANCE},
	[QUIRK_KERNEL_MAP] = {"kernel-map", HEAPS, TYPE_BOOL, NULL, 0},
};
/* clang-format on */

static const char *const kind_names[] = {"v4l2", "drm", "heap", NULL};

const char *quirk_key_name(enum quirk_key key)
{
	return keys[key].name;
}

/* --- problems --- */

__attribute__((format(printf, 3, 0))) static void
vproblem(struct problems *problems, unsigned int line, const char *format, va_list args)
{
	char text[PROBLEM_BYTES];

	if (problems->len++ >= QUIRKS_PROBLEMS_MAX)
		return;
	vsnprintf(text, sizeof(text), format, args);
	problems->report(problems->data, problems->file, line, text);
}

void problem(struct problems *problems, unsigned int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vproblem(problems, line, format, args);
	va_end(args);
}

/* As problem, and the section is of no use any more. */
__attribute__((format(printf, 4, 5))) static void
fail(struct section *section, struct problems *problems, unsigned int line, const char *format, ...)
{
	va_list args;

	section->failed = true;
	va_start(args, format);
	vproblem(problems, line, format, args);
	va_end(args);
}

/* "a, b, c" */
static void join_names(const char *const *names, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; names[i] && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", i ? ", " : "", names[i]);
}

/* --- life --- */

int section_create(const char *file, unsigned int line, const char *name,
		   struct section **ret_section)
{
	struct section *section = calloc(1, sizeof(*section));

	if (!section)
		return -ENOMEM;
	section->shown.line = line;
	section->file = strdup(file);
	section->name = strdup(name);
	if (!section->file || !section->name) {
		section_destroy(section);
		return -ENOMEM;
	}
	*ret_section = section;
	return 0;
}

void section_destroy(struct section *section)
{
	if (!section)
		return;
	for (size_t i = 0; i < QUIRK_KEYS; i++)
		free(section->text[i]);
	free(section->file);
	free(section->name);
	free(section->source);
	free(section->driver);
	free(section->heap);
	free(section->compatible);
	free(section->match);
	free(section->facts);
	free(section->how);
	free(section);
}

/* --- what a section is for --- */

static int set_text(struct section *section, unsigned int line, const char *key, const char *value,
		    char **at, struct problems *problems)
{
	if (*at)
		fail(section, problems, line, "%s: said twice in [%s]", key, section->name);
	else if (!*value)
		fail(section, problems, line, "%s: says nothing", key);
	else
		*at = strdup(value);
	return *at || section->failed ? 0 : -ENOMEM;
}

static int set_pattern(struct section *section, unsigned int line, const char *key,
		       const char *value, char **at, struct problems *problems)
{
	if (strlen(value) > QUIRKS_PATTERN_MAX) {
		fail(section, problems, line, "%s: too long: a pattern has at most %u bytes", key,
		     QUIRKS_PATTERN_MAX);
		return 0;
	}
	return set_text(section, line, key, value, at, problems);
}

static void set_kind(struct section *section, unsigned int line, const char *value,
		     struct problems *problems)
{
	int kind = vocab_name_index(kind_names, value);

	if (section->has_kind)
		fail(section, problems, line, "match-kind: said twice in [%s]", section->name);
	else if (kind < 0)
		fail(section, problems, line,
		     "match-kind: '%s' is wrong: right is v4l2, drm or heap", value);
	else
		section->kind = (enum quirk_kind)kind;
	section->has_kind = true;
}

/* "6.12", "5.0-6.16", "6.19-", "-6.9". False: it is something else. */
static bool read_range(const char *text, struct kernel_version *from, struct kernel_version *to)
{
	const char *rest = text;

	if (*rest != '-')
		rest = kernel_version_read(rest, from);
	if (rest && *rest == '\0') {
		*to = *from;
		return true;
	}
	if (!rest || *rest != '-')
		return false;
	rest++;
	if (*rest == '\0')
		return from->len > 0;
	rest = kernel_version_read(rest, to);
	return rest && *rest == '\0';
}

static void set_kernel(struct section *section, unsigned int line, const char *value,
		       struct problems *problems)
{
	struct kernel_version from = {.len = 0}, to = {.len = 0};

	if (section->from.len || section->to.len)
		fail(section, problems, line, "match-kernel: said twice in [%s]", section->name);
	else if (!read_range(value, &from, &to))
		fail(section, problems, line,
		     "match-kernel: '%s' is wrong: right is 6.12, 5.0-6.16, 6.19- or -6.9", value);
	else if (from.len && to.len && kernel_version_compare(&from, &to) > 0)
		fail(section, problems, line, "match-kernel: '%s' begins after its end", value);
	section->from = from;
	section->to = to;
}

/* --- facts --- */

static bool read_number(const char *text, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	*ret_number = number;
	return !errno && *end == '\0';
}

static bool read_bool(const char *text, uint64_t *ret_number)
{
	*ret_number = strcmp(text, "yes") == 0;
	return *ret_number || strcmp(text, "no") == 0;
}

static void set_word(struct section *section, unsigned int line, enum quirk_key key,
		     const char *value, struct problems *problems)
{
	const struct vocab_row *row = &keys[key].group->rows[keys[key].row];
	int word = vocab_name_index(row->names, value);
	char names[PROBLEM_BYTES];

	if (word >= 0) {
		section->number[key] = (uint64_t)word;
		return;
	}
	join_names(row->names, names, sizeof(names));
	fail(section, problems, line, "%s: '%.60s' is wrong: right is one of %s", keys[key].name,
	     value, names);
}

static void set_number(struct section *section, unsigned int line, enum quirk_key key,
		       const char *value, struct problems *problems)
{
	const struct vocab_row *row = &keys[key].group->rows[keys[key].row];
	uint64_t number;

	if (!read_number(value, &number))
		fail(section, problems, line, "%s: '%.60s' is wrong: right is a decimal number%s%s",
		     keys[key].name, value, *row->unit ? " of " : "", row->unit);
	else if (number < row->min)
		fail(section, problems, line, "%s: %s is out of range: at least %llu",
		     keys[key].name, value, (unsigned long long)row->min);
	else if (number > row->max)
		fail(section, problems, line, "%s: %s is out of range: at most %llu",
		     keys[key].name, value, (unsigned long long)row->max);
	else
		section->number[key] = number;
}

/* Patterns parted by blanks; stored with one space between them. Errors: -ENOMEM. */
static int set_patterns(struct section *section, unsigned int line, enum quirk_key key,
			const char *value, struct problems *problems)
{
	char *copy = strdup(value), *list = calloc(1, strlen(value) + 1), *rest = NULL;

	for (char *word = copy ? strtok_r(copy, " ", &rest) : NULL; word && list;
	     word = strtok_r(NULL, " ", &rest)) {
		if (strlen(word) > QUIRKS_PATTERN_MAX)
			fail(section, problems, line,
			     "%s: too long: a pattern has at most %u bytes", keys[key].name,
			     QUIRKS_PATTERN_MAX);
		if (*list)
			strcat(list, " ");
		strcat(list, word);
	}
	section->text[key] = list;
	if (!copy || !list) {
		free(copy);
		return -ENOMEM;
	}
	free(copy);
	return 0;
}

static int set_fact(struct section *section, unsigned int line, enum quirk_key key,
		    const char *value, struct problems *problems)
{
	if (section->has[key] || section->takes_back[key]) {
		fail(section, problems, line, "%s: said twice in [%s]", keys[key].name,
		     section->name);
		return 0;
	}
	section->has[key] = *value != '\0';
	section->takes_back[key] = *value == '\0';
	if (!*value)
		return 0;
	if (keys[key].type == TYPE_PATTERNS)
		return set_patterns(section, line, key, value, problems);
	if (keys[key].type == TYPE_BOOL) {
		if (!read_bool(value, &section->number[key]))
			fail(section, problems, line, "%s: '%.60s' is wrong: right is yes or no",
			     keys[key].name, value);
	} else if (keys[key].group->rows[keys[key].row].type == VOCAB_ENUM) {
		set_word(section, line, key, value, problems);
	} else {
		set_number(section, line, key, value, problems);
	}
	return 0;
}

static int find_key(const char *name)
{
	for (unsigned int key = 0; key < QUIRK_KEYS; key++)
		if (strcmp(keys[key].name, name) == 0)
			return (int)key;
	return -ENOENT;
}

int section_set(struct section *section, unsigned int line, const char *key, const char *value,
		struct problems *problems)
{
	int fact = find_key(key);

	if (fact >= 0)
		return set_fact(section, line, (enum quirk_key)fact, value, problems);
	if (strcmp(key, "source") == 0)
		return set_text(section, line, key, value, &section->source, problems);
	if (strcmp(key, "match-driver") == 0)
		return set_pattern(section, line, key, value, &section->driver, problems);
	if (strcmp(key, "match-heap") == 0)
		return set_pattern(section, line, key, value, &section->heap, problems);
	if (strcmp(key, "match-compatible") == 0)
		return set_pattern(section, line, key, value, &section->compatible, problems);
	if (strcmp(key, "match-kind") == 0)
		set_kind(section, line, value, problems);
	else if (strcmp(key, "match-kernel") == 0)
		set_kernel(section, line, value, problems);
	else
		fail(section, problems, line, "%s: there is no such key", key);
	return 0;
}

/* --- the section as a whole --- */

static void check_match(struct section *section, struct problems *problems)
{
	unsigned int line = section->shown.line;

	if (!section->has_kind) {
		fail(section, problems, line, "[%s] has no match-kind", section->name);
		return;
	}
	if (section->kind == QUIRK_KIND_HEAP) {
		if (!section->heap)
			fail(section, problems, line, "[%s] has no match-heap", section->name);
		if (section->driver || section->compatible)
			fail(section, problems, line, "[%s]: a heap has neither driver nor node",
			     section->name);
		return;
	}
	if (!section->driver && !section->compatible)
		fail(section, problems, line, "[%s] has neither match-driver nor match-compatible",
		     section->name);
	if (section->heap)
		fail(section, problems, line, "[%s]: match-heap is for match-kind=heap",
		     section->name);
}

static void check_facts(struct section *section, struct problems *problems)
{
	unsigned int line = section->shown.line, facts = 0;

	for (unsigned int key = 0; key < QUIRK_KEYS; key++) {
		if (!section->has[key] && !section->takes_back[key])
			continue;
		facts++;
		if (section->has_kind && !(keys[key].kinds & 1u << section->kind))
			fail(section, problems, line, "[%s]: %s is no fact of match-kind=%s",
			     section->name, keys[key].name, kind_names[section->kind]);
	}
	if (!facts)
		fail(section, problems, line, "[%s] says no fact", section->name);
	if (!section->source)
		fail(section, problems, line, "[%s] has no source", section->name);
}

static bool says(const struct section *section, enum quirk_key key, uint64_t value)
{
	return section->has[key] && section->number[key] == value;
}

/* What cannot be true at once: videobuf2-vmalloc takes everything and copies it, the others here
 * ask for at least what they use in one piece. */
static void check_consistency(struct section *section, struct problems *problems)
{
	bool vmalloc = says(section, QUIRK_MEMORY_MODEL, MEMORY_MODEL_VMALLOC);
	bool one_piece = says(section, QUIRK_MEMORY_MODEL, MEMORY_MODEL_DMA_CONTIG) ||
			 says(section, QUIRK_MEMORY_MODEL, MEMORY_MODEL_GEM_DMA);
	bool scattered = says(section, QUIRK_CONTIGUITY, CONTIGUITY_NONE);
	const char *model = vocab_memory_model_names[section->number[QUIRK_MEMORY_MODEL]];

	if ((vmalloc && section->has[QUIRK_CONTIGUITY] && !scattered) || (one_piece && scattered))
		fail(section, problems, section->shown.line,
		     "[%s]: memory-model=%s and contiguity=%s contradict each other", section->name,
		     model, vocab_contiguity_names[section->number[QUIRK_CONTIGUITY]]);
	if (vmalloc && says(section, QUIRK_CPU_COPIES, false))
		fail(section, problems, section->shown.line,
		     "[%s]: memory-model=%s and cpu-copies=no contradict each other", section->name,
		     model);
}

/* A text that grows; what does not fit is cut. */
struct shown {
	char text[SHOWN_BYTES];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void show(struct shown *shown, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(shown->text + shown->len, sizeof(shown->text) - shown->len, format, args);
	va_end(args);
	shown->len += len > 0 ? (size_t)len : 0;
	if (shown->len >= sizeof(shown->text))
		shown->len = sizeof(shown->text) - 1;
}

static void show_version(struct shown *shown, const struct kernel_version *version)
{
	for (unsigned int i = 0; i < version->len; i++)
		show(shown, "%s%u", i ? "." : "", version->parts[i]);
}

static char *describe_match(const struct section *section)
{
	struct shown shown = {.len = 0};

	show(&shown, "%s", kind_names[section->kind]);
	if (section->driver)
		show(&shown, " %s", section->driver);
	if (section->heap)
		show(&shown, " %s", section->heap);
	if (section->compatible)
		show(&shown, ", node %s", section->compatible);
	if (section->from.len || section->to.len) {
		show(&shown, ", kernel ");
		show_version(&shown, &section->from);
		show(&shown, "-");
		show_version(&shown, &section->to);
	}
	return strdup(shown.text);
}

static void show_value(struct shown *shown, const struct section *section, enum quirk_key key)
{
	const struct vocab_row *row = keys[key].group ? &keys[key].group->rows[keys[key].row]
						      : NULL;

	if (section->text[key])
		show(shown, "%s", section->text[key]);
	else if (keys[key].type == TYPE_BOOL)
		show(shown, "%s", section->number[key] ? "yes" : "no");
	else if (row && row->type == VOCAB_ENUM)
		show(shown, "%s", row->names[section->number[key]]);
	else
		show(shown, "%llu", (unsigned long long)section->number[key]);
}

static char *describe_facts(const struct section *section)
{
	struct shown shown = {.len = 0};

	for (unsigned int key = 0; key < QUIRK_KEYS; key++) {
		if (!section->has[key] && !section->takes_back[key])
			continue;
		show(&shown, "%s%s=", shown.len ? ", " : "", keys[key].name);
		if (section->has[key])
			show_value(&shown, section, (enum quirk_key)key);
	}
	return strdup(shown.text);
}

static char *describe_how(const struct section *section)
{
	struct shown shown = {.len = 0};

	show(&shown, "%s [%s]: %s", section->file, section->name, section->source);
	return strdup(shown.text);
}

static int describe(struct section *section)
{
	section->match = describe_match(section);
	section->facts = describe_facts(section);
	section->how = describe_how(section);
	section->shown = (struct quirk_section){.file = section->file,
						.name = section->name,
						.line = section->shown.line,
						.match = section->match,
						.facts = section->facts,
						.source = section->source};
	return section->match && section->facts && section->how ? 0 : -ENOMEM;
}

int section_finish(struct section *section, struct problems *problems)
{
	check_match(section, problems);
	check_facts(section, problems);
	if (!section->failed)
		check_consistency(section, problems);
	return section->failed ? 0 : describe(section);
}
