/* SPDX-License-Identifier: MIT */
/* What is asked: a picture, and who uses it. The meaning of each key stands in vocabulary.h. */
#ifndef REQUEST_H
#define REQUEST_H

#include "broker/model/bounds.h"
#include "broker/model/error.h"
#include "broker/model/vocabulary.h"

struct machine;

struct participant {
	struct vocab_head head;
	char *name;
	char *device;
	int device_fd;
	uint32_t role;
	uint32_t cpu_access;
	struct vocab_formats formats;
	uint32_t camping;
	uint32_t slack;
	uint32_t max_count;
	uint32_t stride_align;
	uint32_t stride_min;
	uint32_t stride_max;
	uint32_t offset_align;
	uint64_t bytes_min;
	uint64_t bytes_max;
	bool contiguous;
	uint32_t address_bits;
	uint32_t completion;
	uint32_t rank;
	bool optional;
	struct vocab_strings usage;
	struct vocab_strings reads_from;
	uint32_t cpu_writes;
	uint32_t shared_slack;
	uint32_t min_count;
	uint32_t width_min;
	uint32_t width_max;
	uint32_t height_min;
	uint32_t height_max;
	uint64_t area_max;
	uint32_t width_align;
	uint32_t height_align;
	struct vocab_sizes sizes;
	bool stride_pixels;
	uint32_t rows_align;
	uint64_t tail_bytes;
	uint64_t bytes_align;
	uint64_t base_align;
	uint32_t segments_max;
	uint64_t segment_bytes_max;
	bool is_protected;
	bool reaches_protected;
	struct vocab_strings allowed_heaps;
	struct vocab_strings forbidden_heaps;
	struct vocab_dicts colours;
	struct vocab_dicts layouts;
	struct vocab_dicts alternatives;
	struct vocab_dicts buffers; /* struct memory_object */
};

/* A colour space: what is absent may be anything. */
struct colour {
	struct vocab_head head;
	uint32_t primaries;
	uint32_t transfer;
	uint32_t matrix;
	uint32_t range;
};

/* A layout that a participant supplies. */
struct supplied_layout {
	struct vocab_head head;
	uint32_t format;
	uint64_t modifier;
	uint64_t bytes;
	struct vocab_dicts planes; /* struct plane */
};

struct request {
	struct vocab_head head;
	char *name;
	uint32_t width;
	uint32_t height;
	uint32_t visible_x;
	uint32_t visible_y;
	uint32_t visible_width;
	uint32_t visible_height;
	struct vocab_formats formats;
	uint32_t count;
	uint32_t field;
	uint32_t primaries;
	uint32_t transfer;
	uint32_t matrix;
	uint32_t range;
	uint32_t memory_objects;
	struct vocab_strings allowed_heaps;
	struct vocab_strings forbidden_heaps;
	uint32_t linger_ms;
	bool forbid_scarce;
	bool allow_bounce;
	bool allow_copies;
	uint32_t deadline_ms;
	struct vocab_dicts participants;
};

/* What a participant does with the buffers, as bits; the words are those of its key `usage`. */
enum usage {
	USAGE_READ = 1 << 0,
	USAGE_WRITE = 1 << 1,
	USAGE_SCANOUT = 1 << 2,
	USAGE_ENCODE = 1 << 3,
	USAGE_DECODE = 1 << 4,
	USAGE_NONE = 1 << 5,
	/* of the plan as a whole */
	USAGE_CPU_READ = 1 << 6,
	USAGE_CPU_READ_OFTEN = 1 << 7,
	USAGE_CPU_WRITE = 1 << 8,
	USAGE_CPU_WRITE_OFTEN = 1 << 9,
};

/* The words of enum usage, in order; ends with NULL. */
extern const char *const usage_names[];

/* The usage of a settled participant: what it says, or what its role implies. */
unsigned int participant_usage(const struct participant *participant);

/* How often a settled participant's process reads or writes pixels with the CPU. */
enum cpu_access participant_cpu_reads(const struct participant *participant);
enum cpu_access participant_cpu_writes(const struct participant *participant);

/* Properties of heaps, as bits; the words that follow "is:" in lists of heaps. */
enum heap_property {
	HEAP_IS_CONTIGUOUS = 1 << 0,
	HEAP_IS_SCATTERED = 1 << 1,
	HEAP_IS_CACHED = 1 << 2,
	HEAP_IS_UNCACHED = 1 << 3,
	HEAP_IS_ZEROED = 1 << 4,
	HEAP_IS_PROTECTED = 1 << 5,
	HEAP_IS_DMA_HEAP = 1 << 6,
	HEAP_IS_UDMABUF = 1 << 7,
};

/* The properties that "is:contiguous+cached" names; 0: it is an id. Errors: -EINVAL (an unknown
 * word). */
int heap_properties(const char *text);

/* The words of enum heap_property, in order; ends with NULL. */
extern const char *const heap_property_names[];

/* Whether a participant has this name. Of no request (NULL) none has. */
bool request_has_participant(const struct request *request, const char *name);

/*
 * Settles a request against a machine before it is solved: finds each participant's device and
 * role, gives names to those that have none, sorts the participants by name, so that the answer
 * does not depend on the order in which they spoke, and checks what a single key's limits cannot
 * say. Participants that were named by fd must have got their `device` by now (broker.c does).
 * Changes `request`; on failure it may be changed in part and only be destroyed.
 *
 * Errors, with details in `error`: InvalidRequest (a key is missing, contradicts another, two
 * participants share a name, a device has several roles or not the one asked for), UnknownDevice,
 * NotSupported (a key that is known and not served), -ENOMEM.
 */
int request_settle(struct request *request, const struct machine *machine, struct error *error);

/* As request_settle, of a request that has a part of the participants only: who it is that they
 * read from is not looked at, if it is not themselves. */
int request_settle_part(struct request *request, const struct machine *machine,
			struct error *error);

#endif
