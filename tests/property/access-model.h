/* SPDX-License-Identifier: MIT */
/*
 * One line of one buffer, and all that hardware and kernel may do with it: written from their point
 * of view, knowing nothing of broker/model/access.c.
 *
 * The line has two halves, as a partial write needs the other half to be right. Of each half and
 * each place that can hold it (memory, the CPU's cache entries, bounce buffers) only one thing is
 * kept: whether it is the newest. So there are finitely many states, and all of them can be looked
 * at.
 */
#ifndef ACCESS_MODEL_H
#define ACCESS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_AGENTS_MAX 4
#define MODEL_LINES_MAX 3
#define MODEL_UNDER_WAY_MAX 4
#define MODEL_SET_MAX 512

enum model_halves { MODEL_FIRST = 1, MODEL_SECOND = 2, MODEL_BOTH = 3 };

/* A cache entry: which halves are newest, and: */
#define MODEL_HELD 4
#define MODEL_DIRTY 8

enum model_path {
	MODEL_CPU,	/* through the cache */
	MODEL_SNOOPING, /* a device that looks into the cache */
	MODEL_MEMORY,	/* one that does not */
	MODEL_SLOT,	/* one that has a bounce buffer */
};

/* Which way its attachment is mapped: V4L2 output, V4L2 capture, DRM. */
enum model_direction { MODEL_TO_DEVICE, MODEL_FROM_DEVICE, MODEL_BIDIRECTIONAL };

/* What the architecture does for an attachment that does not snoop (kernel-doc names of 6.12). */
enum model_arch {
	MODEL_ARM64, /* for_cpu drops but TO_DEVICE, for_device cleans: arch/arm64, csky, riscv */
	MODEL_ARM,   /* for_device with FROM_DEVICE drops, too: arch/arm/mm/dma-mapping.c */
	MODEL_MIPS,  /* and for_cpu does nothing: arch/mips/mm/dma-noncoherent.c, arch/sh */
	MODEL_ARCHES
};

struct model_agent {
	enum model_path path;
	uint8_t line; /* the cache entry it goes through */
	/* Its attachment is maintained: map, unmap and SYNC do something for it. */
	bool maintained;
	enum model_direction direction;
	bool whole;  /* it writes whole frames and never reads: V4L2 capture */
	bool fences; /* its access ends some time after access_end */
	bool waits;  /* it begins only after those of others that have fences */
};

/* What is the same all the time. */
struct model_world {
	uint8_t agents_len;
	uint8_t lines;	/* cache entries; 0: the heap is not cached */
	uint8_t linear; /* the entry of the kernel's linear mapping: SYNC and snooping go there */
	uint8_t vmap;	/* that of the kernel's mapping of a heap's buffer; as `lines`: none */
	bool vmap_destroys;    /* invalidate_kernel_vmap_range drops dirty lines: arch/sh */
	bool machine_check;    /* two dirty entries of one line stop the processor: PA-RISC */
	bool udmabuf;	       /* SYNC acts on its device and on no attachment; map does nothing */
	bool udmabuf_snoops;   /* that device is coherent, so that SYNC does nothing, either */
	bool may_tear;	       /* two at once are looked at only for what caches do to them */
	bool orders;	       /* who comes first is kept in under_way: some have fences */
	uint8_t under_way_max; /* no more accesses at once, those that are ending included */
	enum model_arch arch;
	struct model_agent agents[MODEL_AGENTS_MAX];
};

/* An access: agent, mode (bits 2 and 3: read, write), and whether access_end has come. */
#define MODEL_READS 4
#define MODEL_WRITES 8
#define MODEL_ENDED 16
#define MODEL_UNDER_WAY 32
#define MODEL_WRITTEN 64 /* it has written, which matters where frames are whole */

#define MODEL_VMAPPED 128 /* in `mapped`: there is a mapping of the kernel */

struct model_state {
	uint8_t memory;				/* which halves are newest */
	uint8_t lines[MODEL_LINES_MAX];		/* 0: no entry */
	uint8_t slots;				/* two bits for each agent */
	uint8_t mapped;				/* a bit for each agent whose mapping matters */
	uint8_t under_way[MODEL_UNDER_WAY_MAX]; /* in the order of their beginning; 0: none */
};

struct model_set {
	unsigned int len;
	bool wrong; /* somebody who was reading saw old data on the way here */
	struct model_state states[MODEL_SET_MAX];
};

enum model_sync { MODEL_CLEAN = 1, MODEL_INVALIDATE = 2 };

/* A new buffer: the newest data is in memory, or in a dirty line of the linear mapping. */
void model_start(struct model_state *state, const struct model_world *world, bool dirty);

/* Something has gone wrong: who reads sees old data, two are at it at once, or two dirty entries.
 */
bool model_is_wrong(const struct model_world *world, const struct model_state *state);

/* All states that may come next by itself: of the cache, and of accesses that are under way. */
void model_run(const struct model_world *world, const struct model_state *state,
	       struct model_set *ret_next);

/* SYNC: a whole bracket. All states in which it may end are put into the place of those in `set`.
 */
void model_sync(const struct model_world *world, struct model_set *set, enum model_sync sync);

bool model_has_mapping(const struct model_world *world, unsigned int agent);
/* V4L2 capture drops lines when it maps, where the architecture does so: not before its turn. */
bool model_may_map_early(const struct model_world *world, unsigned int agent);
void model_map(const struct model_world *world, struct model_state *state, unsigned int agent);
void model_unmap(const struct model_world *world, struct model_state *state, unsigned int agent);

/* `mode`: MODEL_READS, MODEL_WRITES or both. False: there is no room for one more. */
bool model_begin(const struct model_world *world, struct model_state *state, unsigned int agent,
		 unsigned int mode);
/* False: it does not end yet. */
bool model_end(const struct model_world *world, struct model_state *state, unsigned int agent);

/* Whether fences are pending: of those who write, or of all. */
bool model_is_pending(const struct model_state *state, bool only_writes);

/* One of two states that are the same but for the names of the halves. */
void model_normalize(struct model_state *state);

void model_add(struct model_set *set, const struct model_state *state);
const char *model_text(const struct model_world *world, const struct model_state *state);

#endif
