/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary: every key of a request, a plan and a descriptor is one row of the tables below.
 *
 * A dictionary of keys ("record") is a plain C struct that begins with a struct vocab_head. The
 * rows of its group say for each key its name, type, unit, default and limits, and where its value
 * lies in the struct. Wire (protocol/wire.c), C API (libclient/record.c), JSON (ctl/json.c) and
 * docs/vocabulary.md (tests/lint) walk these rows and know no key by themselves: a new key is a
 * new row and a new struct member, nothing else.
 *
 * Each value has an origin. VOCAB_ABSENT means that nobody said anything, which is never the same
 * as zero: getters then answer the row's default.
 */
#ifndef VOCABULARY_H
#define VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vocab_type {
	VOCAB_BOOL,	/* bool; wire b */
	VOCAB_U32,	/* uint32_t; wire u */
	VOCAB_U64,	/* uint64_t; wire t */
	VOCAB_FOURCC,	/* uint32_t; wire u; text "XR24" */
	VOCAB_MODIFIER, /* uint64_t; wire t; text "0x0" */
	VOCAB_ENUM,	/* uint32_t, an index into the row's names; wire s */
	VOCAB_STRING,	/* char *, owned; wire s */
	VOCAB_FD,	/* int, owned; wire h */
	VOCAB_STRINGS,	/* struct vocab_strings; wire as */
	VOCAB_FORMATS,	/* struct vocab_formats; wire a(ut): fourcc, modifier */
	VOCAB_SIZES,	/* struct vocab_sizes; wire a(uu): width, height */
	VOCAB_DICTS,	/* struct vocab_dicts; wire aa{sv} */
};

/* Where a value comes from. In the group of a descriptor every value is a fact and the origin
 * travels with it. */
enum vocab_origin {
	VOCAB_ABSENT,
	VOCAB_ASSUMED,	/* nobody knows: the safe side */
	VOCAB_DECLARED, /* said by the client */
	VOCAB_QUIRK,	/* from our table of what no probe can see */
	VOCAB_KERNEL,	/* read from sysfs, procfs or an ioctl */
	VOCAB_MEASURED, /* found by a trial */
	VOCAB_SOLVED,	/* the solver's choice */
	VOCAB_ORIGINS
};

#define VOCAB_ROWS_MAX 64

struct vocab_group;

struct vocab_head {
	const struct vocab_group *group;
	uint8_t origin[VOCAB_ROWS_MAX]; /* enum vocab_origin, per row */
};

struct vocab_strings {
	char **items;
	size_t len;
};

struct vocab_format {
	uint32_t fourcc;
	uint64_t modifier;
};

struct vocab_formats {
	struct vocab_format *items;
	size_t len;
};

struct vocab_size {
	uint32_t width;
	uint32_t height;
};

struct vocab_sizes {
	struct vocab_size *items;
	size_t len;
};

struct vocab_dicts {
	struct vocab_head **items;
	size_t len;
};

enum vocab_flags {
	VOCAB_REQUIRED = 1 << 0, /* a record without it is refused */
	VOCAB_LOCAL = 1 << 1,	 /* never leaves the process */
};

struct vocab_row {
	const char *name;
	enum vocab_type type;
	const char *unit; /* "" where there is none */
	size_t offset;	  /* of the value in the struct */
	uint64_t dflt; /* answered where the key is absent; ENUM: an index; lists, strings: none */
	uint64_t min;  /* numbers: smallest; strings, lists: shortest */
	uint64_t
		max; /* numbers: largest; strings (bytes), lists: longest; ENUM: how many of the
		      * names, from the first, are served (the rest answers NotSupported), 0: all */
	unsigned int flags;
	const char *const *names;	 /* ENUM: ends with NULL */
	const struct vocab_group *group; /* DICTS: of the elements */
	const char *doc;
};

struct vocab_group {
	const char *name;
	const struct vocab_row *rows;
	size_t rows_len;
	size_t size; /* of the struct */
	bool facts;  /* values travel together with their origin: wire (vs) */
	const char *doc;
};

/*
 * The table. X(row, name, type, member, unit, default, min, max, flags, aux, doc); aux is the list
 * of names of an ENUM or the group of DICTS, else NULL.
 */
#define VOCAB_NO_LIMIT32 0xffffffffu
#define VOCAB_NO_LIMIT64 UINT64_MAX

/* What a client asks for. */
#define VOCABULARY_REQUEST(X)                                                                      \
	X(REQUEST_NAME, "name", STRING, name, "bytes", 0, 1, 24, 0, NULL,                          \
	  "Debug name of the collection; the kernel shows it with each buffer (DMA_BUF_SET_NAME)") \
	X(REQUEST_WIDTH, "width", U32, width, "pixels", 0, 1, 32768, 0, NULL,                      \
	  "Coded width of the picture; needed")                                                    \
	X(REQUEST_HEIGHT, "height", U32, height, "pixels", 0, 1, 32768, 0, NULL,                   \
	  "Coded height of the picture; needed")                                                   \
	X(REQUEST_VISIBLE_X, "visible-x", U32, visible_x, "pixels", 0, 0, 32768, 0, NULL,          \
	  "Left edge of the visible rectangle inside the coded picture")                           \
	X(REQUEST_VISIBLE_Y, "visible-y", U32, visible_y, "pixels", 0, 0, 32768, 0, NULL,          \
	  "Top edge of the visible rectangle")                                                     \
	X(REQUEST_VISIBLE_WIDTH, "visible-width", U32, visible_width, "pixels", 0, 1, 32768, 0,    \
	  NULL, "Width of the visible rectangle; absent: the rest of the coded width")             \
	X(REQUEST_VISIBLE_HEIGHT, "visible-height", U32, visible_height, "pixels", 0, 1, 32768, 0, \
	  NULL, "Height of the visible rectangle; absent: the rest of the coded height")           \
	X(REQUEST_FORMATS, "formats", FORMATS, formats, "", 0, 1, 1024, 0, NULL,                   \
	  "Formats (DRM fourcc, modifier) the client wants, best first; absent: any. Fourcc 0: "   \
	  "any format; modifier 0x00ffffffffffffff: any modifier")                                 \
	X(REQUEST_COUNT, "count", U32, count, "buffers", 0, 1, 64, 0, NULL,                        \
	  "Buffers wanted at least; more come where the participants hold more at once")           \
	X(REQUEST_FIELD, "field", ENUM, field, "", 0, 0, 1, 0, vocab_field_names,                  \
	  "Field order of the picture")                                                            \
	X(REQUEST_PRIMARIES, "colour-primaries", ENUM, primaries, "", 0, 0, 0, 0,                  \
	  vocab_primaries_names, "Colour primaries; absent: what all take")                        \
	X(REQUEST_TRANSFER, "colour-transfer", ENUM, transfer, "", 0, 0, 0, 0,                     \
	  vocab_transfer_names, "Transfer function; absent: what all take")                        \
	X(REQUEST_MATRIX, "colour-matrix", ENUM, matrix, "", 0, 0, 0, 0, vocab_matrix_names,       \
	  "Matrix from RGB to YUV; absent: what all take")                                         \
	X(REQUEST_RANGE, "colour-range", ENUM, range, "", 0, 0, 0, 0, vocab_range_names,           \
	  "Range of the samples; absent: what all take")                                           \
	X(REQUEST_MEMORY_OBJECTS, "memory-objects", ENUM, memory_objects, "", 0, 0, 1, 0,          \
	  vocab_memory_objects_names, "Whether the planes share one memory object")                \
	X(REQUEST_ALLOWED_HEAPS, "allowed-heaps", STRINGS, allowed_heaps, "", 0, 1, 64, 0, NULL,   \
	  "The only heaps that may serve, by id or by property (\"is:contiguous+cached\"); a "     \
	  "heap of unknown properties must be named by id")                                        \
	X(REQUEST_FORBIDDEN_HEAPS, "forbidden-heaps", STRINGS, forbidden_heaps, "", 0, 1, 64, 0,   \
	  NULL, "Heaps that may not serve, by id or by property")                                  \
	X(REQUEST_LINGER_MS, "linger-ms", U32, linger_ms, "ms", 0, 0, 60000, 0, NULL,              \
	  "How long the collection outlives its client's connection, so that another connection "  \
	  "of the same user may take it over (for command-line tools)")                            \
	X(REQUEST_FORBID_SCARCE, "forbid-scarce", BOOL, forbid_scarce, "", 0, 0, 1, 0, NULL,       \
	  "Scarce memory (contiguous, protected, or low) may not serve, not even in a shortage")   \
	X(REQUEST_ALLOW_BOUNCE, "allow-bounce", BOOL, allow_bounce, "", 0, 0, 1, 0, NULL,          \
	  "Where nothing else is left, the kernel may copy for a device through bounce buffers; "  \
	  "the plan says for whom")                                                                \
	X(REQUEST_ALLOW_COPIES, "allow-copies", BOOL, allow_copies, "", 0, 0, 1, 0, NULL,          \
	  "Where no memory suits all, they may be split into groups, with a copy of each frame "   \
	  "from group to group")                                                                   \
	X(REQUEST_DEADLINE_MS, "deadline-ms", U32, deadline_ms, "ms", 30000, 1, 600000, 0, NULL,   \
	  "How long a collection of several processes waits until all have spoken")                \
	X(REQUEST_PARTICIPANTS, "participants", DICTS, participants, "", 0, 1, 16, 0,              \
	  &vocab_participant, "Who uses the buffers")

