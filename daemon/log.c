/* SPDX-License-Identifier: MIT */
#include "daemon/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SILENCE_S 60

/* Of one kind of news. */
struct silence {
	bool said;
	time_t when;
	unsigned int left_out;
};

static struct {
	bool verbose;
	bool journal;
	struct silence refusals[LOG_REFUSALS];
	struct silence stuck;
} state;

static const char *const refusal_texts[LOG_REFUSALS] = {
	[LOG_REFUSAL_CONNECTIONS] = "no more connections are taken",
	[LOG_REFUSAL_CONNECTIONS_OF_USER] = "too many connections of one user",
	[LOG_REFUSAL_AUTHENTICATION] = "no authentication in time",
	[LOG_REFUSAL_IDENTITY] = "the bus does not say who a caller is",
	[LOG_REFUSAL_CALLS] = "too many calls of one client under way",
	[LOG_REFUSAL_EARLY_CALLS] = "too many calls before the devices are known",
	[LOG_REFUSAL_SLOW] = "a client does not read its answers",
	[LOG_REFUSAL_MEMORY] = "no memory for an answer",
};

void log_init(bool verbose)
{
	state.verbose = verbose;
	state.journal = secure_getenv("JOURNAL_STREAM") != NULL;
}

void log_line(enum log_level level, const char *format, ...)
{
	int saved_errno = errno;
	char text[512];
	va_list args;

	if (level == LOG_LEVEL_DEBUG && !state.verbose)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (state.journal)
		fprintf(stderr, "<%d>%s\n", (int)level, text);
	else
		fprintf(stderr, "dmabrokerd: %s\n", text);
	errno = saved_errno;
}

/* Whether something of this kind may be said now. */
static bool may_say(struct silence *silence, unsigned int *ret_left_out)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (silence->said && now.tv_sec - silence->when < SILENCE_S) {
		silence->left_out++;
		return false;
	}
	*ret_left_out = silence->left_out;
	*silence = (struct silence){.said = true, .when = now.tv_sec};
	return true;
}

void log_refusal(enum log_refusal refusal, uid_t uid)
{
	unsigned int left_out;

	if (!may_say(&state.refusals[refusal], &left_out))
		return;
	log_warning("refused: %s (uid %lld, %u more left out before)", refusal_texts[refusal],
		    uid == (uid_t)-1 ? -1LL : (long long)uid, left_out);
}

void log_stuck(uint64_t collection, char *const *missing, size_t len)
{
	unsigned int left_out;

	if (!may_say(&state.stuck, &left_out))
		return;
	for (size_t i = 0; i < len; i++)
		log_info("collection %llu waits for %s", (unsigned long long)collection,
			 missing[i]);
	if (left_out)
		log_info("%u more collections that waited were left out before", left_out);
}
