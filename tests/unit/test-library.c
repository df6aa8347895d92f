/* SPDX-License-Identifier: MIT */
/* The public library as far as it needs no daemon: records, machines, and connecting to nobody. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dmabroker.h>

#include "tests/unit/check.h"

#define CONNECT_S 5 /* as the header promises */
#define SLACK_S 3   /* for a busy machine */
#define XR24 0x34325258u

static struct dmabroker_record *new_request(void)
{
	struct dmabroker_record *request = NULL;

	ck_assert_int_eq(dmabroker_request_create(&request), 0);
	ck_assert_ptr_nonnull(request);
	return request;
}

static struct dmabroker_record *new_participant(struct dmabroker_record *request)
{
	struct dmabroker_record *participant = NULL;

	ck_assert_int_eq(dmabroker_request_add_participant(request, "one", "capture", &participant),
			 0);
	ck_assert_ptr_nonnull(participant);
	return participant;
}

static char *text_of(size_t len)
{
	char *text = malloc(len + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static size_t count_fds(void)
{
	size_t len = 0;

	for (int fd = 0; fd < 1024; fd++)
		len += fcntl(fd, F_GETFD) >= 0;
	return len;
}

/* ---- setters and getters of single values ---- */

enum setter { UINT, BOOL, STRING };

static const struct set {
	const char *key;
	enum setter setter;
	bool of_participant;
	uint64_t number;
	const char *text;
	int result;
} sets[] = {
	{"width", UINT, .number = 1},
	{"width", UINT, .number = 32768},
	{"width", UINT, .number = 0, .result = -ERANGE},
	{"width", UINT, .number = 32769, .result = -ERANGE},
	{"width", UINT, .number = (1ull << 32) + 640, .result = -ERANGE},
	{"width", UINT, .number = UINT64_MAX, .result = -ERANGE},
	{"width", BOOL, .number = 1, .result = -EINVAL},
	{"width", STRING, .text = "640", .result = -EINVAL},
	{"visible-x", UINT, .number = 0},
	{"count", UINT, .number = 0, .result = -ERANGE},
	{"count", UINT, .number = 64},
	{"count", UINT, .number = 65, .result = -ERANGE},
	{"linger-ms", UINT, .number = 60000},
	{"linger-ms", UINT, .number = 60001, .result = -ERANGE},
	{"frobnicate", UINT, .number = 1, .result = -ENOENT},
	{"frobnicate", BOOL, .number = 1, .result = -ENOENT},
	{"frobnicate", STRING, .text = "x", .result = -ENOENT},
	{"", UINT, .number = 1, .result = -ENOENT},
	{"Width", UINT, .number = 1, .result = -ENOENT},
	{"camping", UINT, .number = 1, .result = -ENOENT}, /* of another kind of record */
	{"formats", UINT, .number = 1, .result = -EINVAL},
	{"participants", UINT, .number = 1, .result = -EINVAL},
	{"allowed-heaps", STRING, .text = "system", .result = -EINVAL},
	{"name", STRING, .text = "x"},
	{"name", STRING, .text = "24 characters and no mor"},
	{"name", STRING, .text = "25 characters and no more", .result = -ERANGE},
	{"name", STRING, .text = "", .result = -ERANGE},
	{"name", UINT, .number = 1, .result = -EINVAL},
	{"field", STRING, .text = "progressive"},
	{"field", STRING, .text = "interlaced", .result = -EOPNOTSUPP},
	{"field", STRING, .text = "alternate", .result = -EOPNOTSUPP},
	{"field", STRING, .text = "sideways", .result = -EINVAL},
	{"field", STRING, .text = "", .result = -EINVAL},
	{"field", UINT, .number = 0, .result = -EINVAL},
	{"colour-matrix", STRING, .text = "bt709"},
	{"colour-range", STRING, .text = "full"},
	{"memory-objects", STRING, .text = "single"},
	{"memory-objects", STRING, .text = "per-plane", .result = -EOPNOTSUPP},
	{"camping", UINT, true, .number = 0},
	{"camping", UINT, true, .number = 64},
	{"camping", UINT, true, .number = 65, .result = -ERANGE},
	{"contiguous", BOOL, true, .number = 0},
	{"contiguous", BOOL, true, .number = 1},
	{"contiguous", UINT, true, .number = 1, .result = -EINVAL},
	{"contiguous", STRING, true, .text = "true", .result = -EINVAL},
	{"bytes-min", UINT, true, .number = 0},
	{"bytes-min", UINT, true, .number = UINT64_MAX},
	{"bytes-max", UINT, true, .number = 0, .result = -ERANGE},
	{"stride-min", UINT, true, .number = UINT32_MAX},
	{"stride-min", UINT, true, .number = 1ull << 32, .result = -ERANGE},
	{"stride-align", UINT, true, .number = 0, .result = -ERANGE},
	{"stride-align", UINT, true, .number = 65536},
	{"stride-align", UINT, true, .number = 65537, .result = -ERANGE},
	{"address-bits", UINT, true, .number = 11, .result = -ERANGE},
	{"address-bits", UINT, true, .number = 64},
	{"address-bits", UINT, true, .number = 65, .result = -ERANGE},
	{"device", STRING, true, .text = "/dev/video0"},
	{"device", STRING, true, .text = "", .result = -ERANGE},
	{"device-fd", STRING, true, .text = "/dev/video0", .result = -EINVAL},
	{"device-fd", UINT, true, .number = 0, .result = -EINVAL},
	{"role", STRING, true, .text = "scanout"},
	{"role", STRING, true, .text = "actor", .result = -EINVAL},
	{"cpu-access", STRING, true, .text = "often"},
	{"completion", STRING, true, .text = "implicit-fence"},
	{"completion", STRING, true, .text = "sync-object", .result = -EOPNOTSUPP},
	{"width", UINT, true, .number = 1, .result = -ENOENT},
	{"deadline-ms", UINT, .number = 0, .result = -ERANGE},
	{"deadline-ms", UINT, .number = 600000},
	{"deadline-ms", UINT, .number = 600001, .result = -ERANGE},
	{"allow-copies", BOOL, .number = 1},
	{"allow-copies", BOOL, .number = 0},
	{"allow-bounce", BOOL, .number = 1},
	{"forbid-scarce", BOOL, .number = 1},
	{"rank", UINT, true, .number = 1000},
	{"rank", UINT, true, .number = 1001, .result = -ERANGE},
	{"optional", BOOL, true, .number = 1},
	{"usage", STRING, true, .text = "read", .result = -EINVAL}, /* a list */
	{"cpu-writes", STRING, true, .text = "rare"},
	{"shared-slack", UINT, true, .number = 0},
	{"min-count", UINT, true, .number = 64},
	{"min-count", UINT, true, .number = 65, .result = -ERANGE},
	{"area-max", UINT, true, .number = UINT64_MAX},
	{"area-max", UINT, true, .number = 0, .result = -ERANGE},
	{"base-align", UINT, true, .number = 1ull << 30},
	{"base-align", UINT, true, .number = (1ull << 30) + 1, .result = -ERANGE},
	{"segment-bytes-max", UINT, true, .number = 4095, .result = -ERANGE},
	{"protected", BOOL, true, .number = 1},
	{"alternatives", UINT, true, .number = 1, .result = -EINVAL},
};
#define SETS ((int)(sizeof(sets) / sizeof(sets[0])))

static int set(struct dmabroker_record *record, const struct set *row)
{
	switch (row->setter) {
	case UINT:
		return dmabroker_record_set_uint(record, row->key, row->number);
	case BOOL:
		return dmabroker_record_set_bool(record, row->key, (int)row->number);
	default:
		return dmabroker_record_set_string(record, row->key, row->text);
	}
}

static void check_value(const struct dmabroker_record *record, const struct set *row)
{
	uint64_t number = 12345;

	ck_assert_str_eq(dmabroker_record_get_origin(record, row->key), "declared");
	if (row->setter == STRING) {
		ck_assert_str_eq(dmabroker_record_get_string(record, row->key), row->text);
		ck_assert_int_eq(dmabroker_record_get_uint(record, row->key, &number), -EINVAL);
		ck_assert_uint_eq(number, 12345);
		return;
	}
	ck_assert_int_eq(dmabroker_record_get_uint(record, row->key, &number), 0);
	ck_assert_uint_eq(number, row->number);
	ck_assert_ptr_null(dmabroker_record_get_string(record, row->key));
}

static void check_absent(const struct dmabroker_record *record, const char *key)
{
	uint64_t number = 12345;

	ck_assert_ptr_null(dmabroker_record_get_origin(record, key));
	ck_assert_int_lt(dmabroker_record_get_uint(record, key, &number), 0);
	ck_assert_uint_eq(number, 12345);
	ck_assert_ptr_null(dmabroker_record_get_string(record, key));
	ck_assert_uint_eq(dmabroker_record_get_len(record, key), 0);
}

START_TEST(value_is_set_or_refused)
{
	const struct set *row = &sets[_i];
	struct dmabroker_record *request = new_request();
	struct dmabroker_record *record = row->of_participant ? new_participant(request) : request;
	bool has_role = row->of_participant && strcmp(row->key, "role") == 0;

	if (!has_role)
		check_absent(record, row->key);
	ck_assert_msg(set(record, row) == row->result, "%s, row %d: %d instead of %d", row->key, _i,
		      set(record, row), row->result);
	if (!row->result)
		check_value(record, row);
	else if (has_role)
		ck_assert_str_eq(dmabroker_record_get_string(record, "role"), "capture");
	else
		check_absent(record, row->key);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(refused_values_leave_the_old_ones)
{
	struct dmabroker_record *request = new_request();
	uint64_t width;

	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", 640), 0);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", 0), -ERANGE);
	ck_assert_int_eq(dmabroker_record_get_uint(request, "width", &width), 0);
	ck_assert_uint_eq(width, 640);
	ck_assert_int_eq(dmabroker_record_set_uint(request, "width", 800), 0);
	ck_assert_int_eq(dmabroker_record_get_uint(request, "width", &width), 0);
	ck_assert_uint_eq(width, 800);

	ck_assert_int_eq(dmabroker_record_set_string(request, "name", "old"), 0);
	ck_assert_int_eq(dmabroker_record_set_string(request, "name", ""), -ERANGE);
	ck_assert_str_eq(dmabroker_record_get_string(request, "name"), "old");
	ck_assert_int_eq(dmabroker_record_set_string(request, "name", "new"), 0);
	ck_assert_str_eq(dmabroker_record_get_string(request, "name"), "new");
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(strings_are_copied)
{
	char text[] = "before";
	struct dmabroker_record *request = new_request();
	const char *copy;

	ck_assert_int_eq(dmabroker_record_set_string(request, "name", text), 0);
	ck_assert_int_eq(dmabroker_record_add_string(request, "allowed-heaps", text), 0);
	memset(text, 'x', sizeof(text) - 1);
	ck_assert_str_eq(dmabroker_record_get_string(request, "name"), "before");
	ck_assert_int_eq(dmabroker_record_get_string_at(request, "allowed-heaps", 0, &copy), 0);
	ck_assert_str_eq(copy, "before");
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(any_number_is_true)
{
	struct dmabroker_record *request = new_request(), *record = new_participant(request);
	uint64_t value;

	ck_assert_int_eq(dmabroker_record_set_bool(record, "contiguous", 256), 0);
	ck_assert_int_eq(dmabroker_record_get_uint(record, "contiguous", &value), 0);
	ck_assert_uint_eq(value, 1);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(absent_keys_and_unknown_ones_have_no_value)
{
	static const char *const keys[] = {"width", "name", "formats", "field", "frobnicate", ""};
	struct dmabroker_record *request = new_request();
	uint64_t number;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		check_absent(request, keys[i]);
	ck_assert_int_eq(dmabroker_record_get_uint(request, "width", &number), -ENOENT);
	ck_assert_int_eq(dmabroker_record_get_uint(request, "frobnicate", &number), -ENOENT);
	ck_assert_int_eq(dmabroker_record_get_uint(request, "formats", &number), -EINVAL);
	ck_assert_int_eq(dmabroker_record_has_facts(request), 0);
	dmabroker_record_destroy(request);
	dmabroker_record_destroy(NULL);
}
END_TEST

/* ---- lists ---- */

START_TEST(strings_are_listed)
{
	struct dmabroker_record *request = new_request();
	const char *value = "untouched";

	ck_assert_int_eq(dmabroker_record_get_string_at(request, "allowed-heaps", 0, &value),
			 -ENOENT);
	ck_assert_int_eq(dmabroker_record_add_string(request, "allowed-heaps", "one"), 0);
	ck_assert_int_eq(dmabroker_record_add_string(request, "allowed-heaps", "two"), 0);
	ck_assert_int_eq(dmabroker_record_add_string(request, "name", "three"), -EINVAL);
	ck_assert_int_eq(dmabroker_record_add_string(request, "formats", "three"), -EINVAL);
	ck_assert_int_eq(dmabroker_record_add_string(request, "frobnicate", "three"), -ENOENT);
	ck_assert_uint_eq(dmabroker_record_get_len(request, "allowed-heaps"), 2);
	ck_assert_uint_eq(dmabroker_record_get_len(request, "forbidden-heaps"), 0);

	ck_assert_int_eq(dmabroker_record_get_string_at(request, "allowed-heaps", 2, &value),
			 -ERANGE);
	ck_assert_int_eq(dmabroker_record_get_string_at(request, "allowed-heaps", SIZE_MAX, &value),
			 -ERANGE);
	ck_assert_int_eq(dmabroker_record_get_string_at(request, "name", 0, &value), -EINVAL);
	ck_assert_int_eq(dmabroker_record_get_string_at(request, "frobnicate", 0, &value), -ENOENT);
	ck_assert_str_eq(value, "untouched");
	ck_assert_int_eq(dmabroker_record_get_string_at(request, "allowed-heaps", 1, &value), 0);
	ck_assert_str_eq(value, "two");
	ck_assert_int_eq(dmabroker_record_get_string_at(request, "allowed-heaps", 0, &value), 0);
	ck_assert_str_eq(value, "one");
	ck_assert_str_eq(dmabroker_record_get_origin(request, "allowed-heaps"), "declared");
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(formats_are_listed)
{
	struct dmabroker_record *request = new_request(), *record = new_participant(request);
	uint32_t fourcc = 1;
	uint64_t modifier = 2;

	ck_assert_int_eq(dmabroker_record_get_format(record, "formats", 0, &fourcc, &modifier),
			 -ENOENT);
	ck_assert_int_eq(dmabroker_record_add_format(record, "formats", XR24, 0), 0);
	ck_assert_int_eq(dmabroker_record_add_format(record, "formats", XR24, UINT64_MAX), 0);
	ck_assert_int_eq(dmabroker_record_add_format(record, "device", XR24, 0), -EINVAL);
	ck_assert_int_eq(dmabroker_record_add_format(record, "frobnicate", XR24, 0), -ENOENT);
	ck_assert_uint_eq(dmabroker_record_get_len(record, "formats"), 2);
	ck_assert_int_eq(dmabroker_record_get_format(record, "formats", 2, &fourcc, &modifier),
			 -ERANGE);
	ck_assert_int_eq(dmabroker_record_get_format(record, "name", 0, &fourcc, &modifier),
			 -EINVAL);
	ck_assert_int_eq(dmabroker_record_get_size(record, "formats", 0, &fourcc, &fourcc),
			 -EINVAL);
	ck_assert_int_eq(dmabroker_record_get_size(record, "sizes", 0, &fourcc, &fourcc), -ENOENT);
	ck_assert_uint_eq(fourcc, 1);
	ck_assert_uint_eq(modifier, 2);
	ck_assert_int_eq(dmabroker_record_get_format(record, "formats", 1, &fourcc, &modifier), 0);
	ck_assert_uint_eq(fourcc, XR24);
	ck_assert_uint_eq(modifier, UINT64_MAX);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(lists_end_at_their_limits)
{
	struct dmabroker_record *request = new_request();

	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(dmabroker_record_add_string(request, "forbidden-heaps", "x"), 0);
	ck_assert_int_eq(dmabroker_record_add_string(request, "forbidden-heaps", "x"), -ERANGE);
	ck_assert_uint_eq(dmabroker_record_get_len(request, "forbidden-heaps"), 64);
	for (uint32_t i = 0; i < 1024; i++)
		ck_assert_int_eq(dmabroker_record_add_format(request, "formats", i, 0), 0);
	ck_assert_int_eq(dmabroker_record_add_format(request, "formats", XR24, 0), -ERANGE);
	ck_assert_uint_eq(dmabroker_record_get_len(request, "formats"), 1024);
	dmabroker_record_destroy(request);
}
END_TEST

/* ---- walking ---- */

struct seen {
	const char *key;
	enum dmabroker_type type;
	const char *unit;
};

static void check_walk(const struct dmabroker_record *record, const struct seen *expected,
		       size_t len)
{
	enum dmabroker_type type = (enum dmabroker_type)77;
	const char *unit = "untouched", *key;
	size_t position = 0;

	for (size_t i = 0; i < len; i++) {
		key = dmabroker_record_next(record, &position, &type, &unit);
		ck_assert_msg(key && strcmp(key, expected[i].key) == 0, "%s instead of %s",
			      key ? key : "the end", expected[i].key);
		ck_assert_int_eq(type, expected[i].type);
		ck_assert_str_eq(unit, expected[i].unit);
	}
	type = (enum dmabroker_type)77;
	unit = "untouched";
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_null(dmabroker_record_next(record, &position, &type, &unit));
	ck_assert_int_eq((int)type, 77);
	ck_assert_str_eq(unit, "untouched");
}

START_TEST(walk_of_a_request)
{
	static const struct seen expected[] = {
		{"name", DMABROKER_TYPE_STRING, "bytes"},
		{"width", DMABROKER_TYPE_UINT, "pixels"},
		{"formats", DMABROKER_TYPE_FORMATS, ""},
		{"field", DMABROKER_TYPE_STRING, ""},
		{"allowed-heaps", DMABROKER_TYPE_STRINGS, ""},
		{"linger-ms", DMABROKER_TYPE_UINT, "ms"},
		{"participants", DMABROKER_TYPE_RECORDS, ""},
	};
	struct dmabroker_record *request = new_request();

	check_walk(request, expected, 0);
	/* the order is the vocabulary's, not this one */
	new_participant(request);
	dmabroker_record_set_uint(request, "linger-ms", 0);
	dmabroker_record_add_string(request, "allowed-heaps", "system");
	dmabroker_record_set_string(request, "field", "progressive");
	dmabroker_record_add_format(request, "formats", XR24, 0);
	dmabroker_record_set_uint(request, "width", 640);
	dmabroker_record_set_uint(request, "height", 0); /* refused */
	dmabroker_record_set_string(request, "name", "walk");
	check_walk(request, expected, sizeof(expected) / sizeof(expected[0]));
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(walk_of_a_participant)
{
	static const struct seen expected[] = {
		{"name", DMABROKER_TYPE_STRING, "bytes"},
		{"device-fd", DMABROKER_TYPE_FD, ""},
		{"role", DMABROKER_TYPE_STRING, ""},
		{"bytes-min", DMABROKER_TYPE_UINT, "bytes"},
		{"contiguous", DMABROKER_TYPE_BOOL, ""},
	};
	struct dmabroker_record *request = new_request(), *record = new_participant(request);

	dmabroker_record_set_bool(record, "contiguous", 0);
	dmabroker_record_set_uint(record, "bytes-min", 0);
	dmabroker_record_set_fd(record, "device-fd", STDIN_FILENO);
	check_walk(record, expected, sizeof(expected) / sizeof(expected[0]));
	dmabroker_record_destroy(request);
}
END_TEST

/* ---- participants ---- */

START_TEST(participants_are_added)
{
	const struct dmabroker_record *element = NULL;
	struct dmabroker_record *request = new_request(), *first, *second;

	ck_assert_int_eq(dmabroker_record_get_record(request, "participants", 0, &element),
			 -ENOENT);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "camera", "capture", &first),
			 0);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "x", NULL, &second), 0);
	ck_assert_uint_eq(dmabroker_record_get_len(request, "participants"), 2);
	ck_assert_int_eq(dmabroker_record_get_record(request, "participants", 2, &element),
			 -ERANGE);
	ck_assert_int_eq(dmabroker_record_get_record(request, "formats", 0, &element), -EINVAL);
	ck_assert_int_eq(dmabroker_record_get_record(request, "frobnicate", 0, &element), -ENOENT);
	ck_assert_ptr_null(element);
	ck_assert_int_eq(dmabroker_record_get_record(request, "participants", 0, &element), 0);
	ck_assert_ptr_eq(element, first);
	ck_assert_str_eq(dmabroker_record_get_string(element, "name"), "camera");
	ck_assert_str_eq(dmabroker_record_get_string(element, "role"), "capture");
	ck_assert_int_eq(dmabroker_record_get_record(request, "participants", 1, &element), 0);
	ck_assert_ptr_eq(element, second);
	ck_assert_ptr_null(dmabroker_record_get_string(element, "role"));
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(wrong_participants_are_refused)
{
	struct dmabroker_record *request = new_request(), *first = new_participant(request);
	struct dmabroker_record *other = (void *)request;
	char *longest = text_of(255), *too_long = text_of(256);

	ck_assert_int_eq(dmabroker_request_add_participant(request, "x", "actor", &other), -EINVAL);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "x", "", &other), -EINVAL);
	ck_assert_int_eq(dmabroker_request_add_participant(first, "x", "cpu", &other), -EINVAL);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "", "cpu", &other), -ERANGE);
	ck_assert_int_eq(dmabroker_request_add_participant(request, too_long, "cpu", &other),
			 -ERANGE);
	ck_assert_ptr_eq(other, request);
	ck_assert_uint_eq(dmabroker_record_get_len(request, "participants"), 1);
	ck_assert_int_eq(dmabroker_request_add_participant(request, longest, "cpu", &other), 0);
	ck_assert_str_eq(dmabroker_record_get_string(other, "name"), longest);
	free(longest);
	free(too_long);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(no_more_than_16_participants)
{
	struct dmabroker_record *request = new_request(), *other = NULL;

	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(dmabroker_request_add_participant(request, "x", "cpu", &other), 0);
	other = NULL;
	ck_assert_int_eq(dmabroker_request_add_participant(request, "x", "cpu", &other), -ERANGE);
	ck_assert_ptr_null(other);
	ck_assert_uint_eq(dmabroker_record_get_len(request, "participants"), 16);
	dmabroker_record_destroy(request);
}
END_TEST

/* ---- machines ---- */

static struct dmabroker_record *new_machine(void)
{
	struct dmabroker_record *machine = NULL;

	ck_assert_int_eq(dmabroker_machine_create(&machine), 0);
	ck_assert_ptr_nonnull(machine);
	return machine;
}

static struct dmabroker_record *add(struct dmabroker_record *record, const char *key)
{
	struct dmabroker_record *element = NULL;

	ck_assert_int_eq(dmabroker_record_add_record(record, key, &element), 0);
	ck_assert_ptr_nonnull(element);
	return element;
}

static void say(struct dmabroker_record *record, const char *key, const char *value)
{
	ck_assert_int_eq(dmabroker_record_set_string(record, key, value), 0);
}

static void count(struct dmabroker_record *record, const char *key, uint64_t value)
{
	ck_assert_int_eq(dmabroker_record_set_uint(record, key, value), 0);
}

static void yes(struct dmabroker_record *record, const char *key)
{
	ck_assert_int_eq(dmabroker_record_set_bool(record, key, 1), 0);
}

/* A camera that takes any memory, of one format. */
static struct dmabroker_record *add_camera(struct dmabroker_record *machine, const char *id)
{
	struct dmabroker_record *device = add(machine, "devices"), *role, *format;

	say(device, "id", id);
	say(device, "coherency", "coherent");
	count(device, "address-bits", 64);
	role = add(device, "roles");
	say(role, "role", "capture");
	yes(role, "imports");
	say(role, "contiguity", "none");
	format = add(role, "formats");
	count(format, "format", XR24);
	count(format, "v4l2-format", XR24);
	count(format, "stride-align", 1);
	return device;
}

static struct dmabroker_record *add_heap(struct dmabroker_record *machine, const char *id)
{
	struct dmabroker_record *heap = add(machine, "heaps");

	say(heap, "id", id);
	yes(heap, "known");
	yes(heap, "cached");
	say(heap, "maintenance", "attachments");
	return heap;
}

static struct dmabroker_record *small_machine(void)
{
	struct dmabroker_record *machine = new_machine();

	add_camera(machine, "second");
	add_camera(machine, "first");
	add_heap(machine, "system");
	return machine;
}

static struct dmabroker *open_machine(struct dmabroker_record *machine)
{
	struct dmabroker *broker = NULL;

	ck_assert_int_eq(dmabroker_open_machine(machine, &broker), 0);
	ck_assert_ptr_nonnull(broker);
	return broker;
}

START_TEST(records_are_added)
{
	struct dmabroker_record *machine = new_machine(), *none = machine, *device;
	const struct dmabroker_record *element;

	ck_assert_int_eq(dmabroker_record_has_facts(machine), 1);
	ck_assert_uint_eq(dmabroker_record_get_len(machine, "devices"), 0);
	device = add(machine, "devices");
	ck_assert_int_eq(dmabroker_record_get_record(machine, "devices", 0, &element), 0);
	ck_assert_ptr_eq(element, device);
	ck_assert_int_eq(dmabroker_record_add_record(machine, "frobnicate", &none), -ENOENT);
	ck_assert_int_eq(dmabroker_record_add_record(machine, "kernel", &none), -EINVAL);
	ck_assert_int_eq(dmabroker_record_add_record(device, "compatible", &none), -EINVAL);
	for (int i = 0; i < 16; i++)
		add(device, "roles");
	ck_assert_int_eq(dmabroker_record_add_record(device, "roles", &none), -ERANGE);
	ck_assert_ptr_eq(none, machine);
	dmabroker_record_destroy(machine);
}
END_TEST

/* What stands in records within a participant: none of it is beyond the C API. */
START_TEST(participants_nest)
{
	struct dmabroker_record *request = new_request(), *one = new_participant(request);
	struct dmabroker_record *first = add(one, "alternatives"), *none = one;
	struct dmabroker_record *nested = add(first, "alternatives");
	struct dmabroker_record *colour = add(nested, "colours"), *layout = add(one, "layouts");
	struct dmabroker_record *plane = add(layout, "planes");
	const struct dmabroker_record *element;
	uint64_t number;

	count(first, "stride-align", 64);
	count(nested, "stride-align", 256);
	say(colour, "matrix", "bt709");
	count(layout, "format", XR24);
	count(layout, "modifier", UINT64_MAX);
	count(plane, "stride", 4096);
	ck_assert_int_eq(dmabroker_record_add_size(nested, "sizes", 640, 480), 0);
	ck_assert_int_eq(dmabroker_record_add_string(nested, "usage", "read"), 0);
	ck_assert_int_eq(dmabroker_record_get_record(one, "alternatives", 0, &element), 0);
	ck_assert_int_eq(dmabroker_record_get_uint(element, "stride-align", &number), 0);
	ck_assert_uint_eq(number, 64);
	ck_assert_int_eq(dmabroker_record_get_record(element, "alternatives", 0, &element), 0);
	ck_assert_int_eq(dmabroker_record_get_uint(element, "stride-align", &number), 0);
	ck_assert_uint_eq(number, 256);
	for (int i = 1; i < 8; i++)
		add(one, "alternatives");
	ck_assert_int_eq(dmabroker_record_add_record(one, "alternatives", &none), -ERANGE);
	for (int i = 1; i < 4; i++)
		add(layout, "planes");
	ck_assert_int_eq(dmabroker_record_add_record(layout, "planes", &none), -ERANGE);
	ck_assert_ptr_eq(none, one);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(sizes_are_added)
{
	struct dmabroker_record *machine = new_machine();
	struct dmabroker_record *role = add(add(machine, "devices"), "roles");
	struct dmabroker_record *format = add(role, "formats");
	uint32_t width = 0, height = 0;

	ck_assert_int_eq(dmabroker_record_add_size(format, "sizes", 640, 480), 0);
	ck_assert_int_eq(dmabroker_record_add_size(format, "sizes", 1, UINT32_MAX), 0);
	ck_assert_int_eq(dmabroker_record_add_size(format, "width-min", 1, 1), -EINVAL);
	ck_assert_int_eq(dmabroker_record_add_size(format, "frobnicate", 1, 1), -ENOENT);
	ck_assert_int_eq(dmabroker_record_get_size(format, "sizes", 1, &width, &height), 0);
	ck_assert_uint_eq(width, 1);
	ck_assert_uint_eq(height, UINT32_MAX);
	for (int i = 2; i < 256; i++)
		ck_assert_int_eq(dmabroker_record_add_size(format, "sizes", 1, 1), 0);
	ck_assert_int_eq(dmabroker_record_add_size(format, "sizes", 1, 1), -ERANGE);
	dmabroker_record_destroy(machine);
}
END_TEST

static const struct {
	const char *key;
	const char *origin;
	int result;
} origins[] = {
	{"coherency", "measured", 0},
	{"coherency", "kernel", 0},
	{"coherency", "quirk", 0},
	{"coherency", "declared", 0},
	{"coherency", "assumed", 0},
	{"coherency", "solved", -EINVAL},
	{"coherency", "absent", -EINVAL},
	{"coherency", "", -EINVAL},
	{"coherency", "Kernel", -EINVAL},
	{"iommu", "kernel", -ENOENT},
	{"frobnicate", "kernel", -ENOENT},
	{"number", "kernel", -ENOENT},
	{"roles", "kernel", 0},
};

START_TEST(origin_is_set_or_refused)
{
	struct dmabroker_record *machine = small_machine();
	struct dmabroker_record *device = add_camera(machine, "third");
	struct dmabroker_record *request = new_request();

	ck_assert_int_eq(dmabroker_record_set_origin(device, origins[_i].key, origins[_i].origin),
			 origins[_i].result);
	if (!origins[_i].result)
		ck_assert_str_eq(dmabroker_record_get_origin(device, origins[_i].key),
				 origins[_i].origin);
	else
		ck_assert_str_eq(dmabroker_record_get_origin(device, "coherency"), "declared");
	dmabroker_record_set_uint(request, "width", 640);
	ck_assert_int_eq(dmabroker_record_set_origin(request, "width", "kernel"), -EINVAL);
	ck_assert_str_eq(dmabroker_record_get_origin(request, "width"), "declared");
	dmabroker_record_destroy(request);
	dmabroker_record_destroy(machine);
}
END_TEST

START_TEST(what_never_leaves_a_process_is_no_key)
{
	struct dmabroker_record *machine = new_machine(), *device = add(machine, "devices");
	uint64_t number;

	ck_assert_int_eq(dmabroker_record_set_uint(device, "number", 5), -ENOENT);
	ck_assert_int_eq(dmabroker_record_get_uint(device, "number", &number), -ENOENT);
	ck_assert_int_eq(dmabroker_record_get_type(device, "number"), -ENOENT);
	ck_assert_ptr_null(dmabroker_record_describe_key(device, "number"));
	check_walk(device, NULL, 0);
	dmabroker_record_destroy(machine);
}
END_TEST

static const struct {
	const char *list; /* of a machine; NULL: the machine itself */
	const char *key;
	int type;
	const char *right;
} keys[] = {
	{NULL, "kernel", DMABROKER_TYPE_STRING, "a string of 0 to 128 bytes"},
	{NULL, "memory-max", DMABROKER_TYPE_UINT, "a whole number (bytes)"},
	{NULL, "cache-aliases", DMABROKER_TYPE_BOOL, "yes or no (true or false)"},
	{NULL, "xen", DMABROKER_TYPE_STRING, "one of no, guest, control"},
	{NULL, "devices", DMABROKER_TYPE_RECORDS, "a list of 0 to 256 objects"},
	{NULL, "frobnicate", -ENOENT, NULL},
	{"devices", "address-bits", DMABROKER_TYPE_UINT, "a whole number from 12 to 64 (bits)"},
	{"devices", "compatible", DMABROKER_TYPE_STRINGS, "a list of 0 to 16 strings"},
	{"heaps", "granularity", DMABROKER_TYPE_UINT, "a whole number of at least 4096 (bytes)"},
};

START_TEST(keys_are_described)
{
	struct dmabroker_record *machine = new_machine();
	struct dmabroker_record *record = keys[_i].list ? add(machine, keys[_i].list) : machine;
	char *right = dmabroker_record_describe_key(record, keys[_i].key);

	ck_assert_int_eq(dmabroker_record_get_type(record, keys[_i].key), keys[_i].type);
	if (keys[_i].right)
		ck_assert_str_eq(right, keys[_i].right);
	else
		ck_assert_ptr_null(right);
	free(right);
	dmabroker_record_destroy(machine);
}
END_TEST

START_TEST(words_that_are_not_served_are_not_right)
{
	struct dmabroker_record *request = new_request();
	char *right = dmabroker_record_describe_key(request, "field");

	ck_assert_str_eq(right, "one of progressive");
	free(right);
	dmabroker_record_destroy(request);
}
END_TEST

START_TEST(wrong_machines_are_refused)
{
	struct dmabroker *broker = (void *)keys;
	struct dmabroker_record *machine = small_machine(), *request = new_request();

	ck_assert_int_eq(dmabroker_open_machine(request, &broker), -EINVAL);
	add(machine, "devices");
	ck_assert_int_eq(dmabroker_open_machine(machine, &broker), -EINVAL);
	dmabroker_record_destroy(machine);
	machine = small_machine();
	add(machine, "heaps");
	ck_assert_int_eq(dmabroker_open_machine(machine, &broker), -EINVAL);
	dmabroker_record_destroy(machine);
	machine = small_machine();
	add(add_camera(machine, "third"), "roles");
	ck_assert_int_eq(dmabroker_open_machine(machine, &broker), -EINVAL);
	dmabroker_record_destroy(machine);
	machine = small_machine();
	add_camera(machine, "first");
	ck_assert_int_eq(dmabroker_open_machine(machine, &broker), -EEXIST);
	dmabroker_record_destroy(machine);
	machine = small_machine();
	add_heap(machine, "system");
	ck_assert_int_eq(dmabroker_open_machine(machine, &broker), -EEXIST);
	dmabroker_record_destroy(machine);
	dmabroker_record_destroy(request);
	ck_assert_ptr_eq(broker, (void *)keys);
}
END_TEST

START_TEST(an_open_machine_is_a_copy)
{
	struct dmabroker_record *machine = small_machine(), **records, *copy;
	struct dmabroker *broker = open_machine(machine);
	const struct dmabroker_record *device;
	size_t len = 0;

	dmabroker_record_destroy(machine);
	ck_assert_int_eq(dmabroker_list_devices(broker, &records, &len), 0);
	ck_assert_uint_eq(len, 2);
	ck_assert_str_eq(dmabroker_record_get_string(records[0], "id"), "first");
	ck_assert_str_eq(dmabroker_record_get_string(records[1], "id"), "second");
	say(records[0], "id", "changed"); /* the caller's own */
	dmabroker_record_list_destroy(records, len);
	ck_assert_int_eq(dmabroker_list_heaps(broker, &records, &len), 0);
	ck_assert_uint_eq(len, 1);
	dmabroker_record_list_destroy(records, len);
	ck_assert_int_eq(dmabroker_get_machine(broker, &copy), 0);
	ck_assert_int_eq(dmabroker_record_get_record(copy, "devices", 0, &device), 0);
	ck_assert_str_eq(dmabroker_record_get_string(device, "id"), "first");
	dmabroker_disconnect(broker);
	ck_assert_str_eq(dmabroker_record_get_string(device, "id"), "first");
	dmabroker_record_destroy(copy);
}
END_TEST

START_TEST(an_empty_machine_has_nothing)
{
	struct dmabroker_record *machine = new_machine(), **records = (void *)keys;
	struct dmabroker *broker = open_machine(machine);
	size_t len = 7;

	ck_assert_int_eq(dmabroker_list_devices(broker, &records, &len), 0);
	ck_assert_uint_eq(len, 0);
	dmabroker_record_list_destroy(records, len);
	dmabroker_disconnect(broker);
	dmabroker_record_destroy(machine);
}
END_TEST

static struct dmabroker_record *picture(const char *device)
{
	struct dmabroker_record *request = new_request(), *participant;

	count(request, "width", 640);
	count(request, "height", 480);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "cam", NULL, &participant), 0);
	say(participant, "device", device);
	return request;
}