/* One user of the buffers. */
#define VOCABULARY_PARTICIPANT(X)                                                                  \
	X(PARTICIPANT_NAME, "name", STRING, name, "bytes", 0, 1, 255, 0, NULL,                     \
	  "How the plan and refusals call it; absent: the device's id and the role")               \
	X(PARTICIPANT_DEVICE, "device", STRING, device, "bytes", 0, 1, 255, 0, NULL,               \
	  "The device, by id or by node path; not for the role cpu")                               \
	X(PARTICIPANT_DEVICE_FD, "device-fd", FD, device_fd, "", 0, 0, 0, 0, NULL,                 \
	  "The device, by an open file of it, instead of `device`; it is identified, never used")  \
	X(PARTICIPANT_ROLE, "role", ENUM, role, "", 0, 0, 0, 0, vocab_role_names,                  \
	  "What the device does with the buffers; may be left out where it has one role only")     \
	X(PARTICIPANT_CPU_ACCESS, "cpu-access", ENUM, cpu_access, "", 0, 0, 0, 0,                  \
	  vocab_cpu_access_names,                                                                  \
	  "How often the participant's process reads pixels with the CPU; role cpu: often")        \
	X(PARTICIPANT_FORMATS, "formats", FORMATS, formats, "", 0, 1, 1024, 0, NULL,               \
	  "Only these of the device's formats, best first; absent: all of them. Fourcc 0: any "    \
	  "format; modifier 0x00ffffffffffffff: any modifier")                                     \
	X(PARTICIPANT_CAMPING, "camping", U32, camping, "buffers", 1, 0, 64, 0, NULL,              \
	  "Buffers it holds at once; a driver's own minimum is a floor of it")                     \
	X(PARTICIPANT_SLACK, "slack", U32, slack, "buffers", 0, 0, 64, 0, NULL,                    \
	  "Buffers it would like on top of what is needed")                                        \
	X(PARTICIPANT_MAX_COUNT, "max-count", U32, max_count, "buffers", 64, 1, 64, 0, NULL,       \
	  "Most buffers it can take in all")                                                       \
	X(PARTICIPANT_STRIDE_ALIGN, "stride-align", U32, stride_align, "bytes", 1, 1, 65536, 0,    \
	  NULL, "The stride of every plane is a multiple of this; merged with the device's own")   \
	X(PARTICIPANT_STRIDE_MIN, "stride-min", U32, stride_min, "bytes", 0, 0, VOCAB_NO_LIMIT32,  \
	  0, NULL, "Smallest stride of the first plane")                                           \
	X(PARTICIPANT_STRIDE_MAX, "stride-max", U32, stride_max, "bytes", VOCAB_NO_LIMIT32, 1,     \
	  VOCAB_NO_LIMIT32, 0, NULL, "Largest stride of the first plane")                          \
	X(PARTICIPANT_OFFSET_ALIGN, "offset-align", U32, offset_align, "bytes", 1, 1, 65536, 0,    \
	  NULL, "The offset of every plane is a multiple of this")                                 \
	X(PARTICIPANT_BYTES_MIN, "bytes-min", U64, bytes_min, "bytes", 0, 0, VOCAB_NO_LIMIT64, 0,  \
	  NULL, "Least bytes of a buffer")                                                         \
	X(PARTICIPANT_BYTES_MAX, "bytes-max", U64, bytes_max, "bytes", VOCAB_NO_LIMIT64, 1,        \
	  VOCAB_NO_LIMIT64, 0, NULL, "Most bytes of picture and padding, before page rounding")    \
	X(PARTICIPANT_CONTIGUOUS, "contiguous", BOOL, contiguous, "", 0, 0, 1, 0, NULL,            \
	  "It needs contiguous memory, whatever is known of the device")                           \
	X(PARTICIPANT_ADDRESS_BITS, "address-bits", U32, address_bits, "bits", 64, 12, 64, 0,      \
	  NULL, "It reaches addresses of at most so many bits")                                    \
	X(PARTICIPANT_COMPLETION, "completion", ENUM, completion, "", 0, 0, 2, 0,                  \
	  vocab_completion_names,                                                                  \
	  "How it says that it is done with a buffer; absent: as is usual for the role")           \
	X(PARTICIPANT_RANK, "rank", U32, rank, "", 0, 0, 1000, 0, NULL,                            \
	  "Who keeps the first of its alternatives longest: the lowest rank, of equal ranks the "  \
	  "first by name")                                                                         \
	X(PARTICIPANT_OPTIONAL, "optional", BOOL, optional, "", 0, 0, 1, 0, NULL,                  \
	  "That its process dies once the buffers are there does no harm to the others")           \
	X(PARTICIPANT_USAGE, "usage", STRINGS, usage, "", 0, 1, 6, 0, NULL,                        \
	  "What it does with the buffers: read, write, scanout, encode, decode, or none alone; "   \
	  "absent: as its role says")                                                              \
	X(PARTICIPANT_READS_FROM, "reads-from", STRINGS, reads_from, "", 0, 1, 16, 0, NULL,        \
	  "Names of the participants that produce for it; absent: all that write")                 \
	X(PARTICIPANT_CPU_WRITES, "cpu-writes", ENUM, cpu_writes, "", 0, 0, 0, 0,                  \
	  vocab_cpu_access_names,                                                                  \
	  "How often the participant's process writes pixels with the CPU; absent: never, role "   \
	  "cpu: often if it writes at all")                                                        \
	X(PARTICIPANT_SHARED_SLACK, "shared-slack", U32, shared_slack, "buffers", 0, 0, 64, 0,     \
	  NULL, "Buffers it would like on top and shares: of all such wishes the largest counts")  \
	X(PARTICIPANT_MIN_COUNT, "min-count", U32, min_count, "buffers", 0, 0, 64, 0, NULL,        \
	  "Fewest buffers it can work with, in all")                                               \
	X(PARTICIPANT_WIDTH_MIN, "width-min", U32, width_min, "pixels", 1, 1, 32768, 0, NULL,      \
	  "Smallest coded width")                                                                  \
	X(PARTICIPANT_WIDTH_MAX, "width-max", U32, width_max, "pixels", 32768, 1, 32768, 0, NULL,  \
	  "Largest coded width")                                                                   \
	X(PARTICIPANT_HEIGHT_MIN, "height-min", U32, height_min, "pixels", 1, 1, 32768, 0, NULL,   \
	  "Smallest coded height")                                                                 \
	X(PARTICIPANT_HEIGHT_MAX, "height-max", U32, height_max, "pixels", 32768, 1, 32768, 0,     \
	  NULL, "Largest coded height")                                                            \
	X(PARTICIPANT_AREA_MAX, "area-max", U64, area_max, "pixels", VOCAB_NO_LIMIT64, 1,          \
	  VOCAB_NO_LIMIT64, 0, NULL, "Most pixels of a picture: coded width times height")         \
	X(PARTICIPANT_WIDTH_ALIGN, "width-align", U32, width_align, "pixels", 1, 1, 32768, 0,      \
	  NULL, "The coded width is a multiple of this")                                           \
	X(PARTICIPANT_HEIGHT_ALIGN, "height-align", U32, height_align, "pixels", 1, 1, 32768, 0,   \
	  NULL, "The coded height is a multiple of this")                                          \
	X(PARTICIPANT_SIZES, "sizes", SIZES, sizes, "pixels", 0, 1, 64, 0, NULL,                   \
	  "Further coded sizes that everybody must take and that must fit into the same buffers")  \
	X(PARTICIPANT_STRIDE_PIXELS, "stride-pixels", BOOL, stride_pixels, "", 0, 0, 1, 0, NULL,   \
	  "The stride of every plane is a whole number of its blocks of pixels")                   \
	X(PARTICIPANT_ROWS_ALIGN, "rows-align", U32, rows_align, "pixels", 1, 1, 32768, 0, NULL,   \
	  "Planes have rows up to a multiple of this in memory, whatever the height of the "       \
	  "picture")                                                                               \
	X(PARTICIPANT_TAIL_BYTES, "tail-bytes", U64, tail_bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64,  \
	  0, NULL, "Bytes it wants beyond the picture")                                            \
	X(PARTICIPANT_BYTES_ALIGN, "bytes-align", U64, bytes_align, "bytes", 1, 1,                 \
	  UINT64_C(1) << 30, 0, NULL, "Picture and padding are a multiple of this")                \
	X(PARTICIPANT_BASE_ALIGN, "base-align", U64, base_align, "bytes", 1, 1, UINT64_C(1) << 30, \
	  0, NULL, "The first byte's address is a multiple of this")                               \
	X(PARTICIPANT_SEGMENTS_MAX, "segments-max", U32, segments_max, "", VOCAB_NO_LIMIT32, 1,    \
	  VOCAB_NO_LIMIT32, 0, NULL, "Most contiguous pieces it takes")                            \
	X(PARTICIPANT_SEGMENT_BYTES_MAX, "segment-bytes-max", U64, segment_bytes_max, "bytes",     \
	  VOCAB_NO_LIMIT64, 4096, VOCAB_NO_LIMIT64, 0, NULL, "Longest contiguous piece it takes")  \
	X(PARTICIPANT_PROTECTED, "protected", BOOL, is_protected, "", 0, 0, 1, 0, NULL,            \
	  "It needs memory that the CPU cannot reach")                                             \
	X(PARTICIPANT_REACHES_PROTECTED, "reaches-protected", BOOL, reaches_protected, "", 0, 0,   \
	  1, 0, NULL, "Its device reaches protected memory, whatever is known of it")              \
	X(PARTICIPANT_ALLOWED_HEAPS, "allowed-heaps", STRINGS, allowed_heaps, "", 0, 1, 64, 0,     \
	  NULL, "The only heaps it takes, by id or by property")                                   \
	X(PARTICIPANT_FORBIDDEN_HEAPS, "forbidden-heaps", STRINGS, forbidden_heaps, "", 0, 1, 64,  \
	  0, NULL, "Heaps it does not take, by id or by property")                                 \
	X(PARTICIPANT_COLOURS, "colours", DICTS, colours, "", 0, 1, 32, 0, &vocab_colour,          \
	  "Colour spaces it takes, best first; absent: any")                                       \
	X(PARTICIPANT_LAYOUTS, "layouts", DICTS, layouts, "", 0, 1, 64, 0, &vocab_layout,          \
	  "Layouts that it supplies for formats whose layout is not linear, for pictures of the "  \
	  "request's size; where it brings `buffers` the layout of those")                         \
	X(PARTICIPANT_ALTERNATIVES, "alternatives", DICTS, alternatives, "", 0, 1, 8, 0,           \
	  &vocab_participant,                                                                      \
	  "Sets of further constraints, of which exactly one holds, best first; may have "         \
	  "alternatives themselves")                                                               \
	X(PARTICIPANT_BUFFERS, "buffers", DICTS, buffers, "", 0, 1, 12, 0, &vocab_memory,          \
	  "Buffers it brings, one memory object each, in the one layout of its `layouts`: these "  \
	  "and no others are used; of all participants one may")

