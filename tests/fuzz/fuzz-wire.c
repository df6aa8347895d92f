/* SPDX-License-Identifier: MIT */
/*
 * A message as a stranger would send it. The first byte says which group it is read as, and whether
 * the rest is the message itself or says how to make one. (Of changed messages libdbus refuses most
 * before we see them; those that are made have the right form and wrong contents.) What was read is
 * written and read again; what was refused is answered, and the answer is read.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "protocol/wire.h"
#include "tests/fuzz/fuzz.h"

static unsigned int count_groups(void)
{
	unsigned int len = 0;

	while (vocab_groups[len])
		len++;
	return len;
}

/* ---- reading ---- */

static void write_again(const void *record, const struct vocab_group *group)
{
	DBusMessage *message = dbus_message_new_signal("/a", "a.b", "c");
	struct error error = {0};
	DBusMessageIter iter;
	void *copy;

	assert(message);
	dbus_message_iter_init_append(message, &iter);
	assert(wire_append_record(&iter, record) == 0);
	dbus_message_iter_init(message, &iter);
	assert(wire_read_record(&iter, group, &error, &copy) == 0);
	vocab_destroy(copy);
	dbus_message_unref(message);
}

static void answer(const struct error *error, int number)
{
	DBusMessage *call = dbus_message_new_method_call("a.b", "/a", "a.b", "C"), *reply;
	struct error read = {0};
	char *text;

	assert(call);
	dbus_message_set_serial(call, 1);
	reply = wire_error(call, error, number);
	assert(reply);
	assert(wire_read_error(reply, &read, &text) < 0);
	assert(read.code == error->code);
	free(text);
	error_finish(&read);
	dbus_message_unref(reply);
	dbus_message_unref(call);
}

static void read_record(DBusMessage *message, const struct vocab_group *group)
{
	struct error error = {0};
	DBusMessageIter iter;
	void *record;
	int result;

	dbus_message_iter_init(message, &iter);
	result = wire_read_record(&iter, group, &error, &record);
	if (result == 0) {
		write_again(record, group);
		vocab_destroy(record);
	} else if (result != -EMFILE) { /* an fd that did not come along */
		assert(error_rows[error.code].number == result);
		answer(&error, result);
	}
	error_finish(&error);
}

static void read_error(DBusMessage *message)
{
	struct error error = {0};
	char *text;

	assert(wire_read_error(message, &error, &text) < 0);
	free(text);
	error_finish(&error);
}

/* ---- messages that are made ---- */

/* A request has participants, they have alternatives, which nest, and those have layouts with
 * planes; deeper than all of these. libdbus has a limit of its own. */
#define NESTED_MAX 9

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct input *input)
{
	if (!input->size)
		return 0;
	input->size--;
	return *input->data++;
}

static uint64_t take_number(struct input *input)
{
	uint64_t small = take(input);

	switch (take(input) % 4) {
	case 0:
		return small;
	case 1:
		return 1ull << (small % 64);
	case 2:
		return UINT64_MAX;
	default:
		return 640;
	}
}

/* A word of the row, or a text of any length: "ä" is two bytes. */
static void take_text(struct input *input, const struct vocab_row *row, char text[1600])
{
	uint8_t choice = take(input);
	size_t len = 0, most = (size_t)take(input) * 6;

	text[0] = '\0';
	if (choice % 2 && row && row->names) {
		strcpy(text, row->names[0]);
		return;
	}
	if (choice % 4 == 2)
		most = most % 24 + 1;
	if (choice & 0x40)
		text[len++] = 'x';
	for (; len + 2 < most; len += 2)
		memcpy(text + len, choice & 0x80 ? "ab" : "\xc3\xa4", 2);
	text[len] = '\0';
}

static const char *type_of(enum vocab_type type)
{
	static const char *const types[] = {"b", "u", "t",  "u",     "t",     "s",
					    "s", "u", "as", "a(ut)", "a(uu)", "aa{sv}"};

	return types[type];
}

static void append_record(struct input *input, DBusMessageIter *iter,
			  const struct vocab_group *group, unsigned int depth);

