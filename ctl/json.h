/* SPDX-License-Identifier: MIT */
/*
 * Records as JSON. No key is known here: a record is walked, and its types decide.
 *
 *	bool, number, string, list of strings	as in JSON
 *	fourcc		"XR24"; the number as "0x..." where it is not printable
 *	modifier	"0x0", because JSON readers lose bits of large numbers
 *	formats		[{"format": "XR24", "modifier": "0x0"}]; "*" is any
 *	sizes		[{"width": 640, "height": 480}]
 *	records		[{...}]
 *	fd		left out: it means nothing outside of this process
 *
 * In a record of facts each value is {"value": ..., "origin": "measured"}; lists of records stay
 * lists. An absent key is absent.
 */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <json-c/json.h>
#include <stdio.h>

#include "ctl/ctl.h"

/* Returns owned. */
struct json_object *json_from_record(const struct dmabroker_record *record);

/* Writes `value` (borrowed) with flags of json-c; control characters are escaped, all of them. */
void json_write(FILE *file, struct json_object *value, int flags);

/* Takes `value` and prints it in the form that ctl->json says. */
void json_print(const struct ctl *ctl, struct json_object *value);

/* Prints a list of records. */
void json_print_records(const struct ctl *ctl, struct dmabroker_record *const *records, size_t len);

/* {"error": name, "message": text, ...details}; `details` may be NULL. Returns owned. */
struct json_object *json_from_error(const char *name, const char *text,
				    const struct dmabroker_record *details);

/* Reads one whole JSON value. Returns owned; NULL: it is none. */
struct json_object *json_parse(const char *text);

/*
 * Reads a file of at most `bytes_max` bytes that holds one JSON object; "-" is stdin. Refused are
 * also keys that come twice in an object, whole numbers of more than 64 bits, and more than a
 * million values. Returns owned; json_object_put frees.
 */
int json_load(const char *path, size_t bytes_max, struct json_object **ret_object);

#endif