/* A colour space. What is absent may be anything. */
#define VOCABULARY_COLOUR(X)                                                                     \
	X(COLOUR_PRIMARIES, "primaries", ENUM, primaries, "", 0, 0, 0, 0, vocab_primaries_names, \
	  "Colour primaries; absent or unspecified: any")                                        \
	X(COLOUR_TRANSFER, "transfer", ENUM, transfer, "", 0, 0, 0, 0, vocab_transfer_names,     \
	  "Transfer function; absent or unspecified: any")                                       \
	X(COLOUR_MATRIX, "matrix", ENUM, matrix, "", 0, 0, 0, 0, vocab_matrix_names,             \
	  "Matrix from RGB to YUV; absent or unspecified: any")                                  \
	X(COLOUR_RANGE, "range", ENUM, range, "", 0, 0, 0, 0, vocab_range_names,                 \
	  "Range of the samples; absent or unspecified: any")

/* A layout that somebody supplies, because nobody could compute it or the buffers have it. */
#define VOCABULARY_LAYOUT(X)                                                                   \
	X(LAYOUT_FORMAT, "format", FOURCC, format, "", 0, 0, VOCAB_NO_LIMIT32, VOCAB_REQUIRED, \
	  NULL, "DRM fourcc")                                                                  \
	X(LAYOUT_MODIFIER, "modifier", MODIFIER, modifier, "", 0, 0, VOCAB_NO_LIMIT64,         \
	  VOCAB_REQUIRED, NULL, "DRM format modifier")                                         \
	X(LAYOUT_BYTES, "bytes", U64, bytes, "bytes", 0, 1, VOCAB_NO_LIMIT64, VOCAB_REQUIRED,  \
	  NULL, "From the first byte to the end of the last plane, metadata included")         \
	X(LAYOUT_PLANES, "planes", DICTS, planes, "", 0, 1, 4, VOCAB_REQUIRED, &vocab_plane,   \
	  "Its planes, in DRM's order")

/* The answer: which memory, which layout, and why. */
#define VOCABULARY_PLAN(X)                                                                         \
	X(PLAN_GENERATION, "generation", U32, generation, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,     \
	  "1 for the first negotiation of a collection, one more for each further one")            \
	X(PLAN_HEAP, "heap", STRING, heap, "", 0, 1, 255, 0, NULL, "Id of the heap")               \
	X(PLAN_CACHED, "cached", BOOL, cached, "", 1, 0, 1, 0, NULL,                               \
	  "CPU mappings are cached; where not, no maintenance is ever due")                        \
	X(PLAN_MAPPING, "mapping", ENUM, mapping, "", 0, 0, 0, 0, vocab_mapping_names,             \
	  "How the CPU sees the memory. The exporter decides, and no page is mapped in two ways")  \
	X(PLAN_MAPPING_COLOUR, "mapping-colour", U32, mapping_colour, "bytes", 1, 1,               \
	  VOCAB_NO_LIMIT32, 0, NULL,                                                               \
	  "Addresses of CPU mappings are a multiple of this, as the cache aliases; absent: it "    \
	  "does not")                                                                              \
	X(PLAN_FORMAT, "format", FOURCC, format, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,              \
	  "DRM fourcc of the pixels")                                                              \
	X(PLAN_MODIFIER, "modifier", MODIFIER, modifier, "", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,      \
	  "DRM format modifier; 0 is linear")                                                      \
	X(PLAN_WIDTH, "width", U32, width, "pixels", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,              \
	  "Coded width")                                                                           \
	X(PLAN_HEIGHT, "height", U32, height, "pixels", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,           \
	  "Coded height")                                                                          \
	X(PLAN_VISIBLE_X, "visible-x", U32, visible_x, "pixels", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,  \
	  "Left edge of the visible rectangle")                                                    \
	X(PLAN_VISIBLE_Y, "visible-y", U32, visible_y, "pixels", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,  \
	  "Top edge of the visible rectangle")                                                     \
	X(PLAN_VISIBLE_WIDTH, "visible-width", U32, visible_width, "pixels", 0, 0,                 \
	  VOCAB_NO_LIMIT32, 0, NULL, "Width of the visible rectangle")                             \
	X(PLAN_VISIBLE_HEIGHT, "visible-height", U32, visible_height, "pixels", 0, 0,              \
	  VOCAB_NO_LIMIT32, 0, NULL, "Height of the visible rectangle")                            \
	X(PLAN_FIELD, "field", ENUM, field, "", 0, 0, 0, 0, vocab_field_names, "Field order")      \
	X(PLAN_PRIMARIES, "colour-primaries", ENUM, primaries, "", 0, 0, 0, 0,                     \
	  vocab_primaries_names, "Colour primaries: as requested, or what all take")               \
	X(PLAN_TRANSFER, "colour-transfer", ENUM, transfer, "", 0, 0, 0, 0, vocab_transfer_names,  \
	  "Transfer function: as requested, or what all take")                                     \
	X(PLAN_MATRIX, "colour-matrix", ENUM, matrix, "", 0, 0, 0, 0, vocab_matrix_names,          \
	  "Matrix: as requested, or what all take")                                                \
	X(PLAN_RANGE, "colour-range", ENUM, range, "", 0, 0, 0, 0, vocab_range_names,              \
	  "Range of the samples: as requested, or what all take")                                  \
	X(PLAN_COUNT, "count", U32, count, "buffers", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,             \
	  "Buffers that are (to be) allocated")                                                    \
	X(PLAN_COUNT_NEEDED, "count-needed", U32, count_needed, "buffers", 0, 0, VOCAB_NO_LIMIT32, \
	  0, NULL, "Buffers without which the participants cannot work")                           \
	X(PLAN_COUNT_WANTED, "count-wanted", U32, count_wanted, "buffers", 0, 0, VOCAB_NO_LIMIT32, \
	  0, NULL, "Buffers that they would have liked: more than count where slack was cut")      \
	X(PLAN_PICTURE_BYTES, "picture-bytes", U64, picture_bytes, "bytes", 0, 0,                  \
	  VOCAB_NO_LIMIT64, 0, NULL, "Picture and padding of one buffer, before page rounding")    \
	X(PLAN_MEMORY, "memory", DICTS, memory, "", 0, 0, 4, 0, &vocab_memory,                     \
	  "The memory objects of each buffer, one fd each")                                        \
	X(PLAN_PLANES, "planes", DICTS, planes, "", 0, 0, 4, 0, &vocab_plane,                      \
	  "The planes of each buffer")                                                             \
	X(PLAN_PARTICIPANTS, "participants", DICTS, participants, "", 0, 0, 16, 0, &vocab_view,    \
	  "The layout in each participant's own words, in the order of their names")               \
	X(PLAN_POLICY, "policy", DICTS, policy, "", 0, 0, 512, 0, &vocab_edge,                     \
	  "What has to be done when a buffer passes from one agent to another")                    \
	X(PLAN_REASONS, "reasons", DICTS, reasons, "", 0, 0, 64, 0, &vocab_reason,                 \
	  "For every choice, why")                                                                 \
	X(PLAN_TRIED, "tried", DICTS, tried, "", 0, 0, 64, 0, &vocab_reason,                       \
	  "What the allocation tried in vain before this plan held")                               \
	X(PLAN_USAGE, "usage", STRINGS, usage, "", 0, 0, 16, 0, NULL,                              \
	  "What all of them together do with the buffers")                                         \
	X(PLAN_FITS, "fits", SIZES, fits, "pixels", 0, 0, 8192, 0, NULL,                           \
	  "Further coded sizes that the buffers hold")                                             \
	X(PLAN_BOUNCED, "bounced", BOOL, bounced, "", 0, 0, 1, 0, NULL,                            \
	  "Some participant gets copies by the kernel: its view says so")                          \
	X(PLAN_COSTS, "costs", DICTS, costs, "", 0, 0, 32, 0, &vocab_cost,                         \
	  "The key by which this plan was preferred, from left to right")                          \
	X(PLAN_RUNNER_UP, "runner-up", STRING, runner_up, "", 0, 0, 255, 0, NULL,                  \
	  "The best of the others with the same alternatives: format, modifier, heap; "            \
	  "absent: there is none")                                                                 \
	X(PLAN_HAND_OVER, "hand-over", STRING, hand_over, "", 0, 0, 600, 0, NULL,                  \
	  "Who says when this generation takes over: the participant that produces the first "     \
	  "frame in it; absent in a first generation")                                             \
	X(PLAN_GROUPS, "groups", DICTS, groups, "", 0, 0, 16, 0, &vocab_plan,                      \
	  "Plans of the groups where participants are split; this plan then has no heap, format "  \
	  "and planes of its own")                                                                 \
	X(PLAN_HOPS, "hops", DICTS, hops, "", 0, 0, 256, 0, &vocab_hop,                            \
	  "The copies between groups")                                                             \
	X(PLAN_COPIED_BYTES, "copied-bytes", U64, copied_bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64,   \
	  0, NULL, "Bytes that are copied for each frame, all hops together")                      \
	X(PLAN_EXACT, "exact", BOOL, exact, "", 1, 0, 1, 0, NULL,                                  \
	  "No other split copies less; else the search was cut short")                             \
	X(PLAN_BROUGHT_BY, "brought-by", STRING, brought_by, "", 0, 0, 600, 0, NULL,               \
	  "Whose buffers they are; absent: they are allocated from the heap")                      \
	X(PLAN_INITIALLY_DIRTY, "initially-dirty", BOOL, initially_dirty, "", 0, 0, 1, 0, NULL,    \
	  "CPU caches may hold newer data than memory before anybody has accessed a buffer")

