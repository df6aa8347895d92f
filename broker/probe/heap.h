/* SPDX-License-Identifier: MIT */
/* Heap nodes -> facts. */
#ifndef PROBE_HEAP_H
#define PROBE_HEAP_H

#include "broker/model/descriptor.h"

/* `heap` has its id; `exporter` says which kind of node it is. */
void heap_measure(enum exporter exporter, struct heap *heap);

#endif