START_TEST(a_machine_plans)
{
	struct dmabroker_record *machine = small_machine(), *request = picture("first"), *plan;
	struct dmabroker *broker = open_machine(machine);
	uint64_t stride = 0;
	const struct dmabroker_record *plane;

	for (int i = 0; i < 2; i++) { /* the request stays as it was */
		ck_assert_int_eq(dmabroker_plan(broker, request, &plan), 0);
		ck_assert_str_eq(dmabroker_record_get_string(plan, "heap"), "system");
		ck_assert_int_eq(dmabroker_record_get_record(plan, "planes", 0, &plane), 0);
		ck_assert_int_eq(dmabroker_record_get_uint(plane, "stride", &stride), 0);
		ck_assert_uint_eq(stride, 2560);
		ck_assert_str_eq(dmabroker_get_error(broker), "");
		ck_assert_str_eq(dmabroker_get_error_text(broker), "");
		dmabroker_record_destroy(plan);
	}
	ck_assert_ptr_null(dmabroker_record_get_origin(request, "visible-width"));
	dmabroker_record_destroy(request);
	dmabroker_record_destroy(machine);
	dmabroker_disconnect(broker);
}
END_TEST

/* A camera that must not have contiguous memory, and a reader that must. */
static struct dmabroker_record *torn_request(void)
{
	struct dmabroker_record *request = picture("first"), *camera, *reader;
	const struct dmabroker_record *first;

