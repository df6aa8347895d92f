/* SPDX-License-Identifier: MIT */
/* Records through the public header: every key is a row of the vocabulary. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/model/text.h"
#include "libclient/internal.h"

static const struct vocab_group *group_of(const struct dmabroker_record *record)
{
	return ((const struct vocab_head *)record)->group;
}

/* The row called `key`; what never leaves the process it was found in is no key. */
static int find_key(const struct dmabroker_record *record, const char *key)
{
	int row = vocab_find(group_of(record), key);

	return row >= 0 && group_of(record)->rows[row].flags & VOCAB_LOCAL ? -ENOENT : row;
}

/* The row called `key`, if its type is one of a range. */
static int find_row(const struct dmabroker_record *record, const char *key,
		    enum vocab_type first_type, enum vocab_type last_type)
{
	int row = find_key(record, key);
	enum vocab_type type;

	if (row < 0)
		return row;
	type = group_of(record)->rows[row].type;
	return type >= first_type && type <= last_type ? row : -EINVAL;
}

int dmabroker_request_create(struct dmabroker_record **ret_request)
{
	return vocab_create(&vocab_request, ret_request);
}

int dmabroker_request_add_participant(struct dmabroker_record *request, const char *name,
				      const char *role, struct dmabroker_record **ret_participant)
{
	struct vocab_head *participant;
	int error, index = role ? vocab_name_index(vocab_role_names, role) : 0;

	if (group_of(request) != &vocab_request || index < 0)
		return -EINVAL;
	error = vocab_create(&vocab_participant, &participant);
	if (error)
		return error;
	error = vocab_set_string(participant, PARTICIPANT_NAME, name, VOCAB_DECLARED);
	if (!error && role)
		error = vocab_set_number(participant, PARTICIPANT_ROLE, (uint64_t)index,
					 VOCAB_DECLARED);
	if (!error)
		error = vocab_take_dict(request, REQUEST_PARTICIPANTS, participant, VOCAB_DECLARED);
	if (error) {
		vocab_destroy(participant);
		return error;
	}
	*ret_participant = (struct dmabroker_record *)participant;
	return 0;
}

int dmabroker_machine_create(struct dmabroker_record **ret_machine)
{
	return vocab_create(&vocab_machine, ret_machine);
}

void dmabroker_record_destroy(struct dmabroker_record *record)
{
	vocab_destroy(record);
}

int dmabroker_record_set_uint(struct dmabroker_record *record, const char *key, uint64_t value)
{
	int row = find_row(record, key, VOCAB_U32, VOCAB_MODIFIER);

	return row < 0 ? row : vocab_set_number(record, (unsigned int)row, value, VOCAB_DECLARED);
}

int dmabroker_record_set_bool(struct dmabroker_record *record, const char *key, int value)
{
	int row = find_row(record, key, VOCAB_BOOL, VOCAB_BOOL);

	return row < 0 ? row
		       : vocab_set_number(record, (unsigned int)row, value != 0, VOCAB_DECLARED);
}

int dmabroker_record_set_string(struct dmabroker_record *record, const char *key, const char *value)
{
	int row = find_row(record, key, VOCAB_ENUM, VOCAB_STRING), index;

	if (row < 0)
		return row;
	if (group_of(record)->rows[row].type == VOCAB_STRING)
		return vocab_set_string(record, (unsigned int)row, value, VOCAB_DECLARED);
	index = vocab_name_index(group_of(record)->rows[row].names, value);
	if (index < 0)
		return -EINVAL;
	return vocab_set_number(record, (unsigned int)row, (uint64_t)index, VOCAB_DECLARED);
}

int dmabroker_record_set_fd(struct dmabroker_record *record, const char *key, int fd)
{
	int row = find_row(record, key, VOCAB_FD, VOCAB_FD), copy;

	if (row < 0)
		return row;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return errno == EBADF ? -EINVAL : -errno;
	return vocab_set_fd(record, (unsigned int)row, copy, VOCAB_DECLARED);
}

int dmabroker_record_add_string(struct dmabroker_record *record, const char *key, const char *value)
{
	int row = find_row(record, key, VOCAB_STRINGS, VOCAB_STRINGS);

	return row < 0 ? row : vocab_add_string(record, (unsigned int)row, value, VOCAB_DECLARED);
}

int dmabroker_record_add_format(struct dmabroker_record *record, const char *key, uint32_t fourcc,
				uint64_t modifier)
{
	int row = find_row(record, key, VOCAB_FORMATS, VOCAB_FORMATS);

	return row < 0 ? row
		       : vocab_add_format(record, (unsigned int)row, fourcc, modifier,
					  VOCAB_DECLARED);
}

