/* SPDX-License-Identifier: MIT */
#include "tests/property/access-inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t table_hash(const struct joint *joint)
{
	uint64_t words[3], value = 0;

	memcpy(words, joint, sizeof(words));
	for (int i = 0; i < 3; i++) {
		value = (value ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		value ^= value >> 29;
	}
	return (uint32_t)(value ^ value >> 32);
}

void *explore_resize(void *memory, size_t items, size_t size)
{
	memory = realloc(memory, items * size);
	if (!memory)
		abort();
	return memory;
}

static uint32_t *place_of(const struct table *table, const struct joint *joint)
{
	uint32_t at = table_hash(joint) & (table->index_len - 1);

	while (table->index[at] &&
	       memcmp(&table->nodes[table->index[at] - 1].joint, joint, sizeof(*joint)) != 0)
		at = (at + 1) & (table->index_len - 1);
	return &table->index[at];
}

static void grow(struct table *table)
{
	table->nodes_max = table->nodes_max ? 2 * table->nodes_max : 4096;
	table->nodes = explore_resize(table->nodes, table->nodes_max, sizeof(*table->nodes));
	table->index_len = 2 * table->nodes_max;
	table->index = explore_resize(table->index, table->index_len, sizeof(*table->index));
	memset(table->index, 0, table->index_len * sizeof(*table->index));
	for (uint32_t i = 0; i < table->len; i++)
		*place_of(table, &table->nodes[i].joint) = i + 1;
}

void table_clear(struct table *table)
{
	if (!table->nodes)
		return;
	memset(table->index, 0, table->index_len * sizeof(*table->index));
	table->len = 0;
}

uint32_t table_find(const struct table *table, const struct joint *joint)
{
	return table->len ? *place_of(table, joint) - 1 : NOWHERE;
}

uint32_t table_insert(struct table *table, const struct joint *joint, uint32_t parent,
		      struct action action)
{
	if (table->len == table->nodes_max)
		grow(table);
	table->nodes[table->len] =
		(struct node){.joint = *joint, .parent = parent, .action = action};
	*place_of(table, joint) = ++table->len;
	return table->len - 1;
}

/* ---- how it came to that ---- */

static const char *const act_names[] = {"start", "runs", "maps",	 "lets go",
					"begin", "end",	 "end, lets go", "release to"};

const char *action_name(struct action action)
{
	return act_names[action.act];
}

const char *part_name(unsigned int part)
{
	return part == PART_CLEAN	 ? "clean"
	       : part == PART_INVALIDATE ? "invalidate"
	       : part == PART_WAIT	 ? "wait"
					 : "wait for readers";
}

static void say_state(FILE *out, const struct explore *explore, const struct joint *joint)
{
	fprintf(out, "%s;", model_text(&explore->world, &joint->model));
	for (unsigned int i = 0; i < explore->processes; i++) {
		const struct process *process = &joint->processes[i];

		fprintf(out, "%s%s%s writer %d behind %x unsignalled %x",
			joint->owner == i ? " *" : " ", process->bits & 1 ? "dirty " : "",
			process->bits & 2 ? "stale" : "",
			process->writer == ACCESS_NOBODY ? -1 : process->writer, process->behind,
			process->bits >> 2 & 3);
	}
}

static void say_node(FILE *out, const struct explore *explore, const struct table *table,
		     uint32_t at)
{
	const struct node *node = &table->nodes[at];

	if (node->parent != NOWHERE)
		say_node(out, explore, table, node->parent);
	fprintf(out, "#   %s", act_names[node->action.act]);
	if (node->action.act > ACT_RUN)
		fprintf(out, " %u%s%s", node->action.agent, node->action.mode & 1 ? "r" : "",
			node->action.mode & 2 ? "w" : "");
	if (node->action.omitted)
		fprintf(out, " without %s", part_name(node->action.omitted));
	fprintf(out, ": ");
	say_state(out, explore, &node->joint);
	fprintf(out, "\n");
}

static char story[16384];

const char *table_tell(const struct explore *explore, const struct table *table, uint32_t at)
{
	FILE *out = fmemopen(story, sizeof(story), "w");

	if (!out)
		abort();
	say_node(out, explore, table, at);
	fclose(out);
	return story;
}
