/* SPDX-License-Identifier: MIT */
#include "tests/bench/made.h"

#include <stdlib.h>

#include "broker/model/format.h"

#define PAIRS_MAX 1024u

static void must(int result)
{
	if (result < 0)
		abort();
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * 0x2545f4914f6cdd1dull) >> 32) % below;
}

/* A quarter of the pairs are linear, as many as there are formats at most. */
static void make_pairs(unsigned int len, struct vocab_format *pairs)
{
	unsigned int fourccs = 0, n = 0;

	while (fourccs < (len + 3) / 4 && format_at(fourccs))
		fourccs++;
	for (uint64_t modifier = 0; n < len; modifier++)
		for (unsigned int i = 0; i < fourccs && n < len; i++)
			pairs[n++] = (struct vocab_format){
				format_at(i)->fourcc,
				modifier ? 0x0100000000000000ull + modifier : 0};
}

static void shuffle(uint64_t *state, struct vocab_format *pairs, unsigned int len)
{
	for (unsigned int i = len; i > 1; i--) {
		unsigned int j = draw(state, i);
		struct vocab_format pair = pairs[i - 1];

		pairs[i - 1] = pairs[j];
		pairs[j] = pair;
	}
}

static void add_heap(struct machine *machine, unsigned int number)
{
	struct heap *heap;

	must(vocab_create(&vocab_heap, &heap));
	must(vocab_format_string(heap, HEAP_ID, VOCAB_KERNEL, "heap%03u", number));
	must(vocab_set_number(heap, HEAP_KNOWN, true, VOCAB_KERNEL));
	must(vocab_set_number(heap, HEAP_CONTIGUOUS, number % 2, VOCAB_KERNEL));
	must(vocab_set_number(heap, HEAP_CACHED, number % 3 != 0, VOCAB_KERNEL));
	must(vocab_set_number(heap, HEAP_ADDRESS_BITS, 30 + number % 4, VOCAB_KERNEL));
	must(vocab_set_number(heap, HEAP_CAPACITY_BYTES, (uint64_t)1 << 32, VOCAB_KERNEL));
	must(vocab_set_number(heap, HEAP_MAINTENANCE, MAINTENANCE_ATTACHMENTS, VOCAB_KERNEL));
	must(machine_put(machine, heap));
}

static void add_device(struct machine *machine, unsigned int number,
		       const struct vocab_format *pairs, unsigned int len)
{
	struct device *device;
	void *role, *format;

	must(vocab_create(&vocab_device, &device));
	must(vocab_format_string(device, DEVICE_ID, VOCAB_KERNEL, "device%02u", number));
	must(vocab_set_number(device, DEVICE_KIND, KIND_DRM, VOCAB_KERNEL));
	must(vocab_set_number(device, DEVICE_COHERENCY, COHERENCY_NON_COHERENT, VOCAB_KERNEL));
	must(vocab_set_number(device, DEVICE_ADDRESS_BITS, 40, VOCAB_KERNEL));
	must(vocab_add_dict(device, DEVICE_ROLES, VOCAB_KERNEL, &role));
	must(vocab_set_number(role, ROLE_ROLE, number % 2 ? ROLE_SCANOUT : ROLE_WRITEBACK,
			      VOCAB_KERNEL));
	must(vocab_set_number(role, ROLE_IMPORTS, true, VOCAB_KERNEL));
	must(vocab_set_number(role, ROLE_CONTIGUITY, CONTIGUITY_NONE, VOCAB_KERNEL));
	must(vocab_set_number(role, ROLE_CPU_COPIES, false, VOCAB_KERNEL));
	for (unsigned int i = 0; i < len; i++) {
		must(vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, &format));
		must(vocab_set_number(format, FORMAT_FORMAT, pairs[i].fourcc, VOCAB_KERNEL));
		must(vocab_set_number(format, FORMAT_MODIFIER, pairs[i].modifier, VOCAB_KERNEL));
		must(vocab_set_number(format, FORMAT_STRIDE_ALIGN, 64, VOCAB_KERNEL));
		must(vocab_set_number(format, FORMAT_STRIDE_CUSTOM, true, VOCAB_KERNEL));
	}
	must(machine_put(machine, device));
}

