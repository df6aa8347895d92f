/* SPDX-License-Identifier: MIT */
#include "tests/property/generate.h"

#include <stdlib.h>
#include <string.h>

#include "broker/model/format.h"

#define CODE(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))
#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define ANY_MODIFIER 0x00ffffffffffffffull
#define TILED 0x0100000000000001ull
#define POOL_MAX 6

struct source {
	uint64_t state;
	struct vocab_format pool[POOL_MAX]; /* the formats of this instance */
	size_t pool_len;
	bool is_protected; /* about memory that the CPU does not reach */
	uint32_t density;  /* of constraints, in percent of what is usual */
	bool is_low;	   /* most memory lies low, within reach of all */
	uint32_t width, height;
};

/* ---- chance ---- */

/* xorshift64* */
static uint32_t draw(struct source *source, uint32_t below)
{
	source->state ^= source->state >> 12;
	source->state ^= source->state << 25;
	source->state ^= source->state >> 27;
	return (uint32_t)((source->state * 0x2545f4914f6cdd1dull) >> 32) % below;
}

static bool chance(struct source *source, uint32_t percent)
{
	return draw(source, 100) < percent;
}

static void must(int result)
{
	if (result < 0)
		abort();
}

static void set(void *record, unsigned int row, uint64_t value)
{
	must(vocab_set_number(record, row, value, VOCAB_KERNEL));
}

/* The same for what makes an answer less likely. */
static bool hurdle(struct source *source, uint32_t percent)
{
	return draw(source, 10000) < percent * source->density;
}

/* A key with a percentage, and the values it may get. */
struct choice {
	unsigned int row;
	uint32_t percent;
	uint64_t values[8];
	unsigned int values_len;
};

