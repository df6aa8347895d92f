/* SPDX-License-Identifier: MIT */
/*
 * Small files of sysfs and procfs, below a root.
 *
 * sysfs is full of links, and in a made-up tree a link may lead anywhere. So paths are walked one
 * component after the other (sysfs_resolve), ".." ending at the root, and what is opened in the end
 * is a path without links. openat2(RESOLVE_IN_ROOT) does the same in the kernel, but is missing
 * where a seccomp filter does not know it. Who may change the tree meanwhile can still lead us out
 * of it: a root is for trees of one's own.
 */
#include "broker/probe/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as many as the kernel follows (MAXSYMLINKS) */

/* --- paths --- */

static int join(char path[PATH_MAX], const char *first, const char *separator, const char *second)
{
	int len = snprintf(path, PATH_MAX, "%s%s%s", first, separator, second);

	return len >= 0 && len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The path as the kernel is to have it. */
static int below(const char *root, const char *path, char full[PATH_MAX])
{
	return join(full, root ? root : "", "", path);
}

/* A walk: `done` is free of links and without a slash at its end, `rest` is still to be gone. */
struct walk {
	const char *root;
	char done[PATH_MAX];
	char rest[PATH_MAX];
	unsigned int links;
};

static void go_up(struct walk *walk)
{
	char *last = strrchr(walk->done, '/');

	if (last)
		*last = '\0';
}

/* Takes the first component off `rest`. False: none is left. */
static bool next_component(struct walk *walk, char name[PATH_MAX])
{
	const char *begin = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(begin, "/");

	memcpy(name, begin, len);
	name[len] = '\0';
	memmove(walk->rest, begin + len, strlen(begin + len) + 1);
	return len > 0;
}

/* What the link `path` says comes before the rest; if it begins with '/', from the root on. */
static int follow(struct walk *walk, const char *target)
{
	char rest[PATH_MAX];
	int error;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	error = join(rest, target, "/", walk->rest);
	if (error)
		return error;
	strcpy(walk->rest, rest);
	if (target[0] == '/')
		walk->done[0] = '\0';
	return 0;
}

static int step(struct walk *walk, const char *name)
{
	char path[PATH_MAX], full[PATH_MAX], target[PATH_MAX];
	ssize_t len;
	int error;

	error = join(path, walk->done, "/", name);
	if (!error)
		error = below(walk->root, path, full);
	if (error)
		return error;
	len = readlink(full, target, sizeof(target) - 1);
	if (len < 0 && errno != EINVAL) /* EINVAL: it is there, and no link */
		return -errno;
	if (len < 0) {
		strcpy(walk->done, path);
		return 0;
	}
	target[len] = '\0';
	return follow(walk, target);
}

int sysfs_resolve(const char *root, const char *path, char ret_path[PATH_MAX])
{
	struct walk walk = {.root = root};
	char name[PATH_MAX];
	int error;

	error = join(walk.rest, path, "", "");
	while (!error && next_component(&walk, name)) {
		if (strcmp(name, "..") == 0)
			go_up(&walk);
		else if (strcmp(name, ".") != 0)
			error = step(&walk, name);
	}
	if (!error)
		strcpy(ret_path, walk.done[0] ? walk.done : "/");
	return error;
}

static int resolve_in(const char *root, const char *directory, const char *name,
		      char ret_path[PATH_MAX])
{
	char path[PATH_MAX];
	int error = join(path, directory, "/", name);

	return error ? error : sysfs_resolve(root, path, ret_path);
}

bool sysfs_exists(const char *root, const char *directory, const char *name)
{
	char path[PATH_MAX];

	return resolve_in(root, directory, name, path) == 0;
}

/* --- files --- */

/* Looked at before it is opened, as opening a device may do something, and once more after. */
static int open_regular(const char *root, const char *path)
{
	char resolved[PATH_MAX], full[PATH_MAX];
	struct stat status;
	int fd, error;

	error = sysfs_resolve(root, path, resolved);
	if (!error)
		error = below(root, resolved, full);
	if (error)
		return error;
	if (lstat(full, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

/* As much of the file as there is room for. */
static int read_some(int fd, char *bytes, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, bytes + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	*ret_len = len;
	return 0;
}

static int read_begin(const char *root, const char *directory, const char *name, char *bytes,
		      size_t size, size_t *ret_len)
{
	char path[PATH_MAX];
	int fd, error;

	error = join(path, directory, "/", name);
	if (error)
		return error;
	fd = open_regular(root, path);
	if (fd < 0)
		return fd;
	error = read_some(fd, bytes, size, ret_len);
	close(fd);
	return error;
}

int sysfs_bytes(const char *root, const char *directory, const char *name, void *bytes, size_t size,
		size_t *ret_len)
{
	char path[PATH_MAX], more;
	size_t len = 0, rest = 0;
	int fd, error;

	error = join(path, directory, "/", name);
	if (error)
		return error;
	fd = open_regular(root, path);
	if (fd < 0)
		return fd;
	error = read_some(fd, bytes, size, &len);
	if (!error && len == size)
		error = read_some(fd, &more, 1, &rest);
	close(fd);
	if (!error && rest)
		error = -EFBIG;
	if (!error)
		*ret_len = len;
	return error;
}

int sysfs_line(const char *root, const char *directory, const char *name, char *line, size_t size)
{
	size_t len;
	int error = read_begin(root, directory, name, line, size - 1, &len);

	if (error)
		return error;
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

int sysfs_number(const char *root, const char *directory, const char *name, uint64_t *ret_number)
{
	unsigned long long number;
	char text[24], *end;
	size_t len;
	int error;

	error = sysfs_bytes(root, directory, name, text, sizeof(text) - 1, &len);
	if (error)
		return error == -EFBIG ? -EINVAL : error;
	text[len] = '\0';
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (*end == '\n')
		end++;
	if (errno || end != text + len)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

/* The path is parted before its last name, which must not be followed. */
static int read_link(const char *root, const char *path, char ret_link[PATH_MAX])
{
	char directory[PATH_MAX], resolved[PATH_MAX], full[PATH_MAX];
	const char *last = strrchr(path, '/');
	ssize_t len;
	int error;

	if (!last)
		return -EINVAL;
	error = join(directory, path, "", "");
	if (error)
		return error;
	directory[last - path] = '\0';
	error = sysfs_resolve(root, directory, resolved);
	if (!error)
		error = join(directory, strcmp(resolved, "/") == 0 ? "" : resolved, "", last);
	if (!error)
		error = below(root, directory, full);
	if (error)
		return error;
	len = readlink(full, ret_link, PATH_MAX - 1);
	if (len < 0)
		return -errno;
	ret_link[len] = '\0';
	return 0;
}

int sysfs_link_name(const char *root, const char *directory, const char *name, char *target,
		    size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	const char *last;
	int error;

	error = join(path, directory, "/", name);
	if (!error)
		error = read_link(root, path, link);
	if (error)
		return error;
	last = strrchr(link, '/');
	last = last ? last + 1 : link;
	if (strlen(last) >= size)
		return -ERANGE;
	strcpy(target, last);
	return 0;
}

FILE *sysfs_open(const char *root, const char *path)
{
	int fd = open_regular(root, path);
	FILE *file;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

DIR *sysfs_opendir(const char *root, const char *path)
{
	char resolved[PATH_MAX], full[PATH_MAX];
	int error;

	error = sysfs_resolve(root, path, resolved);
	if (!error)
		error = below(root, resolved, full);
	if (error) {
		errno = -error;
		return NULL;
	}
	return opendir(full);
}
