/* SPDX-License-Identifier: MIT */
/* Small files of sysfs and procfs. */
#include "broker/probe/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int join(char path[PATH_MAX], const char *directory, const char *name)
{
	int len = snprintf(path, PATH_MAX, "%s/%s", directory, name);

	return len > 0 && len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int read_some(int fd, char *buffer, size_t size)
{
	ssize_t len;

	do
		len = read(fd, buffer, size - 1);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	buffer[len] = '\0';
	return 0;
}

int sysfs_line(const char *directory, const char *name, char *line, size_t size)
{
	char path[PATH_MAX];
	int error, fd;

	error = join(path, directory, name);
	if (error)
		return error;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	error = read_some(fd, line, size);
	close(fd);
	if (!error)
		line[strcspn(line, "\n")] = '\0';
	return error;
}

int sysfs_number(const char *directory, const char *name, uint64_t *ret_number)
{
	char line[32], *end;
	unsigned long long number;
	int error;

	error = sysfs_line(directory, name, line, sizeof(line));
	if (error)
		return error;
	if (line[0] < '0' || line[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(line, &end, 10);
	if (errno || *end)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

int sysfs_link_name(const char *directory, const char *name, char *target, size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	const char *last;
	ssize_t len;
	int error;

	error = join(path, directory, name);
	if (error)
		return error;
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -errno;
	link[len] = '\0';
	last = strrchr(link, '/');
	last = last ? last + 1 : link;
	if (strlen(last) >= size)
		return -ERANGE;
	strcpy(target, last);
	return 0;
}

FILE *sysfs_open(const char *path)
{
	return fopen(path, "re");
}
