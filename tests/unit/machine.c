/* SPDX-License-Identifier: MIT */
#include "tests/unit/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int result)
{
	if (result)
		abort();
}

static void put(void *record, unsigned int row, uint64_t value)
{
	must(vocab_set_number(record, row, value, VOCAB_MEASURED));
}

static uint32_t fourcc(const char *text)
{
	return FOURCC(text[0], text[1], text[2], text[3]);
}

static struct device *add_device(struct machine *machine, const char *id, enum kind kind, bool arm)
{
	struct device *device;

	must(vocab_create(&vocab_device, &device));
	must(vocab_set_string(device, DEVICE_ID, id, VOCAB_KERNEL));
	must(vocab_format_string(device, DEVICE_NODE, VOCAB_KERNEL, "/dev/%s", id));
	must(vocab_set_string(device, DEVICE_NAME, id, VOCAB_KERNEL));
	put(device, DEVICE_KIND, kind);
	if (!arm)
		put(device, DEVICE_COHERENCY, COHERENCY_COHERENT);
	must(machine_put(machine, device));
	return device;
}

static struct device_role *add_role(struct device *device, enum role role)
{
	struct device_role *facts;

	must(vocab_add_dict(device, DEVICE_ROLES, VOCAB_KERNEL, &facts));
	put(facts, ROLE_ROLE, role);
	put(facts, ROLE_IMPORTS, true);
	return facts;
}

/* Four letters each, separated by spaces. */
static void add_formats(struct device_role *role, const char *formats, bool v4l2)
{
	for (const char *at = formats; *at; at += at[4] ? 5 : 4) {
		struct device_format *format;

		must(vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, &format));
		put(format, FORMAT_FORMAT, fourcc(at));
		put(format, FORMAT_MODIFIER, 0);
		put(format, FORMAT_STRIDE_ALIGN, 1);
		if (v4l2)
			put(format, FORMAT_V4L2_FORMAT, fourcc(at));
		else
			put(format, FORMAT_STRIDE_CUSTOM, true);
	}
}

static void set_all(struct device_role *role, unsigned int row, uint64_t value)
{
	for (size_t i = 0; i < role->formats.len; i++)
		put(role->formats.items[i], row, value);
}

static void takes_anything(struct device_role *role, enum memory_model model)
{
	put(role, ROLE_MEMORY_MODEL, model);
	put(role, ROLE_CONTIGUITY, CONTIGUITY_NONE);
	put(role, ROLE_CPU_COPIES, true);
	put(role, ROLE_DMA_MAPS, false);
}

static void add_cameras(struct machine *machine, bool arm)
{
	struct device *cam0 = add_device(machine, "cam0", KIND_V4L2, arm);
	struct device *cam1 = add_device(machine, "cam1", KIND_V4L2, arm);
	struct device *greedy = add_device(machine, "greedy", KIND_V4L2, arm);
	struct device *riddle = add_device(machine, "riddle", KIND_V4L2, arm);
	struct device_role *role = add_role(cam0, ROLE_CAPTURE);

	takes_anything(role, MEMORY_MODEL_VMALLOC);
	add_formats(role, "XR24 NV12 YUYV", true);
	for (size_t i = 0; i < role->formats.len; i++) {
		must(vocab_add_size(role->formats.items[i], FORMAT_SIZES, 320, 180, VOCAB_KERNEL));
		must(vocab_add_size(role->formats.items[i], FORMAT_SIZES, 640, 480, VOCAB_KERNEL));
		must(vocab_add_size(role->formats.items[i], FORMAT_SIZES, 1920, 1080,
				    VOCAB_KERNEL));
	}
	role = add_role(cam1, ROLE_CAPTURE);
	put(role, ROLE_MEMORY_MODEL, MEMORY_MODEL_DMA_CONTIG);
	put(role, ROLE_CONTIGUITY, CONTIGUITY_USED);
	put(role, ROLE_CPU_COPIES, true);
	put(role, ROLE_DMA_MAPS, true);
	add_formats(role, "XR24 NV12 YUYV", true);
	set_all(role, FORMAT_STRIDE_CUSTOM, true);
	set_all(role, FORMAT_STRIDE_MAX, 16384);
	role = add_role(greedy, ROLE_CAPTURE);
	takes_anything(role, MEMORY_MODEL_VMALLOC);
	put(role, ROLE_MIN_BUFFERS, 6);
	add_formats(role, "XR24", true);
	role = add_role(riddle, ROLE_CAPTURE);
	add_formats(role, "XR24", true);
	vocab_clear(role->formats.items[0], FORMAT_STRIDE_ALIGN);
}

