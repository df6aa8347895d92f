/* SPDX-License-Identifier: MIT */
/* `devices`: what is known of the devices. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/facts.h"
#include "ctl/json.h"
#include "ctl/monitor.h"
#include "ctl/text.h"

#define INDENT 4
#define LABEL 12

static int apply_verbose(struct ctl *ctl, const char *value)
{
	(void)value;
	ctl->verbose = true;
	return 0;
}

static const struct ctl_option options[] = {
	{"verbose", 0, NULL, "every fact, with how it was obtained", apply_verbose},
	MONITOR_OPTION,
	{.name = NULL}};

/* ---- sentences made of facts ---- */

/* A sentence while it grows: words with their origin, joined by commas. Owned text. */
static void say(char **sentence, const struct dmabroker_record *record, const char *key,
		const char *words)
{
	char *marked = facts_mark(record, key, words), *longer;

	longer = text_format("%s%s%s", *sentence, **sentence ? ", " : "", marked);
	free(marked);
	free(*sentence);
	*sentence = longer;
}

static char *begin(void)
{
	return text_format("%s", "");
}

/* Takes the sentence. */
static void print(const char *label, char *sentence)
{
	text_paragraph(INDENT, label, LABEL, sentence);
	free(sentence);
}

/* node, name, driver; the id on the same line or one of its own. */
static void show_heading(const struct ctl *ctl, const struct dmabroker_record *device)
{
	const char *id = text_string(device, "id", "?");
	char *heading = text_format("%s  %s (%s)", text_string(device, "node", "-"),
				    text_string(device, "name", "unnamed"),
				    text_string(device, "driver", "no driver"));

	text_heading(ctl, heading);
	if (strlen(heading) + 2 + strlen(id) <= text_width()) {
		printf("  ");
		text_put(stdout, id);
		putchar('\n');
	} else {
		putchar('\n');
		text_paragraph(INDENT, "", 0, id);
	}
	free(heading);
}

/* "reaches 32 bits (4G)" */
static void say_reach(char **sentence, const struct dmabroker_record *device)
{
	uint64_t bits = facts_number(device, "address-bits", 0);
	uint64_t max = facts_number(device, "address-max", UINT64_MAX);
	char *bytes, *words;

	if (bits && bits < 64) {
		bytes = text_bytes(UINT64_C(1) << bits);
		words = text_format("reaches %" PRIu64 " bits (%s)", bits, bytes);
		free(bytes);
	} else {
		words = text_format(bits ? "reaches all" : "reach unknown: taken as 4G");
	}
	say(sentence, device, "address-bits", words);
	free(words);
	if (max == UINT64_MAX)
		return;
	bytes = text_bytes(max + 1);
	words = text_format("its bus up to %s", bytes);
	say(sentence, device, "address-max", words);
	free(words);
	free(bytes);
}

/* What decides which memory the device reaches and how its accesses meet the CPU's. */
static void show_dma(const struct dmabroker_record *device)
{
	const char *coherency = text_string(device, "coherency", "unknown");
	char *sentence = begin(), *words;

	words = text_format("%s%s", strcmp(coherency, "unknown") == 0 ? "coherency " : "",
			    strcmp(coherency, "barrier") == 0 ? "coherent behind a barrier"
							      : coherency);
	say(&sentence, device, "coherency", words);
	free(words);
	say_reach(&sentence, device);
	if (dmabroker_record_get_origin(device, "iommu"))
		say(&sentence, device, "iommu",
		    facts_number(device, "iommu", 0) ? "behind an IOMMU" : "no IOMMU");
	if (dmabroker_record_get_origin(device, "bounced"))
		say(&sentence, device, "bounced",
		    facts_number(device, "bounced", 0) ? "bounced: it only sees copies"
						       : "not bounced");
	print("DMA", sentence);
	if (dmabroker_record_get_origin(device, "dma-device"))
		print("", text_format("by %s", text_string(device, "dma-device", "?")));
}

/* ---- roles ---- */

static const char *contiguity_words(const struct dmabroker_record *role)
{
	const char *word = text_string(role, "contiguity", "unknown");

	if (strcmp(word, "none") == 0)
		return "takes scattered memory";
	if (strcmp(word, "used") == 0)
		return "contiguous as far as used";
	if (strcmp(word, "whole") == 0)
		return "contiguous as a whole";
	return "contiguity unknown: taken as a whole";
}

static void say_number(char **sentence, const struct dmabroker_record *record, const char *key,
		       const char *before, const char *after)
{
	char *words = text_format("%s%" PRIu64 "%s", before, facts_number(record, key, 0), after);

	if (dmabroker_record_get_origin(record, key))
		say(sentence, record, key, words);
	free(words);
}

