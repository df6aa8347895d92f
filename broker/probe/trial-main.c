/* SPDX-License-Identifier: MIT */
/*
 * dmabroker-trial v4l2 NODE QUEUE-TYPE [no-imports]
 * dmabroker-trial drm FORMAT PLANAR-FORMAT WIDTH HEIGHT [no-imports]
 *
 * Makes one trial (trial-v4l2.c; trial-drm.c, of the node that is open as fd 3) and prints what
 * came of it in one line (trial-line.c). Why all this is done in a process of its own: trial.c.
 * Whatever is still held at the end, the exit gives back.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker/probe/trial-child.h"

#define OWN_DEADLINE_S 30 /* should the parent die and nobody kill us */

static int usage(void)
{
	fprintf(stderr,
		"usage: dmabroker-trial v4l2 NODE QUEUE-TYPE [no-imports]\n"
		"       dmabroker-trial drm FORMAT PLANAR-FORMAT WIDTH HEIGHT [no-imports]\n"
		"       (fourccs as numbers, 0: none; the DRM node is fd 3)\n");
	return 2;
}

/* `first`: the lowest fd that is not ours. */
static void confine(unsigned int first)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(OWN_DEADLINE_S);
#ifdef SYS_close_range
	/* What the parent's other libraries forgot to mark. */
	syscall(SYS_close_range, first, ~0u, 0u);
#else
	(void)first;
#endif
}

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

static bool read_arguments(int argc, char **argv, struct trial *ret_trial)
{
	struct trial trial = {.drm_fd = -1};

	if (argc > 1 && strcmp(argv[argc - 1], "no-imports") == 0) {
		trial.no_imports = true;
		argc--;
	}
	if (argc == 4 && strcmp(argv[1], "v4l2") == 0) {
		trial.node = argv[2];
		trial.queue_type = number(argv[3]);
	} else if (argc == 6 && strcmp(argv[1], "drm") == 0) {
		trial.drm_fd = TRIAL_CHILD_FD;
		trial.format = number(argv[2]);
		trial.planar_format = number(argv[3]);
		trial.width = number(argv[4]);
		trial.height = number(argv[5]);
	} else {
		return false;
	}
	*ret_trial = trial;
	return true;
}

int main(int argc, char **argv)
{
	char exporter[TRIAL_EXPORTER_BYTES] = "";
	struct trial_answer answer;
	struct trial trial;
	int error;

	if (!read_arguments(argc, argv, &trial))
		return usage();
	confine(trial.drm_fd < 0 ? TRIAL_CHILD_FD : TRIAL_CHILD_FD + 1);
	error = trial.drm_fd < 0 ? trial_v4l2(&trial, exporter, &answer)
				 : trial_drm(&trial, &answer);
	if (error) {
		fprintf(stderr, "%s: %s\n", trial.node ? trial.node : "drm", strerror(-error));
		return 1;
	}
	trial_print(stdout, exporter, &answer);
	return fflush(stdout) == 0 ? 0 : 1;
}
