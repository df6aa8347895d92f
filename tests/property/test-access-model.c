/* SPDX-License-Identifier: MIT */
/*
 * The access policy (broker/model/access.c) explored: with all sets of agents of every kind, each
 * state that can be reached, whatever the caches do.
 *
 * DMABROKER_ACCESS_LONG    sets of one agent more
 */
#include <stdio.h>
#include <string.h>

#include "tests/property/access-sets.h"
#include "tests/unit/check.h"

#ifndef ACCESS_AGENTS
#define ACCESS_AGENTS 3u
#endif

/* What is explored, and what came of it. */
struct survey {
	unsigned int agents_min, agents_max, processes;
	bool directions, fences, scanout, parts, refusals;
	void (*prepare)(const struct set *set, struct explore *explore); /* NULL: a heap */
	bool (*refuses)(const struct set *set, const struct explore *explore);
	bool (*leaves_out)(const struct set *set); /* NULL: none */
	/* a world that cannot be is not looked at; NULL: all can */
	bool (*can_be)(const struct explore *explore);

	struct explore_count count;
	unsigned long unsafe, refused_safe, forced, forced_harmless;
	char first[8192]; /* what was not right, or how the first set has failed */
};

/* In a set, `fewer` where there is more to each of them. */
static unsigned int agents_max(unsigned int fewer)
{
	return ACCESS_AGENTS - fewer + (getenv("DMABROKER_ACCESS_LONG") ? 1 : 0);
}

static bool check_refuses(const struct set *set, const struct explore *explore)
{
	return access_check(explore->agents, set->len, explore->cached) < 0;
}

static void note(struct survey *survey, const struct set *set, const char *what, const char *story)
{
	if (!survey->first[0])
		snprintf(survey->first, sizeof(survey->first), "%s: %s\n%s%s", set_text(set), what,
			 story[0] == '#' ? "" : "#   ", story);
}

/* In all worlds. Returns whether something goes wrong in one of them. */
static bool survey_worlds(struct survey *survey, const struct set *set, struct explore *explore,
			  bool refused)
{
	const char *story;

	for (unsigned int i = 0; set_world(set, i, survey->directions, explore); i++) {
		if (survey->prepare)
			survey->prepare(set, explore);
		if (survey->can_be && !survey->can_be(explore))
			continue;
		if (explore_fails(explore, &survey->count, &story)) {
			if (!refused)
				note(survey, set, "goes wrong", story);
			return true;
		}
		if (survey->parts && !refused)
			explore_parts(explore);
		if (survey->refusals && !refused) {
			unsigned long harmless;

			survey->forced += explore_refused(explore, &harmless);
			survey->forced_harmless += harmless;
		}
	}
	return false;
}

/* Nobody can see anything wrong where nobody writes, or nobody else is there. */
static bool is_trivial(const struct set *set)
{
	bool writes = false;

	for (unsigned int i = 0; i < set->len; i++)
		writes |= set_writes(set->types[i]);
	return set->len == 1 || !writes;
}

static void survey_set(struct survey *survey, const struct set *set, struct explore *explore)
{
	bool refused, fails;
	const char *part = "";

	if (survey->prepare)
		survey->prepare(set, explore);
	refused = survey->refuses ? survey->refuses(set, explore) : check_refuses(set, explore);
	fails = survey_worlds(survey, set, explore, refused);
	survey->count.sets++;
	survey->count.refused += refused;
	survey->unsafe += fails && !refused;
	if (refused && !fails && !is_trivial(set)) {
		survey->refused_safe++;
		note(survey, set, "refused, but nothing goes wrong", "");
	}
	if (survey->parts && explore_needless(&survey->count, &part) && !fails)
		note(survey, set, "needless", part);
}

static void survey_fences(struct survey *survey, const struct set *set, struct explore *explore)
{
	bool fits;

	if (!survey->fences) {
		survey_set(survey, set, explore);
		return;
	}
	for (unsigned int i = 0; set_fences(set, i, survey->scanout, explore, &fits); i++)
		if (fits)
			survey_set(survey, set, explore);
}

