/* SPDX-License-Identifier: MIT */
/* Facts for a person: value, origin, and how the fact was obtained. */
#ifndef CTL_FACTS_H
#define CTL_FACTS_H

#include "ctl/ctl.h"

/* "coherent [kernel]": `words` and the origin of the fact `key`; nothing is added where the fact is
 * absent. Returns owned; never NULL. */
char *facts_mark(const struct dmabroker_record *record, const char *key, const char *words);

/* The fact as a number, or `otherwise` where it is absent. */
uint64_t facts_number(const struct dmabroker_record *record, const char *key, uint64_t otherwise);

/*
 * Prints every fact of a record that is no list of records, a paragraph each: value, origin, how it
 * was obtained. Those called in `left_out` (ends with NULL) are not printed. Returns how many it
 * printed.
 */
size_t facts_show(const struct dmabroker_record *record, size_t indent,
		  const char *const *left_out);

/* How a fact was obtained: the record's own words, else those of its origin. Returns borrowed until
 * the record is destroyed; "" where the fact is absent. */
const char *facts_how(const struct dmabroker_record *record, const char *key);

/* Prints the machine's own facts in few lines. */
void facts_show_machine(const struct ctl *ctl, const struct dmabroker_record *machine);

#endif
