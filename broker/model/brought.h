/* SPDX-License-Identifier: MIT */
/* Buffers that a participant brings: dma-bufs allocated elsewhere, or memory of its own. */
#ifndef BROUGHT_H
#define BROUGHT_H

#include "broker/model/request.h"

/*
 * Checks what a participant with the key `buffers` says of them: each has bytes and an exporter
 * (which the broker finds out of the fd before), the same for all, and there is one layout that
 * fits a picture of this height. Without `formats` it gets that of the layout. `name` is for
 * errors.
 * Errors, with details: InvalidRequest, NotSupported (a memfd, and the machine has no udmabuf);
 * -ENOMEM.
 */
int brought_settle(struct participant *participant, const struct machine *machine, uint32_t height,
		   const char *name, struct error *error);

/* Checks that one participant at most brings buffers. Errors, with details: InvalidRequest. */
int brought_check_one(const struct request *request, struct error *error);

/* The participant that brings buffers; NULL: none. Returns borrowed until the request changes. */
struct participant *brought_find(const struct request *request);

/* Of a settled participant that brings buffers: who made them (returns borrowed until it changes),
 * the bytes of the smallest, and their layout (returns borrowed until it changes). */
const char *brought_exporter(const struct participant *participant);
uint64_t brought_bytes(const struct participant *participant);
const struct supplied_layout *brought_layout(const struct participant *participant);

#endif
