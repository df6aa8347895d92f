/* SPDX-License-Identifier: MIT */
/* What follows from how a driver keeps its buffers. */
#ifndef PROBE_ROLE_H
#define PROBE_ROLE_H

#include "broker/model/descriptor.h"
#include "broker/probe/quirks.h"

/* Memory model, and contiguity, CPU copies and DMA mapping as they follow from it. `model` may be
 * unknown; `quirk` may be NULL. */
void role_set_memory_model(struct device_role *role, enum memory_model model,
			   enum vocab_origin origin, const struct quirk *quirk);

#endif