	ck_assert_int_eq(dmabroker_record_get_record(request, "participants", 0, &first), 0);
	camera = (struct dmabroker_record *)(uintptr_t)first;
	ck_assert_int_eq(dmabroker_record_add_string(camera, "forbidden-heaps", "is:contiguous"),
			 0);
	ck_assert_int_eq(dmabroker_request_add_participant(request, "reader", "cpu", &reader), 0);
	ck_assert_int_eq(dmabroker_record_add_string(reader, "usage", "read"), 0);
	yes(reader, "contiguous");
	return request;
}

START_TEST(a_split_plan_is_described)
{
	struct dmabroker_record *machine = small_machine(), *request = torn_request(), *plan;
	struct dmabroker *broker;
	char *text;

	yes(add_heap(machine, "cma"), "contiguous");
	broker = open_machine(machine);
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -EXDEV);
	ck_assert_ptr_nonnull(strstr(dmabroker_get_error_text(broker),
				     "\nany one of these would do:\n  cam: forbidden-heaps"));
	yes(request, "allow-copies");
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), 0);
	text = dmabroker_plan_describe(plan);
	ck_assert_int_eq(strncmp(text, "2 groups, 1228800 bytes copied for each frame\n", 46), 0);
	ck_assert_ptr_nonnull(strstr(text,
				     "\ngroup 0 (cam, copy): 2 buffers of 1228800 bytes from heap "
				     "system: 640x480 XR24, stride 2560\n"));
	ck_assert_ptr_nonnull(strstr(text,
				     "\ngroup 1 (reader, copy): 2 buffers of 1228800 bytes from "
				     "heap cma: "));
	ck_assert_ptr_nonnull(
		strstr(text, "\ncopy from group 0 to group 1: 1228800 bytes: cam -> reader\n"));
	free(text);
	dmabroker_record_destroy(plan);
	dmabroker_record_destroy(request);
	dmabroker_record_destroy(machine);
	dmabroker_disconnect(broker);
}
END_TEST

