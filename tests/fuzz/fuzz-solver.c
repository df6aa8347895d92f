/* SPDX-License-Identifier: MIT */
/*
 * A machine and a request out of arbitrary bytes: any fact may be absent or at the end of its
 * limits, alternatives nest, layouts are supplied. There is a plan that keeps what was asked, a
 * plan for each group, or an error with a name; it is the same one when everything is named in
 * another order; and with the buffers of a plan there already, the same request gets them again.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/model/format.h"
#include "broker/model/text.h"
#include "broker/model/utf8.h"
#include "broker/solver/solve.h"
#include "tests/fuzz/fuzz.h"

#define CODE(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))

struct input {
	const uint8_t *data;
	size_t size;
};

/* The next byte; 0 at the end. */
static uint8_t take(struct input *input)
{
	if (!input->size)
		return 0;
	input->size--;
	return *input->data++;
}

static uint64_t take_number(struct input *input, const struct vocab_row *row)
{
	uint64_t small = take(input);

	switch (take(input) % 16) {
	case 0:
		return row->min;
	case 1:
		return row->max;
	case 2:
		return small;
	case 3:
		return 1ull << (small % 64);
	case 4:
		return small * 64;
	case 5:
		return 1ull << (small % 8);
	default:
		return row->dflt;
	}
}

static uint32_t take_fourcc(struct input *input)
{
	static const uint32_t known[] = {
		CODE('X', 'R', '2', '4'), CODE('N', 'V', '1', '2'), CODE('Y', 'U', '1', '2'),
		CODE('Y', 'U', 'Y', 'V'), CODE('R', 'G', '2', '4'), CODE('P', '0', '1', '0'),
		CODE('M', 'J', 'P', 'G'), CODE('N', 'V', '2', '4'),
	};

	return known[take(input) % (sizeof(known) / sizeof(known[0]))];
}

static uint64_t take_modifier(struct input *input)
{
	uint8_t choice = take(input);

	return choice % 8 == 7 ? choice : 0;
}

/* A word that means something in this row of its group. */
static const char *take_word(struct input *input, const void *record, unsigned int i)
{
	static const char *const heaps[] = {"heap1",	     "heap2",	  "heap3",
					    "is:contiguous", "is:cached", "is:scattered+cached",
					    "is:dma-heap",   "is:what"};
	static const char *const usage[] = {"read",   "write", "scanout", "encode",
					    "decode", "read",  "none",	  "what"};
	static const char *const names[] = {"z\xc3\xa4", "y\xc3\xa4", "x\xc3\xa4", "w\xc3\xa4"};
	uint8_t choice = take(input);

	if (((const struct vocab_head *)record)->group == &vocab_participant &&
	    i == PARTICIPANT_USAGE)
		return usage[choice % 8];
	if (((const struct vocab_head *)record)->group == &vocab_participant &&
	    i == PARTICIPANT_READS_FROM)
		return names[choice % 4];
	return heaps[choice % 8];
}

static void fill(struct input *input, void *record);

/* What is said of an alternative or of a layout by itself would end most requests at once. */
static void make_element_useful(struct input *input, void *element)
{
	static const unsigned int rows[] = {PARTICIPANT_NAME,	    PARTICIPANT_DEVICE,
					    PARTICIPANT_ROLE,	    PARTICIPANT_RANK,
					    PARTICIPANT_OPTIONAL,   PARTICIPANT_USAGE,
					    PARTICIPANT_READS_FROM, PARTICIPANT_COMPLETION,
					    PARTICIPANT_CPU_ACCESS, PARTICIPANT_CPU_WRITES};
	const struct vocab_group *group = ((struct vocab_head *)element)->group;
	bool keep = take(input) % 32 == 31;

	for (size_t i = 0;
	     group == &vocab_participant && !keep && i < sizeof(rows) / sizeof(rows[0]); i++)
		vocab_clear(element, rows[i]);
	if (group == &vocab_layout && !keep) {
		(void)vocab_set_number(element, LAYOUT_FORMAT, take_fourcc(input), VOCAB_DECLARED);
		(void)vocab_set_number(element, LAYOUT_MODIFIER, take_modifier(input),
				       VOCAB_DECLARED);
		(void)vocab_set_number(element, LAYOUT_BYTES, 1 << 20, VOCAB_DECLARED);
	}
	if (group == &vocab_plane && !keep) {
		vocab_clear(element, PLANE_MEMORY);
		(void)vocab_set_number(element, PLANE_OFFSET, take(input) * 64u, VOCAB_DECLARED);
		(void)vocab_set_number(element, PLANE_STRIDE, 1 + take(input) * 16u,
				       VOCAB_DECLARED);
		(void)vocab_set_number(element, PLANE_BYTES, 1 + take(input) * 256u,
				       VOCAB_DECLARED);
	}
}

