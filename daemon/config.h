/* SPDX-License-Identifier: MIT */
/* The command line: all there is to configure. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_QUIRKS_MAX 16 /* directories */

/* Exit codes; documented in dmabrokerd(8). */
enum config_exit {
	CONFIG_EXIT_STOPPED = 0, /* by a signal */
	CONFIG_EXIT_FAILED = 1,
	CONFIG_EXIT_USAGE = 2,
	CONFIG_EXIT_BUS_LOST = 3, /* the bus is gone, or our name on it is not ours */
};

struct config {
	const char *socket;	   /* path; NULL: no direct socket */
	const char *bus;	   /* "system", "session" or an address; NULL: no bus */
	const char *trial_program; /* NULL: no trials */
	/* directories of quirk files, the later winning; ends with NULL */
	const char *quirks[CONFIG_QUIRKS_MAX + 1];
	size_t quirks_len;
	unsigned int workers;
	bool verbose;
};

/*
 * Fills in `config`, whose strings are borrowed from `argv`. Returns 0 to go on, 1 when all that
 * was asked for has been said (--help, --version); -EINVAL: a wrong command line, and it has been
 * said on stderr.
 */
int config_read(int argc, char **argv, struct config *config);

#endif
