/* SPDX-License-Identifier: MIT */
/*
 * What libdmabroker-wayland makes of events, whatever these are, and of the numbers of nodes. With
 * a compositor: test-wayland.c.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "libclient/wayland-feedback.c"
#include "libclient/wayland-node.c"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/tree.h"

/* ---- nodes ---- */

#define PARENT "/sys/devices/pci0000:00/0000:00:02.0/drm"

static void make_device(void)
{
	static const struct {
		const char *name;
		const char *number;
	} nodes[] = {{"card1", "226:1"}, {"renderD129", "226:129"}, {"controlD65", "226:65"}};
	char path[128], link[160];

	tree_setup();
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), PARENT "/%s", nodes[i].name);
		tree_directory(path);
		snprintf(link, sizeof(link), "%s/device", path);
		tree_relative_link(link, "/sys/devices/pci0000:00/0000:00:02.0");
		snprintf(link, sizeof(link), "/sys/dev/char/%s", nodes[i].number);
		tree_relative_link(link, path);
	}
	tree_directory(PARENT "/card1-HDMI-A-1"); /* a connector, no node */
	tree_directory(PARENT "/version");
	tree_directory("/sys/devices/platform/vkms/drm/card0");
	tree_relative_link("/sys/devices/platform/vkms/drm/card0/device",
			   "/sys/devices/platform/vkms");
	tree_relative_link("/sys/dev/char/226:0", "/sys/devices/platform/vkms/drm/card0");
	tree_directory("/sys/devices/virtual/mem/null");
	tree_relative_link("/sys/dev/char/1:3", "/sys/devices/virtual/mem/null");
}

static const struct {
	unsigned int major, minor;
	const char *kind;
	int result;
	const char *path;
} node_rows[] = {
	{226, 1, "card", 0, "/dev/dri/card1"},
	{226, 1, "renderD", 0, "/dev/dri/renderD129"},
	{226, 129, "card", 0, "/dev/dri/card1"},
	{226, 129, "renderD", 0, "/dev/dri/renderD129"},
	{226, 65, "card", 0, "/dev/dri/card1"},
	{226, 0, "card", 0, "/dev/dri/card0"},
	{226, 0, "renderD", -ENOENT, ""},
	{226, 7, "card", -ENODEV, ""},
	{1, 3, "card", -ENODEV, ""},
	{0, 0, "card", -ENODEV, ""},
};

START_TEST(any_node_leads_to_the_right_one)
{
	char sys[256], path[NODE_BYTES] = "";

	snprintf(sys, sizeof(sys), "%s/sys", tree_root());
	ck_assert_int_eq(node_find(sys, makedev(node_rows[_i].major, node_rows[_i].minor),
				   node_rows[_i].kind, path),
			 node_rows[_i].result);
	ck_assert_str_eq(path, node_rows[_i].path);
}
END_TEST

/* ---- events ---- */

static uint64_t seed;

static uint32_t draw(uint32_t limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % limit;
}

/* Of few values, so that pairs come again; 3 are linear, one of them implicitly. */
static void draw_table(struct feedback *feedback, struct feedback_table *table)
{
	static const uint64_t modifiers[] = {0, WAYLAND_IMPLICIT, 1, 2};
	uint32_t entries = draw(100), bytes = draw(40) ? entries * 16 : draw(2000);
	int fd = memfd_create("table", MFD_CLOEXEC);

	for (uint32_t i = 0; i < entries; i++) {
		uint64_t modifier = modifiers[draw(4)];
		uint32_t format[2] = {draw(50), 0xffffffff};

		ck_assert_int_eq(write(fd, format, 8), 8);
		ck_assert_int_eq(write(fd, &modifier, 8), 8);
	}
	if (!draw(50))
		bytes = 0xfffffff0;
	feedback_read_table(feedback, table, fd, bytes);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1); /* it has taken the fd */
}

