/* SPDX-License-Identifier: MIT */
/*
 * A request from the command line or from a file.
 *
 *	cam=/dev/video0:capture,camping=3
 *	name=DEVICE    :ROLE   ,key=value...
 *
 * Ids of devices contain ':' and '/' themselves ("v4l2:platform/vivid.0:vivid-000-vid-cap:0"), so
 * what follows the last ':' is a role only if it is the word of one (split_role).
 */
#include "ctl/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/device.h"
#include "ctl/json.h"
#include "ctl/key.h"
#include "ctl/text.h"

#define PARTICIPANTS_MAX 16
#define NAME_BYTES_MAX 255
#define FILE_BYTES_MAX (1024 * 1024)
#define FORM "right is [NAME=]DEVICE[:ROLE][,KEY=VALUE...] or [NAME=]cpu[,KEY=VALUE...]"

const char request_help[] =
	"PARTICIPANT is [NAME=]DEVICE[:ROLE][,KEY=VALUE...] or [NAME=]cpu[,KEY=VALUE...].\n"
	"DEVICE is an id, a node path or a part of id or name that only one device has.\n"
	"ROLE is capture, output, scanout, writeback or render; it may be left out where\n"
	"the device has one role only. The keys stand in dmabroker-protocol(7).\n";

static const char *const roles[] = {"capture", "output", "scanout", "writeback",
				    "render",  "cpu",	 NULL};

/* A participant of the command line, cut into its parts. */
struct part {
	char *name;   /* owned */
	char *device; /* owned; NULL for the cpu */
	const char *role;
	struct dmabroker_record *record; /* borrowed from the request */
};

static void need_request(struct ctl *ctl)
{
	if (!ctl->request && dmabroker_request_create(&ctl->request) < 0)
		ctl_out_of_memory();
}

static int apply_key(struct ctl *ctl, const char *where, const char *key, const char *value)
{
	need_request(ctl);
	return key_set_text(ctl->request, where, key, value);
}

static int apply_size(struct ctl *ctl, const char *value)
{
	size_t len = strcspn(value, "x");
	char *width = text_format("%.*s", (int)len, value);
	uint64_t number;
	int status;

	if (!value[len] || !key_parse_number(width, &number) ||
	    !key_parse_number(value + len + 1, &number))
		status = ctl_error(CTL_USAGE, "--size %s: right is WIDTHxHEIGHT, such as 1920x1080",
				   value);
	else
		status = apply_key(ctl, "--size: width", "width", width);
	free(width);
	return status ? status : apply_key(ctl, "--size: height", "height", value + len + 1);
}

static int apply_format(struct ctl *ctl, const char *value)
{
	uint64_t modifier;
	uint32_t fourcc;

	if (!key_parse_format(value, &fourcc, &modifier))
		return ctl_error(CTL_USAGE,
				 "--format %s: right is XR24, NV12:0x0, NV12:* and the like",
				 value);
	return apply_key(ctl, "--format", "formats", value);
}

static int apply_count(struct ctl *ctl, const char *value)
{
	return apply_key(ctl, "--count", "count", value);
}

static int apply_name(struct ctl *ctl, const char *value)
{
	return apply_key(ctl, "--name", "name", value);
}

static int apply_heap(struct ctl *ctl, const char *value)
{
	return apply_key(ctl, "--heap", "allowed-heaps", value);
}

static int apply_not_heap(struct ctl *ctl, const char *value)
{
	return apply_key(ctl, "--not-heap", "forbidden-heaps", value);
}

/* Cuts "key=value" and gives it to the record. */
static int set_pair(struct dmabroker_record *record, const char *where, const char *pair)
{
	size_t len = strcspn(pair, "=");
	char *key, *label;
	int status;

	if (len == 0 || !pair[len])
		return ctl_error(CTL_USAGE, "%s: '%s' is wrong: right is KEY=VALUE", where, pair);
	key = text_format("%.*s", (int)len, pair);
	label = text_format("%s: %s", where, key);
	status = key_set_text(record, label, key, pair + len + 1);
	free(label);
	free(key);
	return status;
}

static int apply_set(struct ctl *ctl, const char *value)
{
	need_request(ctl);
	return set_pair(ctl->request, "--set", value);
}

