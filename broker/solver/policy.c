/* SPDX-License-Identifier: MIT */
/* The access policy of a plan: what has to happen on each way from one agent to the next. */
#include "broker/model/arith.h"
#include "broker/solver/search.h"

/*
 * Passes over a buffer for each attachment that SYNC acts on (arch/arm64/mm/dma-mapping.c, 6.12):
 * START(WRITE) does nothing, END(WRITE) cleans, START(READ) invalidates, END(READ) cleans once
 * more. Of a bounce buffer END(WRITE) and START(READ) copy.
 */
static uint64_t passes(enum operation operation)
{
	return (operation & OPERATION_CLEAN ? 1 : 0) + (operation & OPERATION_INVALIDATE ? 2 : 0);
}

static const char *because(enum operation operation, bool cached, bool bounced)
{
	if (bounced && operation)
		return "the kernel copies through bounce buffers, and only then";
	if (!cached)
		return "the heap's mappings are not cached";
	switch (operation) {
	case OPERATION_CLEAN:
		return "the newest data may sit in a CPU cache, and the next one looks into memory";
	case OPERATION_INVALIDATE:
		return "memory is newest, and the next one may find old lines in a CPU cache";
	case OPERATION_BOTH:
		return "of one of them it is not known whether it snoops: what either kind needs";
	default:
		return "both see the same data: through the CPU caches, or both in memory";
	}
}

int policy_add_edge(struct plan *plan, const struct policy_end *from, const struct policy_end *to,
		    const struct policy_buffer *buffer)
{
	struct access_due due = access_pass(&from->agent, &to->agent, buffer->cached);
	bool bounced = from->agent.kind == AGENT_BOUNCED || to->agent.kind == AGENT_BOUNCED;
	uint64_t cost;
	struct edge *edge;
	int error = vocab_add_dict(plan, PLAN_POLICY, VOCAB_SOLVED, &edge);

	if (!error)
		error = vocab_set_string(edge, EDGE_FROM, from->name, VOCAB_SOLVED);
	if (!error)
		error = vocab_set_string(edge, EDGE_TO, to->name, VOCAB_SOLVED);
	if (!error)
		error = vocab_set_string(edge, EDGE_BY, from->name, VOCAB_SOLVED);
	if (!error)
		error = vocab_set_string(edge, EDGE_BECAUSE,
					 because(due.operation, buffer->cached, bounced),
					 VOCAB_SOLVED);
	if (error)
		return error;
	if (!arith_mul(passes(due.operation) * buffer->attachments, buffer->bytes, &cost))
		cost = UINT64_MAX;
	vocab_set_number(edge, EDGE_OPERATION, due.operation, VOCAB_SOLVED);
	vocab_set_number(edge, EDGE_FENCE, due.wait != 0, VOCAB_SOLVED);
	vocab_set_number(edge, EDGE_COST_BYTES, cost, VOCAB_SOLVED);
	return 0;
}

enum completion policy_completion(const struct party *party)
{
	if (vocab_has(party->record, PARTICIPANT_COMPLETION))
		return (enum completion)party->record->completion;
	return party->is_v4l2 ? COMPLETION_DEQUEUE : COMPLETION_IMPLICIT_FENCE;
}

struct policy_end policy_end_of(const struct party *party, bool bounced)
{
	return (struct policy_end){
		.name = party->name,
		.agent = {.kind = choose_agent(party, bounced),
			  .may_write = party->writes,
			  .synced = party->incoherent || bounced,
			  .fences = party->device && role_fences((enum role)party->record->role,
								 policy_completion(party)),
			  .waits = role_waits((enum role)party->record->role)},
	};
}

struct policy_buffer policy_buffer_of(const struct search *search, uint32_t parties,
				      const struct option *option)
{
	uint64_t synced = 0;

	for (unsigned int i = 0; i < search->parties_len; i++)
		synced += parties >> i & 1 &&
			  (search->parties[i].incoherent || option->bounced >> i & 1);
	if (option->store->maintenance == MAINTENANCE_EXPORTER)
		synced = 1; /* through its own device, whoever has it mapped */
	return (struct policy_buffer){
		.cached = option->store->cached,
		.attachments = synced,
		.bytes = option->key[RULE_BYTES],
	};
}