int dmabroker_record_add_size(struct dmabroker_record *record, const char *key, uint32_t width,
			      uint32_t height)
{
	int row = find_row(record, key, VOCAB_SIZES, VOCAB_SIZES);

	return row < 0 ? row
		       : vocab_add_size(record, (unsigned int)row, width, height, VOCAB_DECLARED);
}

int dmabroker_record_add_record(struct dmabroker_record *record, const char *key,
				struct dmabroker_record **ret_element)
{
	int row = find_row(record, key, VOCAB_DICTS, VOCAB_DICTS);

	return row < 0 ? row
		       : vocab_add_dict(record, (unsigned int)row, VOCAB_DECLARED, ret_element);
}

int dmabroker_record_set_origin(struct dmabroker_record *record, const char *key,
				const char *origin)
{
	int row = find_key(record, key), index = vocab_name_index(vocab_origin_names, origin);

	if (row < 0 || !vocab_has(record, (unsigned int)row))
		return -ENOENT;
	if (!group_of(record)->facts || index <= VOCAB_ABSENT || index >= VOCAB_SOLVED)
		return -EINVAL;
	((struct vocab_head *)record)->origin[row] = (uint8_t)index;
	return 0;
}

/* The row called `key` if it has a value. */
static int find_value(const struct dmabroker_record *record, const char *key,
		      enum vocab_type first_type, enum vocab_type last_type)
{
	int row = find_row(record, key, first_type, last_type);

	return row < 0 || vocab_has(record, (unsigned int)row) ? row : -ENOENT;
}

int dmabroker_record_get_uint(const struct dmabroker_record *record, const char *key,
			      uint64_t *ret_value)
{
	int row = find_value(record, key, VOCAB_BOOL, VOCAB_MODIFIER);

	if (row < 0)
		return row;
	*ret_value = vocab_number(record, (unsigned int)row);
	return 0;
}

const char *dmabroker_record_get_string(const struct dmabroker_record *record, const char *key)
{
	int row = find_value(record, key, VOCAB_ENUM, VOCAB_STRING);

	if (row < 0)
		return NULL;
	if (group_of(record)->rows[row].type == VOCAB_ENUM)
		return vocab_enum_name(record, (unsigned int)row);
	return vocab_string(record, (unsigned int)row);
}

size_t dmabroker_record_get_len(const struct dmabroker_record *record, const char *key)
{
	int row = find_value(record, key, VOCAB_STRINGS, VOCAB_DICTS);
	const void *value;

	if (row < 0)
		return 0;
	value = vocab_value(record, (unsigned int)row);
	switch (group_of(record)->rows[row].type) {
	case VOCAB_STRINGS:
		return ((const struct vocab_strings *)value)->len;
	case VOCAB_FORMATS:
		return ((const struct vocab_formats *)value)->len;
	case VOCAB_SIZES:
		return ((const struct vocab_sizes *)value)->len;
	default:
		return ((const struct vocab_dicts *)value)->len;
	}
}

/* The list of a row of `type` if it has an element `index`, else NULL and the cause. */
static const void *find_element(const struct dmabroker_record *record, const char *key,
				enum vocab_type type, size_t index, int *ret_error)
{
	int row = find_value(record, key, type, type);

	*ret_error = row;
	if (row < 0)
		return NULL;
	*ret_error = -ERANGE;
	if (index >= dmabroker_record_get_len(record, key))
		return NULL;
	return vocab_value(record, (unsigned int)row);
}

int dmabroker_record_get_string_at(const struct dmabroker_record *record, const char *key,
				   size_t index, const char **ret_value)
{
	int error;
	const struct vocab_strings *list = find_element(record, key, VOCAB_STRINGS, index, &error);

	if (!list)
		return error;
	*ret_value = list->items[index];
	return 0;
}

int dmabroker_record_get_format(const struct dmabroker_record *record, const char *key,
				size_t index, uint32_t *ret_fourcc, uint64_t *ret_modifier)
{
	int error;
	const struct vocab_formats *list = find_element(record, key, VOCAB_FORMATS, index, &error);

	if (!list)
		return error;
	*ret_fourcc = list->items[index].fourcc;
	*ret_modifier = list->items[index].modifier;
	return 0;
}

int dmabroker_record_get_size(const struct dmabroker_record *record, const char *key, size_t index,
			      uint32_t *ret_width, uint32_t *ret_height)
{
	int error;
	const struct vocab_sizes *list = find_element(record, key, VOCAB_SIZES, index, &error);

	if (!list)
		return error;
	*ret_width = list->items[index].width;
	*ret_height = list->items[index].height;
	return 0;
}

int dmabroker_record_get_record(const struct dmabroker_record *record, const char *key,
				size_t index, const struct dmabroker_record **ret_element)
{
	int error;
	const struct vocab_dicts *list = find_element(record, key, VOCAB_DICTS, index, &error);

	if (!list)
		return error;
	*ret_element = (const struct dmabroker_record *)list->items[index];
	return 0;
}

