/* SPDX-License-Identifier: MIT */
/* Settling a request against a machine, before it is solved. */
#include "broker/model/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/model/brought.h"
#include "broker/model/descriptor.h"
#include "broker/model/plan.h"

const char *const usage_names[] = {
	"read",	    "write",	      "scanout",   "encode",	      "decode", "none",
	"cpu-read", "cpu-read-often", "cpu-write", "cpu-write-often", NULL};

const char *const heap_property_names[] = {"contiguous", "scattered", "cached",
					   "uncached",	 "zeroed",    "protected",
					   "dma-heap",	 "udmabuf",   NULL};

/* What a word implies besides itself, and what a role does. */
static unsigned int implied(unsigned int usage)
{
	if (usage & (USAGE_SCANOUT | USAGE_ENCODE))
		usage |= USAGE_READ;
	return usage & USAGE_DECODE ? usage | USAGE_WRITE : usage;
}

/* A CPU that says of neither reading nor writing that it never does, does both. */
static unsigned int of_cpu(const struct participant *participant)
{
	bool reads = vocab_origin(participant, PARTICIPANT_CPU_ACCESS) != VOCAB_DECLARED ||
		     participant->cpu_access != CPU_ACCESS_NEVER;
	bool writes = vocab_origin(participant, PARTICIPANT_CPU_WRITES) != VOCAB_DECLARED ||
		      participant->cpu_writes != CPU_ACCESS_NEVER;

	if (!reads && !writes)
		return USAGE_NONE;
	return (reads ? USAGE_READ : 0) | (writes ? USAGE_WRITE : 0);
}

unsigned int participant_usage(const struct participant *participant)
{
	static const unsigned int of_role[] = {
		[ROLE_CAPTURE] = USAGE_WRITE,
		[ROLE_OUTPUT] = USAGE_READ,
		[ROLE_SCANOUT] = USAGE_READ | USAGE_SCANOUT,
		[ROLE_WRITEBACK] = USAGE_WRITE,
		[ROLE_RENDER] = USAGE_READ | USAGE_WRITE,
	};
	unsigned int usage = 0;

	if (!vocab_has(participant, PARTICIPANT_USAGE) && participant->role == ROLE_CPU)
		return of_cpu(participant);
	if (!vocab_has(participant, PARTICIPANT_USAGE))
		return of_role[participant->role];
	for (size_t i = 0; i < participant->usage.len; i++)
		usage |= 1u << vocab_name_index(usage_names, participant->usage.items[i]);
	return implied(usage);
}

enum cpu_access participant_cpu_reads(const struct participant *participant)
{
	if (!vocab_has(participant, PARTICIPANT_CPU_ACCESS) && participant->role == ROLE_CPU)
		return participant_usage(participant) & USAGE_READ ? CPU_ACCESS_OFTEN
								   : CPU_ACCESS_NEVER;
	return (enum cpu_access)vocab_number(participant, PARTICIPANT_CPU_ACCESS);
}

enum cpu_access participant_cpu_writes(const struct participant *participant)
{
	if (!vocab_has(participant, PARTICIPANT_CPU_WRITES) && participant->role == ROLE_CPU)
		return participant_usage(participant) & USAGE_WRITE ? CPU_ACCESS_OFTEN
								    : CPU_ACCESS_NEVER;
	return (enum cpu_access)vocab_number(participant, PARTICIPANT_CPU_WRITES);
}

int heap_properties(const char *text)
{
	char word[16];
	int properties = 0, index;
	size_t len;

	if (strncmp(text, "is:", 3) != 0)
		return 0;
	text += 3;
	do {
		len = strcspn(text, "+");
		if (len >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, len);
		word[len] = '\0';
		index = vocab_name_index(heap_property_names, word);
		if (index < 0)
			return -EINVAL;
		properties |= 1 << index;
		text += len;
	} while (*text++ == '+');
	return properties;
}

static int invalid(struct error *error, const char *participant, const char *key,
		   const char *wanted, const char *offered)
{
	return error_set(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, participant, key, wanted,
			 offered);
}

/* What a negotiation needs, and a change of one may leave out. */
static int check_required(const struct request *request, struct error *error)
{
	static const unsigned int rows[] = {REQUEST_WIDTH, REQUEST_HEIGHT, REQUEST_PARTICIPANTS};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!vocab_has(request, rows[i]))
			return invalid(error, NULL, vocab_request.rows[rows[i]].name, "a value",
				       "nothing");
	return 0;
}

