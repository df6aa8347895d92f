/* SPDX-License-Identifier: MIT */
/* `dump`: all facts as a machine file, for bug reports and tests. */
#include <stdio.h>

#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/machine-file.h"
#include "ctl/private.h"

static int apply_public(struct ctl *ctl, const char *value)
{
	size_t len = 0;

	while (ctl->public[len])
		len++;
	if (len == CTL_PUBLIC_MAX)
		return ctl_error(CTL_USAGE, "--public: more than %d words", CTL_PUBLIC_MAX);
	ctl->public[len] = value;
	return 0;
}

static const struct ctl_option options[] = {
	{"public", 0, "WORD", "a name that is no secret; again for more", apply_public},
	{.name = NULL}};

static int write_file(struct json_object *machine, const char *path)
{
	FILE *file = fopen(path, "we");
	bool written;

	if (!file)
		return ctl_error(CTL_REFUSED, "%s: %m", path);
	machine_file_write(file, machine);
	written = !ferror(file);
	if (fclose(file) != 0 || !written)
		return ctl_error(CTL_REFUSED, "%s: cannot write: %m", path);
	return 0;
}

static int dump(struct ctl *ctl, const struct dmabroker_record *record)
{
	struct json_object *machine = machine_file_from(record);
	int status;

	private_clean(machine);
	status = private_check(machine, ctl->public);
	if (!status && ctl->arguments[0])
		status = write_file(machine, ctl->arguments[0]);
	else if (!status && ctl->json == CTL_JSON_SHORT)
		json_print(ctl, json_object_get(machine));
	else if (!status)
		machine_file_write(stdout, machine);
	json_object_put(machine);
	return status;
}

static int run(struct ctl *ctl)
{
	struct dmabroker_record *machine;
	int status, error;

	if (ctl->arguments[0] && ctl->arguments[1])
		return ctl_error(CTL_USAGE, "'dump' writes one file, not '%s' as well",
				 ctl->arguments[1]);
	status = ctl_connect(ctl);
	if (status)
		return status;
	error = dmabroker_get_machine(ctl->broker, &machine);
	if (error)
		return ctl_failed(ctl, error);
	status = dump(ctl, machine);
	dmabroker_record_destroy(machine);
	return status;
}

const struct ctl_verb dump_verb = {
	.name = "dump",
	.arguments = "[OPTION...] [FILE]",
	.summary = "Writes all facts as a machine file, without anything private",
	.details = "Without FILE to standard output. With --machine the file is the one that was\n"
		   "read, in the form that dump gives it.\n",
	.options = options,
	.participants = true,
	.run = run,
};