/* What the last call on a broker without a daemon says of its failure. */
static void expect_error(struct dmabroker *broker, const char *name, const char *key)
{
	const struct dmabroker_record *details = dmabroker_get_error_details(broker), *refusal;

	ck_assert_str_eq(dmabroker_get_error(broker), name);
	ck_assert_str_ne(dmabroker_get_error_text(broker), "");
	ck_assert_ptr_nonnull(details);
	ck_assert_int_eq(dmabroker_record_get_record(details, "refusals", 0, &refusal), 0);
	if (key)
		ck_assert_str_eq(dmabroker_record_get_string(refusal, "key"), key);
}

START_TEST(a_machine_refuses_as_a_daemon_does)
{
	struct dmabroker_record *machine = small_machine(), *untouched = machine, *plan = machine;
	struct dmabroker *broker = open_machine(machine);
	struct dmabroker_record *request = picture("nobody"), *participant;

	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -ENODEV);
	expect_error(broker, "UnknownDevice", "device");
	dmabroker_record_destroy(request);

	request = picture("first");
	ck_assert_int_eq(dmabroker_record_add_string(request, "forbidden-heaps", "system"), 0);
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -EXDEV);
	expect_error(broker, "Conflict", NULL);
	dmabroker_record_destroy(request);

	request = new_request();
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -EINVAL);
	expect_error(broker, "InvalidRequest", "width");
	dmabroker_record_destroy(request);

	ck_assert_int_eq(dmabroker_plan(broker, machine, &plan), -EINVAL);
	ck_assert_str_eq(dmabroker_get_error_text(broker), "the record is no request");

	request = picture("first");
	ck_assert_int_eq(dmabroker_request_add_participant(request, "fd", NULL, &participant), 0);
	ck_assert_int_eq(dmabroker_record_set_fd(participant, "device-fd", 0), 0);
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), -EOPNOTSUPP);
	expect_error(broker, "NotSupported", "device-fd");
	dmabroker_record_destroy(request);
	ck_assert_ptr_eq(plan, untouched);

	/* an error lasts until the next call */
	request = picture("first");
	ck_assert_int_eq(dmabroker_plan(broker, request, &plan), 0);
	ck_assert_str_eq(dmabroker_get_error(broker), "");
	ck_assert_ptr_null(dmabroker_get_error_details(broker));
	dmabroker_record_destroy(plan);
	dmabroker_record_destroy(request);
	dmabroker_record_destroy(machine);
	dmabroker_disconnect(broker);
}
END_TEST

