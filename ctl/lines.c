/* SPDX-License-Identifier: MIT */
/*
 * Lines that come in pieces from a descriptor that is polled.
 *
 * The descriptor stays blocking, since others may have it as well: it is read once whenever there
 * is something. What is too long is thrown away up to its end and counts as one wrong line.
 */
#include "ctl/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lines {
	int fd;
	size_t begin, end; /* of what has been read and not taken */
	bool too_long;	   /* the line that is being read, whose beginning is gone */
	char bytes[LINES_BYTES_MAX + 2];
};

struct lines *lines_create(int fd)
{
	struct lines *lines = calloc(1, sizeof(*lines));

	if (!lines)
		ctl_out_of_memory();
	lines->fd = fd;
	return lines;
}

void lines_destroy(struct lines *lines)
{
	free(lines);
}

int lines_get_fd(const struct lines *lines)
{
	return lines->fd;
}

/* Moves what is left to the beginning. What fills all without an end is too long. */
static void make_room(struct lines *lines)
{
	memmove(lines->bytes, lines->bytes + lines->begin, lines->end - lines->begin);
	lines->end -= lines->begin;
	lines->begin = 0;
	if (lines->end > LINES_BYTES_MAX) {
		lines->too_long = true;
		lines->end = 0;
	}
}

void lines_read(struct lines *lines)
{
	ssize_t len;

	if (lines->fd < 0 || lines_have_next(lines))
		return;
	make_room(lines);
	len = read(lines->fd, lines->bytes + lines->end, LINES_BYTES_MAX + 1 - lines->end);
	if (len > 0)
		lines->end += (size_t)len;
	else if (len == 0)
		lines->fd = -1;
	else if (errno != EINTR && errno != EAGAIN) {
		ctl_error(CTL_OK, "stdin: %m");
		lines->fd = -1;
	}
}

bool lines_have_next(const struct lines *lines)
{
	if (memchr(lines->bytes + lines->begin, '\n', lines->end - lines->begin))
		return true;
	return lines->fd < 0 && (lines->begin < lines->end || lines->too_long);
}

enum lines_found lines_next(struct lines *lines, char **ret_line)
{
	char *line = lines->bytes + lines->begin;
	size_t rest = lines->end - lines->begin, len;
	const char *end = memchr(line, '\n', rest);
	bool wrong = lines->too_long;

	if (!lines_have_next(lines))
		return LINES_NONE;
	len = end ? (size_t)(end - line) : rest;
	lines->begin += end ? len + 1 : len;
	lines->too_long = false;
	line[len] = '\0';
	if (wrong || len > LINES_BYTES_MAX || memchr(line, '\0', len))
		return LINES_WRONG;
	*ret_line = line;
	return LINES_ONE;
}
