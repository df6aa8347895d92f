/* SPDX-License-Identifier: MIT */
/* Sets of agents, and the worlds in which they may live. */
#ifndef ACCESS_SETS_H
#define ACCESS_SETS_H

#include "tests/property/access-explore.h"

/* What there is, each as one that only reads and as one that may write, too. */
enum set_kind {
	SET_CPU,
	SET_COPYING,	    /* vmalloc: maps nothing for DMA */
	SET_COPYING_MAPPED, /* dma-contig: maps, on a device that does not snoop */
	SET_COHERENT,
	SET_NON_COHERENT,
	SET_UNKNOWN,
	SET_BOUNCED,
	SET_KINDS
};

#define SET_TYPES (2 * SET_KINDS) /* kind, and whether it writes */

struct set {
	unsigned int len;
	unsigned int types[MODEL_AGENTS_MAX];
};

static inline enum set_kind set_kind(unsigned int type)
{
	return (enum set_kind)(type / 2);
}

static inline bool set_writes(unsigned int type)
{
	return type % 2;
}

/* The next multiset of as many agents; false: there is none. Begins with all types 0. */
bool set_next(struct set *set);

/* Agents as access.c is told of them. */
void set_describe(const struct set *set, struct explore *ret_explore);

/*
 * The world of a number: what each unknown agent is in truth, and with `directions` which way each
 * is mapped, and whether it writes whole frames. False: there are no more.
 */
bool set_world(const struct set *set, unsigned int number, bool directions,
	       struct explore *explore);

/* All ways to give the agents to as many processes, the first agent to the first of them, none to
 * nobody. False: there are no more. `*ret_fits`: this number is one of them. */
bool set_processes(const struct set *set, unsigned int number, unsigned int processes,
		   struct explore *explore, bool *ret_fits);

/* Who has fences, all that can be, if somebody has some. Of two agents one may have fences and not
 * wait for those of others, or with `scanout` wait and have none. */
bool set_fences(const struct set *set, unsigned int number, bool scanout, struct explore *explore,
		bool *ret_fits);

/*
 * A CPU whose cache aliases. Each process's mapping is of the colour of the linear mapping, of one
 * colour that all processes share, or of its own; the kernel's own mapping of the buffer is of
 * another one.
 */
enum set_colours { SET_CONGRUENT, SET_USERS_AGREE, SET_USERS_DIFFER };

void set_alias(const struct set *set, enum set_colours colours, struct explore *explore);

const char *set_text(const struct set *set);

#endif
