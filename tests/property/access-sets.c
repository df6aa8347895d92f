/* SPDX-License-Identifier: MIT */
#include "tests/property/access-sets.h"

#include <stdio.h>

static const struct {
	const char *name;
	enum agent kind;
	bool synced;
	unsigned int truths_len;
	/* what it may be: on which path, and whether its attachment is maintained */
	struct {
		enum model_path path;
		bool maintained;
	} truths[3];
} kinds[SET_KINDS] = {
	[SET_CPU] = {"cpu", AGENT_CPU, false, 1, {{MODEL_CPU, false}}},
	[SET_COPYING] = {"copying", AGENT_CPU_COPYING, false, 1, {{MODEL_CPU, false}}},
	[SET_COPYING_MAPPED] = {"copying-mapped", AGENT_CPU_COPYING, true, 1, {{MODEL_CPU, true}}},
	[SET_COHERENT] = {"coherent", AGENT_COHERENT, false, 1, {{MODEL_SNOOPING, false}}},
	[SET_NON_COHERENT] = {"non-coherent", AGENT_NON_COHERENT, true, 1, {{MODEL_MEMORY, true}}},
	/* it snoops, or not, or its driver copies with the CPU */
	[SET_UNKNOWN] = {"unknown",
			 AGENT_UNKNOWN,
			 true,
			 3,
			 {{MODEL_SNOOPING, false}, {MODEL_MEMORY, true}, {MODEL_CPU, true}}},
	[SET_BOUNCED] = {"bounced", AGENT_BOUNCED, false, 1, {{MODEL_SLOT, false}}},
};

bool set_next(struct set *set)
{
	for (unsigned int i = set->len; i-- > 0;) {
		if (++set->types[i] < SET_TYPES) {
			for (unsigned int j = i + 1; j < set->len; j++)
				set->types[j] = set->types[i];
			return true;
		}
	}
	return false;
}

void set_describe(const struct set *set, struct explore *ret_explore)
{
	struct explore explore = {.agents_len = (uint8_t)set->len,
				  .processes = 1,
				  .cached = true,
				  .begins_dirty = true,
				  .let_go = LET_GO_CLEAN,
				  .world = {.agents_len = (uint8_t)set->len,
					    .under_way_max = MODEL_UNDER_WAY_MAX,
					    .lines = 1,
					    .vmap = 1}};

	for (unsigned int i = 0; i < set->len; i++)
		explore.agents[i] = (struct access_agent){
			.kind = kinds[set_kind(set->types[i])].kind,
			.synced = kinds[set_kind(set->types[i])].synced,
			.may_write = set_writes(set->types[i]),
		};
	*ret_explore = explore;
}

bool set_world(const struct set *set, unsigned int number, bool directions, struct explore *explore)
{
	for (unsigned int i = 0; i < set->len; i++) {
		struct model_agent *agent = &explore->world.agents[i];
		unsigned int kind = set_kind(set->types[i]);
		unsigned int truth = number % kinds[kind].truths_len;

		number /= kinds[kind].truths_len;
		agent->path = kinds[kind].truths[truth].path;
		agent->maintained = kinds[kind].truths[truth].maintained;
		agent->direction = MODEL_BIDIRECTIONAL;
		agent->whole = false;
		if (!directions)
			continue;
		if (number % 2)
			agent->direction = set_writes(set->types[i]) ? MODEL_FROM_DEVICE
								     : MODEL_TO_DEVICE;
		/* what was there before is dropped when it maps */
		agent->whole = agent->direction == MODEL_FROM_DEVICE &&
			       explore->world.arch != MODEL_ARM64;
		number /= 2;
	}
	return number == 0;
}

bool set_processes(const struct set *set, unsigned int number, unsigned int processes,
		   struct explore *explore, bool *ret_fits)
{
	unsigned int used = 0;
	bool fits = true;

	explore->processes = (uint8_t)processes;
	for (unsigned int i = 0; i < set->len; i++) {
		unsigned int process = number % processes;

		number /= processes;
		explore->process[i] = (uint8_t)process;
		fits &= process <= used;
		used += process == used;
	}
	*ret_fits = fits && used == processes;
	return number == 0;
}

bool set_fences(const struct set *set, unsigned int number, bool scanout, struct explore *explore,
		bool *ret_fits)
{
	const struct {
		bool fences, waits;
	} habits[] = {{false, false}, {true, true}, {!scanout, scanout}};
	unsigned int habits_len = set->len > 2 ? 2 : 3;
	bool some = false, fits = true;

	explore->world.orders = true;
	explore->world.under_way_max = (uint8_t)(set->len + 1); /* one has begun again */
	for (unsigned int i = 0; i < set->len; i++) {
		unsigned int habit = number % habits_len;

		number /= habits_len;
		explore->agents[i].fences = habits[habit].fences;
		explore->agents[i].waits = habits[habit].waits;
		explore->world.agents[i].fences = habits[habit].fences;
		explore->world.agents[i].waits = habits[habit].waits;
		some |= habits[habit].fences;
		fits &= habit == 0 || set_kind(set->types[i]) != SET_CPU;
	}
	*ret_fits = some && fits;
	return number == 0;
}

void set_alias(const struct set *set, enum set_colours colours, struct explore *explore)
{
	struct model_world *world = &explore->world;
	uint8_t kernel = colours == SET_CONGRUENT ? 1 : 2, users = 0;
	bool has_kernel = false;

	for (unsigned int i = 0; i < set->len; i++) {
		bool is_process = set_kind(set->types[i]) == SET_CPU;

		world->agents[i].line = 0;
		if (is_process && colours != SET_CONGRUENT)
			world->agents[i].line =
				colours == SET_USERS_DIFFER ? (uint8_t)(1 + users++ % 2) : 1;
		if (is_process || world->agents[i].path != MODEL_CPU)
			continue;
		world->agents[i].line = kernel;
		has_kernel = true;
	}
	world->lines = has_kernel || colours == SET_USERS_DIFFER ? kernel + 1 : kernel;
	world->vmap = has_kernel ? kernel : world->lines;
}

const char *set_text(const struct set *set)
{
	static char text[256];
	char *at = text;

	*at = '\0';
	for (unsigned int i = 0; i < set->len; i++)
		at += sprintf(at, "%s%s %s", i ? ", " : "", kinds[set_kind(set->types[i])].name,
			      set_writes(set->types[i]) ? "rw" : "r");
	return text;
}
