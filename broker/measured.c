/* SPDX-License-Identifier: MIT */
#include "broker/measured.h"

#include <string.h>

#include "broker/model/descriptor.h"
#include "broker/probe/fact.h"

/* How a fact was obtained, without its key; "": nobody said. */
static const char *how_of(const void *record, unsigned int how_row, const char *key)
{
	const struct vocab_strings *list = vocab_value(record, how_row);
	size_t len = strlen(key);

	for (size_t i = 0; i < list->len; i++)
		if (strncmp(list->items[i], key, len) == 0 &&
		    strncmp(list->items[i] + len, ": ", 2) == 0)
			return list->items[i] + len + 2;
	return "";
}

static bool is_lost(const void *known, const void *fresh, unsigned int row)
{
	enum vocab_origin now = vocab_origin(fresh, row);

	return vocab_origin(known, row) == VOCAB_MEASURED && now != VOCAB_MEASURED &&
	       now != VOCAB_QUIRK;
}

static void keep_numbers(const void *known, void *fresh, unsigned int how_row)
{
	const struct vocab_group *group = ((struct vocab_head *)fresh)->group;

	for (unsigned int row = 0; row < group->rows_len; row++) {
		if (group->rows[row].type >= VOCAB_STRING || !is_lost(known, fresh, row))
			continue;
		fact_number(fresh, row, vocab_number(known, row), VOCAB_MEASURED);
		fact_how(fresh, how_row, row, "%s", how_of(known, how_row, group->rows[row].name));
	}
}

static bool is_same_format(const void *a, const void *b)
{
	return vocab_equal(a, b, FORMAT_FORMAT) && vocab_equal(a, b, FORMAT_MODIFIER) &&
	       vocab_equal(a, b, FORMAT_V4L2_FORMAT);
}

static void keep_role(const struct device_role *known, struct device_role *fresh)
{
	keep_numbers(known, fresh, ROLE_HOW);
	for (size_t i = 0; i < fresh->formats.len; i++)
		for (size_t j = 0; j < known->formats.len; j++)
			if (is_same_format(known->formats.items[j], fresh->formats.items[i]))
				keep_numbers(known->formats.items[j], fresh->formats.items[i],
					     FORMAT_HOW);
}

void measured_keep(const struct device *known, struct device *fresh)
{
	if (!vocab_equal(known, fresh, DEVICE_DRIVER))
		return;
	keep_numbers(known, fresh, DEVICE_HOW);
	for (size_t i = 0; i < fresh->roles.len; i++) {
		struct device_role *role = (struct device_role *)fresh->roles.items[i];
		const struct device_role *before =
			device_find_role(known, (enum role)vocab_number(role, ROLE_ROLE));

		if (before)
			keep_role(before, role);
	}
}
