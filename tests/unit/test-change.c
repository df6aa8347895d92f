/* SPDX-License-Identifier: MIT */
/* Which facts have changed between two measurements, and whether that need be told. */
#include <stdlib.h>

#include "broker/model/change.h"
#include "broker/model/descriptor.h"
#include "tests/unit/check.h"
#include "tests/unit/machine.h"

#define ROW(row) (UINT64_C(1) << (row))

static struct machine *before, *now;

static void setup(void)
{
	before = machine_by_name("pc");
	ck_assert_int_eq(vocab_copy(before, &now), 0);
}

static void teardown(void)
{
	vocab_destroy(before);
	vocab_destroy(now);
}

static void *find(struct machine *machine, const char *id)
{
	void *device = machine_find_device(machine, id);

	return device ? device : machine_find_heap(machine, id);
}

static uint64_t found(const char *id)
{
	return change_find(find(now, id), find(before, id));
}

static struct device_role *role(const char *id)
{
	return (struct device_role *)machine_find_device(now, id)->roles.items[0];
}

static void put(void *record, unsigned int row, uint64_t value)
{
	ck_assert_int_eq(vocab_set_number(record, row, value, VOCAB_KERNEL), 0);
}

static void say(void *record, unsigned int row)
{
	ck_assert_int_eq(vocab_add_string(record, row, "key: how", VOCAB_KERNEL), 0);
}

START_TEST(nothing_has_changed)
{
	for (size_t i = 0; i < now->devices.len; i++)
		ck_assert_uint_eq(change_find(now->devices.items[i], before->devices.items[i]), 0);
	for (size_t i = 0; i < now->heaps.len; i++)
		ck_assert_uint_eq(change_find(now->heaps.items[i], before->heaps.items[i]), 0);
}
END_TEST

START_TEST(a_value_has_changed)
{
	put(find(now, "cam0"), DEVICE_ADDRESS_BITS, 40);
	ck_assert_uint_eq(found("cam0"), ROW(DEVICE_ADDRESS_BITS));
	put(find(now, "cam0"), DEVICE_IOMMU, true);
	ck_assert_uint_eq(found("cam0"), ROW(DEVICE_ADDRESS_BITS) | ROW(DEVICE_IOMMU));
	ck_assert_uint_eq(found("cam1"), 0);
}
END_TEST

START_TEST(the_same_value_is_known_in_another_way)
{
	void *cam0 = find(now, "cam0");

	ck_assert_int_eq(vocab_set_number(cam0, DEVICE_COHERENCY,
					  vocab_number(cam0, DEVICE_COHERENCY), VOCAB_QUIRK),
			 0);
	ck_assert_uint_eq(found("cam0"), ROW(DEVICE_COHERENCY));
}
END_TEST

START_TEST(a_fact_became_absent)
{
	vocab_clear(find(now, "cam0"), DEVICE_COHERENCY);
	ck_assert_uint_eq(found("cam0"), ROW(DEVICE_COHERENCY));
}
END_TEST

START_TEST(a_fact_of_a_fact_has_changed)
{
	struct device_role *codec = role("codec");

	put(codec->formats.items[0], FORMAT_STRIDE_ALIGN, 128);
	ck_assert_uint_eq(found("codec"), ROW(DEVICE_ROLES));
}
END_TEST

START_TEST(a_format_is_new)
{
	struct vocab_head *format;

	ck_assert_int_eq(vocab_add_dict(role("cam0"), ROLE_FORMATS, VOCAB_KERNEL, &format), 0);
	ck_assert_uint_eq(found("cam0"), ROW(DEVICE_ROLES));
}
END_TEST

START_TEST(what_is_true_for_a_moment_is_quiet)
{
	put(find(now, "system"), HEAP_FREE_BYTES, 4096);
	ck_assert_uint_eq(found("system"), 0);
	put(find(now, "system"), HEAP_CAPACITY_BYTES, 8192);
	ck_assert_uint_eq(found("system"), ROW(HEAP_FREE_BYTES) | ROW(HEAP_CAPACITY_BYTES));
}
END_TEST

START_TEST(how_is_quiet_at_every_depth)
{
	say(find(now, "cam0"), DEVICE_HOW);
	say(role("cam0"), ROLE_HOW);
	say(role("cam0")->formats.items[0], FORMAT_HOW);
	say(find(now, "system"), HEAP_HOW);
	ck_assert_uint_eq(found("cam0"), 0);
	ck_assert_uint_eq(found("system"), 0);
	put(find(now, "cam0"), DEVICE_ADDRESS_BITS, 40);
	ck_assert_uint_eq(found("cam0"),
			  ROW(DEVICE_ADDRESS_BITS) | ROW(DEVICE_HOW) | ROW(DEVICE_ROLES));
}
END_TEST

START_TEST(what_never_leaves_the_process_is_no_change)
{
	put(find(now, "cam0"), DEVICE_NUMBER, 12345);
	ck_assert_uint_eq(found("cam0"), 0);
	put(find(now, "cam0"), DEVICE_ADDRESS_BITS, 40);
	ck_assert_uint_eq(found("cam0"), ROW(DEVICE_ADDRESS_BITS));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, nothing_has_changed);
	tcase_add_test(all, a_value_has_changed);
	tcase_add_test(all, the_same_value_is_known_in_another_way);
	tcase_add_test(all, a_fact_became_absent);
	tcase_add_test(all, a_fact_of_a_fact_has_changed);
	tcase_add_test(all, a_format_is_new);
	tcase_add_test(all, what_is_true_for_a_moment_is_quiet);
	tcase_add_test(all, how_is_quiet_at_every_depth);
	tcase_add_test(all, what_never_leaves_the_process_is_no_change);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