static void add_codecs(struct machine *machine, bool arm)
{
	struct device *codec = add_device(machine, "codec", KIND_V4L2, arm);
	struct device *padder = add_device(machine, "padder", KIND_V4L2, arm);
	struct device_role *role;

	for (enum role which = ROLE_CAPTURE; which <= ROLE_OUTPUT; which++) {
		role = add_role(codec, which);
		takes_anything(role, MEMORY_MODEL_VMALLOC);
		add_formats(role, "NV12 XR24", true);
		set_all(role, FORMAT_WIDTH_MIN, 640);
		set_all(role, FORMAT_WIDTH_MAX, 4096);
		set_all(role, FORMAT_WIDTH_STEP, 8);
		set_all(role, FORMAT_HEIGHT_MIN, 480);
		set_all(role, FORMAT_HEIGHT_MAX, 2160);
		set_all(role, FORMAT_HEIGHT_STEP, 8);
	}
	role = add_role(padder, ROLE_OUTPUT);
	takes_anything(role, MEMORY_MODEL_VMALLOC);
	add_formats(role, "XR24 NV12", true);
	set_all(role, FORMAT_STRIDE_ALIGN, 256);
	set_all(role, FORMAT_TAIL_BYTES, 4096);
}

static void add_displays(struct machine *machine, bool arm)
{
	struct device *lcd = add_device(machine, "lcd", KIND_DRM, arm);
	struct device *vkms = add_device(machine, "vkms", KIND_DRM, arm);
	struct device *gpu = add_device(machine, "gpu", KIND_DRM, arm);
	struct device *bochs = add_device(machine, "bochs", KIND_DRM, arm);
	struct device_role *role = add_role(lcd, ROLE_SCANOUT);

	put(role, ROLE_CONTIGUITY, CONTIGUITY_WHOLE);
	put(role, ROLE_MEMORY_MODEL, MEMORY_MODEL_GEM_DMA);
	add_formats(role, "XR24 RG16", false);
	set_all(role, FORMAT_STRIDE_ALIGN, 64);
	put(vkms, DEVICE_ADDRESS_BITS, 64);
	for (enum role which = ROLE_SCANOUT; which <= ROLE_WRITEBACK; which++) {
		role = add_role(vkms, which);
		takes_anything(role, MEMORY_MODEL_GEM_SHMEM);
		put(role, ROLE_DMA_MAPS, true);
		add_formats(role, "XR24 AR24 RG16", false);
	}
	put(gpu, DEVICE_ADDRESS_BITS, 40);
	role = add_role(gpu, ROLE_RENDER);
	put(role, ROLE_MEMORY_MODEL, MEMORY_MODEL_OWN_MMU);
	put(role, ROLE_CONTIGUITY, CONTIGUITY_NONE);
	role = add_role(bochs, ROLE_SCANOUT);
	put(role, ROLE_IMPORTS, false);
	put(role, ROLE_CONTIGUITY, CONTIGUITY_NONE);
	add_formats(role, "XR24", false);
}

static struct heap *add_heap(struct machine *machine, const char *id, bool known, uint32_t bits)
{
	struct heap *heap;

	must(vocab_create(&vocab_heap, &heap));
	must(vocab_set_string(heap, HEAP_ID, id, VOCAB_KERNEL));
	must(vocab_format_string(heap, HEAP_NODE, VOCAB_KERNEL, "/dev/dma_heap/%s", id));
	put(heap, HEAP_EXPORTER, EXPORTER_DMA_HEAP);
	put(heap, HEAP_KNOWN, known);
	if (known) {
		put(heap, HEAP_CONTIGUOUS, false);
		put(heap, HEAP_CACHED, true);
		put(heap, HEAP_MAINTENANCE, MAINTENANCE_ATTACHMENTS);
		put(heap, HEAP_ADDRESS_BITS, bits);
	}
	must(machine_put(machine, heap));
	return heap;
}

