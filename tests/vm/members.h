/* SPDX-License-Identifier: MIT */
/*
 * Processes that take part in a collection with a real device each: a camera, an encoder, a
 * display. Each is a program of its own (this one, once more), has a connection of its own, and
 * does what it is told.
 *
 * Environment: DMABROKER_ADDRESS (of the daemon).
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <stdint.h>

#include "examples/picture.h"

#define MEMBERS_BUFFERS_MAX 16

enum member_kind { MEMBER_CAMERA, MEMBER_ENCODER, MEMBER_DISPLAY, MEMBERS };

enum member_command {
	MEMBER_BIND,  /* takes the token */
	MEMBER_SPEAK, /* says what its device needs, which it names by its open file */
	MEMBER_WAIT,  /* `number` milliseconds */
	/* Gives the buffers of the newest generation to the device, which lets go of all others.
	 * The inodes are those that the device shows. */
	MEMBER_IMPORT,
	/* The camera takes a picture, `number` says into which buffer. The others read that of
	 * buffer `number`; the encoder says how many bytes it makes of it, the display the sum of
	 * what it shows.
	 */
	MEMBER_FRAME,
	MEMBER_TOLD, /* waits until it has been told of event `number` */
	MEMBER_HAND_OVER
};

struct member_answer {
	int result; /* of the library */
	uint32_t generation, count;
	uint64_t number;
	uint64_t inodes[MEMBERS_BUFFERS_MAX];
	char text[8192]; /* the plan, for a person; or what the library says of a failure */
};

/* What a member is called in the plan. */
const char *member_name(enum member_kind kind);

/* Begins a process with the device `wanted`, a node or a part of a name. Returns its socket, on
 * which `pid` is told what to do; that ends with the socket. */
int member_start(enum member_kind kind, const char *wanted, int *ret_pid);

/* Has it done, and fails the test if the process ends. `token` may be NULL. */
struct member_answer member_do(int socket, enum member_command command, uint64_t number,
			       const char *token);

/* The colours of an XRGB8888 picture. */
uint64_t members_sum(const struct picture *picture, const void *memory);

/* Whether the command line is that of a member; then it has been one, until it was to end. */
int members_main(int argc, char **argv);

#endif
