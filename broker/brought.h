/* SPDX-License-Identifier: MIT */
/* Buffers that clients bring: what an open file is, found out without trusting it. */
#ifndef BROKER_BROUGHT_H
#define BROKER_BROUGHT_H

#include "broker/model/error.h"
#include "broker/model/request.h"

/*
 * Finds out what the files are that participants bring, and writes exporter, bytes and inode of
 * each into its record, whatever its client wrote there. Nothing is opened by name, nothing is
 * mapped, and no file system of a client's is asked, which might never answer. `needed`: each
 * record must have a file, else it may say its exporter and bytes instead.
 * Errors, with details: InvalidRequest (neither a dma-buf nor a memfd that udmabuf takes, or one
 * file twice); -ENOMEM.
 */
int brought_recognise(struct request *request, bool needed, struct error *error);

#endif