static void fill_list(struct input *input, void *record, unsigned int i)
{
	const struct vocab_row *row = &((struct vocab_head *)record)->group->rows[i];
	void *element;

	for (unsigned int n = 1 + take(input) % 5; n > 0; n--) {
		if (row->type == VOCAB_FORMATS) {
			uint8_t wild = take(input);

			(void)vocab_add_format(record, i, wild % 16 == 0 ? 0 : take_fourcc(input),
					       wild % 8 == 1 ? 0x00ffffffffffffffull
							     : take_modifier(input),
					       VOCAB_DECLARED);
		} else if (row->type == VOCAB_SIZES) {
			(void)vocab_add_size(record, i, take(input), take(input), VOCAB_KERNEL);
		} else if (row->type == VOCAB_STRINGS) {
			(void)vocab_add_string(record, i, take_word(input, record, i),
					       VOCAB_DECLARED);
		} else if (vocab_add_dict(record, i, VOCAB_KERNEL, &element) == 0) {
			fill(input, element);
			make_element_useful(input, element);
		}
	}
}

static void fill_row(struct input *input, void *record, unsigned int i)
{
	const struct vocab_row *row = &((struct vocab_head *)record)->group->rows[i];
	uint8_t choice = take(input);

	if (choice % 4 == 0 || (choice % 4 < 3 && row->type == VOCAB_STRINGS))
		return;
	switch (row->type) {
	case VOCAB_STRING:
	case VOCAB_FD:
		break; /* by hand, where it means something */
	case VOCAB_FOURCC:
		(void)vocab_set_number(record, i, take_fourcc(input), VOCAB_KERNEL);
		break;
	case VOCAB_MODIFIER:
		(void)vocab_set_number(record, i, take_modifier(input), VOCAB_KERNEL);
		break;
	case VOCAB_STRINGS:
	case VOCAB_FORMATS:
	case VOCAB_SIZES:
	case VOCAB_DICTS:
		fill_list(input, record, i);
		break;
	case VOCAB_ENUM:
		(void)vocab_set_number(record, i, take(input) % 8, VOCAB_QUIRK);
		break;
	default:
		(void)vocab_set_number(record, i, take_number(input, row), VOCAB_MEASURED);
		break;
	}
}

/* Buffers that are brought by several would end every request: `bring` has one do so. */
static void fill(struct input *input, void *record)
{
	const struct vocab_group *group = ((struct vocab_head *)record)->group;

	for (unsigned int i = 0; i < group->rows_len; i++)
		if (group != &vocab_participant || i != PARTICIPANT_BUFFERS)
			fill_row(input, record, i);
}

/* Most inputs shall get far: what ends every search at once is made rare. */
static void make_useful(struct input *input, void *record)
{
	struct device *device = record;
	void *added;

	if (((struct vocab_head *)record)->group == &vocab_heap) {
		(void)vocab_set_number(record, HEAP_KNOWN, take(input) % 8 != 0, VOCAB_QUIRK);
		(void)vocab_set_number(record, HEAP_CAPACITY_BYTES, 1ull << (20 + take(input) % 20),
				       VOCAB_KERNEL);
		return;
	}
	while (device->roles.len < 2) {
		if (vocab_add_dict(device, DEVICE_ROLES, VOCAB_KERNEL, &added))
			abort();
		fill(input, added);
	}
	for (size_t i = 0; i < device->roles.len; i++) {
		struct device_role *role = (struct device_role *)device->roles.items[i];

		(void)vocab_set_number(role, ROLE_ROLE, (i + take(input)) % ROLE_CPU, VOCAB_KERNEL);
		if (take(input) % 8 &&
		    vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, &added) == 0)
			(void)vocab_set_number(added, FORMAT_FORMAT, CODE('X', 'R', '2', '4'),
					       VOCAB_KERNEL);
		(void)vocab_set_number(role, ROLE_IMPORTS, take(input) % 16 != 0, VOCAB_KERNEL);
		for (size_t j = 0; j < role->formats.len; j++)
			if (take(input) % 4)
				vocab_clear(role->formats.items[j], FORMAT_SIZES);
	}
}

