/* SPDX-License-Identifier: MIT */
/* libdmabroker-va's names of formats are those of the project's table, and it knows all of them. */
#include "broker/model/format.h"
#include "libclient/va.c"
#include "tests/unit/check.h"

START_TEST(every_name_is_one_of_the_table)
{
	for (size_t i = 0; i < NAMES_LEN; i++) {
		const struct format_info *info = format_find(names[i].drm);
		size_t planes = 1;

		ck_assert_msg(info && info->drm, "row %zu: DRM has no such format", i);
		ck_assert_msg(info->va == names[i].va, "%s is 0x%08x for VA, not 0x%08x",
			      info->name, info->va, names[i].va);
		if (names[i].planes[0])
			for (planes = 0; planes < PLANES_MAX && names[i].planes[planes];)
				planes++;
		ck_assert_msg(planes == info->planes_len, "%s has %u planes, not %zu", info->name,
			      info->planes_len, planes);
		ck_assert_uint_ne(names[i].rt_format, 0);
	}
}
END_TEST

/* A plane by itself has the same samples as in the whole. */
START_TEST(every_plane_has_the_bytes_of_its_name)
{
	for (size_t i = 0; i < NAMES_LEN; i++)
		for (size_t j = 0; j < PLANES_MAX && names[i].planes[j]; j++) {
			const struct format_info *whole = format_find(names[i].drm);
			const struct format_info *plane = format_find(names[i].planes[j]);

			ck_assert_ptr_nonnull(plane);
			ck_assert_msg(plane->planes[0].block_bytes == whole->planes[j].block_bytes,
				      "plane %zu of %s", j, whole->name);
		}
}
END_TEST

START_TEST(every_format_that_va_has_is_named)
{
	const struct format_info *info;

	for (size_t i = 0; (info = format_at(i)); i++)
		if (info->va)
			ck_assert_msg(find_name(info->va) &&
					      find_name(info->va)->drm == info->fourcc,
				      "%s is missing", info->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("va-names");
	TCase *names_case = tcase_create("names");

	tcase_add_test(names_case, every_name_is_one_of_the_table);
	tcase_add_test(names_case, every_plane_has_the_bytes_of_its_name);
	tcase_add_test(names_case, every_format_that_va_has_is_named);
	suite_add_tcase(suite, names_case);
	return run_suite(suite);
}
