/* SPDX-License-Identifier: MIT */
/*
 * The way of a buffer through the agents of a plan, for drawings of it.
 *
 * It is made from the plan as JSON, which may come from the broker or from a file. A plan does not
 * say who reads from whom: the request does (`reads-from`). Without one, whoever reads does so from
 * everybody who writes.
 */
#ifndef CTL_CHAIN_H
#define CTL_CHAIN_H

#include <json-c/json.h>

#include "ctl/ctl.h"

#define CHAIN_AGENTS_MAX 17 /* 16 participants, and who copies between groups */
#define CHAIN_GROUPS_MAX 16
#define CHAIN_HOPS_MAX (CHAIN_GROUPS_MAX * CHAIN_GROUPS_MAX)

/* Somebody who touches the buffers. All strings are borrowed from the plan, and what may be absent
 * is NULL then. */
struct chain_agent {
	const char *name;
	const char *kind; /* "cpu", "cpu-copying", "coherent", ...; "unknown" where absent */
	const char *role, *node, *completion;
	bool writes, reads;
	bool copies;			/* it is who copies between groups */
	struct json_object *reads_from; /* owned list of names; NULL: all that write */
};

/* A hand-over. */
struct chain_arrow {
	size_t from, to; /* agents */
	bool back;	 /* the buffer returns, for the next frame */
	bool fence;	 /* first of all `from` is waited for */
	bool has_cost;	 /* the plan says cost_bytes */
	uint64_t cost_bytes;
	const char *operation; /* "none", "clean", "invalidate", "clean+invalidate" */
	const char *because;   /* "" where the plan does not say */
	const char *by;	       /* whose process does it; NULL: the plan does not say */
};

/* The agents of one set of buffers, producers first, and the hand-overs between them: the frame's
 * way, then the ways back, each ordered by `from` and `to`. */
struct chain {
	struct json_object *plan; /* borrowed: of the group, where there are groups */
	struct chain_agent agents[CHAIN_AGENTS_MAX];
	size_t agents_len;
	struct chain_arrow *arrows; /* owned */
	size_t arrows_len;
};

/* A copy of each frame, from chain to chain. */
struct chain_hop {
	size_t from, to;
	uint64_t bytes;
	struct json_object *producers, *consumers; /* borrowed lists of names; may be NULL */
};

struct chains {
	struct json_object *plan; /* owned */
	struct chain *items;	  /* owned */
	size_t len;
	struct chain_hop *hops; /* owned */
	size_t hops_len;
};

/*
 * Takes `plan`. `where` begins the message of a failure (CTL_USAGE: it is no plan). `request`
 * (borrowed) may be NULL. chains_finish frees.
 */
int chains_create(const char *where, struct json_object *plan,
		  const struct dmabroker_record *request, struct chains *ret_chains);
void chains_finish(struct chains *chains);

/* Whether something has to be done at a hand-over, the wait for a fence aside. */
bool chain_is_due(const struct chain_arrow *arrow);

/* "6 buffers of 614400 bytes from heap system: 640x480 YUYV, stride 1280, cached". Returns owned.
 */
char *chain_title(const struct chain *chain);

/* What happens, in its order: "nothing", "fence, clean". Returns owned. */
char *chain_operation_words(const struct chain_arrow *arrow);

/* "non-coherent, /dev/video0 capture". Returns owned. */
char *chain_agent_words(const struct chain_agent *agent);

/* "group 1: camera, encoder": its participants, but for who copies. Returns owned. */
char *chain_group_words(const struct chains *chains, size_t index);

/* "DMA_BUF_IOCTL_SYNC START|WRITE, END|WRITE"; "" where nothing is due. Returns owned. */
char *chain_ioctl_words(const struct chain_arrow *arrow);

/* The names of a list, with commas; "-" where there are none. Returns owned. */
char *chain_names(struct json_object *list);

/* How a fence is waited for; "" where there is none. Returns borrowed. */
const char *chain_fence_words(const struct chain_arrow *arrow);

/* Whether an arrow needs the same as another for the same reason. */
bool chain_is_alike(const struct chain_arrow *a, const struct chain_arrow *b);

/* The same, by the same process at the same cost. */
bool chain_is_same_work(const struct chain_arrow *a, const struct chain_arrow *b);

/* As text for a person (chain-text.c). */
void chains_show(const struct ctl *ctl, const struct chains *chains);

/* As data (chain-json.c). Returns owned. */
struct json_object *chains_to_json(const struct chains *chains);

/* In the language of Graphviz (chain-dot.c). Returns owned; free() frees it. */
char *chains_to_dot(const struct chains *chains);

#endif
