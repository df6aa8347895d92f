/* SPDX-License-Identifier: MIT */
/*
 * Other values of some keys of a request.
 *
 * A record has no way to take a key back, so the changes are made in the request's JSON, from which
 * the changed request is read.
 */
#include "ctl/change.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/key.h"
#include "ctl/request.h"
#include "ctl/text.h"

/* One change, cut into its parts. */
struct change {
	const char *where; /* begins the message of a failure */
	char *name;	   /* owned: of a participant; NULL: the request itself */
	char *key;	   /* owned */
	const char *value;
};

/* Cuts "NAME.KEY=VALUE"; a name may have dots itself, a key has none. */
static int split(const char *where, const char *text, struct change *change)
{
	size_t len = strcspn(text, "="), key = len;

	if (!text[len])
		return ctl_error(CTL_USAGE, "%s %s: right is NAME.KEY=VALUE or KEY=VALUE", where,
				 text);
	while (key && text[key - 1] != '.')
		key--;
	change->where = where;
	change->name = key ? text_format("%.*s", (int)key - 1, text) : NULL;
	change->key = text_format("%.*s", (int)(len - key), text + key);
	change->value = text + len + 1;
	return 0;
}

static void finish(struct change *change)
{
	free(change->name);
	free(change->key);
}

/* Gives a key its value: a list has it cut at commas. */
static int set_value(struct dmabroker_record *record, const struct change *change)
{
	int type = dmabroker_record_get_type(record, change->key), status = 0;
	char *copy, *rest, *word;
	char *where = text_format("%s %s%s%s", change->where, change->name ? change->name : "",
				  change->name ? "." : "", change->key);

	if (type < DMABROKER_TYPE_STRINGS || type == DMABROKER_TYPE_RECORDS) {
		status = key_set_text(record, where, change->key, change->value);
	} else {
		rest = copy = text_format("%s", change->value);
		while (!status && (word = strsep(&rest, ",")))
			status = key_set_text(record, where, change->key, word);
		free(copy);
	}
	free(where);
	return status;
}

/* The JSON of the value, as a request would have it. Returns owned; NULL: it has been said why. */
static struct json_object *value_of(const struct change *change)
{
	struct dmabroker_record *request, *record;
	struct json_object *object, *value = NULL;

	if (dmabroker_request_create(&request) < 0)
		ctl_out_of_memory();
	record = request;
	if (change->name && dmabroker_request_add_participant(request, "any", NULL, &record) < 0)
		ctl_out_of_memory();
	if (set_value(record, change) == 0) {
		object = json_from_record(record);
		json_object_object_get_ex(object, change->key, &value);
		json_object_get(value);
		json_object_put(object);
	}
	dmabroker_record_destroy(request);
	return value;
}

/* The participant of this name. Returns borrowed; NULL: there is none. */
static struct json_object *find_participant(struct json_object *request, const char *name)
{
	struct json_object *list = NULL, *participant, *value;

	json_object_object_get_ex(request, "participants", &list);
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		participant = json_object_array_get_idx(list, i);
		if (json_object_object_get_ex(participant, "name", &value) &&
		    strcmp(json_object_get_string(value), name) == 0)
			return participant;
	}
	return NULL;
}

static int apply(struct json_object *request, const struct change *change)
{
	struct json_object *target = request, *value;

	if (change->name)
		target = find_participant(request, change->name);
	if (!target)
		return ctl_error(CTL_USAGE, "%s: no participant '%s'", change->where, change->name);
	if (!*change->value) {
		json_object_object_del(target, change->key);
		return 0;
	}
	value = value_of(change);
	if (!value)
		return CTL_USAGE;
	if (json_object_object_add(target, change->key, value) < 0)
		ctl_out_of_memory();
	return 0;
}

static int apply_all(struct json_object *request, const char *where, const char *const *changes)
{
	int status = 0;

	for (size_t i = 0; changes[i] && !status; i++) {
		struct change change = {0};

		status = split(where, changes[i], &change);
		if (!status)
			status = apply(request, &change);
		finish(&change);
	}
	return status;
}

/* Reads a request from its JSON. */
static int read_request(struct json_object *object, const char *where,
			struct dmabroker_record **ret_request)
{
	struct dmabroker_record *request;
	int status;

	if (dmabroker_request_create(&request) < 0)
		ctl_out_of_memory();
	status = request_set_json(request, where, object);
	if (status)
		dmabroker_record_destroy(request);
	else
		*ret_request = request;
	return status;
}

int change_request(const struct dmabroker_record *request, const char *where,
		   const char *const *changes, struct dmabroker_record **ret_request)
{
	struct json_object *object = json_from_record(request);
	int status = apply_all(object, where, changes);

	if (!status)
		status = read_request(object, where, ret_request);
	json_object_put(object);
	return status;
}

/* ---- only what changes ---- */

/* Copies a key of the changed request that a change is about. */
static int pick(struct json_object *changed, const struct change *change,
		struct json_object *picked)
{
	const char *key = change->name ? "participants" : change->key;
	struct json_object *value;

	if (!json_object_object_get_ex(changed, key, &value))
		return ctl_error(CTL_USAGE,
				 "%s %s=: what the request says can be changed, not taken back",
				 change->where, change->key);
	if (json_object_object_add(picked, key, json_object_get(value)) < 0)
		ctl_out_of_memory();
	return 0;
}

int change_pick(const struct dmabroker_record *changed, const char *where,
		const char *const *changes, struct dmabroker_record **ret_request)
{
	struct json_object *object = json_from_record(changed), *picked = json_object_new_object();
	int status = 0;

	for (size_t i = 0; changes[i] && !status; i++) {
		struct change change = {0};

		status = split(where, changes[i], &change);
		if (!status)
			status = pick(object, &change, picked);
		finish(&change);
	}
	if (!status)
		status = read_request(picked, where, ret_request);
	json_object_put(picked);
	json_object_put(object);
	return status;
}
