/* SPDX-License-Identifier: MIT */
/*
 * Lines on stderr, for a person or the journal. Quiet: start, stop, what is broken, and one line
 * per kind of refusal (one collection that waits) until a minute has passed. Strings of clients
 * never come here.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The journal's priorities. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Why a client was refused, where the daemon itself and not the broker refuses. */
enum log_refusal {
	LOG_REFUSAL_CONNECTIONS,
	LOG_REFUSAL_CONNECTIONS_OF_USER,
	LOG_REFUSAL_AUTHENTICATION,
	LOG_REFUSAL_IDENTITY,
	LOG_REFUSAL_CALLS,
	LOG_REFUSAL_EARLY_CALLS,
	LOG_REFUSAL_SLOW,
	LOG_REFUSAL_MEMORY,
	LOG_REFUSALS
};

/* `verbose`: debug lines too. */
void log_init(bool verbose);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line per kind and minute; the next one says how many were left out. */
void log_refusal(enum log_refusal refusal, uid_t uid);

/* For whom a collection waits. One collection per minute, in the same way. */
void log_stuck(uint64_t collection, char *const *missing, size_t len);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
