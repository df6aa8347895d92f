/* SPDX-License-Identifier: MIT */
/*
 * What a signal says is kept until dispatching is over; then the devices are listed once more and
 * compared with what was known. So a change is shown with both its values, and two signals that
 * had come before the list was made do not show the same change twice.
 */
#include "ctl/monitor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/text.h"

struct event {
	enum dmabroker_change change;
	char *id;
	char **keys; /* ends with NULL; NULL: none */
};

struct list {
	struct dmabroker_record **records;
	size_t len;
};

struct monitor {
	struct ctl *ctl;
	const char *kind;
	struct event *events;
	size_t events_len;
	struct list known;
};

int monitor_apply(struct ctl *ctl, const char *value)
{
	(void)value;
	ctl->monitor = true;
	return 0;
}

/* ---- events ---- */

static char **copy_keys(const char *const *keys)
{
	size_t len = 0;
	char **copy;

	while (keys && keys[len])
		len++;
	copy = calloc(len + 1, sizeof(*copy));
	if (!copy)
		ctl_out_of_memory();
	for (size_t i = 0; i < len; i++)
		copy[i] = text_format("%s", keys[i]);
	return copy;
}

static void on_change(void *data, enum dmabroker_change change, const char *kind, const char *id,
		      const char *const *keys)
{
	struct monitor *monitor = data;
	struct event *grown;

	if (strcmp(kind, monitor->kind) != 0)
		return;
	grown = realloc(monitor->events, (monitor->events_len + 1) * sizeof(*grown));
	if (!grown)
		ctl_out_of_memory();
	monitor->events = grown;
	grown[monitor->events_len++] = (struct event){
		.change = change, .id = text_format("%s", id), .keys = copy_keys(keys)};
}

static void forget_events(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->events_len; i++) {
		for (char **key = monitor->events[i].keys; *key; key++)
			free(*key);
		free(monitor->events[i].keys);
		free(monitor->events[i].id);
	}
	free(monitor->events);
	monitor->events = NULL;
	monitor->events_len = 0;
}

/* ---- comparing ---- */

/* What an element of a list of records is called: "capture", "XR24 0x0"; NULL: nothing tells.
 * Returns owned. */
static char *element_name(struct json_object *element)
{
	static const char *const keys[] = {"role", "format", "modifier"};
	struct json_object *fact, *value;
	char *name = NULL, *longer;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!json_object_object_get_ex(element, keys[i], &fact) ||
		    !json_object_object_get_ex(fact, "value", &value))
			continue;
		longer = text_format("%s%s%s", name ? name : "", name ? " " : "",
				     json_object_get_string(value));
		free(name);
		name = longer;
	}
	return name;
}

/* The element of this name, or NULL. Returns borrowed. */
static struct json_object *find_element(struct json_object *list, const char *name)
{
	struct json_object *element;
	char *other;
	bool same;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		element = json_object_array_get_idx(list, i);
		other = element_name(element);
		same = other && strcmp(other, name) == 0;
		free(other);
		if (same)
			return element;
	}
	return NULL;
}

static void compare_records(struct json_object *differences, const char *path,
			    struct json_object *from, struct json_object *to);

/* {"from": ..., "to": ...}; null: absent */
static void add_difference(struct json_object *differences, const char *path,
			   struct json_object *from, struct json_object *to)
{
	struct json_object *difference = json_object_new_object();

	if (json_object_object_add(difference, "from", json_object_get(from)) < 0 ||
	    json_object_object_add(difference, "to", json_object_get(to)) < 0 ||
	    json_object_object_add(differences, path, difference) < 0)
		ctl_out_of_memory();
}

/* Compares the elements of `some` with those that have their names in `others`. */
static void compare_elements(struct json_object *differences, const char *path,
			     struct json_object *some, struct json_object *others, bool only_new)
{
	struct json_object *element, *other;
	char *name, *longer;