/* One side of the visible rectangle: inside the coded picture; what is absent is the rest of it. */
static int settle_visible_side(struct request *request, unsigned int start_row,
			       unsigned int length_row, uint32_t coded, struct error *error)
{
	uint64_t start = vocab_number(request, start_row);
	uint64_t length = vocab_has(request, length_row) ? vocab_number(request, length_row)
							 : coded - start;

	if (start >= coded || length > coded - start)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, NULL,
				  vocab_request.rows[length_row].name,
				  "a visible rectangle inside the coded picture",
				  "%llu pixels from %llu on, of %u", (unsigned long long)length,
				  (unsigned long long)start, coded);
	vocab_set_number(request, start_row, start, VOCAB_DECLARED);
	return vocab_set_number(request, length_row, length, VOCAB_DECLARED);
}

static void list_roles(const struct device *device, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < device->roles.len && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "one of: ",
					 vocab_enum_name(device->roles.items[i], ROLE_ROLE));
}

static int settle_role(struct participant *participant, const struct device *device,
		       struct error *error)
{
	const char *name = vocab_string(participant, PARTICIPANT_NAME);
	char roles[256];

	if (!vocab_has(participant, PARTICIPANT_ROLE) && device->roles.len == 1)
		vocab_set_number(participant, PARTICIPANT_ROLE,
				 vocab_number(device->roles.items[0], ROLE_ROLE), VOCAB_DECLARED);
	if (vocab_has(participant, PARTICIPANT_ROLE) &&
	    device_find_role(device, (enum role)participant->role))
		return 0;
	list_roles(device, roles, sizeof(roles));
	return invalid(error, name[0] ? name : device->id, "role",
		       device->roles.len ? roles : "a device with roles",
		       vocab_has(participant, PARTICIPANT_ROLE)
			       ? vocab_enum_name(participant, PARTICIPANT_ROLE)
			       : "nothing");
}

static int settle_device(struct participant *participant, const struct machine *machine,
			 struct error *error)
{
	const char *name = vocab_string(participant, PARTICIPANT_NAME);
	const char *wanted = vocab_string(participant, PARTICIPANT_DEVICE);
	const struct device *device;
	int result;

	if (!wanted[0])
		return invalid(error, name, "device", "a device, or the role cpu", "nothing");
	device = machine_find_device(machine, wanted);
	if (!device)
		return error_set(error, ERROR_UNKNOWN_DEVICE, CONSTRAINT_DEVICE, name, "device",
				 "the id or node path of a device that the broker lists", wanted);
	if (strcmp(wanted, device->id) != 0 &&
	    vocab_set_string(participant, PARTICIPANT_DEVICE, device->id, VOCAB_DECLARED))
		return -ENOMEM;
	result = settle_role(participant, device, error);
	if (result)
		return result;
	if (participant->role == ROLE_RENDER && !vocab_has(participant, PARTICIPANT_FORMATS))
		return invalid(error, name[0] ? name : device->id, "formats",
			       "the formats its driver takes: a render node does not tell",
			       "nothing");
	return 0;
}

/* ---- what one key alone cannot say ---- */

static int check_heap_names(const void *record, const char *name, unsigned int row,
			    struct error *error)
{
	const struct vocab_head *head = record;
	const struct vocab_strings *list = vocab_value(record, row);

	for (size_t i = 0; vocab_has(record, row) && i < list->len; i++)
		if (heap_properties(list->items[i]) < 0)
			return invalid(
				error, name, head->group->rows[row].name,
				"the id of a heap, or is: and properties joined by +: "
				"contiguous, scattered, cached, uncached, zeroed, protected, "
				"dma-heap, udmabuf",
				list->items[i]);
	return 0;
}

static int check_usage(const struct participant *participant, const char *name, struct error *error)
{
	unsigned int usage = 0;

	for (size_t i = 0; i < participant->usage.len; i++) {
		int index = vocab_name_index(usage_names, participant->usage.items[i]);

		if (index < 0 || 1 << index > USAGE_NONE)
			return invalid(error, name, "usage",
				       "read, write, scanout, encode, decode, or none",
				       participant->usage.items[i]);
		usage |= 1u << index;
	}
	if (usage & USAGE_NONE && usage != USAGE_NONE)
		return invalid(error, name, "usage", "none alone, or other words", "both");
	return 0;
}

