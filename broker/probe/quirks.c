/* SPDX-License-Identifier: MIT */
/* Keeps the sections of quirk files, and says which of them match. */
#include "broker/probe/quirks.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "broker/probe/quirks-section.h"

struct quirks {
	struct section **sections;
	size_t len;
};

int quirks_create(struct quirks **ret_quirks)
{
	*ret_quirks = calloc(1, sizeof(**ret_quirks));
	return *ret_quirks ? 0 : -ENOMEM;
}

void quirks_destroy(struct quirks *quirks)
{
	if (!quirks)
		return;
	for (size_t i = 0; i < quirks->len; i++)
		section_destroy(quirks->sections[i]);
	free(quirks->sections);
	free(quirks);
}

int quirks_add(struct quirks *quirks, struct section *section)
{
	struct section **sections;

	if (quirks->len >= QUIRKS_SECTIONS_MAX)
		return -E2BIG;
	sections = realloc(quirks->sections, (quirks->len + 1) * sizeof(*sections));
	if (!sections)
		return -ENOMEM;
	quirks->sections = sections;
	sections[quirks->len++] = section;
	return 0;
}

const struct quirk_section *quirks_section(const struct quirks *quirks, size_t index)
{
	return index < quirks->len ? &quirks->sections[index]->shown : NULL;
}

/* --- kernel versions --- */

const char *kernel_version_read(const char *text, struct kernel_version *ret_version)
{
	struct kernel_version version = {.len = 0};
	unsigned long number;
	char *end;

	while (version.len < KERNEL_PARTS && *text >= '0' && *text <= '9') {
		errno = 0;
		number = strtoul(text, &end, 10);
		if (errno || number > UINT16_MAX)
			return NULL;
		version.parts[version.len++] = (uint32_t)number;
		text = end;
		if (text[0] != '.' || text[1] < '0' || text[1] > '9')
			break;
		text++;
	}
	*ret_version = version;
	return version.len ? text : NULL;
}

int kernel_version_compare(const struct kernel_version *kernel, const struct kernel_version *bound)
{
	for (unsigned int i = 0; i < bound->len; i++)
		if (kernel->parts[i] != bound->parts[i])
			return kernel->parts[i] < bound->parts[i] ? -1 : 1;
	return 0;
}

/* A kernel whose version nobody can read is in no range. */
static bool kernel_matches(const struct section *section, const char *release)
{
	struct kernel_version kernel;

	if (!section->from.len && !section->to.len)
		return true;
	if (!release || !kernel_version_read(release, &kernel))
		return false;
	return kernel_version_compare(&kernel, &section->from) >= 0 &&
	       kernel_version_compare(&kernel, &section->to) <= 0;
}

/* --- matching --- */

static bool name_matches(const char *pattern, const char *name)
{
	return !pattern || (name && fnmatch(pattern, name, 0) == 0);
}

static bool compatible_matches(const char *pattern, const struct vocab_strings *compatible)
{
	if (!pattern)
		return true;
	for (size_t i = 0; compatible && i < compatible->len; i++)
		if (fnmatch(pattern, compatible->items[i], 0) == 0)
			return true;
	return false;
}

static bool matches(const struct section *section, const struct quirk_subject *subject)
{
	return section->kind == subject->kind && name_matches(section->driver, subject->name) &&
	       name_matches(section->heap, subject->name) &&
	       compatible_matches(section->compatible, subject->compatible) &&
	       kernel_matches(section, subject->kernel);
}

static void apply(const struct section *section, struct quirk *quirk)
{
	for (unsigned int key = 0; key < QUIRK_KEYS; key++) {
		if (!section->has[key] && !section->takes_back[key])
			continue;
		quirk->has[key] = section->has[key];
		quirk->number[key] = section->number[key];
		quirk->text[key] = section->text[key];
		quirk->how[key] = section->has[key] ? section->how : NULL;
	}
}

void quirks_find(const struct quirks *quirks, const struct quirk_subject *subject,
		 struct quirk *ret_quirk)
{
	memset(ret_quirk, 0, sizeof(*ret_quirk));
	for (size_t i = 0; quirks && i < quirks->len; i++)
		if (matches(quirks->sections[i], subject))
			apply(quirks->sections[i], ret_quirk);
}
