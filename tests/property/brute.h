/* SPDX-License-Identifier: MIT */
/*
 * A second solver, written from docs/negotiation.md alone: it looks at every candidate, one after
 * the other, and asks each constraint again. Simple and slow.
 */
#ifndef TESTS_BRUTE_H
#define TESTS_BRUTE_H

#include "broker/solver/solve.h"

/*
 * The constraints by the names that refusals give them. Those whose key begins with "device." are
 * facts, those after BRUTE_OF_REQUEST are the request's, all others keys of a participant.
 */
#define BRUTE_UNITS(X)                                        \
	X(IMPORTS, DEVICE, "device.imports")                  \
	X(FORMATS, FORMAT, "formats")                         \
	X(DEVICE_FORMATS, FORMAT, "device.formats")           \
	X(LAYOUTS, LAYOUT, "layouts")                         \
	X(EXPRESS, EXPRESS, "device.kind")                    \
	X(COLOURS, COLOUR, "colours")                         \
	X(SIZES, SIZE, "sizes")                               \
	X(WIDTH_MIN, SIZE, "width-min")                       \
	X(WIDTH_MAX, SIZE, "width-max")                       \
	X(HEIGHT_MIN, SIZE, "height-min")                     \
	X(HEIGHT_MAX, SIZE, "height-max")                     \
	X(AREA_MAX, SIZE, "area-max")                         \
	X(WIDTH_ALIGN, SIZE, "width-align")                   \
	X(HEIGHT_ALIGN, SIZE, "height-align")                 \
	X(DEVICE_SIZE, SIZE, "device.sizes")                  \
	X(STRIDE_MIN, STRIDE, "stride-min")                   \
	X(STRIDE_MAX, STRIDE, "stride-max")                   \
	X(STRIDE_ALIGN, STRIDE, "stride-align")               \
	X(STRIDE_PIXELS, STRIDE, "stride-pixels")             \
	X(DEVICE_STRIDE, STRIDE, "device.stride-align")       \
	X(DEVICE_STRIDE_MAX, STRIDE, "device.stride-max")     \
	X(OFFSET_ALIGN, OFFSET, "offset-align")               \
	X(DEVICE_OFFSET, OFFSET, "device.offset-align")       \
	X(DEVICE_PACKED, OFFSET, "device.planes")             \
	X(ROWS_ALIGN, OFFSET, "rows-align")                   \
	X(DEVICE_ROWS, OFFSET, "device.height-align")         \
	X(BYTES_MIN, BYTES, "bytes-min")                      \
	X(BYTES_MAX, BYTES, "bytes-max")                      \
	X(BYTES_ALIGN, BYTES, "bytes-align")                  \
	X(TAIL, BYTES, "tail-bytes")                          \
	X(DEVICE_TAIL, BYTES, "device.tail-bytes")            \
	X(CONTIGUOUS, CONTIGUITY, "contiguous")               \
	X(DEVICE_CONTIGUITY, CONTIGUITY, "device.contiguity") \
	X(BASE_ALIGN, ALIGNMENT, "base-align")                \
	X(ADDRESS_BITS, REACH, "address-bits")                \
	X(DEVICE_REACH, REACH, "device.address-bits")         \
	X(BOUNCED, BOUNCE, "device.bounced")                  \
	X(SEGMENTS, SEGMENTS, "segments-max")                 \
	X(SEGMENT_BYTES, SEGMENTS, "segment-bytes-max")       \
	X(DEVICE_SEGMENTS, SEGMENTS, "device.segments-max")   \
	X(MAINTENANCE, MAINTENANCE, "device.coherency")       \
	X(KERNEL_MAP, KERNEL_MAP, "device.cpu-copies")        \
	X(CACHE_ALIAS, CACHE_ALIAS, "cpu-access")             \
	X(PROTECTED, PROTECTED, "protected")                  \
	X(UNPROTECTED, PROTECTED, "reaches-protected")        \
	X(ALLOWED_HEAPS, HEAPS, "allowed-heaps")              \
	X(FORBIDDEN_HEAPS, HEAPS, "forbidden-heaps")          \
	X(CAMPING, COUNT, "camping")                          \
	X(MIN_COUNT, COUNT, "min-count")                      \
	X(MAX_COUNT, COUNT, "max-count")                      \
	X(BUFFERS, EXISTING, "buffers")                       \
	X(REQUEST_FORMATS, FORMAT, "formats")                 \
	X(REQUEST_LAYOUT, LAYOUT, "layouts")                  \
	X(REQUEST_COLOUR, COLOUR, "colour-primaries")         \
	X(REQUEST_ALLOWED, HEAPS, "allowed-heaps")            \
	X(REQUEST_FORBIDDEN, HEAPS, "forbidden-heaps")        \
	X(REQUEST_KNOWN, HEAPS, "known")                      \
	X(REQUEST_SCARCE, HEAPS, "forbid-scarce")             \
	X(REQUEST_CAPACITY, CAPACITY, "capacity-bytes")       \
	X(REQUEST_COUNT, COUNT, "count")                      \
	X(REQUEST_EXISTING, EXISTING, "existing")