static int apply_request(struct ctl *ctl, const char *value)
{
	ctl->request_file = value;
	return 0;
}

const struct ctl_option request_options[] = {
	{"size", 0, "WxH", "coded size of the picture in pixels", apply_size},
	{"format", 0, "FOURCC[:MODIFIER]", "a format, best first; again for more", apply_format},
	{"count", 0, "N", "buffers at least", apply_count},
	{"name", 0, "NAME", "debug name of the buffers", apply_name},
	{"heap", 0, "ID", "only this heap may serve; again for more", apply_heap},
	{"not-heap", 0, "ID", "this heap may not; again for more", apply_not_heap},
	{"set", 0, "KEY=VALUE", "any other key of the request", apply_set},
	{"request", 0, "FILE", "the request as JSON; '-' is stdin", apply_request},
	{.name = NULL}};

const struct ctl_option request_join_options[] = {
	{"request", 0, "FILE", "participants as JSON; '-' is stdin", apply_request},
	{.name = NULL}};

static const char *role_word(const char *text)
{
	for (size_t i = 0; roles[i]; i++)
		if (strcmp(roles[i], text) == 0)
			return roles[i];
	return NULL;
}

/* Takes the role off the end of `device`. */
static const char *split_role(char *device)
{
	char *colon = strrchr(device, ':');
	const char *role = colon ? role_word(colon + 1) : NULL;

	if (role)
		*colon = '\0';
	return role;
}

/* Cuts the part before the first ',' into name, device and role. */
static int split(const char *text, struct part *part)
{
	size_t len = strcspn(text, ","), name_len = strcspn(text, "=,");
	const char *device = text;

	if (text[name_len] == '=') {
		part->name = text_format("%.*s", (int)name_len, text);
		device = text + name_len + 1;
		len -= name_len + 1;
	}
	part->device = text_format("%.*s", (int)len, device);
	part->role = split_role(part->device);
	if (strcmp(part->device, "cpu") == 0 && (!part->role || strcmp(part->role, "cpu") == 0)) {
		free(part->device);
		part->device = NULL;
		part->role = "cpu";
		return 0;
	}
	if (!*part->device || (part->name && !*part->name))
		return ctl_error(CTL_USAGE, "'%s' is no participant: " FORM, text);
	if (part->role && strcmp(part->role, "cpu") == 0)
		return ctl_error(CTL_USAGE, "'%s': no device has the role cpu: write %s%scpu", text,
				 part->name ? part->name : "", part->name ? "=" : "");
	return 0;
}

static bool name_taken(const struct dmabroker_record *request, const char *name)
{
	const struct dmabroker_record *other;

	for (size_t i = 0; dmabroker_record_get_record(request, "participants", i, &other) == 0;
	     i++)
		if (strcmp(text_string(other, "name", ""), name) == 0)
			return true;
	return false;
}

/*
 * Returns owned a name for a participant that has none: the end of its device's id or path (NULL:
 * the cpu), with its role or a number if need be.
 */
static char *make_name(const struct dmabroker_record *request, const char *device, const char *role)
{
	const char *base = device ? device : "cpu";
	const char *slash = strrchr(base, '/');
	char *name;

	if (slash && slash[1])
		base = slash + 1;
	name = text_format("%s", base);
	if (device && role && name_taken(request, name)) {
		free(name);
		name = text_format("%s:%s", base, role);
	}
	for (unsigned int i = 2; name_taken(request, name); i++) {
		free(name);
		name = text_format("%s-%u", base, i);
	}
	return name;
}

/* Cuts the text up to the next comma off, as strsep does; commas within brackets or quotes are
 * those of JSON. */
static char *next_pair(char **rest)
{
	char *pair = *rest, *at;
	bool quoted = false;
	int depth = 0;

	for (at = pair; at && *at && (*at != ',' || depth > 0 || quoted); at++) {
		if (quoted && *at == '\\' && at[1])
			at++;
		else if (*at == '"' && depth > 0)
			quoted = !quoted;
		else if (!quoted)
			depth += (*at == '[' || *at == '{') - (*at == ']' || *at == '}');
	}
	if (!pair)
		return NULL;
	*rest = *at ? at + 1 : NULL;
	*at = '\0';
	return pair;
}

