/* SPDX-License-Identifier: MIT */
/*
 * The way of a buffer through the agents of a plan.
 *
 * The policy of a plan has a row for each writer and each who may come next. Those between a writer
 * and who reads from it are the frame's way. From the last on that way the buffer returns to the
 * first, for the next frame; where the last has written as well, the policy has a row for that,
 * too. Where it has only read, nothing new is due: what the last writer left is, less what was done
 * for the last reader (back_rest). Example: a CPU draws, and a display that does not snoop shows.
 * CPU -> display is `clean`; on the way back nothing is due, as the display writes nothing.
 */
#include "ctl/chain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

#define CLEAN 1u
#define INVALIDATE 2u

/* ---- JSON ---- */

static struct json_object *get(struct json_object *object, const char *key, json_type type)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static const char *get_string(struct json_object *object, const char *key, const char *otherwise)
{
	struct json_object *value = get(object, key, json_type_string);

	return value ? json_object_get_string(value) : otherwise;
}

static uint64_t get_number(struct json_object *object, const char *key, uint64_t otherwise)
{
	struct json_object *value = get(object, key, json_type_int);

	return value ? json_object_get_uint64(value) : otherwise;
}

static bool get_bool(struct json_object *object, const char *key, bool otherwise)
{
	struct json_object *value = get(object, key, json_type_boolean);

	return value ? json_object_get_boolean(value) : otherwise;
}

