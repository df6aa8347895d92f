/* SPDX-License-Identifier: MIT */
/*
 * What comes out of an encoder: coded frames in buffers of the driver's own, which nobody shares.
 * FWHT, the format of the kernel's virtual codec. Ends the process on errors. Knows nothing of the
 * broker.
 */
#ifndef CODED_H
#define CODED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CODED_BUFFERS 4

struct coded {
	int fd; /* of the encoder */
	void *data[CODED_BUFFERS];
};

/* Sets the format: to be called before that of the encoder's input is set. */
void coded_begin(struct coded *coded, int fd, uint32_t width, uint32_t height);

/* Makes buffers and starts. */
void coded_start(struct coded *coded);

/* Writes a coded frame to `file` (or nowhere, if NULL) if there is one, and answers how many bytes
 * it has; `last` becomes true if no more come. */
uint32_t coded_write(struct coded *coded, FILE *file, bool *last);

/* Tells the encoder that it has all frames. */
void coded_drain(struct coded *coded);

void coded_stop(struct coded *coded);

#endif