static void never(void *data, enum dmabroker_change change, const char *kind, const char *id,
		  const char *const *changed)
{
	(void)data;
	(void)kind;
	(void)id;
	(void)changed;
	ck_abort_msg("change %d of what does not change", (int)change);
}

START_TEST(a_machine_has_no_daemon)
{
	struct dmabroker_record *machine = small_machine(), *request = picture("first");
	struct dmabroker *broker = open_machine(machine);
	struct dmabroker_collection *collection = (void *)keys;
	struct dmabroker_record **list = (void *)keys;
	size_t len = 7;

	ck_assert_int_eq(dmabroker_allocate(broker, request, &collection), -EOPNOTSUPP);
	expect_error(broker, "NotSupported", NULL);
	ck_assert_int_eq(dmabroker_create_collection(broker, request, 1, &collection), -EOPNOTSUPP);
	expect_error(broker, "NotSupported", NULL);
	ck_assert_int_eq(dmabroker_create_collection(broker, machine, 1, &collection), -EINVAL);
	ck_assert_str_eq(dmabroker_get_error_text(broker), "the record is no request");
	ck_assert_int_eq(dmabroker_bind(broker, "token", &collection), -EOPNOTSUPP);
	expect_error(broker, "NotSupported", NULL);
	ck_assert_ptr_eq(collection, (void *)keys);
	ck_assert_int_eq(dmabroker_list_collections(broker, &list, &len), -EOPNOTSUPP);
	expect_error(broker, "NotSupported", NULL);
	ck_assert_ptr_eq(list, (void *)keys);
	ck_assert_uint_eq(len, 7);
	ck_assert_int_eq(dmabroker_get_fd(broker), -ENOTCONN);
	dmabroker_set_change_callback(broker, never, NULL);
	ck_assert_int_eq(dmabroker_dispatch(broker), 0);
	dmabroker_record_destroy(request);
	dmabroker_record_destroy(machine);
	dmabroker_disconnect(broker);
}
END_TEST

