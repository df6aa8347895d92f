/* SPDX-License-Identifier: MIT */
/*
 * Gives a key of a request or machine a value that came as text or as JSON. No key is known here:
 * the record says which type a key has, and what would be right for it.
 */
#ifndef CTL_KEY_H
#define CTL_KEY_H

#include <json-c/json.h>

#include "ctl/ctl.h"

/* What matches any format and any modifier, in lists of formats. */
#define KEY_ANY_FOURCC 0u
#define KEY_ANY_MODIFIER UINT64_C(0x00ffffffffffffff)

/* `where` begins the message of a failure and names the key: "--count", "participant cam:
 * camping". Lists get one more element; of records, each object that the text has as JSON. */
int key_set_text(struct dmabroker_record *record, const char *where, const char *key,
		 const char *text);

/* A list is given whole; of records it is a list of objects. */
int key_set_json(struct dmabroker_record *record, const char *where, const char *key,
		 struct json_object *value);

/* Reads a whole decimal or 0x number. Returns false where `text` is something else. */
bool key_parse_number(const char *text, uint64_t *ret_number);

/* Gives a record all keys of an object, but those that begin with x-. */
int key_set_object(struct dmabroker_record *record, const char *where, struct json_object *object);

/* Reads "XR24", "XR24:0x0", and "*" in the place of either. Without modifier it is linear; "*"
 * alone is any format with any modifier. */
bool key_parse_format(const char *text, uint32_t *ret_fourcc, uint64_t *ret_modifier);

#endif
