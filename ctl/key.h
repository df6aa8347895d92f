/* SPDX-License-Identifier: MIT */
/*
 * Gives a key of a request or machine a value that came as text or as JSON. No key is known here:
 * the record says which type a key has, and what would be right for it.
 */
#ifndef CTL_KEY_H
#define CTL_KEY_H

#include <json-c/json.h>

#include "ctl/ctl.h"

/* `where` begins the message of a failure and names the key: "--count", "participant cam:
 * camping". Lists get one more element. */
int key_set_text(struct dmabroker_record *record, const char *where, const char *key,
		 const char *text);

/* All but lists of records. A list is given whole. */
int key_set_json(struct dmabroker_record *record, const char *where, const char *key,
		 struct json_object *value);

/* Reads a whole decimal or 0x number. Returns false where `text` is something else. */
bool key_parse_number(const char *text, uint64_t *ret_number);

/* Reads "XR24", "XR24:0x0". Without modifier it is linear. */
bool key_parse_format(const char *text, uint32_t *ret_fourcc, uint64_t *ret_modifier);

#endif
