/* SPDX-License-Identifier: MIT */
/* DRM nodes -> facts. */
#ifndef PROBE_DRM_H
#define PROBE_DRM_H

#include "broker/probe/measure.h"
#include "broker/probe/trial.h"

/* Kind, driver and name of an open primary or render node; drops the master that opening it may
 * have made us. Errors: -ENOTSUP, -ENODEV, -ENOMEM. */
int drm_identify(struct measure *measure);

/* The roles. Errors: -ENOTSUP (a card without planes), -ENODEV, -ENOMEM. */
int drm_measure(struct measure *measure);

/* Adds the pairs of an IN_FORMATS blob, in its order; pairs that are there stay. A blob that
 * contradicts itself adds what makes sense. Errors: -ENOMEM. */
int drm_add_in_formats(struct device_role *role, const void *blob, size_t bytes);

/* --- drm-trial.c: what only a trial tells --- */

/*
 * Tries the device whose roles and their formats are known: whether it imports at all, whether it
 * takes scattered memory, which pitches and offsets it takes. Once per device and run: what was
 * found before (measure->previous) is taken over. At last, with or without a trial, what is not
 * known is assumed, on the safe side.
 */
void drm_try(struct measure *measure);

/* Which linear formats and which size of picture are tried, from the formats of the roles. */
void drm_choose_pictures(const struct device *device, struct trial *trial);

/* What a trial's answer means. A page may be refused for its address; `reached` says that it was
 * not: the device reaches all memory, and nothing is bounced. */
void drm_apply_trial(struct device *device, const struct quirk *quirk, bool reached,
		     const struct trial_answer *answer);

/* Takes over what a trial of the device's last measurement gave. Returns false if there was none.
 */
bool drm_adopt_trial(struct device *device, const struct device *previous);

/* Assumes what is still not known of strides and offsets. */
void drm_assume_pictures(struct device *device, const struct quirk *quirk);

#endif
