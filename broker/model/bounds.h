/* SPDX-License-Identifier: MIT */
/*
 * How far a negotiation goes: every number that bounds the solver, once. Limits of single keys
 * stand in vocabulary.h, those of the wire in protocol/limits.h. docs/limits.md repeats all; a test
 * compares.
 */
#ifndef BOUNDS_H
#define BOUNDS_H

#define BOUNDS(X)                                                                              \
	X(PARTICIPANT_DEPTH_MAX, 4, "levels of alternatives, one within the other")            \
	X(PARTICIPANT_LEAVES_MAX, 64,                                                          \
	  "alternatives of one participant in all, the innermost counted")                     \
	X(BOUND_COMBINATIONS, 1024, "combinations of alternatives that are looked at")         \
	X(BOUND_WORK, 1 << 22,                                                                 \
	  "formats, sizes, heaps, colours and layouts that are looked at, each once for each " \
	  "participant; as many again for who is to blame, and for what would do instead")     \
	X(BOUND_PAIRS, 65535, "different pairs of format and modifier")                        \
	X(BOUND_PLACES, 1 << 22, "pairs times lists of formats")                               \
	X(BOUND_SETS, 8, "minimal sets of a conflict")                                         \
	X(BOUND_SPLIT_PARTICIPANTS, 8, "participants up to which every split is looked at")    \
	X(BOUND_SPLIT_SHARES, 65536, "sets of participants times formats up to which it is")   \
	X(BOUND_SPLIT_FORMATS, 16, "formats that are looked at beyond")                        \
	X(BOUND_BOUNCE_BYTES, 262144,                                                          \
	  "bytes of one piece that bounces: IO_TLB_SEGSIZE * IO_TLB_SIZE, "                    \
	  "kernel/dma/swiotlb.c of Linux 6.12")

#define BOUNDS_X_ENUM(name, value, doc) name = (value),
enum bounds { BOUNDS(BOUNDS_X_ENUM) };

#endif
