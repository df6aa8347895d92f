/* SPDX-License-Identifier: MIT */
/* What has changed between two measurements of a device or heap. */
#ifndef CHANGE_H
#define CHANGE_H

#include <stdint.h>

#include "broker/model/vocabulary.h"

_Static_assert(VOCAB_ROWS_MAX <= 64, "a set of rows is a uint64_t");

/*
 * The rows of which two records of one group say something else (another value, another origin,
 * absent in one of them), as a set: bit n is row n. Empty where nobody need be told: nothing has
 * changed, or only what is true for a moment (free-bytes) or says of another fact how it was
 * obtained (how). Rows that never leave the process are not looked at.
 */
uint64_t change_find(const void *now, const void *before);

#endif