static void show_memory(const struct dmabroker_record *role)
{
	char *sentence = begin();

	if (!facts_number(role, "imports", 0))
		say(&sentence, role, "imports", "takes no foreign buffers");
	if (dmabroker_record_get_origin(role, "memory-model"))
		say(&sentence, role, "memory-model", text_string(role, "memory-model", "?"));
	say(&sentence, role, "contiguity", contiguity_words(role));
	if (facts_number(role, "cpu-copies", 0))
		say(&sentence, role, "cpu-copies", "copied by the CPU");
	if (!facts_number(role, "dma-maps", 1))
		say(&sentence, role, "dma-maps", "no DMA");
	say_number(&sentence, role, "segments-max", "at most ", " pieces");
	say_number(&sentence, role, "segment-bytes-max", "pieces of at most ", " bytes");
	if (facts_number(role, "min-buffers", 0) > 1)
		say_number(&sentence, role, "min-buffers", "", " buffers or more");
	print(text_string(role, "role", "?"), sentence);
}

/* What the formats of a role have in common. */
struct strides {
	size_t formats, known, custom;
	uint64_t least, most;
	const struct dmabroker_record *example; /* for the origin */
};

static void look_at_formats(const struct dmabroker_record *role, struct strides *strides)
{
	const struct dmabroker_record *format;
	uint64_t align;

	*strides = (struct strides){.least = UINT64_MAX};
	for (size_t i = 0; dmabroker_record_get_record(role, "formats", i, &format) == 0; i++) {
		strides->formats++;
		strides->custom += facts_number(format, "stride-custom", 0) != 0;
		if (dmabroker_record_get_uint(format, "stride-align", &align) < 0)
			continue;
		strides->known++;
		strides->example = format;
		strides->least = align < strides->least ? align : strides->least;
		strides->most = align > strides->most ? align : strides->most;
	}
}

static void show_strides(const struct dmabroker_record *role)
{
	struct strides strides;
	char *sentence, *words;

	look_at_formats(role, &strides);
	sentence = text_format("%zu format%s", strides.formats, strides.formats == 1 ? "" : "s");
	if (strides.most == 1)
		words = text_format("strides of any number of bytes");
	else if (strides.least == strides.most)
		words = text_format("strides are multiples of %" PRIu64, strides.most);
	else
		words = text_format("strides are multiples of %" PRIu64 " to %" PRIu64,
				    strides.least, strides.most);
	if (strides.known)
		say(&sentence, strides.example, "stride-align", words);
	else if (strides.formats)
		say(&sentence, role, "", "strides unknown: taken as multiples of 256");
	free(words);
	if (strides.custom) {
		words = strides.custom == strides.formats
				? text_format("longer ones are honoured")
				: text_format("longer ones are honoured by %zu", strides.custom);
		say(&sentence, role, "", words);
		free(words);
	}
	print("", sentence);
}

