/* SPDX-License-Identifier: MIT */
/*
 * Sections of quirk files: quirks-read.c cuts files into lines, quirks-section.c makes sections of
 * them, quirks.c keeps and asks them.
 */
#ifndef PROBE_QUIRKS_SECTION_H
#define PROBE_QUIRKS_SECTION_H

#include "broker/probe/quirks.h"

#define KERNEL_PARTS 4

/* 6.12.117: {6, 12, 117}, 3 parts. */
struct kernel_version {
	uint32_t parts[KERNEL_PARTS];
	unsigned int len; /* 0: no version, open end of a range */
};

/* A section; all texts are its own. Its file and line are set from the beginning. */
struct section {
	struct quirk_section shown; /* match, facts: made by section_finish */
	char *file, *name, *source;
	enum quirk_kind kind;
	bool has_kind;
	char *driver, *heap, *compatible; /* patterns; NULL: any */
	struct kernel_version from, to;	  /* both included */
	bool has[QUIRK_KEYS];
	bool takes_back[QUIRK_KEYS]; /* what sections before it have said */
	uint64_t number[QUIRK_KEYS];
	char *text[QUIRK_KEYS];
	char *match, *facts, *how; /* how: of all its facts */
	bool failed;		   /* something in it was wrong */
};

/* Where problems go, counted. */
struct problems {
	quirks_report_fn report;
	void *data;
	const char *file; /* path */
	unsigned int len;
};

void problem(struct problems *problems, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns owned: an empty section. Errors: -ENOMEM. */
int section_create(const char *file, unsigned int line, const char *name,
		   struct section **ret_section);
/* Takes a section (or NULL). */
void section_destroy(struct section *section);

/* One line of it. What is wrong is reported and marks the section. Errors: -ENOMEM. */
int section_set(struct section *section, unsigned int line, const char *key, const char *value,
		struct problems *problems);

/* The section has ended: checks it as a whole, as section_set. Errors: -ENOMEM. */
int section_finish(struct section *section, struct problems *problems);

/*
 * Reads a version: numbers parted by dots. Returns what follows, NULL: it begins with none, or a
 * number is too large.
 */
const char *kernel_version_read(const char *text, struct kernel_version *ret_version);

/* Less than 0, 0, more than 0. As many parts count as `bound` has: 6.12.117 is equal to 6.12. */
int kernel_version_compare(const struct kernel_version *kernel, const struct kernel_version *bound);

/* Takes `section` on success. Errors: -ENOMEM, -E2BIG. */
int quirks_add(struct quirks *quirks, struct section *section);

#endif