static void add_heaps(struct machine *machine, bool cma, uint32_t bits)
{
	struct heap *heap = add_heap(machine, "system", true, bits);

	put(heap, HEAP_CAPACITY_BYTES, 1u << 30);
	if (cma) {
		heap = add_heap(machine, "reserved", true, bits);
		put(heap, HEAP_CONTIGUOUS, true);
		put(heap, HEAP_CAPACITY_BYTES, 64u << 20);
	}
	heap = add_heap(machine, "udmabuf", true, bits);
	put(heap, HEAP_EXPORTER, EXPORTER_UDMABUF);
	put(heap, HEAP_MAINTENANCE, MAINTENANCE_EXPORTER);
	put(heap, HEAP_BUFFER_BYTES_MAX, 64u << 20);
	add_heap(machine, "vendor", false, bits);
}

static struct device_role *add_odd(struct machine *machine, const char *id, enum role which,
				   enum memory_model model)
{
	struct device *device = add_device(machine, id, KIND_V4L2, false);
	struct device_role *role = add_role(device, which);

	takes_anything(role, model);
	put(role, ROLE_DMA_MAPS, model != MEMORY_MODEL_VMALLOC);
	put(role, ROLE_CPU_COPIES, model == MEMORY_MODEL_VMALLOC);
	add_formats(role, "XR24 NV12", true);
	return role;
}

/* Devices and heaps with one property each that others do not have. */
static void add_odd_ones(struct machine *machine)
{
	struct heap *heap;

	set_all(add_odd(machine, "tall16", ROLE_OUTPUT, MEMORY_MODEL_DMA_SG), FORMAT_HEIGHT_ALIGN,
		16);
	set_all(add_odd(machine, "tall32", ROLE_OUTPUT, MEMORY_MODEL_DMA_SG), FORMAT_HEIGHT_ALIGN,
		32);
	add_odd(machine, "flat", ROLE_OUTPUT, MEMORY_MODEL_DMA_SG);
	add_odd(machine, "copier", ROLE_CAPTURE, MEMORY_MODEL_VMALLOC);
	put(add_odd(machine, "pieces", ROLE_CAPTURE, MEMORY_MODEL_DMA_SG), ROLE_SEGMENT_BYTES_MAX,
	    65536);
	put(add_odd(machine, "few", ROLE_CAPTURE, MEMORY_MODEL_DMA_SG), ROLE_SEGMENTS_MAX, 4);
	put(add_odd(machine, "small", ROLE_CAPTURE, MEMORY_MODEL_DMA_CONTIG), ROLE_CONTIGUITY,
	    CONTIGUITY_USED);
	add_odd(machine, "window", ROLE_CAPTURE, MEMORY_MODEL_DMA_SG);
	put(machine_find_device(machine, "window"), DEVICE_ADDRESS_MAX, 0x3fffffff);
	add_odd(machine, "bounced", ROLE_CAPTURE, MEMORY_MODEL_DMA_SG);
	put(machine_find_device(machine, "bounced"), DEVICE_BOUNCED, true);
	add_odd(machine, "bounced-copier", ROLE_CAPTURE, MEMORY_MODEL_VMALLOC);
	put(machine_find_device(machine, "bounced-copier"), DEVICE_BOUNCED, true);
	put(add_odd(machine, "translated", ROLE_CAPTURE, MEMORY_MODEL_DMA_CONTIG),
	    ROLE_SEGMENT_BYTES_MAX, 65536);
	put(machine_find_device(machine, "translated"), DEVICE_BOUNCED, true);
	put(machine_find_device(machine, "translated"), DEVICE_IOMMU, true);

	put(machine_find_heap(machine, "system"), HEAP_SEGMENT_BYTES_MAX, 1u << 20);
	put(machine_find_heap(machine, "udmabuf"), HEAP_SEGMENT_BYTES_MAX, 4096);
	put(machine_find_heap(machine, "reserved"), HEAP_ADDRESS_MAX, 0x3fffffff);
	heap = add_heap(machine, "huge", true, 32);
	put(heap, HEAP_EXPORTER, EXPORTER_UDMABUF_HUGETLB);
	put(heap, HEAP_CONTIGUOUS, true);
	put(heap, HEAP_MAINTENANCE, MAINTENANCE_EXPORTER);
	put(heap, HEAP_GRANULARITY, 2u << 20);
	put(heap, HEAP_BUFFER_BYTES_MAX, 2u << 20);
	put(heap, HEAP_CAPACITY_BYTES, 8u << 20);
	put(heap, HEAP_KERNEL_MAP, false);
	put(add_heap(machine, "harmful", true, 32), HEAP_MAINTENANCE, MAINTENANCE_HARMFUL);
}

