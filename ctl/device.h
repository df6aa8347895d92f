/* SPDX-License-Identifier: MIT */
/* Finds the device that a person means. */
#ifndef CTL_DEVICE_H
#define CTL_DEVICE_H

#include "ctl/ctl.h"

/*
 * `text` is the id of a device, its node path or a link to it, or a part of id or name that only
 * one device has. `*ret_id` is borrowed until the devices are destroyed.
 */
int device_find(struct dmabroker_record *const *devices, size_t len, const char *text,
		const char **ret_id);

#endif