static void survey_all(struct survey *survey)
{
	unsigned int max = survey->agents_max;
	bool fits;

	if (max < survey->agents_min)
		max = survey->agents_min;
	for (unsigned int len = survey->agents_min; len <= max; len++) {
		struct set set = {.len = len};

		do {
			struct explore explore;

			if (survey->leaves_out && survey->leaves_out(&set))
				continue;
			set_describe(&set, &explore);
			for (unsigned int i = 0;
			     set_processes(&set, i, survey->processes, &explore, &fits); i++)
				if (fits)
					survey_fences(survey, &set, &explore);
		} while (set_next(&set));
	}
}

static void print_survey(const char *name, const struct survey *survey)
{
	const struct explore_count *count = &survey->count;

	printf("# %s: %lu sets (%lu refused), %lu worlds, %lu states, %lu transitions", name,
	       count->sets, count->refused, count->worlds, count->states, count->transitions);
	if (survey->parts)
		printf("; %lu parts due, %lu needless", count->due, count->needless);
	if (survey->refusals)
		printf("; two at once %lu times, %lu harmless", survey->forced,
		       survey->forced_harmless);
	printf("\n");
	fflush(stdout);
}

/* Nothing goes wrong, nothing is needless, nothing is refused that is safe. */
static void expect_exact(const char *name, struct survey *survey)
{
	survey_all(survey);
	print_survey(name, survey);
	if (survey->first[0])
		printf("# %s\n", survey->first);
	fflush(stdout);
	ck_assert_uint_eq(survey->unsafe, 0);
	ck_assert_uint_eq(survey->refused_safe, 0);
	ck_assert_uint_eq(survey->count.needless, 0);
	ck_assert_uint_eq(survey->forced_harmless, 0);
	ck_assert_uint_gt(survey->count.states, 0);
}

/* ---- heaps ---- */

START_TEST(one_process)
{
	struct survey survey = {.agents_min = 1,
				.agents_max = ACCESS_AGENTS + 1,
				.processes = 1,
				.parts = true,
				.refusals = true};

	expect_exact("one process", &survey);
	ck_assert_uint_gt(survey.count.due, 0);
	ck_assert_uint_gt(survey.forced, 0);
}
END_TEST

START_TEST(several_processes)
{
	struct survey survey = {.agents_min = (unsigned int)_i,
				.agents_max = agents_max(0),
				.processes = (unsigned int)_i,
				.parts = true};
	char name[32];

	snprintf(name, sizeof(name), "%d processes", _i);
	expect_exact(name, &survey);
	ck_assert_uint_gt(survey.count.due, 0);
}
END_TEST

static void prepare_nothing_let_go(const struct set *set, struct explore *explore)
{
	(void)set;
	explore->let_go = LET_GO_NEVER;
}

START_TEST(mappings_that_stay)
{
	struct survey survey = {.agents_min = 1,
				.agents_max = agents_max(0),
				.processes = 1,
				.parts = true,
				.prepare = prepare_nothing_let_go};

	expect_exact("mappings that stay", &survey);
}
END_TEST

START_TEST(fences)
{
	struct survey survey = {.agents_min = 2,
				.agents_max = _i == 1 ? agents_max(1) : 2,
				.processes = (unsigned int)_i,
				.fences = true,
				.parts = true};
	char name[32];

	snprintf(name, sizeof(name), "fences, %d process%s", _i, _i > 1 ? "es" : "");
	expect_exact(name, &survey);
	ck_assert_uint_gt(survey.count.due, 0);
}
END_TEST

/* Who waits and has none has seen those of others signalled when it ends. That is not counted on.
 */
START_TEST(fences_and_scanout)
{
	struct survey survey = {.agents_min = 2,
				.agents_max = 2,
				.processes = (unsigned int)_i,
				.fences = true,
				.scanout = true};

	expect_exact("fences and scanout", &survey);
}
END_TEST

static void prepare_arm(const struct set *set, struct explore *explore)
{
	(void)set;
	explore->world.arch = MODEL_ARM;
	explore->begins_dirty = false; /* mapping for capture would drop the kernel's zeros */
}

static void prepare_mips(const struct set *set, struct explore *explore)
{
	prepare_arm(set, explore);
	explore->world.arch = MODEL_MIPS;
}