struct machine *machine_by_name(const char *name)
{
	uint32_t bits = strcmp(name, "big") == 0 ? 33 : strcmp(name, "odd") == 0 ? 32 : 30;

	bool arm = strcmp(name, "arm") == 0;
	struct machine *machine;

	must(vocab_create(&vocab_machine, &machine));
	add_cameras(machine, arm);
	add_codecs(machine, arm);
	add_displays(machine, arm);
	if (strcmp(name, "noheap") != 0)
		add_heaps(machine, strcmp(name, "nocma") != 0, bits);
	if (strcmp(name, "odd") == 0)
		add_odd_ones(machine);
	return machine;
}

/* ---- requests ---- */

static void add_all_formats(void *record, unsigned int row, char *list)
{
	char *rest = NULL;

	for (char *one = strtok_r(list, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
		must(vocab_add_format(record, row, fourcc(one), 0, VOCAB_DECLARED));
}

static void add_all_strings(void *record, unsigned int row, char *list)
{
	char *rest = NULL;

	for (char *one = strtok_r(list, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
		must(vocab_add_string(record, row, one, VOCAB_DECLARED));
}

static void set_key(void *record, const char *key, const char *value)
{
	const struct vocab_head *head = record;
	int row = vocab_find(head->group, key), index;

	if (row < 0)
		abort();
	if (head->group->rows[row].type == VOCAB_ENUM) {
		index = vocab_name_index(head->group->rows[row].names, value);
		must(vocab_set_number(record, (unsigned int)row, (uint64_t)index, VOCAB_DECLARED));
	} else if (head->group->rows[row].type == VOCAB_STRING) {
		must(vocab_set_string(record, (unsigned int)row, value, VOCAB_DECLARED));
	} else {
		must(vocab_set_number(record, (unsigned int)row, strtoull(value, NULL, 10),
				      VOCAB_DECLARED));
	}
}

static void add_participant(struct request *request, char *name, char *device)
{
	char *rest = NULL, *role, *pair;
	struct participant *participant;

	must(vocab_add_dict(request, REQUEST_PARTICIPANTS, VOCAB_DECLARED, &participant));
	must(vocab_set_string(participant, PARTICIPANT_NAME, name, VOCAB_DECLARED));
	device = strtok_r(device, "/", &rest);
	role = strchr(device, ':');
	if (role) {
		*role++ = '\0';
		set_key(participant, "role", role);
	}
	if (device[0])
		must(vocab_set_string(participant, PARTICIPANT_DEVICE, device, VOCAB_DECLARED));
	while ((pair = strtok_r(NULL, "/", &rest))) {
		char *value = strchr(pair, '=');

		*value++ = '\0';
		if (strcmp(pair, "f") == 0)
			add_all_formats(participant, PARTICIPANT_FORMATS, value);
		else
			set_key(participant, pair, value);
	}
}

static void add_word(struct request *request, char *word)
{
	char *value = strchr(word, '=');
	unsigned int width, height;

	if (!value) {
		if (sscanf(word, "%ux%u", &width, &height) != 2)
			abort();
		must(vocab_set_number(request, REQUEST_WIDTH, width, VOCAB_DECLARED));
		must(vocab_set_number(request, REQUEST_HEIGHT, height, VOCAB_DECLARED));
		return;
	}
	*value++ = '\0';
	if (strcmp(word, "f") == 0)
		add_all_formats(request, REQUEST_FORMATS, value);
	else if (strcmp(word, "n") == 0)
		set_key(request, "count", value);
	else if (strcmp(word, "h") == 0)
		add_all_strings(request, REQUEST_ALLOWED_HEAPS, value);
	else if (strcmp(word, "-h") == 0)
		add_all_strings(request, REQUEST_FORBIDDEN_HEAPS, value);
	else if (vocab_find(&vocab_request, word) >= 0)
		set_key(request, word, value);
	else
		add_participant(request, word, value);
}

struct request *request_by_text(const char *text)
{
	char *copy = strdup(text), *rest = NULL;
	struct request *request;

	if (!copy)
		abort();
	must(vocab_create(&vocab_request, &request));
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		add_word(request, word);
	free(copy);
	return request;
}
