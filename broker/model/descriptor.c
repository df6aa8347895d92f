/* SPDX-License-Identifier: MIT */
/* Finding and replacing devices and heaps in a machine; both stay sorted by id. */
#include "broker/model/descriptor.h"

#include <errno.h>
#include <string.h>

struct device *machine_find_device(const struct machine *machine, const char *id_or_node)
{
	for (size_t i = 0; i < machine->devices.len; i++) {
		struct device *device = (struct device *)machine->devices.items[i];

		if (strcmp(vocab_string(device, DEVICE_ID), id_or_node) == 0 ||
		    strcmp(vocab_string(device, DEVICE_NODE), id_or_node) == 0)
			return device;
	}
	return NULL;
}

struct device *machine_find_number(const struct machine *machine, uint64_t number)
{
	for (size_t i = 0; i < machine->devices.len; i++) {
		struct device *device = (struct device *)machine->devices.items[i];

		if (vocab_has(device, DEVICE_NUMBER) && device->number == number)
			return device;
	}
	return NULL;
}

struct heap *machine_find_heap(const struct machine *machine, const char *id)
{
	for (size_t i = 0; i < machine->heaps.len; i++) {
		struct heap *heap = (struct heap *)machine->heaps.items[i];

		if (strcmp(vocab_string(heap, HEAP_ID), id) == 0)
			return heap;
	}
	return NULL;
}

struct device_role *device_find_role(const struct device *device, enum role role)
{
	for (size_t i = 0; i < device->roles.len; i++) {
		struct device_role *facts = (struct device_role *)device->roles.items[i];

		if (vocab_number(facts, ROLE_ROLE) == (uint64_t)role)
			return facts;
	}
	return NULL;
}

static struct vocab_dicts *list_of(struct machine *machine, unsigned int row)
{
	return row == MACHINE_DEVICES ? &machine->devices : &machine->heaps;
}

/* Both groups begin with their id. */
_Static_assert((int)DEVICE_ID == (int)HEAP_ID, "devices and heaps are found by the same row");

int machine_put(struct machine *machine, void *device_or_heap)
{
	struct vocab_head *head = device_or_heap;
	unsigned int row = head->group == &vocab_device ? MACHINE_DEVICES : MACHINE_HEAPS;
	struct vocab_dicts *list = list_of(machine, row);
	const char *id = vocab_string(head, DEVICE_ID);
	size_t at = 0;
	int error;

	while (at < list->len && strcmp(vocab_string(list->items[at], DEVICE_ID), id) < 0)
		at++;
	if (at < list->len && strcmp(vocab_string(list->items[at], DEVICE_ID), id) == 0) {
		vocab_destroy(list->items[at]);
		list->items[at] = head;
		return 0;
	}
	error = vocab_take_dict(machine, row, head, VOCAB_KERNEL);
	if (error)
		return error;
	memmove(&list->items[at + 1], &list->items[at],
		(list->len - 1 - at) * sizeof(list->items[0]));
	list->items[at] = head;
	return 0;
}

const struct heap *machine_find_exporter(const struct machine *machine, enum exporter exporter)
{
	const struct heap *found = NULL;

	for (size_t i = 0; i < machine->heaps.len; i++) {
		const struct heap *heap = (const struct heap *)machine->heaps.items[i];

		if (vocab_has(heap, HEAP_EXPORTER) && heap->exporter == exporter &&
		    (!found || strcmp(heap->id, found->id) < 0))
			found = heap;
	}
	return found;
}

int machine_remove(struct machine *machine, unsigned int row, const char *id)
{
	struct vocab_dicts *list = list_of(machine, row);

	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(vocab_string(list->items[i], DEVICE_ID), id) != 0)
			continue;
		vocab_destroy(list->items[i]);
		memmove(&list->items[i], &list->items[i + 1],
			(list->len - 1 - i) * sizeof(list->items[0]));
		list->len--;
		return 0;
	}
	return -ENOENT;
}