static void draw_formats(struct feedback *feedback, const struct feedback_table *table)
{
	uint16_t indices[200];
	struct wl_array array = {.data = indices, .size = draw(200) ? draw(200) * 2 : draw(400)};

	for (size_t i = 0; i < 200; i++)
		indices[i] = (uint16_t)(draw(20000) && table->len ? draw((uint32_t)table->len)
								  : draw(65536));
	feedback_add_formats(feedback, table, &array);
}

static void draw_device(struct feedback *feedback,
			void (*set)(struct feedback *feedback, const struct wl_array *device))
{
	dev_t numbers[2] = {makedev(226, draw(3)), 0};
	struct wl_array array = {.data = numbers, .size = draw(400) ? sizeof(dev_t) : draw(16)};

	set(feedback, &array);
}

static void draw_event(struct feedback *feedback, struct feedback_table *table)
{
	switch (draw(8)) {
	case 0:
		if (!draw(3))
			draw_table(feedback, table);
		break;
	case 1:
		draw_device(feedback, feedback_set_main_device);
		break;
	case 2:
		feedback_set_flags(feedback, draw(2));
		break;
	case 3:
	case 4:
		draw_device(feedback, feedback_set_target_device);
		break;
	case 5:
	case 6:
		draw_formats(feedback, table);
		break;
	default:
		feedback_end_tranche(feedback);
		break;
	}
}

/* In any order, but mostly with what a set needs. */
static void draw_events(struct feedback *feedback, struct feedback_table *table)
{
	if (draw(10))
		draw_device(feedback, feedback_set_main_device);
	if (draw(10))
		draw_table(feedback, table);
	for (uint32_t events = draw(80); events; events--)
		draw_event(feedback, table);
	if (draw(10))
		draw_device(feedback, feedback_set_target_device);
	if (draw(10))
		feedback_end_tranche(feedback);
}

/* Where the pair stands first, in the order in which a list must have it. */
static size_t place_of(const struct feedback *feedback, const struct tranche *only,
		       const struct pair *pair)
{
	size_t place = 0;

	for (int scanout = 1; scanout >= 0; scanout--)
		for (size_t i = 0; i < feedback->tranches_len; i++) {
			const struct tranche *tranche = &feedback->tranches[i];

			if (tranche->scanout != scanout ||
			    (only && (!scanout || tranche->device != only->device)))
				continue;
			for (size_t j = 0; j < tranche->pairs_len; j++, place++)
				if (tranche->pairs[j].format == pair->format &&
				    (tranche->pairs[j].modifier == pair->modifier ||
				     (!pair->modifier &&
				      tranche->pairs[j].modifier == WAYLAND_IMPLICIT)))
					return place;
		}
	return SIZE_MAX;
}

static void check_list(const struct feedback *feedback, const struct tranche *only, size_t max)
{
	size_t len, left_out, linear = 0, place, before = 0;
	struct pair *pairs;

	ck_assert_int_eq(feedback_list(feedback, only, max, &pairs, &len, &left_out), 0);
	ck_assert_uint_le(len, max);
	ck_assert_msg(!left_out || len == max, "%zu left out, %zu of %zu", left_out, len, max);
	for (size_t i = 0; i < len; i++) {
		ck_assert_uint_ne(pairs[i].modifier, WAYLAND_IMPLICIT);
		place = place_of(feedback, only, &pairs[i]);
		ck_assert_uint_ne(place, SIZE_MAX);
		ck_assert_msg(!i || place > before, "place %zu after %zu", place, before);
		before = place;
		linear += pairs[i].modifier == 0;
	}
	for (uint32_t format = 0; format < 50 && linear < max; format++) {
		struct pair pair = {.format = format, .modifier = 0};
		bool listed = false;

		for (size_t i = 0; i < len; i++)
			listed = listed || (pairs[i].format == format && !pairs[i].modifier);
		ck_assert_msg(listed == (place_of(feedback, only, &pair) != SIZE_MAX),
			      "linear of format %u", format);
	}
	free(pairs);
}

