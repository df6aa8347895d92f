/* SPDX-License-Identifier: MIT */
/* A collection: its plan and its buffers. */
#include <stdlib.h>

#include "libclient/internal.h"

const struct dmabroker_record *
dmabroker_collection_get_plan(const struct dmabroker_collection *collection)
{
	return (const struct dmabroker_record *)collection->plan;
}

const char *dmabroker_collection_get_path(const struct dmabroker_collection *collection)
{
	return collection->path;
}

size_t dmabroker_collection_get_count(const struct dmabroker_collection *collection)
{
	return collection->buffers_len;
}

struct dmabroker_buffer *dmabroker_collection_get_buffer(struct dmabroker_collection *collection,
							 size_t index)
{
	return index < collection->buffers_len ? &collection->buffers[index] : NULL;
}

void dmabroker_collection_release(struct dmabroker_collection *collection)
{
	if (!collection)
		return;
	for (size_t i = 0; i < collection->buffers_len; i++)
		buffer_finish(&collection->buffers[i]);
	if (collection->path)
		collection->broker->backend->release(collection->broker, collection->path);
	vocab_destroy(collection->plan);
	free(collection->buffers);
	free(collection->path);
	free(collection);
}