/* Each architecture's maintenance, with attachments mapped one way and both. */
START_TEST(architectures)
{
	static const struct {
		const char *name;
		void (*prepare)(const struct set *set, struct explore *explore);
	} rows[MODEL_ARCHES] = {{"arm64", NULL}, {"arm", prepare_arm}, {"mips", prepare_mips}};
	struct survey survey = {.agents_min = 2,
				.agents_max = agents_max(1),
				.processes = 1,
				.directions = true,
				.parts = true,
				.prepare = rows[_i].prepare};

	expect_exact(rows[_i].name, &survey);
}
END_TEST

/* ---- not cached, udmabuf ---- */

static void prepare_uncached(const struct set *set, struct explore *explore)
{
	(void)set;
	explore->cached = false;
	explore->world.lines = 0;
	explore->world.vmap = 0;
}

START_TEST(memory_that_is_not_cached)
{
	struct survey survey = {.agents_min = 1,
				.agents_max = agents_max(0),
				.processes = 1,
				.parts = true,
				.prepare = prepare_uncached};

	expect_exact("not cached", &survey);
	ck_assert_uint_eq(survey.count.due, 0);
}
END_TEST

static bool has_kind(const struct set *set, enum set_kind kind)
{
	for (unsigned int i = 0; i < set->len; i++)
		if (set_kind(set->types[i]) == kind)
			return true;
	return false;
}

static void prepare_udmabuf(const struct set *set, struct explore *explore)
{
	(void)set;
	explore->dirty = true;
	explore->world.udmabuf = true;
}

/* As the solver does: bounced devices are never served. */
static bool udmabuf_refuses(const struct set *set, const struct explore *explore)
{
	(void)explore;
	return has_kind(set, SET_BOUNCED);
}

START_TEST(udmabuf)
{
	struct survey survey = {.agents_min = 1,
				.agents_max = agents_max(0),
				.processes = (unsigned int)_i,
				.parts = true,
				.prepare = prepare_udmabuf,
				.refuses = udmabuf_refuses};

	survey.agents_min = survey.processes;
	expect_exact("udmabuf", &survey);
	ck_assert_uint_gt(survey.count.due, 0);
}
END_TEST

static void prepare_udmabuf_snoops(const struct set *set, struct explore *explore)
{
	prepare_udmabuf(set, explore);
	explore->world.udmabuf_snoops = true;
}

static bool udmabuf_snoops_refuses(const struct set *set, const struct explore *explore)
{
	return udmabuf_refuses(set, explore) || has_kind(set, SET_NON_COHERENT) ||
	       has_kind(set, SET_UNKNOWN);
}

/* Where udmabuf's own device is coherent, so that SYNC does nothing: whom the solver does not let
 * use it cannot. */
START_TEST(udmabuf_whose_device_is_coherent)
{
	struct survey survey = {.agents_min = 1,
				.agents_max = agents_max(0),
				.processes = 1,
				.prepare = prepare_udmabuf_snoops,
				.refuses = udmabuf_snoops_refuses};

	expect_exact("udmabuf, coherent", &survey);
}
END_TEST

/* ---- mappings that go ---- */

static void prepare_let_go_after_access(const struct set *set, struct explore *explore)
{
	(void)set;
	explore->let_go = LET_GO_AFTER_ACCESS;
}

static bool writes_through_cache(unsigned int type)
{
	return set_writes(type) && set_kind(type) != SET_NON_COHERENT &&
	       set_kind(type) != SET_BOUNCED;
}

/* Unmapping drops what a driver has written with the CPU, or left dirty after it has read. */
static bool let_go_refuses(const struct set *set, const struct explore *explore)
{
	bool writes = false, unknown_writes = false;

	for (unsigned int i = 0; i < set->len; i++) {
		writes |= writes_through_cache(set->types[i]);
		unknown_writes |= set_kind(set->types[i]) == SET_UNKNOWN &&
				  set_writes(set->types[i]);
	}
	return check_refuses(set, explore) || unknown_writes ||
	       (writes && has_kind(set, SET_COPYING_MAPPED));
}

/* Alone it goes wrong, too, but that is no hand-over. */
static bool is_alone(const struct set *set)
{
	return set->len < 2;
}