/* Two levels where there are many, as a level has 8 at most. */
static void add_leaves(void *record, unsigned int leaves, const struct made_size *size)
{
	unsigned int here = leaves > 8 ? 8 : leaves;
	void *alternative;

	for (unsigned int i = 0; i < here && leaves > 1; i++) {
		must(vocab_add_dict(record, PARTICIPANT_ALTERNATIVES, VOCAB_DECLARED,
				    &alternative));
		must(vocab_set_number(alternative, PARTICIPANT_STRIDE_ALIGN, 64u << i % 4,
				      VOCAB_DECLARED));
		if (size->conflict && size->conflict_kind == 1)
			must(vocab_set_number(alternative, PARTICIPANT_BYTES_MAX, 4096 + i,
					      VOCAB_DECLARED));
		if (leaves > 8)
			add_leaves(alternative, leaves / 8, size);
	}
}

static void add_conflict(void *participant, const struct made_size *size)
{
	if (size->conflict_kind == 0)
		must(vocab_set_number(participant, PARTICIPANT_BYTES_MAX, 4096, VOCAB_DECLARED));
	else if (size->conflict_kind == 2)
		must(vocab_add_string(participant, PARTICIPANT_ALLOWED_HEAPS, "nowhere",
				      VOCAB_DECLARED));
	else if (size->conflict_kind == 3)
		must(vocab_add_format(participant, PARTICIPANT_FORMATS, 0x20202020, 0,
				      VOCAB_DECLARED));
}

static void add_participant(struct made *made, const struct made_size *size, unsigned int number,
			    const struct vocab_format *pairs)
{
	bool last = number + 1 == size->participants;
	void *participant;

	must(vocab_add_dict(made->request, REQUEST_PARTICIPANTS, VOCAB_DECLARED, &participant));
	must(vocab_format_string(participant, PARTICIPANT_NAME, VOCAB_DECLARED, "p%02u", number));
	if (size->kind == MADE_DEVICES) {
		add_device(made->machine, number, pairs, size->pairs);
		must(vocab_format_string(participant, PARTICIPANT_DEVICE, VOCAB_DECLARED,
					 "device%02u", number));
	} else {
		must(vocab_set_number(participant, PARTICIPANT_ROLE, ROLE_CPU, VOCAB_DECLARED));
		for (unsigned int i = 0; i < size->pairs; i++)
			must(vocab_add_format(participant, PARTICIPANT_FORMATS, pairs[i].fourcc,
					      pairs[i].modifier, VOCAB_DECLARED));
	}
	if (size->conflict && last && (size->conflict_kind != 3 || size->kind == MADE_DEVICES))
		add_conflict(participant, size);
	add_leaves(participant, size->leaves, size);
}

void made_create(const struct made_size *size, struct made *ret_made)
{
	struct vocab_format pairs[PAIRS_MAX];
	uint64_t state = (size->seed + 1) * 0x9e3779b97f4a7c15ull;
	struct error error = {0};
	struct made made;

	must(vocab_create(&vocab_machine, &made.machine));
	must(vocab_create(&vocab_request, &made.request));
	must(vocab_set_number(made.request, REQUEST_WIDTH, 1920, VOCAB_DECLARED));
	must(vocab_set_number(made.request, REQUEST_HEIGHT, 1080, VOCAB_DECLARED));
	for (unsigned int i = 0; i < size->heaps; i++)
		add_heap(made.machine, i);
	make_pairs(size->pairs, pairs);
	for (unsigned int i = 0; i < size->participants; i++) {
		shuffle(&state, pairs, size->pairs);
		add_participant(&made, size, i, pairs);
	}
	must(request_settle(made.request, made.machine, &error));
	*ret_made = made;
}

void made_finish(struct made *made)
{
	vocab_destroy(made->machine);
	vocab_destroy(made->request);
}