START_TEST(any_events_are_survived)
{
	struct feedback_table table = {.pairs = NULL};
	struct feedback feedback = {.error = 0};
	unsigned int good = 0, bad = 0;

	for (seed = 0; good < 100 || bad < 100;) {
		ck_assert_uint_lt(good + bad, 100000);
		draw_events(&feedback, &table);
		feedback_check(&feedback);
		if (feedback.error) {
			bad++;
			ck_assert_int_eq(feedback.error, -EPROTO);
			ck_assert_str_ne(feedback.text, "");
		} else {
			good++;
			ck_assert_uint_ge(feedback.pairs_len, 1);
			check_list(&feedback, NULL, 1024);
			check_list(&feedback, NULL, 20);
			if (feedback_find_scanout(&feedback))
				check_list(&feedback, feedback_find_scanout(&feedback), 20);
		}
		feedback_clear(&feedback);
	}
	free(table.pairs);
}
END_TEST

/* ---- memory that runs short ---- */

static int good_table(void)
{
	static const struct {
		uint32_t format, padding;
		uint64_t modifier;
	} entries[] = {{1, 0, 0}, {2, 0, WAYLAND_IMPLICIT}};
	int fd = memfd_create("table", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, entries, sizeof(entries)), sizeof(entries));
	return fd;
}

/* A good set, as far as memory goes. Takes `fd`. Returns its error, or that of the list. (libcheck
 * allocates, too: nothing is asserted in here.) */
static int read_set(struct feedback *feedback, struct feedback_table *table, int fd)
{
	uint16_t indices[] = {0, 1, 1};
	dev_t number = makedev(226, 0);
	struct wl_array device = {.data = &number, .size = sizeof(number)};
	struct wl_array formats = {.data = indices, .size = sizeof(indices)};
	size_t len, left_out;
	struct pair *pairs;
	int error;

	feedback_read_table(feedback, table, fd, 32);
	feedback_set_main_device(feedback, &device);
	feedback_set_target_device(feedback, &device);
	feedback_add_formats(feedback, table, &formats);
	feedback_add_formats(feedback, table, &formats);
	feedback_end_tranche(feedback);
	feedback_check(feedback);
	if (feedback->error)
		return feedback->error;
	error = feedback_list(feedback, NULL, 1024, &pairs, &len, &left_out);
	if (error)
		return error;
	free(pairs);
	return len == 2 ? 0 : -EBADMSG;
}

START_TEST(short_memory_is_told)
{
	size_t fds = faults_fds();
	unsigned int failed = 0;
	bool went_wrong = true;

	for (unsigned int nth = 1; went_wrong; nth++) {
		struct feedback_table table = {.pairs = NULL};
		struct feedback *feedback = calloc(1, sizeof(*feedback));
		int result, fd = good_table();
		long before = faults_live();

		faults_begin(nth);
		result = read_set(feedback, &table, fd);
		went_wrong = faults_end();
		ck_assert_int_eq(result, went_wrong ? -ENOMEM : 0);
		failed += went_wrong;
		feedback_clear(feedback);
		free(table.pairs);
		ck_assert_int_eq(faults_live(), before);
		ck_assert_uint_eq(faults_fds(), fds);
		free(feedback);
	}
	ck_assert_uint_eq(failed, 6); /* table, its pairs, formats twice, list, choices */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wayland-feedback");
	TCase *nodes = tcase_create("nodes"), *events = tcase_create("events");

	tcase_add_checked_fixture(nodes, make_device, tree_teardown);
	tcase_add_loop_test(nodes, any_node_leads_to_the_right_one, 0,
			    sizeof(node_rows) / sizeof(node_rows[0]));
	suite_add_tcase(suite, nodes);
	tcase_set_timeout(events, 60);
	tcase_add_test(events, any_events_are_survived);
	tcase_add_test(events, short_memory_is_told);
	suite_add_tcase(suite, events);
	return run_suite(suite);
}
