/* SPDX-License-Identifier: MIT */
/* The words of the kernel's command line, as Linux 6.12 takes them apart. */
#ifndef PROBE_CMDLINE_H
#define PROBE_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/model/vocabulary.h"

#define CMDLINE_BYTES 16384 /* the longest of all is s390's, 4096, and a boot configuration's */
#define CMDLINE_WORDS 1024

struct cmdline_word {
	const char *name;
	const char *value; /* NULL: there is no '=' */
};

/* Its words point into its text: it must not be copied. */
struct cmdline {
	struct cmdline_word words[CMDLINE_WORDS];
	size_t words_len;
	char text[CMDLINE_BYTES];
};

/* Reads /proc/cmdline below `root` (see sysfs.h). Errors: -errno; -EFBIG: it is too long. */
int cmdline_read(const char *root, struct cmdline *ret);

/* Takes a text of `len` bytes apart. Errors: -EFBIG. */
int cmdline_parse(const char *text, size_t len, struct cmdline *ret);

/* The last word of this name; '-' and '_' are the same in it. Returns borrowed, NULL: none. */
const struct cmdline_word *cmdline_find(const struct cmdline *cmdline, const char *name);

/* What the swiotlb= words tell the kernel: BOUNCE_NEVER, BOUNCE_ALWAYS, or BOUNCE_REACH, which is
 * what it does where nobody tells it anything. */
enum bounce cmdline_bounce(const struct cmdline *cmdline);

#endif