#define VALUES(...) \
	{__VA_ARGS__}, (unsigned int)(sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void choose_keys(struct source *source, void *record, const struct choice *choices,
			size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (chance(source, choices[i].percent))
			set(record, choices[i].row,
			    choices[i].values[draw(source, choices[i].values_len)]);
}

/* ---- formats ---- */

static void fill_pool(struct source *source)
{
	static const struct vocab_format all[] = {
		{CODE('X', 'R', '2', '4'), 0},	   {CODE('N', 'V', '1', '2'), 0},
		{CODE('X', 'R', '2', '4'), 0},	   {CODE('N', 'V', '1', '2'), 0},
		{CODE('Y', 'U', '1', '2'), 0},	   {CODE('Y', 'U', 'Y', 'V'), 0},
		{CODE('N', 'V', '2', '4'), 0},	   {CODE('P', '0', '1', '0'), 0},
		{CODE('R', 'G', '2', '4'), 0},	   {CODE('Y', 'U', '1', '6'), 0},
		{CODE('X', 'R', '2', '4'), TILED}, {CODE('N', 'V', '1', '2'), TILED + 1},
		{CODE('N', 'V', '1', '2'), TILED}, {CODE('M', 'J', 'P', 'G'), 0},
	};

	source->pool_len = 1 + draw(source, POOL_MAX);
	for (size_t i = 0; i < source->pool_len; i++)
		source->pool[i] = all[draw(source, chance(source, 60) ? 8 : LEN(all))];
}

/* Some of the pool from a place on; now and then a wildcard. */
static void add_formats(struct source *source, void *record, unsigned int row, uint32_t wildcards)
{
	size_t len = 1 + draw(source, (uint32_t)source->pool_len);
	size_t start = draw(source, (uint32_t)source->pool_len);

	if (!hurdle(source, 50))
		len = source->pool_len;
	for (size_t i = 0; i < len; i++) {
		struct vocab_format format = source->pool[(start + i) % source->pool_len];

		if (chance(source, wildcards))
			format.modifier = ANY_MODIFIER;
		if (chance(source, wildcards / 2))
			format.fourcc = 0;
		must(vocab_add_format(record, row, format.fourcc, format.modifier, VOCAB_DECLARED));
	}
}

/* ---- heaps ---- */

static const char *const heap_ids[] = {"system", "reserved", "udmabuf", "secure", "vendor"};
enum heap_kind { HEAP_SYSTEM, HEAP_RESERVED, HEAP_UDMABUF, HEAP_SECURE, HEAP_VENDOR, HEAP_KINDS };

static void add_heap(struct source *source, struct machine *machine, unsigned int kind)
{
	static const struct choice noise[] = {
		{HEAP_ALIGNMENT, 25, VALUES(4096, 8192, 65536, 12288, 64)},
		{HEAP_GRANULARITY, 15, VALUES(4096, 16384, 65536)},
		{HEAP_CAPACITY_BYTES, 15, VALUES(16384, 40960, 65536, 262144, 1 << 20)},
		{HEAP_BUFFER_BYTES_MAX, 8, VALUES(4096, 8192, 16384, 65536)},
		{HEAP_SEGMENT_BYTES_MAX, 30, VALUES(4096, 8192, 65536, 1 << 20)},
		{HEAP_KERNEL_MAP, 12, VALUES(0, 1)},
		{HEAP_ADDRESS_MAX, 10, VALUES(0x3fffffff, 0x7fffffff, 0xffffffff, 0x17fffffff)},
		{HEAP_ADDRESS_BITS, 40, VALUES(30, 31, 32, 32, 33, 36)},
		{HEAP_CACHED, 10, VALUES(0)},
		{HEAP_MAINTENANCE, 4, VALUES(0, 1, 2, 3)},
		{HEAP_KNOWN, 2, VALUES(0, 1)},
	};
	struct heap *heap;

	must(vocab_create(&vocab_heap, &heap));
	must(vocab_set_string(heap, HEAP_ID, heap_ids[kind], VOCAB_KERNEL));
	if (kind != HEAP_VENDOR || chance(source, 30)) {
		set(heap, HEAP_KNOWN, kind != HEAP_VENDOR);
		set(heap, HEAP_CONTIGUOUS, kind == HEAP_RESERVED || kind == HEAP_SECURE);
		set(heap, HEAP_CACHED, kind != HEAP_SECURE);
		set(heap, HEAP_PROTECTED, kind == HEAP_SECURE);
		set(heap, HEAP_ZEROED, kind != HEAP_SECURE);
		set(heap, HEAP_MAINTENANCE,
		    kind == HEAP_UDMABUF ? MAINTENANCE_EXPORTER : MAINTENANCE_ATTACHMENTS);
		set(heap, HEAP_EXPORTER,
		    kind == HEAP_UDMABUF ? EXPORTER_UDMABUF + draw(source, 2) : 0);
	}
	choose_keys(source, heap, noise, LEN(noise));
	if (source->is_low && !chance(source, 5))
		set(heap, HEAP_ADDRESS_BITS, 28 + draw(source, 5));
	for (unsigned int i = 0; i < 6; i++)
		if (chance(source, 1))
			vocab_clear(heap, HEAP_KNOWN + i);
	must(machine_put(machine, heap));
}

static void add_heaps(struct source *source, struct machine *machine)
{
	unsigned int percents[HEAP_KINDS] = {92, 60, 35, source->is_protected ? 80 : 8, 15};

	if (chance(source, 1))
		return;
	for (unsigned int i = 0; i < HEAP_KINDS && machine->heaps.len < 4; i++)
		if (chance(source, percents[i]))
			add_heap(source, machine, i);
}

/* Ids, properties, and ids that are not there. */
static void add_heap_names(struct source *source, void *record, unsigned int row)
{
	static const char *const words[] = {"system",
					    "reserved",
					    "udmabuf",
					    "secure",
					    "vendor",
					    "is:contiguous",
					    "is:scattered",
					    "is:cached",
					    "is:uncached",
					    "is:zeroed",
					    "is:cached+scattered",
					    "is:dma-heap",
					    "is:udmabuf",
					    "is:protected",
					    "nowhere"};
	unsigned int len = 1 + draw(source, row == REQUEST_ALLOWED_HEAPS ? 4 : 2);

	for (unsigned int i = 0; i < len; i++)
		must(vocab_add_string(record, row, words[draw(source, LEN(words))],
				      VOCAB_DECLARED));
}

/* ---- devices ---- */

static void add_device_format(struct source *source, struct device_role *role,
			      struct vocab_format format, bool is_v4l2)
{
	static const struct choice noise[] = {
		{FORMAT_WIDTH_MIN, 6, VALUES(1, 16, 32)},
		{FORMAT_WIDTH_MAX, 6, VALUES(32, 64, 128)},
		{FORMAT_WIDTH_STEP, 5, VALUES(1, 2, 8, 16)},
		{FORMAT_HEIGHT_MIN, 5, VALUES(1, 16, 32)},
		{FORMAT_HEIGHT_MAX, 5, VALUES(32, 64, 128)},
		{FORMAT_HEIGHT_STEP, 4, VALUES(1, 2, 8)},
		{FORMAT_STRIDE_MAX, 8, VALUES(64, 128, 256, 1024)},
		{FORMAT_HEIGHT_ALIGN, 15, VALUES(1, 2, 8, 16, 32)},
		{FORMAT_TAIL_BYTES, 10, VALUES(1, 64, 1000, 4096)},
	};
	static const uint32_t aligns[] = {1, 1, 1, 2, 4, 16, 16, 64, 64, 96};
	void *record;

	for (size_t i = 0; i < role->formats.len; i++)
		if (vocab_number(role->formats.items[i], FORMAT_FORMAT) == format.fourcc &&
		    vocab_number(role->formats.items[i], FORMAT_MODIFIER) == format.modifier)
			return;
	must(vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, &record));
	set(record, FORMAT_FORMAT, format.fourcc);
	if (format.modifier || chance(source, 30))
		set(record, FORMAT_MODIFIER, format.modifier);
	if (is_v4l2 && !chance(source, 2))
		set(record, FORMAT_V4L2_FORMAT, format.fourcc);
	set(record, FORMAT_STRIDE_CUSTOM, !hurdle(source, is_v4l2 ? 60 : 5));
	if (chance(source, 90))
		set(record, FORMAT_STRIDE_ALIGN, aligns[draw(source, LEN(aligns))]);
	for (size_t i = 0; i < LEN(noise); i++)
		if (hurdle(source, noise[i].percent))
			set(record, noise[i].row,
			    noise[i].values[draw(source, noise[i].values_len)]);
	for (unsigned int row = FORMAT_WIDTH_MIN; row <= FORMAT_HEIGHT_STEP; row++)
		if (vocab_has(record, row))
			return; /* it lists sizes, or says what they are */
	for (unsigned int i = hurdle(source, 8) ? 1 + draw(source, 3) : 0; i > 0; i--)
		must(vocab_add_size(record, FORMAT_SIZES,
				    chance(source, 70) ? source->width : 16 * i,
				    chance(source, 80) ? source->height : 16 * i, VOCAB_KERNEL));
}