static void append_basic(struct input *input, DBusMessageIter *iter, char type,
			 const struct vocab_row *row)
{
	uint64_t number = take_number(input);
	dbus_uint32_t number32 = (dbus_uint32_t)number;
	dbus_bool_t boolean = number & 1;
	char text[1600];
	const char *start = text;
	const void *value = &number;

	take_text(input, row, text);
	if (type == 's')
		value = &start;
	else if (type == 'b')
		value = &boolean;
	else if (type == 'u')
		value = &number32;
	assert(dbus_message_iter_append_basic(iter, type, value));
}

static void append_element(struct input *input, DBusMessageIter *list, const char *type,
			   const struct vocab_row *row, unsigned int depth)
{
	DBusMessageIter pair;

	if (type[0] == 's') {
		append_basic(input, list, 's', NULL);
	} else if (type[0] == 'a') {
		append_record(input, list, row && row->group ? row->group : &vocab_participant,
			      depth + 1);
	} else {
		assert(dbus_message_iter_open_container(list, DBUS_TYPE_STRUCT, NULL, &pair));
		append_basic(input, &pair, type[1], NULL);
		append_basic(input, &pair, type[2], NULL);
		assert(dbus_message_iter_close_container(list, &pair));
	}
}

static void append_value(struct input *input, DBusMessageIter *variant, const char *type,
			 const struct vocab_row *row, unsigned int depth)
{
	DBusMessageIter list;
	unsigned int len = take(input) % 4;

	if (type[0] != 'a') {
		append_basic(input, variant, type[0], row);
		return;
	}
	if (take(input) == 0xff)
		len = 1100;
	assert(dbus_message_iter_open_container(variant, DBUS_TYPE_ARRAY, type + 1, &list));
	for (unsigned int i = 0; i < len && depth < NESTED_MAX; i++)
		append_element(input, &list, type + 1, row, depth);
	assert(dbus_message_iter_close_container(variant, &list));
}

/* A fact: (vs). */
static void append_fact(struct input *input, DBusMessageIter *variant, const char *type,
			const struct vocab_row *row, unsigned int depth)
{
	DBusMessageIter pair, value;
	const char *origin = vocab_origin_names[take(input) % VOCAB_ORIGINS];

	assert(dbus_message_iter_open_container(variant, DBUS_TYPE_STRUCT, NULL, &pair));
	assert(dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, type, &value));
	append_value(input, &value, type, row, depth);
	assert(dbus_message_iter_close_container(&pair, &value));
	assert(dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &origin));
	assert(dbus_message_iter_close_container(variant, &pair));
}

static void append_made_entry(struct input *input, DBusMessageIter *entries,
			      const struct vocab_row *row, bool fact, unsigned int depth)
{
	DBusMessageIter entry, variant;
	uint8_t choice = take(input);
	const char *type = type_of(choice % 32 ? row->type : (enum vocab_type)(take(input) % 12));
	char text[1600];
	const char *key = row->name;

	if (choice % 16 == 1) {
		take_text(input, NULL, text);
		key = text;
	}
	assert(dbus_message_iter_open_container(entries, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
	assert(dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key));
	fact = fact && row->type != VOCAB_DICTS;
	assert(dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, fact ? "(vs)" : type,
						&variant));
	if (fact)
		append_fact(input, &variant, type, row, depth);
	else
		append_value(input, &variant, type, row, depth);
	assert(dbus_message_iter_close_container(&entry, &variant));
	assert(dbus_message_iter_close_container(entries, &entry));
}

static void append_record(struct input *input, DBusMessageIter *iter,
			  const struct vocab_group *group, unsigned int depth)
{
	DBusMessageIter entries;

	assert(dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &entries));
	for (size_t i = 0; i < group->rows_len; i++)
		if (group->rows[i].flags & VOCAB_REQUIRED || take(input) % 4 == 0)
			append_made_entry(input, &entries, &group->rows[i], group->facts, depth);
	assert(dbus_message_iter_close_container(iter, &entries));
}

static DBusMessage *make_message(struct input *input, const struct vocab_group *group)
{
	DBusMessage *message = dbus_message_new_signal("/a", "a.b", "c");
	DBusMessageIter iter;

	assert(message);
	dbus_message_iter_init_append(message, &iter);
	append_record(input, &iter, group, 0);
	return message;
}

