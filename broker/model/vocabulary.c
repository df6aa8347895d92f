/* SPDX-License-Identifier: MIT */
/* The rows of the vocabulary's tables, and what can be done with any record through them. */
#include "broker/model/vocabulary.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/model/descriptor.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "broker/model/utf8.h"

#define NAMES(identifier, ...) const char *const identifier[] = {__VA_ARGS__, NULL}

NAMES(vocab_origin_names, "absent", "assumed", "declared", "quirk", "kernel", "measured", "solved");
NAMES(vocab_field_names, "progressive", "interlaced", "top-first", "bottom-first", "top", "bottom",
      "alternate");
NAMES(vocab_primaries_names, "unspecified", "bt709", "bt601-525", "bt601-625", "bt2020", "dci-p3");
NAMES(vocab_transfer_names, "unspecified", "bt709", "srgb", "linear", "pq", "hlg");
NAMES(vocab_matrix_names, "unspecified", "rgb", "bt601", "bt709", "bt2020");
NAMES(vocab_range_names, "unspecified", "full", "limited");
NAMES(vocab_memory_objects_names, "single", "per-plane");
NAMES(vocab_role_names, "capture", "output", "scanout", "writeback", "render", "cpu");
NAMES(vocab_cpu_access_names, "never", "rare", "often");
NAMES(vocab_completion_names, "dequeue", "implicit-fence", "sync-object");
NAMES(vocab_kind_names, "v4l2", "drm");
NAMES(vocab_coherency_names, "unknown", "coherent", "non-coherent", "barrier");
NAMES(vocab_memory_model_names, "unknown", "vmalloc", "dma-contig", "dma-sg", "gem-shmem",
      "gem-dma", "own-mmu", "device");
NAMES(vocab_contiguity_names, "none", "used", "whole");
NAMES(vocab_exporter_names, "dma-heap", "udmabuf", "udmabuf-hugetlb");
NAMES(vocab_bounce_names, "unknown", "never", "reach", "always");
NAMES(vocab_xen_names, "no", "guest", "control");
NAMES(vocab_firmware_names, "none", "device-tree", "acpi");
NAMES(vocab_mapping_names, "unknown", "cached", "uncached", "write-combined", "none");
NAMES(vocab_cpu_cache_names, "unknown", "pipt", "vipt", "vivt");
NAMES(vocab_maintenance_names, "unknown", "attachments", "exporter", "harmful", "none");
NAMES(vocab_agent_names, "cpu", "cpu-copying", "coherent", "non-coherent", "unknown", "bounced");
NAMES(vocab_operation_names, "none", "clean", "invalidate", "clean+invalidate");
NAMES(vocab_constraint_names, "request", "device", "format", "size", "stride", "offset", "bytes",
      "contiguity", "reach", "maintenance", "bounce", "segments", "kernel-map", "heaps", "capacity",
      "count", "incomplete", "layout", "express", "alignment", "protected", "colour", "existing",
      "reported", "cache-alias", "preference", "scarce");
NAMES(vocab_collection_state_names, "waiting", "allocating", "ready", "ended");
NAMES(vocab_member_state_names, "unbound", "bound", "spoken", "left", "dead");
NAMES(vocab_rule_names, "copies", "bounce", "slack", "alternative", "format", "uncached", "scarce",
      "access", "modifier", "linear", "bytes");

/* clang-format off */
#define AUX_BOOL(aux) .names = NULL
#define AUX_U32(aux) .names = NULL
#define AUX_U64(aux) .names = NULL
#define AUX_FOURCC(aux) .names = NULL
#define AUX_MODIFIER(aux) .names = NULL
#define AUX_STRING(aux) .names = NULL
#define AUX_FD(aux) .names = NULL
#define AUX_STRINGS(aux) .names = NULL
#define AUX_FORMATS(aux) .names = NULL
#define AUX_SIZES(aux) .names = NULL
#define AUX_ENUM(aux) .names = (aux)
#define AUX_DICTS(aux) .group = (aux)

