/* SPDX-License-Identifier: MIT */
/* What went wrong: one line for a person, an object for a program, an exit status for a script. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/machine-file.h"
#include "ctl/text.h"

/* -ENOMEM and the errno values that are not here are refusals. */
static const struct {
	int number;
	enum ctl_status status;
} classes[] = {
	{-EINVAL, CTL_USAGE},	     {-ENODEV, CTL_USAGE}, {-ENOTCONN, CTL_NO_DAEMON},
	{-ETIMEDOUT, CTL_NO_DAEMON}, {-EDQUOT, CTL_QUOTA}, {-EPERM, CTL_PERMISSION},
	{-EACCES, CTL_PERMISSION},
};

enum ctl_status ctl_class(int error)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].number == error)
			return classes[i].status;
	return CTL_REFUSED;
}

void ctl_out_of_memory(void)
{
	fputs(CTL_NAME ": out of memory\n", stderr);
	exit(CTL_REFUSED);
}

int ctl_error(enum ctl_status status, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		ctl_out_of_memory();
	va_end(args);
	fflush(stdout);
	fputs(CTL_NAME ": ", stderr);
	text_put_lines(stderr, text);
	fputc('\n', stderr);
	free(text);
	return status;
}

/* Says which devices or heaps share an id. False: none do. */
static bool complain_of_twins(const struct ctl *ctl, const struct dmabroker_record *machine,
			      const char *list)
{
	const struct dmabroker_record *one, *other;

	for (size_t i = 0; dmabroker_record_get_record(machine, list, i, &one) == 0; i++) {
		for (size_t j = 0; j < i; j++) {
			dmabroker_record_get_record(machine, list, j, &other);
			if (strcmp(text_string(one, "id", ""), text_string(other, "id", "")) != 0)
				continue;
			ctl_error(CTL_USAGE, "%s: %s[%zu].id: '%s' is the id of %s[%zu] already",
				  ctl->machine_file, list, i, text_string(one, "id", ""), list, j);
			return true;
		}
	}
	return false;
}

static int open_machine(struct ctl *ctl)
{
	struct dmabroker_record *machine;
	int error, status = machine_file_load(ctl->machine_file, &machine);

	if (status)
		return status;
	error = dmabroker_open_machine(machine, &ctl->broker);
	if (error)
		status = CTL_USAGE;
	if (error && !complain_of_twins(ctl, machine, "devices") &&
	    !complain_of_twins(ctl, machine, "heaps"))
		ctl_error(status, "%s: %s", ctl->machine_file, strerror(-error));
	dmabroker_record_destroy(machine);
	return status;
}

int ctl_connect(struct ctl *ctl)
{
	const char *address = ctl->address;
	int error;

	if (ctl->machine_file)
		return open_machine(ctl);
	error = dmabroker_connect(address, &ctl->broker);
	if (!error)
		return 0;
	if (!address)
		address = getenv("DMABROKER_ADDRESS");
	if (error == -EINVAL)
		return ctl_error(CTL_USAGE,
				 "'%s' is no address: right is 'system', "
				 "'unix:path=/run/dmabroker/bus', 'in-process' or "
				 "'in-process:trials=yes'",
				 address ? address : "");
	if (error == -EACCES)
		return ctl_error(CTL_PERMISSION, "the daemon refuses this user");
	if (error == -ENOTCONN && address)
		return ctl_error(CTL_NO_DAEMON, "no daemon answers at '%s'", address);
	if (error == -ENOTCONN)
		return ctl_error(CTL_NO_DAEMON,
				 "no daemon answers, and this process may open no heap to do "
				 "without one: is dmabrokerd running?");
	return ctl_error(ctl_class(error), "cannot connect: %s", strerror(-error));
}

int ctl_say_failed(const struct ctl *ctl, int error)
{
	const char *text = dmabroker_get_error_text(ctl->broker);
	int len;

	if (!text || !*text)
		text = error == -ENOTCONN ? "the daemon is gone" : strerror(-error);
	len = (int)strlen(text);
	while (len > 0 && text[len - 1] == '\n')
		len--;
	return ctl_error(ctl_class(error), "%.*s", len, text);
}

int ctl_failed(struct ctl *ctl, int error)
{
	const char *name = dmabroker_get_error(ctl->broker);

	if (ctl->json && name && *name)
		json_print(ctl, json_from_error(name, dmabroker_get_error_text(ctl->broker),
						dmabroker_get_error_details(ctl->broker)));
	return ctl_say_failed(ctl, error);
}
