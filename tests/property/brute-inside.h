/* SPDX-License-Identifier: MIT */
/* What the files of the second solver share. */
#ifndef TESTS_BRUTE_INSIDE_H
#define TESTS_BRUTE_INSIDE_H

#include "broker/model/format.h"
#include "tests/property/brute.h"

#define ANY_MODIFIER 0x00ffffffffffffffull
#define PATH_MAX_LEN 5
#define PAIRS_MAX 512

/* A participant with one of its leaves chosen. */
struct user {
	unsigned int number;				 /* in the request */
	const struct participant *records[PATH_MAX_LEN]; /* from its record to the leaf */
	unsigned int records_len;
	const struct device *device; /* NULL: the CPU */
	const struct device_role *role;
	bool reads, writes, none;
};

struct scene {
	const struct brute_input *input;
	struct user users[BRUTE_USERS_MAX];
	unsigned int len;
};

struct picture {
	bool has_layout;
	unsigned int planes_len;
	uint64_t stride[4], offset[4], bytes[4];
	uint64_t total;
	uint64_t rows; /* of the first plane */
	uint64_t picture_bytes;
};

enum kind_of_bound { SMALLEST, LARGEST, MULTIPLE };

struct supply {
	const struct supplied_layout *layouts[256];
	bool counts[256];
	unsigned int len;
};

struct pairs {
	struct vocab_format items[PAIRS_MAX];
	size_t len;
};

/* brute-say.c: numbers, who says what, formats, sizes */
uint64_t add(uint64_t a, uint64_t b, bool *fits);
uint64_t multiply(uint64_t a, uint64_t b, bool *fits);
uint64_t round_up(uint64_t value, uint64_t align, bool *fits);
uint64_t greatest_divisor(uint64_t a, uint64_t b);
uint64_t common_multiple(uint64_t a, uint64_t b, bool *fits);
uint64_t divide_up(uint64_t a, uint64_t b);
bool counts(const struct scene *scene, unsigned int number, enum brute_unit unit);
bool is_instead(const struct scene *scene, unsigned int number, enum brute_unit unit);
bool said(const struct scene *scene, const struct user *user, unsigned int record, unsigned int row,
	  enum brute_unit unit, uint64_t *ret_value);
uint64_t fact(const struct scene *scene, const struct user *user, const void *record,
	      unsigned int row, enum brute_unit unit);
bool keeps(const struct scene *scene, const struct user *user, unsigned int row,
	   enum brute_unit unit, enum kind_of_bound kind, uint64_t number);
uint64_t largest_said(const struct scene *scene, const struct user *user, unsigned int row,
		      enum brute_unit unit, uint64_t least);
bool is_v4l2(const struct user *user);
bool maps(const struct user *user);
bool is_translated(const struct user *user);
bool may_copy(const struct user *user);
bool is_coherent(const struct user *user);
const struct device_format *entry_of(const struct user *user, uint32_t fourcc, uint64_t modifier);
bool has_word(const struct vocab_strings *list, const char *word);
void set_user(const struct brute_input *input, struct user *user, unsigned int number,
	      unsigned int leaf);
const struct participant *root_of(const struct user *user);
enum cpu_access cpu_reads(const struct user *user);
enum cpu_access cpu_writes(const struct user *user);
bool produces(const struct user *writer, const struct user *reader);
bool matches(const struct vocab_format *entry, uint32_t fourcc, uint64_t modifier);
bool formats_suit(const struct scene *scene, uint32_t fourcc, uint64_t modifier);
bool size_suits(const struct scene *scene, uint32_t fourcc, uint64_t modifier, uint64_t width,
		uint64_t height);
const struct plan *existing_plan(const struct scene *scene);

/* brute-brought.c: section 6, buffers that are brought: as buffers that exist, NULL: none count;
 * whether a heap is theirs; whether a participant brings own ones */
const struct plan *brought_plan(const struct scene *scene);
bool is_brought(const struct scene *scene, const struct heap *heap);
bool has_own(const struct scene *scene, const struct user *user);

/* brute-layout.c: section 4, linear layouts */
bool stride_within(const struct scene *scene, uint32_t fourcc, uint64_t modifier, uint64_t stride);
bool add_padding(const struct scene *scene, uint32_t fourcc, uint64_t modifier, uint64_t height,
		 struct picture *picture);
bool bytes_within(const struct scene *scene, uint64_t bytes);
bool packed_enough(const struct scene *scene, const struct picture *picture);
bool lay_out_all(const struct scene *scene, const struct format_info *info,
		 struct picture *ret_picture);

/* brute-supplied.c: section 4, layouts that are supplied; expressing */
void collect_layouts(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
		     struct supply *supply);
bool make_layout(const struct scene *scene, uint32_t fourcc, uint64_t modifier,
		 const struct supply *supply, unsigned int n, struct picture *ret_picture);
bool can_express(const struct scene *scene, const struct user *user, uint32_t fourcc,
		 uint64_t modifier, const struct picture *picture, uint64_t memory_bytes);

/* brute-memory.c: heaps, and what participants need of the memory */
bool known_and(const struct heap *heap, unsigned int row, bool value);
uint64_t least(uint64_t a, uint64_t b);
uint64_t scarcity(const struct scene *scene, const struct heap *heap);
bool heap_may_serve(const struct scene *scene, const struct heap *heap);
bool memory_suits(const struct scene *scene, const struct user *user, const struct heap *heap,
		  uint64_t memory_bytes);
bool reach_suits(const struct scene *scene, const struct heap *heap, uint64_t memory_bytes,
		 bool *ret_bounced);

/* brute-count.c: section 3, and colour */
bool choose_count(const struct scene *scene, struct brute_plan *plan, uint64_t *ret_missing);
bool choose_colour(const struct scene *scene, uint32_t colour[4]);

/* brute.c: candidates and their order */
void collect_pairs(const struct brute_input *input, struct pairs *pairs);
unsigned int order_users(const struct brute_input *input, unsigned int *order);
void set_scene(const struct brute_input *input, const unsigned int *order, unsigned int len,
	       uint64_t combination, struct scene *scene, struct brute_plan *plan);
void solve_together(const struct brute_input *input, struct brute_answer *answer);

#endif
