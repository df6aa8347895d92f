/* SPDX-License-Identifier: MIT */
/* What happens on an arrow, in words. */
#include <stdlib.h>
#include <string.h>

#include "ctl/chain.h"
#include "ctl/policy.h"
#include "ctl/text.h"

bool chain_is_due(const struct chain_arrow *arrow)
{
	return strcmp(arrow->operation, "none") != 0;
}

char *chain_operation_words(const struct chain_arrow *arrow)
{
	const char *operation = arrow->operation;

	if (!chain_is_due(arrow))
		operation = arrow->fence ? "" : "nothing";
	else if (strcmp(operation, "clean+invalidate") == 0)
		operation = "clean, invalidate";
	return text_format("%s%s%s", arrow->fence ? "fence" : "",
			   arrow->fence && *operation ? ", " : "", operation);
}

const char *chain_fence_words(const struct chain_arrow *arrow)
{
	if (!arrow->fence)
		return "";
	return chain_is_due(arrow)
		       ? "first poll() waits for fences: START waits only after it has invalidated"
		       : "poll() waits for fences";
}

char *chain_ioctl_words(const struct chain_arrow *arrow)
{
	char *ioctls = policy_ioctls(arrow->operation, '|');
	char *words = text_format("%s%s", *ioctls ? "DMA_BUF_IOCTL_SYNC " : "", ioctls);

	free(ioctls);
	return words;
}

static bool is_same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

bool chain_is_alike(const struct chain_arrow *a, const struct chain_arrow *b)
{
	return a->fence == b->fence && is_same(a->operation, b->operation) &&
	       is_same(a->because, b->because);
}

bool chain_is_same_work(const struct chain_arrow *a, const struct chain_arrow *b)
{
	return chain_is_alike(a, b) && a->has_cost == b->has_cost &&
	       a->cost_bytes == b->cost_bytes && is_same(a->by, b->by);
}

char *chain_agent_words(const struct chain_agent *agent)
{
	bool device = agent->node || (agent->role && strcmp(agent->role, "cpu") != 0);

	return text_format("%s%s%s%s%s", agent->kind, device ? ", " : "",
			   device && agent->node ? agent->node : "",
			   device && agent->node && agent->role ? " " : "",
			   device && agent->role ? agent->role : "");
}

char *chain_group_words(const struct chains *chains, size_t index)
{
	const struct chain *chain = &chains->items[index];
	char *words = text_format("group %zu", index), *longer;
	const char *joint = ": ";

	for (size_t i = 0; i < chain->agents_len; i++) {
		if (chain->agents[i].copies)
			continue;
		longer = text_format("%s%s%s", words, joint, chain->agents[i].name);
		free(words);
		words = longer;
		joint = ", ";
	}
	return words;
}
