/* SPDX-License-Identifier: MIT */
/* `machine`: what is known of the machine as a whole. */
#include <stdio.h>

#include "ctl/ctl.h"
#include "ctl/facts.h"
#include "ctl/json.h"

static int apply_verbose(struct ctl *ctl, const char *value)
{
	(void)value;
	ctl->verbose = true;
	return 0;
}

static const struct ctl_option options[] = {
	{"verbose", 0, NULL, "every fact, with how it was obtained", apply_verbose},
	{.name = NULL}};

/* The machine's own facts: the lists of devices and heaps are other verbs'. */
static void print_json(const struct ctl *ctl, const struct dmabroker_record *machine)
{
	struct json_object *object = json_from_record(machine);

	json_object_object_del(object, "devices");
	json_object_object_del(object, "heaps");
	json_print(ctl, object);
}

static int run(struct ctl *ctl)
{
	struct dmabroker_record *machine;
	int status, error;

	status = ctl_connect(ctl);
	if (status)
		return status;
	error = dmabroker_get_machine(ctl->broker, &machine);
	if (error)
		return ctl_failed(ctl, error);
	if (ctl->json)
		print_json(ctl, machine);
	else
		facts_show_machine(ctl, machine);
	if (ctl->verbose && !ctl->json) {
		putchar('\n');
		facts_show(machine, 4, NULL);
	}
	dmabroker_record_destroy(machine);
	return CTL_OK;
}

const struct ctl_verb machine_verb = {
	.name = "machine",
	.arguments = "[OPTION...]",
	.summary = "Shows memory, bounce buffers, firmware and caches of the machine",
	.options = options,
	.run = run,
};