static void add_to_machine(struct input *input, struct machine *machine,
			   const struct vocab_group *group, const char *kind)
{
	for (unsigned int n = take(input) % 16 ? 3 : take(input) % 5; n > 0; n--) {
		void *record;

		if (vocab_create(group, &record))
			abort();
		fill(input, record);
		make_useful(input, record);
		if (vocab_format_string(record, DEVICE_ID, VOCAB_KERNEL, "%s%u", kind, n) ||
		    machine_put(machine, record))
			abort();
	}
}

static struct machine *take_machine(struct input *input)
{
	struct machine *machine;

	if (vocab_create(&vocab_machine, &machine))
		abort();
	fill_row(input, machine, MACHINE_PAGE_BYTES);
	fill_row(input, machine, MACHINE_MEMORY_MAX);
	fill_row(input, machine, MACHINE_BOUNCE);
	add_to_machine(input, machine, &vocab_heap, "heap");
	add_to_machine(input, machine, &vocab_device, "device");
	return machine;
}

/* A device in one of its roles, or the CPU; or, rarely, what came out of the bytes. */
static void name_participant(struct input *input, const struct machine *machine,
			     struct participant *participant, unsigned int number)
{
	uint8_t choice = take(input), which = take(input);
	const struct device *device =
		machine->devices.len ? (const struct device *)
					       machine->devices.items[which % machine->devices.len]
				     : NULL;

	if (choice % 16 > 1)
		(void)vocab_format_string(participant, PARTICIPANT_NAME, VOCAB_DECLARED,
					  "%c\xc3\xa4", 'z' - (int)number);
	if (choice % 16 < 4)
		(void)vocab_set_number(participant, PARTICIPANT_ROLE, ROLE_CPU, VOCAB_DECLARED);
	if (choice % 16 < 4 || !device)
		return;
	(void)vocab_set_string(participant, PARTICIPANT_DEVICE, device->id, VOCAB_DECLARED);
	if (device->roles.len && choice < 240)
		(void)vocab_set_number(
			participant, PARTICIPANT_ROLE,
			vocab_number(device->roles.items[which / 16 % device->roles.len],
				     ROLE_ROLE),
			VOCAB_DECLARED);
	if (choice % 16 < 12)
		vocab_clear(participant, PARTICIPANT_FORMATS);
}

/* Planes of a picture of this height; of what is not linear just one. */
static struct format_layout take_planes(struct input *input, const struct request *request,
					uint32_t fourcc, uint64_t modifier)
{
	const struct format_info *info = modifier ? NULL : format_find(fourcc);
	struct format_layout layout = {
		.planes_len = 1, .stride = {4096}, .bytes = {1 << 22}, .total = 1 << 22};
	uint32_t stride = info ? format_stride_min(info, request->width) : 0;

	stride += take(input) % 8 * 64u;
	if (info && stride)
		(void)format_layout(info, request->height, stride, 1u << take(input) % 13, &layout);
	return layout;
}

static uint64_t add_their_layout(struct input *input, const struct request *request,
				 struct participant *participant)
{
	uint32_t fourcc = take_fourcc(input);
	uint64_t modifier = take_modifier(input);
	struct format_layout planes = take_planes(input, request, fourcc, modifier);
	void *layout, *plane;

	vocab_clear(participant, PARTICIPANT_LAYOUTS);
	if (vocab_add_dict(participant, PARTICIPANT_LAYOUTS, VOCAB_DECLARED, &layout))
		abort();
	(void)vocab_set_number(layout, LAYOUT_FORMAT, fourcc, VOCAB_DECLARED);
	(void)vocab_set_number(layout, LAYOUT_MODIFIER, modifier, VOCAB_DECLARED);
	(void)vocab_set_number(layout, LAYOUT_BYTES, planes.total, VOCAB_DECLARED);
	for (unsigned int i = 0; i < planes.planes_len; i++) {
		if (vocab_add_dict(layout, LAYOUT_PLANES, VOCAB_DECLARED, &plane))
			abort();
		(void)vocab_set_number(plane, PLANE_OFFSET, planes.offset[i], VOCAB_DECLARED);
		(void)vocab_set_number(plane, PLANE_STRIDE, planes.stride[i], VOCAB_DECLARED);
		(void)vocab_set_number(plane, PLANE_BYTES, planes.bytes[i], VOCAB_DECLARED);
	}
	return planes.total;
}

