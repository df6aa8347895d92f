/* SPDX-License-Identifier: MIT */
/* One measurement of a device: what its steps know and share. Lives in probe_measure. */
#ifndef PROBE_MEASURE_H
#define PROBE_MEASURE_H

#include "broker/model/descriptor.h"
#include "broker/probe/probe.h"
#include "broker/probe/quirks.h"

/*
 * The steps, in this order: *_identify gives kind, driver and name; platform_identify the
 * compatible strings; then the quirks are known; platform_measure gives coherency, reach, IOMMU,
 * bouncing; at last *_measure gives the roles, with trials, whose verdicts depend on what the
 * platform bounces.
 */
struct measure {
	int fd; /* of the open node */
	const struct probe_node *node;
	const struct probe_options *options;
	const struct device *previous; /* NULL: it was never measured before */
	struct quirk quirk;
	struct device *device; /* what is being made */
	bool again;	       /* something was in use: worth asking once more */
};

#endif
