/* SPDX-License-Identifier: MIT */
/* What no probe can see of a driver. */
#ifndef PROBE_QUIRKS_H
#define PROBE_QUIRKS_H

#include "broker/model/descriptor.h"

enum quirk_answer { QUIRK_UNSAID, QUIRK_NO, QUIRK_YES };

/* 0 and MEMORY_MODEL_UNKNOWN: nothing is said. */
struct quirk {
	enum kind kind;
	const char *driver; /* as QUERYCAP or DRM_IOCTL_VERSION calls it */
	enum memory_model memory_model;
	enum quirk_answer imports;
	enum quirk_answer cpu_copies;
	uint8_t address_bits;
	uint16_t stride_align;
	const char *source; /* what says so */
};

/* Returns borrowed for ever; NULL: nothing is known. */
const struct quirk *quirk_find(enum kind kind, const char *driver);

#endif
