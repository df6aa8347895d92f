/* SPDX-License-Identifier: MIT */
/* What every libcheck program of ours does: run its suite, TAP to standard output. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#ifdef NDEBUG
#error "tests need assertions"
#endif

#include <check.h>
#include <stdlib.h>

static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