/* Gives the participant the "key=value" pairs that follow its device. */
static int set_pairs(const struct part *part, const char *text)
{
	char *pairs, *rest, *pair, *where;
	int status = 0;

	if (!strchr(text, ','))
		return 0;
	pairs = text_format("%s", strchr(text, ',') + 1);
	where = text_format("participant %s", part->name);
	rest = pairs;
	while (!status && (pair = next_pair(&rest)))
		status = set_pair(part->record, where, pair);
	free(where);
	free(pairs);
	return status;
}

/* Says what dmabroker_request_add_participant found wrong. */
static int add_failed(int error, const char *name)
{
	if (error == -ERANGE && *name && strlen(name) <= NAME_BYTES_MAX)
		return ctl_error(CTL_USAGE, "more than %d participants", PARTICIPANTS_MAX);
	if (error == -ERANGE)
		return ctl_error(CTL_USAGE,
				 "'%s' is no name of a participant: right are 1 to %d bytes", name,
				 NAME_BYTES_MAX);
	return ctl_error(CTL_USAGE, "participant %s: %s", name, strerror(-error));
}

static int add_part(struct ctl *ctl, const char *text, struct part *part)
{
	int status, error;

	status = split(text, part);
	if (status)
		return status;
	if (!part->name)
		part->name = make_name(ctl->request, part->device, part->role);
	if (name_taken(ctl->request, part->name))
		return ctl_error(CTL_USAGE, "two participants are called '%s'", part->name);
	error = dmabroker_request_add_participant(ctl->request, part->name, part->role,
						  &part->record);
	if (error)
		return add_failed(error, part->name);
	return set_pairs(part, text);
}

static int set_devices(struct ctl *ctl, const struct part *parts, size_t parts_len)
{
	struct dmabroker_record **devices;
	size_t len;
	const char *id;
	int status = 0;
	int error = dmabroker_list_devices(ctl->broker, &devices, &len);

	if (error)
		return ctl_failed(ctl, error);
	for (size_t i = 0; i < parts_len && !status; i++) {
		if (!parts[i].device)
			continue;
		status = device_find(devices, len, parts[i].device, &id);
		if (!status && dmabroker_record_set_string(parts[i].record, "device", id) < 0)
			ctl_out_of_memory();
	}
	dmabroker_record_list_destroy(devices, len);
	return status;
}

/* What must be said of the picture, by those who do not join others. */
static int check_words(const struct ctl *ctl)
{
	uint64_t width;

	if (!ctl->arguments[0] && !ctl->tokens)
		return ctl_error(CTL_USAGE, "no participants: " FORM);
	if (dmabroker_record_get_uint(ctl->request, "width", &width) < 0)
		return ctl_error(CTL_USAGE, "no size of the picture: add --size WxH");
	return 0;
}

static int build_from_words(struct ctl *ctl, struct part *parts)
{
	size_t len = 0;
	int status = 0;

	for (; ctl->arguments[len] && !status; len++) {
		if (len == PARTICIPANTS_MAX)
			return ctl_error(CTL_USAGE, "more than %d participants", PARTICIPANTS_MAX);
		status = add_part(ctl, ctl->arguments[len], &parts[len]);
	}
	if (!status)
		status = ctl_connect(ctl);
	return status ? status : set_devices(ctl, parts, len);
}

static int json_string(const char *where, struct json_object *object, const char *key,
		       const char **ret_string)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value))
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return ctl_error(CTL_USAGE, "%s: %s: right is a string", where, key);
	*ret_string = json_object_get_string(value);
	return 0;
}

static int set_json(struct dmabroker_record *record, const char *where, const char *key,
		    struct json_object *value)
{
	char *label = text_format("%s: %s", where, key);
	int status = key_set_json(record, label, key, value);

	free(label);
	return status;
}

static int check_role(const char *where, const char *role)
{
	if (!role || role_word(role))
		return 0;
	return ctl_error(CTL_USAGE,
			 "%s: no role '%s': right is capture, output, scanout, writeback, render "
			 "or cpu",
			 where, role);
}