/* A layout that is supplied lies within its bytes, and in one memory object. */
static int check_layout(const struct supplied_layout *layout, const char *name, struct error *error)
{
	uint64_t end;
	int missing = vocab_missing(layout); /* who needs no wire has not been asked before */

	if (missing >= 0)
		return error_setf(error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "layouts",
				  "a layout with format, modifier, bytes and planes",
				  "one without %s", vocab_layout.rows[missing].name);
	for (size_t i = 0; i < layout->planes.len; i++) {
		const struct plane *plane = (const struct plane *)layout->planes.items[i];

		if (vocab_number(plane, PLANE_MEMORY))
			return error_set(error, ERROR_NOT_SUPPORTED, CONSTRAINT_REQUEST, name,
					 "layouts", "planes in one memory object", "several");
		if (!vocab_number(plane, PLANE_STRIDE) || !vocab_number(plane, PLANE_BYTES) ||
		    !arith_add(plane->offset, plane->bytes, &end) || end > layout->bytes)
			return error_setf(
				error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, name, "layouts",
				"planes with stride and bytes, that end within the "
				"layout's bytes",
				"plane %zu of %llu bytes at %llu, of %llu", i,
				(unsigned long long)plane->bytes, (unsigned long long)plane->offset,
				(unsigned long long)layout->bytes);
	}
	return 0;
}

/* The keys of a participant's record, or of one of its alternatives. */
static int check_keys(const struct participant *participant, const char *name, struct error *error)
{
	int result = check_heap_names(participant, name, PARTICIPANT_ALLOWED_HEAPS, error);

	if (!result)
		result = check_heap_names(participant, name, PARTICIPANT_FORBIDDEN_HEAPS, error);
	for (size_t i = 0; i < participant->layouts.len && !result; i++)
		result = check_layout((const struct supplied_layout *)participant->layouts.items[i],
				      name, error);
	for (size_t i = 0; i < participant->sizes.len && !result; i++)
		if (!participant->sizes.items[i].width || !participant->sizes.items[i].height ||
		    participant->sizes.items[i].width > 32768 ||
		    participant->sizes.items[i].height > 32768)
			result = invalid(error, name, "sizes", "1 to 32768 pixels each way",
					 "another size");
	return result;
}

static int check_alternative(const struct participant *alternative, const char *name,
			     unsigned int depth, unsigned int *leaves, struct error *error);

static int check_alternatives(const struct participant *participant, const char *name,
			      unsigned int depth, unsigned int *leaves, struct error *error)
{
	const struct vocab_dicts *list = &participant->alternatives;
	int result = check_keys(participant, name, error);

	if (!result && !list->len && ++*leaves > PARTICIPANT_LEAVES_MAX)
		return error_setf(error, ERROR_TOO_COMPLEX, CONSTRAINT_REQUEST, name,
				  "alternatives", "fewer alternatives", "more than %d in all",
				  PARTICIPANT_LEAVES_MAX);
	if (!result && list->len && depth == PARTICIPANT_DEPTH_MAX)
		return error_setf(error, ERROR_TOO_COMPLEX, CONSTRAINT_REQUEST, name,
				  "alternatives", "alternatives that nest less",
				  "more than %d levels", PARTICIPANT_DEPTH_MAX);
	for (size_t i = 0; i < list->len && !result; i++)
		result = check_alternative((const struct participant *)list->items[i], name,
					   depth + 1, leaves, error);
	return result;
}

static int check_alternative(const struct participant *alternative, const char *name,
			     unsigned int depth, unsigned int *leaves, struct error *error)
{
	static const unsigned int rows[] = {
		PARTICIPANT_NAME,	PARTICIPANT_DEVICE,	PARTICIPANT_DEVICE_FD,
		PARTICIPANT_ROLE,	PARTICIPANT_RANK,	PARTICIPANT_OPTIONAL,
		PARTICIPANT_USAGE,	PARTICIPANT_READS_FROM, PARTICIPANT_COMPLETION,
		PARTICIPANT_CPU_ACCESS, PARTICIPANT_CPU_WRITES, PARTICIPANT_BUFFERS};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (vocab_has(alternative, rows[i]))
			return invalid(error, name, "alternatives",
				       "constraints only in an alternative",
				       vocab_participant.rows[rows[i]].name);
	return check_alternatives(alternative, name, depth, leaves, error);
}