START_TEST(mappings_that_go_right_after_an_access)
{
	struct survey survey = {.agents_min = 1,
				.agents_max = agents_max(0),
				.processes = 1,
				.prepare = prepare_let_go_after_access,
				.refuses = let_go_refuses,
				.leaves_out = is_alone};

	expect_exact("mappings go right after an access", &survey);
}
END_TEST

static void prepare_let_go_any_time(const struct set *set, struct explore *explore)
{
	(void)set;
	explore->let_go = LET_GO_ANY_TIME;
}

static bool has_no_bounced(const struct set *set)
{
	return !has_kind(set, SET_BOUNCED);
}

static bool has_only_cpu_and_non_coherent(const struct set *set)
{
	for (unsigned int i = 0; i < set->len; i++)
		if (set_kind(set->types[i]) != SET_CPU &&
		    set_kind(set->types[i]) != SET_NON_COHERENT)
			return false;
	return true;
}

static bool has_others(const struct set *set)
{
	return !has_only_cpu_and_non_coherent(set);
}

/* The rules for letting go are needed: bounced, and not. */
START_TEST(mappings_that_go_at_any_time)
{
	struct survey survey = {.agents_min = 2,
				.agents_max = 2,
				.processes = 1,
				.prepare = prepare_let_go_any_time,
				.leaves_out = _i ? has_no_bounced : has_others};

	survey_all(&survey);
	ck_assert_uint_gt(survey.unsafe, 0);
	printf("# mappings go at any time: %.*s\n", (int)strcspn(survey.first, "\n"), survey.first);
	fflush(stdout);
}
END_TEST

/* ---- each rule ---- */

static void survey_without(struct survey *survey, enum explore_rule rule)
{
	*survey = (struct survey){.agents_min = 1,
				  .agents_max = 2,
				  .processes = 1,
				  .parts = rule == RULE_OWN_DATA,
				  .prepare = rule == RULE_DIRTY_AT_START ? prepare_udmabuf
									 : prepare_nothing_let_go};
	explore_without(rule);
	survey_all(survey);
	explore_without(EXPLORE_ALL_RULES);
	printf("# without %s: %lu of %lu sets go wrong, %lu parts needless; the first is %s\n",
	       explore_rule_names[rule], survey->unsafe, survey->count.sets - survey->count.refused,
	       survey->count.needless, survey->first);
	fflush(stdout);
}

START_TEST(without_a_rule)
{
	enum explore_rule rule = (enum explore_rule)_i;
	struct survey survey;

	survey_without(&survey, rule);
	if (rule == RULE_OWN_DATA) { /* it only saves */
		ck_assert_uint_eq(survey.unsafe, 0);
		ck_assert_uint_gt(survey.count.needless, 0);
	} else {
		ck_assert_uint_gt(survey.unsafe, 0);
	}
}
END_TEST

/* One that the table lacks does not compile. */
START_TEST(each_rule_of_the_table_is_in_the_code)
{
	FILE *file = fopen(ACCESS_SOURCE, "r");
	static char source[65536];
	size_t len;

	ck_assert_ptr_nonnull(file);
	len = fread(source, 1, sizeof(source) - 1, file);
	fclose(file);
	ck_assert_uint_lt(len, sizeof(source) - 1);
	source[len] = '\0';
	for (int rule = 1; rule < RULES_LEN; rule++) {
		char text[80];

		snprintf(text, sizeof(text), "ACCESS_RULE(%s,", explore_rule_names[rule]);
		ck_assert_msg(strstr(source, text), "%s", text);
	}
}
END_TEST

static void prepare_may_tear(const struct set *set, struct explore *explore)
{
	(void)set;
	explore->world.may_tear = true;
}

/* What two at once read and write is half of one and half of the other, by what an access is. Here
 * only what caches and bounce buffers do to them counts. */
START_TEST(two_at_once_for_caches_alone)
{
	struct survey survey = {
		.agents_min = 2, .agents_max = 2, .processes = 1, .prepare = prepare_may_tear};

	explore_without(RULE_ONE_WRITER);
	survey_all(&survey);
	explore_without(EXPLORE_ALL_RULES);
	printf("# two at once: caches alone damage %lu of %lu pairs\n", survey.unsafe,
	       survey.count.sets - survey.count.refused);
	fflush(stdout);
	ck_assert_uint_gt(survey.unsafe, 0);
	ck_assert_uint_lt(survey.unsafe, survey.count.sets);
}
END_TEST

