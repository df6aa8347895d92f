/* SPDX-License-Identifier: MIT */
/* Heap nodes -> facts. */
#ifndef PROBE_HEAP_H
#define PROBE_HEAP_H

#include "broker/model/descriptor.h"
#include "broker/probe/probe.h"

/*
 * All facts of a heap but its id and node, which it has. What is not known is absent or assumed, to
 * the safe side; `how` says where each comes from.
 * Errors: -ENOTSUP: this kernel makes no buffers of such memory, as far as anybody knows.
 */
int heap_measure(const struct probe_node *node, const struct probe_options *options,
		 struct heap *heap);

#endif
