/* SPDX-License-Identifier: MIT */
#include "broker/model/plan.h"

#include <string.h>

static const struct view *find_in(const struct plan *plan, const char *participant)
{
	for (size_t i = 0; i < plan->participants.len; i++)
		if (strcmp(vocab_string(plan->participants.items[i], VIEW_NAME), participant) == 0)
			return (const struct view *)plan->participants.items[i];
	return NULL;
}

const struct view *plan_find_view(const struct plan **plan, const char *participant)
{
	const struct vocab_dicts *groups = &(*plan)->groups;

	if (!groups->len)
		return find_in(*plan, participant);
	for (size_t i = 0; i < groups->len; i++) {
		const struct plan *group = (const struct plan *)groups->items[i];
		const struct view *view = find_in(group, participant);

		if (view) {
			*plan = group;
			return view;
		}
	}
	return NULL;
}

bool role_fences(enum role role, enum completion completion)
{
	return completion == COMPLETION_IMPLICIT_FENCE && role != ROLE_SCANOUT &&
	       role != ROLE_WRITEBACK && role != ROLE_CPU;
}

bool role_waits(enum role role)
{
	return role == ROLE_RENDER || role == ROLE_SCANOUT;
}
