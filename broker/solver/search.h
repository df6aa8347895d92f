/* SPDX-License-Identifier: MIT */
/* What the files of the solver share. The essay stands in solve.c, the rules in
 * docs/negotiation.md. */
#ifndef SEARCH_H
#define SEARCH_H

#include "broker/model/access.h"
#include "broker/model/descriptor.h"
#include "broker/model/error.h"
#include "broker/model/format.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "broker/solver/solve.h"

/* as many as the rows participants and heaps allow; of heaps one more, that of buffers which are
 * brought, and whole words of bits */
#define SEARCH_PARTIES_MAX 16
#define SEARCH_HEAPS_MAX 192
#define SEARCH_COUNT_MAX 64

#define SEARCH_NOWHERE UINT32_MAX
#define SEARCH_NOBODY UINT32_MAX

/*
 * Units: the constraints that can be left out of account one by one, and of which conflicts are
 * made. X(unit, constraint, key). A key that begins with "device." is a fact of the participant's
 * device, any other one a key of its record. Those from UNIT_REQUEST_FORMATS on are the request's.
 */
#define SEARCH_UNITS(X)                                                       \
	X(UNIT_IMPORTS, CONSTRAINT_DEVICE, "device.imports")                  \
	X(UNIT_FORMATS, CONSTRAINT_FORMAT, "formats")                         \
	X(UNIT_DEVICE_FORMATS, CONSTRAINT_FORMAT, "device.formats")           \
	X(UNIT_LAYOUTS, CONSTRAINT_LAYOUT, "layouts")                         \
	X(UNIT_EXPRESS, CONSTRAINT_EXPRESS, "device.kind")                    \
	X(UNIT_COLOURS, CONSTRAINT_COLOUR, "colours")                         \
	X(UNIT_SIZES, CONSTRAINT_SIZE, "sizes")                               \
	X(UNIT_WIDTH_MIN, CONSTRAINT_SIZE, "width-min")                       \
	X(UNIT_WIDTH_MAX, CONSTRAINT_SIZE, "width-max")                       \
	X(UNIT_HEIGHT_MIN, CONSTRAINT_SIZE, "height-min")                     \
	X(UNIT_HEIGHT_MAX, CONSTRAINT_SIZE, "height-max")                     \
	X(UNIT_AREA_MAX, CONSTRAINT_SIZE, "area-max")                         \
	X(UNIT_WIDTH_ALIGN, CONSTRAINT_SIZE, "width-align")                   \
	X(UNIT_HEIGHT_ALIGN, CONSTRAINT_SIZE, "height-align")                 \
	X(UNIT_DEVICE_SIZE, CONSTRAINT_SIZE, "device.sizes")                  \
	X(UNIT_STRIDE_MIN, CONSTRAINT_STRIDE, "stride-min")                   \
	X(UNIT_STRIDE_MAX, CONSTRAINT_STRIDE, "stride-max")                   \
	X(UNIT_STRIDE_ALIGN, CONSTRAINT_STRIDE, "stride-align")               \
	X(UNIT_STRIDE_PIXELS, CONSTRAINT_STRIDE, "stride-pixels")             \
	X(UNIT_DEVICE_STRIDE, CONSTRAINT_STRIDE, "device.stride-align")       \
	X(UNIT_DEVICE_STRIDE_MAX, CONSTRAINT_STRIDE, "device.stride-max")     \
	X(UNIT_OFFSET_ALIGN, CONSTRAINT_OFFSET, "offset-align")               \
	X(UNIT_DEVICE_OFFSET, CONSTRAINT_OFFSET, "device.offset-align")       \
	X(UNIT_DEVICE_PACKED, CONSTRAINT_OFFSET, "device.planes")             \
	X(UNIT_ROWS_ALIGN, CONSTRAINT_OFFSET, "rows-align")                   \
	X(UNIT_DEVICE_ROWS, CONSTRAINT_OFFSET, "device.height-align")         \
	X(UNIT_BYTES_MIN, CONSTRAINT_BYTES, "bytes-min")                      \
	X(UNIT_BYTES_MAX, CONSTRAINT_BYTES, "bytes-max")                      \
	X(UNIT_BYTES_ALIGN, CONSTRAINT_BYTES, "bytes-align")                  \
	X(UNIT_TAIL, CONSTRAINT_BYTES, "tail-bytes")                          \
	X(UNIT_DEVICE_TAIL, CONSTRAINT_BYTES, "device.tail-bytes")            \
	X(UNIT_CONTIGUOUS, CONSTRAINT_CONTIGUITY, "contiguous")               \
	X(UNIT_DEVICE_CONTIGUITY, CONSTRAINT_CONTIGUITY, "device.contiguity") \
	X(UNIT_BASE_ALIGN, CONSTRAINT_ALIGNMENT, "base-align")                \
	X(UNIT_ADDRESS_BITS, CONSTRAINT_REACH, "address-bits")                \
	X(UNIT_DEVICE_REACH, CONSTRAINT_REACH, "device.address-bits")         \
	X(UNIT_BOUNCED, CONSTRAINT_BOUNCE, "device.bounced")                  \
	X(UNIT_SEGMENTS, CONSTRAINT_SEGMENTS, "segments-max")                 \
	X(UNIT_SEGMENT_BYTES, CONSTRAINT_SEGMENTS, "segment-bytes-max")       \
	X(UNIT_DEVICE_SEGMENTS, CONSTRAINT_SEGMENTS, "device.segments-max")   \
	X(UNIT_MAINTENANCE, CONSTRAINT_MAINTENANCE, "device.coherency")       \
	X(UNIT_KERNEL_MAP, CONSTRAINT_KERNEL_MAP, "device.cpu-copies")        \
	X(UNIT_CACHE_ALIAS, CONSTRAINT_CACHE_ALIAS, "cpu-access")             \
	X(UNIT_PROTECTED, CONSTRAINT_PROTECTED, "protected")                  \
	X(UNIT_UNPROTECTED, CONSTRAINT_PROTECTED, "reaches-protected")        \
	X(UNIT_ALLOWED_HEAPS, CONSTRAINT_HEAPS, "allowed-heaps")              \
	X(UNIT_FORBIDDEN_HEAPS, CONSTRAINT_HEAPS, "forbidden-heaps")          \
	X(UNIT_CAMPING, CONSTRAINT_COUNT, "camping")                          \
	X(UNIT_MIN_COUNT, CONSTRAINT_COUNT, "min-count")                      \
	X(UNIT_MAX_COUNT, CONSTRAINT_COUNT, "max-count")                      \
	X(UNIT_BUFFERS, CONSTRAINT_EXISTING, "buffers")                       \
	X(UNIT_REQUEST_FORMATS, CONSTRAINT_FORMAT, "formats")                 \
	X(UNIT_REQUEST_LAYOUT, CONSTRAINT_LAYOUT, "layouts")                  \
	X(UNIT_REQUEST_COLOUR, CONSTRAINT_COLOUR, "colour-primaries")         \
	X(UNIT_REQUEST_ALLOWED, CONSTRAINT_HEAPS, "allowed-heaps")            \
	X(UNIT_REQUEST_FORBIDDEN, CONSTRAINT_HEAPS, "forbidden-heaps")        \
	X(UNIT_REQUEST_KNOWN, CONSTRAINT_HEAPS, "known")                      \
	X(UNIT_REQUEST_SCARCE, CONSTRAINT_HEAPS, "forbid-scarce")             \
	X(UNIT_REQUEST_CAPACITY, CONSTRAINT_CAPACITY, "capacity-bytes")       \
	X(UNIT_REQUEST_COUNT, CONSTRAINT_COUNT, "count")                      \
	X(UNIT_REQUEST_EXISTING, CONSTRAINT_EXISTING, "existing")

