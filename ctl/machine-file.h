/* SPDX-License-Identifier: MIT */
/*
 * Machine files: the facts of a machine as JSON, dumped or written by hand. What they look like
 * stands in docs/machine-file.md.
 */
#ifndef CTL_MACHINE_FILE_H
#define CTL_MACHINE_FILE_H

#include <stdio.h>

#include <json-c/json.h>

#include "ctl/ctl.h"

#define MACHINE_FILE_KEY "machine-file" /* the key that says which version of the form it is */
#define MACHINE_FILE_VERSION 1

/*
 * Reads a machine file ("-" is stdin); what is wrong with it is said with the path of the key.
 * Returns owned. Nothing in it is taken on trust.
 */
int machine_file_load(const char *path, struct dmabroker_record **ret_machine);

/* Returns owned the machine as an object in the form of a machine file. */
struct json_object *machine_file_from(const struct dmabroker_record *machine);

/* Writes such an object to a file, a fact a line. */
void machine_file_write(FILE *file, struct json_object *machine);

#endif