/* One part of the key by which plans are compared. */
#define VOCABULARY_COST(X)                                                                  \
	X(COST_RULE, "rule", ENUM, rule, "", 0, 0, 0, 0, vocab_rule_names,                  \
	  "Which rule of preference")                                                       \
	X(COST_VALUE, "value", U64, value, "", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,             \
	  "What this plan has; less is better")                                             \
	X(COST_RUNNER_UP, "runner-up", U64, runner_up, "", 0, 0, VOCAB_NO_LIMIT64, 0, NULL, \
	  "What the runner-up has; absent: there is none")

/* A copy of each frame from one group of participants to another. */
#define VOCABULARY_HOP(X)                                                                        \
	X(HOP_FROM, "from", U32, from, "", 0, 0, 15, 0, NULL,                                    \
	  "Index of the group that has the frame")                                               \
	X(HOP_TO, "to", U32, to, "", 0, 0, 15, 0, NULL, "Index of the group that gets a copy")   \
	X(HOP_BYTES, "bytes", U64, bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,              \
	  "Picture bytes of the source group")                                                   \
	X(HOP_PRODUCERS, "producers", STRINGS, producers, "", 0, 0, 16, 0, NULL, "Whose frames") \
	X(HOP_CONSUMERS, "consumers", STRINGS, consumers, "", 0, 0, 16, 0, NULL, "For whom")

/* A collection as it stands. */
#define VOCABULARY_COLLECTION(X)                                                                   \
	X(COLLECTION_NUMBER, "number", U64, number, "", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,           \
	  "The last part of its object path")                                                      \
	X(COLLECTION_NAME, "name", STRING, name, "", 0, 0, 24, 0, NULL, "Its debug name")          \
	X(COLLECTION_STATE, "state", ENUM, state, "", 0, 0, 0, 0, vocab_collection_state_names,    \
	  "How far it is")                                                                         \
	X(COLLECTION_GENERATION, "generation", U32, generation, "", 0, 0, VOCAB_NO_LIMIT32, 0,     \
	  NULL, "The newest generation that has buffers; 0: none yet")                             \
	X(COLLECTION_BUFFERS, "buffers", U32, buffers, "buffers", 0, 0, VOCAB_NO_LIMIT32, 0, NULL, \
	  "Buffers of all generations that the broker holds")                                      \
	X(COLLECTION_BYTES, "bytes", U64, bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,         \
	  "Their bytes")                                                                           \
	X(COLLECTION_HEAP, "heap", STRING, heap, "", 0, 0, 255, 0, NULL,                           \
	  "Heap of the newest generation")                                                         \
	X(COLLECTION_FORMAT, "format", FOURCC, format, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,        \
	  "Its format")                                                                            \
	X(COLLECTION_WIDTH, "width", U32, width, "pixels", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,        \
	  "Coded width")                                                                           \
	X(COLLECTION_HEIGHT, "height", U32, height, "pixels", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,     \
	  "Coded height")                                                                          \
	X(COLLECTION_UID, "uid", U32, uid, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL, "User who pays")   \
	X(COLLECTION_AGE_MS, "age-ms", U64, age_ms, "ms", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,         \
	  "Since it was created")                                                                  \
	X(COLLECTION_LEFT_MS, "left-ms", U64, left_ms, "ms", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,      \
	  "Until its deadline, while somebody is missing")                                         \
	X(COLLECTION_MISSING, "missing", STRINGS, missing, "", 0, 0, 16, 0, NULL,                  \
	  "Who has not spoken yet: a member's number and what is known of it")                     \
	X(COLLECTION_MEMBERS, "members", DICTS, members, "", 0, 0, 17, 0, &vocab_member,           \
	  "The processes that take part, the initiator first")

/* A process that takes part in a collection. */
#define VOCABULARY_MEMBER(X)                                                                 \
	X(MEMBER_NUMBER, "number", U32, number, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,         \
	  "0: the initiator; else the number of its token")                                  \
	X(MEMBER_STATE, "state", ENUM, state, "", 0, 0, 0, 0, vocab_member_state_names,      \
	  "How far it is")                                                                   \
	X(MEMBER_UID, "uid", U32, uid, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,                  \
	  "Its user; absent: the token is not bound yet")                                    \
	X(MEMBER_PARTICIPANTS, "participants", STRINGS, participants, "", 0, 0, 16, 0, NULL, \
	  "Names of its participants; absent: none, it observes")                            \
	X(MEMBER_LATE, "late", BOOL, late, "", 0, 0, 1, 0, NULL,                             \
	  "Its token was made when there were buffers already")                              \
	X(MEMBER_YOU, "you", BOOL, you, "", 0, 0, 1, 0, NULL, "It is the caller")

/* A memory object: what one dma-buf fd stands for. */
#define VOCABULARY_MEMORY(X)                                                                \
	X(MEMORY_BYTES, "bytes", U64, bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,      \
	  "Size, rounded up to whole pages")                                                \
	X(MEMORY_FD, "fd", FD, fd, "", 0, 0, 0, 0, NULL,                                    \
	  "The dma-buf; in a buffer only; where it is brought, a memfd will do")            \
	X(MEMORY_INODE, "inode", U64, inode, "", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,           \
	  "Inode number of the dma-buf, the same in every process; in a buffer only")       \
	X(MEMORY_EXPORTER, "exporter", STRING, exporter, "bytes", 0, 1, 64, 0, NULL,        \
	  "Who made it, as the kernel calls it (exp_name), or memfd, memfd-hugetlb; only "  \
	  "where it is brought: the broker finds it out of the fd")                         \
	X(MEMORY_CACHED, "cached", BOOL, cached, "", 0, 0, 1, 0, NULL,                      \
	  "Its CPU mappings are cached, as who brings it knows; counts where the exporter " \
	  "leaves that open; absent: what is known of the exporter")

#define VOCABULARY_PLANE(X)                                                              \
	X(PLANE_MEMORY, "memory", U32, memory, "", 0, 0, 3, 0, NULL,                     \
	  "Index of the memory object in which the plane lies")                          \
	X(PLANE_OFFSET, "offset", U64, offset, "bytes", 0, 0, VOCAB_NO_LIMIT64, 0, NULL, \
	  "First byte of the plane in its memory object")                                \
	X(PLANE_STRIDE, "stride", U32, stride, "bytes", 0, 0, VOCAB_NO_LIMIT32, 0, NULL, \
	  "Bytes from one row to the next")                                              \
	X(PLANE_BYTES, "bytes", U64, bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,    \
	  "Bytes of the plane: stride times rows")

/* One participant of a plan: the layout in its words, and how it touches the memory. */
#define VOCABULARY_VIEW(X)                                                                         \
	X(VIEW_NAME, "name", STRING, name, "", 0, 0, 600, 0, NULL, "The participant's name")       \
	X(VIEW_DEVICE, "device", STRING, device, "", 0, 0, 255, 0, NULL, "Id of its device")       \
	X(VIEW_NODE, "node", STRING, node, "", 0, 0, 255, 0, NULL, "Node path of its device")      \
	X(VIEW_ROLE, "role", ENUM, role, "", 0, 0, 0, 0, vocab_role_names, "Its role")             \
	X(VIEW_AGENT, "agent", ENUM, agent, "", 0, 0, 0, 0, vocab_agent_names,                     \
	  "How it touches the memory: decides the access policy")                                  \
	X(VIEW_COMPLETION, "completion", ENUM, completion, "", 0, 0, 0, 0, vocab_completion_names, \
	  "How it says that it is done with a buffer")                                             \
	X(VIEW_V4L2_FORMAT, "v4l2-format", FOURCC, v4l2_format, "", 0, 0, VOCAB_NO_LIMIT32, 0,     \
	  NULL, "pixelformat for S_FMT; V4L2 devices only")                                        \
	X(VIEW_V4L2_BYTESPERLINE, "v4l2-bytesperline", U32, v4l2_bytesperline, "bytes", 0, 0,      \
	  VOCAB_NO_LIMIT32, 0, NULL, "bytesperline for S_FMT; V4L2 devices only")                  \
	X(VIEW_V4L2_SIZEIMAGE, "v4l2-sizeimage", U64, v4l2_sizeimage, "bytes", 0, 0,               \
	  VOCAB_NO_LIMIT64, 0, NULL, "sizeimage, and the length to queue; V4L2 devices only")      \
	X(VIEW_V4L2_MULTI_PLANAR, "v4l2-multi-planar", BOOL, v4l2_multi_planar, "", 0, 0, 1, 0,    \
	  NULL, "S_FMT by the multi-planar API, with one plane; V4L2 devices only")                \
	X(VIEW_DRM_FORMAT, "drm-format", FOURCC, drm_format, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,  \
	  "pixel_format for ADDFB2; DRM devices only")                                             \
	X(VIEW_DRM_MODIFIER, "drm-modifier", MODIFIER, drm_modifier, "", 0, 0, VOCAB_NO_LIMIT64,   \
	  0, NULL, "modifier for ADDFB2; DRM devices only")                                        \
	X(VIEW_DRM_PLANES, "drm-planes", DICTS, drm_planes, "", 0, 0, 4, 0, &vocab_plane,          \
	  "offsets and pitches (stride) for ADDFB2; DRM devices only")                             \
	X(VIEW_VA_FOURCC, "va-fourcc", FOURCC, va_fourcc, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,     \
	  "fourcc of a VADRMPRIMESurfaceDescriptor with one layer, whose other numbers are those " \
	  "of DRM; absent where VA has no name for it; render nodes only")                         \
	X(VIEW_VA_OBJECT_BYTES, "va-object-bytes", U32, va_object_bytes, "bytes", 0, 0,            \
	  VOCAB_NO_LIMIT32, 0, NULL, "objects[0].size of it; render nodes only")                   \
	X(VIEW_ALTERNATIVE, "alternative", STRING, alternative, "", 0, 0, 64, 0, NULL,             \
	  "Which of its alternatives holds, counted from 0; of nested ones each level, with dots") \
	X(VIEW_BOUNCED, "bounced", BOOL, bounced, "", 0, 0, 1, 0, NULL,                            \
	  "The kernel copies for it, through bounce buffers")                                      \
	X(VIEW_READS, "reads", BOOL, reads, "", 0, 0, 1, 0, NULL, "It reads the buffers")          \
	X(VIEW_WRITES, "writes", BOOL, writes, "", 0, 0, 1, 0, NULL,                               \
	  "It may write: who has not said so cannot begin to")

