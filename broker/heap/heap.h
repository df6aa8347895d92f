/* SPDX-License-Identifier: MIT */
/* Plan -> buffers. Blocks: zeroing and CMA migration take their time. */
#ifndef HEAP_H
#define HEAP_H

#include <stdint.h>

#include "broker/model/vocabulary.h"

#define HEAP_NAME_MAX 31 /* bytes of a dma-buf's name; 32 is EINVAL (drivers/dma-buf/dma-buf.c) */

/*
 * Nodes are opened for reading, as the probe does it, so that what is planned can be opened: to
 * allocate needs no more (6.12 drivers/dma-buf/dma-heap.c and udmabuf.c do not look at it).
 *
 * Allocates one dma-buf of `bytes` (a multiple of the heap's granularity) from the device at `node`
 * and names it `name` (cut to HEAP_NAME_MAX). Returns owned the fd, close-on-exec.
 * Errors: -ENOENT, -ENODEV (the node is gone), -EACCES, -EPERM (we may not open it), -ENOMEM (the
 * heap has not enough), -EINVAL (more than the exporter gives in one piece), -EMFILE, -ENFILE.
 */
int heap_allocate(enum exporter exporter, const char *node, uint64_t bytes, const char *name);

/*
 * Makes a dma-buf of the first `bytes` of a memfd (borrowed), through udmabuf at `node`, and names
 * it. Returns owned the fd, close-on-exec. Errors: as heap_allocate; -EINVAL (its size, or a seal),
 * -EBADFD (no memfd).
 */
int heap_wrap(const char *node, int memory, uint64_t bytes, const char *name);

/* One kind of exporter: as heap_allocate, without the name. */
int heap_dmaheap_allocate(const char *node, uint64_t bytes);
int heap_udmabuf_allocate(const char *node, uint64_t bytes);
int heap_udmabuf_wrap(const char *node, int memory, uint64_t bytes);
/* `bytes` is the size of one huge page. Errors, too: -EINVAL: no pool has pages of that size. */
int heap_hugetlb_allocate(const char *node, uint64_t bytes);

#endif