#define SEARCH_X_ENUM(unit, constraint, key) unit,
enum unit { SEARCH_UNITS(SEARCH_X_ENUM) UNITS };
_Static_assert(UNITS <= 64, "a set of units is a uint64_t");

struct unit_row {
	enum constraint constraint;
	const char *key;
};

extern const struct unit_row search_units[UNITS];

/* Heaps by their place in search.heaps. */
struct heap_set {
	uint64_t bits[SEARCH_HEAPS_MAX / 64];
};

/* The entries of a list of formats, looked up among the candidates. */
struct list {
	const struct vocab_formats *formats; /* declared; NULL: `role`'s */
	const struct device_role *role;
	uint16_t *pair;	  /* by candidate: first entry that matches, + 1; 0: none does */
	uint16_t *fourcc; /* by candidate: first entry of its fourcc, + 1 */
	uint64_t *takes;  /* bits by candidate */
};

/* What one participant declares on the way to one leaf, merged. */
struct wish {
	const struct participant *path[PARTICIPANT_DEPTH_MAX + 1];
	unsigned int path_len;
	uint8_t place[PARTICIPANT_DEPTH_MAX]; /* of the alternatives on the path */
	const struct list *lists[PARTICIPANT_DEPTH_MAX + 1];
	unsigned int lists_len;
	struct heap_set allowed, forbidden;
	struct heap_set named; /* by id, in its allowed heaps */
	bool has_allowed, has_forbidden;
	uint64_t number[UNITS]; /* of the units that are one number */
	uint64_t slack, shared_slack;
	bool reaches_protected;
	bool has_colours, has_layouts, has_sizes;
	/* the heaps that suit it, as long as `round` is the search's */
	struct heap_set suits;
	uint64_t round;
};