/* What is due when a buffer passes from the agent `from`, who wrote, to the agent `to`. */
#define VOCABULARY_EDGE(X)                                                                     \
	X(EDGE_FROM, "from", STRING, from, "", 0, 0, 600, 0, NULL, "Who has written")          \
	X(EDGE_TO, "to", STRING, to, "", 0, 0, 600, 0, NULL, "Who accesses next")              \
	X(EDGE_OPERATION, "operation", ENUM, operation, "", 0, 0, 0, 0, vocab_operation_names, \
	  "The DMA_BUF_IOCTL_SYNC brackets that are due at the hand-over")                     \
	X(EDGE_BECAUSE, "because", STRING, because, "", 0, 0, 255, 0, NULL, "Why")             \
	X(EDGE_BY, "by", STRING, by, "", 0, 0, 600, 0, NULL,                                   \
	  "Whose process does it: that of this participant, before the buffer leaves it")      \
	X(EDGE_FENCE, "fence", BOOL, fence, "", 0, 0, 1, 0, NULL,                              \
	  "The fences of the writer are waited for first (poll), as START waits too late")     \
	X(EDGE_COST_BYTES, "cost-bytes", U64, cost_bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64, 0,  \
	  NULL, "Estimate of what the kernel walks or copies, for all who have it mapped")

/* Why something was chosen, or what was tried in vain. */
#define VOCABULARY_REASON(X)                                                               \
	X(REASON_CHOICE, "choice", STRING, choice, "", 0, 0, 64, 0, NULL,                  \
	  "Which key of the plan: heap, format, stride, bytes, count, mapping")            \
	X(REASON_VALUE, "value", STRING, value, "", 0, 0, 255, 0, NULL, "What was chosen") \
	X(REASON_PARTICIPANT, "participant", STRING, participant, "", 0, 0, 600, 0, NULL,  \
	  "Who is the reason; absent where it is a rule of preference")                    \
	X(REASON_CONSTRAINT, "constraint", ENUM, constraint, "", 0, 0, 0, 0,               \
	  vocab_constraint_names, "Which constraint or rule decided")                      \
	X(REASON_WANTED, "wanted", STRING, wanted, "", 0, 0, 255, 0, NULL, "What it asks") \
	X(REASON_ORIGIN, "origin", ENUM, origin, "", 0, 0, 0, 0, vocab_origin_names,       \
	  "Where that fact comes from")

/* One member of a conflict, or the details of another error. */
#define VOCABULARY_REFUSAL(X)                                                                   \
	X(REFUSAL_PARTICIPANT, "participant", STRING, participant, "", 0, 0, 600, 0, NULL,      \
	  "Whose constraint; absent where it is not a participant's")                           \
	X(REFUSAL_DEVICE, "device", STRING, device, "", 0, 0, 255, 0, NULL, "Id of its device") \
	X(REFUSAL_CONSTRAINT, "constraint", ENUM, constraint, "", 0, 0, 0, 0,                   \
	  vocab_constraint_names, "Which constraint")                                           \
	X(REFUSAL_KEY, "key", STRING, key, "", 0, 0, 255, 0, NULL,                              \
	  "The key of the request that is wrong")                                               \
	X(REFUSAL_WANTED, "wanted", STRING, wanted, "", 0, 0, 1023, 0, NULL,                    \
	  "What would be right")                                                                \
	X(REFUSAL_OFFERED, "offered", STRING, offered, "", 0, 0, 1023, 0, NULL,                 \
	  "What there is instead")                                                              \
	X(REFUSAL_ORIGIN, "origin", ENUM, origin, "", 0, 0, 0, 0, vocab_origin_names,           \
	  "Where the constraint comes from")                                                    \
	X(REFUSAL_SET, "set", U32, set, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,                    \
	  "To which of the minimal sets of a Conflict it belongs, from 0")                      \
	X(REFUSAL_VALUE, "value", STRING, value, "", 0, 0, 255, 0, NULL,                        \
	  "The value of the constraint; of a list its elements")                                \
	X(REFUSAL_RELAXATION, "relaxation", STRING, relaxation, "", 0, 0, 255, 0, NULL,         \
	  "The nearest value that would do, all else unchanged; absent: none would")

/* The details of a named error; a Conflict has one refusal per member of each minimal set. */
#define VOCABULARY_ERROR(X)                                                                       \
	X(ERROR_REFUSALS, "refusals", DICTS, refusals, "", 0, 0, 512, 0, &vocab_refusal,          \
	  "Who asks for what that cannot be had")                                                 \
	X(ERROR_COPIED_BYTES, "copied-bytes", U64, copied_bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64, \
	  0, NULL,                                                                                \
	  "Of a Conflict over buffers that are brought: with allow-copies there would "           \
	  "be a plan that copies so much for each frame")

/* A buffer as GetBuffers hands it out. */
#define VOCABULARY_BUFFER(X)                                                                     \
	X(BUFFER_GENERATION, "generation", U32, generation, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL, \
	  "The generation of the plan it belongs to")                                            \
	X(BUFFER_INDEX, "index", U32, index, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,                \
	  "Its number in the collection, from 0")                                                \
	X(BUFFER_MEMORY, "memory", DICTS, memory, "", 0, 0, 4, 0, &vocab_memory,                 \
	  "Its memory objects, with fd and inode")                                               \
	X(BUFFER_GROUP, "group", U32, group, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,                \
	  "Index of its group in the plan's groups; absent where participants are not split")    \
	X(BUFFER_PARTICIPANTS, "participants", STRINGS, participants, "", 0, 0, 17, 0, NULL,     \
	  "The participants that are the caller's to begin and end, none in an empty list; "     \
	  "absent: all of the plan")

/* Facts of a device. */
#define VOCABULARY_DEVICE(X)                                                                     \
	X(DEVICE_ID, "id", STRING, id, "", 0, 1, 255, VOCAB_REQUIRED, NULL,                      \
	  "Stable across reboots: subsystem and bus path")                                       \
	X(DEVICE_NODE, "node", STRING, node, "", 0, 0, 255, 0, NULL, "Path in /dev")             \
	X(DEVICE_NAME, "name", STRING, name, "", 0, 0, 255, 0, NULL,                             \
	  "What the driver calls the device")                                                    \
	X(DEVICE_DRIVER, "driver", STRING, driver, "", 0, 0, 255, 0, NULL, "Kernel driver")      \
	X(DEVICE_KIND, "kind", ENUM, kind, "", 0, 0, 0, 0, vocab_kind_names,                     \
	  "Which kernel interface")                                                              \
	X(DEVICE_NUMBER, "number", U64, number, "", 0, 0, VOCAB_NO_LIMIT64, VOCAB_LOCAL, NULL,   \
	  "dev_t of the node")                                                                   \
	X(DEVICE_COHERENCY, "coherency", ENUM, coherency, "", 0, 0, 0, 0, vocab_coherency_names, \
	  "Whether its DMA snoops the CPU caches; absent: unknown")                              \
	X(DEVICE_ADDRESS_BITS, "address-bits", U32, address_bits, "bits", 32, 12, 64, 0, NULL,   \
	  "It reaches addresses of so many bits")                                                \
	X(DEVICE_IOMMU, "iommu", BOOL, iommu, "", 0, 0, 1, 0, NULL,                              \
	  "An IOMMU translates for it, so that scattered memory looks contiguous")               \
	X(DEVICE_ADDRESS_MAX, "address-max", U64, address_max, "bytes", VOCAB_NO_LIMIT64, 0,     \
	  VOCAB_NO_LIMIT64, 0, NULL,                                                             \
	  "Highest physical address that its bus reaches; absent: address-bits alone counts")    \
	X(DEVICE_BOUNCED, "bounced", BOOL, bounced, "", 0, 0, 1, 0, NULL,                        \
	  "Whatever is mapped for it is bounced: it never sees the buffer's own memory")         \
	X(DEVICE_COMPATIBLE, "compatible", STRINGS, compatible, "", 0, 0, 16, 0, NULL,           \
	  "Device tree: its compatible strings")                                                 \
	X(DEVICE_DMA_DEVICE, "dma-device", STRING, dma_device, "", 0, 0, 255, 0, NULL,           \
	  "Which device does the DMA of an import, where it is another")                         \
	X(DEVICE_HOW, "how", STRINGS, how, "", 0, 0, 32, 0, NULL,                                \
	  "How facts were obtained: \"key: how\"")                                               \
	X(DEVICE_ROLES, "roles", DICTS, roles, "", 0, 0, 16, 0, &vocab_role,                     \
	  "What it can do with buffers")

