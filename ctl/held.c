/* SPDX-License-Identifier: MIT */
/* What a collection that is held looks like, and what happens to it. */
#include "ctl/held.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/copies.h"
#include "ctl/json.h"
#include "ctl/text.h"

static const char *const headings[] = {"COLLECTION", "HEAP",	 "FORMAT",
				       "SIZE",	     ">BUFFERS", "INODES"};

static char *inodes_text(struct dmabroker_collection *collection)
{
	char *list = text_format("%s", ""), *longer;
	const struct dmabroker_buffer *buffer;

	for (size_t i = 0; i < dmabroker_collection_get_count(collection); i++) {
		buffer = dmabroker_collection_get_buffer(collection, i);
		for (size_t m = 0; m < dmabroker_buffer_get_memory_count(buffer); m++) {
			longer = text_format("%s%s%" PRIu64, list, *list ? " " : "",
					     dmabroker_buffer_get_inode(buffer, m));
			free(list);
			list = longer;
		}
	}
	return list;
}

void held_show_table(const struct ctl *ctl, struct dmabroker_collection *collection)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(collection);
	struct text_table *table =
		text_table_create(headings, sizeof(headings) / sizeof(headings[0]));
	char *format = text_value(plan, "format", DMABROKER_TYPE_FOURCC);
	char *width = text_value(plan, "width", DMABROKER_TYPE_UINT);
	char *height = text_value(plan, "height", DMABROKER_TYPE_UINT);
	char *inodes = inodes_text(collection);
	bool split = dmabroker_record_get_len(plan, "groups") > 0;

	text_table_add(table, "%s", dmabroker_collection_get_path(collection));
	text_table_add(table, "%s", split ? "split" : text_string(plan, "heap", "-"));
	text_table_add(table, "%s", format);
	text_table_add(table, "%sx%s", width, height);
	text_table_add(table, "%zu", dmabroker_collection_get_count(collection));
	text_table_add(table, "%s", inodes);
	text_table_print(ctl, table, 0);
	free(inodes);
	free(height);
	free(width);
	free(format);
}

static struct json_object *buffer_json(const struct dmabroker_buffer *buffer)
{
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array(), *memory;

	for (size_t m = 0; m < dmabroker_buffer_get_memory_count(buffer); m++) {
		memory = json_object_new_object();
		json_object_object_add(
			memory, "bytes",
			json_object_new_uint64(dmabroker_buffer_get_bytes(buffer, m)));
		json_object_object_add(
			memory, "inode",
			json_object_new_uint64(dmabroker_buffer_get_inode(buffer, m)));
		json_object_array_add(list, memory);
	}
	json_object_object_add(object, "memory", list);
	return object;
}

struct json_object *held_json(struct dmabroker_collection *collection)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < dmabroker_collection_get_count(collection); i++)
		json_object_array_add(list,
				      buffer_json(dmabroker_collection_get_buffer(collection, i)));
	json_object_object_add(object, "path",
			       json_object_new_string(dmabroker_collection_get_path(collection)));
	json_object_object_add(object, "plan",
			       json_from_record(dmabroker_collection_get_plan(collection)));
	json_object_object_add(object, "buffers", list);
	return object;
}

void held_show(const struct ctl *ctl, struct dmabroker_collection *collection)
{
	if (ctl->json)
		json_print(ctl, held_json(collection));
	else
		held_show_table(ctl, collection);
}

char *held_line(const char *word, struct dmabroker_collection *collection)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(collection);
	char *description = dmabroker_plan_describe(plan), *names, *line;

	if (!description)
		ctl_out_of_memory();
	names = copies_names(plan);
	line = text_format("%s: generation %" PRIu32 ": %s: %.*s", word,
			   dmabroker_collection_get_generation(collection), names,
			   (int)strcspn(description, "\n"), description);
	free(names);
	free(description);
	return line;
}

/* ---- what happens to it ---- */

static const char *event_word(enum dmabroker_event event)
{
	return event == DMABROKER_EVENT_NEGOTIATED    ? "negotiated"
	       : event == DMABROKER_EVENT_HANDED_OVER ? "handed-over"
						      : "ended";
}

/* {"event": "ended", "path": ..., "error": ..., "message": ...}, and of a new generation what it
 * is. */
static void print_json(const struct ctl *ctl, struct dmabroker_collection *collection,
		       const struct held_event *event)
{
	struct json_object *object = event->event == DMABROKER_EVENT_NEGOTIATED
					     ? held_json(collection)
					     : json_object_new_object();

	json_object_object_add(object, "event", json_object_new_string(event_word(event->event)));
	json_object_object_add(object, "path",
			       json_object_new_string(dmabroker_collection_get_path(collection)));
	if (event->event == DMABROKER_EVENT_ENDED) {
		json_object_object_add(object, "error", json_object_new_string(event->error));
		json_object_object_add(object, "message", json_object_new_string(event->text));
	} else {
		json_object_object_add(object, "generation",
				       json_object_new_uint64(event->generation));
	}
	json_print(ctl, object);
}

/* "negotiated: generation 2: camera, display: 5 buffers of 3133440 bytes from heap system: ..." */
static void print_text(struct dmabroker_collection *collection, const struct held_event *event)
{
	char *line;

	if (event->event == DMABROKER_EVENT_ENDED)
		line = text_format("ended: %s: %s", event->error, event->text);
	else if (event->event == DMABROKER_EVENT_NEGOTIATED)
		line = held_line(event_word(event->event), collection);
	else
		line = text_format("handed-over: generation %" PRIu32, event->generation);
	text_line(0, line);
	free(line);
}

void held_tell(const struct ctl *ctl, struct dmabroker_collection *collection,
	       const struct held_event *event)
{
	if (ctl->json)
		print_json(ctl, collection, event);
	else
		print_text(collection, event);
}
