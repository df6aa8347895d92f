/* SPDX-License-Identifier: MIT */
/*
 * Where the parts meet:
 *
 *	probe -> descriptor -> solver -> plan -> heap -> buffer
 *
 *	measuring.c		nodes become descriptors
 *	collection.c		who takes part, lives and dies
 *	negotiation.c		what members say becomes a request
 *	allocation.c		a request becomes a plan, and buffers
 *	buffers.c, status.c	what members get, and see
 *
 * Two kinds of work may block and are jobs: measuring a node (struct measurement) and allocating
 * the buffers of a plan (struct allocation). A job carries copies of all it needs. While it runs,
 * anything may happen here, and what that means for it is said where it comes back.
 */
#include "broker/broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/allocation.h"
#include "broker/inside.h"
#include "broker/measuring.h"
#include "broker/probe/quirks.h"

uint64_t inside_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void ignore_problem(void *data, const char *file, unsigned int line, const char *text)
{
	(void)data;
	(void)file;
	(void)line;
	(void)text;
}

/* A file with mistakes has been reported and is no reason to give up: what is left out of it is not
 * known then. Errors: -ENOMEM. */
static int load_quirks(struct broker *broker, const struct broker_options *options)
{
	quirks_report_fn report = options->on_quirk_problem ? options->on_quirk_problem
							    : ignore_problem;
	int error = quirks_create(&broker->quirks);

	if (error || !options->quirk_directories)
		return error;
	error = quirks_load_directories(broker->quirks, options->quirk_directories, report,
					options->on_quirk_problem_data);
	return error == -ENOMEM ? error : 0;
}

/* What measurements need: it stays as it is from now on. */
static int prepare_measuring(struct broker *broker, const struct broker_options *options)
{
	int error = load_quirks(broker, options);

	if (!error && options->trial_program) {
		broker->trial_program = strdup(options->trial_program);
		error = broker->trial_program ? 0 : -ENOMEM;
	}
	if (!error)
		error = probe_machine(NULL, broker->machine);
	if (!error)
		error = vocab_copy(broker->machine, &broker->platform);
	broker->options = (struct probe_options){.trial_program = broker->trial_program,
						 .trial_deadline_ms = options->trial_deadline_ms,
						 .quirks = broker->quirks,
						 .platform = broker->platform};
	return error;
}

int broker_create(const struct broker_host *host, const struct broker_options *options,
		  struct broker **ret_broker)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	int error;

	if (!broker)
		return -ENOMEM;
	broker->host = *host;
	broker->next_number = 1;
	error = vocab_create(&vocab_machine, &broker->machine);
	if (!error)
		error = prepare_measuring(broker, options);
	if (!error)
		error = probe_create(&broker->options, &broker->probe);
	if (!error)
		error = measuring_enumerate(broker);
	/* what has been submitted cannot be undone: the rest is tried again */
	if (error && !broker->measurements) {
		broker_destroy(broker);
		return error;
	}
	*ret_broker = broker;
	return 0;
}

void broker_destroy(struct broker *broker)
{
	if (!broker)
		return;
	collections_finish(broker);
	measuring_finish(broker);
	probe_destroy(broker->probe);
	quirks_destroy(broker->quirks);
	vocab_destroy(broker->platform);
	vocab_destroy(broker->machine);
	free(broker->trial_program);
	free(broker);
}

int broker_get_fd(const struct broker *broker)
{
	return probe_get_fd(broker->probe);
}

int broker_get_timeout(const struct broker *broker)
{
	uint64_t now = inside_now_ms(), first = measuring_due(broker);
	uint64_t of_collections = collections_due(broker);

	if (!broker->settled && !broker->measurements)
		return 0;
	if (of_collections < first)
		first = of_collections;
	if (first == UINT64_MAX)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

int broker_dispatch(struct broker *broker)
{
	int error = probe_dispatch(broker->probe, measuring_on_node, broker);

	if (error == -ENOBUFS ||
	    (!error && broker->again_ms && broker->again_ms <= inside_now_ms()))
		error = measuring_enumerate(broker);
	measuring_retry(broker);
	collections_dispatch(broker);
	measuring_check_settled(broker);
	return error;
}

const struct machine *broker_get_machine(const struct broker *broker)
{
	return broker->machine;
}

int broker_client_create(struct broker *broker, uid_t uid, void *data,
			 struct broker_client **ret_client)
{
	struct broker_client *client = calloc(1, sizeof(*client));
	int error;

	if (!client)
		return -ENOMEM;
	error = quota_client_init(&client->quota, &broker->quota, uid);
	if (error) {
		free(client);
		return error;
	}
	client->broker = broker;
	client->uid = uid;
	client->data = data;
	*ret_client = client;
	return 0;
}

void broker_client_destroy(struct broker_client *client)
{
	if (!client)
		return;
	buffers_forget(client);
	collections_client_died(client);
	quota_client_finish(&client->quota);
	free(client);
}

void broker_job_done(struct broker *broker, struct broker_job *job)
{
	if (!measuring_done(broker, job))
		allocation_done(job);
}
