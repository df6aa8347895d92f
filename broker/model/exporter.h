/* SPDX-License-Identifier: MIT */
/* What is known of a dma-buf by the name of its exporter. */
#ifndef EXPORTER_H
#define EXPORTER_H

#include "broker/model/descriptor.h"
#include "broker/model/request.h"

/* The id of the heap of buffers that are brought: this, and the participant's name. */
#define EXPORTER_HEAP "brought:"

/* Memory of an application: udmabuf makes a dma-buf of it. No exporter of the kernel's is called
 * so. */
#define EXPORTER_NAME_MEMFD "memfd"
#define EXPORTER_NAME_MEMFD_HUGETLB "memfd-hugetlb"

/* Whether it is one of these two. */
bool exporter_is_memfd(const char *name);

/* Where the kernel's source says what is known of an exporter; NULL: nothing is known. Returns
 * borrowed for ever. */
const char *exporter_source(const char *name);

/* Whether what an exporter of this name has made is taken for memory of the device itself, in this
 * role: the kernel names the exporter's code, not the device. */
bool exporter_is_own(const char *name, const struct device *device, const struct device_role *role);

/*
 * What the buffers of a settled participant that brings some are like, as a heap that nothing can
 * be allocated from: its id is "brought:" and the participant's name. `device` and `role` are the
 * participant's, NULL: the CPU. What nobody knows is absent. Returns owned. Errors: -ENOMEM.
 */
int exporter_describe(const struct machine *machine, const struct participant *participant,
		      const struct device *device, const struct device_role *role,
		      struct heap **ret_heap);

#endif