static void add_role(struct source *source, struct device *device, enum role number, bool is_v4l2)
{
	static const struct choice noise[] = {
		{ROLE_CPU_COPIES, 75, VALUES(0, 0, 0, 1)},
		{ROLE_DMA_MAPS, 30, VALUES(0, 1)},
		{ROLE_MULTI_PLANAR, 20, VALUES(0, 1)},
		{ROLE_MIN_BUFFERS, 25, VALUES(0, 1, 2, 3, 4)},
		{ROLE_OFFSET_ALIGN, 12, VALUES(1, 2, 64, 4096)},
		{ROLE_SEGMENT_BYTES_MAX, 5, VALUES(4096, 8192, 65536)},
		{ROLE_SEGMENTS_MAX, 6, VALUES(1, 2, 4, 16)},

	};
	struct device_role *role;
	size_t len = 1 + draw(source, (uint32_t)source->pool_len);
	size_t start = draw(source, (uint32_t)source->pool_len);

	must(vocab_add_dict(device, DEVICE_ROLES, VOCAB_KERNEL, &role));
	set(role, ROLE_ROLE, number);
	set(role, ROLE_IMPORTS, !hurdle(source, 3));
	choose_keys(source, role, noise, LEN(noise));
	if (!hurdle(source, 5))
		set(role, ROLE_CONTIGUITY,
		    hurdle(source, 25) ? CONTIGUITY_USED + draw(source, 2) : CONTIGUITY_NONE);
	if (source->is_protected) {
		set(role, ROLE_REACHES_PROTECTED, chance(source, 80));
		if (chance(source, 80))
			set(role, ROLE_CPU_COPIES, false);
	} else if (chance(source, 10)) {
		set(role, ROLE_REACHES_PROTECTED, draw(source, 2));
	}
	if (!hurdle(source, 40))
		len = source->pool_len;
	for (size_t i = 0; number != ROLE_RENDER && i < len; i++)
		add_device_format(source, role, source->pool[(start + i) % source->pool_len],
				  is_v4l2);
}

/* Returns borrowed. */
static const struct device *add_device(struct source *source, struct machine *machine,
				       unsigned int number)
{
	static const struct choice noise[] = {
		{DEVICE_COHERENCY, 80, VALUES(0, 1, 1, 1, 2, 2, 3)},
		{DEVICE_ADDRESS_BITS, 70, VALUES(30, 32, 32, 36, 40, 64, 64)},
		{DEVICE_ADDRESS_MAX, 5, VALUES(0x3fffffff, 0x7fffffff, 0xffffffff)},
		{DEVICE_IOMMU, 25, VALUES(0, 1)},
		{DEVICE_BOUNCED, 6, VALUES(0, 1)},
	};
	bool is_v4l2 = chance(source, 60);
	struct device *device;

	must(vocab_create(&vocab_device, &device));
	must(vocab_format_string(device, DEVICE_ID, VOCAB_KERNEL, "%s%u",
				 is_v4l2 ? "v4l2-" : "drm-", number < 10 ? 9 - number : number));
	must(vocab_format_string(device, DEVICE_NODE, VOCAB_KERNEL, "/dev/node%u", number));
	set(device, DEVICE_KIND, is_v4l2 ? KIND_V4L2 : KIND_DRM);
	choose_keys(source, device, noise, LEN(noise));
	if (is_v4l2) {
		add_role(source, device, (enum role)draw(source, 2), true);
		if (chance(source, 20))
			add_role(source, device,
				 ((struct device_role *)device->roles.items[0])->role ==
						 ROLE_CAPTURE
					 ? ROLE_OUTPUT
					 : ROLE_CAPTURE,
				 true);
	} else {
		add_role(source, device, (enum role)(ROLE_SCANOUT + draw(source, 3)), false);
	}
	must(machine_put(machine, device));
	return device;
}

/* ---- participants ---- */