static int settle_name(struct participant *participant)
{
	if (vocab_has(participant, PARTICIPANT_NAME))
		return 0;
	if (participant->role == ROLE_CPU)
		return vocab_set_string(participant, PARTICIPANT_NAME, "cpu", VOCAB_ASSUMED);
	return vocab_format_string(participant, PARTICIPANT_NAME, VOCAB_ASSUMED, "%s %.200s",
				   vocab_enum_name(participant, PARTICIPANT_ROLE),
				   vocab_string(participant, PARTICIPANT_DEVICE));
}

static int settle_participant(struct participant *participant, const struct request *request,
			      const struct machine *machine, struct error *error)
{
	bool is_cpu = vocab_has(participant, PARTICIPANT_ROLE) && participant->role == ROLE_CPU;
	const char *name = vocab_string(participant, PARTICIPANT_NAME);
	unsigned int leaves = 0;
	int result = 0;

	if (is_cpu && (vocab_has(participant, PARTICIPANT_DEVICE) ||
		       vocab_has(participant, PARTICIPANT_DEVICE_FD)))
		return invalid(error, name, "device", "no device for the role cpu", "one");
	if (vocab_has(participant, PARTICIPANT_BUFFERS)) /* a render node has their format then */
		result = brought_settle(participant, machine, request->height, name, error);
	if (!result && !is_cpu)
		result = settle_device(participant, machine, error);
	if (!result)
		result = check_usage(participant, name, error);
	if (!result)
		result = settle_name(participant);
	return result ? result
		      : check_alternatives(participant, vocab_string(participant, PARTICIPANT_NAME),
					   0, &leaves, error);
}

static int by_name(const void *a, const void *b)
{
	const void *const *left = a, *const *right = b;

	return strcmp(vocab_string(*left, PARTICIPANT_NAME),
		      vocab_string(*right, PARTICIPANT_NAME));
}

bool request_has_participant(const struct request *request, const char *name)
{
	for (size_t i = 0; request && i < request->participants.len; i++)
		if (strcmp(vocab_string(request->participants.items[i], PARTICIPANT_NAME), name) ==
		    0)
			return true;
	return false;
}

/* Producers are participants (or, of a part, may be those of others), and others than their
 * consumer. */
static int check_producers(const struct request *request, const struct participant *participant,
			   bool is_part, struct error *error)
{
	const char *name = vocab_string(participant, PARTICIPANT_NAME);

	for (size_t i = 0; i < participant->reads_from.len; i++) {
		const char *producer = participant->reads_from.items[i];

		if (strcmp(producer, name) == 0 ||
		    (!is_part && !request_has_participant(request, producer)))
			return invalid(error, name, "reads-from",
				       "names of other participants of this request", producer);
	}
	return 0;
}

static int settle_participants(struct request *request, const struct machine *machine, bool is_part,
			       struct error *error)
{
	struct vocab_dicts *list = &request->participants;
	int result;

	for (size_t i = 0; i < list->len; i++) {
		result = settle_participant((struct participant *)list->items[i], request, machine,
					    error);
		if (result)
			return result;
	}
	qsort(list->items, list->len, sizeof(list->items[0]), by_name);
	for (size_t i = 1; i < list->len; i++)
		if (by_name(&list->items[i - 1], &list->items[i]) == 0)
			return invalid(error, vocab_string(list->items[i], PARTICIPANT_NAME),
				       "name", "a name of its own for each participant",
				       "the same twice");
	for (size_t i = 0; i < list->len; i++) {
		result = check_producers(request, (struct participant *)list->items[i], is_part,
					 error);
		if (result)
			return result;
	}
	return 0;
}

static int settle(struct request *request, const struct machine *machine, bool is_part,
		  struct error *error)
{
	int result = check_required(request, error);

	if (result)
		return result;
	result = settle_visible_side(request, REQUEST_VISIBLE_X, REQUEST_VISIBLE_WIDTH,
				     request->width, error);
	if (!result)
		result = settle_visible_side(request, REQUEST_VISIBLE_Y, REQUEST_VISIBLE_HEIGHT,
					     request->height, error);
	if (!result)
		result = check_heap_names(request, NULL, REQUEST_ALLOWED_HEAPS, error);
	if (!result)
		result = check_heap_names(request, NULL, REQUEST_FORBIDDEN_HEAPS, error);
	if (!result)
		result = settle_participants(request, machine, is_part, error);
	return result ? result : brought_check_one(request, error);
}

int request_settle(struct request *request, const struct machine *machine, struct error *error)
{
	return settle(request, machine, false, error);
}

int request_settle_part(struct request *request, const struct machine *machine, struct error *error)
{
	return settle(request, machine, true, error);
}