/* Has one participant bring its buffers. */
static void bring(struct input *input, struct request *request)
{
	static const char *const exporters[] = {"heap1",
						"heap2",
						"heap3",
						"videobuf2_vmalloc",
						"drm",
						"memfd",
						"videobuf2_dma_sg",
						"videobuf2_dma_contig",
						"udmabuf",
						"memfd-hugetlb",
						"mystery"};
	const struct vocab_dicts *list = &request->participants;
	struct participant *participant =
		(struct participant *)list->items[take(input) % list->len];
	const char *exporter = exporters[take(input) % (sizeof(exporters) / sizeof(exporters[0]))];
	uint64_t bytes = (add_their_layout(input, request, participant) + 65535) / 65536 * 65536;
	void *buffer;

	if (take(input) % 4)
		vocab_clear(participant, PARTICIPANT_FORMATS);
	for (unsigned int n = 1 + take(input) % 12; n > 0; n--) {
		if (vocab_add_dict(participant, PARTICIPANT_BUFFERS, VOCAB_DECLARED, &buffer) ||
		    vocab_set_string(buffer, MEMORY_EXPORTER, exporter, VOCAB_DECLARED))
			abort();
		(void)vocab_set_number(buffer, MEMORY_BYTES, bytes + take(input) % 4 * 65536u,
				       VOCAB_DECLARED);
	}
}

static struct request *take_request(struct input *input, const struct machine *machine)
{
	struct request *request;
	void *participant;
	uint8_t flags;

	if (vocab_create(&vocab_request, &request))
		abort();
	if (take(input) % 8)
		(void)vocab_set_number(request, REQUEST_COUNT, 1 + take(input) % 8, VOCAB_DECLARED);
	else
		fill(input, request);
	(void)vocab_set_number(request, REQUEST_WIDTH, take(input) % 2 ? 640 : 1 + take(input),
			       VOCAB_DECLARED);
	(void)vocab_set_number(request, REQUEST_HEIGHT, take(input) % 2 ? 480 : 1 + take(input),
			       VOCAB_DECLARED);
	for (unsigned int row = REQUEST_VISIBLE_X; row <= REQUEST_VISIBLE_HEIGHT; row++)
		if (take(input) % 8)
			vocab_clear(request, row);
	vocab_clear(request, REQUEST_PARTICIPANTS);
	flags = take(input);
	for (unsigned int row = REQUEST_FORBID_SCARCE; row <= REQUEST_ALLOW_COPIES;
	     row++, flags /= 4)
		if (flags % 4 == 3)
			(void)vocab_set_number(request, row, true, VOCAB_DECLARED);
	for (unsigned int n = 0, len = 1 + take(input) % 4; n < len; n++) {
		if (vocab_add_dict(request, REQUEST_PARTICIPANTS, VOCAB_DECLARED, &participant))
			abort();
		fill(input, participant);
		name_participant(input, machine, participant, n);
	}
	if (take(input) % 8 == 7)
		bring(input, request);
	return request;
}

/* ---- what holds of every plan ---- */

static const struct plane *plane_of(const struct plan *plan, size_t i)
{
	return (const struct plane *)plan->planes.items[i];
}

static void check_layout(const struct plan *plan)
{
	uint64_t end;

	assert(plan->memory.len == 1 && plan->planes.len);
	for (size_t i = 0; i < plan->planes.len; i++) {
		assert(plane_of(plan, i)->stride);
		assert(arith_add(plane_of(plan, i)->offset, plane_of(plan, i)->bytes, &end));
		assert(end <= plan->picture_bytes);
	}
	assert(plan->picture_bytes <= ((struct memory_object *)plan->memory.items[0])->bytes);
	assert(plan->count >= plan->count_needed && plan->count_needed > 0 && plan->count <= 64);
}

static bool lists(const struct vocab_formats *list, const struct plan *plan)
{
	for (size_t i = 0; i < list->len; i++)
		if ((!list->items[i].fourcc || list->items[i].fourcc == plan->format) &&
		    (list->items[i].modifier == 0x00ffffffffffffffull ||
		     list->items[i].modifier == plan->modifier))
			return true;
	return false;
}