/* A participant with what is known of its device. */
struct party {
	const struct participant *record;
	const struct device *device;	/* NULL: the CPU */
	const struct device_role *role; /* NULL: the CPU */
	const char *name;
	enum agent agent;
	bool is_v4l2;
	bool reads, writes, idle; /* idle: usage none */
	bool maps;		  /* its own DMA meets the memory as it lies: no IOMMU between */
	bool copies, may_copy;
	bool incoherent; /* maps for DMA, and does not certainly snoop */
	bool own;	 /* the buffers it brings are its device's own */
	uint64_t device_reach;
	uint32_t feeds; /* bits by party: for whom it produces */
	uint64_t min_buffers;
	enum cpu_access cpu_reads, cpu_writes;
	const struct list *list;	    /* of its device; NULL: it has none */
	const struct device_format **facts; /* by candidate */
	struct wish *wishes;
	unsigned int wishes_len;
	unsigned int order; /* place by rank and name */
};

/* A heap's facts with their defaults. */
struct store {
	const struct heap *heap;
	uint64_t top, alignment, granularity, segment_max, capacity, buffer_max;
	enum maintenance maintenance;
	bool known, contiguous, cached, known_cached, is_protected, kernel_map, dma_heap;
	bool brought; /* nothing is allocated from it: these buffers are all it has */
	uint8_t scarce;
	/* what is the same for all formats, as long as `round` is the search's */
	uint64_t round, passes;
	uint32_t bounced;
};

/* A format and modifier that somebody named. */
struct candidate {
	uint32_t fourcc;
	uint64_t modifier;
	const struct format_info *info;		/* NULL: no linear layout known */
	const struct supplied_layout *supplied; /* NULL: nobody supplies one */
};

/* A value that stands for another one while a conflict is explained. */
struct tweak {
	unsigned int party; /* SEARCH_NOBODY: none */
	enum unit unit;
	uint64_t from, to;
};

struct search {
	const struct machine *machine;
	const struct request *request;
	const struct solve_options *options;
	struct party parties[SEARCH_PARTIES_MAX];
	unsigned int parties_len;
	unsigned int by_rank[SEARCH_PARTIES_MAX];
	uint32_t active;      /* bits by party: who is solved for */
	uint32_t only_format; /* 0: any; else this fourcc, linear: for groups with copies */
	struct store stores[SEARCH_HEAPS_MAX]; /* sorted by id */
	unsigned int stores_len;
	struct heap *brought_heap; /* NULL: nobody brings buffers */
	struct plan *brought;	   /* the buffers, as if an earlier plan had made them */
	unsigned int bringer;	   /* the party */
	struct heap_set all_heaps;
	struct heap_set request_allowed, request_forbidden, named;
	uint64_t page_bytes;
	bool bounce_allowed;
	struct list *lists;
	unsigned int lists_len;
	const struct list *request_list;
	struct candidate *candidates;	    /* sorted by fourcc and modifier */
	unsigned int candidates_len, words; /* words of a set of candidates */
	uint64_t *linear;		    /* candidates that are linear and have a layout */
	uint64_t *laid_out;		    /* candidates that have a layout at all */
	uint64_t *scratch;		    /* room for a set of candidates */
	uint64_t *order;		    /* room for a number by candidate */
	struct wish *wishes;
	void *memory; /* what the arrays above lie in */
	uint64_t combinations;
	/* while a conflict is explained: bits by unit, at the last place the request's */
	uint64_t ignored[SEARCH_PARTIES_MAX + 1];
	struct tweak tweak;
	bool copier;	/* somebody copies from or to this group, and holds a buffer for it */
	uint64_t round; /* one more with each time that a choice is looked for */
	uint64_t work;
	bool exhausted; /* more work than is allowed: no answer is not believed */
};

/* Who holds which leaf at the moment. */
struct combination {
	uint64_t number;
	struct wish *wish[SEARCH_PARTIES_MAX];
};

/* The layout that one format leads to, for one combination. */
struct merged {
	struct format_layout layout;
	uint64_t picture_bytes;
	uint64_t memory_bytes; /* rounded up to pages, in an option to the heap's granularity */
};

