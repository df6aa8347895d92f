/* SPDX-License-Identifier: MIT */
/*
 * A broker over the facts of one machine, without a daemon and without that machine. It has the
 * solver that the daemon has, so that its plan is the daemon's; what needs the devices themselves
 * (allocating, naming one by an open file) is not served.
 *
 * This is the only file of the library that includes the solver.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/solver/solve.h"
#include "libclient/internal.h"

struct offline {
	struct dmabroker base;
	struct machine *machine; /* owned */
};

static struct machine *machine_of(struct dmabroker *broker)
{
	return ((struct offline *)broker)->machine;
}

static void destroy(struct dmabroker *broker)
{
	vocab_destroy(machine_of(broker));
}

static int get_fd(struct dmabroker *broker)
{
	return handle_fail(broker, -ENOTCONN, "there is no daemon behind a machine's facts");
}

static int dispatch(struct dmabroker *broker)
{
	(void)broker;
	return 0;
}

/* What only a daemon has. */
static int refuse(struct dmabroker *broker)
{
	handle_forget(broker);
	return handle_note_error(
		broker, error_set(&broker->error, ERROR_NOT_SUPPORTED, CONSTRAINT_REQUEST, NULL,
				  NULL, "a daemon that allocates", "the facts of a machine"));
}

/* ---- looking ---- */

static int list(struct dmabroker *broker, const struct vocab_group *group,
		struct dmabroker_record ***ret_records, size_t *ret_len)
{
	const struct machine *machine = machine_of(broker);
	const struct vocab_dicts *all = group == &vocab_device ? &machine->devices
							       : &machine->heaps;

	if (group == &vocab_collection)
		return refuse(broker);
	handle_forget(broker);
	return handle_list_copy(all, ret_records, ret_len);
}

static int get_machine(struct dmabroker *broker, struct machine **ret_machine)
{
	handle_forget(broker);
	return vocab_copy(machine_of(broker), ret_machine);
}

/* ---- planning ---- */

static bool has_files(const struct vocab_dicts *buffers)
{
	for (size_t i = 0; i < buffers->len; i++)
		if (vocab_has(buffers->items[i], MEMORY_FD))
			return true;
	return false;
}

/* An open file says nothing on a machine that is not this one. */
static int refuse_fds(const struct request *request, struct error *error)
{
	for (size_t i = 0; i < request->participants.len; i++) {
		const void *participant = request->participants.items[i];

		if (vocab_has(participant, PARTICIPANT_DEVICE_FD))
			return error_set(error, ERROR_NOT_SUPPORTED, CONSTRAINT_REQUEST,
					 vocab_string(participant, PARTICIPANT_NAME), "device-fd",
					 "the device's id or node path, without a daemon",
					 "an open file");
		if (has_files(&((const struct participant *)participant)->buffers))
			return error_set(error, ERROR_NOT_SUPPORTED, CONSTRAINT_REQUEST,
					 vocab_string(participant, PARTICIPANT_NAME), "buffers",
					 "exporter and bytes of each buffer, without a daemon",
					 "an open file");
	}
	return 0;
}

static int plan(struct dmabroker *broker, const struct request *request, struct plan **ret_plan)
{
	struct request *settled;
	int error;

	handle_forget(broker);
	error = vocab_copy(request, &settled);
	if (error)
		return error;
	error = refuse_fds(request, &broker->error);
	if (!error)
		error = request_settle(settled, machine_of(broker), &broker->error);
	if (!error)
		error = solve(machine_of(broker), settled, &broker->error, ret_plan);
	vocab_destroy(settled);
	return handle_note_error(broker, error);
}

static int allocate(struct dmabroker *broker, const struct request *request,
		    struct dmabroker_collection **ret_collection)
{
	(void)request;
	(void)ret_collection;
	return refuse(broker);
}

static int create_collection(struct dmabroker *broker, const struct request *request,
			     unsigned int tokens, struct dmabroker_collection **ret_collection)
{
	(void)tokens;
	return allocate(broker, request, ret_collection);
}

static int bind_token(struct dmabroker *broker, const char *token,
		      struct dmabroker_collection **ret_collection)
{
	(void)token;
	(void)ret_collection;
	return refuse(broker);
}

static const struct handle_backend offline_backend = {
	.destroy = destroy,
	.get_fd = get_fd,
	.dispatch = dispatch,
	.list = list,
	.get_machine = get_machine,
	.plan = plan,
	.allocate = allocate,
	.create_collection = create_collection,
	.bind = bind_token,
};

/* ---- beginning ---- */

/* Whether each record of a list has the row that says what it is. */
static bool all_have(const struct vocab_dicts *records, unsigned int row)
{
	for (size_t i = 0; i < records->len; i++)
		if (!vocab_has(records->items[i], row))
			return false;
	return true;
}

/* Without role a role would be taken for a capture queue, as absent words are. */
static bool roles_are_complete(const struct vocab_dicts *devices)
{
	for (size_t i = 0; i < devices->len; i++) {
		const struct device *device = (struct device *)devices->items[i];

		if (!all_have(&device->roles, ROLE_ROLE))
			return false;
		for (size_t r = 0; r < device->roles.len; r++)
			if (!all_have(&((struct device_role *)device->roles.items[r])->formats,
				      FORMAT_FORMAT))
				return false;
	}
	return true;
}

/* Both groups begin with their id. */
_Static_assert((int)DEVICE_ID == (int)HEAP_ID, "devices and heaps are sorted by the same row");

static int by_id(const void *a, const void *b)
{
	const void *const *left = a, *const *right = b;

	return strcmp(vocab_string(*left, DEVICE_ID), vocab_string(*right, DEVICE_ID));
}

/* Sorts by id. Errors: -EEXIST (two share one). */
static int sort_by_id(struct vocab_dicts *records)
{
	if (records->len)
		qsort(records->items, records->len, sizeof(records->items[0]), by_id);
	for (size_t i = 1; i < records->len; i++)
		if (by_id(&records->items[i - 1], &records->items[i]) == 0)
			return -EEXIST;
	return 0;
}

static int check_machine(struct machine *machine)
{
	int error;

	if (!all_have(&machine->devices, DEVICE_ID) || !all_have(&machine->heaps, HEAP_ID) ||
	    !roles_are_complete(&machine->devices))
		return -EINVAL;
	error = sort_by_id(&machine->devices);
	return error ? error : sort_by_id(&machine->heaps);
}

int dmabroker_open_machine(const struct dmabroker_record *machine, struct dmabroker **ret_broker)
{
	struct offline *offline;
	int error;

	if (((const struct vocab_head *)machine)->group != &vocab_machine)
		return -EINVAL;
	offline = calloc(1, sizeof(*offline));
	if (!offline)
		return -ENOMEM;
	offline->base.backend = &offline_backend;
	error = vocab_copy(machine, &offline->machine);
	if (!error)
		error = check_machine(offline->machine);
	if (error) {
		dmabroker_disconnect(&offline->base);
		return error;
	}
	*ret_broker = &offline->base;
	return 0;
}