static size_t get_len(struct json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

static bool has_name(struct json_object *list, const char *name)
{
	struct json_object *item;

	for (size_t i = 0; i < get_len(list); i++) {
		item = json_object_array_get_idx(list, i);
		if (json_object_is_type(item, json_type_string) &&
		    strcmp(json_object_get_string(item), name) == 0)
			return true;
	}
	return false;
}

char *chain_names(struct json_object *list)
{
	char *names = text_format("%s", get_len(list) ? "" : "-"), *longer;
	struct json_object *item;

	for (size_t i = 0; i < get_len(list); i++) {
		item = json_object_array_get_idx(list, i);
		longer = text_format("%s%s%s", names, i ? ", " : "",
				     item ? json_object_get_string(item) : "?");
		free(names);
		names = longer;
	}
	return names;
}

/* ---- is it a plan ---- */

/* A list of at most `max` objects, each of which has these strings (ends with NULL). */
static int check_list(const char *where, struct json_object *plan, const char *key, size_t max,
		      const char *const *strings)
{
	struct json_object *list = get(plan, key, json_type_array), *item;

	if (!list && json_object_object_get_ex(plan, key, NULL))
		return ctl_error(CTL_USAGE, "%s: %s: right is a list of objects", where, key);
	if (get_len(list) > max)
		return ctl_error(CTL_USAGE, "%s: %s: more than %zu", where, key, max);
	for (size_t i = 0; i < get_len(list); i++) {
		item = json_object_array_get_idx(list, i);
		if (!json_object_is_type(item, json_type_object))
			return ctl_error(CTL_USAGE, "%s: %s[%zu]: right is an object", where, key,
					 i);
		for (size_t k = 0; strings[k]; k++)
			if (!get(item, strings[k], json_type_string))
				return ctl_error(CTL_USAGE, "%s: %s[%zu].%s: right is a string",
						 where, key, i, strings[k]);
	}
	return 0;
}

static const char *const agent_strings[] = {"name", NULL};
static const char *const edge_strings[] = {"from", "to", "operation", NULL};
static const char *const no_strings[] = {NULL};

/* A plan with buffers of its own, or a group. */
static int check_plan(const char *where, struct json_object *plan)
{
	int status;

	if (!json_object_object_get_ex(plan, "participants", NULL))
		return ctl_error(CTL_USAGE,
				 "%s: no plan: it has no participants; right is what 'plan "
				 "--json' prints",
				 where);
	if (!json_object_object_get_ex(plan, "policy", NULL))
		return ctl_error(CTL_USAGE,
				 "%s: no plan: it has no policy; right is what 'plan "
				 "--json' prints",
				 where);
	status = check_list(where, plan, "participants", CHAIN_AGENTS_MAX, agent_strings);
	return status ? status : check_list(where, plan, "policy", 512, edge_strings);
}

/* ---- agents ---- */

static struct json_object *policy_of(const struct chain *chain)
{
	return get(chain->plan, "policy", json_type_array);
}

/* The row of the policy between two agents, or NULL. */
static struct json_object *find_row(const struct chain *chain, size_t from, size_t to)
{
	struct json_object *policy = policy_of(chain), *row;

	for (size_t i = 0; i < get_len(policy); i++) {
		row = json_object_array_get_idx(policy, i);
		if (strcmp(get_string(row, "from", ""), chain->agents[from].name) == 0 &&
		    strcmp(get_string(row, "to", ""), chain->agents[to].name) == 0)
			return row;
	}
	return NULL;
}

static bool is_in_policy(const struct chain *chain, const char *key, const char *name)
{
	struct json_object *policy = policy_of(chain);

	for (size_t i = 0; i < get_len(policy); i++)
		if (strcmp(get_string(json_object_array_get_idx(policy, i), key, ""), name) == 0)
			return true;
	return false;
}

/* What the request says of a participant, or NULL. */
static const struct dmabroker_record *find_asked(const struct dmabroker_record *request,
						 const char *name)
{
	const struct dmabroker_record *record;

	for (size_t i = 0;
	     request && dmabroker_record_get_record(request, "participants", i, &record) == 0; i++)
		if (strcmp(text_string(record, "name", ""), name) == 0)
			return record;
	return NULL;
}

static struct json_object *list_of(const struct dmabroker_record *record, const char *key)
{
	struct json_object *list = json_object_new_array();
	const char *string;

	for (size_t i = 0; dmabroker_record_get_string_at(record, key, i, &string) == 0; i++)
		if (json_object_array_add(list, json_object_new_string(string)) < 0)
			ctl_out_of_memory();
	return list;
}

static void add_agent(struct chain *chain, struct json_object *view,
		      const struct dmabroker_record *request)
{
	struct chain_agent *agent = &chain->agents[chain->agents_len++];
	const struct dmabroker_record *asked;

	agent->name = get_string(view, "name", "?");
	agent->kind = get_string(view, "agent", "unknown");
	agent->role = get_string(view, "role", NULL);
	agent->node = get_string(view, "node", NULL);
	agent->completion = get_string(view, "completion", NULL);
	asked = find_asked(request, agent->name);
	agent->writes = get_bool(view, "writes", is_in_policy(chain, "from", agent->name));
	agent->reads = get_bool(view, "reads", is_in_policy(chain, "to", agent->name));
	if (asked && dmabroker_record_get_len(asked, "reads-from"))
		agent->reads_from = list_of(asked, "reads-from");
}

/* Names are those of one participant, but for who copies: it takes part in several groups. */
static bool is_elsewhere(const struct chains *chains, size_t own, const char *name)
{
	struct json_object *views;

	for (size_t i = 0; i < chains->len; i++) {
		views = get(chains->items[i].plan, "participants", json_type_array);
		for (size_t k = 0; i != own && k < get_len(views); k++)
			if (strcmp(get_string(json_object_array_get_idx(views, k), "name", ""),
				   name) == 0)
				return true;
	}
	return false;
}

static void add_agents(struct chains *chains, size_t own, const struct dmabroker_record *request)
{
	struct chain *chain = &chains->items[own];
	struct json_object *views = get(chain->plan, "participants", json_type_array);

	for (size_t i = 0; i < get_len(views); i++) {
		add_agent(chain, json_object_array_get_idx(views, i), request);
		chain->agents[i].copies = is_elsewhere(chains, own, chain->agents[i].name);
	}
}

/* ---- who reads from whom ---- */

/* Whether a copy into this chain (or out of it) is for `name` (or of its frames). */
static bool is_hop(const struct chains *chains, size_t own, bool into, const char *name)
{
	const struct chain_hop *hop;

	for (size_t i = 0; i < chains->hops_len; i++) {
		hop = &chains->hops[i];
		if (into && hop->to == own && has_name(hop->consumers, name))
			return true;
		if (!into && hop->from == own && has_name(hop->producers, name))
			return true;
	}
	return false;
}

static bool feeds(const struct chains *chains, size_t own, size_t from, size_t to)
{
	const struct chain_agent *writer = &chains->items[own].agents[from];
	const struct chain_agent *reader = &chains->items[own].agents[to];

	if (from == to || !writer->writes || !reader->reads)
		return false;
	if (writer->copies)
		return is_hop(chains, own, true, reader->name);
	if (reader->copies)
		return is_hop(chains, own, false, writer->name);
	return !reader->reads_from || has_name(reader->reads_from, writer->name);
}

/* How many of those that are not placed yet feed an agent. */
static size_t count_feeders(const struct chains *chains, size_t own, size_t placed, size_t to)
{
	size_t count = 0;

	for (size_t i = placed; i < chains->items[own].agents_len; i++)
		count += feeds(chains, own, i, to);
	return count;
}

/* Producers first; in a circle whoever reads from fewest. Else the order stays. */
static void order(struct chains *chains, size_t own)
{
	struct chain *chain = &chains->items[own];
	size_t best, fewest, count;

	for (size_t placed = 0; placed < chain->agents_len; placed++) {
		struct chain_agent next;

		fewest = SIZE_MAX;
		best = placed;
		for (size_t i = placed; i < chain->agents_len; i++) {
			count = count_feeders(chains, own, placed, i);
			if (count < fewest) {
				fewest = count;
				best = i;
			}
		}
		next = chain->agents[best];
		memmove(&chain->agents[placed + 1], &chain->agents[placed],
			(best - placed) * sizeof(next));
		chain->agents[placed] = next;
	}
}

/* ---- arrows ---- */

/* Whether its driver leaves fences in the buffer: rendering does, scanout and V4L2 do not. */
static bool has_fences(const struct chain_agent *agent)
{
	static const char *const without[] = {"scanout", "writeback", "cpu", NULL};

	return agent->completion && strcmp(agent->completion, "implicit-fence") == 0 &&
	       !(agent->role && text_is_one_of(agent->role, without));
}

/* Whether its driver waits for the fences of others. */
static bool waits_itself(const struct chain_agent *agent)
{
	static const char *const waits[] = {"render", "scanout", NULL};

	return agent->role && text_is_one_of(agent->role, waits);
}

/* Whether fences that `from` left are waited for, where the plan has no row that says so: before
 * maintenance, and for who does not wait itself (docs/access-policy.md). */
static bool needs_fence(const struct chain *chain, const struct chain_arrow *arrow, size_t from)
{
	return has_fences(&chain->agents[from]) &&
	       (chain_is_due(arrow) || !waits_itself(&chain->agents[arrow->to]));
}

/* The same where `from` has but read: before a clean, as START(WRITE) waits for readers, too. */
static bool needs_fence_of_reader(const struct chain *chain, const struct chain_arrow *arrow,
				  size_t from)
{
	bool clean = strncmp(arrow->operation, "clean", 5) == 0;

	return has_fences(&chain->agents[from]) &&
	       (clean || !waits_itself(&chain->agents[arrow->to]));
}

static struct chain_arrow *add_arrow(struct chain *chain, size_t from, size_t to, bool back)
{
	struct chain_arrow *arrow = &chain->arrows[chain->arrows_len++];
	struct json_object *row = find_row(chain, from, to);

	arrow->from = from;
	arrow->to = to;
	arrow->back = back;
	arrow->operation = get_string(row, "operation", "none");
	arrow->because = get_string(row, "because", "");
	arrow->by = get_string(row, "by", NULL);
	arrow->has_cost = get(row, "cost-bytes", json_type_int);
	arrow->cost_bytes = get_number(row, "cost-bytes", 0);
	arrow->fence = get_bool(row, "fence", needs_fence(chain, arrow, from));
	return arrow;
}

static void add_ways(struct chains *chains, size_t own)
{
	struct chain *chain = &chains->items[own];

	for (size_t i = 0; i < chain->agents_len; i++)
		for (size_t j = 0; j < chain->agents_len; j++)
			if (feeds(chains, own, i, j))
				add_arrow(chain, i, j, false);
}

/* The arrow on the frame's way; NULL: there is none. */
static const struct chain_arrow *find_arrow(const struct chain *chain, size_t from, size_t to)
{
	for (size_t i = 0; i < chain->arrows_len; i++)
		if (!chain->arrows[i].back && chain->arrows[i].from == from &&
		    chain->arrows[i].to == to)
			return &chain->arrows[i];
	return NULL;
}

static bool has_arrow(const struct chain *chain, size_t from, size_t to)
{
	return find_arrow(chain, from, to);
}

/* Whether a fence of somebody on the way may still be pending when `last` is done: of who wrote if
 * `last` waited for it itself, of who but read always, as a reader waits for who writes only. */
static bool leaves_fence(const struct chain *chain, const struct chain_arrow *back, size_t i,
			 size_t last)
{
	const struct chain_arrow *arrow = find_arrow(chain, i, last);

	if (!arrow)
		return false;
	return chain->agents[i].writes ? !arrow->fence && needs_fence(chain, back, i)
				       : needs_fence_of_reader(chain, back, i);
}

/* The first on the frame's way: nobody before them feeds them, but they feed somebody. */
static bool is_first(const struct chain *chain, size_t agent)
{
	bool out = false;

	for (size_t i = 0; i < chain->agents_len; i++) {
		if (i < agent && has_arrow(chain, i, agent))
			return false;
		out |= has_arrow(chain, agent, i);
	}
	return out;
}

/* The last: fed by somebody, and feeding nobody behind them. */
static bool is_last(const struct chain *chain, size_t agent)
{
	bool in = false;

	for (size_t i = 0; i < chain->agents_len; i++) {
		if (i > agent && has_arrow(chain, agent, i))
			return false;
		in |= i < agent && has_arrow(chain, i, agent);
	}
	return in;
}

/* Whether frames of `from` come to `to`, going forward. */
static bool reaches(const struct chain *chain, size_t from, size_t to)
{
	bool reached[CHAIN_AGENTS_MAX] = {false};

	reached[from] = true;
	for (size_t i = from; i <= to; i++)
		for (size_t j = i + 1; reached[i] && j <= to; j++)
			reached[j] |= has_arrow(chain, i, j);
	return reached[to];
}

static unsigned int bits_of(const char *operation)
{
	return (strstr(operation, "clean") ? CLEAN : 0) |
	       (strstr(operation, "invalidate") ? INVALIDATE : 0);
}

static unsigned int row_bits(const struct chain *chain, size_t from, size_t to)
{
	return bits_of(get_string(find_row(chain, from, to), "operation", "none"));
}

static bool is_cached(const struct chain *chain)
{
	return get_bool(chain->plan, "cached", true); /* unknown: the safe side */
}

/* Whether `last` reads what `writer` has written, and nobody in between has written since. */
static bool is_last_writer(const struct chain *chain, size_t writer, size_t last)
{
	for (size_t i = writer + 1; i < last; i++)
		if (has_arrow(chain, writer, i) && has_arrow(chain, i, last))
			return false;
	return has_arrow(chain, writer, last);
}

/*
 * `last` has only read. What is due before `first` begins again is then what `writer`, who was the
 * last to write, left for it, less what was done for `last`; for its own data nothing is.
 */
static void add_rest(struct chain *chain, struct chain_arrow *arrow, size_t writer)
{
	static const char *const operations[] = {"none", "clean", "invalidate", "clean+invalidate"};
	unsigned int all = row_bits(chain, writer, arrow->to);
	unsigned int rest = all & ~row_bits(chain, writer, arrow->from);
	struct json_object *row = find_row(chain, writer, arrow->to);

	if (writer == arrow->to || !rest)
		return;
	arrow->operation = operations[rest | bits_of(arrow->operation)];
	arrow->because = get_string(row, "because", "");
	arrow->by = get_string(row, "by", NULL);
	arrow->has_cost = rest == all && get(row, "cost-bytes", json_type_int);
	arrow->cost_bytes = arrow->has_cost ? get_number(row, "cost-bytes", 0) : 0;
}

static void add_way_back(struct chain *chain, size_t last, size_t first)
{
	struct chain_arrow *arrow = add_arrow(chain, last, first, true);

	if (find_row(chain, last, first))
		return;
	arrow->because = is_cached(chain) ? "who only reads leaves nothing to do"
					  : "the heap's mappings are not cached";
	for (size_t i = 0; i < last; i++)
		if (is_last_writer(chain, i, last))
			add_rest(chain, arrow, i);
	arrow->fence = needs_fence_of_reader(chain, arrow, last);
	for (size_t i = first + 1; i < last; i++)
		arrow->fence |= leaves_fence(chain, arrow, i, last);
}

static void add_ways_back(struct chain *chain)
{
	for (size_t i = 0; i < chain->agents_len; i++)
		for (size_t j = 0; j < i && is_last(chain, i); j++)
			if (is_first(chain, j) && reaches(chain, j, i) && !has_arrow(chain, i, j))
				add_way_back(chain, i, j);
}

static void add_arrows(struct chains *chains, size_t own)
{
	struct chain *chain = &chains->items[own];

	/* each pair once: a way back is no way forward */
	chain->arrows = calloc(chain->agents_len * chain->agents_len + 1, sizeof(*chain->arrows));
	if (!chain->arrows)
		ctl_out_of_memory();
	add_ways(chains, own);
	add_ways_back(chain);
}

/* ---- all of it ---- */

static int add_hops(const char *where, struct chains *chains)
{
	struct json_object *hops = get(chains->plan, "hops", json_type_array), *item;
	int status = check_list(where, chains->plan, "hops", CHAIN_HOPS_MAX, no_strings);

	if (status)
		return status;
	chains->hops = calloc(get_len(hops) + 1, sizeof(*chains->hops));
	if (!chains->hops)
		ctl_out_of_memory();
	for (size_t i = 0; i < get_len(hops); i++) {
		struct chain_hop *hop = &chains->hops[chains->hops_len++];

		item = json_object_array_get_idx(hops, i);
		hop->from = get_number(item, "from", SIZE_MAX);
		hop->to = get_number(item, "to", SIZE_MAX);
		hop->bytes = get_number(item, "bytes", 0);
		hop->producers = get(item, "producers", json_type_array);
		hop->consumers = get(item, "consumers", json_type_array);
		if (hop->from >= chains->len || hop->to >= chains->len || hop->from == hop->to)
			return ctl_error(CTL_USAGE, "%s: hops[%zu]: no copy from group to group",
					 where, i);
	}
	return 0;
}

static int add_group(const char *where, struct chains *chains, struct json_object *plan,
		     size_t index)
{
	char *label = text_format("%s: groups[%zu]", where, index);
	int status = check_plan(label, plan);

	free(label);
	chains->items[chains->len++].plan = plan;
	return status;
}

static int add_plans(const char *where, struct chains *chains)
{
	struct json_object *groups = get(chains->plan, "groups", json_type_array);
	size_t len = get_len(groups);
	int status = check_list(where, chains->plan, "groups", CHAIN_GROUPS_MAX, no_strings);

	if (!status && !len)
		status = check_plan(where, chains->plan);
	if (status)
		return status;
	chains->items = calloc(len + 1, sizeof(*chains->items));
	if (!chains->items)
		ctl_out_of_memory();
	for (size_t i = 0; i < len && !status; i++)
		status = add_group(where, chains, json_object_array_get_idx(groups, i), i);
	if (!len)
		chains->items[chains->len++].plan = chains->plan;
	return status;
}

int chains_create(const char *where, struct json_object *plan,
		  const struct dmabroker_record *request, struct chains *ret_chains)
{
	struct chains chains = {.plan = plan};
	int status = add_plans(where, &chains);

	if (!status)
		status = add_hops(where, &chains);
	if (status) {
		chains_finish(&chains);
		return status;
	}
	for (size_t i = 0; i < chains.len; i++) {
		add_agents(&chains, i, request);
		order(&chains, i);
		add_arrows(&chains, i);
	}
	*ret_chains = chains;
	return 0;
}

void chains_finish(struct chains *chains)
{
	for (size_t i = 0; i < chains->len; i++) {
		for (size_t k = 0; k < chains->items[i].agents_len; k++)
			json_object_put(chains->items[i].agents[k].reads_from);
		free(chains->items[i].arrows);
	}
	free(chains->items);
	free(chains->hops);
	json_object_put(chains->plan);
}

/* "from heap system", "brought by camera: videobuf2_vmalloc" */
static char *whence(struct json_object *plan)
{
	struct json_object *memory = get(plan, "memory", json_type_array);
	const char *by = get_string(plan, "brought-by", "");

	if (!by[0])
		return text_format("from heap %s", get_string(plan, "heap", "?"));
	memory = get_len(memory) ? json_object_array_get_idx(memory, 0) : NULL;
	return text_format("brought by %s: %s", by, get_string(memory, "exporter", "?"));
}

char *chain_title(const struct chain *chain)
{
	struct json_object *plan = chain->plan, *planes = get(plan, "planes", json_type_array),
			   *plane = get_len(planes) ? json_object_array_get_idx(planes, 0) : NULL;
	const char *modifier = get_string(plan, "modifier", "0x0");
	bool linear = strcmp(modifier, "0x0") == 0;
	char *from = whence(plan), *title;

	title = text_format("%" PRIu64 " buffers of %" PRIu64 " bytes %s: %" PRIu64 "x%" PRIu64
			    " %s%s%s, stride %" PRIu64 ", %s",
			    get_number(plan, "count", 0), get_number(plan, "picture-bytes", 0),
			    from, get_number(plan, "width", 0), get_number(plan, "height", 0),
			    get_string(plan, "format", "?"), linear ? "" : ":",
			    linear ? "" : modifier, get_number(plane, "stride", 0),
			    is_cached(chain) ? "cached" : "not cached");
	free(from);
	return title;
}
