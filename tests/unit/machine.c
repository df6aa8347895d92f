/* SPDX-License-Identifier: MIT */
#include "tests/unit/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/plan.h"

#define MODIFIER_ANY UINT64_C(0x00ffffffffffffff)

static void set_key(void *record, const char *key, char *value, enum vocab_origin origin);
static void set_keys(void *record, char *text, enum vocab_origin origin);

static void must(int result)
{
	if (result)
		abort();
}

static void put(void *record, unsigned int row, uint64_t value)
{
	must(vocab_set_number(record, row, value, VOCAB_MEASURED));
}

/* "XR24", "R8" (filled up with spaces), or "*": any. */
static uint32_t fourcc(const char *text)
{
	char letters[5] = "    ";

	if (strcmp(text, "*") == 0)
		return 0;
	for (int i = 0; i < 4 && text[i]; i++)
		letters[i] = text[i];
	return FOURCC(letters[0], letters[1], letters[2], letters[3]);
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

/* ---- values as text ---- */

/* Cuts the text at the first `separator` outside of parentheses. Returns what follows it, or NULL.
 */
static char *cut(char *text, char separator)
{
	int depth = 0;

	for (; *text; text++) {
		depth += (*text == '(') - (*text == ')');
		if (*text == separator && !depth) {
			*text = '\0';
			return text + 1;
		}
	}
	return NULL;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (end == text || *end)
		abort();
	return value;
}

/* ":MODIFIER" behind a fourcc, cut off; none: linear. */
static uint64_t cut_modifier(char *text)
{
	char *modifier = cut(text, ':');

	if (!modifier)
		return 0;
	return strcmp(modifier, "*") == 0 ? MODIFIER_ANY : number(modifier);
}

static void add_size(void *record, unsigned int row, char *text, enum vocab_origin origin)
{
	char *height = cut(text, 'x');

	must(vocab_add_size(record, row, (uint32_t)number(text), (uint32_t)number(height), origin));
}

/* primaries:bt709+range:full */
static void add_colour(void *record, unsigned int row, char *text, enum vocab_origin origin)
{
	void *colour;
	char *next;

	must(vocab_add_dict(record, row, origin, &colour));
	for (; text && *text; text = next) {
		char *value;

		next = cut(text, '+');
		value = cut(text, ':');
		set_key(colour, text, value, origin);
	}
}

/* XR24:MODIFIER:BYTES:OFFSET+STRIDE+BYTES:OFFSET+STRIDE+BYTES */
static void add_layout(void *record, unsigned int row, char *text, enum vocab_origin origin)
{
	void *layout, *plane;
	char *modifier = cut(text, ':'), *bytes = cut(modifier, ':'), *at = cut(bytes, ':'), *next;

	must(vocab_add_dict(record, row, origin, &layout));
	must(vocab_set_number(layout, LAYOUT_FORMAT, fourcc(text), origin));
	must(vocab_set_number(layout, LAYOUT_MODIFIER, number(modifier), origin));
	must(vocab_set_number(layout, LAYOUT_BYTES, number(bytes), origin));
	for (; at; at = next) {
		char *stride, *length;

		next = cut(at, ':');
		stride = cut(at, '+');
		length = cut(stride, '+');
		must(vocab_add_dict(layout, LAYOUT_PLANES, origin, &plane));
		must(vocab_set_number(plane, PLANE_OFFSET, number(at), origin));
		must(vocab_set_number(plane, PLANE_STRIDE, number(stride), origin));
		must(vocab_set_number(plane, PLANE_BYTES, number(length), origin));
	}
}

/* NUMBER*EXPORTER:BYTES[:CACHED]; no exporter: it is not known */
static void add_buffers(void *record, unsigned int row, char *text, enum vocab_origin origin)
{
	char *exporter = cut(text, '*'), *bytes = cut(exporter, ':'), *cached = cut(bytes, ':');
	void *buffer;

	for (uint64_t i = number(text); i > 0; i--) {
		must(vocab_add_dict(record, row, origin, &buffer));
		if (exporter[0])
			must(vocab_set_string(buffer, MEMORY_EXPORTER, exporter, origin));
		must(vocab_set_number(buffer, MEMORY_BYTES, number(bytes), origin));
		if (cached)
			must(vocab_set_number(buffer, MEMORY_CACHED, number(cached), origin));
	}
}

/* One element of a list. */
static void add_element(void *record, unsigned int row, char *text, enum vocab_origin origin)
{
	const struct vocab_row *facts = &((struct vocab_head *)record)->group->rows[row];
	uint64_t modifier;

	switch (facts->type) {
	case VOCAB_STRINGS:
		must(vocab_add_string(record, row, text, origin));
		break;
	case VOCAB_FORMATS:
		modifier = cut_modifier(text);
		must(vocab_add_format(record, row, fourcc(text), modifier, origin));
		break;
	case VOCAB_SIZES:
		add_size(record, row, text, origin);
		break;
	case VOCAB_DICTS:
		if (facts->group == &vocab_colour)
			add_colour(record, row, text, origin);
		else if (facts->group == &vocab_memory)
			add_buffers(record, row, text, origin);
		else
			add_layout(record, row, text, origin);
		break;
	default:
		abort();
	}
}

/* (key=value/key=value|key=value): one record each. */
static void add_alternatives(void *record, unsigned int row, char *text, enum vocab_origin origin)
{
	size_t len = strlen(text);
	char *next;

	if (text[0] != '(' || text[len - 1] != ')')
		abort();
	text[len - 1] = '\0';
	for (text++; text; text = next) {
		void *alternative;

		next = cut(text, '|');
		must(vocab_add_dict(record, row, origin, &alternative));
		set_keys(alternative, text, origin);
	}
}

static void set_row(void *record, unsigned int row, char *value, enum vocab_origin origin)
{
	const struct vocab_row *facts = &((struct vocab_head *)record)->group->rows[row];
	char *next;

	if (!value[0]) {
		vocab_clear(record, row);
		return;
	}
	switch (facts->type) {
	case VOCAB_ENUM:
		must(vocab_set_number(record, row, (uint64_t)vocab_name_index(facts->names, value),
				      origin));
		break;
	case VOCAB_STRING:
		must(vocab_set_string(record, row, value, origin));
		break;
	case VOCAB_FOURCC:
		must(vocab_set_number(record, row, fourcc(value), origin));
		break;
	case VOCAB_BOOL:
	case VOCAB_U32:
	case VOCAB_U64:
		must(vocab_set_number(record, row, number(value), origin));
		break;
	default:
		if (facts->group == &vocab_participant) {
			add_alternatives(record, row, value, origin);
			break;
		}
		for (; value; value = next) {
			next = cut(value, ',');
			add_element(record, row, value, origin);
		}
	}
}

static void set_key(void *record, const char *key, char *value, enum vocab_origin origin)
{
	static const char *const abbreviations[][2] = {
		{"f", "formats"},	 {"h", "allowed-heaps"}, {"-h", "forbidden-heaps"},
		{"alt", "alternatives"}, {"n", "count"},
	};
	const struct vocab_head *head = record;
	int row;

	for (size_t i = 0; i < sizeof(abbreviations) / sizeof(abbreviations[0]); i++)
		if (strcmp(key, abbreviations[i][0]) == 0)
			key = abbreviations[i][1];
	row = vocab_find(head->group, key);
	if (row < 0 || !value)
		abort();
	set_row(record, (unsigned int)row, value, origin);
}

/* key=value/key=value */
static void set_keys(void *record, char *text, enum vocab_origin origin)
{
	char *next;

	for (; text && *text; text = next) {
		char *value;

		next = cut(text, '/');
		value = cut(text, '=');
		set_key(record, text, value, origin);
	}
}

/* ---- machines as text ---- */

/* A key of formats of a role: of all, or of those of one fourcc. */
static void set_formats(struct device_role *role, const char *which, const char *key, char *value)
{
	for (size_t i = 0; i < role->formats.len; i++) {
		char *copy = strdup(value);

		if (!copy)
			abort();
		if (strcmp(which, "f") == 0 ||
		    ((struct device_format *)role->formats.items[i])->format == fourcc(which))
			set_key(role->formats.items[i], key, copy, VOCAB_KERNEL);
		free(copy);
	}
}

static void add_modified_formats(struct device_role *role, char *list, bool v4l2)
{
	char *next;

	for (; list; list = next) {
		struct device_format *format;
		uint64_t modifier;

		next = cut(list, ',');
		modifier = cut_modifier(list);
		add_formats(role, list, v4l2);
		format = (struct device_format *)role->formats.items[role->formats.len - 1];
		put(format, FORMAT_MODIFIER, modifier);
	}
}

static void set_role(const struct device *device, struct device_role *role, char *text)
{
	char *next, *value, *key;

	for (; text && *text; text = next) {
		next = cut(text, '/');
		value = cut(text, '=');
		key = cut(text, '.');
		if (key)
			set_formats(role, text, key, value);
		else if (strcmp(text, "f") == 0)
			add_modified_formats(role, value, device->kind == KIND_V4L2);
		else
			set_key(role, text, value, VOCAB_KERNEL);
	}
}

/* DEVICE:ROLE: made if it is not there. */
static void change_role(struct machine *machine, const char *id, const char *name, char *text)
{
	struct device *device = machine_find_device(machine, id);
	int index = vocab_name_index(vocab_role_names, name);
	struct device_role *role;

	if (!device || index < 0)
		abort();
	role = device_find_role(device, (enum role)index);
	if (!role)
		role = add_role(device, (enum role)index);
	set_role(device, role, text);
}

static void add_member(struct machine *machine, const char *id, const char *kind, char *text)
{
	void *record;

	if (strcmp(kind, "heap") == 0) {
		record = add_heap(machine, id, false, 0);
		put(record, HEAP_KNOWN, true);
	} else {
		record = add_device(machine, id,
				    (enum kind)vocab_name_index(vocab_kind_names, kind), true);
	}
	set_keys(record, text, VOCAB_KERNEL);
}

static void change(struct machine *machine, char *word)
{
	char *text = cut(word, '/'), *what = cut(word, ':');
	void *record = machine;

	if (word[0] == '+') {
		add_member(machine, word + 1, what, text);
	} else if (word[0] == '-') {
		if (machine_remove(machine, MACHINE_DEVICES, word + 1))
			must(machine_remove(machine, MACHINE_HEAPS, word + 1));
	} else if (what) {
		change_role(machine, word, what, text);
	} else {
		if (strcmp(word, "machine") != 0)
			record = machine_find_device(machine, word);
		if (!record)
			record = machine_find_heap(machine, word);
		if (!record)
			abort();
		set_keys(record, text, VOCAB_KERNEL);
	}
}

/* Words separated by spaces. */
static void change_all(struct machine *machine, const char *text)
{
	char *copy = strdup(text), *rest = NULL;

	if (!copy)
		abort();
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		change(machine, word);
	free(copy);
}

/* What machine.h says of "lab". */
#define DMA "cpu-copies=0/contiguity=none/memory-model=dma-sg/"
#define ANY_STRIDE "f=XR24,NV12,YUYV/f.stride-custom=1"
#define DMA_PAIR(suffix, facts)                                                \
	"+cap" suffix ":v4l2/" facts, "cap" suffix ":capture/" DMA ANY_STRIDE, \
		"+out" suffix ":v4l2/" facts, "out" suffix ":output/" DMA ANY_STRIDE

static const char *const lab[] = {
	"machine/memory-max=0x1ffffffff",
	"+system:heap/contiguous=0/cached=1/maintenance=attachments",
	"system/address-bits=33/capacity-bytes=0x40000000/segment-bytes-max=0x40000",
	"+wc:heap/contiguous=0/cached=0/maintenance=attachments",
	"wc/address-bits=33/capacity-bytes=0x40000000",
	"+udmabuf:heap/exporter=udmabuf/contiguous=0/cached=1/maintenance=exporter",
	"udmabuf/address-bits=33/capacity-bytes=0x40000000/segment-bytes-max=4096",
	"+cma:heap/contiguous=1/cached=1/maintenance=attachments",
	"cma/address-bits=30/capacity-bytes=0x4000000",
	"+safe:heap/contiguous=1/cached=0/protected=1/kernel-map=0/maintenance=attachments",
	"safe/address-bits=30/capacity-bytes=0x4000000",
	DMA_PAIR("", "coherency=coherent/address-bits=64"),
	DMA_PAIR("nc", "coherency=non-coherent/address-bits=64"),
	DMA_PAIR("bar", "coherency=barrier/address-bits=64"),
	DMA_PAIR("unk", "address-bits=64"),
	DMA_PAIR("32", "coherency=coherent/address-bits=32"),
	DMA_PAIR("nc32", "coherency=non-coherent/address-bits=32"),
	DMA_PAIR("mmu", "coherency=coherent/address-bits=32/iommu=1"),
	"+contig:v4l2/coherency=coherent/address-bits=64",
	"contig:capture/" DMA ANY_STRIDE "/contiguity=used",
	"+mplane:v4l2/coherency=coherent/address-bits=64",
	"mplane:capture/" DMA "multi-planar=1/f=NV12,YU12/f.stride-custom=1",
	"+fixed:v4l2/coherency=coherent/address-bits=64",
	"fixed:output/" DMA "f=XR24,NV12/f.stride-align=64",
	"+copier:v4l2",
	"copier:capture/cpu-copies=1/dma-maps=0/contiguity=none/memory-model=vmalloc",
	"copier:capture/f=XR24,NV12/f.stride-custom=1",
	"+vpu:v4l2/coherency=coherent/address-bits=64",
	"vpu:output/" DMA "reaches-protected=1/f=NV12,P010/f.stride-custom=1",
	"vpu:capture/" DMA "reaches-protected=1/f=NV12,P010/f.stride-custom=1",
	"+disp:drm/coherency=coherent/address-bits=64",
	"disp:scanout/" DMA "reaches-protected=1/f=XR24:1,XR24:2,XR24,NV12/f.stride-align=64",
	"+gpu:drm/coherency=coherent/address-bits=64",
	"gpu:render/cpu-copies=0/contiguity=none/memory-model=own-mmu",
};

static void make_lab(struct machine *machine)
{
	for (size_t i = 0; i < sizeof(lab) / sizeof(lab[0]); i++)
		change_all(machine, lab[i]);
}

static struct machine *named_machine(const char *name)
{
	uint32_t bits = strcmp(name, "big") == 0 ? 33 : strcmp(name, "odd") == 0 ? 32 : 30;

	bool arm = strcmp(name, "arm") == 0;
	struct machine *machine;

	must(vocab_create(&vocab_machine, &machine));
	if (strcmp(name, "lab") == 0) {
		make_lab(machine);
		return machine;
	}
	add_cameras(machine, arm);
	add_codecs(machine, arm);
	add_displays(machine, arm);
	if (strcmp(name, "noheap") != 0)
		add_heaps(machine, strcmp(name, "nocma") != 0, bits);
	if (strcmp(name, "odd") == 0)
		add_odd_ones(machine);
	return machine;
}

struct machine *machine_by_name(const char *text)
{
	size_t name_len = strcspn(text, " ");
	char *name = strdup(text); /* a function that faults.c knows */
	struct machine *machine;

	if (!name)
		abort();
	name[name_len] = '\0';
	machine = named_machine(name);
	free(name);
	change_all(machine, text + name_len);
	return machine;
}

/* ---- requests as text ---- */

static void add_participant(struct request *request, const char *name, char *text)
{
	struct participant *participant;
	char *keys = cut(text, '/'), *role = cut(text, ':');

	must(vocab_add_dict(request, REQUEST_PARTICIPANTS, VOCAB_DECLARED, &participant));
	must(vocab_set_string(participant, PARTICIPANT_NAME, name, VOCAB_DECLARED));
	if (role)
		set_key(participant, "role", role, VOCAB_DECLARED);
	if (text[0])
		must(vocab_set_string(participant, PARTICIPANT_DEVICE, text, VOCAB_DECLARED));
	set_keys(participant, keys, VOCAB_DECLARED);
}

static bool is_request_key(const char *word)
{
	return strcmp(word, "f") == 0 || strcmp(word, "n") == 0 || strcmp(word, "h") == 0 ||
	       strcmp(word, "-h") == 0 || vocab_find(&vocab_request, word) >= 0;
}

static void add_word(struct request *request, char *word)
{
	char *value = cut(word, '=');
	unsigned int width, height;

	if (value && is_request_key(word)) {
		set_key(request, word, value, VOCAB_DECLARED);
	} else if (value) {
		add_participant(request, word, value);
	} else {
		if (sscanf(word, "%ux%u", &width, &height) != 2)
			abort();
		must(vocab_set_number(request, REQUEST_WIDTH, width, VOCAB_DECLARED));
		must(vocab_set_number(request, REQUEST_HEIGHT, height, VOCAB_DECLARED));
	}
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