/* ---- caches that alias ---- */

static bool copies(unsigned int type)
{
	return set_kind(type) == SET_COPYING || set_kind(type) == SET_COPYING_MAPPED;
}

/* Somebody leaves something in a cache, or START(READ) may. */
static bool leaves_lines(const struct set *set)
{
	for (unsigned int i = 0; i < set->len; i++)
		if (set_writes(set->types[i]) && set_kind(set->types[i]) != SET_NON_COHERENT)
			return true;
	return false;
}

/*
 * Who may copy with the CPU shares with those who do for certain, as all of them have the kernel's
 * one mapping, which SYNC flushes, and with devices that look into memory. Or nobody leaves
 * anything in a cache, and nothing is lost.
 */
static bool copier_refuses(const struct set *set, bool even_memory)
{
	for (unsigned int i = 0; i < set->len; i++) {
		if (!copies(set->types[i]) && set_kind(set->types[i]) != SET_UNKNOWN)
			continue;
		for (unsigned int j = 0; j < set->len; j++)
			if (j != i && !copies(set->types[j]) &&
			    (even_memory || set_kind(set->types[j]) != SET_NON_COHERENT))
				return leaves_lines(set);
	}
	return false;
}

static bool congruent_refuses(const struct set *set, const struct explore *explore)
{
	return check_refuses(set, explore) || copier_refuses(set, false);
}

static bool destroying_refuses(const struct set *set, const struct explore *explore)
{
	return check_refuses(set, explore) || copier_refuses(set, true);
}

static bool scattered_refuses(const struct set *set, const struct explore *explore)
{
	return congruent_refuses(set, explore) || has_kind(set, SET_CPU);
}

static bool written_back_refuses(const struct set *set, const struct explore *explore)
{
	bool others = false;

	for (unsigned int i = 0; i < set->len; i++)
		others |= set_kind(set->types[i]) != SET_CPU;
	return congruent_refuses(set, explore) || (others && has_kind(set, SET_CPU));
}

static bool differing_refuses(const struct set *set, const struct explore *explore)
{
	unsigned int processes = 0;

	for (unsigned int i = 0; i < set->len; i++)
		processes += set_kind(set->types[i]) == SET_CPU;
	return written_back_refuses(set, explore) || processes > 1;
}

static void prepare_congruent(const struct set *set, struct explore *explore)
{
	set_alias(set, SET_CONGRUENT, explore);
}

static void prepare_parisc(const struct set *set, struct explore *explore)
{
	set_alias(set, SET_CONGRUENT, explore);
	explore->world.machine_check = true;
}

static void prepare_destroying(const struct set *set, struct explore *explore)
{
	set_alias(set, SET_CONGRUENT, explore);
	explore->world.vmap_destroys = true;
}

static void prepare_scattered(const struct set *set, struct explore *explore)
{
	set_alias(set, SET_USERS_AGREE, explore);
}

static void prepare_written_back(const struct set *set, struct explore *explore)
{
	set_alias(set, SET_USERS_AGREE, explore);
	explore->begins_dirty = false;
}

static void prepare_differing(const struct set *set, struct explore *explore)
{
	set_alias(set, SET_USERS_DIFFER, explore);
	explore->begins_dirty = false;
}

/* Of those of unknown coherency none copies with the CPU. */
static bool copies_openly(const struct explore *explore)
{
	for (unsigned int i = 0; i < explore->agents_len; i++)
		if (explore->agents[i].kind == AGENT_UNKNOWN &&
		    explore->world.agents[i].path == MODEL_CPU)
			return false;
	return true;
}

static bool open_refuses(const struct set *set, const struct explore *explore)
{
	struct set known = *set;

	for (unsigned int i = 0; i < set->len; i++)
		if (set_kind(set->types[i]) == SET_UNKNOWN)
			known.types[i] = 2 * SET_COHERENT + set_writes(set->types[i]);
	return check_refuses(set, explore) || copier_refuses(&known, false);
}

static bool has_unknown(const struct set *set)
{
	return has_kind(set, SET_UNKNOWN);
}