struct counts {
	uint32_t needed, wanted, most, target; /* target: wanted, cut by the smallest maximum */
};

struct colours {
	uint32_t word[4]; /* primaries, transfer, matrix, range */
};

/* A feasible choice, with the key that decides between such choices. */
struct option {
	uint64_t key[RULES];
	const struct candidate *candidate;
	const struct store *store;
	struct combination combination;
	struct merged merged;
	struct counts counts;
	struct colours colours;
	uint32_t count;
	uint32_t bounced; /* bits by party */
};

struct choice {
	struct option best;
	bool found;
	/* the best of the others */
	struct option second;
	bool has_second;
	bool any; /* the first that is found will do */
};

static inline bool search_is_active(const struct search *search, unsigned int party)
{
	return search->active >> party & 1;
}

/* Whether the unit of party `party` (parties_len: of the request) counts. */
static inline bool search_counts(const struct search *search, unsigned int party, enum unit unit)
{
	return !(search->ignored[party] >> unit & 1);
}

/* The value of a unit, or what it is taken for at the moment. */
static inline uint64_t search_value(const struct search *search, unsigned int party, enum unit unit,
				    uint64_t value, uint64_t neutral)
{
	if (!search_counts(search, party, unit))
		return neutral;
	if (search->tweak.party == party && search->tweak.unit == unit &&
	    search->tweak.from == value)
		return search->tweak.to;
	return value;
}

/* A number that a wish declares; what is not declared is neutral. */
static inline uint64_t search_declared(const struct search *search, unsigned int party,
				       const struct wish *wish, enum unit unit, uint64_t neutral)
{
	return search_value(search, party, unit, wish->number[unit], neutral);
}

/* A fact of a record, or its row's default. */
static inline uint64_t search_fact(const void *record, unsigned int row, uint64_t value)
{
	const struct vocab_head *head = record;

	return head->origin[row] ? value : head->group->rows[row].dflt;
}

static inline bool heap_set_has(const struct heap_set *set, unsigned int heap)
{
	return set->bits[heap / 64] >> (heap % 64) & 1;
}

static inline void heap_set_add(struct heap_set *set, unsigned int heap)
{
	set->bits[heap / 64] |= UINT64_C(1) << (heap % 64);
}

/* wish.c: whether a unit is one declared number, and what an absent one is taken for. */
bool wish_is_number(enum unit unit);
uint64_t wish_neutral(enum unit unit);

/* wish.c: how many of a party's records (its own, its alternatives) declare the unit's key. */
unsigned int wish_count_records(const struct party *party, enum unit unit);

/* wish.c: forgets all alternatives: what is left is what the participants' own records say. */
void wish_keep_roots(struct search *search);

/* wish.c: the wishes of all parties. Errors: -ENOMEM. */
int wish_collect(struct search *search);

/* bring.c: the buffers that a participant brings, if one does. Errors: -ENOMEM. */
int bring_prepare(struct search *search);
void bring_forget(struct search *search);

/* The buffers that exist, if there are any and they count: those of an earlier plan, or those that
 * one of the group brings. NULL: none. */
static inline const struct plan *search_existing(const struct search *search)
{
	if (search->options && search->options->existing)
		return search_counts(search, search->parties_len, UNIT_REQUEST_EXISTING)
			       ? search->options->existing
			       : NULL;
	return search->brought && search_is_active(search, search->bringer) &&
			       search_counts(search, search->bringer, UNIT_BUFFERS)
		       ? search->brought
		       : NULL;
}

/* suit.c: what heaps and devices are like. */
void suit_describe_party(struct search *search, unsigned int i);
void suit_describe_heaps(struct search *search);
void suit_find_heaps(const struct search *search, const struct vocab_strings *names,
		     struct heap_set *ret_set);
void suit_add_named(const struct search *search, const struct vocab_strings *names,
		    struct heap_set *set);

/* suit.c: the heaps whose memory suits all active parties, whatever the format. */
void suit_heaps(struct search *search, const struct combination *combination,
		struct heap_set *ret_set);

/* suit.c: the first constraint for which the memory of a heap does not suit a party; UNITS: it
 * suits. */
enum unit suit_refusal(const struct search *search, unsigned int i, const struct wish *wish,
		       const struct store *store);

/* suit.c: whether a process that maps this memory would have cache lines of its own. */
bool suit_aliases(const struct search *search, const struct store *store);

/* suit.c: the parties that would be bounced from this heap, as bits. */
uint32_t suit_bounced(const struct search *search, const struct store *store);

