/* SPDX-License-Identifier: MIT */
#include "daemon/methods-features.h"

#include <dbus/dbus.h>
#include <stdio.h>
#include <string.h>

#include "broker/model/error.h"
#include "broker/model/vocabulary.h"
#include "broker/quota.h"
#include "daemon/methods-append.h"
#include "protocol/limits.h"

static bool travels(const struct vocab_group *group, const struct vocab_row *row)
{
	/* a machine's devices and heaps are objects, not values */
	return !(row->flags & VOCAB_LOCAL) &&
	       !(group == &vocab_machine && row->type == VOCAB_DICTS);
}

static bool fill_keys(DBusMessageIter *iter, const void *data)
{
	char key[64];

	(void)data;
	for (size_t g = 0; vocab_groups[g]; g++) {
		for (size_t r = 0; r < vocab_groups[g]->rows_len; r++) {
			if (!travels(vocab_groups[g], &vocab_groups[g]->rows[r]))
				continue;
			snprintf(key, sizeof(key), "%s.%s", vocab_groups[g]->name,
				 vocab_groups[g]->rows[r].name);
			if (!append_string(iter, key))
				return false;
		}
	}
	return true;
}

static bool fill_names(DBusMessageIter *iter, const void *data)
{
	const struct vocab_row *row = data;

	for (uint64_t i = 0; row->names[i] && (!row->max || i < row->max); i++)
		if (!append_string(iter, row->names[i]))
			return false;
	return true;
}

struct word_entry {
	const struct vocab_group *group;
	const struct vocab_row *row;
};

static bool fill_word_entry(DBusMessageIter *iter, const void *data)
{
	const struct word_entry *entry = data;
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", entry->group->name, entry->row->name);
	return append_string(iter, key) &&
	       append_in(iter, DBUS_TYPE_ARRAY, "s", fill_names, entry->row);
}

static bool fill_words(DBusMessageIter *iter, const void *data)
{
	struct word_entry entry;

	(void)data;
	for (size_t g = 0; vocab_groups[g]; g++) {
		for (size_t r = 0; r < vocab_groups[g]->rows_len; r++) {
			entry.group = vocab_groups[g];
			entry.row = &vocab_groups[g]->rows[r];
			if (entry.row->type != VOCAB_ENUM || !travels(entry.group, entry.row))
				continue;
			if (!append_in(iter, DBUS_TYPE_DICT_ENTRY, NULL, fill_word_entry, &entry))
				return false;
		}
	}
	return true;
}

static bool fill_errors(DBusMessageIter *iter, const void *data)
{
	(void)data;
	for (int i = ERROR_NONE + 1; i < ERROR_CODES; i++)
		if (!append_string(iter, error_rows[i].name))
			return false;
	return true;
}

struct limit_entry {
	const char *name;
	const char *suffix;
	uint64_t value;
};

/* LIMIT_MESSAGE_FDS is called message-fds, "fds in flight" fds-in-flight. */
static void limit_name(const struct limit_entry *entry, char *text, size_t size)
{
	static const char prefix[] = "LIMIT_";
	const char *name = entry->name;

	if (strncmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	snprintf(text, size, "%s%s", name, entry->suffix);
	for (; *text; text++) {
		if (*text == '_' || *text == ' ')
			*text = '-';
		else if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
	}
}

static bool fill_limit_entry(DBusMessageIter *iter, const void *data)
{
	const struct limit_entry *entry = data;
	char name[64];

	limit_name(entry, name, sizeof(name));
	return append_string(iter, name) &&
	       dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT64, &entry->value);
}

static bool append_limit(DBusMessageIter *iter, const char *name, const char *suffix,
			 uint64_t value)
{
	struct limit_entry entry = {.name = name, .suffix = suffix, .value = value};

	return append_in(iter, DBUS_TYPE_DICT_ENTRY, NULL, fill_limit_entry, &entry);
}

static bool fill_limits(DBusMessageIter *iter, const void *data)
{
	(void)data;
#define APPEND_LIMIT(name, value, doc)               \
	if (!append_limit(iter, #name, "", (value))) \
		return false;
	LIMITS(APPEND_LIMIT)
	for (int i = 0; i < QUOTA_KINDS; i++)
		if (!append_limit(iter, quota_limits[i].name, "-per-client",
				  quota_limits[i].client) ||
		    !append_limit(iter, quota_limits[i].name, "-per-user", quota_limits[i].user) ||
		    !append_limit(iter, quota_limits[i].name, "-in-all", quota_limits[i].total))
			return false;
	return true;
}

static const struct feature {
	const char *name;
	const char *signature;
	append_fn fill;
} features[] = {
	{"keys", "as", fill_keys},
	{"words", "a{sas}", fill_words},
	{"errors", "as", fill_errors},
	{"limits", "a{st}", fill_limits},
};

static bool fill_feature(DBusMessageIter *iter, const void *data)
{
	const struct feature *feature = data;

	return append_in(iter, DBUS_TYPE_ARRAY, feature->signature + 1, feature->fill, NULL);
}

static bool fill_feature_entry(DBusMessageIter *iter, const void *data)
{
	const struct feature *feature = data;

	return append_string(iter, feature->name) &&
	       append_in(iter, DBUS_TYPE_VARIANT, feature->signature, fill_feature, feature);
}

static bool fill_features(DBusMessageIter *iter, const void *data)
{
	(void)data;
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (!append_in(iter, DBUS_TYPE_DICT_ENTRY, NULL, fill_feature_entry, &features[i]))
			return false;
	return true;
}

bool features_append(DBusMessageIter *iter)
{
	return append_in(iter, DBUS_TYPE_ARRAY, "{sv}", fill_features, NULL);
}