static void add_colours(struct source *source, void *record)
{
	struct vocab_head *colour;

	for (unsigned int i = 1 + draw(source, 3); i > 0; i--) {
		must(vocab_add_dict(record, PARTICIPANT_COLOURS, VOCAB_DECLARED, &colour));
		for (unsigned int row = COLOUR_PRIMARIES; row <= COLOUR_RANGE; row++)
			if (chance(source, 40))
				set(colour, row, draw(source, 3));
		if (!vocab_has(colour, COLOUR_PRIMARIES))
			set(colour, COLOUR_PRIMARIES, 1 + draw(source, 2));
	}
}

static void add_layout(struct source *source, void *record, struct vocab_format format)
{
	static const uint64_t strides[] = {64, 128, 192, 256, 400};
	static const uint64_t starts[] = {0, 4096, 8192, 6144};
	unsigned int planes = 1 + draw(source, 2);
	struct vocab_head *layout, *plane;

	must(vocab_add_dict(record, PARTICIPANT_LAYOUTS, VOCAB_DECLARED, &layout));
	set(layout, LAYOUT_FORMAT, format.fourcc);
	set(layout, LAYOUT_MODIFIER, format.modifier);
	set(layout, LAYOUT_BYTES, chance(source, 50) ? 16384 : 20000);
	for (unsigned int i = 0; i < planes; i++) {
		must(vocab_add_dict(layout, LAYOUT_PLANES, VOCAB_DECLARED, &plane));
		set(plane, PLANE_OFFSET, i ? starts[draw(source, LEN(starts))] : 0);
		set(plane, PLANE_STRIDE, strides[draw(source, chance(source, 50) ? 1 : 5)]);
		set(plane, PLANE_BYTES, 4096);
	}
}

/* Layouts of what has none of its own. */
static void add_layouts(struct source *source, void *record)
{
	for (size_t i = 0; i < source->pool_len; i++)
		if ((source->pool[i].modifier ||
		     source->pool[i].fourcc == CODE('M', 'J', 'P', 'G')) &&
		    chance(source, 70))
			add_layout(source, record, source->pool[i]);
}

static void add_sizes(struct source *source, void *record)
{
	static const uint32_t sides[] = {16, 24, 30, 32, 48, 64, 120};

	for (unsigned int i = 1 + draw(source, 2); i > 0; i--)
		must(vocab_add_size(record, PARTICIPANT_SIZES, sides[draw(source, LEN(sides))],
				    sides[draw(source, LEN(sides))], VOCAB_DECLARED));
}

/* What may be said in an alternative too. */
static void add_constraints(struct source *source, void *record)
{
	static const struct choice keys[] = {
		{PARTICIPANT_CAMPING, 12, VALUES(0, 1, 2, 3, 5)},
		{PARTICIPANT_SLACK, 8, VALUES(0, 1, 2, 4)},
		{PARTICIPANT_SHARED_SLACK, 6, VALUES(0, 1, 2, 3)},
		{PARTICIPANT_MIN_COUNT, 4, VALUES(0, 2, 4, 6)},
		{PARTICIPANT_MAX_COUNT, 5, VALUES(2, 3, 4, 6, 8, 64)},
		{PARTICIPANT_STRIDE_ALIGN, 7, VALUES(1, 2, 3, 16, 64, 96, 256)},
		{PARTICIPANT_STRIDE_MIN, 4, VALUES(0, 64, 100, 128, 129, 256)},
		{PARTICIPANT_STRIDE_MAX, 4, VALUES(64, 128, 256, 400, 4096)},
		{PARTICIPANT_OFFSET_ALIGN, 5, VALUES(1, 2, 64, 256, 4096)},
		{PARTICIPANT_BYTES_MIN, 4, VALUES(0, 1000, 8192, 20000)},
		{PARTICIPANT_BYTES_MAX, 4, VALUES(4096, 8192, 16384, 100000)},
		{PARTICIPANT_CONTIGUOUS, 4, VALUES(0, 1, 1)},
		{PARTICIPANT_ADDRESS_BITS, 4, VALUES(30, 31, 32, 33, 40, 64)},
		{PARTICIPANT_WIDTH_MIN, 2, VALUES(1, 16, 32, 40)},
		{PARTICIPANT_WIDTH_MAX, 2, VALUES(16, 32, 64, 100)},
		{PARTICIPANT_HEIGHT_MIN, 2, VALUES(1, 16, 32, 40)},
		{PARTICIPANT_HEIGHT_MAX, 2, VALUES(16, 32, 64, 100)},
		{PARTICIPANT_AREA_MAX, 2, VALUES(512, 1024, 2048, 10000)},
		{PARTICIPANT_WIDTH_ALIGN, 2, VALUES(1, 2, 16, 3)},
		{PARTICIPANT_HEIGHT_ALIGN, 2, VALUES(1, 2, 16, 3)},
		{PARTICIPANT_STRIDE_PIXELS, 4, VALUES(0, 1, 1)},
		{PARTICIPANT_ROWS_ALIGN, 4, VALUES(1, 2, 8, 16, 32)},
		{PARTICIPANT_TAIL_BYTES, 4, VALUES(0, 1, 1000, 4096)},
		{PARTICIPANT_BYTES_ALIGN, 4, VALUES(1, 2, 100, 4096, 10000)},
		{PARTICIPANT_BASE_ALIGN, 4, VALUES(1, 64, 4096, 8192, 12288)},
		{PARTICIPANT_SEGMENTS_MAX, 3, VALUES(1, 2, 4, 8)},
		{PARTICIPANT_SEGMENT_BYTES_MAX, 3, VALUES(4096, 8192, 65536)},
	};

	for (size_t i = 0; i < LEN(keys); i++)
		if (hurdle(source, keys[i].percent))
			set(record, keys[i].row, keys[i].values[draw(source, keys[i].values_len)]);
	if (chance(source, source->is_protected ? 40 : 1))
		set(record, PARTICIPANT_PROTECTED, draw(source, 3) != 0);
	if (chance(source, source->is_protected ? 30 : 2))
		set(record, PARTICIPANT_REACHES_PROTECTED, draw(source, 2));
	if (hurdle(source, 5))
		add_heap_names(source, record, PARTICIPANT_ALLOWED_HEAPS);
	if (hurdle(source, 5))
		add_heap_names(source, record, PARTICIPANT_FORBIDDEN_HEAPS);
	if (hurdle(source, 6))
		add_colours(source, record);
	if (chance(source, 25))
		add_layouts(source, record);
	if (hurdle(source, 4))
		add_sizes(source, record);
}

