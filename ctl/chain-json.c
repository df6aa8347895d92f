/* SPDX-License-Identifier: MIT */
/* The way of a buffer as data. */
#include <stdlib.h>

#include "ctl/chain.h"
#include "ctl/policy.h"
#include "ctl/text.h"

/* Takes `value`. */
static void add(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value || json_object_object_add(object, key, value) < 0)
		ctl_out_of_memory();
}

/* Takes `value`. */
static void append(struct json_object *list, struct json_object *value)
{
	if (!value || json_object_array_add(list, value) < 0)
		ctl_out_of_memory();
}

static void add_string(struct json_object *object, const char *key, const char *string)
{
	if (string)
		add(object, key, json_object_new_string(string));
}

static struct json_object *from_agent(const struct chain_agent *agent)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "name", agent->name);
	add_string(object, "agent", agent->kind);
	add_string(object, "role", agent->role);
	add_string(object, "node", agent->node);
	add(object, "writes", json_object_new_boolean(agent->writes));
	add(object, "reads", json_object_new_boolean(agent->reads));
	return object;
}

/* The ioctls in their order: ["START|WRITE", "END|WRITE"]. */
static struct json_object *ioctls_of(const struct chain_arrow *arrow)
{
	struct json_object *list = json_object_new_array();
	const struct policy_step *steps;
	size_t len = policy_steps(arrow->operation, &steps);
	char *flags;

	for (size_t i = 0; i < len; i++) {
		flags = text_format("%s|%s", steps[i].when, steps[i].what);
		append(list, json_object_new_string(flags));
		free(flags);
	}
	return list;
}

static struct json_object *from_arrow(const struct chain *chain, const struct chain_arrow *arrow)
{
	struct json_object *object = json_object_new_object();

	add_string(object, "from", chain->agents[arrow->from].name);
	add_string(object, "to", chain->agents[arrow->to].name);
	add(object, "back", json_object_new_boolean(arrow->back));
	add(object, "fence", json_object_new_boolean(arrow->fence));
	add_string(object, "operation", arrow->operation);
	add(object, "ioctls", ioctls_of(arrow));
	add_string(object, "by", arrow->by);
	if (arrow->has_cost)
		add(object, "cost-bytes", json_object_new_uint64(arrow->cost_bytes));
	add_string(object, "because", arrow->because);
	return object;
}

static struct json_object *from_chain(const struct chain *chain)
{
	struct json_object *object = json_object_new_object();
	struct json_object *agents = json_object_new_array(), *arrows = json_object_new_array();
	char *title = chain_title(chain);

	for (size_t i = 0; i < chain->agents_len; i++)
		append(agents, from_agent(&chain->agents[i]));
	for (size_t i = 0; i < chain->arrows_len; i++)
		append(arrows, from_arrow(chain, &chain->arrows[i]));
	add_string(object, "title", title);
	add(object, "agents", agents);
	add(object, "arrows", arrows);
	free(title);
	return object;
}

static struct json_object *from_hop(const struct chain_hop *hop)
{
	struct json_object *object = json_object_new_object();

	add(object, "from", json_object_new_uint64(hop->from));
	add(object, "to", json_object_new_uint64(hop->to));
	add(object, "bytes", json_object_new_uint64(hop->bytes));
	if (hop->producers)
		add(object, "producers", json_object_get(hop->producers));
	if (hop->consumers)
		add(object, "consumers", json_object_get(hop->consumers));
	return object;
}

struct json_object *chains_to_json(const struct chains *chains)
{
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array(), *copies = json_object_new_array();

	for (size_t i = 0; i < chains->len; i++)
		append(list, from_chain(&chains->items[i]));
	for (size_t i = 0; i < chains->hops_len; i++)
		append(copies, from_hop(&chains->hops[i]));
	add(object, "chains", list);
	add(object, "copies", copies);
	return object;
}