/* Facts of one V4L2 queue, of the planes or of the writeback connectors of a DRM card. */
#define VOCABULARY_ROLE(X)                                                                         \
	X(ROLE_ROLE, "role", ENUM, role, "", 0, 0, 0, 0, vocab_role_names, "The role")             \
	X(ROLE_IMPORTS, "imports", BOOL, imports, "", 0, 0, 1, 0, NULL,                            \
	  "It takes foreign dma-bufs at all")                                                      \
	X(ROLE_MEMORY_MODEL, "memory-model", ENUM, memory_model, "", 0, 0, 0, 0,                   \
	  vocab_memory_model_names, "The kernel's allocator or helper behind it")                  \
	X(ROLE_CONTIGUITY, "contiguity", ENUM, contiguity, "", 2, 0, 0, 0, vocab_contiguity_names, \
	  "Which part of a buffer must be contiguous")                                             \
	X(ROLE_CPU_COPIES, "cpu-copies", BOOL, cpu_copies, "", 0, 0, 1, 0, NULL,                   \
	  "The driver moves pixels with the CPU, through a mapping of its own")                    \
	X(ROLE_DMA_MAPS, "dma-maps", BOOL, dma_maps, "", 1, 0, 1, 0, NULL,                         \
	  "The driver maps the buffer for DMA, so that reach and bouncing matter")                 \
	X(ROLE_MULTI_PLANAR, "multi-planar", BOOL, multi_planar, "", 0, 0, 1, 0, NULL,             \
	  "V4L2: the queue uses the multi-planar API")                                             \
	X(ROLE_MIN_BUFFERS, "min-buffers", U32, min_buffers, "buffers", 1, 0, 64, 0, NULL,         \
	  "Buffers the driver wants to hold at once")                                              \
	X(ROLE_OFFSET_ALIGN, "offset-align", U32, offset_align, "bytes", 1, 1, 65536, 0, NULL,     \
	  "Alignment of plane offsets")                                                            \
	X(ROLE_SEGMENT_BYTES_MAX, "segment-bytes-max", U64, segment_bytes_max, "bytes",            \
	  VOCAB_NO_LIMIT64, 4096, VOCAB_NO_LIMIT64, 0, NULL,                                       \
	  "Longest contiguous piece it takes; absent: any")                                        \
	X(ROLE_REACHES_PROTECTED, "reaches-protected", BOOL, reaches_protected, "", 0, 0, 1, 0,    \
	  NULL, "It reaches memory that the CPU cannot")                                           \
	X(ROLE_SEGMENTS_MAX, "segments-max", U32, segments_max, "", VOCAB_NO_LIMIT32, 1,           \
	  VOCAB_NO_LIMIT32, 0, NULL, "Most contiguous pieces it takes; absent: any number")        \
	X(ROLE_HOW, "how", STRINGS, how, "", 0, 0, 32, 0, NULL,                                    \
	  "How facts were obtained: \"key: how\"")                                                 \
	X(ROLE_FORMATS, "formats", DICTS, formats, "", 0, 0, 1024, 0, &vocab_device_format,        \
	  "Formats, in the driver's order")

/* Facts of one format of a role. */
#define VOCABULARY_DEVICE_FORMAT(X)                                                                \
	X(FORMAT_FORMAT, "format", FOURCC, format, "", 0, 0, VOCAB_NO_LIMIT32, 0, NULL,            \
	  "Fourcc as in formats.md; a V4L2 format that is not there keeps its own, never planned") \
	X(FORMAT_MODIFIER, "modifier", MODIFIER, modifier, "", 0, 0, VOCAB_NO_LIMIT64, 0, NULL,    \
	  "DRM format modifier")                                                                   \
	X(FORMAT_V4L2_FORMAT, "v4l2-format", FOURCC, v4l2_format, "", 0, 0, VOCAB_NO_LIMIT32, 0,   \
	  NULL, "V4L2 fourcc; V4L2 devices only")                                                  \
	X(FORMAT_SIZES, "sizes", SIZES, sizes, "pixels", 0, 0, 256, 0, NULL,                       \
	  "The only picture sizes, where the device lists them")                                   \
	X(FORMAT_WIDTH_MIN, "width-min", U32, width_min, "pixels", 1, 0, VOCAB_NO_LIMIT32, 0,      \
	  NULL, "Smallest width")                                                                  \
	X(FORMAT_WIDTH_MAX, "width-max", U32, width_max, "pixels", VOCAB_NO_LIMIT32, 0,            \
	  VOCAB_NO_LIMIT32, 0, NULL, "Largest width")                                              \
	X(FORMAT_WIDTH_STEP, "width-step", U32, width_step, "pixels", 1, 1, 65536, 0, NULL,        \
	  "Widths are the smallest plus a multiple of this")                                       \
	X(FORMAT_HEIGHT_MIN, "height-min", U32, height_min, "pixels", 1, 0, VOCAB_NO_LIMIT32, 0,   \
	  NULL, "Smallest height")                                                                 \
	X(FORMAT_HEIGHT_MAX, "height-max", U32, height_max, "pixels", VOCAB_NO_LIMIT32, 0,         \
	  VOCAB_NO_LIMIT32, 0, NULL, "Largest height")                                             \
	X(FORMAT_HEIGHT_STEP, "height-step", U32, height_step, "pixels", 1, 1, 65536, 0, NULL,     \
	  "Heights are the smallest plus a multiple of this")                                      \
	X(FORMAT_STRIDE_ALIGN, "stride-align", U32, stride_align, "bytes", 256, 1, 65536, 0, NULL, \
	  "Strides are a multiple of this")                                                        \
	X(FORMAT_STRIDE_MAX, "stride-max", U32, stride_max, "bytes", VOCAB_NO_LIMIT32, 0,          \
	  VOCAB_NO_LIMIT32, 0, NULL, "Largest stride of the first plane")                          \
	X(FORMAT_STRIDE_CUSTOM, "stride-custom", BOOL, stride_custom, "", 0, 0, 1, 0, NULL,        \
	  "A stride larger than the picture needs is honoured")                                    \
	X(FORMAT_HEIGHT_ALIGN, "height-align", U32, height_align, "pixels", 1, 1, 65536, 0, NULL,  \
	  "Planes have rows up to a multiple of this in memory")                                   \
	X(FORMAT_HOW, "how", STRINGS, how, "", 0, 0, 32, 0, NULL,                                  \
	  "How facts were obtained: \"key: how\"")                                                 \
	X(FORMAT_TAIL_BYTES, "tail-bytes", U64, tail_bytes, "bytes", 0, 0, VOCAB_NO_LIMIT64, 0,    \
	  NULL, "Bytes the device wants beyond the picture")

/* Facts of a heap. */
#define VOCABULARY_HEAP(X)                                                                       \
	X(HEAP_ID, "id", STRING, id, "", 0, 1, 255, VOCAB_REQUIRED, NULL,                        \
	  "The kernel's name of the heap; `udmabuf` for that device")                            \
	X(HEAP_NODE, "node", STRING, node, "", 0, 0, 255, 0, NULL, "Path in /dev")               \
	X(HEAP_EXPORTER, "exporter", ENUM, exporter, "", 0, 0, 0, 0, vocab_exporter_names,       \
	  "Which kernel interface allocates")                                                    \
	X(HEAP_KNOWN, "known", BOOL, known, "", 0, 0, 1, 0, NULL,                                \
	  "Its properties are known; else it serves only where a request names it")              \
	X(HEAP_CONTIGUOUS, "contiguous", BOOL, contiguous, "", 0, 0, 1, 0, NULL,                 \
	  "Its memory is physically contiguous")                                                 \
	X(HEAP_CACHED, "cached", BOOL, cached, "", 0, 0, 1, 0, NULL, "CPU mappings are cached")  \
	X(HEAP_ZEROED, "zeroed", BOOL, zeroed, "", 0, 0, 1, 0, NULL,                             \
	  "The kernel clears new memory")                                                        \
	X(HEAP_PROTECTED, "protected", BOOL, is_protected, "", 0, 0, 1, 0, NULL,                 \
	  "The CPU cannot reach its memory")                                                     \
	X(HEAP_ADDRESS_BITS, "address-bits", U32, address_bits, "bits", 64, 12, 64, 0, NULL,     \
	  "Its memory lies at addresses of at most so many bits")                                \
	X(HEAP_ALIGNMENT, "alignment", U64, alignment, "bytes", 4096, 1, VOCAB_NO_LIMIT64, 0,    \
	  NULL, "Alignment it guarantees")                                                       \
	X(HEAP_CAPACITY_BYTES, "capacity-bytes", U64, capacity_bytes, "bytes", VOCAB_NO_LIMIT64, \
	  0, VOCAB_NO_LIMIT64, 0, NULL, "All it could ever give; absent: unknown")               \
	X(HEAP_FREE_BYTES, "free-bytes", U64, free_bytes, "bytes", VOCAB_NO_LIMIT64, 0,          \
	  VOCAB_NO_LIMIT64, 0, NULL, "Free when last looked at; absent: unknown")                \
	X(HEAP_BUFFER_BYTES_MAX, "buffer-bytes-max", U64, buffer_bytes_max, "bytes",             \
	  VOCAB_NO_LIMIT64, 0, VOCAB_NO_LIMIT64, 0, NULL, "Largest single buffer")               \
	X(HEAP_ADDRESS_MAX, "address-max", U64, address_max, "bytes", VOCAB_NO_LIMIT64, 0,       \
	  VOCAB_NO_LIMIT64, 0, NULL,                                                             \
	  "Highest physical address of its memory; absent: what address-bits says")              \
	X(HEAP_GRANULARITY, "granularity", U64, granularity, "bytes", 4096, 4096,                \
	  VOCAB_NO_LIMIT64, 0, NULL, "Buffers take a multiple of this")                          \
	X(HEAP_SEGMENT_BYTES_MAX, "segment-bytes-max", U64, segment_bytes_max, "bytes",          \
	  VOCAB_NO_LIMIT64, 4096, VOCAB_NO_LIMIT64, 0, NULL,                                     \
	  "Longest contiguous piece of its buffers; absent: as long as the buffer")              \
	X(HEAP_KERNEL_MAP, "kernel-map", BOOL, kernel_map, "", 1, 0, 1, 0, NULL,                 \
	  "Drivers that copy with the CPU may map its memory in the kernel")                     \
	X(HEAP_HOW, "how", STRINGS, how, "", 0, 0, 32, 0, NULL,                                  \
	  "How facts were obtained: \"key: how\"")                                               \
	X(HEAP_MAINTENANCE, "maintenance", ENUM, maintenance, "", 0, 0, 0, 0,                    \
	  vocab_maintenance_names, "For whom its DMA_BUF_IOCTL_SYNC maintains the caches")