/* suit.c: whether bouncing these does no harm. */
bool suit_bounce(const struct search *search, const struct store *store, uint32_t bounced,
		 uint64_t memory_bytes);

/* suit.c: whether all take the contiguous pieces of which the heap makes a buffer. */
bool suit_segments(const struct search *search, const struct combination *combination,
		   const struct store *store, uint64_t memory_bytes);

/* formats.c: the candidates, and all lists looked up among them. `all`: every format that anybody
 * names, not only those that could be the answer. Errors: -ENOMEM, -E2BIG. */
int formats_collect(struct search *search, bool all);
void formats_forget(struct search *search);

/* formats.c: the candidates that all active parties take, in search->scratch; false: none. */
bool formats_accepted(struct search *search, const struct combination *combination);

/* formats.c: places of a candidate, summed. */
uint64_t formats_cost(const struct search *search, const struct combination *combination,
		      unsigned int candidate);
uint64_t formats_modifier_cost(const struct search *search, const struct combination *combination,
			       unsigned int candidate);

/* merge.c: the layout of a candidate for all active parties; false: it does not suit all. */
bool merge_candidate(struct search *search, const struct combination *combination,
		     const struct candidate *candidate, struct merged *ret_merged);

/* merge.c: what the driver and the declared tail want behind the last plane of a layout. */
uint64_t merge_tail(const struct search *search, unsigned int party, const struct wish *wish,
		    const struct candidate *candidate, uint32_t height,
		    const struct format_layout *layout);

/* merge.c: the name that a V4L2 queue has for a candidate; 0: none. */
uint32_t merge_v4l2_format(const struct device_format *facts, const struct candidate *candidate);

/* count.c: false: the hard need is above the smallest maximum. */
bool count_merge(const struct search *search, const struct combination *combination,
		 struct counts *ret_counts);

/* count.c: how many buffers a participant holds at once. */
uint64_t count_camping(const struct search *search, unsigned int i, const struct wish *wish);

/* colour.c: false: no colour space that all take. */
bool colour_merge(struct search *search, const struct combination *combination,
		  struct colours *ret_colours);

/* choose.c: the best choice; false: there is none (or search->exhausted). */
bool choose(struct search *search, struct choice *choice);
void choose_combination(const struct search *search, uint64_t number,
			struct combination *ret_combination);

/* choose.c: the cost of hand-overs and of CPU access, in passes over the picture. */
uint64_t choose_passes(const struct search *search, const struct store *store, uint32_t bounced);
enum agent choose_agent(const struct party *party, bool bounced);

/* One end of a hand-over. */
struct policy_end {
	const char *name;
	struct access_agent agent;
};

/* What the hand-overs of a plan's buffers have in common. */
struct policy_buffer {
	bool cached;
	uint64_t attachments; /* on which SYNC acts, at most */
	uint64_t bytes;
};

/* policy.c: adds what is due when `from` has written and `to` is next. Errors: -ENOMEM. */
int policy_add_edge(struct plan *plan, const struct policy_end *from, const struct policy_end *to,
		    const struct policy_buffer *buffer);
struct policy_end policy_end_of(const struct party *party, bool bounced);
/* Of a plan for these parties (bits). */
struct policy_buffer policy_buffer_of(const struct search *search, uint32_t parties,
				      const struct option *option);
/* How a device says that it is done. */
enum completion policy_completion(const struct party *party);

/* conflict.c: names minimal sets of constraints that cannot hold together. Returns the error's
 * negative errno. */
int conflict_report(struct search *search, struct error *error);

/* relax.c: the nearest value with which the request has an answer; false: none. */
bool relax(struct search *search, unsigned int party, enum unit unit, char *text, size_t size);

/* describe.c: the words of a member of a conflict. */
struct description {
	char wanted[1024];
	char offered[1024];
	char value[256];
	enum vocab_origin origin;
};
void describe(struct search *search, unsigned int party, enum unit unit,
	      struct description *ret_text);
/* The number of a unit that is one; false: it is none, or nobody knows it. */
bool describe_number(const struct search *search, unsigned int party, enum unit unit,
		     uint64_t *ret_number);

/* partition.c: groups with copies between them. Returns 0 and a plan, 1 where there is no split,
 * or an error: -ENOMEM. */
int partition(struct search *search, struct plan **ret_plan);

/* answer.c: the plan of a choice, with reasons. Returns owned. Errors: -ENOMEM. */
int answer_plan(struct search *search, const struct choice *choice, struct plan **ret_plan);
/* reasons.c: for each choice, why; and the key. Errors: -ENOMEM. */
int reasons_add(struct plan *plan, struct search *search, const struct choice *choice);

#endif
