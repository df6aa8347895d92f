/* SPDX-License-Identifier: MIT */
/* Who must do what when a buffer changes hands, against a model of a cache. */
#include <errno.h>

#include "broker/model/access.h"
#include "tests/unit/check.h"

/*
 * Memory and one CPU cache, each holding the version of the data it last saw. A coherent agent
 * works on the newest wherever it is and leaves it in the cache; a non-coherent one works on
 * memory; clean writes a dirty line back; invalidate drops the line, dirty or not. At any moment
 * the cache may also write a dirty line back, or load a line that it does not hold (speculation).
 * A bounced agent works on a copy of its own: END(WRITE) of a clean brings all copies up to date
 * from what the CPU sees, START(READ) of an invalidation has the CPU copy each of them over the
 * buffer.
 */
#define AGENTS_MAX 6

struct model {
	unsigned int memory;
	unsigned int cache; /* 0: no line */
	bool dirty;
	unsigned int newest;
	unsigned int slot[AGENTS_MAX]; /* of bounced agents; 0: the agent is none */
};

static void model_clean(struct model *model)
{
	if (model->dirty)
		model->memory = model->cache;
	model->dirty = false;
}

static void model_do(struct model *model, enum operation operation)
{
	if (operation & OPERATION_CLEAN) {
		for (unsigned int i = 0; i < AGENTS_MAX; i++)
			if (model->slot[i])
				model->slot[i] = model->cache ? model->cache : model->memory;
		model_clean(model);
	}
	if (!(operation & OPERATION_INVALIDATE))
		return;
	model->cache = 0;
	model->dirty = false;
	for (unsigned int i = 0; i < AGENTS_MAX; i++)
		if (model->slot[i]) {
			model->cache = model->slot[i];
			model->dirty = true;
		}
}

static void model_speculate(struct model *model, unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	if (*seed & 0x10000)
		model_clean(model);
	if (*seed & 0x20000 && !model->cache)
		model->cache = model->memory;
}

static bool snoops(enum agent kind, unsigned int seed)
{
	if (kind == AGENT_UNKNOWN)
		return seed & 0x40000;
	return kind != AGENT_NON_COHERENT;
}

static unsigned int model_read(const struct model *model, unsigned int agent, bool through_cache)
{
	if (model->slot[agent])
		return model->slot[agent];
	return through_cache && model->cache ? model->cache : model->memory;
}

static void model_write(struct model *model, unsigned int agent, bool through_cache)
{
	model->newest++;
	if (model->slot[agent]) {
		model->slot[agent] = model->newest;
	} else if (through_cache) {
		model->cache = model->newest;
		model->dirty = true;
	} else {
		model->memory = model->newest;
	}
}

static void step(struct access_state *state, struct model *model, unsigned int *seed,
		 const bool *through_cache, const enum access_mode *allowed)
{
	unsigned int agent;
	enum access_mode mode;
	enum operation operation;

	*seed = *seed * 1103515245 + 12345;
	agent = (*seed >> 16) % state->agents_len;
	mode = (enum access_mode)((1 + (*seed >> 20) % 3) & allowed[agent]);
	if (!mode)
		return;
	ck_assert_int_eq(access_begin(state, agent, mode, &operation), 0);
	model_do(model, operation);
	access_begun(state, agent, mode);
	model_speculate(model, seed);
	if (mode & ACCESS_READ)
		ck_assert_uint_eq(model_read(model, agent, through_cache[agent]), model->newest);
	if (mode & ACCESS_WRITE)
		model_write(model, agent, through_cache[agent]);
	model_speculate(model, seed);
	ck_assert_int_eq(access_end(state, agent, &operation), 0);
	model_do(model, operation);
	model_speculate(model, seed);
}

/* Sets of agents that a plan may have, with what each does. */
static const struct set {
	unsigned int len;
	enum agent kinds[AGENTS_MAX];
	enum access_mode modes[AGENTS_MAX];
} sets[] = {
#define R ACCESS_READ
#define RW ACCESS_READ_WRITE
	{6,
	 {AGENT_CPU, AGENT_CPU_COPYING, AGENT_COHERENT, AGENT_NON_COHERENT, AGENT_UNKNOWN,
	  AGENT_UNKNOWN},
	 {RW, RW, RW, RW, RW, RW}},
	{4, {AGENT_BOUNCED, AGENT_CPU, AGENT_CPU_COPYING, AGENT_COHERENT}, {RW, RW, RW, RW}},
	{6,
	 {AGENT_BOUNCED, AGENT_BOUNCED, AGENT_CPU, AGENT_COHERENT, AGENT_NON_COHERENT,
	  AGENT_UNKNOWN},
	 {R, R, RW, RW, R, R}},
#undef R
#undef RW
};

static void run_set(const struct set *set, unsigned int *seed)
{
	struct access_state state = {.cached = true, .agents_len = set->len};
	struct model model = {.memory = 1, .newest = 1};
	bool through_cache[AGENTS_MAX];

	for (unsigned int i = 0; i < set->len; i++) {
		state.agents[i].kind = set->kinds[i];
		*seed = *seed * 1103515245 + 12345;
		through_cache[i] = snoops(set->kinds[i], *seed);
		model.slot[i] = set->kinds[i] == AGENT_BOUNCED;
	}
	for (int i = 0; i < 100; i++)
		step(&state, &model, seed, through_cache, set->modes);
}

START_TEST(every_reader_sees_the_newest_data)
{
	unsigned int seed = (unsigned int)_i;

	for (int round = 0; round < 200; round++)
		for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
			run_set(&sets[i], &seed);
}
END_TEST

