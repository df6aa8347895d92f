/* SPDX-License-Identifier: MIT */
/*
 * dmabrokerctl: what its files share.
 *
 * stdout is data, stderr is talk. A function that returns int returns 0 or the exit status of the
 * program; where it fails it has said why (ctl_error), so that callers only pass the status on.
 */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "dmabroker.h"

#define CTL_NAME "dmabrokerctl"
#define CTL_PUBLIC_MAX 32
#define CTL_WHAT_IF_MAX 32

enum ctl_status {
	CTL_OK = 0,
	CTL_REFUSED = 1, /* by the solver, for want of memory, or anything without a class */
	CTL_USAGE = 2,	 /* of the command line or in the request */
	CTL_NO_DAEMON = 3,
	CTL_QUOTA = 4,
	CTL_PERMISSION = 5,
};

enum ctl_json { CTL_JSON_OFF, CTL_JSON_SHORT, CTL_JSON_PRETTY };

struct ctl;

/* One option of the command line: parser, help and the test of the man page read the same row. */
struct ctl_option {
	const char *name;
	int letter;	      /* of the short form, or 0 */
	const char *argument; /* NULL: takes none; "[=...]": may be left out */
	const char *text;     /* for --help */
	/* `value` is borrowed, NULL where there is none. */
	int (*apply)(struct ctl *ctl, const char *value);
};

struct ctl_verb {
	const char *name;
	const char *arguments; /* as --help shows them */
	const char *summary;
	const char *details;		  /* more for --help, or NULL */
	const char *notes;		  /* the same behind the options */
	const struct ctl_option *options; /* ends with a row without name */
	const struct ctl_option *more;	  /* further ones of this verb alone, or NULL */
	bool command;			  /* `-- COMMAND` may follow */
	bool participants;		  /* takes arguments at all */
	int (*run)(struct ctl *ctl);
};

/* One run of the program. */
struct ctl {
	const char *address;
	const char *machine_file; /* facts from here instead of a daemon; NULL: no */
	enum ctl_json json;
	bool legend;
	bool color;
	bool no_color;
	bool verbose;
	bool monitor;
	bool done; /* --help or --version has answered */

	const struct ctl_verb *verb;
	char **arguments; /* of the verb, end with NULL */
	char **command;	  /* after `--`, ends with NULL; NULL where there is none */

	struct dmabroker *broker;
	struct dmabroker_record *request; /* what the options have said of it so far */
	const char *request_file;
	const char *public[CTL_PUBLIC_MAX + 1];	  /* of `dump`: names that are no secret */
	const char *what_if[CTL_WHAT_IF_MAX + 1]; /* of `plan`: changes, "NAME.KEY=VALUE" */
	unsigned int tokens;			  /* of `alloc`: other processes that take part */
	bool commands;				  /* of `alloc` and `join`: on stdin */
	const char *plan_file;			  /* of `explain`: what to draw; NULL: ask */
	const char *svg_file, *dot_file;	  /* of `explain`: where to; NULL: nowhere */
};

extern const struct ctl_verb devices_verb, heaps_verb, machine_verb, plan_verb, alloc_verb,
	join_verb, collections_verb, dump_verb, quirks_verb, explain_verb;

/* Says on stderr, in one line, what went wrong. Returns `status`. */
int ctl_error(enum ctl_status status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Connects ctl->broker to a daemon, or begins one inside this process, or opens it over the facts
 * of ctl->machine_file. */
int ctl_connect(struct ctl *ctl);

/*
 * A call of the broker failed with `error` (negative errno): says why on stderr and, where JSON is
 * wanted, prints the named error as an object. Returns the exit status of its class.
 */
int ctl_failed(struct ctl *ctl, int error);

/* The same without an object. */
int ctl_say_failed(const struct ctl *ctl, int error);

/* The exit status of a negative errno's class. */
enum ctl_status ctl_class(int error);

/* Ends the program: there is no memory left to say more. */
void ctl_out_of_memory(void) __attribute__((noreturn));

#endif
