/* SPDX-License-Identifier: MIT */
/* A request from the command line or from a file. */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <json-c/json.h>

#include "ctl/ctl.h"

/* The options of the verbs that take a request; they fill ctl->request. */
extern const struct ctl_option request_options[];

/* Those of `join`, where only participants are asked for. */
extern const struct ctl_option request_join_options[];

/* What the verbs say of their arguments in --help. */
extern const char request_help[];

/*
 * Makes ctl->request whole: adds the participants of the command line or reads the file, connects,
 * and finds the devices. What can be wrong with the command line is said before connecting.
 */
int request_build(struct ctl *ctl);

/* The same where only participants are asked for: no picture, and none is as well. */
int request_build_participants(struct ctl *ctl);

/* Gives an empty request all that a JSON object says. `where` begins the message of a failure. */
int request_set_json(struct dmabroker_record *request, const char *where,
		     struct json_object *object);

#endif
