/* SPDX-License-Identifier: MIT */
/*
 * Gives a key of a request a value that came as text or as JSON. Which type the key has is not
 * known here: the record's own setters are asked one after the other, and they know.
 */
#ifndef CTL_KEY_H
#define CTL_KEY_H

#include <json-c/json.h>

#include "ctl/ctl.h"

/* `where` begins the message of a failure and names the key: "--count", "participant cam:
 * camping". Lists get one more element. */
int key_set_text(struct dmabroker_record *record, const char *where, const char *key,
		 const char *text);

int key_set_json(struct dmabroker_record *record, const char *where, const char *key,
		 struct json_object *value);

/* Reads a whole decimal or 0x number. Returns false where `text` is something else. */
bool key_parse_number(const char *text, uint64_t *ret_number);

/* Reads "XR24", "XR24:0x0". Without modifier it is linear. */
bool key_parse_format(const char *text, uint32_t *ret_fourcc, uint64_t *ret_modifier);

#endif
