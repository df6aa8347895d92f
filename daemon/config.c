/* SPDX-License-Identifier: MIT */
#include "daemon/config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/worker.h"

#define DEFAULT_SOCKET "/run/dmabroker/bus"
#define DEFAULT_WORKERS 2

enum option_value {
	OPTION_SOCKET = 1,
	OPTION_BUS,
	OPTION_NO_TRIALS,
	OPTION_TRIAL_PROGRAM,
	OPTION_QUIRKS,
	OPTION_WORKERS,
	OPTION_VERBOSE,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option options[] = {
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"bus", required_argument, NULL, OPTION_BUS},
	{"no-trials", no_argument, NULL, OPTION_NO_TRIALS},
	{"trial-program", required_argument, NULL, OPTION_TRIAL_PROGRAM},
	{"quirks", required_argument, NULL, OPTION_QUIRKS},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"verbose", no_argument, NULL, OPTION_VERBOSE},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

static void print_usage(FILE *file)
{
	fprintf(file,
		"usage: dmabrokerd [OPTION]...\n"
		"\n"
		"Plans and allocates buffers that suit all devices which share them.\n"
		"\n"
		"  --socket PATH         direct socket (default " DEFAULT_SOCKET
		"; none: no socket)\n"
		"  --bus WHICH           system, session, a D-Bus address or none (default "
		"system)\n"
		"  --no-trials           never try a device, know only what the kernel says of it\n"
		"  --trial-program PATH  the program that tries devices\n"
		"                        (default " DMABROKER_TRIAL_PROGRAM ")\n"
		"  --quirks DIR          quirk files, again for more, the last winning; none: no "
		"quirks\n"
		"                        (default " DMABROKER_QUIRKS_DIRECTORY "\n"
		"                        and " DMABROKER_QUIRKS_OVERRIDE ")\n"
		"  --workers N           threads for what may block, 1 to %d (default %d)\n"
		"  --verbose             say more on stderr\n"
		"  --help                say this\n"
		"  --version             say the version\n"
		"\n"
		"Ends with 0 when stopped by SIGTERM or SIGINT, 1 when it cannot start, 2 when "
		"the\n"
		"command line is wrong, 3 when the bus or its name on the bus is lost or taken.\n",
		WORKERS_MAX, DEFAULT_WORKERS);
}

static int read_workers(const char *text, unsigned int *ret_workers)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < 1 || value > WORKERS_MAX) {
		fprintf(stderr, "dmabrokerd: --workers takes a number from 1 to %d\n", WORKERS_MAX);
		return -EINVAL;
	}
	*ret_workers = (unsigned int)value;
	return 0;
}

static int add_quirks(struct config *config, const char *directory)
{
	if (config->quirks_len == CONFIG_QUIRKS_MAX) {
		fprintf(stderr, "dmabrokerd: --quirks: at most %d directories\n",
			CONFIG_QUIRKS_MAX);
		return -EINVAL;
	}
	config->quirks[config->quirks_len++] = directory;
	return 0;
}

/* Without a word of the command line those of the installation, and none where it says so. */
static int settle_quirks(struct config *config)
{
	size_t nones = 0;

	for (size_t i = 0; i < config->quirks_len; i++)
		nones += strcmp(config->quirks[i], "none") == 0;
	if (nones && config->quirks_len > 1) {
		fprintf(stderr, "dmabrokerd: --quirks none stands alone\n");
		return -EINVAL;
	}
	if (nones) {
		config->quirks[0] = NULL;
	} else if (!config->quirks_len) {
		config->quirks[0] = DMABROKER_QUIRKS_DIRECTORY;
		config->quirks[1] = DMABROKER_QUIRKS_OVERRIDE;
	}
	return 0;
}

static const char *unless_none(const char *text)
{
	return strcmp(text, "none") == 0 ? NULL : text;
}

static int read_option(int value, struct config *config)
{
	switch (value) {
	case OPTION_SOCKET:
		config->socket = unless_none(optarg);
		return 0;
	case OPTION_BUS:
		config->bus = unless_none(optarg);
		return 0;
	case OPTION_NO_TRIALS:
		config->trial_program = NULL;
		return 0;
	case OPTION_TRIAL_PROGRAM:
		config->trial_program = optarg;
		return 0;
	case OPTION_QUIRKS:
		return add_quirks(config, optarg);
	case OPTION_WORKERS:
		return read_workers(optarg, &config->workers);
	case OPTION_VERBOSE:
		config->verbose = true;
		return 0;
	case OPTION_HELP:
		print_usage(stdout);
		return 1;
	case OPTION_VERSION:
		printf("dmabrokerd %s\n", DMABROKER_VERSION);
		return 1;
	default:
		return -EINVAL;
	}
}

static int check(struct config *config)
{
	if (!config->socket && !config->bus) {
		fprintf(stderr, "dmabrokerd: neither a socket nor a bus: nobody could call\n");
		return -EINVAL;
	}
	return settle_quirks(config);
}

int config_read(int argc, char **argv, struct config *config)
{
	int value, done = 0;

	*config = (struct config){
		.socket = DEFAULT_SOCKET,
		.bus = "system",
		.trial_program = DMABROKER_TRIAL_PROGRAM,
		.workers = DEFAULT_WORKERS,
	};
	while (!done) {
		value = getopt_long(argc, argv, "", options, NULL);
		if (value < 0)
			break;
		done = read_option(value, config);
	}
	if (!done && optind < argc) {
		fprintf(stderr, "dmabrokerd: unexpected argument: %s\n", argv[optind]);
		done = -EINVAL;
	}
	return done ? done : check(config);
}