static void add_alternatives(struct source *source, void *record, unsigned int depth)
{
	void *alternative;

	for (unsigned int i = 1 + draw(source, 3); i > 0; i--) {
		must(vocab_add_dict(record, PARTICIPANT_ALTERNATIVES, VOCAB_DECLARED,
				    &alternative));
		add_constraints(source, alternative);
		if (chance(source, 25))
			add_formats(source, alternative, PARTICIPANT_FORMATS, 10);
		if (depth < 3 && chance(source, 15))
			add_alternatives(source, alternative, depth + 1);
	}
}

static void add_usage(struct source *source, void *record)
{
	static const char *const words[] = {"read", "write", "scanout", "encode", "decode"};

	if (chance(source, 20)) {
		must(vocab_add_string(record, PARTICIPANT_USAGE, "none", VOCAB_DECLARED));
		return;
	}
	for (unsigned int i = 1 + draw(source, 2); i > 0; i--)
		must(vocab_add_string(record, PARTICIPANT_USAGE, words[draw(source, LEN(words))],
				      VOCAB_DECLARED));
}

/* A participant of the CPU, or of a device of its own, or (rarely) of one that another has. */
static void choose_device(struct source *source, struct machine *machine,
			  struct participant *participant, unsigned int number)
{
	const struct device *device = NULL;

	if (chance(source, source->is_protected ? 5 : 20)) {
		set(participant, PARTICIPANT_ROLE, ROLE_CPU);
		if (chance(source, 70))
			add_formats(source, participant, PARTICIPANT_FORMATS, 8);
		return;
	}
	if (machine->devices.len && chance(source, 10))
		device = (const struct device *)machine->devices.items[0];
	if (!device)
		device = add_device(source, machine, number);
	must(vocab_set_string(participant, PARTICIPANT_DEVICE,
			      chance(source, 80) ? device->id : device->node, VOCAB_DECLARED));
	set(participant, PARTICIPANT_ROLE,
	    vocab_number(device->roles.items[draw(source, (uint32_t)device->roles.len)],
			 ROLE_ROLE));
	if (participant->role == ROLE_RENDER || chance(source, 20))
		add_formats(source, participant, PARTICIPANT_FORMATS, 8);
}

static void add_participant(struct source *source, struct instance *instance, unsigned int number,
			    bool many)
{
	static const char *const names[] = {"b", "d", "a", "c", "k", "e", "p", "f",
					    "o", "g", "n", "h", "m", "i", "l", "j"};
	static const struct choice keys[] = {
		{PARTICIPANT_RANK, 15, VALUES(0, 1, 2)},
		{PARTICIPANT_CPU_ACCESS, 12, VALUES(0, 1, 2)},
		{PARTICIPANT_CPU_WRITES, 10, VALUES(0, 1, 2)},
	};
	struct participant *participant;

	must(vocab_add_dict(instance->request, REQUEST_PARTICIPANTS, VOCAB_DECLARED, &participant));
	must(vocab_set_string(participant, PARTICIPANT_NAME, names[number], VOCAB_DECLARED));
	choose_device(source, instance->machine, participant, number);
	choose_keys(source, participant, keys, LEN(keys));
	add_constraints(source, participant);
	if (chance(source, 12))
		add_usage(source, participant);
	if (many)
		for (unsigned int i = 0; i < 2; i++)
			add_alternatives(source, participant, 0);
	else if (chance(source, 20))
		add_alternatives(source, participant, 0);
}

/* ---- buffers that are brought ---- */

