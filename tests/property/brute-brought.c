/* SPDX-License-Identifier: MIT */
/* Section 6 of docs/negotiation.md: buffers that are brought. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/brute-inside.h"

static void must(int result)
{
	if (result < 0)
		abort();
}

static void set(void *record, unsigned int row, uint64_t value)
{
	must(vocab_set_number(record, row, value, VOCAB_DECLARED));
}

/* ---- the table of exporters ---- */

static const struct heap *lowest_of(const struct machine *machine, enum exporter exporter)
{
	const struct heap *lowest = NULL;

	for (size_t i = 0; i < machine->heaps.len; i++) {
		const struct heap *heap = (const struct heap *)machine->heaps.items[i];

		if (vocab_has(heap, HEAP_EXPORTER) && heap->exporter == exporter &&
		    (!lowest || strcmp(heap->id, lowest->id) < 0))
			lowest = heap;
	}
	return lowest;
}

static struct heap *copy_or_new(const struct heap *heap)
{
	struct heap *copy;

	if (heap)
		must(vocab_copy(heap, &copy));
	else
		must(vocab_create(&vocab_heap, &copy));
	return copy;
}

static void lies_in_memory(const struct machine *machine, struct heap *heap)
{
	if (vocab_has(machine, MACHINE_MEMORY_MAX))
		set(heap, HEAP_ADDRESS_MAX, machine->memory_max);
}

static struct heap *contig(const struct machine *machine, const struct device *owner)
{
	struct heap *heap = copy_or_new(NULL);
	uint64_t coherency = owner ? vocab_number(owner, DEVICE_COHERENCY) : COHERENCY_UNKNOWN;

	set(heap, HEAP_MAINTENANCE, MAINTENANCE_NONE);
	lies_in_memory(machine, heap);
	if (owner && !vocab_number(owner, DEVICE_IOMMU))
		set(heap, HEAP_CONTIGUOUS, true);
	if (coherency == COHERENCY_COHERENT || coherency == COHERENCY_NON_COHERENT)
		set(heap, HEAP_CACHED, coherency == COHERENCY_COHERENT);
	return heap;
}

static struct heap *pages_of_cache(const struct machine *machine, enum maintenance maintenance)
{
	struct heap *heap = copy_or_new(NULL);

	set(heap, HEAP_CONTIGUOUS, false);
	set(heap, HEAP_CACHED, true);
	set(heap, HEAP_MAINTENANCE, maintenance);
	lies_in_memory(machine, heap);
	return heap;
}

static struct heap *of_udmabuf(const struct machine *machine, bool may_be_huge)
{
	const struct heap *small = lowest_of(machine, EXPORTER_UDMABUF);
	const struct heap *huge = lowest_of(machine, EXPORTER_UDMABUF_HUGETLB);
	struct heap *heap = copy_or_new(small);

	if (small && may_be_huge) {
		vocab_clear(heap, HEAP_SEGMENT_BYTES_MAX);
		set(heap, HEAP_KERNEL_MAP, huge && vocab_number(huge, HEAP_KERNEL_MAP));
	}
	if (!small)
		set(heap, HEAP_KERNEL_MAP, false);
	return heap;
}

static struct heap *of_exporter(const struct machine *machine, const char *name,
				const struct device *owner)
{
	const struct heap *maker = machine_find_heap(machine, name);
	struct heap *heap;

	if (strcmp(name, "udmabuf") == 0 || strcmp(name, "memfd-hugetlb") == 0)
		return of_udmabuf(machine, true);
	if (strcmp(name, "memfd") == 0)
		return of_udmabuf(machine, false);
	if (maker && known_and(maker, HEAP_EXPORTER, false))
		return copy_or_new(maker);
	if (strcmp(name, "videobuf2_vmalloc") == 0) {
		heap = pages_of_cache(machine, MAINTENANCE_NONE);
		set(heap, HEAP_SEGMENT_BYTES_MAX, vocab_number(machine, MACHINE_PAGE_BYTES));
		return heap;
	}
	if (strcmp(name, "videobuf2_dma_sg") == 0)
		return pages_of_cache(machine, owner && vocab_number(owner, DEVICE_COHERENCY) ==
								       COHERENCY_NON_COHERENT
						       ? MAINTENANCE_EXPORTER
						       : MAINTENANCE_NONE);
	if (strcmp(name, "videobuf2_dma_contig") == 0)
		return contig(machine, owner);
	heap = copy_or_new(NULL);
	if (strcmp(name, "drm") == 0)
		set(heap, HEAP_MAINTENANCE, MAINTENANCE_NONE);
	else
		set(heap, HEAP_KERNEL_MAP, false);
	return heap;
}

