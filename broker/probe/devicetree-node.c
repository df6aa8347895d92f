/* SPDX-License-Identifier: MIT */
/* Nodes and properties, read as drivers/of of Linux 6.12 reads them. Function names of the kernel
 * without a file are of drivers/of/base.c. */
#include "broker/probe/devicetree-node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void dtnode_fail(struct dtnode_walk *walk, int error)
{
	if (!walk->error)
		walk->error = error;
}

void dtnode_say(char how[DEVICETREE_HOW_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(how, DEVICETREE_HOW_BYTES, format, arguments);
	va_end(arguments);
}

/* The length of a property, and its bytes if it has no more than `size`. */
static bool read_property(struct dtnode_walk *walk, const char *node, const char *name, void *value,
			  size_t size, size_t *ret_bytes)
{
	int error;

	if (walk->error)
		return false;
	error = walk->source->property(walk->source->data, node, name, value, size, ret_bytes);
	if (error && error != -ENOENT)
		dtnode_fail(walk, error);
	return !error;
}

bool dtnode_value(struct dtnode_walk *walk, const char *node, const char *name,
		  struct dtnode_value *ret)
{
	if (!read_property(walk, node, name, ret->bytes, sizeof(ret->bytes), &ret->len))
		return false;
	if (ret->len > sizeof(ret->bytes)) {
		dtnode_fail(walk, -E2BIG);
		return false;
	}
	return true;
}

bool dtnode_has(struct dtnode_walk *walk, const char *node, const char *name)
{
	size_t bytes;

	return read_property(walk, node, name, NULL, 0, &bytes);
}

static uint32_t big_endian(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/* of_property_read_u32() takes a longer property too, and its first cell */
bool dtnode_u32(struct dtnode_walk *walk, const char *node, const char *name, uint32_t *ret)
{
	uint8_t cell[4];
	size_t bytes;

	if (!read_property(walk, node, name, cell, sizeof(cell), &bytes) || bytes < sizeof(cell))
		return false;
	*ret = big_endian(cell);
	return true;
}

uint32_t dtnode_cell(const struct dtnode_value *value, size_t index)
{
	return index < value->len / 4 ? big_endian(value->bytes + 4 * index) : 0;
}

uint64_t dtnode_number(const struct dtnode_value *value, size_t index, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 32 | dtnode_cell(value, index + i);
	return number;
}

const char *dtnode_string(const struct dtnode_value *value, const char *string)
{
	const char *text = (const char *)value->bytes, *end = text + value->len;
	const char *next = string ? string + strlen(string) + 1 : text;

	return next < end && memchr(next, '\0', (size_t)(end - next)) ? next : NULL;
}

/* whatever the case: of_compat_cmp() of include/linux/of.h */
bool dtnode_is_compatible(struct dtnode_walk *walk, const char *node, const char *compatible)
{
	struct dtnode_value value;

	if (!dtnode_value(walk, node, "compatible", &value))
		return false;
	for (const char *string = dtnode_string(&value, NULL); string;
	     string = dtnode_string(&value, string))
		if (strcasecmp(string, compatible) == 0)
			return true;
	return false;
}

/* __of_device_is_available() */
bool dtnode_is_available(struct dtnode_walk *walk, const char *node)
{
	struct dtnode_value value;
	const char *status;

	if (!dtnode_value(walk, node, "status", &value))
		return true;
	status = dtnode_string(&value, NULL);
	return status && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

bool dtnode_is_live(struct dtnode_walk *walk, const char *node)
{
	char above[DEVICETREE_PATH_BYTES];

	strcpy(above, node);
	do {
		if (!dtnode_is_available(walk, above))
			return false;
	} while (dtnode_parent(above, above));
	return true;
}

bool dtnode_parent(const char *node, char ret_parent[DEVICETREE_PATH_BYTES])
{
	const char *last = strrchr(node, '/');
	size_t len;

	if (!last || !last[1])
		return false;
	len = last == node ? 1 : (size_t)(last - node);
	memmove(ret_parent, node, len);
	ret_parent[len] = '\0';
	return true;
}

/* of_property_match_string(): -1: no such string */
static int find_string(struct dtnode_walk *walk, const char *node, const char *name,
		       const char *wanted)
{
	struct dtnode_value value;
	int index = 0;

	if (!dtnode_value(walk, node, name, &value))
		return -1;
	for (const char *string = dtnode_string(&value, NULL); string;
	     string = dtnode_string(&value, string), index++)
		if (strcmp(string, wanted) == 0)
			return index;
	return -1;
}

bool dtnode_dma_parent(struct dtnode_walk *walk, const char *node,
		       char ret_parent[DEVICETREE_PATH_BYTES])
{
	int index = find_string(walk, node, "interconnect-names", "dma-mem");

	if (index >= 0 && dtnode_phandle(walk, node, "interconnects", "#interconnect-cells",
					 (unsigned int)index, ret_parent) == 0)
		return true;
	return dtnode_parent(node, ret_parent);
}

bool dtnode_is_named(const char *node, const char *name)
{
	const char *last = strrchr(node, '/');
	size_t len = strlen(name);

	return last && strncmp(last + 1, name, len) == 0 &&
	       (last[1 + len] == '\0' || last[1 + len] == '@');
}

int dtnode_target(struct dtnode_walk *walk, uint32_t phandle, char ret_node[DEVICETREE_PATH_BYTES])
{
	int error = walk->source->by_phandle(walk->source->data, phandle, ret_node);

	if (error && error != -ENOENT)
		dtnode_fail(walk, error);
	return error;
}

/* What of_phandle_iterator_next() does with one entry: its target, and how long it is in cells. */
static int read_entry(struct dtnode_walk *walk, uint32_t phandle, const char *cells_name,
		      char target[DEVICETREE_PATH_BYTES], size_t *ret_cells)
{
	uint32_t arguments = 0;

	target[0] = '\0';
	if (phandle && dtnode_target(walk, phandle, target) < 0 && cells_name)
		return -EINVAL;
	if (target[0] && cells_name && !dtnode_u32(walk, target, cells_name, &arguments))
		return -EINVAL;
	*ret_cells = 1 + (size_t)arguments;
	return 0;
}

int dtnode_phandle(struct dtnode_walk *walk, const char *node, const char *list,
		   const char *cells_name, unsigned int index, char ret_node[DEVICETREE_PATH_BYTES])
{
	char target[DEVICETREE_PATH_BYTES];
	struct dtnode_value value;
	size_t cells, at = 0;

	if (!dtnode_value(walk, node, list, &value))
		return -ENOENT;
	for (unsigned int entry = 0; at < value.len / 4; entry++, at += cells) {
		if (read_entry(walk, dtnode_cell(&value, at), cells_name, target, &cells) < 0 ||
		    cells > value.len / 4 - at)
			return -EINVAL;
		if (entry < index)
			continue;
		if (!target[0])
			return -ENOENT;
		strcpy(ret_node, target);
		return 0;
	}
	return -ENOENT;
}

/* Not set anywhere up to the root: 1 (OF_ROOT_NODE_ADDR_CELLS_DEFAULT, include/linux/of.h) */
uint32_t dtnode_cells_below(struct dtnode_walk *walk, const char *node, const char *name)
{
	char above[DEVICETREE_PATH_BYTES];
	uint32_t cells;

	strcpy(above, node);
	do {
		if (dtnode_u32(walk, above, name, &cells))
			return cells;
	} while (dtnode_parent(above, above));
	return 1;
}

uint32_t dtnode_cells_of(struct dtnode_walk *walk, const char *node, const char *name)
{
	char above[DEVICETREE_PATH_BYTES];

	return dtnode_cells_below(walk, dtnode_parent(node, above) ? above : node, name);
}
