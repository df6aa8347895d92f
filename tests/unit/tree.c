/* SPDX-License-Identifier: MIT */
/* Made-up trees of /sys and /proc in a directory of their own. */
#include "tests/unit/tree.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/dmabroker-tree.XXXXXX";

void tree_setup(void)
{
	strcpy(strrchr(root, '.'), ".XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_teardown(void)
{
	nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *tree_root(void)
{
	return root;
}

/* The path itself, with all directories above it made and nothing in its place. */
static const char *make_room(const char *path)
{
	static char full[PATH_MAX];

	ck_assert_int_lt(snprintf(full, sizeof(full), "%s%s", root, path), (int)sizeof(full));
	if (remove(full) == 0 || errno != ENOENT)
		return full;
	for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	return full;
}

void tree_bytes(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(make_room(path), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

void tree_text(const char *path, const char *text)
{
	tree_bytes(path, text, strlen(text));
}

void tree_link(const char *path, const char *target)
{
	ck_assert_int_eq(symlink(target, make_room(path)), 0);
}

void tree_relative_link(const char *path, const char *target)
{
	char relative[PATH_MAX] = "";

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/'))
		strcat(relative, "../");
	ck_assert_uint_lt(strlen(relative) + strlen(target), sizeof(relative));
	tree_link(path, strcat(relative, target + 1));
}

void tree_pipe(const char *path)
{
	ck_assert_int_eq(mkfifo(make_room(path), 0644), 0);
}

void tree_directory(const char *path)
{
	ck_assert_int_eq(mkdir(make_room(path), 0755), 0);
}

void tree_remove(const char *path)
{
	ck_assert_int_eq(access(make_room(path), F_OK), -1);
}

/* nftw hands nothing through. */
static void (*visitor)(const char *path, void *data);
static void *visitor_data;

static int visit_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)ftw;
	if (type != FTW_D)
		visitor(path + strlen(root), visitor_data);
	return 0;
}

void tree_visit(void (*visit)(const char *path, void *data), void *data)
{
	visitor = visit;
	visitor_data = data;
	ck_assert_int_eq(nftw(root, visit_entry, 16, FTW_PHYS), 0);
}