/* Planes of a linear layout, as the format has them. Whether there are such. */
static bool add_linear(struct source *source, void *layout, const struct format_info *info)
{
	static const uint32_t aligns[] = {1, 1, 16, 64, 256}, gaps[] = {1, 1, 1, 4096};
	uint32_t align = aligns[draw(source, LEN(aligns))];
	uint32_t stride = (format_stride_min(info, source->width) + align - 1) / align * align;
	struct format_layout planes;
	struct vocab_head *plane;

	if (!format_layout(info, source->height + (chance(source, 20) ? 16 : 0), stride,
			   gaps[draw(source, LEN(gaps))], &planes))
		return false;
	set(layout, LAYOUT_BYTES, planes.total + (chance(source, 20) ? 512 : 0));
	for (unsigned int i = 0; i < planes.planes_len; i++) {
		must(vocab_add_dict(layout, LAYOUT_PLANES, VOCAB_DECLARED, &plane));
		set(plane, PLANE_OFFSET, planes.offset[i]);
		set(plane, PLANE_STRIDE, planes.stride[i]);
		set(plane, PLANE_BYTES, planes.bytes[i]);
	}
	return true;
}

/* The one layout they have. */
static bool add_their_layout(struct source *source, struct participant *participant)
{
	struct vocab_format format = source->pool[draw(source, (uint32_t)source->pool_len)];
	const struct format_info *info = format.modifier ? NULL : format_find(format.fourcc);
	struct vocab_head *layout;

	vocab_clear(participant, PARTICIPANT_LAYOUTS);
	if (!info) {
		add_layout(source, participant, format);
		return true;
	}
	must(vocab_add_dict(participant, PARTICIPANT_LAYOUTS, VOCAB_DECLARED, &layout));
	set(layout, LAYOUT_FORMAT, format.fourcc);
	set(layout, LAYOUT_MODIFIER, format.modifier);
	return add_linear(source, layout, info);
}

static void bring(struct source *source, struct participant *participant)
{
	static const char *const exporters[] = {"system",
						"reserved",
						"udmabuf",
						"secure",
						"videobuf2_vmalloc",
						"videobuf2_dma_contig",
						"videobuf2_dma_sg",
						"drm",
						"i915",
						"memfd",
						"memfd-hugetlb",
						"mystery",
						"videobuf2_vmalloc",
						"system",
						"system"};
	const char *exporter = exporters[draw(source, LEN(exporters))];
	unsigned int len = 1 + draw(source, 8);
	bool says = chance(source, 20), cached = chance(source, 50);
	const struct supplied_layout *layout;
	struct vocab_head *buffer;

	if (!add_their_layout(source, participant)) {
		vocab_clear(participant, PARTICIPANT_LAYOUTS);
		return;
	}
	layout = (const struct supplied_layout *)participant->layouts.items[0];
	for (unsigned int i = 0; i < len; i++) {
		must(vocab_add_dict(participant, PARTICIPANT_BUFFERS, VOCAB_DECLARED, &buffer));
		must(vocab_set_string(buffer, MEMORY_EXPORTER, exporter, VOCAB_DECLARED));
		set(buffer, MEMORY_BYTES,
		    (layout->bytes + 4095) / 4096 * 4096 + (chance(source, 30) ? 4096 : 0));
		if (says)
			set(buffer, MEMORY_CACHED, cached);
	}
	if (chance(source, 80))
		vocab_clear(participant, PARTICIPANT_FORMATS);
}

static void bring_some(struct source *source, struct request *request)
{
	size_t which = draw(source, (uint32_t)request->participants.len);

	bring(source, (struct participant *)request->participants.items[which]);
}

/* Only now it is known who there is. */
static void add_producers(struct source *source, struct request *request)
{
	for (size_t i = 0; i < request->participants.len; i++)
		for (size_t j = 0; j < request->participants.len && chance(source, 15); j++)
			if (j != i)
				must(vocab_add_string(request->participants.items[i],
						      PARTICIPANT_READS_FROM,
						      vocab_string(request->participants.items[j],
								   PARTICIPANT_NAME),
						      VOCAB_DECLARED));
}

/* ---- the whole ---- */

static void fill_request(struct source *source, struct request *request)
{
	static const uint32_t sides[] = {16, 24, 30, 32, 33, 48, 64, 100};
	static const struct choice keys[] = {
		{REQUEST_COUNT, 25, VALUES(1, 2, 3, 5, 8)},
		{REQUEST_FORBID_SCARCE, 6, VALUES(0, 1)},
		{REQUEST_ALLOW_BOUNCE, 30, VALUES(0, 1)},
		{REQUEST_ALLOW_COPIES, 25, VALUES(0, 1, 1)},
	};

	source->width = sides[draw(source, LEN(sides))];
	source->height = sides[draw(source, LEN(sides))];
	set(request, REQUEST_WIDTH, source->width);
	set(request, REQUEST_HEIGHT, source->height);
	choose_keys(source, request, keys, LEN(keys));
	if (chance(source, 20))
		add_formats(source, request, REQUEST_FORMATS, 10);
	for (unsigned int row = REQUEST_PRIMARIES; row <= REQUEST_RANGE; row++)
		if (chance(source, 2))
			set(request, row, 1 + draw(source, 2));
	if (hurdle(source, 10))
		add_heap_names(source, request, REQUEST_ALLOWED_HEAPS);
	if (hurdle(source, 8))
		add_heap_names(source, request, REQUEST_FORBIDDEN_HEAPS);
}