/* Adds a participant with its name and role. */
static int begin_json_participant(struct dmabroker_record *request, const char *where,
				  struct json_object *object, struct dmabroker_record **ret_record)
{
	const char *name = NULL, *role = NULL, *device = NULL;
	char *made = NULL;
	int status, error;

	status = json_string(where, object, "name", &name);
	if (!status)
		status = json_string(where, object, "role", &role);
	if (!status)
		status = json_string(where, object, "device", &device);
	if (!status)
		status = check_role(where, role);
	if (status)
		return status;
	if (!name)
		name = made = make_name(request, device, role);
	error = dmabroker_request_add_participant(request, name, role, ret_record);
	status = error ? add_failed(error, name) : 0;
	free(made);
	return status;
}

static int add_json_participant(struct dmabroker_record *request, const char *where,
				struct json_object *object)
{
	struct dmabroker_record *record;
	int status;

	if (!json_object_is_type(object, json_type_object))
		return ctl_error(CTL_USAGE, "%s: right is an object", where);
	status = begin_json_participant(request, where, object, &record);
	json_object_object_foreach(object, key, value)
	{
		if (!status && strcmp(key, "name") != 0 && strcmp(key, "role") != 0 &&
		    strncmp(key, "x-", 2) != 0)
			status = set_json(record, where, key, value);
	}
	return status;
}

static int add_json_participants(struct dmabroker_record *request, const char *where,
				 struct json_object *list)
{
	int status = 0;
	char *label;

	if (!json_object_is_type(list, json_type_array))
		return ctl_error(CTL_USAGE, "%s: participants: right is a list", where);
	for (size_t i = 0; i < json_object_array_length(list) && !status; i++) {
		label = text_format("%s: participants[%zu]", where, i);
		status = add_json_participant(request, label, json_object_array_get_idx(list, i));
		free(label);
	}
	return status;
}

int request_set_json(struct dmabroker_record *request, const char *where,
		     struct json_object *object)
{
	int status = 0;

	json_object_object_foreach(object, key, value)
	{
		if (status || strncmp(key, "x-", 2) == 0)
			continue;
		status = strcmp(key, "participants") == 0
				 ? add_json_participants(request, where, value)
				 : set_json(request, where, key, value);
	}
	return status;
}

static int build_from_file(struct ctl *ctl)
{
	struct json_object *object;
	int status;

	if (ctl->arguments[0] || ctl->request)
		return ctl_error(CTL_USAGE,
				 "a request file stands alone: it says participants and options");
	if (ctl->machine_file && strcmp(ctl->machine_file, "-") == 0 &&
	    strcmp(ctl->request_file, "-") == 0)
		return ctl_error(CTL_USAGE, "machine and request cannot both come from stdin");
	need_request(ctl);
	status = json_load(ctl->request_file, FILE_BYTES_MAX, &object);
	if (status)
		return status;
	status = request_set_json(ctl->request, ctl->request_file, object);
	json_object_put(object);
	return status ? status : ctl_connect(ctl);
}

/* A single argument that ends in .json is a request file: no device's name does. */
static void find_request_file(struct ctl *ctl)
{
	static const char ending[] = ".json";
	const char *argument = ctl->arguments[0];
	size_t len = argument ? strlen(argument) : 0;

	if (ctl->request_file || !argument || ctl->arguments[1] || len < sizeof(ending) - 1 ||
	    strcmp(argument + len - (sizeof(ending) - 1), ending) != 0)
		return;
	ctl->request_file = argument;
	ctl->arguments++;
}

static int build(struct ctl *ctl, bool picture)
{
	struct part parts[PARTICIPANTS_MAX] = {{0}};
	int status = 0;

	find_request_file(ctl);
	if (ctl->request_file)
		return build_from_file(ctl);
	need_request(ctl);
	if (picture)
		status = check_words(ctl);
	if (!status)
		status = build_from_words(ctl, parts);
	for (size_t i = 0; i < PARTICIPANTS_MAX; i++) {
		free(parts[i].name);
		free(parts[i].device);
	}
	return status;
}

int request_build(struct ctl *ctl)
{
	return build(ctl, true);
}

int request_build_participants(struct ctl *ctl)
{
	return build(ctl, false);
}