	for (size_t i = 0; some && i < json_object_array_length(some); i++) {
		element = json_object_array_get_idx(some, i);
		name = element_name(element);
		if (!name)
			continue;
		longer = text_format("%s[%s]", path, name);
		other = find_element(others, name);
		if (!other)
			add_difference(differences, longer, only_new ? NULL : element,
				       only_new ? element : NULL);
		else if (!only_new)
			compare_records(differences, longer, element, other);
		free(longer);
		free(name);
	}
}

/* Compares what a key was and is: a fact, or a list of records. */
static void compare_key(struct json_object *differences, const char *path, const char *key,
			struct json_object *from, struct json_object *to)
{
	struct json_object *before = NULL, *now = NULL;
	char *longer;

	json_object_object_get_ex(from, key, &before);
	json_object_object_get_ex(to, key, &now);
	if (json_object_equal(before, now) || strcmp(key, "how") == 0)
		return;
	longer = text_format("%s%s%s", path, *path ? "." : "", key);
	if (json_object_is_type(before ? before : now, json_type_array)) {
		compare_elements(differences, longer, before, now, false);
		compare_elements(differences, longer, now, before, true);
	} else {
		add_difference(differences, longer, before, now);
	}
	free(longer);
}

static void compare_records(struct json_object *differences, const char *path,
			    struct json_object *from, struct json_object *to)
{
	json_object_object_foreach(from, key, before)
	{
		(void)before;
		compare_key(differences, path, key, from, to);
	}
	json_object_object_foreach(to, name, now)
	{
		(void)now;
		if (!json_object_object_get_ex(from, name, NULL))
			compare_key(differences, path, name, from, to);
	}
}

/* ---- showing ---- */

static struct dmabroker_record *find_record(const struct list *list, const char *id)
{
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(text_string(list->records[i], "id", ""), id) == 0)
			return list->records[i];
	return NULL;
}

/* "32 [assumed]", "absent", "XR24 0x0" of a record that came or went. Returns owned. */
static char *side_text(struct json_object *side)
{
	struct json_object *value, *origin;

	if (!side)
		return text_format("absent");
	if (json_object_object_get_ex(side, "value", &value) &&
	    json_object_object_get_ex(side, "origin", &origin))
		return text_format("%s [%s]", json_object_get_string(value),
				   json_object_get_string(origin));
	return text_format("present");
}

static void put_differences(struct json_object *differences)
{
	const char *comma = ": ";

	json_object_object_foreach(differences, key, difference)
	{
		char *from = side_text(json_object_object_get(difference, "from"));
		char *to = side_text(json_object_object_get(difference, "to"));

		printf("%s", comma);
		text_put(stdout, key);
		printf(" ");
		text_put(stdout, from);
		printf(" -> ");
		text_put(stdout, to);
		comma = ", ";
		free(to);
		free(from);
	}
}

static const char *change_word(enum dmabroker_change change)
{
	return change == DMABROKER_CHANGE_ADDED	    ? "added"
	       : change == DMABROKER_CHANGE_REMOVED ? "removed"
						    : "changed";
}

static void print_text(const struct event *event, const struct dmabroker_record *now,
		       struct json_object *differences)
{
	printf("%-8s ", change_word(event->change));
	text_put(stdout, event->id);
	if (event->change == DMABROKER_CHANGE_ADDED && now) {
		printf("  ");
		text_put(stdout, text_string(now, "node", ""));
	}
	if (differences)
		put_differences(differences);
	putchar('\n');
}

static void print_json(const struct monitor *monitor, const struct event *event,
		       const struct dmabroker_record *now, struct json_object *differences)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "change",
			       json_object_new_string(change_word(event->change)));
	json_object_object_add(object, "kind", json_object_new_string(monitor->kind));
	json_object_object_add(object, "id", json_object_new_string(event->id));
	if (differences)
		json_object_object_add(object, "facts", json_object_get(differences));
	else if (event->change == DMABROKER_CHANGE_ADDED && now)
		json_object_object_add(object, monitor->kind, json_from_record(now));
	json_print(monitor->ctl, object);
}

static void print(const struct monitor *monitor, const struct event *event,
		  const struct dmabroker_record *now, struct json_object *differences)
{
	if (monitor->ctl->json)
		print_json(monitor, event, now, differences);
	else
		print_text(event, now, differences);
}

