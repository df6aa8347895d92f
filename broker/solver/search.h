/* SPDX-License-Identifier: MIT */
/* What the files of the solver share. The essay stands in solve.c. */
#ifndef SEARCH_H
#define SEARCH_H

#include "broker/model/descriptor.h"
#include "broker/model/error.h"
#include "broker/model/format.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"

/* as many as the rows participants and heaps allow */
#define SEARCH_PARTIES_MAX 16
#define SEARCH_HEAPS_MAX 128
#define SEARCH_CANDIDATES_MAX 1024

/* A participant with what is known of its device. */
struct party {
	const struct participant *wish;
	const struct device *device;	/* NULL: the CPU */
	const struct device_role *role; /* NULL: the CPU */
	const char *name;
	enum agent agent;
};

/* A format and modifier that somebody named. */
struct candidate {
	uint32_t fourcc;
	uint64_t modifier;
	const struct format_info *info; /* NULL: no layout known, or not linear */
	uint32_t request_position;	/* in the request's list; SEARCH_NOWHERE: not in it */
	struct {
		const struct device_format *facts; /* NULL: no facts for it */
		uint32_t position; /* in the party's own list; SEARCH_NOWHERE: refused */
	} party[SEARCH_PARTIES_MAX];
};

#define SEARCH_NOWHERE UINT32_MAX

/* Which constraints are left out of account: bits by enum constraint, for each party and, at the
 * last place, for the request itself. Only the search for a minimal conflict uses it. */
struct ignored {
	uint32_t bits[SEARCH_PARTIES_MAX + 1];
};

struct search {
	const struct machine *machine;
	const struct request *request;
	struct party parties[SEARCH_PARTIES_MAX];
	unsigned int parties_len;
	const struct heap *heaps[SEARCH_HEAPS_MAX]; /* of the machine, sorted by id */
	size_t heaps_len;
	struct candidate *candidates; /* sorted by fourcc and modifier */
	size_t candidates_len;
	struct ignored ignored;
};

/* The layout and number that one format leads to. */
struct merged {
	struct format_layout layout;
	uint64_t picture_bytes; /* layout and tail */
	uint64_t memory_bytes;	/* rounded up to pages, in an option to the heap's granularity */
	uint32_t count;
	uint32_t count_needed;
	/* who decided; SEARCH_NOBODY: nobody in particular */
	unsigned int stride_by;
	unsigned int bytes_by;
	unsigned int count_by;
};

#define SEARCH_NOBODY UINT32_MAX

/* A feasible pair of format and heap, with what decides between such pairs. */
struct option {
	const struct candidate *candidate;
	const struct heap *heap;
	struct merged merged;
	uint64_t format_cost;
	bool uncached; /* and somebody reads often */
	bool scarce;
};

/* Whether the constraint of party `party` (parties_len: of the request) counts. */
static inline bool search_counts(const struct search *search, unsigned int party,
				 enum constraint constraint)
{
	return !(search->ignored.bits[party] & (1u << constraint));
}

/* merge.c: the layout of a candidate for all parties; false: it does not suit all. */
bool merge_candidate(const struct search *search, const struct candidate *candidate,
		     struct merged *ret_merged);

/* merge.c: what the driver wants behind the last plane of a layout, in bytes. */
uint64_t merge_tail(const struct device_format *facts, const struct format_info *info,
		    uint32_t height, const struct format_layout *layout);

/* suit.c: whether a heap's memory suits all parties, whatever the format. */
bool suit_heap(const struct search *search, const struct heap *heap);

/* suit.c: whether a heap could ever give so much. */
bool suit_capacity(const struct search *search, const struct heap *heap,
		   const struct merged *merged);

/* suit.c: whether all parties take the contiguous pieces of which the heap makes a buffer. */
bool suit_segments(const struct search *search, const struct heap *heap,
		   const struct merged *merged);

/* What a party asks of a heap. */
bool suit_needs_contiguous(const struct party *party);
uint64_t suit_reach(const struct party *party); /* the highest address */
uint64_t suit_heap_top(const struct heap *heap);
bool suit_needs_maintenance(const struct party *party);
enum agent suit_agent(const struct device *device, const struct device_role *role);

/* choose.c: the best option; false: there is none. */
bool choose(const struct search *search, struct option *ret_option);

/* conflict.c: names a minimal set of constraints that cannot hold together. Returns the error's
 * negative errno. */
int conflict_report(struct search *search, struct error *error);

/* answer.c: the plan of an option, with reasons. Returns owned. Errors: -ENOMEM. */
int answer_plan(const struct search *search, const struct option *option, struct plan **ret_plan);

#endif