static const struct alias_row {
	const char *name;
	void (*prepare)(const struct set *set, struct explore *explore);
	bool (*refuses)(const struct set *set, const struct explore *explore);
} alias_rows[] = {
	{"aliases, congruent", prepare_congruent, congruent_refuses},
	{"aliases, congruent, two dirty ones stop it", prepare_parisc, congruent_refuses},
	{"aliases, congruent, SYNC destroys the kernel's", prepare_destroying, destroying_refuses},
	{"aliases, scattered", prepare_scattered, scattered_refuses},
	{"aliases, scattered, zeros written back", prepare_written_back, written_back_refuses},
	{"aliases, processes differ", prepare_differing, differing_refuses},
};

/* Whom the rule lets share nothing happens to, and something to each whom it does not. */
START_TEST(aliases)
{
	const struct alias_row *row = &alias_rows[_i];
	struct survey survey = {.agents_min = 1,
				.agents_max = agents_max(0),
				.processes = 1,
				.prepare = row->prepare,
				.refuses = row->refuses,
				.leaves_out = has_unknown};

	expect_exact(row->name, &survey);
}
END_TEST

/* With those of which nothing is known: some are refused without need, as it may not be known. */
START_TEST(aliases_with_unknown)
{
	const struct alias_row *row = &alias_rows[_i];
	struct survey survey = {.agents_min = 2,
				.agents_max = agents_max(1),
				.processes = 1,
				.prepare = row->prepare,
				.refuses = row->refuses};

	survey_all(&survey);
	print_survey(row->name, &survey);
	printf("# of which %lu refused without need\n", survey.refused_safe);
	fflush(stdout);
	ck_assert_uint_eq(survey.unsafe, 0);
}
END_TEST

/* Of unknown coherency, but with drivers that are known not to copy: as if it snooped. */
START_TEST(aliases_with_unknown_coherency)
{
	struct survey survey = {.agents_min = 2,
				.agents_max = agents_max(1),
				.processes = 1,
				.prepare = prepare_congruent,
				.refuses = open_refuses,
				.can_be = copies_openly};

	expect_exact("aliases, congruent, unknown coherency", &survey);
}
END_TEST

/* ---- the survey itself ---- */

static bool everything_refuses(const struct set *set, const struct explore *explore)
{
	(void)set;
	(void)explore;
	return true;
}

START_TEST(too_much_is_refused)
{
	struct survey survey = {
		.agents_min = 2, .agents_max = 2, .processes = 1, .refuses = everything_refuses};

	survey_all(&survey);
	ck_assert_uint_eq(survey.count.refused, survey.count.sets);
	/* 28 pairs have no writer, 10 are refused with reason */
	ck_assert_uint_eq(survey.refused_safe, survey.count.sets - 28 - 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access-model");
	TCase *all = tcase_create("all");
	int alias_len = (int)(sizeof(alias_rows) / sizeof(alias_rows[0]));

	tcase_set_timeout(all, 0);
	tcase_add_test(all, one_process);
	tcase_add_loop_test(all, several_processes, 2, EXPLORE_PROCESSES_MAX + 1);
	tcase_add_test(all, mappings_that_stay);
	tcase_add_loop_test(all, fences, 1, 3);
	tcase_add_loop_test(all, fences_and_scanout, 1, 3);
	tcase_add_loop_test(all, architectures, 0, MODEL_ARCHES);
	tcase_add_test(all, memory_that_is_not_cached);
	tcase_add_loop_test(all, udmabuf, 1, 3);
	tcase_add_test(all, udmabuf_whose_device_is_coherent);
	tcase_add_test(all, mappings_that_go_right_after_an_access);
	tcase_add_loop_test(all, mappings_that_go_at_any_time, 0, 2);
	tcase_add_loop_test(all, without_a_rule, 1, RULES_LEN);
	tcase_add_test(all, each_rule_of_the_table_is_in_the_code);
	tcase_add_test(all, two_at_once_for_caches_alone);
	tcase_add_loop_test(all, aliases, 0, alias_len);
	tcase_add_loop_test(all, aliases_with_unknown, 0, alias_len);
	tcase_add_test(all, aliases_with_unknown_coherency);
	tcase_add_test(all, too_much_is_refused);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