/* ---- open files ---- */

/* The open fd that is the same file as `fd`, or -1. */
static int find_duplicate(int fd)
{
	char name[64], link[128], other[128];
	ssize_t len, other_len;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	len = readlink(name, link, sizeof(link));
	ck_assert_int_gt(len, 0);
	for (int i = 0; i < 1024; i++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", i);
		other_len = readlink(name, other, sizeof(other));
		if (i != fd && other_len == len && memcmp(link, other, (size_t)len) == 0)
			return i;
	}
	return -1;
}

START_TEST(open_files_are_duplicated)
{
	struct dmabroker_record *request = new_request(), *record = new_participant(request);
	int fds[2], copy;
	size_t before;

	ck_assert_int_eq(pipe(fds), 0);
	before = count_fds();
	ck_assert_int_eq(dmabroker_record_set_fd(record, "device-fd", fds[1]), 0);
	ck_assert_uint_eq(count_fds(), before + 1);
	ck_assert_int_eq(dmabroker_record_set_fd(record, "device-fd", fds[1]), 0);
	ck_assert_uint_eq(count_fds(), before + 1); /* instead of the one before */
	ck_assert_str_eq(dmabroker_record_get_origin(record, "device-fd"), "declared");

	close(fds[0]);
	copy = find_duplicate(fds[1]);
	ck_assert_int_ge(copy, 3);
	ck_assert_int_eq(fcntl(copy, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fds[1]);
	ck_assert_int_ge(fcntl(copy, F_GETFD), 0);
	dmabroker_record_destroy(request);
	ck_assert_int_lt(fcntl(copy, F_GETFD), 0);
	ck_assert_uint_eq(count_fds(), before - 2);
}
END_TEST

START_TEST(wrong_files_are_refused)
{
	struct dmabroker_record *request = new_request(), *record = new_participant(request);
	struct rlimit limit, usual;
	size_t before = count_fds();

	ck_assert_int_eq(dmabroker_record_set_fd(record, "device-fd", -1), -EINVAL);
	ck_assert_int_eq(dmabroker_record_set_fd(record, "device-fd", 1000), -EINVAL);
	ck_assert_int_eq(dmabroker_record_set_fd(record, "device", STDIN_FILENO), -EINVAL);
	ck_assert_int_eq(dmabroker_record_set_fd(record, "frobnicate", STDIN_FILENO), -ENOENT);
	ck_assert_int_eq(dmabroker_record_set_fd(request, "device-fd", STDIN_FILENO), -ENOENT);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	limit = usual;
	limit.rlim_cur = 4;
	while (dup(STDIN_FILENO) < 3)
		;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(dmabroker_record_set_fd(record, "device-fd", STDIN_FILENO), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
	ck_assert_ptr_null(dmabroker_record_get_origin(record, "device-fd"));
	ck_assert_uint_ge(count_fds(), before);
	dmabroker_record_destroy(request);
}
END_TEST

/* ---- connecting to nobody ---- */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct dmabroker *const untouched = (void *)sets;

/* Connects, which must fail; nothing may stay behind. Returns how. */
static int fail_to_connect(const char *address)
{
	struct dmabroker *broker = untouched;
	size_t before = count_fds();
	int result = dmabroker_connect(address, &broker);

	ck_assert_ptr_eq(broker, untouched);
	ck_assert_uint_eq(count_fds(), before);
	return result;
}

START_TEST(nobody_is_there)
{
	unsetenv("DMABROKER_ADDRESS");
	ck_assert_int_eq(fail_to_connect("unix:path=/nonexistent/bus"), -ENOTCONN);
	setenv("DMABROKER_ADDRESS", "unix:path=/nonexistent/bus", 1);
	ck_assert_int_eq(fail_to_connect(NULL), -ENOTCONN);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	ck_assert_int_eq(fail_to_connect("system"), -ENOTCONN);
	setenv("DMABROKER_ADDRESS", "system", 1);
	ck_assert_int_eq(fail_to_connect(NULL), -ENOTCONN);
	dmabroker_disconnect(NULL);
}
END_TEST

static const char *const malformed[] = {"frobnicate",	      "",
					"unix:path",	      "unix:frobnicate=1",
					"frobnicate:path=/x", "unix:path=/x,path=/y=z"};

START_TEST(address_is_malformed)
{
	unsetenv("DMABROKER_ADDRESS");
	ck_assert_int_eq(fail_to_connect(malformed[_i]), -EINVAL);
	setenv("DMABROKER_ADDRESS", malformed[_i], 1);
	ck_assert_int_eq(fail_to_connect(NULL), -EINVAL);
	/* what is said in the call counts more */
	ck_assert_int_eq(fail_to_connect("unix:path=/nonexistent/bus"), -ENOTCONN);
}
END_TEST

/* A socket of which nobody takes care. */
static int listen_at(char *address, size_t size)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "dmabroker-test-%d", getpid());
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name,
			      (socklen_t)(sizeof(sa_family_t) + 1 + strlen(name.sun_path + 1))),
			 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	snprintf(address, size, "unix:abstract=%s", name.sun_path + 1);
	return fd;
}