static void add_limits(struct source *source, struct instance *instance)
{
	static const uint64_t limits[] = {0, 8192, 16384, 24576, 65536};
	const struct vocab_dicts *heaps = &instance->machine->heaps;

	while (instance->limits_len < INSTANCE_LIMITS_MAX && heaps->len && chance(source, 12))
		instance->limits[instance->limits_len++] = (struct solve_limit){
			((const struct heap *)heaps->items[draw(source, (uint32_t)heaps->len)])->id,
			limits[draw(source, LEN(limits))]};
}

static void generate(uint64_t seed, bool wide, struct instance *ret_instance)
{
	static const struct choice keys[] = {
		{MACHINE_PAGE_BYTES, 15, VALUES(4096, 16384)},
		{MACHINE_MEMORY_MAX, 50, VALUES(0x3fffffff, 0x7fffffff, 0xffffffff, 0x1ffffffff)},
		{MACHINE_BOUNCE, 80, VALUES(0, 1, 2, 2, 3)},
		{MACHINE_COHERENCY, 60, VALUES(0, 1, 2, 2)},
		{MACHINE_CACHE_ALIASES, 98, VALUES(0, 0, 0, 0, 0, 1)},
		{MACHINE_MAPPING_COLOUR, 60, VALUES(1, 4096, 8192, 16384)},
	};
	struct source source = {.state = (seed + 1) * 0x9e3779b97f4a7c15ull};
	struct instance instance = {.late = -1};
	unsigned int participants;
	static const uint32_t densities[] = {10, 30, 60, 150};
	bool many;

	must(vocab_create(&vocab_machine, &instance.machine));
	must(vocab_create(&vocab_request, &instance.request));
	for (unsigned int i = 0; i < 4; i++)
		(void)draw(&source, 2);
	source.is_protected = chance(&source, 6);
	source.density = densities[draw(&source, LEN(densities))];
	source.is_low = chance(&source, 75);
	many = draw(&source, 1500) == 0;
	participants = many ? 4 : 1 + draw(&source, 4);
	if (wide) {
		many = false;
		participants = 9 + draw(&source, 8);
		source.density = draw(&source, 12);
	}
	fill_pool(&source);
	choose_keys(&source, instance.machine, keys, LEN(keys));
	fill_request(&source, instance.request);
	if (wide)
		set(instance.request, REQUEST_ALLOW_COPIES, true);
	add_heaps(&source, instance.machine);
	for (unsigned int i = 0; i < participants; i++)
		add_participant(&source, &instance, i, many);
	if (chance(&source, 15))
		add_producers(&source, instance.request);
	add_limits(&source, &instance);
	if (chance(&source, 8))
		bring_some(&source, instance.request);
	if (participants > 1 && chance(&source, 12))
		instance.late = (int)draw(&source, participants);
	*ret_instance = instance;
}

void instance_generate(uint64_t seed, struct instance *ret_instance)
{
	generate(seed, false, ret_instance);
}

void instance_generate_wide(uint64_t seed, struct instance *ret_instance)
{
	generate(seed, true, ret_instance);
}

void instance_copy(const struct instance *instance, struct instance *ret_copy)
{
	*ret_copy = *instance;
	must(vocab_copy(instance->machine, &ret_copy->machine));
	must(vocab_copy(instance->request, &ret_copy->request));
	for (size_t i = 0; i < instance->limits_len; i++) {
		const struct heap *heap =
			machine_find_heap(ret_copy->machine, instance->limits[i].heap);

		ret_copy->limits[i].heap = heap ? heap->id : "gone";
	}
}

void instance_finish(struct instance *instance)
{
	vocab_destroy(instance->machine);
	vocab_destroy(instance->request);
	*instance = (struct instance){0};
}

static void shuffle(struct source *source, struct vocab_dicts *list)
{
	for (size_t i = list->len; i > 1; i--) {
		size_t j = draw(source, (uint32_t)i);
		struct vocab_head *item = list->items[i - 1];

		list->items[i - 1] = list->items[j];
		list->items[j] = item;
	}
}

void instance_shuffle(struct instance *instance, uint64_t seed)
{
	struct source source = {.state = (seed + 1) * 0x9e3779b97f4a7c15ull};

	shuffle(&source, &instance->request->participants);
	shuffle(&source, &instance->machine->devices);
	shuffle(&source, &instance->machine->heaps);
	instance->late = -1;
}

/* ---- taking away ---- */

static void drop_element(void *record, unsigned int row, unsigned int n)
{
	struct vocab_dicts *dicts = (struct vocab_dicts *)(uintptr_t)vocab_value(record, row);

	if (dicts->len == 1) {
		vocab_clear(record, row);
		return;
	}
	vocab_destroy(dicts->items[n]);
	memmove(&dicts->items[n], &dicts->items[n + 1],
		(dicts->len - n - 1) * sizeof(dicts->items[0]));
	dicts->len--;
}