static uint64_t highest(uint64_t bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

static uint64_t heap_top(const struct heap *heap)
{
	uint64_t top = highest(vocab_number(heap, HEAP_ADDRESS_BITS));
	uint64_t max = vocab_number(heap, HEAP_ADDRESS_MAX);

	return max < top ? max : top;
}

/* Of a participant's record or one of its alternatives. */
static void check_keys(const struct plan *plan, const struct heap *heap,
		       const struct participant *wish)
{
	assert(!wish->formats.len || lists(&wish->formats, plan));
	assert(plane_of(plan, 0)->stride >= vocab_number(wish, PARTICIPANT_STRIDE_MIN));
	assert(plane_of(plan, 0)->stride <= vocab_number(wish, PARTICIPANT_STRIDE_MAX));
	assert(plan->count <= vocab_number(wish, PARTICIPANT_MAX_COUNT));
	assert(plan->count >= vocab_number(wish, PARTICIPANT_MIN_COUNT));
	assert(plan->picture_bytes >= vocab_number(wish, PARTICIPANT_BYTES_MIN));
	assert(plan->picture_bytes <= vocab_number(wish, PARTICIPANT_BYTES_MAX));
	assert(plan->picture_bytes % vocab_number(wish, PARTICIPANT_BYTES_ALIGN) == 0);
	assert(plan->width % vocab_number(wish, PARTICIPANT_WIDTH_ALIGN) == 0);
	assert(!vocab_number(wish, PARTICIPANT_CONTIGUOUS) || vocab_number(heap, HEAP_CONTIGUOUS));
	assert(!vocab_number(wish, PARTICIPANT_PROTECTED) || vocab_number(heap, HEAP_PROTECTED));
	assert(vocab_number(heap, HEAP_ALIGNMENT) % vocab_number(wish, PARTICIPANT_BASE_ALIGN) ==
	       0);
	assert(heap_top(heap) <= highest(vocab_number(wish, PARTICIPANT_ADDRESS_BITS)));
	for (size_t i = 0; i < plan->planes.len; i++) {
		assert(plane_of(plan, i)->stride % vocab_number(wish, PARTICIPANT_STRIDE_ALIGN) ==
		       0);
		assert(plane_of(plan, i)->offset % vocab_number(wish, PARTICIPANT_OFFSET_ALIGN) ==
		       0);
	}
}

/* Its record, and on each level the alternative that the view names ("1.0"). */
static void check_wish(const struct plan *plan, const struct heap *heap,
		       const struct participant *wish, const struct view *view)
{
	const char *path = vocab_string(view, VIEW_ALTERNATIVE);
	char *end;

	check_keys(plan, heap, wish);
	while (wish->alternatives.len) {
		unsigned long number = strtoul(path, &end, 10);

		assert(end != path && number < wish->alternatives.len);
		wish = (const struct participant *)wish->alternatives.items[number];
		check_keys(plan, heap, wish);
		path = *end == '.' ? end + 1 : end;
	}
	assert(!*path);
}

/* A device of which nothing is known is taken for the worst. */
static void check_device(const struct machine *machine, const struct request *request,
			 const struct heap *heap, const struct participant *wish,
			 const struct view *view)
{
	const struct device *device = machine_find_device(machine, wish->device);
	const struct device_role *role = device_find_role(device, (enum role)wish->role);

	assert(vocab_number(role, ROLE_IMPORTS));
	assert(!vocab_number(heap, HEAP_PROTECTED) ||
	       (vocab_has(role, ROLE_CPU_COPIES) && !role->cpu_copies));
	if (vocab_number(device, DEVICE_IOMMU))
		return;
	if (vocab_number(role, ROLE_CONTIGUITY) != CONTIGUITY_NONE)
		assert(vocab_number(heap, HEAP_CONTIGUOUS));
	if (!vocab_number(role, ROLE_DMA_MAPS))
		return;
	if (vocab_number(view, VIEW_BOUNCED)) {
		assert(vocab_number(request, REQUEST_ALLOW_BOUNCE) ||
		       vocab_number(machine, MACHINE_BOUNCE) == BOUNCE_ALWAYS);
		assert(vocab_has(role, ROLE_CPU_COPIES) && !role->cpu_copies);
		return;
	}
	assert(heap_top(heap) <= highest(vocab_number(device, DEVICE_ADDRESS_BITS)));
	assert(heap_top(heap) <= vocab_number(device, DEVICE_ADDRESS_MAX));
	assert(!vocab_number(device, DEVICE_BOUNCED));
}

static const struct participant *find_participant(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->participants.len; i++)
		if (strcmp(vocab_string(request->participants.items[i], PARTICIPANT_NAME), name) ==
		    0)
			return (const struct participant *)request->participants.items[i];
	abort();
}