/* Prints which of the keys that the signal named are not what they were. */
static void show_changed(const struct monitor *monitor, const struct event *event,
			 const struct dmabroker_record *before, const struct dmabroker_record *now)
{
	struct json_object *from = json_from_record(before), *to = json_from_record(now);
	struct json_object *differences = json_object_new_object();

	for (char **key = event->keys; *key; key++)
		compare_key(differences, "", *key, from, to);
	if (json_object_object_length(differences))
		print(monitor, event, now, differences);
	json_object_put(differences);
	json_object_put(to);
	json_object_put(from);
}

/* Whether what an event is about was there before it: listed, and not gone since, or come since. */
static bool was_there(const struct monitor *monitor, const struct event *event)
{
	bool there = find_record(&monitor->known, event->id) != NULL;

	for (const struct event *at = monitor->events; at < event; at++)
		if (at->change != DMABROKER_CHANGE_CHANGED && strcmp(at->id, event->id) == 0)
			there = at->change == DMABROKER_CHANGE_ADDED;
	return there;
}

static void show_event(const struct monitor *monitor, const struct event *event,
		       const struct list *now)
{
	const struct dmabroker_record *before = find_record(&monitor->known, event->id);
	const struct dmabroker_record *after = find_record(now, event->id);

	if (event->change == DMABROKER_CHANGE_CHANGED && before && after)
		show_changed(monitor, event, before, after);
	/* what the first list had already is no news */
	if (event->change != DMABROKER_CHANGE_CHANGED &&
	    was_there(monitor, event) == (event->change == DMABROKER_CHANGE_REMOVED))
		print(monitor, event, after, NULL);
}

/* ---- the loop ---- */

static int list_now(struct monitor *monitor, struct list *list)
{
	struct dmabroker *broker = monitor->ctl->broker;
	int error = strcmp(monitor->kind, "device") == 0
			    ? dmabroker_list_devices(broker, &list->records, &list->len)
			    : dmabroker_list_heaps(broker, &list->records, &list->len);

	return error ? ctl_failed(monitor->ctl, error) : 0;
}

static int show_events(struct monitor *monitor)
{
	struct list now;
	int status;

	if (!monitor->events_len)
		return 0;
	status = list_now(monitor, &now);
	if (status)
		return status;
	for (size_t i = 0; i < monitor->events_len; i++)
		show_event(monitor, &monitor->events[i], &now);
	fflush(stdout);
	forget_events(monitor);
	dmabroker_record_list_destroy(monitor->known.records, monitor->known.len);
	monitor->known = now;
	return ferror(stdout) ? CTL_REFUSED : 0;
}

static int watch(struct monitor *monitor)
{
	struct pollfd ready = {.events = POLLIN};
	int status = 0, error;

	while (!status) {
		ready.fd = dmabroker_get_fd(monitor->ctl->broker);
		if (ready.fd < 0)
			return ctl_failed(monitor->ctl, ready.fd);
		if (poll(&ready, 1, -1) < 0 && errno != EINTR)
			return ctl_error(CTL_REFUSED, "cannot wait: %m");
		error = dmabroker_dispatch(monitor->ctl->broker);
		status = error < 0 ? ctl_failed(monitor->ctl, error) : show_events(monitor);
	}
	return status;
}

int monitor_run(struct ctl *ctl, const char *kind)
{
	struct monitor monitor = {.ctl = ctl, .kind = kind};
	int status;

	if (ctl->machine_file)
		return ctl_error(CTL_USAGE, "--monitor: the facts of a file do not change");
	if (ctl->json)
		ctl->json = CTL_JSON_SHORT; /* one value a line, on a terminal as well */
	dmabroker_set_change_callback(ctl->broker, on_change, &monitor);
	status = list_now(&monitor, &monitor.known);
	if (!status)
		status = watch(&monitor);
	dmabroker_set_change_callback(ctl->broker, NULL, NULL);
	dmabroker_record_list_destroy(monitor.known.records, monitor.known.len);
	forget_events(&monitor);
	return status;
}