/* Three processes with two agents each, and a state each of which the others know nothing. */
static void run_processes(unsigned int *seed)
{
	struct access_state states[3];
	struct model model = {.memory = 1, .newest = 1};
	bool through_cache[AGENTS_MAX];
	enum access_mode modes[AGENTS_MAX];
	const struct set *set = &sets[0];

	for (unsigned int i = 0; i < set->len; i++) {
		*seed = *seed * 1103515245 + 12345;
		through_cache[i] = snoops(set->kinds[i], *seed);
	}
	for (unsigned int p = 0; p < 3; p++) {
		states[p] = (struct access_state){.cached = true, .agents_len = set->len};
		for (unsigned int i = 0; i < set->len; i++) {
			states[p].agents[i].kind = set->kinds[i];
			states[p].agents[i].may_write = true;
		}
	}
	for (int i = 0; i < 100; i++) {
		unsigned int process;

		*seed = *seed * 1103515245 + 12345;
		process = (*seed >> 16) % 3;
		for (unsigned int a = 0; a < set->len; a++) {
			modes[a] = a / 2 == process ? ACCESS_READ_WRITE : 0;
			if (modes[a])
				ck_assert_int_eq(access_assume_others(&states[process], a), 0);
		}
		step(&states[process], &model, seed, through_cache, modes);
	}
}

START_TEST(every_reader_sees_the_newest_data_of_other_processes)
{
	unsigned int seed = (unsigned int)_i;

	for (int round = 0; round < 200; round++)
		run_processes(&seed);
}
END_TEST

START_TEST(a_bounced_writer_is_not_for_several_processes)
{
	struct access_state state = {.cached = true,
				     .agents_len = 2,
				     .agents = {{.kind = AGENT_BOUNCED, .may_write = true},
						{.kind = AGENT_CPU, .may_write = true}}};

	ck_assert_int_eq(access_assume_others(&state, 0), -EOPNOTSUPP);
	ck_assert_int_eq(access_assume_others(&state, 1), -EOPNOTSUPP);
	ck_assert(!state.dirty && !state.stale);
	state.agents[0].may_write = false;
	ck_assert_int_eq(access_assume_others(&state, 0), 0);
	ck_assert(state.dirty && !state.stale);
}
END_TEST

START_TEST(hand_overs_by_the_table)
{
	static const struct {
		enum agent from, to;
		enum operation due;
	} table[] = {
		{AGENT_CPU, AGENT_CPU, OPERATION_NONE},
		{AGENT_CPU, AGENT_COHERENT, OPERATION_NONE},
		{AGENT_CPU, AGENT_NON_COHERENT, OPERATION_CLEAN},
		{AGENT_CPU_COPYING, AGENT_NON_COHERENT, OPERATION_CLEAN},
		{AGENT_COHERENT, AGENT_NON_COHERENT, OPERATION_CLEAN},
		{AGENT_NON_COHERENT, AGENT_NON_COHERENT, OPERATION_NONE},
		{AGENT_NON_COHERENT, AGENT_CPU, OPERATION_INVALIDATE},
		{AGENT_NON_COHERENT, AGENT_COHERENT, OPERATION_INVALIDATE},
		{AGENT_CPU, AGENT_UNKNOWN, OPERATION_CLEAN},
		{AGENT_UNKNOWN, AGENT_NON_COHERENT, OPERATION_CLEAN},
		{AGENT_UNKNOWN, AGENT_CPU, OPERATION_BOTH},
		{AGENT_CPU, AGENT_BOUNCED, OPERATION_CLEAN},
		{AGENT_COHERENT, AGENT_BOUNCED, OPERATION_CLEAN},
		{AGENT_BOUNCED, AGENT_CPU, OPERATION_INVALIDATE},
		{AGENT_BOUNCED, AGENT_COHERENT, OPERATION_INVALIDATE},
		{AGENT_BOUNCED, AGENT_BOUNCED, OPERATION_NONE},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ck_assert_int_eq(access_hand_over(table[i].from, table[i].to, true), table[i].due);
		ck_assert_int_eq(access_hand_over(table[i].from, table[i].to, false),
				 OPERATION_NONE);
	}
}
END_TEST

START_TEST(one_writer_or_many_readers)
{
	struct access_state state = {.cached = true, .agents_len = 3};
	enum operation operation;

	ck_assert_int_eq(access_begin(&state, 0, ACCESS_READ, &operation), 0);
	access_begun(&state, 0, ACCESS_READ);
	ck_assert_int_eq(access_begin(&state, 0, ACCESS_READ, &operation), -EALREADY);
	ck_assert_int_eq(access_begin(&state, 1, ACCESS_READ, &operation), 0);
	access_begun(&state, 1, ACCESS_READ);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_WRITE, &operation), -EBUSY);
	ck_assert_int_eq(access_end(&state, 0, &operation), 0);
	ck_assert_int_eq(access_end(&state, 0, &operation), -EINVAL);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_READ_WRITE, &operation), -EBUSY);
	ck_assert_int_eq(access_end(&state, 1, &operation), 0);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_WRITE, &operation), 0);
	access_begun(&state, 2, ACCESS_WRITE);
	ck_assert_int_eq(access_begin(&state, 0, ACCESS_READ, &operation), -EBUSY);
	ck_assert_int_eq(access_begin(&state, 3, ACCESS_READ, &operation), -EINVAL);
	ck_assert_int_eq(access_begin(&state, 0, (enum access_mode)0, &operation), -EINVAL);
	ck_assert_int_eq(access_end(&state, 9, &operation), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, every_reader_sees_the_newest_data, 1, 6);
	tcase_add_loop_test(all, every_reader_sees_the_newest_data_of_other_processes, 0, 5);
	tcase_add_test(all, a_bounced_writer_is_not_for_several_processes);
	tcase_add_test(all, hand_overs_by_the_table);
	tcase_add_test(all, one_writer_or_many_readers);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