/* Returns how many participants it is for. */
static size_t check_plan(const struct machine *machine, const struct request *request,
			 const struct plan *plan)
{
	const struct heap *heap = machine_find_heap(machine, vocab_string(plan, PLAN_HEAP));
	size_t sum = 0;

	for (size_t i = 0; i < plan->groups.len; i++)
		sum += check_plan(machine, request, (const struct plan *)plan->groups.items[i]);
	if (plan->groups.len) {
		assert(vocab_number(request, REQUEST_ALLOW_COPIES) && plan->groups.len > 1);
		return sum;
	}
	assert(heap);
	check_layout(plan);
	for (size_t i = 0; i < plan->participants.len; i++) {
		const struct view *view = (const struct view *)plan->participants.items[i];
		const struct participant *wish = find_participant(request, view->name);

		check_wish(plan, heap, wish, view);
		if (wish->role != ROLE_CPU)
			check_device(machine, request, heap, wish, view);
		assert(wish->role != ROLE_CPU || !vocab_number(heap, HEAP_PROTECTED));
	}
	assert(!request->formats.len || lists(&request->formats, plan));
	assert(plan->count >= vocab_number(request, REQUEST_COUNT));
	return plan->participants.len;
}

/* Whoever comes to the buffers of a plan and asks for what it was made for gets them. */
static void check_again(const struct machine *machine, const struct request *request,
			const struct plan *plan)
{
	struct solve_options options = {.existing = plan};
	struct error error = {0};
	struct plan *again;

	assert(solve_with(machine, request, &options, &error, &again) == 0);
	assert(strcmp(plan->heap, again->heap) == 0 && plan->format == again->format &&
	       plan->modifier == again->modifier && plan->count == again->count);
	vocab_destroy(again);
}

/* Returns owned the answer as text; sets whether it was refused before it was solved. */
static char *answer(const struct machine *machine, struct request *request, bool *ret_refused)
{
	struct error error = {0};
	struct plan *plan = NULL;
	int result = request_settle(request, machine, &error);
	char *text;

	*ret_refused = result != 0;
	if (!result)
		result = solve(machine, request, &error, &plan);
	if (result) {
		assert(error.code && error_rows[error.code].number == result);
		assert(error.details && error.details->refusals.len);
		text = text_error(&error);
	} else {
		assert(check_plan(machine, request, plan) == request->participants.len);
		if (!plan->groups.len)
			check_again(machine, request, plan);
		text = text_plan(plan);
	}
	assert(text && utf8_valid(text));
	vocab_destroy(plan);
	error_finish(&error);
	return text;
}

static void reverse(struct vocab_dicts *list)
{
	for (size_t i = 0; i < list->len / 2; i++) {
		struct vocab_head *first = list->items[i];

		list->items[i] = list->items[list->len - 1 - i];
		list->items[list->len - 1 - i] = first;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct machine *machine = take_machine(&input);
	struct request *request = take_request(&input, machine), *turned;
	bool refused, other_refused;
	char *text, *other;

	if (vocab_copy(request, &turned))
		abort();
	text = answer(machine, request, &refused);
	reverse(&turned->participants);
	reverse(&machine->devices);
	reverse(&machine->heaps);
	other = answer(machine, turned, &other_refused);
	/* settling stops at the first thing that is wrong; what comes first is a matter of order */
	assert(refused ? other_refused : strcmp(text, other) == 0);
	free(text);
	free(other);
	vocab_destroy(request);
	vocab_destroy(turned);
	vocab_destroy(machine);
	return 0;
}

/* Any bytes are an input. */
size_t fuzz_seed(unsigned int number, uint8_t *data, size_t size)
{
	uint32_t state = 2654435761u * (number + 1);

	if (number >= 4096)
		return 0;
	if (size > 4096)
		size = 4096;
	for (size_t i = 0; i < size; i++) {
		state = state * 1664525u + 1013904223u;
		data[i] = (uint8_t)(state >> 24);
	}
	return size;
}