/* Somebody was there and said something. */
static void check_visitor(int listener)
{
	int fd = accept(listener, NULL, NULL);
	char bytes[16] = {'x'};

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, bytes, sizeof(bytes)), 0);
	ck_assert_int_eq(bytes[0], '\0'); /* how D-Bus begins */
	close(fd);
}

static void connect_in_time(const char *address)
{
	double start = now(), time;

	ck_assert_int_eq(fail_to_connect(address), -ENOTCONN);
	time = now() - start;
	ck_assert_msg(time >= 1, "gives up after %.1f s", time);
	ck_assert_msg(time < CONNECT_S + SLACK_S, "waits for %.1f s", time);
}

START_TEST(nobody_answers)
{
	char address[128];
	int listener = listen_at(address, sizeof(address));

	connect_in_time(address);
	check_visitor(listener);
	close(listener);
}
END_TEST

START_TEST(nobody_answers_on_the_system_bus)
{
	char address[128];
	int listener = listen_at(address, sizeof(address));

	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	connect_in_time("system");
	check_visitor(listener);
	close(listener);
}
END_TEST

/* Takes one visitor and hangs up, after saying `words`. */
static void answer_with(int listener, const char *words)
{
	char bytes[64];
	int fd = accept(listener, NULL, NULL);

	if (fd < 0 || read(fd, bytes, sizeof(bytes)) <= 0)
		_exit(1);
	if (words[0] && write(fd, words, strlen(words)) < 0)
		_exit(1);
	_exit(0);
}

