/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "tests/unit/solver-rows.h"

const struct row conflict_rows[] = {
	{NULL},
};