static void drop_item(void *record, unsigned int row, unsigned int n)
{
	void *value = (void *)(uintptr_t)vocab_value(record, row);
	enum vocab_type type = ((struct vocab_head *)record)->group->rows[row].type;
	struct vocab_strings *strings = value;
	struct vocab_formats *formats = value;
	struct vocab_sizes *sizes = value;

	if (strings->len == 1) { /* all lists have their length in the same place */
		vocab_clear(record, row);
	} else if (type == VOCAB_STRINGS) {
		free(strings->items[n]);
		memmove(&strings->items[n], &strings->items[n + 1],
			(strings->len - n - 1) * sizeof(strings->items[0]));
		strings->len--;
	} else if (type == VOCAB_FORMATS) {
		memmove(&formats->items[n], &formats->items[n + 1],
			(formats->len - n - 1) * sizeof(formats->items[0]));
		formats->len--;
	} else {
		memmove(&sizes->items[n], &sizes->items[n + 1],
			(sizes->len - n - 1) * sizeof(sizes->items[0]));
		sizes->len--;
	}
}

static bool drop(void *record, unsigned int *n)
{
	const struct vocab_group *group = ((struct vocab_head *)record)->group;

	for (unsigned int row = 0; row < group->rows_len; row++) {
		enum vocab_type type = group->rows[row].type;
		const struct vocab_dicts *list = vocab_value(record, row);
		bool is_list = type == VOCAB_STRINGS || type == VOCAB_FORMATS ||
			       type == VOCAB_SIZES || type == VOCAB_DICTS;

		if (!vocab_has(record, row) || group->rows[row].flags & VOCAB_REQUIRED ||
		    type == VOCAB_FOURCC || type == VOCAB_MODIFIER)
			continue;
		if (!is_list && (*n)-- == 0) {
			vocab_clear(record, row);
			return true;
		}
		for (unsigned int i = 0; is_list && i < list->len; i++) {
			if ((*n)-- == 0) {
				if (type == VOCAB_DICTS)
					drop_element(record, row, i);
				else
					drop_item(record, row, i);
				return true;
			}
			if (type == VOCAB_DICTS && drop(list->items[i], n))
				return true;
		}
	}
	return false;
}

bool instance_drop(struct instance *instance, unsigned int n)
{
	if (n < instance->limits_len) {
		instance->limits[n] = instance->limits[--instance->limits_len];
		return true;
	}
	n -= (unsigned int)instance->limits_len;
	return drop(instance->request, &n) || drop(instance->machine, &n);
}

/* ---- printing ---- */

static void print_value(FILE *out, const void *record, unsigned int row, unsigned int indent)
{
	const struct vocab_row *description =
		&((const struct vocab_head *)record)->group->rows[row];
	const void *value = vocab_value(record, row);
	const struct vocab_strings *strings = value;
	const struct vocab_formats *formats = value;
	const struct vocab_sizes *sizes = value;
	const struct vocab_dicts *dicts = value;

	switch (description->type) {
	case VOCAB_STRING:
		fprintf(out, "\"%s\"", vocab_string(record, row));
		break;
	case VOCAB_ENUM:
		fprintf(out, "\"%s\"", vocab_enum_name(record, row));
		break;
	case VOCAB_FOURCC:
		fprintf(out, "\"%.4s\"", (const char *)value);
		break;
	case VOCAB_STRINGS:
		for (size_t i = 0; i < strings->len; i++)
			fprintf(out, "%s\"%s\"", i ? ", " : "", strings->items[i]);
		break;
	case VOCAB_FORMATS:
		for (size_t i = 0; i < formats->len; i++)
			fprintf(out, "%s%.4s:0x%llx", i ? ", " : "",
				formats->items[i].fourcc ? (const char *)&formats->items[i].fourcc
							 : "*",
				(unsigned long long)formats->items[i].modifier);
		break;
	case VOCAB_SIZES:
		for (size_t i = 0; i < sizes->len; i++)
			fprintf(out, "%s%ux%u", i ? ", " : "", sizes->items[i].width,
				sizes->items[i].height);
		break;
	case VOCAB_DICTS:
		for (size_t i = 0; i < dicts->len; i++) {
			fprintf(out, "\n%*s{\n", (int)indent, "");
			record_print(out, dicts->items[i], indent + 2);
			fprintf(out, "%*s}", (int)indent, "");
		}
		break;
	default:
		fprintf(out, "%llu", (unsigned long long)vocab_number(record, row));
		break;
	}
}

void record_print(FILE *out, const void *record, unsigned int indent)
{
	const struct vocab_group *group = ((const struct vocab_head *)record)->group;

	for (unsigned int row = 0; row < group->rows_len; row++) {
		if (!vocab_has(record, row))
			continue;
		fprintf(out, "%*s%s: ", (int)indent, "", group->rows[row].name);
		print_value(out, record, row, indent + 2);
		fprintf(out, "\n");
	}
}