/* All facts of one machine. */
#define VOCABULARY_MACHINE(X)                                                                     \
	X(MACHINE_ARCHITECTURE, "architecture", STRING, architecture, "", 0, 0, 64, 0, NULL,      \
	  "uname -m")                                                                             \
	X(MACHINE_KERNEL, "kernel", STRING, kernel, "", 0, 0, 128, 0, NULL, "uname -r")           \
	X(MACHINE_PAGE_BYTES, "page-bytes", U32, page_bytes, "bytes", 4096, 4096, 65536, 0, NULL, \
	  "Size of a page")                                                                       \
	X(MACHINE_MEMORY_MAX, "memory-max", U64, memory_max, "bytes", VOCAB_NO_LIMIT64, 0,        \
	  VOCAB_NO_LIMIT64, 0, NULL, "Highest physical address of its memory")                    \
	X(MACHINE_BOUNCE, "bounce", ENUM, bounce, "", 0, 0, 0, 0, vocab_bounce_names,             \
	  "What the kernel does with memory that a device does not reach: refuses it, copies it " \
	  "through bounce buffers, or bounces everything")                                        \
	X(MACHINE_XEN, "xen", ENUM, xen, "", 0, 0, 0, 0, vocab_xen_names,                         \
	  "Domain of a Xen hypervisor")                                                           \
	X(MACHINE_CONFIDENTIAL, "confidential", BOOL, confidential, "", 0, 0, 1, 0, NULL,         \
	  "A confidential guest: devices see shared memory only")                                 \
	X(MACHINE_FIRMWARE, "firmware", ENUM, firmware, "", 0, 0, 0, 0, vocab_firmware_names,     \
	  "What describes the devices that no bus enumerates")                                    \
	X(MACHINE_COHERENCY, "default-coherency", ENUM, default_coherency, "", 0, 0, 0, 0,        \
	  vocab_coherency_names, "Coherency of a device of which the firmware says nothing")      \
	X(MACHINE_CPU_CACHE, "cpu-cache", ENUM, cpu_cache, "", 0, 0, 0, 0, vocab_cpu_cache_names, \
	  "How the data cache is indexed and tagged")                                             \
	X(MACHINE_CACHE_ALIASES, "cache-aliases", BOOL, cache_aliases, "", 0, 0, 1, 0, NULL,      \
	  "Two mappings of a page may lie in different cache lines")                              \
	X(MACHINE_MAPPING_COLOUR, "mapping-colour", U32, mapping_colour, "bytes", 4194304, 1,     \
	  VOCAB_NO_LIMIT32, 0, NULL,                                                              \
	  "Addresses of all mappings of a buffer are equal modulo this (SHMLBA)")                 \
	X(MACHINE_WRITE_COMBINED, "write-combined", BOOL, write_combined, "", 0, 0, 1, 0, NULL,   \
	  "Write-combined mappings exist")                                                        \
	X(MACHINE_MIXED_ATTRIBUTES, "mixed-attributes", BOOL, mixed_attributes, "", 0, 0, 1, 0,   \
	  NULL, "A page may be mapped with different attributes at once")                         \
	X(MACHINE_HOW, "how", STRINGS, how, "", 0, 0, 32, 0, NULL,                                \
	  "How facts were obtained: \"key: how\"")                                                \
	X(MACHINE_DEVICES, "devices", DICTS, devices, "", 0, 0, 256, 0, &vocab_device, "Devices") \
	X(MACHINE_HEAPS, "heaps", DICTS, heaps, "", 0, 0, 128, 0, &vocab_heap, "Heaps")

#define VOCAB_X_ENUM(row, ...) row,
enum vocab_request_row { VOCABULARY_REQUEST(VOCAB_X_ENUM) REQUEST_ROWS };
enum vocab_participant_row { VOCABULARY_PARTICIPANT(VOCAB_X_ENUM) PARTICIPANT_ROWS };
enum vocab_colour_row { VOCABULARY_COLOUR(VOCAB_X_ENUM) COLOUR_ROWS };
enum vocab_layout_row { VOCABULARY_LAYOUT(VOCAB_X_ENUM) LAYOUT_ROWS };
enum vocab_cost_row { VOCABULARY_COST(VOCAB_X_ENUM) COST_ROWS };
enum vocab_hop_row { VOCABULARY_HOP(VOCAB_X_ENUM) HOP_ROWS };
enum vocab_collection_row { VOCABULARY_COLLECTION(VOCAB_X_ENUM) COLLECTION_ROWS };
enum vocab_member_row { VOCABULARY_MEMBER(VOCAB_X_ENUM) MEMBER_ROWS };
enum vocab_plan_row { VOCABULARY_PLAN(VOCAB_X_ENUM) PLAN_ROWS };
enum vocab_memory_row { VOCABULARY_MEMORY(VOCAB_X_ENUM) MEMORY_ROWS };
enum vocab_plane_row { VOCABULARY_PLANE(VOCAB_X_ENUM) PLANE_ROWS };
enum vocab_view_row { VOCABULARY_VIEW(VOCAB_X_ENUM) VIEW_ROWS };
enum vocab_edge_row { VOCABULARY_EDGE(VOCAB_X_ENUM) EDGE_ROWS };
enum vocab_reason_row { VOCABULARY_REASON(VOCAB_X_ENUM) REASON_ROWS };
enum vocab_refusal_row { VOCABULARY_REFUSAL(VOCAB_X_ENUM) REFUSAL_ROWS };
enum vocab_error_row { VOCABULARY_ERROR(VOCAB_X_ENUM) ERROR_ROWS };
enum vocab_buffer_row { VOCABULARY_BUFFER(VOCAB_X_ENUM) BUFFER_ROWS };
enum vocab_device_row { VOCABULARY_DEVICE(VOCAB_X_ENUM) DEVICE_ROWS };
enum vocab_role_row { VOCABULARY_ROLE(VOCAB_X_ENUM) ROLE_ROWS };
enum vocab_device_format_row { VOCABULARY_DEVICE_FORMAT(VOCAB_X_ENUM) DEVICE_FORMAT_ROWS };
enum vocab_heap_row { VOCABULARY_HEAP(VOCAB_X_ENUM) HEAP_ROWS };
enum vocab_machine_row { VOCABULARY_MACHINE(VOCAB_X_ENUM) MACHINE_ROWS };

extern const struct vocab_group vocab_request, vocab_participant, vocab_plan, vocab_memory,
	vocab_plane, vocab_view, vocab_edge, vocab_reason, vocab_refusal, vocab_error, vocab_buffer,
	vocab_device, vocab_role, vocab_device_format, vocab_heap, vocab_machine, vocab_colour,
	vocab_layout, vocab_cost, vocab_hop, vocab_collection, vocab_member;

/* Every group, ends with NULL. */
extern const struct vocab_group *const vocab_groups[];

/* The names of the enumerations, each ends with NULL; the enums beside their first use. */
extern const char *const vocab_origin_names[]; /* enum vocab_origin */
extern const char *const vocab_field_names[];
extern const char *const vocab_primaries_names[];
extern const char *const vocab_transfer_names[];
extern const char *const vocab_matrix_names[];
extern const char *const vocab_range_names[];
extern const char *const vocab_memory_objects_names[];

extern const char *const vocab_role_names[];
enum role {
	ROLE_CAPTURE,	/* V4L2 capture queue: the device writes */
	ROLE_OUTPUT,	/* V4L2 output queue: the device reads (encoder input, video output) */
	ROLE_SCANOUT,	/* DRM plane: the device reads */
	ROLE_WRITEBACK, /* DRM writeback connector: the device writes */
	ROLE_RENDER,	/* DRM render node: reads and writes */
	ROLE_CPU,	/* a process: reads and writes through a mapping */
};

extern const char *const vocab_cpu_access_names[];
enum cpu_access { CPU_ACCESS_NEVER, CPU_ACCESS_RARE, CPU_ACCESS_OFTEN };

extern const char *const vocab_completion_names[];
enum completion { COMPLETION_DEQUEUE, COMPLETION_IMPLICIT_FENCE, COMPLETION_SYNC_OBJECT };

extern const char *const vocab_kind_names[];
enum kind { KIND_V4L2, KIND_DRM };

extern const char *const vocab_coherency_names[];
enum coherency { COHERENCY_UNKNOWN, COHERENCY_COHERENT, COHERENCY_NON_COHERENT, COHERENCY_BARRIER };

extern const char *const vocab_memory_model_names[];
enum memory_model {
	MEMORY_MODEL_UNKNOWN,
	MEMORY_MODEL_VMALLOC,	 /* videobuf2-vmalloc */
	MEMORY_MODEL_DMA_CONTIG, /* videobuf2-dma-contig */
	MEMORY_MODEL_DMA_SG,	 /* videobuf2-dma-sg */
	MEMORY_MODEL_GEM_SHMEM,	 /* drm_gem_shmem_helper */
	MEMORY_MODEL_GEM_DMA,	 /* drm_gem_dma_helper */
	MEMORY_MODEL_OWN_MMU,	 /* a GPU with page tables of its own */
	MEMORY_MODEL_DEVICE,	 /* memory on the device */
};

