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
	struct access_due due;

	*seed = *seed * 1103515245 + 12345;
	agent = (*seed >> 16) % state->agents_len;
	mode = (enum access_mode)((1 + (*seed >> 20) % 3) & allowed[agent]);
	if (!mode)
		return;
	ck_assert_int_eq(access_begin(state, agent, mode, &due), 0);
	model_do(model, due.operation);
	access_done(state, due);
	access_begun(state, agent, mode);
	model_speculate(model, seed);
	if (mode & ACCESS_READ)
		ck_assert_uint_eq(model_read(model, agent, through_cache[agent]), model->newest);
	if (mode & ACCESS_WRITE)
		model_write(model, agent, through_cache[agent]);
	model_speculate(model, seed);
	ck_assert_int_eq(access_end(state, agent), 0);
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
	struct access_state state = {.cached = true, .agents_len = (uint8_t)set->len};
	struct model model = {.memory = 1, .newest = 1};
	bool through_cache[AGENTS_MAX];

	access_start(&state, false);
	for (unsigned int i = 0; i < set->len; i++) {
		state.agents[i].kind = set->kinds[i];
		state.agents[i].may_write = set->modes[i] & ACCESS_WRITE;
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

static void begin_processes(const struct set *set, unsigned int agents_of_each,
			    struct access_state states[3])
{
	for (unsigned int p = 0; p < 3; p++) {
		states[p] = (struct access_state){.cached = true, .agents_len = (uint8_t)set->len};
		access_start(&states[p], false);
		for (unsigned int i = 0; i < set->len; i++)
			states[p].agents[i] =
				(struct access_agent){.kind = set->kinds[i],
						      .may_write = set->modes[i] & ACCESS_WRITE,
						      .elsewhere = i / agents_of_each != p};
	}
}

/* Three processes with a state each of which the others know nothing; before one of them gets the
 * buffer, who had it releases it. */
static void run_processes(const struct set *set, unsigned int *seed)
{
	unsigned int agents_of_each = (set->len + 2) / 3, process = 0;
	struct access_state states[3];
	struct model model = {.memory = 1, .newest = 1};
	bool through_cache[AGENTS_MAX];
	enum access_mode modes[AGENTS_MAX];
	struct access_due due;

	for (unsigned int i = 0; i < set->len; i++) {
		*seed = *seed * 1103515245 + 12345;
		through_cache[i] = snoops(set->kinds[i], *seed);
		model.slot[i] = set->kinds[i] == AGENT_BOUNCED;
	}
	begin_processes(set, agents_of_each, states);
	for (int i = 0; i < 100; i++) {
		*seed = *seed * 1103515245 + 12345;
		if ((*seed >> 16) % 3 != process) {
			ck_assert_int_eq(access_release(&states[process], ACCESS_NOBODY, &due), 0);
			model_do(&model, due.operation);
			access_done(&states[process], due);
			process = (*seed >> 16) % 3;
		}
		for (unsigned int a = 0; a < set->len; a++)
			modes[a] = a / agents_of_each == process ? set->modes[a]
								 : (enum access_mode)0;
		step(&states[process], &model, seed, through_cache, modes);
	}
}

START_TEST(every_reader_sees_the_newest_data_of_other_processes)
{
	unsigned int seed = (unsigned int)_i;

	for (int round = 0; round < 200; round++)
		for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
			run_processes(&sets[i], &seed);
}
END_TEST

START_TEST(another_process_begins_for_itself)
{
	struct access_state state = {.cached = true,
				     .agents_len = 3,
				     .agents = {{.kind = AGENT_CPU, .may_write = true},
						{.kind = AGENT_NON_COHERENT, .elsewhere = true},
						{.kind = AGENT_NON_COHERENT, .may_write = true}}};
	struct access_due due;

	access_start(&state, false);
	ck_assert_int_eq(access_begin(&state, 1, ACCESS_READ, &due), -EPERM);
	ck_assert_int_eq(access_begin(&state, 0, ACCESS_WRITE, &due), 0);
	access_begun(&state, 0, ACCESS_WRITE);
	ck_assert_int_eq(access_release(&state, ACCESS_NOBODY, &due), -EBUSY);
	ck_assert_int_eq(access_end(&state, 0), 0);
	ck_assert_int_eq(access_release(&state, 3, &due), -EINVAL);
	ck_assert_int_eq(access_release(&state, ACCESS_NOBODY, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_CLEAN);
	access_done(&state, due);
	ck_assert_int_eq(access_release(&state, 1, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_NONE);
	/* what was done for others counts here, too */
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_READ_WRITE, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_NONE);
}
END_TEST

/* Every process begins so, and the first whose device needs it cleans. */
START_TEST(what_is_dirty_from_the_start_is_nobodys)
{
	struct access_state state = {.cached = true,
				     .agents_len = 3,
				     .agents = {{.kind = AGENT_CPU, .may_write = true},
						{.kind = AGENT_NON_COHERENT, .elsewhere = true},
						{.kind = AGENT_NON_COHERENT}}};
	struct access_due due;

	access_start(&state, true);
	ck_assert_int_eq(access_release(&state, ACCESS_NOBODY, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_NONE);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_READ, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_CLEAN);
	access_begun(&state, 0, ACCESS_WRITE);
	ck_assert_int_eq(access_end(&state, 0), 0);
	ck_assert_int_eq(access_release(&state, ACCESS_NOBODY, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_CLEAN);
}
END_TEST

/* The plan has changed, and has no such participant any more. */
START_TEST(what_was_written_stays_when_its_writer_leaves)
{
	struct access_state state = {.cached = true,
				     .agents_len = 2,
				     .agents = {{.kind = AGENT_CPU, .may_write = true},
						{.kind = AGENT_NON_COHERENT, .elsewhere = true}}};
	struct access_due due;

	access_start(&state, true);
	access_begun(&state, 0, ACCESS_WRITE);
	ck_assert_int_eq(access_end(&state, 0), 0);
	state.writer = ACCESS_NOBODY;
	ck_assert_int_eq(access_release(&state, ACCESS_NOBODY, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_CLEAN);
	/* of a bounced one that has left: the CPU copies, and leaves dirty lines */
	state.dirty = false;
	state.stale = true;
	ck_assert_int_eq(access_begin(&state, 0, ACCESS_READ, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_INVALIDATE);
	access_done(&state, due);
	ck_assert_int_eq(access_release(&state, ACCESS_NOBODY, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_CLEAN);
}
END_TEST

/* DRM puts fences on buffers and waits for them, V4L2 does neither. */
START_TEST(fences_are_waited_for_by_whom_nobody_else_makes_wait)
{
	struct access_state state = {
		.cached = true,
		.agents_len = 4,
		.agents = {
			{.kind = AGENT_COHERENT, .may_write = true, .fences = true, .waits = true},
			{.kind = AGENT_COHERENT, .fences = true, .waits = true},
			{.kind = AGENT_CPU, .may_write = true},
			{.kind = AGENT_NON_COHERENT,
			 .may_write = true,
			 .fences = true,
			 .waits = true}}};
	struct access_due due;

	access_start(&state, false);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_READ_WRITE, &due), 0);
	ck_assert_int_eq(due.wait, 0);
	access_begun(&state, 0, ACCESS_WRITE);
	ck_assert_int_eq(access_end(&state, 0), 0);
	ck_assert_int_eq(access_begin(&state, 1, ACCESS_READ, &due), 0);
	ck_assert_int_eq(due.wait, 0);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_READ, &due), 0);
	ck_assert_int_eq(due.wait, ACCESS_READ);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_WRITE, &due), 0);
	ck_assert_int_eq(due.wait, ACCESS_WRITE);
	/* it would wait by itself, but maintenance comes before that */
	ck_assert_int_eq(access_begin(&state, 3, ACCESS_READ, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_CLEAN);
	ck_assert_int_eq(due.wait, ACCESS_READ);
	access_begun(&state, 1, ACCESS_READ);
	/* START(WRITE) waits for readers, too, and has no limit */
	ck_assert_int_eq(access_begin(&state, 3, ACCESS_READ, &due), 0);
	ck_assert_int_eq(due.wait, ACCESS_WRITE);
	access_done(&state, due);
	/* that of a reader who is still at it comes later */
	ck_assert_int_eq(access_end(&state, 1), 0);
	/* who reads need not wait for readers */
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_READ, &due), 0);
	ck_assert_int_eq(due.wait, 0);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_WRITE, &due), 0);
	ck_assert_int_eq(due.wait, ACCESS_WRITE);
	access_done(&state, due);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_WRITE, &due), 0);
	ck_assert_int_eq(due.wait, 0);
	/* who reads and writes puts a writer's fence: no reader's is waited for */
	access_begun(&state, 0, ACCESS_READ_WRITE);
	ck_assert_int_eq(access_end(&state, 0), 0);
	ck_assert_int_eq(access_begin(&state, 3, ACCESS_READ_WRITE, &due), 0);
	ck_assert_int_eq(due.operation, OPERATION_CLEAN);
	ck_assert_int_eq(due.wait, ACCESS_READ);
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
	struct access_due due;

	access_start(&state, false);
	ck_assert_int_eq(access_begin(&state, 0, ACCESS_READ, &due), 0);
	access_begun(&state, 0, ACCESS_READ);
	ck_assert_int_eq(access_begin(&state, 0, ACCESS_READ, &due), -EALREADY);
	ck_assert_int_eq(access_begin(&state, 1, ACCESS_READ, &due), 0);
	access_begun(&state, 1, ACCESS_READ);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_WRITE, &due), -EBUSY);
	ck_assert_int_eq(access_end(&state, 0), 0);
	ck_assert_int_eq(access_end(&state, 0), -EINVAL);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_READ_WRITE, &due), -EBUSY);
	ck_assert_int_eq(access_end(&state, 1), 0);
	ck_assert_int_eq(access_begin(&state, 2, ACCESS_WRITE, &due), 0);
	access_begun(&state, 2, ACCESS_WRITE);
	ck_assert_int_eq(access_begin(&state, 0, ACCESS_READ, &due), -EBUSY);
	ck_assert_int_eq(access_begin(&state, 3, ACCESS_READ, &due), -EINVAL);
	ck_assert_int_eq(access_begin(&state, 0, (enum access_mode)0, &due), -EINVAL);
	ck_assert_int_eq(access_end(&state, 9), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, every_reader_sees_the_newest_data, 1, 6);
	tcase_add_loop_test(all, every_reader_sees_the_newest_data_of_other_processes, 0, 5);
	tcase_add_test(all, another_process_begins_for_itself);
	tcase_add_test(all, what_is_dirty_from_the_start_is_nobodys);
	tcase_add_test(all, what_was_written_stays_when_its_writer_leaves);
	tcase_add_test(all, fences_are_waited_for_by_whom_nobody_else_makes_wait);
	tcase_add_test(all, hand_overs_by_the_table);
	tcase_add_test(all, one_writer_or_many_readers);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
