/* SPDX-License-Identifier: MIT */
/* `devices`: what the daemon knows of the devices. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/json.h"
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
	{"verbose", 0, NULL, "every fact with its origin, and the formats", apply_verbose},
	{.name = NULL}};

/* node, name, driver and id; the id on a line of its own where they do not fit. */
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

/* What decides which memory the device reaches and how its accesses meet the CPU's. */
static void show_dma(const struct dmabroker_record *device)
{
	char *bits = text_value(device, "address-bits", DMABROKER_TYPE_UINT);
	uint64_t iommu = 0;
	char *text;

	dmabroker_record_get_uint(device, "iommu", &iommu);
	text = text_format(
		"coherency %s, %s address bits%s", text_string(device, "coherency", "unknown"),
		strcmp(bits, "-") == 0 ? "unknown" : bits, iommu ? ", behind an IOMMU" : "");
	text_paragraph(INDENT, "dma", LABEL, text);
	free(text);
	free(bits);
}

static const char *contiguity_words(const struct dmabroker_record *role)
{
	const char *word = text_string(role, "contiguity", "unknown");

	if (strcmp(word, "none") == 0)
		return "scattered memory suits";
	if (strcmp(word, "used") == 0)
		return "contiguous as far as used";
	if (strcmp(word, "whole") == 0)
		return "contiguous as a whole";
	return "contiguity unknown";
}

static bool is_set(const struct dmabroker_record *record, const char *key, bool absent)
{
	uint64_t value = absent;

	dmabroker_record_get_uint(record, key, &value);
	return value != 0;
}

static void show_role(const struct dmabroker_record *role)
{
	size_t formats = dmabroker_record_get_len(role, "formats");
	uint64_t buffers = 0;
	char *least, *text;

	dmabroker_record_get_uint(role, "min-buffers", &buffers);
	least = buffers > 1 ? text_format(", %" PRIu64 " buffers or more", buffers)
			    : text_format("%s", "");
	text = text_format("%s%s, memory model %s%s%s, %zu format%s%s",
			   is_set(role, "imports", false) ? "" : "takes no foreign buffers, ",
			   contiguity_words(role), text_string(role, "memory-model", "unknown"),
			   is_set(role, "cpu-copies", false) ? ", copied by the CPU" : "",
			   is_set(role, "dma-maps", true) ? "" : ", no DMA", formats,
			   formats == 1 ? "" : "s", least);
	text_paragraph(INDENT, text_string(role, "role", "?"), LABEL, text);
	free(text);
	free(least);
}

/* "stride-align 64 bytes": the unit where the key does not say it. */
static char *fact_text(const struct dmabroker_record *record, const char *key,
		       enum dmabroker_type type, const char *unit)
{
	char *value = text_value(record, key, type), *text;
	bool said = !unit || !*unit || strstr(key, unit) || type == DMABROKER_TYPE_SIZES;

	text = text_format("%s %s%s%s", key, value, said ? "" : " ", said ? "" : unit);
	free(value);
	return text;
}

static const char *const origins[] = {"measured", "kernel",  "quirk",
				      "declared", "assumed", "solved"};

/* One paragraph per origin, with all facts that have it. */
static void show_facts(const struct dmabroker_record *record, const char *origin, size_t indent)
{
	char *text = text_format("%s", ""), *fact, *longer;
	const char *key, *unit;
	enum dmabroker_type type;
	size_t position = 0;

	while ((key = dmabroker_record_next(record, &position, &type, &unit))) {
		if (type == DMABROKER_TYPE_RECORDS ||
		    strcmp(dmabroker_record_get_origin(record, key), origin) != 0)
			continue;
		fact = fact_text(record, key, type, unit);
		longer = text_format("%s%s%s", text, *text ? ", " : "", fact);
		free(fact);
		free(text);
		text = longer;
	}
	if (*text)
		text_paragraph(indent, origin, LABEL, text);
	free(text);
}

static void show_all_facts(const struct dmabroker_record *record, size_t indent)
{
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
		show_facts(record, origins[i], indent);
}

static void show_formats(const struct dmabroker_record *role)
{
	const struct dmabroker_record *format;
	char *fourcc, *modifier, *text;

	for (size_t i = 0; dmabroker_record_get_record(role, "formats", i, &format) == 0; i++) {
		fourcc = text_value(format, "format", DMABROKER_TYPE_FOURCC);
		modifier = text_value(format, "modifier", DMABROKER_TYPE_MODIFIER);
		text = text_format("%s modifier %s", fourcc, modifier);
		text_line(2 * INDENT, text);
		show_all_facts(format, 3 * INDENT);
		free(text);
		free(modifier);
		free(fourcc);
	}
}

static void show_device(const struct ctl *ctl, const struct dmabroker_record *device)
{
	const struct dmabroker_record *role;

	show_heading(ctl, device);
	if (ctl->verbose)
		show_all_facts(device, INDENT);
	else
		show_dma(device);
	for (size_t i = 0; dmabroker_record_get_record(device, "roles", i, &role) == 0; i++) {
		if (!ctl->verbose) {
			show_role(role);
			continue;
		}
		text_line(INDENT, text_string(role, "role", "?"));
		show_all_facts(role, 2 * INDENT);
		show_formats(role);
	}
}

static int run(struct ctl *ctl)
{
	struct dmabroker_record **devices;
	size_t len;
	int status, error;

	status = ctl_connect(ctl);
	if (status)
		return status;
	error = dmabroker_list_devices(ctl->broker, &devices, &len);
	if (error)
		return ctl_failed(ctl, error);
	if (ctl->json)
		json_print_records(ctl, devices, len);
	for (size_t i = 0; i < len && !ctl->json; i++)
		show_device(ctl, devices[i]);
	if (len == 0 && !ctl->json && ctl->legend)
		ctl_error(CTL_OK, "no devices: there is neither a V4L2 nor a DRM device here");
	dmabroker_record_list_destroy(devices, len);
	return CTL_OK;
}

const struct ctl_verb devices_verb = {
	.name = "devices",
	.arguments = "[OPTION...]",
	.summary = "Lists the devices and what they can do with buffers",
	.options = options,
	.run = run,
};
