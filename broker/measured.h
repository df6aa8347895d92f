/* SPDX-License-Identifier: MIT */
/* Facts that a trial has found, and a later measurement has not looked for. */
#ifndef MEASURED_H
#define MEASURED_H

struct device;

/*
 * Carries over to `fresh`, of the same device, each measured number of `known` in whose place it
 * has none that is measured (or said by a quirk), and how that was obtained. Roles and formats that
 * only one of them has are left alone, and so is all if the driver is another.
 */
void measured_keep(const struct device *known, struct device *fresh);

#endif
