/* SPDX-License-Identifier: MIT */
/* `heaps`: what the daemon knows of the heaps. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/facts.h"
#include "ctl/json.h"
#include "ctl/monitor.h"
#include "ctl/text.h"

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

static const char *const headings[] = {"HEAP",	"MEMORY",   "CACHED", ">CAPACITY",
				       ">FREE", ">LARGEST", ">BELOW"};

static const char *memory_words(const struct dmabroker_record *heap)
{
	uint64_t known = 0, contiguous = 0, protected = 0;

	dmabroker_record_get_uint(heap, "known", &known);
	dmabroker_record_get_uint(heap, "contiguous", &contiguous);
	dmabroker_record_get_uint(heap, "protected", &protected);
	if (!known)
		return "unknown";
	if (protected)
		return contiguous ? "contiguous, protected" : "scattered, protected";
	return contiguous ? "contiguous" : "scattered";
}

static void add_bytes(struct text_table *table, const struct dmabroker_record *heap,
		      const char *key)
{
	uint64_t bytes;
	char *text;

	if (dmabroker_record_get_uint(heap, key, &bytes) < 0) {
		text_table_add(table, "-");
		return;
	}
	text = text_bytes(bytes);
	text_table_add(table, "%s", text);
	free(text);
}

static void add_value(struct text_table *table, const struct dmabroker_record *heap,
		      const char *key, enum dmabroker_type type)
{
	char *text = text_value(heap, key, type);

	text_table_add(table, "%s", text);
	free(text);
}

/* The address below which its memory lies. */
static void add_end(struct text_table *table, const struct dmabroker_record *heap)
{
	uint64_t bits = facts_number(heap, "address-bits", 64);
	uint64_t last = facts_number(heap, "address-max", UINT64_MAX);
	char *text;

	if (bits < 64 && last > (UINT64_C(1) << bits) - 1)
		last = (UINT64_C(1) << bits) - 1;
	text = last == UINT64_MAX ? text_format("-") : text_bytes(last + 1);
	text_table_add(table, "%s", text);
	free(text);
}

static void show(const struct ctl *ctl, struct dmabroker_record *const *heaps, size_t len)
{
	struct text_table *table =
		text_table_create(headings, sizeof(headings) / sizeof(headings[0]));

	for (size_t i = 0; i < len; i++) {
		text_table_add(table, "%s", text_string(heaps[i], "id", "?"));
		text_table_add(table, "%s", memory_words(heaps[i]));
		add_value(table, heaps[i], "cached", DMABROKER_TYPE_BOOL);
		add_bytes(table, heaps[i], "capacity-bytes");
		add_bytes(table, heaps[i], "free-bytes");
		add_bytes(table, heaps[i], "buffer-bytes-max");
		add_end(table, heaps[i]);
	}
	text_table_print(ctl, table, 0);
}

static void show_all(const struct ctl *ctl, struct dmabroker_record *const *heaps, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i)
			putchar('\n');
		text_heading(ctl, text_string(heaps[i], "id", "?"));
		putchar('\n');
		facts_show(heaps[i], 4, (const char *const[]){"id", NULL});
	}
}

/* Why there are none: looks where the daemon looks. */
static void explain_none(void)
{
	if (access("/dev/dma_heap", F_OK) < 0 && access("/dev/udmabuf", F_OK) < 0)
		ctl_error(CTL_OK, "no heaps: neither /dev/dma_heap nor /dev/udmabuf is there; the "
				  "kernel needs CONFIG_DMABUF_HEAPS with a heap, or CONFIG_UDMABUF "
				  "(modules loaded)");
	else
		ctl_error(CTL_OK,
			  "no heaps: /dev/dma_heap or /dev/udmabuf is there, but the broker "
			  "(the daemon, or this process in its place) may not open what it "
			  "holds: give it access, see dmabrokerd(8)");
}

static int run(struct ctl *ctl)
{
	struct dmabroker_record **heaps;
	size_t len;
	int status, error;

	status = ctl_connect(ctl);
	if (status)
		return status;
	if (ctl->monitor)
		return monitor_run(ctl, "heap");
	error = dmabroker_list_heaps(ctl->broker, &heaps, &len);
	if (error)
		return ctl_failed(ctl, error);
	if (ctl->json)
		json_print_records(ctl, heaps, len);
	else if (len && ctl->verbose)
		show_all(ctl, heaps, len);
	else if (len)
		show(ctl, heaps, len);
	else if (ctl->machine_file)
		ctl_error(CTL_OK, "no heaps: the machine file has none");
	else
		explain_none();
	dmabroker_record_list_destroy(heaps, len);
	return CTL_OK;
}

const struct ctl_verb heaps_verb = {
	.name = "heaps",
	.arguments = "[OPTION...]",
	.summary = "Lists the heaps that buffers can come from",
	.options = options,
	.run = run,
};
