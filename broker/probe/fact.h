/* SPDX-License-Identifier: MIT */
/* How the probe writes facts: what is outside a row's limits is not written at all. */
#ifndef PROBE_FACT_H
#define PROBE_FACT_H

#include "broker/model/vocabulary.h"

/* A number that the row does not allow stays absent: then the row's default serves, which is the
 * safe side. The setter knows no other error for numbers. */
static inline void fact_number(void *record, unsigned int row, uint64_t value,
			       enum vocab_origin origin)
{
	(void)vocab_set_number(record, row, value, origin);
}

/*
 * A text of the kernel or of a device's firmware, at most `size` bytes, its end not guaranteed.
 * Whatever is not printable ASCII becomes '?': the text travels where only valid UTF-8 may.
 * Errors: -ENOMEM.
 */
int fact_text(void *record, unsigned int row, const void *text, size_t size);

/*
 * Says how the fact of `row` was obtained: one line in the list `how_row` of the same record, in
 * the place of an earlier one of that row. Without memory, or room in the list, nothing is said.
 */
void fact_how(void *record, unsigned int how_row, unsigned int row, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