#define BRUTE_X_ENUM(unit, constraint, key) BRUTE_##unit,
enum brute_unit { BRUTE_UNITS(BRUTE_X_ENUM) BRUTE_UNITS_LEN };
#define BRUTE_OF_REQUEST BRUTE_REQUEST_FORMATS

struct brute_unit_row {
	enum constraint constraint;
	const char *key;
};
extern const struct brute_unit_row brute_units[BRUTE_UNITS_LEN];

#define BRUTE_USERS_MAX 16
#define BRUTE_REQUEST BRUTE_USERS_MAX /* as if it were the number of a participant */
#define BRUTE_COMBINATIONS_MAX 1024
#define BRUTE_SPLIT_MAX 8 /* participants for whom every split is looked at */

/* What is left out of account, and what one value is instead of what is said. */
struct brute_filter {
	bool out[BRUTE_USERS_MAX + 1][BRUTE_UNITS_LEN];
	unsigned int instead_user; /* only where `instead` is set */
	enum brute_unit instead_unit;
	uint64_t instead_value;
	bool instead;
	bool bounces;			      /* as if the request said `allow-bounce` */
	const char *only_heap;		      /* NULL: any */
	const struct vocab_format *only_pair; /* NULL: any */
};

/* Buffers that a participant brings. */
struct brute_brought {
	unsigned int user; /* BRUTE_USERS_MAX: nobody does */
	bool own;
	struct heap *heap;
	struct plan *plan; /* as if they had been planned */
};

/* What a settled request's participant brings. brute_brought_finish gives it back. */
void brute_bring(const struct machine *machine, const struct request *request,
		 struct brute_brought *ret_brought);
void brute_brought_finish(struct brute_brought *brought);

struct brute_input {
	const struct machine *machine;
	const struct request *request;	     /* settled */
	const struct solve_options *options; /* or NULL */
	const struct brute_filter *filter;   /* or NULL */
	const struct brute_brought *brought; /* or NULL: nobody brings any */
	uint32_t members;		     /* bits of the participants that take part */
	bool restricted;		     /* to a fourcc, linear where `linear` */
	bool linear;
	uint32_t fourcc;
	bool copied; /* section 8: copies begin or end here */
	bool plain;  /* the records without their alternatives */
};

/* The words of a plan's `usage`, in order. */
#define BRUTE_USAGE_LEN 10
extern const char *const brute_usage[BRUTE_USAGE_LEN];

struct brute_plan {
	const struct heap *heap;
	uint32_t fourcc;
	uint64_t modifier;
	unsigned int planes_len;
	uint64_t stride[4];
	uint64_t offset[4];
	uint64_t picture_bytes;
	uint64_t memory_bytes;
	uint64_t count, count_needed, count_wanted;
	unsigned int leaf[BRUTE_USERS_MAX];
	bool bounced[BRUTE_USERS_MAX];
	enum agent agent[BRUTE_USERS_MAX];
	uint32_t colour[4];
	bool usage[BRUTE_USAGE_LEN]; /* by brute_usage */
	uint64_t key[RULES];
};

struct brute_hop {
	unsigned int from, to;
	uint64_t bytes;
	uint32_t producers, consumers; /* bits of participants */
};

struct brute_answer {
	enum error_code code;  /* ERROR_NONE: there is a plan */
	bool incomplete;       /* nobody names a concrete format */
	uint64_t combinations; /* of leaves; one more than are looked at: there are more */
	bool plain;	       /* it is that of the records without their alternatives */
	struct brute_plan plan;
	/* where they are split */
	unsigned int groups_len;
	unsigned int group_of[BRUTE_USERS_MAX];
	struct brute_plan groups[BRUTE_USERS_MAX];
	unsigned int hops_len;
	struct brute_hop hops[BRUTE_USERS_MAX * BRUTE_USERS_MAX];
	uint64_t copied_bytes;
};

/* The answer, by section 6 and, where nothing else is left and it is allowed, section 8; split only
 * up to BRUTE_SPLIT_MAX participants. */
void brute_solve(const struct brute_input *input, struct brute_answer *ret_answer);

/*
 * The same for one way to split them, `group_of` each participant, with the format that each group
 * has; NULL: the best. `code` is Conflict where there is no answer.
 */
void brute_solve_split(const struct brute_input *input, const unsigned int *group_of,
		       const uint32_t *fourccs, struct brute_answer *ret_answer);

/* The leaves of a participant. */
unsigned int brute_leaves(const struct participant *participant);

/* Writes which alternative a leaf is, as the plan's key `alternative` does: "1.0"; "" without. */
void brute_leaf_text(const struct participant *participant, unsigned int leaf, char text[64]);

#endif