static const char *const words[] = {"", "frobnicate\r\n", "REJECTED EXTERNAL\r\n",
				    "\x01\x02\x03\xff"};

START_TEST(stranger_answers)
{
	char address[128];
	int listener = listen_at(address, sizeof(address));
	double start = now();
	pid_t child = fork();
	int status;

	if (child == 0)
		answer_with(listener, words[_i]);
	ck_assert_int_gt(child, 0);
	close(listener);
	ck_assert_int_lt(fail_to_connect(address), 0);
	ck_assert_double_lt(now() - start, CONNECT_S + SLACK_S);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0); /* it was heard */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("library");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, value_is_set_or_refused, 0, SETS);
	tcase_add_test(all, refused_values_leave_the_old_ones);
	tcase_add_test(all, strings_are_copied);
	tcase_add_test(all, any_number_is_true);
	tcase_add_test(all, absent_keys_and_unknown_ones_have_no_value);
	tcase_add_test(all, strings_are_listed);
	tcase_add_test(all, formats_are_listed);
	tcase_add_test(all, lists_end_at_their_limits);
	tcase_add_test(all, walk_of_a_request);
	tcase_add_test(all, walk_of_a_participant);
	tcase_add_test(all, participants_are_added);
	tcase_add_test(all, wrong_participants_are_refused);
	tcase_add_test(all, no_more_than_16_participants);
	tcase_add_test(all, records_are_added);
	tcase_add_test(all, participants_nest);
	tcase_add_test(all, sizes_are_added);
	tcase_add_loop_test(all, origin_is_set_or_refused, 0,
			    (int)(sizeof(origins) / sizeof(origins[0])));
	tcase_add_test(all, what_never_leaves_a_process_is_no_key);
	tcase_add_loop_test(all, keys_are_described, 0, (int)(sizeof(keys) / sizeof(keys[0])));
	tcase_add_test(all, words_that_are_not_served_are_not_right);
	tcase_add_test(all, wrong_machines_are_refused);
	tcase_add_test(all, an_open_machine_is_a_copy);
	tcase_add_test(all, an_empty_machine_has_nothing);
	tcase_add_test(all, a_machine_plans);
	tcase_add_test(all, a_split_plan_is_described);
	tcase_add_test(all, a_machine_refuses_as_a_daemon_does);
	tcase_add_test(all, a_machine_has_no_daemon);
	tcase_add_test(all, open_files_are_duplicated);
	tcase_add_test(all, wrong_files_are_refused);
	tcase_add_test(all, nobody_is_there);
	tcase_add_loop_test(all, address_is_malformed, 0,
			    (int)(sizeof(malformed) / sizeof(malformed[0])));
	tcase_add_test(all, nobody_answers);
	tcase_add_test(all, nobody_answers_on_the_system_bus);
	tcase_add_loop_test(all, stranger_answers, 0, (int)(sizeof(words) / sizeof(words[0])));
	tcase_set_timeout(all, 60);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
