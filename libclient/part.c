/* SPDX-License-Identifier: MIT */
#include "libclient/part.h"

#include <errno.h>
#include <stdlib.h>

static int take_buffers(struct part *part, struct dmabroker_collection *collection)
{
	size_t count = dmabroker_collection_get_count(collection);

	part->buffers = calloc(count ? count : 1, sizeof(part->buffers[0]));
	if (!part->buffers)
		return handle_fail(part->broker, -ENOMEM, "no memory for %zu buffers", count);
	for (size_t i = 0; i < count; i++) {
		struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, i);

		if (buffer->plan == part->plan)
			part->buffers[part->buffers_len++] = buffer;
	}
	return 0;
}

int part_init(struct part *part, struct dmabroker_collection *collection, const char *participant)
{
	struct dmabroker *broker = collection->broker;

	*part = (struct part){.broker = broker};
	if (!collection->newest)
		return handle_fail(broker, -ENOENT,
				   "there is no plan yet: dmabroker_collection_wait gets it");
	part->plan = collection->newest->plan;
	part->view = plan_find_view(&part->plan, participant);
	if (!part->view)
		return handle_fail(broker, -ENOENT, "the plan has no participant called %s",
				   participant);
	part->name = vocab_string(part->view, VIEW_NAME);
	return take_buffers(part, collection);
}

void part_finish(struct part *part)
{
	free(part->buffers);
}

int part_find(const struct part *part, const struct dmabroker_buffer *buffer)
{
	for (size_t i = 0; i < part->buffers_len; i++)
		if (part->buffers[i] == buffer)
			return (int)i;
	return -ENOENT;
}

int part_begin(const struct part *part, size_t index, enum dmabroker_access access,
	       struct part_place place)
{
	return dmabroker_buffer_begin_access_at(part->buffers[index], part->name, access,
						place.file, place.line);
}

int part_end(const struct part *part, size_t index)
{
	return dmabroker_buffer_end_access(part->buffers[index], part->name);
}
