/* SPDX-License-Identifier: MIT */
#include "broker/model/change.h"

#include <string.h>

static bool is_quiet(const struct vocab_row *row)
{
	return strcmp(row->name, "how") == 0 || strcmp(row->name, "free-bytes") == 0;
}

static bool is_news(const struct vocab_head *now, const struct vocab_head *before);

/* Whether lists of records differ in more than what is quiet. */
static bool lists_are_news(const struct vocab_dicts *now, const struct vocab_dicts *before)
{
	if (now->len != before->len)
		return true;
	for (size_t i = 0; i < now->len; i++)
		if (is_news(now->items[i], before->items[i]))
			return true;
	return false;
}

static bool row_is_news(const struct vocab_head *now, const struct vocab_head *before,
			unsigned int index)
{
	const struct vocab_row *row = &now->group->rows[index];

	if (is_quiet(row) || row->flags & VOCAB_LOCAL)
		return false;
	if (row->type == VOCAB_DICTS)
		return lists_are_news(vocab_value(now, index), vocab_value(before, index));
	return !vocab_equal(now, before, index);
}

static bool is_news(const struct vocab_head *now, const struct vocab_head *before)
{
	for (unsigned int i = 0; i < now->group->rows_len; i++)
		if (row_is_news(now, before, i))
			return true;
	return false;
}

uint64_t change_find(const void *now, const void *before)
{
	const struct vocab_group *group = ((const struct vocab_head *)now)->group;
	uint64_t rows = 0;

	if (!is_news(now, before))
		return 0;
	for (unsigned int i = 0; i < group->rows_len; i++)
		if (!(group->rows[i].flags & VOCAB_LOCAL) && !vocab_equal(now, before, i))
			rows |= UINT64_C(1) << i;
	return rows;
}
