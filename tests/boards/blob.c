/* SPDX-License-Identifier: MIT */
/* A flattened device tree as a source: indexed once by path and by phandle, since libfdt walks from
 * the beginning each time. */
#include "tests/boards/blob.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct blob_node {
	char path[DEVICETREE_PATH_BYTES];
	int offset;
	uint32_t phandle;
};

struct blob {
	void *bytes;
	struct blob_node *nodes;    /* in the tree's order */
	struct blob_node **by_path; /* sorted */
	struct blob_node **by_phandle;
	size_t nodes_len;
	const struct blob_node *last;
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp((*(struct blob_node *const *)a)->path, (*(struct blob_node *const *)b)->path);
}

static int compare_phandles(const void *a, const void *b)
{
	uint32_t first = (*(struct blob_node *const *)a)->phandle;
	uint32_t second = (*(struct blob_node *const *)b)->phandle;

	return first < second ? -1 : first > second;
}

static const struct blob_node *find(struct blob *blob, const char *path)
{
	struct blob_node key, *wanted = &key, **found;

	if (blob->last && strcmp(blob->last->path, path) == 0)
		return blob->last;
	snprintf(key.path, sizeof(key.path), "%s", path);
	found = bsearch(&wanted, blob->by_path, blob->nodes_len, sizeof(*found), compare_paths);
	if (found)
		blob->last = *found;
	return found ? *found : NULL;
}

static int property(void *data, const char *path, const char *name, void *value, size_t size,
		    size_t *ret_bytes)
{
	struct blob *blob = data;
	const struct blob_node *node = find(blob, path);
	const void *bytes;
	int len;

	if (!node)
		return -ENXIO;
	bytes = fdt_getprop(blob->bytes, node->offset, name, &len);
	if (!bytes)
		return len == -FDT_ERR_NOTFOUND ? -ENOENT : -EIO;
	*ret_bytes = (size_t)len;
	if (size)
		memcpy(value, bytes, (size_t)len < size ? (size_t)len : size);
	return 0;
}

static int by_phandle(void *data, uint32_t phandle, char ret_node[DEVICETREE_PATH_BYTES])
{
	struct blob *blob = data;
	struct blob_node key = {.phandle = phandle}, *wanted = &key, **found;

	found = bsearch(&wanted, blob->by_phandle, blob->nodes_len, sizeof(*found),
			compare_phandles);
	if (!phandle || !found)
		return -ENOENT;
	strcpy(ret_node, (*found)->path);
	return 0;
}

static int node_at(void *data, size_t index, char ret_node[DEVICETREE_PATH_BYTES])
{
	struct blob *blob = data;

	if (index >= blob->nodes_len)
		return -ENOENT;
	strcpy(ret_node, blob->nodes[index].path);
	return 0;
}

static size_t count_nodes(const void *blob)
{
	size_t count = 0;
	int depth = 0;

	for (int offset = 0; offset >= 0 && depth >= 0;
	     offset = fdt_next_node(blob, offset, &depth))
		count++;
	return count;
}

/* The path of each node is that of the one above it, whose depth is one less. */
static int index_nodes(struct blob *blob)
{
	const struct blob_node *above[32] = {NULL};
	int offset = 0, depth = 0;

	for (size_t i = 0; i < blob->nodes_len; i++) {
		struct blob_node *node = &blob->nodes[i];
		const char *name = fdt_get_name(blob->bytes, offset, NULL);
		int len;

		if (!name || depth >= 32)
			return -EINVAL;
		len = snprintf(node->path, sizeof(node->path), "%s/%s",
			       depth > 1 ? above[depth - 1]->path : "", depth > 0 ? name : "");
		if (len >= (int)sizeof(node->path))
			return -ENAMETOOLONG;
		node->offset = offset;
		node->phandle = fdt_get_phandle(blob->bytes, offset);
		blob->by_path[i] = blob->by_phandle[i] = node;
		above[depth] = node;
		offset = fdt_next_node(blob->bytes, offset, &depth);
	}
	qsort(blob->by_path, blob->nodes_len, sizeof(*blob->by_path), compare_paths);
	qsort(blob->by_phandle, blob->nodes_len, sizeof(*blob->by_phandle), compare_phandles);
	return 0;
}

static int read_blob(const char *path, void **ret_blob)
{
	FILE *file = fopen(path, "rbe");
	long size = -1;
	void *blob = NULL;

	if (!file)
		return -errno;
	if (fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	rewind(file);
	if (size > 0)
		blob = malloc((size_t)size);
	if (!blob || fread(blob, 1, (size_t)size, file) != (size_t)size ||
	    fdt_check_full(blob, (size_t)size) != 0) {
		fclose(file);
		free(blob);
		return -EINVAL;
	}
	fclose(file);
	*ret_blob = blob;
	return 0;
}

static void destroy(struct blob *blob)
{
	if (!blob)
		return;
	free(blob->by_phandle);
	free(blob->by_path);
	free(blob->nodes);
	free(blob->bytes);
	free(blob);
}

int blob_source_open(const char *path, struct devicetree_source *ret)
{
	struct blob *blob = calloc(1, sizeof(*blob));
	int error;

	if (!blob)
		return -ENOMEM;
	error = read_blob(path, &blob->bytes);
	if (!error) {
		blob->nodes_len = count_nodes(blob->bytes);
		blob->nodes = calloc(blob->nodes_len, sizeof(*blob->nodes));
		blob->by_path = calloc(blob->nodes_len, sizeof(*blob->by_path));
		blob->by_phandle = calloc(blob->nodes_len, sizeof(*blob->by_phandle));
		error = blob->nodes && blob->by_path && blob->by_phandle ? index_nodes(blob)
									 : -ENOMEM;
	}
	if (error) {
		destroy(blob);
		return error;
	}
	*ret = (struct devicetree_source){blob, property, by_phandle, node_at};
	return 0;
}

void blob_source_close(struct devicetree_source *source)
{
	destroy(source->data);
	source->data = NULL;
}