#define MADE 0x80 /* in the first byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data + 1, size - 1};
	const struct vocab_group *group;
	DBusMessage *message;

	if (size < 1)
		return 0;
	group = vocab_groups[(data[0] & ~MADE) % count_groups()];
	if (data[0] & MADE)
		message = make_message(&input, group);
	else
		message = dbus_message_demarshal((const char *)data + 1, (int)(size - 1), NULL);
	if (!message)
		return 0;
	read_record(message, group);
	read_error(message);
	dbus_message_unref(message);
	return 0;
}

/* ---- seeds: a record of each group with every key, one that is wrong, and some that are made ----
 */

#define MADE_SEEDS 64u

/* Alternatives have alternatives: in a seed, so many. */
#define SEED_NESTED_MAX 6

static void fill(void *record, unsigned int depth);

static void fill_row(void *record, unsigned int i, unsigned int depth)
{
	const struct vocab_row *row = &((struct vocab_head *)record)->group->rows[i];
	void *element;

	switch (row->type) {
	case VOCAB_STRING:
		(void)vocab_format_string(record, i, VOCAB_DECLARED, "%s", row->name);
		break;
	case VOCAB_FD:
		break;
	case VOCAB_STRINGS:
		(void)vocab_add_string(record, i, "one", VOCAB_DECLARED);
		(void)vocab_add_string(record, i, "two", VOCAB_DECLARED);
		break;
	case VOCAB_FORMATS:
		(void)vocab_add_format(record, i, 0x34325258, 0, VOCAB_DECLARED);
		break;
	case VOCAB_SIZES:
		(void)vocab_add_size(record, i, 640, 480, VOCAB_DECLARED);
		break;
	case VOCAB_DICTS:
		if (depth < SEED_NESTED_MAX &&
		    vocab_add_dict(record, i, VOCAB_DECLARED, &element) == 0)
			fill(element, depth + 1);
		break;
	default:
		(void)vocab_set_number(record, i, row->dflt < row->min ? row->min : row->dflt,
				       VOCAB_DECLARED);
		break;
	}
}

static void fill(void *record, unsigned int depth)
{
	for (unsigned int i = 0; i < ((struct vocab_head *)record)->group->rows_len; i++)
		fill_row(record, i, depth);
}

/* An entry that is wrong whatever the group. */
static void append_stranger(DBusMessageIter *iter)
{
	DBusMessageIter entries, entry, variant;
	char text[400];
	const char *key = text;
	dbus_uint32_t value = 1;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	text[1] = 'y';
	dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &entries);
	dbus_message_iter_open_container(&entries, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "u", &variant);
	dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT32, &value);
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(&entries, &entry);
	dbus_message_iter_close_container(iter, &entries);
}

static size_t write_message(DBusMessage *message, uint8_t group, uint8_t *data, size_t size)
{
	char *bytes;
	int len;

	dbus_message_set_serial(message, 1);
	if (!dbus_message_marshal(message, &bytes, &len))
		abort();
	assert((size_t)len < size);
	data[0] = group;
	memcpy(data + 1, bytes, (size_t)len);
	dbus_free(bytes);
	dbus_message_unref(message);
	return (size_t)len + 1;
}

/* Any bytes make a message. */
static size_t seed_made(unsigned int number, uint8_t *data, size_t size)
{
	uint32_t state = 2654435761u * (number + 1);

	if (size > 1024)
		size = 1024;
	for (size_t i = 0; i < size; i++) {
		state = state * 1664525u + 1013904223u;
		data[i] = (uint8_t)(state >> 24);
	}
	data[0] = (uint8_t)(MADE | number % count_groups());
	return size;
}

size_t fuzz_seed(unsigned int number, uint8_t *data, size_t size)
{
	unsigned int groups = count_groups();
	DBusMessage *message;
	DBusMessageIter iter;
	void *record;

	if (number > groups)
		return number - groups <= MADE_SEEDS ? seed_made(number, data, size) : 0;
	message = dbus_message_new_signal("/a", "a.b", "c");
	if (!message)
		abort();
	dbus_message_iter_init_append(message, &iter);
	if (number < groups && vocab_create(vocab_groups[number], &record) == 0) {
		fill(record, 0);
		(void)wire_append_record(&iter, record);
		vocab_destroy(record);
	} else {
		append_stranger(&iter);
	}
	return write_message(message, (uint8_t)(number % groups), data, size);
}
