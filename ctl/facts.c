/* SPDX-License-Identifier: MIT */
#include "ctl/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

#define LABEL 18

char *facts_mark(const struct dmabroker_record *record, const char *key, const char *words)
{
	const char *origin = dmabroker_record_get_origin(record, key);

	return origin ? text_format("%s [%s]", words, origin) : text_format("%s", words);
}

uint64_t facts_number(const struct dmabroker_record *record, const char *key, uint64_t otherwise)
{
	uint64_t number;

	return dmabroker_record_get_uint(record, key, &number) < 0 ? otherwise : number;
}

/* ---- how ---- */

static const struct {
	const char *origin;
	const char *words;
} generic[] = {
	{"measured", "tried out"},
	{"kernel", "read from the kernel"},
	{"quirk", "stands in a quirk file"},
	{"declared", "said by a person"},
	{"assumed", "nobody knows; this is the safe side"},
};

const char *facts_how(const struct dmabroker_record *record, const char *key)
{
	const char *origin = dmabroker_record_get_origin(record, key), *line;
	size_t len = strlen(key);

	for (size_t i = 0; dmabroker_record_get_string_at(record, "how", i, &line) == 0; i++)
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " ");
	for (size_t i = 0; origin && i < sizeof(generic) / sizeof(generic[0]); i++)
		if (strcmp(generic[i].origin, origin) == 0)
			return generic[i].words;
	return "";
}

/* "64M" behind numbers of bytes that have more than four digits. */
static char *value_text(const struct dmabroker_record *record, const char *key,
			enum dmabroker_type type, const char *unit)
{
	char *value = text_value(record, key, type), *bytes, *text;
	size_t ending = strlen(key) > strlen(unit) ? strlen(key) - strlen(unit) : 0;
	bool said = !*unit || strcmp(key + ending, unit) == 0;
	uint64_t number = facts_number(record, key, 0);

	if (type == DMABROKER_TYPE_UINT && strcmp(unit, "bytes") == 0 && number >= 65536) {
		bytes = text_bytes(number);
		text = text_format("%s (%s)", value, bytes);
		free(bytes);
	} else {
		text = text_format("%s%s%s", value, said ? "" : " ", said ? "" : unit);
	}
	free(value);
	return text;
}

static void show_fact(const struct dmabroker_record *record, size_t indent, const char *key,
		      enum dmabroker_type type, const char *unit)
{
	char *value = value_text(record, key, type, unit);
	char *marked = facts_mark(record, key, value);
	char *text = text_format("%s %s", marked, facts_how(record, key));

	text_paragraph(indent, key, LABEL, text);
	free(text);
	free(marked);
	free(value);
}

size_t facts_show(const struct dmabroker_record *record, size_t indent, const char *const *left_out)
{
	size_t position = 0, shown = 0;
	const char *key, *unit;
	enum dmabroker_type type;

	while ((key = dmabroker_record_next(record, &position, &type, &unit))) {
		if (type == DMABROKER_TYPE_RECORDS || strcmp(key, "how") == 0 ||
		    (left_out && text_is_one_of(key, left_out)))
			continue;
		show_fact(record, indent, key, type, unit);
		shown++;
	}
	return shown;
}

/* ---- the machine ---- */

static const char *bounce_words(const struct dmabroker_record *machine)
{
	const char *word = text_string(machine, "bounce", "unknown");

	if (strcmp(word, "never") == 0)
		return "refused, never bounced";
	if (strcmp(word, "reach") == 0)
		return "copied through bounce buffers";
	if (strcmp(word, "always") == 0)
		return "copied through bounce buffers, and so is all other";
	return "perhaps bounced";
}

/* Takes `words`. */
static void line(const struct dmabroker_record *machine, const char *label, const char *key,
		 char *words)
{
	char *text = facts_mark(machine, key, words);

	text_paragraph(4, label, LABEL, text);
	free(text);
	free(words);
}

static char *cache_words(const struct dmabroker_record *machine)
{
	return text_format("%s, %s", text_string(machine, "cpu-cache", "of unknown kind"),
			   facts_number(machine, "cache-aliases", 1)
				   ? "mappings of a page may alias"
				   : "mappings of a page never alias");
}

static char *memory_words(const struct dmabroker_record *machine)
{
	uint64_t max = facts_number(machine, "memory-max", UINT64_MAX);
	char *bytes, *text;

	if (max == UINT64_MAX)
		return text_format("up to an unknown address");
	bytes = text_bytes(max + 1);
	text = text_format("addresses up to %s", bytes);
	free(bytes);
	return text;
}

static char *guest_words(const struct dmabroker_record *machine)
{
	const char *xen = text_string(machine, "xen", "no");
	bool confidential = facts_number(machine, "confidential", 0);

	if (strcmp(xen, "no") == 0 && !confidential)
		return NULL;
	return text_format("%s%s%s", confidential ? "confidential guest" : "",
			   confidential && strcmp(xen, "no") != 0 ? ", " : "",
			   strcmp(xen, "no") == 0      ? ""
			   : strcmp(xen, "guest") == 0 ? "Xen guest"
						       : "Xen control domain");
}

void facts_show_machine(const struct ctl *ctl, const struct dmabroker_record *machine)
{
	char *heading = text_format("%s, Linux %s", text_string(machine, "architecture", "machine"),
				    text_string(machine, "kernel", "?"));
	char *guest = guest_words(machine);

	text_heading(ctl, heading);
	putchar('\n');
	free(heading);
	line(machine, "memory", "memory-max", memory_words(machine));
	line(machine, "out of reach", "bounce", text_format("%s", bounce_words(machine)));
	line(machine, "coherency", "default-coherency",
	     text_format("%s, where the firmware says nothing",
			 text_string(machine, "default-coherency", "unknown")));
	line(machine, "firmware", "firmware",
	     text_format("%s", text_string(machine, "firmware", "unknown")));
	line(machine, "CPU cache", "cpu-cache", cache_words(machine));
	if (guest)
		line(machine, "guest", "confidential", guest);
}