#define ROW(structure, row, row_name, row_type, member, row_unit, row_dflt, row_min, row_max,     \
	    row_flags, aux, row_doc)                                                               \
	[row] = {.name = (row_name), .type = VOCAB_##row_type, .unit = (row_unit),                 \
		 .offset = offsetof(struct structure, member), .dflt = (row_dflt),                 \
		 .min = (row_min), .max = (row_max), .flags = (row_flags),                         \
		 .doc = (row_doc), AUX_##row_type(aux)},

#define ROW_REQUEST(...) ROW(request, __VA_ARGS__)
#define ROW_PARTICIPANT(...) ROW(participant, __VA_ARGS__)
#define ROW_COLOUR(...) ROW(colour, __VA_ARGS__)
#define ROW_LAYOUT(...) ROW(supplied_layout, __VA_ARGS__)
#define ROW_COST(...) ROW(cost, __VA_ARGS__)
#define ROW_HOP(...) ROW(hop, __VA_ARGS__)
#define ROW_COLLECTION(...) ROW(collection_record, __VA_ARGS__)
#define ROW_MEMBER(...) ROW(member_record, __VA_ARGS__)
#define ROW_PLAN(...) ROW(plan, __VA_ARGS__)
#define ROW_MEMORY(...) ROW(memory_object, __VA_ARGS__)
#define ROW_PLANE(...) ROW(plane, __VA_ARGS__)
#define ROW_VIEW(...) ROW(view, __VA_ARGS__)
#define ROW_EDGE(...) ROW(edge, __VA_ARGS__)
#define ROW_REASON(...) ROW(reason, __VA_ARGS__)
#define ROW_REFUSAL(...) ROW(refusal, __VA_ARGS__)
#define ROW_ERROR(...) ROW(error_details, __VA_ARGS__)
#define ROW_BUFFER(...) ROW(buffer_record, __VA_ARGS__)
#define ROW_DEVICE(...) ROW(device, __VA_ARGS__)
#define ROW_ROLE(...) ROW(device_role, __VA_ARGS__)
#define ROW_DEVICE_FORMAT(...) ROW(device_format, __VA_ARGS__)
#define ROW_HEAP(...) ROW(heap, __VA_ARGS__)
#define ROW_MACHINE(...) ROW(machine, __VA_ARGS__)

#define GROUP(identifier, group_name, TABLE, structure, group_facts, group_doc)                    \
	static const struct vocab_row rows_##identifier[] = {VOCABULARY_##TABLE(ROW_##TABLE)};     \
	_Static_assert(sizeof(rows_##identifier) / sizeof(rows_##identifier[0]) <= VOCAB_ROWS_MAX, \
		       "too many rows for struct vocab_head");                                     \
	const struct vocab_group vocab_##identifier = {                                            \
		.name = (group_name), .rows = rows_##identifier,                                   \
		.rows_len = sizeof(rows_##identifier) / sizeof(rows_##identifier[0]),              \
		.size = sizeof(struct structure), .facts = (group_facts), .doc = (group_doc)};
/* clang-format on */

GROUP(request, "request", REQUEST, request, false, "What a client asks for.")
GROUP(participant, "participant", PARTICIPANT, participant, false,
      "One user of the buffers: a device in a role, or the CPU.")
GROUP(colour, "colour", COLOUR, colour, false, "A colour space.")
GROUP(layout, "layout", LAYOUT, supplied_layout, false,
      "A layout that a participant supplies: of a format that is not linear, or of buffers it "
      "brings.")
GROUP(cost, "cost", COST, cost, false, "A part of the key by which plans are compared.")
GROUP(hop, "hop", HOP, hop, false, "A copy of each frame from one group to another.")
GROUP(collection, "collection", COLLECTION, collection_record, false, "A collection as it stands.")
GROUP(member, "member", MEMBER, member_record, false, "A process that takes part in a collection.")
GROUP(plan, "plan", PLAN, plan, false, "The answer: which memory, which layout, and why.")
GROUP(memory, "memory", MEMORY, memory_object, false, "A memory object of a buffer: one dma-buf.")
GROUP(plane, "plane", PLANE, plane, false, "A plane of the picture.")
GROUP(view, "view", VIEW, view, false, "A participant's view of the plan, in its own words.")
GROUP(edge, "edge", EDGE, edge, false, "A hand-over of the access policy.")
GROUP(reason, "reason", REASON, reason, false, "Why something was chosen.")
GROUP(refusal, "refusal", REFUSAL, refusal, false,
      "A member of a conflict, or what was wrong with a request.")
GROUP(error, "error", ERROR, error_details, false, "The details of a named error.")
GROUP(buffer, "buffer", BUFFER, buffer_record, false, "A buffer as it is handed out.")
GROUP(device, "device", DEVICE, device, true, "Facts of a device.")
GROUP(role, "role", ROLE, device_role, true,
      "Facts of a V4L2 queue, or of the planes or writeback connectors of a DRM card.")
GROUP(device_format, "format", DEVICE_FORMAT, device_format, true, "Facts of a format of a role.")
GROUP(heap, "heap", HEAP, heap, true, "Facts of a heap.")
GROUP(machine, "machine", MACHINE, machine, true, "All facts of one machine.")

const struct vocab_group *const vocab_groups[] = {
	&vocab_request, &vocab_participant, &vocab_colour, &vocab_layout,     &vocab_plan,
	&vocab_memory,	&vocab_plane,	    &vocab_view,   &vocab_edge,	      &vocab_reason,
	&vocab_cost,	&vocab_hop,	    &vocab_buffer, &vocab_collection, &vocab_member,
	&vocab_refusal, &vocab_error,	    &vocab_device, &vocab_role,	      &vocab_device_format,
	&vocab_heap,	&vocab_machine,	    NULL};

static void *value_at(void *record, unsigned int row)
{
	const struct vocab_head *head = record;

	return (char *)record + head->group->rows[row].offset;
}

const void *vocab_value(const void *record, unsigned int row)
{
	return value_at((void *)(uintptr_t)record, row);
}

static const struct vocab_row *row_of(const void *record, unsigned int row)
{
	const struct vocab_head *head = record;

	return &head->group->rows[row];
}

static void set_origin(void *record, unsigned int row, enum vocab_origin origin)
{
	((struct vocab_head *)record)->origin[row] = (uint8_t)origin;
}

int vocab_create(const struct vocab_group *group, void *ret_record)
{
	struct vocab_head *head = calloc(1, group->size);

	if (!head)
		return -ENOMEM;
	head->group = group;
	memcpy(ret_record, &head, sizeof(head));
	return 0;
}

void vocab_destroy(void *record)
{
	struct vocab_head *head = record;

	if (!head)
		return;
	for (unsigned int row = 0; row < head->group->rows_len; row++)
		vocab_clear(record, row);
	free(head);
}

static void clear_value(void *value, enum vocab_type type)
{
	struct vocab_strings *strings = value;
	struct vocab_dicts *dicts = value;
	struct vocab_formats *formats = value;
	struct vocab_sizes *sizes = value;

	switch (type) {
	case VOCAB_STRING:
		free(*(char **)value);
		*(char **)value = NULL;
		break;
	case VOCAB_FD:
		close(*(int *)value);
		break;
	case VOCAB_STRINGS:
		for (size_t i = 0; i < strings->len; i++)
			free(strings->items[i]);
		free(strings->items);
		*strings = (struct vocab_strings){0};
		break;
	case VOCAB_DICTS:
		for (size_t i = 0; i < dicts->len; i++)
			vocab_destroy(dicts->items[i]);
		free(dicts->items);
		*dicts = (struct vocab_dicts){0};
		break;
	case VOCAB_FORMATS:
		free(formats->items);
		*formats = (struct vocab_formats){0};
		break;
	case VOCAB_SIZES:
		free(sizes->items);
		*sizes = (struct vocab_sizes){0};
		break;
	default:
		break;
	}
}

void vocab_clear(void *record, unsigned int row)
{
	if (!vocab_has(record, row))
		return;
	clear_value(value_at(record, row), row_of(record, row)->type);
	set_origin(record, row, VOCAB_ABSENT);
}

int vocab_find(const struct vocab_group *group, const char *name)
{
	for (size_t i = 0; i < group->rows_len; i++)
		if (strcmp(group->rows[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int vocab_missing(const void *record)
{
	const struct vocab_head *head = record;

	for (size_t i = 0; i < head->group->rows_len; i++)
		if ((head->group->rows[i].flags & VOCAB_REQUIRED) && !head->origin[i])
			return (int)i;
	return -ENOENT;
}

bool vocab_has(const void *record, unsigned int row)
{
	return vocab_origin(record, row) != VOCAB_ABSENT;
}

enum vocab_origin vocab_origin(const void *record, unsigned int row)
{
	return ((const struct vocab_head *)record)->origin[row];
}

uint64_t vocab_number(const void *record, unsigned int row)
{
	const struct vocab_row *r = row_of(record, row);
	const void *value = vocab_value(record, row);

	if (!vocab_has(record, row))
		return r->dflt;
	switch (r->type) {
	case VOCAB_BOOL:
		return *(const bool *)value;
	case VOCAB_U32:
	case VOCAB_FOURCC:
	case VOCAB_ENUM:
		return *(const uint32_t *)value;
	case VOCAB_U64:
	case VOCAB_MODIFIER:
		return *(const uint64_t *)value;
	default:
		return 0;
	}
}

const char *vocab_string(const void *record, unsigned int row)
{
	return vocab_has(record, row) ? *(char *const *)vocab_value(record, row) : "";
}

const char *vocab_enum_name(const void *record, unsigned int row)
{
	return row_of(record, row)->names[vocab_number(record, row)];
}

int vocab_name_index(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -ENOENT;
}

static int check_number(const struct vocab_row *row, uint64_t value)
{
	uint64_t names_len = 0;

	if (row->type != VOCAB_ENUM)
		return row->type == VOCAB_BOOL || (value >= row->min && value <= row->max)
			       ? 0
			       : -ERANGE;
	while (row->names[names_len])
		names_len++;
	if (value >= names_len)
		return -ERANGE;
	return row->max == 0 || value < row->max ? 0 : -EOPNOTSUPP;
}

int vocab_set_number(void *record, unsigned int row, uint64_t value, enum vocab_origin origin)
{
	const struct vocab_row *r = row_of(record, row);
	void *at = value_at(record, row);
	int error = check_number(r, value);

	if (error)
		return error;
	switch (r->type) {
	case VOCAB_BOOL:
		*(bool *)at = value != 0;
		break;
	case VOCAB_U64:
	case VOCAB_MODIFIER:
		*(uint64_t *)at = value;
		break;
	default:
		*(uint32_t *)at = (uint32_t)value;
		break;
	}
	set_origin(record, row, origin);
	return 0;
}

int vocab_set_string(void *record, unsigned int row, const char *value, enum vocab_origin origin)
{
	const struct vocab_row *r = row_of(record, row);
	size_t len = strlen(value);
	char *copy;

	if (len < r->min || len > r->max || !utf8_valid(value))
		return -ERANGE;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	vocab_clear(record, row);
	*(char **)value_at(record, row) = copy;
	set_origin(record, row, origin);
	return 0;
}

int vocab_format_string(void *record, unsigned int row, enum vocab_origin origin,
			const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strlen(text) > row_of(record, row)->max)
		text[row_of(record, row)->max] = '\0';
	utf8_clean(text);
	return vocab_set_string(record, row, text, origin);
}

int vocab_set_fd(void *record, unsigned int row, int fd, enum vocab_origin origin)
{
	vocab_clear(record, row);
	*(int *)value_at(record, row) = fd;
	set_origin(record, row, origin);
	return 0;
}

/*
 * Makes room for one more item in a list that lies at `items` with its length behind it. Lists grow
 * by doubling, at the powers of two. Returns the place of the new item, or NULL and the cause.
 */
static void *grow(void *record, unsigned int row, void *items, size_t len, size_t item_size,
		  int *ret_error)
{
	void *old, *grown;

	*ret_error = -ERANGE;
	if (len >= row_of(record, row)->max)
		return NULL;
	memcpy(&old, items, sizeof(old));
	if ((len & (len - 1)) == 0) {
		*ret_error = -ENOMEM;
		grown = realloc(old, (len ? len * 2 : 1) * item_size);
		if (!grown)
			return NULL;
		memcpy(items, &grown, sizeof(grown));
		old = grown;
	}
	return (char *)old + len * item_size;
}

int vocab_add_string(void *record, unsigned int row, const char *value, enum vocab_origin origin)
{
	struct vocab_strings *list = value_at(record, row);
	char *copy, **item;
	int error;

	if (!utf8_valid(value))
		return -ERANGE;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	item = grow(record, row, &list->items, list->len, sizeof(*item), &error);
	if (!item) {
		free(copy);
		return error;
	}
	*item = copy;
	list->len++;
	set_origin(record, row, origin);
	return 0;
}

int vocab_add_format(void *record, unsigned int row, uint32_t fourcc, uint64_t modifier,
		     enum vocab_origin origin)
{
	struct vocab_formats *list = value_at(record, row);
	struct vocab_format *item;
	int error;

	item = grow(record, row, &list->items, list->len, sizeof(*item), &error);
	if (!item)
		return error;
	*item = (struct vocab_format){.fourcc = fourcc, .modifier = modifier};
	list->len++;
	set_origin(record, row, origin);
	return 0;
}

int vocab_add_size(void *record, unsigned int row, uint32_t width, uint32_t height,
		   enum vocab_origin origin)
{
	struct vocab_sizes *list = value_at(record, row);
	struct vocab_size *item;
	int error;

	item = grow(record, row, &list->items, list->len, sizeof(*item), &error);
	if (!item)
		return error;
	*item = (struct vocab_size){.width = width, .height = height};
	list->len++;
	set_origin(record, row, origin);
	return 0;
}

int vocab_take_dict(void *record, unsigned int row, void *element, enum vocab_origin origin)
{
	struct vocab_dicts *list = value_at(record, row);
	struct vocab_head **item;
	int error;

	item = grow(record, row, &list->items, list->len, sizeof(*item), &error);
	if (!item)
		return error;
	*item = element;
	list->len++;
	set_origin(record, row, origin);
	return 0;
}

int vocab_add_dict(void *record, unsigned int row, enum vocab_origin origin, void *ret_element)
{
	struct vocab_head *element;
	int error;

	error = vocab_create(row_of(record, row)->group, &element);
	if (error)
		return error;
	error = vocab_take_dict(record, row, element, origin);
	if (error) {
		vocab_destroy(element);
		return error;
	}
	memcpy(ret_element, &element, sizeof(element));
	return 0;
}

static int copy_list(const void *from, void *to, unsigned int row)
{
	const void *value = vocab_value(from, row);
	enum vocab_origin origin = vocab_origin(from, row);
	const struct vocab_strings *strings = value;
	const struct vocab_formats *formats = value;
	const struct vocab_sizes *sizes = value;
	const struct vocab_dicts *dicts = value;
	struct vocab_head *element;
	int error = 0;

	switch (row_of(from, row)->type) {
	case VOCAB_STRINGS:
		for (size_t i = 0; i < strings->len && !error; i++)
			error = vocab_add_string(to, row, strings->items[i], origin);
		break;
	case VOCAB_FORMATS:
		for (size_t i = 0; i < formats->len && !error; i++)
			error = vocab_add_format(to, row, formats->items[i].fourcc,
						 formats->items[i].modifier, origin);
		break;
	case VOCAB_SIZES:
		for (size_t i = 0; i < sizes->len && !error; i++)
			error = vocab_add_size(to, row, sizes->items[i].width,
					       sizes->items[i].height, origin);
		break;
	default:
		for (size_t i = 0; i < dicts->len && !error; i++) {
			error = vocab_copy(dicts->items[i], &element);
			if (error)
				break;
			error = vocab_take_dict(to, row, element, origin);
			if (error)
				vocab_destroy(element);
		}
		break;
	}
	return error;
}

static int copy_row(const void *from, void *to, unsigned int row)
{
	enum vocab_origin origin = vocab_origin(from, row);

	switch (row_of(from, row)->type) {
	case VOCAB_FD:
		return 0;
	case VOCAB_STRING:
		return vocab_set_string(to, row, vocab_string(from, row), origin);
	case VOCAB_STRINGS:
	case VOCAB_FORMATS:
	case VOCAB_SIZES:
	case VOCAB_DICTS:
		return copy_list(from, to, row);
	default:
		return vocab_set_number(to, row, vocab_number(from, row), origin);
	}
}

bool vocab_strings_have(const struct vocab_strings *list, const char *string)
{
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(list->items[i], string) == 0)
			return true;
	return false;
}

static bool equal_strings(const struct vocab_strings *a, const struct vocab_strings *b)
{
	for (size_t i = 0; i < a->len && i < b->len; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return a->len == b->len;
}

static bool equal_formats(const struct vocab_formats *a, const struct vocab_formats *b)
{
	for (size_t i = 0; i < a->len && i < b->len; i++)
		if (a->items[i].fourcc != b->items[i].fourcc ||
		    a->items[i].modifier != b->items[i].modifier)
			return false;
	return a->len == b->len;
}

static bool equal_sizes(const struct vocab_sizes *a, const struct vocab_sizes *b)
{
	for (size_t i = 0; i < a->len && i < b->len; i++)
		if (a->items[i].width != b->items[i].width ||
		    a->items[i].height != b->items[i].height)
			return false;
	return a->len == b->len;
}

static bool equal_records(const struct vocab_head *a, const struct vocab_head *b)
{
	for (unsigned int row = 0; row < a->group->rows_len; row++)
		if (!vocab_equal(a, b, row))
			return false;
	return true;
}

static bool equal_dicts(const struct vocab_dicts *a, const struct vocab_dicts *b)
{
	for (size_t i = 0; i < a->len && i < b->len; i++)
		if (!equal_records(a->items[i], b->items[i]))
			return false;
	return a->len == b->len;
}

bool vocab_equal(const void *a, const void *b, unsigned int row)
{
	const void *value_a = vocab_value(a, row), *value_b = vocab_value(b, row);

	if (vocab_origin(a, row) != vocab_origin(b, row))
		return false;
	if (!vocab_has(a, row))
		return true;
	switch (row_of(a, row)->type) {
	case VOCAB_STRING:
		return strcmp(vocab_string(a, row), vocab_string(b, row)) == 0;
	case VOCAB_STRINGS:
		return equal_strings(value_a, value_b);
	case VOCAB_FORMATS:
		return equal_formats(value_a, value_b);
	case VOCAB_SIZES:
		return equal_sizes(value_a, value_b);
	case VOCAB_DICTS:
		return equal_dicts(value_a, value_b);
	default:
		return vocab_number(a, row) == vocab_number(b, row);
	}
}

int vocab_copy(const void *record, void *ret_record)
{
	const struct vocab_head *head = record;
	struct vocab_head *copy;
	int error;

	error = vocab_create(head->group, &copy);
	if (error)
		return error;
	for (unsigned int row = 0; row < head->group->rows_len && !error; row++)
		if (head->origin[row])
			error = copy_row(record, copy, row);
	if (error) {
		vocab_destroy(copy);
		return error;
	}
	memcpy(ret_record, &copy, sizeof(copy));
	return 0;
}
