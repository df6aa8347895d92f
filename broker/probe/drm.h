/* SPDX-License-Identifier: MIT */
/* DRM nodes -> facts. */
#ifndef PROBE_DRM_H
#define PROBE_DRM_H

#include "broker/model/descriptor.h"

/* The roles of an open primary or render node. Errors: -ENOTSUP (a card without planes), -ENODEV,
 * -ENOMEM. */
int drm_measure(int fd, struct device *device);

/* Adds the pairs of an IN_FORMATS blob, in its order; pairs that are there stay. A blob that
 * contradicts itself adds what makes sense. Errors: -ENOMEM. */
int drm_add_in_formats(struct device_role *role, const void *blob, size_t bytes);

#endif
