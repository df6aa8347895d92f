/* SPDX-License-Identifier: MIT */
/*
 * Named errors. Each has one name on the wire, one negative errno in C, and details that say what
 * was wrong and what would be right. One table (error.c) joins the three.
 */
#ifndef ERROR_H
#define ERROR_H

#include "broker/model/vocabulary.h"

enum error_code {
	ERROR_NONE,
	ERROR_INVALID_REQUEST,
	ERROR_UNKNOWN_DEVICE,
	ERROR_CONFLICT,
	ERROR_OUT_OF_MEMORY,
	ERROR_QUOTA_EXCEEDED,
	ERROR_NOT_PERMITTED,
	ERROR_GONE,
	ERROR_BUSY,
	ERROR_TOO_COMPLEX,
	ERROR_NOT_SUPPORTED,
	ERROR_CODES
};

struct error_details;

/* Begins zeroed; error_finish gives back what it holds. */
struct error {
	enum error_code code;
	struct error_details *details; /* owned; NULL where there is nothing to say */
};

struct error_row {
	const char *name; /* "InvalidRequest"; on the wire with the prefix org.dmabroker1.Error. */
	int number;	  /* negative errno */
	const char *doc;
};

/* One row per code. ERROR_NONE's row has number 0. */
extern const struct error_row error_rows[ERROR_CODES];

#define ERROR_PREFIX "org.dmabroker1.Error."

/* The code of a name with or without prefix, else ERROR_NONE. */
enum error_code error_from_name(const char *name);

/*
 * Sets the code of an error (NULL: nothing happens) and adds one refusal. `participant`, `key`,
 * `wanted` and `offered` may be NULL. Returns the code's negative errno, so that callers can
 * return it; where memory is short the details are missing and the code stands.
 */
int error_set(struct error *error, enum error_code code, enum constraint constraint,
	      const char *participant, const char *key, const char *wanted, const char *offered);

/* As error_set, with `offered` as a format. */
int error_setf(struct error *error, enum error_code code, enum constraint constraint,
	       const char *participant, const char *key, const char *wanted, const char *format,
	       ...) __attribute__((format(printf, 7, 8)));

/* Frees the details; the error is zeroed. */
void error_finish(struct error *error);

#endif
