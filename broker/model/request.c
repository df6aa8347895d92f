/* SPDX-License-Identifier: MIT */
/* Settling a request against a machine, before it is solved. */
#include "broker/model/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/descriptor.h"

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

static int settle_participant(struct participant *participant, const struct machine *machine,
			      struct error *error)
{
	bool is_cpu = vocab_has(participant, PARTICIPANT_ROLE) && participant->role == ROLE_CPU;
	const char *name = vocab_string(participant, PARTICIPANT_NAME);
	int result;

	if (is_cpu && (vocab_has(participant, PARTICIPANT_DEVICE) ||
		       vocab_has(participant, PARTICIPANT_DEVICE_FD)))
		return invalid(error, name, "device", "no device for the role cpu", "one");
	if (!is_cpu) {
		result = settle_device(participant, machine, error);
		if (result)
			return result;
	} else if (!vocab_has(participant, PARTICIPANT_CPU_ACCESS)) {
		vocab_set_number(participant, PARTICIPANT_CPU_ACCESS, CPU_ACCESS_OFTEN,
				 VOCAB_ASSUMED);
	}
	if (vocab_has(participant, PARTICIPANT_NAME))
		return 0;
	if (is_cpu)
		return vocab_set_string(participant, PARTICIPANT_NAME, "cpu", VOCAB_ASSUMED);
	return vocab_format_string(participant, PARTICIPANT_NAME, VOCAB_ASSUMED, "%s %.200s",
				   vocab_enum_name(participant, PARTICIPANT_ROLE),
				   vocab_string(participant, PARTICIPANT_DEVICE));
}

static int by_name(const void *a, const void *b)
{
	const void *const *left = a, *const *right = b;

	return strcmp(vocab_string(*left, PARTICIPANT_NAME),
		      vocab_string(*right, PARTICIPANT_NAME));
}

static int settle_participants(struct request *request, const struct machine *machine,
			       struct error *error)
{
	struct vocab_dicts *list = &request->participants;
	int result;

	for (size_t i = 0; i < list->len; i++) {
		result = settle_participant((struct participant *)list->items[i], machine, error);
		if (result)
			return result;
	}
	qsort(list->items, list->len, sizeof(list->items[0]), by_name);
	for (size_t i = 1; i < list->len; i++)
		if (by_name(&list->items[i - 1], &list->items[i]) == 0)
			return invalid(error, vocab_string(list->items[i], PARTICIPANT_NAME),
				       "name", "a name of its own for each participant",
				       "the same twice");
	return 0;
}

int request_settle(struct request *request, const struct machine *machine, struct error *error)
{
	int result = check_required(request, error);

	if (result)
		return result;
	result = settle_visible_side(request, REQUEST_VISIBLE_X, REQUEST_VISIBLE_WIDTH,
				     request->width, error);
	if (!result)
		result = settle_visible_side(request, REQUEST_VISIBLE_Y, REQUEST_VISIBLE_HEIGHT,
					     request->height, error);
	return result ? result : settle_participants(request, machine, error);
}
