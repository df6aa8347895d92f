/* SPDX-License-Identifier: MIT */
/*
 * Nothing is allocated for a candidate: with 1,024 pairs instead of 16, or 128 heaps instead of 2,
 * a solve allocates as often, but for the few texts in which the answers may differ.
 */
#include <errno.h>
#include <stdlib.h>

#include "broker/solver/solve.h"
#include "tests/bench/made.h"
#include "tests/unit/check.h"

#define SPARE 16u

static unsigned long allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t len, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t len, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t len, size_t size)
{
	allocations++;
	return __real_calloc(len, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	allocations++;
	return __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	allocations++;
	return __real_strdup(text);
}

/* How often a solve allocates that must end with a plan, or with a conflict. */
static unsigned long count(const struct made_size *size)
{
	struct error error = {0};
	struct plan *plan = NULL;
	unsigned long before;
	struct made made;

	made_create(size, &made);
	before = allocations;
	ck_assert_int_eq(solve(made.machine, made.request, &error, &plan),
			 size->conflict ? -EXDEV : 0);
	before = allocations - before;
	vocab_destroy(plan);
	error_finish(&error);
	made_finish(&made);
	ck_assert_uint_gt(before, 0);
	return before;
}

static struct made_size small_size(enum made_kind kind)
{
	return (struct made_size){
		.kind = kind, .participants = 3, .pairs = 16, .heaps = 2, .leaves = 1};
}

static const enum made_kind kinds[] = {MADE_DECLARED, MADE_DEVICES};

START_TEST(more_pairs)
{
	struct made_size size = small_size(kinds[_i]);
	unsigned long few = count(&size);

	size.pairs = 1024;
	ck_assert_uint_le(count(&size), few + SPARE);
}
END_TEST

START_TEST(more_heaps)
{
	struct made_size size = small_size(kinds[_i]);
	unsigned long few = count(&size);

	size.heaps = 128;
	ck_assert_uint_le(count(&size), few + SPARE);
}
END_TEST

START_TEST(more_alternatives)
{
	struct made_size size = small_size(kinds[_i]);
	unsigned long few;

	size.leaves = 2;
	few = count(&size);
	size.leaves = 8;
	ck_assert_uint_le(count(&size), few + SPARE);
}
END_TEST

START_TEST(more_pairs_in_a_conflict)
{
	struct made_size size = small_size(MADE_DEVICES);
	unsigned long few;

	size.conflict = true;
	size.conflict_kind = (unsigned int)_i;
	size.leaves = _i == 1 ? 2 : 1;
	few = count(&size);
	size.pairs = 1024;
	ck_assert_uint_le(count(&size), few + SPARE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("allocations");
	TCase *test = tcase_create("as many however many candidates there are");

	tcase_add_loop_test(test, more_pairs, 0, 2);
	tcase_add_loop_test(test, more_heaps, 0, 2);
	tcase_add_loop_test(test, more_alternatives, 0, 2);
	tcase_add_loop_test(test, more_pairs_in_a_conflict, 0, 4);
	suite_add_tcase(suite, test);
	return run_suite(suite);
}
