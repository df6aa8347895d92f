/* SPDX-License-Identifier: MIT */
/* Lines that come in pieces from a descriptor that is polled. */
#ifndef CTL_LINES_H
#define CTL_LINES_H

#include "ctl/ctl.h"

#define LINES_BYTES_MAX 65536 /* of a line, without its end */

struct lines;

/* Reads from `fd` (borrowed). Returns owned; lines_destroy frees it. */
struct lines *lines_create(int fd);
void lines_destroy(struct lines *lines);

/* What to poll for POLLIN, if there is no line; negative: nothing more will come. */
int lines_get_fd(const struct lines *lines);

/* Takes what there is. Only to be called when the descriptor has been polled, since it would wait
 * otherwise. */
void lines_read(struct lines *lines);

enum lines_found {
	LINES_NONE, /* lines_read has to be called first, or the end has come */
	LINES_ONE,
	LINES_WRONG, /* one that is too long or has a NUL byte; it is passed over */
};

/* Whether lines_next has something. */
bool lines_have_next(const struct lines *lines);

/* Returns borrowed until the next call of any of these: the next line, without its end. What is
 * behind the last end of a line is a line, too, when all has been read. */
enum lines_found lines_next(struct lines *lines, char **ret_line);

#endif