const char *dmabroker_record_get_origin(const struct dmabroker_record *record, const char *key)
{
	int row = find_key(record, key);

	if (row < 0 || !vocab_has(record, (unsigned int)row))
		return NULL;
	return vocab_origin_names[vocab_origin(record, (unsigned int)row)];
}

static enum dmabroker_type public_type(enum vocab_type type)
{
	switch (type) {
	case VOCAB_BOOL:
		return DMABROKER_TYPE_BOOL;
	case VOCAB_U32:
	case VOCAB_U64:
		return DMABROKER_TYPE_UINT;
	case VOCAB_FOURCC:
		return DMABROKER_TYPE_FOURCC;
	case VOCAB_MODIFIER:
		return DMABROKER_TYPE_MODIFIER;
	case VOCAB_ENUM:
	case VOCAB_STRING:
		return DMABROKER_TYPE_STRING;
	case VOCAB_FD:
		return DMABROKER_TYPE_FD;
	case VOCAB_STRINGS:
		return DMABROKER_TYPE_STRINGS;
	case VOCAB_FORMATS:
		return DMABROKER_TYPE_FORMATS;
	case VOCAB_SIZES:
		return DMABROKER_TYPE_SIZES;
	default:
		return DMABROKER_TYPE_RECORDS;
	}
}

int dmabroker_record_get_type(const struct dmabroker_record *record, const char *key)
{
	int row = find_key(record, key);

	return row < 0 ? row : (int)public_type(group_of(record)->rows[row].type);
}

/* "a whole number from 1 to 64 (buffers)" */
static void describe_number(FILE *out, const struct vocab_row *row)
{
	uint64_t none = row->type == VOCAB_U32 ? VOCAB_NO_LIMIT32 : VOCAB_NO_LIMIT64;

	fputs("a whole number", out);
	if (row->max != none)
		fprintf(out, " from %llu to %llu", (unsigned long long)row->min,
			(unsigned long long)row->max);
	else if (row->min)
		fprintf(out, " of at least %llu", (unsigned long long)row->min);
	if (row->unit[0])
		fprintf(out, " (%s)", row->unit);
}

/* "one of never, rare, often" */
static void describe_words(FILE *out, const struct vocab_row *row)
{
	for (unsigned int i = 0; row->names[i] && (!row->max || i < row->max); i++)
		fprintf(out, "%s%s", i ? ", " : "one of ", row->names[i]);
}

static void describe(FILE *out, const struct vocab_row *row)
{
	switch (row->type) {
	case VOCAB_BOOL:
		fputs("yes or no (true or false)", out);
		break;
	case VOCAB_U32:
	case VOCAB_U64:
		describe_number(out, row);
		break;
	case VOCAB_FOURCC:
		fputs("a fourcc such as XR24", out);
		break;
	case VOCAB_MODIFIER:
		fputs("a modifier such as 0x0", out);
		break;
	case VOCAB_ENUM:
		describe_words(out, row);
		break;
	case VOCAB_STRING:
		fprintf(out, "a string of %llu to %llu bytes", (unsigned long long)row->min,
			(unsigned long long)row->max);
		break;
	case VOCAB_FD:
		fputs("an open file", out);
		break;
	default:
		fprintf(out, "a list of %llu to %llu ", (unsigned long long)row->min,
			(unsigned long long)row->max);
		fputs(row->type == VOCAB_STRINGS   ? "strings"
		      : row->type == VOCAB_FORMATS ? "formats such as XR24, NV12:0x0 or NV12:*"
		      : row->type == VOCAB_SIZES   ? "sizes such as 640x480"
						   : "objects",
		      out);
		break;
	}
}

char *dmabroker_record_describe_key(const struct dmabroker_record *record, const char *key)
{
	int row = find_key(record, key);
	char *text = NULL;
	size_t size;
	FILE *out;

	out = row < 0 ? NULL : open_memstream(&text, &size);
	if (!out)
		return NULL;
	describe(out, &group_of(record)->rows[row]);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

const char *dmabroker_record_next(const struct dmabroker_record *record, size_t *position,
				  enum dmabroker_type *ret_type, const char **ret_unit)
{
	const struct vocab_group *group = group_of(record);

	while (*position < group->rows_len) {
		const struct vocab_row *row = &group->rows[(*position)++];

		if (!vocab_has(record, (unsigned int)(*position - 1)) || row->flags & VOCAB_LOCAL)
			continue;
		*ret_type = public_type(row->type);
		*ret_unit = row->unit;
		return row->name;
	}
	return NULL;
}

int dmabroker_record_has_facts(const struct dmabroker_record *record)
{
	return group_of(record)->facts;
}

char *dmabroker_plan_describe(const struct dmabroker_record *plan)
{
	return text_plan((const struct plan *)plan);
}