/* Facts of formats go by these words: there are many, and they are tried together. */
static const char *tried_word(const char *key)
{
	static const struct {
		const char *prefix;
		const char *word;
	} words[] = {{"height-align", "padding"},
		     {"tail-bytes", "padding"},
		     {"stride-", "strides"},
		     {"width-", "sizes"},
		     {"height-", "sizes"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(key, words[i].prefix, strlen(words[i].prefix)) == 0)
			return words[i].word;
	return key;
}

/* Adds what a trial has found. */
static void say_measured(char **sentence, const struct dmabroker_record *record)
{
	enum dmabroker_type type;
	const char *key, *unit;
	size_t position = 0;

	while ((key = dmabroker_record_next(record, &position, &type, &unit)))
		if (strcmp(dmabroker_record_get_origin(record, key), "measured") == 0 &&
		    !strstr(*sentence, tried_word(key)))
			say(sentence, record, "", tried_word(key));
}

static void show_trials(const struct dmabroker_record *role)
{
	const struct dmabroker_record *format;
	char *words = begin();

	say_measured(&words, role);
	for (size_t i = 0; dmabroker_record_get_record(role, "formats", i, &format) == 0; i++)
		say_measured(&words, format);
	print("", *words ? text_format("tried out: %s", words) : text_format("nothing tried out"));
	free(words);
}

/* ---- every fact ---- */

/* What tells the formats apart that are shown together. */
static const char *const format_names[] = {"format", "modifier", "v4l2-format", NULL};

/* "NV12", "NV12:0x1" or, where V4L2 calls it otherwise, "NV12 (NM12)" */
static char *format_text(const struct dmabroker_record *format)
{
	char *fourcc = text_value(format, "format", DMABROKER_TYPE_FOURCC);
	char *v4l2 = text_value(format, "v4l2-format", DMABROKER_TYPE_FOURCC);
	uint64_t modifier = facts_number(format, "modifier", 0);
	char *with = modifier ? text_format(":0x%" PRIx64, modifier) : begin(), *text;

	if (dmabroker_record_get_origin(format, "v4l2-format") && strcmp(v4l2, fourcc) != 0)
		text = text_format("%s%s (%s)", fourcc, with, v4l2);
	else
		text = text_format("%s%s", fourcc, with);
	free(with);
	free(v4l2);
	free(fourcc);
	return text;
}

/* All facts but the names, as text that can be compared. */
static char *format_facts(const struct dmabroker_record *format)
{
	struct json_object *object = json_from_record(format);
	char *text;

	for (size_t i = 0; format_names[i]; i++)
		json_object_object_del(object, format_names[i]);
	text = text_format("%s", json_object_to_json_string(object));
	json_object_put(object);
	return text;
}

/* Prints the formats from `first` on that have the same facts, and the facts once. */
static void show_alike(const struct dmabroker_record *role, char *const *facts, bool *shown,
		       size_t first, size_t len)
{
	const struct dmabroker_record *format;
	char *names = begin(), *name;

	for (size_t i = first; i < len; i++) {
		if (shown[i] || strcmp(facts[i], facts[first]) != 0)
			continue;
		shown[i] = true;
		dmabroker_record_get_record(role, "formats", i, &format);
		name = format_text(format);
		say(&names, format, "", name);
		free(name);
	}
	text_paragraph(2 * INDENT, "", 0, names);
	dmabroker_record_get_record(role, "formats", first, &format);
	if (!facts_show(format, 3 * INDENT, format_names))
		text_line(3 * INDENT, "nothing more is known");
	free(names);
}

static void show_formats(const struct dmabroker_record *role)
{
	size_t len = dmabroker_record_get_len(role, "formats");
	const struct dmabroker_record *format;
	char **facts = calloc(len + 1, sizeof(*facts));
	bool *shown = calloc(len + 1, sizeof(*shown));

	if (!facts || !shown)
		ctl_out_of_memory();
	for (size_t i = 0; i < len; i++) {
		dmabroker_record_get_record(role, "formats", i, &format);
		facts[i] = format_facts(format);
	}
	for (size_t i = 0; i < len; i++)
		if (!shown[i])
			show_alike(role, facts, shown, i, len);
	for (size_t i = 0; i < len; i++)
		free(facts[i]);
	free(facts);
	free(shown);
}

static void show_all(const struct dmabroker_record *device)
{
	const struct dmabroker_record *role;

	facts_show(device, INDENT, NULL);
	for (size_t i = 0; dmabroker_record_get_record(device, "roles", i, &role) == 0; i++) {
		text_line(INDENT, text_string(role, "role", "?"));
		facts_show(role, 2 * INDENT, (const char *const[]){"role", NULL});
		show_formats(role);
	}
}

/* ---- the verb ---- */

static void show_device(const struct ctl *ctl, const struct dmabroker_record *device)
{
	const struct dmabroker_record *role;

	show_heading(ctl, device);
	if (ctl->verbose) {
		show_all(device);
		return;
	}
	show_dma(device);
	for (size_t i = 0; dmabroker_record_get_record(device, "roles", i, &role) == 0; i++) {
		show_memory(role);
		if (dmabroker_record_get_len(role, "formats"))
			show_strides(role);
		show_trials(role);
	}
}

static int show(struct ctl *ctl, struct dmabroker_record *const *devices, size_t len)
{
	struct dmabroker_record *machine;
	int error = ctl->verbose ? dmabroker_get_machine(ctl->broker, &machine) : 0;

	if (error)
		return ctl_failed(ctl, error);
	if (ctl->verbose) {
		facts_show_machine(ctl, machine);
		dmabroker_record_destroy(machine);
	}
	for (size_t i = 0; i < len; i++) {
		if (i || ctl->verbose)
			putchar('\n');
		show_device(ctl, devices[i]);
	}
	if (len == 0 && ctl->legend)
		ctl_error(CTL_OK, "no devices: %s",
			  ctl->machine_file ? "the machine file has none"
					    : "there is neither a V4L2 nor a DRM device here "
					      "that the broker may open");
	return CTL_OK;
}

static int run(struct ctl *ctl)
{
	struct dmabroker_record **devices;
	size_t len;
	int status, error;

	status = ctl_connect(ctl);
	if (status)
		return status;
	if (ctl->monitor)
		return monitor_run(ctl, "device");
	error = dmabroker_list_devices(ctl->broker, &devices, &len);
	if (error)
		return ctl_failed(ctl, error);
	if (ctl->json)
		json_print_records(ctl, devices, len);
	else
		status = show(ctl, devices, len);
	dmabroker_record_list_destroy(devices, len);
	return status;
}

const struct ctl_verb devices_verb = {
	.name = "devices",
	.arguments = "[OPTION...]",
	.summary = "Lists the devices and what they can do with buffers",
	.options = options,
	.run = run,
};
