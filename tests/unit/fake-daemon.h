/* SPDX-License-Identifier: MIT */
/*
 * The other end of libdmabroker, which does what a test says and when it says it: it answers for
 * one collection on a socket of its own, in a child that is told by single letters. Its buffers are
 * memfds.
 */
#ifndef FAKE_DAEMON_H
#define FAKE_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum fake_order {
	FAKE_NEGOTIATE = 'n', /* a new generation is there: answers who waits, and tells */
	FAKE_QUIETLY = 'N',   /* the same without a word to those who do not wait */
	FAKE_HAND_OVER = 'h', /* tells that the newest generation has taken over */
	FAKE_END = 'e',	      /* answers who waits with Gone, and tells */
	FAKE_LATE = 'l',      /* a participant "late" comes to the newest plan, and tells */
	FAKE_SPLIT = 's',     /* plans from now on have two groups */
	FAKE_RACE = 'r',   /* a new generation comes with the next GetBuffers, before its answer */
	FAKE_SHRINK = 'S', /* the same, and it has fewer buffers */
	FAKE_DENY = 'd',   /* the next GetBuffers or HandOver is answered with an InvalidRequest */
	FAKE_CONSUMER = 'c', /* the caller is no initiator from now on, and has "b" */
	FAKE_PRODUCER = 'p', /* the caller is no initiator from now on, and has "a" */
	FAKE_WRONG = 'w',    /* the next call is answered in a wrong form */
	FAKE_REFUSE = 'x',   /* the next call is answered with a Conflict */
	FAKE_QUIT = 'q',     /* hangs up */
};

/* What has been asked of it so far. */
struct fake_seen {
	uint32_t waits;	       /* calls of Wait */
	uint32_t waiting;      /* of them not answered */
	uint32_t pages;	       /* calls of GetBuffers */
	uint32_t handed_over;  /* the last HandOver's generation */
	uint32_t participants; /* of the last Speak, or CreateCollection */
	uint32_t reported;     /* errno of the last Report */
	uint32_t released;     /* calls of Release */
};

struct fake {
	char address[128];
	pid_t child;
	int orders;
	int answers;
};

void fake_start(struct fake *fake);
/* Ends the child, which must have come to no harm. */
void fake_stop(struct fake *fake);
/* Gives an order and waits until it has been carried out. Returns what it has seen. */
struct fake_seen fake_order(struct fake *fake, enum fake_order order);
/* What it has seen. */
struct fake_seen fake_look(struct fake *fake);

#endif