/* ---- whose they are ---- */

static bool is_one_of_drm(const char *name)
{
	static const char *const names[] = {"drm",     "i915",	    "armada",
					    "omapdrm", "tegra_drm", "virtio_gpu"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool is_own(const struct machine *machine, const struct participant *participant,
		   const char *exporter, const struct device **ret_device)
{
	const struct device *device;
	uint64_t model;

	if (participant->role == ROLE_CPU)
		return false;
	*ret_device = device = machine_find_device(machine, participant->device);
	if (device->kind == KIND_DRM)
		return is_one_of_drm(exporter);
	model = vocab_number(device_find_role(device, (enum role)participant->role),
			     ROLE_MEMORY_MODEL);
	return (model == MEMORY_MODEL_VMALLOC && strcmp(exporter, "videobuf2_vmalloc") == 0) ||
	       (model == MEMORY_MODEL_DMA_CONTIG &&
		strcmp(exporter, "videobuf2_dma_contig") == 0) ||
	       (model == MEMORY_MODEL_DMA_SG && strcmp(exporter, "videobuf2_dma_sg") == 0);
}

/* ---- all of it ---- */

static struct plan *as_if_planned(const struct participant *participant, const char *heap)
{
	const struct supplied_layout *layout =
		(const struct supplied_layout *)participant->layouts.items[0];
	struct memory_object *memory;
	struct plan *plan;
	uint64_t bytes = UINT64_MAX;

	must(vocab_create(&vocab_plan, &plan));
	must(vocab_set_string(plan, PLAN_HEAP, heap, VOCAB_DECLARED));
	set(plan, PLAN_FORMAT, layout->format);
	set(plan, PLAN_MODIFIER, layout->modifier);
	set(plan, PLAN_COUNT, participant->buffers.len);
	set(plan, PLAN_PICTURE_BYTES, layout->bytes);
	for (size_t i = 0; i < participant->buffers.len; i++)
		bytes = least(bytes, vocab_number(participant->buffers.items[i], MEMORY_BYTES));
	must(vocab_add_dict(plan, PLAN_MEMORY, VOCAB_DECLARED, &memory));
	set(memory, MEMORY_BYTES, bytes);
	for (size_t i = 0; i < layout->planes.len; i++) {
		struct plane *plane;

		must(vocab_copy(layout->planes.items[i], &plane));
		must(vocab_take_dict(plan, PLAN_PLANES, plane, VOCAB_DECLARED));
	}
	return plan;
}

void brute_bring(const struct machine *machine, const struct request *request,
		 struct brute_brought *ret_brought)
{
	const struct participant *participant = NULL;
	const struct device *device = NULL;
	const struct memory_object *first;
	struct heap *heap;

	*ret_brought = (struct brute_brought){.user = BRUTE_USERS_MAX};
	for (size_t i = 0; i < request->participants.len; i++)
		if (vocab_has(request->participants.items[i], PARTICIPANT_BUFFERS)) {
			participant = (const struct participant *)request->participants.items[i];
			ret_brought->user = (unsigned int)i;
		}
	if (!participant)
		return;
	first = (const struct memory_object *)participant->buffers.items[0];
	ret_brought->own = is_own(machine, participant, first->exporter, &device);
	heap = of_exporter(machine, first->exporter, ret_brought->own ? device : NULL);
	if (vocab_has(first, MEMORY_CACHED) &&
	    (!vocab_has(heap, HEAP_CACHED) || strcmp(first->exporter, "videobuf2_dma_contig") == 0))
		set(heap, HEAP_CACHED, first->cached);
	must(vocab_format_string(heap, HEAP_ID, VOCAB_DECLARED, "brought:%s", participant->name));
	set(heap, HEAP_KNOWN, true);
	ret_brought->heap = heap;
	ret_brought->plan = as_if_planned(participant, heap->id);
}

void brute_brought_finish(struct brute_brought *brought)
{
	vocab_destroy(brought->heap);
	vocab_destroy(brought->plan);
}

/* ---- what the rules ask ---- */

const struct plan *brought_plan(const struct scene *scene)
{
	const struct brute_brought *brought = scene->input->brought;

	return brought && brought->plan && scene->input->members >> brought->user & 1 &&
			       (counts(scene, brought->user, BRUTE_BUFFERS) ||
				!scene->input->machine->heaps.len)
		       ? brought->plan
		       : NULL;
}

bool is_brought(const struct scene *scene, const struct heap *heap)
{
	return scene->input->brought && scene->input->brought->heap == heap;
}

bool has_own(const struct scene *scene, const struct user *user)
{
	const struct brute_brought *brought = scene->input->brought;

	return brought && brought->own && brought->user == user->number;
}