extern const char *const vocab_contiguity_names[];
enum contiguity { CONTIGUITY_NONE, CONTIGUITY_USED, CONTIGUITY_WHOLE };

extern const char *const vocab_exporter_names[];
enum exporter {
	EXPORTER_DMA_HEAP,
	EXPORTER_UDMABUF,	  /* pages of a memfd */
	EXPORTER_UDMABUF_HUGETLB, /* one huge page of a memfd */
};

extern const char *const vocab_bounce_names[];
enum bounce {
	BOUNCE_UNKNOWN, /* what is out of reach may be bounced or refused: taken for refused */
	BOUNCE_NEVER,	/* swiotlb=noforce: what is out of reach is refused */
	BOUNCE_REACH,	/* what is out of reach is bounced */
	BOUNCE_ALWAYS,	/* swiotlb=force, confidential guests: all devices that no IOMMU serves */
};

extern const char *const vocab_xen_names[];
enum xen { XEN_NO, XEN_GUEST, XEN_CONTROL };

extern const char *const vocab_firmware_names[];
enum firmware { FIRMWARE_NONE, FIRMWARE_DEVICE_TREE, FIRMWARE_ACPI };

extern const char *const vocab_mapping_names[];
enum mapping { /* how the CPU sees a buffer's memory */
	       MAPPING_UNKNOWN,
	       MAPPING_CACHED,
	       MAPPING_UNCACHED,
	       MAPPING_WRITE_COMBINED,
	       MAPPING_NONE, /* protected: not at all */
};

extern const char *const vocab_cpu_cache_names[];
enum cpu_cache { CPU_CACHE_UNKNOWN, CPU_CACHE_PIPT, CPU_CACHE_VIPT, CPU_CACHE_VIVT };

extern const char *const vocab_maintenance_names[];
enum maintenance {
	MAINTENANCE_UNKNOWN,
	MAINTENANCE_ATTACHMENTS, /* every mapped attachment: system and CMA heap */
	MAINTENANCE_EXPORTER,	 /* only the exporter's own device: udmabuf */
	MAINTENANCE_HARMFUL, /* its own device is bounced: SYNC copies what was there before over
				what others have written (measured: 6.12 udmabuf, swiotlb=force) */
	MAINTENANCE_NONE,    /* nobody: SYNC waits for fences at most */
};

extern const char *const vocab_agent_names[];
enum agent {
	AGENT_CPU,	   /* through a mapping of a process */
	AGENT_CPU_COPYING, /* the driver, through a mapping of the kernel */
	AGENT_COHERENT,
	AGENT_NON_COHERENT,
	AGENT_UNKNOWN, /* may snoop or not */
	AGENT_BOUNCED, /* sees a copy in bounce buffers, which SYNC brings up to date */
};

extern const char *const vocab_operation_names[];
enum operation {
	OPERATION_NONE,
	OPERATION_CLEAN,      /* START(WRITE), END(WRITE) */
	OPERATION_INVALIDATE, /* START(READ), END(READ) */
	OPERATION_BOTH,	      /* clean, then invalidate */
};

extern const char *const vocab_collection_state_names[];
enum collection_state {
	COLLECTION_WAITING, /* for somebody to speak */
	COLLECTION_ALLOCATING,
	COLLECTION_READY,
	COLLECTION_ENDED, /* failed, cancelled, or given up: nobody gets anything any more */
};

extern const char *const vocab_member_state_names[];
enum member_state {
	MEMBER_UNBOUND, /* nobody has come with the token */
	MEMBER_BOUND,	/* and has not spoken */
	MEMBER_SPOKEN,
	MEMBER_LEFT, /* cleanly */
	MEMBER_DEAD, /* its connection ended; it was optional */
};

extern const char *const vocab_rule_names[];
enum rule { /* of preference, from left to right: solver/choose.c */
	    RULE_COPIES,
	    RULE_BOUNCE,
	    RULE_SLACK,
	    RULE_ALTERNATIVE,
	    RULE_FORMAT,
	    RULE_UNCACHED,
	    RULE_SCARCE,
	    RULE_ACCESS,
	    RULE_MODIFIER,
	    RULE_LINEAR,
	    RULE_BYTES,
	    RULES
};

extern const char *const vocab_constraint_names[];
enum constraint {
	CONSTRAINT_REQUEST, /* the request itself is wrong */
	CONSTRAINT_DEVICE,  /* the device cannot take foreign buffers, or is not there */
	CONSTRAINT_FORMAT,
	CONSTRAINT_SIZE, /* of the picture */
	CONSTRAINT_STRIDE,
	CONSTRAINT_OFFSET, /* of a plane */
	CONSTRAINT_BYTES,  /* of a buffer */
	CONSTRAINT_CONTIGUITY,
	CONSTRAINT_REACH,
	CONSTRAINT_MAINTENANCE, /* the heap's SYNC does not reach the device */
	CONSTRAINT_BOUNCE,	/* the device would see a copy, never the buffer itself */
	CONSTRAINT_SEGMENTS,	/* number and length of contiguous pieces */
	CONSTRAINT_KERNEL_MAP,	/* the driver copies through a mapping that the exporter gets wrong
				 */
	CONSTRAINT_HEAPS,	/* allowed and forbidden heaps, heaps that there are */
	CONSTRAINT_CAPACITY,
	CONSTRAINT_COUNT,
	CONSTRAINT_INCOMPLETE, /* nobody names a format, or only with wildcards */
	CONSTRAINT_LAYOUT,     /* nobody supplies the layout of a format that is not linear */
	CONSTRAINT_EXPRESS,    /* the device's interface has no words for the layout */
	CONSTRAINT_ALIGNMENT,  /* of the first byte's address */
	CONSTRAINT_PROTECTED,
	CONSTRAINT_COLOUR,
	CONSTRAINT_EXISTING,	/* what exists already, for a late participant */
	CONSTRAINT_REPORTED,	/* a participant's device has refused such memory */
	CONSTRAINT_CACHE_ALIAS, /* the CPU would have cache lines that SYNC does not reach */
	/* rules of preference: reasons, never refusals */
	CONSTRAINT_PREFERENCE, /* the participants' own order */
	CONSTRAINT_SCARCE,     /* scarce memory last */
	CONSTRAINTS
};

/*
 * Creates an empty record of `group`. Returns owned; vocab_destroy frees it.
 * Errors: -ENOMEM.
 */
int vocab_create(const struct vocab_group *group, void *ret_record);

/* Takes a record (or NULL): frees strings, lists and elements, closes its fds. */
void vocab_destroy(void *record);

/* Returns owned a deep copy; fds are not copied (absent in the copy). Errors: -ENOMEM. */
int vocab_copy(const void *record, void *ret_record);

/* Whether both records of a group say the same of a row: absent in both, or the same value with the
 * same origin. Of fds: whether both have one. */
bool vocab_equal(const void *a, const void *b, unsigned int row);

/* Returns the index of the row called `name`, or -ENOENT. */
int vocab_find(const struct vocab_group *group, const char *name);

/* Whether somebody gave the key a value. */
bool vocab_has(const void *record, unsigned int row);

/* Where the value of the key comes from; VOCAB_ABSENT if nobody gave one. */
enum vocab_origin vocab_origin(const void *record, unsigned int row);

/* The value of a BOOL, U32, U64, FOURCC, MODIFIER or ENUM row, or the row's default. */
uint64_t vocab_number(const void *record, unsigned int row);

/* Returns borrowed until the record changes: the value of a STRING row, or "" if absent. */
const char *vocab_string(const void *record, unsigned int row);

/* The name of an ENUM row's value. Returns borrowed for ever. */
const char *vocab_enum_name(const void *record, unsigned int row);

/* The index of `name` in a list of names, or -ENOENT. */
int vocab_name_index(const char *const *names, const char *name);

/*
 * Setters replace the value and its origin. Errors: -ERANGE (outside the row's limits, or no
 * UTF-8), -EOPNOTSUPP (an ENUM name that is known and not served), -ENOMEM; nothing changes then.
 * Numbers serve BOOL, U32, U64, FOURCC, MODIFIER and ENUM rows.
 */
int vocab_set_number(void *record, unsigned int row, uint64_t value, enum vocab_origin origin);
int vocab_set_string(void *record, unsigned int row, const char *value, enum vocab_origin origin);
/* Takes `fd` on success. */
int vocab_set_fd(void *record, unsigned int row, int fd, enum vocab_origin origin);
int vocab_add_string(void *record, unsigned int row, const char *value, enum vocab_origin origin);

/* Whether a list has this string. */
bool vocab_strings_have(const struct vocab_strings *list, const char *string);
int vocab_add_format(void *record, unsigned int row, uint32_t fourcc, uint64_t modifier,
		     enum vocab_origin origin);
int vocab_add_size(void *record, unsigned int row, uint32_t width, uint32_t height,
		   enum vocab_origin origin);
/* Creates an element of a DICTS row. Returns borrowed until `record` is destroyed. */
int vocab_add_dict(void *record, unsigned int row, enum vocab_origin origin, void *ret_element);
/* Takes `element` as a new element on success. Its group must be the row's. */
int vocab_take_dict(void *record, unsigned int row, void *element, enum vocab_origin origin);

/* printf into a STRING row; longer text is cut to the row's limit, what is no UTF-8 (then) becomes
 * '?'. Errors: -ENOMEM. */
int vocab_format_string(void *record, unsigned int row, enum vocab_origin origin,
			const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Gives a key back its absence; frees what it held. */
void vocab_clear(void *record, unsigned int row);

/* The index of the first required row that is absent, or -ENOENT. */
int vocab_missing(const void *record);

/* Where the value of a row lies. Returns borrowed. For codecs only. */
const void *vocab_value(const void *record, unsigned int row);

#endif
