/* SPDX-License-Identifier: MIT */
/* What is answered: a plan, or the refusals of a conflict. Meaning of the keys: vocabulary.h. */
#ifndef PLAN_H
#define PLAN_H

#include "broker/model/vocabulary.h"

struct memory_object {
	struct vocab_head head;
	uint64_t bytes;
	int fd;
	uint64_t inode;
	char *exporter;
	bool cached;
};

struct plane {
	struct vocab_head head;
	uint32_t memory;
	uint64_t offset;
	uint32_t stride;
	uint64_t bytes;
};

/* A participant's view of the plan. */
struct view {
	struct vocab_head head;
	char *name;
	char *device;
	char *node;
	uint32_t role;
	uint32_t agent;
	uint32_t completion;
	uint32_t v4l2_format;
	uint32_t v4l2_bytesperline;
	uint64_t v4l2_sizeimage;
	bool v4l2_multi_planar;
	uint32_t drm_format;
	uint64_t drm_modifier;
	struct vocab_dicts drm_planes; /* struct plane */
	uint32_t va_fourcc;
	uint32_t va_object_bytes;
	char *alternative;
	bool bounced;
	bool reads;
	bool writes;
};

/* One hand-over of the access policy. */
struct edge {
	struct vocab_head head;
	char *from;
	char *to;
	uint32_t operation;
	char *because;
	char *by;
	bool fence;
	uint64_t cost_bytes;
};

struct reason {
	struct vocab_head head;
	char *choice;
	char *value;
	char *participant;
	uint32_t constraint;
	char *wanted;
	uint32_t origin;
};

struct plan {
	struct vocab_head head;
	uint32_t generation;
	char *heap;
	bool cached;
	uint32_t mapping;
	uint32_t mapping_colour;
	uint32_t format;
	uint64_t modifier;
	uint32_t width;
	uint32_t height;
	uint32_t visible_x;
	uint32_t visible_y;
	uint32_t visible_width;
	uint32_t visible_height;
	uint32_t field;
	uint32_t primaries;
	uint32_t transfer;
	uint32_t matrix;
	uint32_t range;
	uint32_t count;
	uint32_t count_needed;
	uint32_t count_wanted;
	uint64_t picture_bytes;
	struct vocab_dicts memory;
	struct vocab_dicts planes;
	struct vocab_dicts participants;
	struct vocab_dicts policy;
	struct vocab_dicts reasons;
	struct vocab_dicts tried;
	struct vocab_strings usage;
	struct vocab_sizes fits;
	bool bounced;
	struct vocab_dicts costs;
	char *runner_up;
	char *hand_over;
	struct vocab_dicts groups; /* struct plan */
	struct vocab_dicts hops;
	uint64_t copied_bytes;
	bool exact;
	char *brought_by;
	bool initially_dirty;
};

/* One part of the key by which plans are compared. */
struct cost {
	struct vocab_head head;
	uint32_t rule;
	uint64_t value;
	uint64_t runner_up;
};

/* A copy of each frame from one group of participants to another. */
struct hop {
	struct vocab_head head;
	uint32_t from;
	uint32_t to;
	uint64_t bytes;
	struct vocab_strings producers;
	struct vocab_strings consumers;
};

/* A collection as it stands, and the processes that take part. */
struct member_record {
	struct vocab_head head;
	uint32_t number;
	uint32_t state;
	uint32_t uid;
	struct vocab_strings participants;
	bool late;
	bool you;
};

struct collection_record {
	struct vocab_head head;
	uint64_t number;
	char *name;
	uint32_t state;
	uint32_t generation;
	uint32_t buffers;
	uint64_t bytes;
	char *heap;
	uint32_t format;
	uint32_t width;
	uint32_t height;
	uint32_t uid;
	uint64_t age_ms;
	uint64_t left_ms;
	struct vocab_strings missing;
	struct vocab_dicts members;
};

struct refusal {
	struct vocab_head head;
	char *participant;
	char *device;
	uint32_t constraint;
	char *key;
	char *wanted;
	char *offered;
	uint32_t origin;
	uint32_t set;
	char *value;
	char *relaxation;
};

/* The details of a named error. */
struct error_details {
	struct vocab_head head;
	struct vocab_dicts refusals;
	uint64_t copied_bytes;
};

/* A buffer as it is handed out. */
struct buffer_record {
	struct vocab_head head;
	uint32_t generation;
	uint32_t index;
	struct vocab_dicts memory;
	uint32_t group;
	struct vocab_strings participants;
};

/*
 * The view of a participant in a plan. Where participants are split, `*plan` (borrowed) becomes the
 * plan of its group. Returns borrowed as long as the plan; NULL: it has none, and `*plan` is as it
 * was.
 */
const struct view *plan_find_view(const struct plan **plan, const char *participant);

/* Whether the driver of a role leaves fences in buffers, and waits for those of others (access.h).
 */
bool role_fences(enum role role, enum completion completion);
bool role_waits(enum role role);

#endif
