/* SPDX-License-Identifier: MIT */
/*
 * The device tree as sysfs shows it: a directory per node, a file per property, for everybody to
 * read (drivers/of/kobj.c of Linux 6.12).
 *
 * Properties are read where they are asked for. For phandles and for the list of all nodes the
 * whole tree is read once, when one of them is first asked for: some 1,000 directories. What an
 * overlay adds later is not in it; a source is meant for one round of measuring.
 *
 * Limits: NODES_MAX nodes, DEPTH_MAX below each other, paths of DEVICETREE_PATH_BYTES. More is an
 * error, not a part of the tree.
 */
#include "broker/probe/devicetree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE "/sys/firmware/devicetree/base"
#define NODES_MAX 65536
#define DEPTH_MAX 32

struct entry {
	char *path;
	uint32_t phandle; /* 0: it has none */
};

struct sysfs {
	int root_fd;
	char last[DEVICETREE_PATH_BYTES]; /* the node of last_fd */
	int last_fd;
	struct entry *nodes; /* sorted by path */
	size_t nodes_len, nodes_size;
	bool indexed;
};

static int open_at(int fd, const char *name, int flags)
{
	int opened = openat(fd, name, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return opened < 0 ? -errno : opened;
}

static int read_all(int fd, uint8_t *bytes, size_t size)
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
	return (int)len;
}

/* A path of the tree and nothing else: it begins with '/', and no part of it is "..". */
static bool is_path(const char *node)
{
	size_t len = strnlen(node, DEVICETREE_PATH_BYTES);

	if (node[0] != '/' || len >= DEVICETREE_PATH_BYTES)
		return false;
	for (const char *part = node; part; part = strchr(part + 1, '/'))
		if (strncmp(part, "/..", 3) == 0 && (part[3] == '/' || part[3] == '\0'))
			return false;
	return true;
}

/* Makes last_fd the node's directory. */
static int open_node(struct sysfs *sysfs, const char *node)
{
	int fd;

	if (sysfs->last_fd >= 0 && strcmp(sysfs->last, node) == 0)
		return 0;
	if (!is_path(node))
		return -ENXIO;
	fd = open_at(sysfs->root_fd, node[1] ? node + 1 : ".", O_DIRECTORY);
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? -ENXIO : fd;
	if (sysfs->last_fd >= 0)
		close(sysfs->last_fd);
	sysfs->last_fd = fd;
	strcpy(sysfs->last, node);
	return 0;
}

/* A directory of that name is a node and no property. */
static int read_property(int fd, void *value, size_t size, size_t *ret_bytes)
{
	struct stat status;
	int len;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENOENT;
	len = read_all(fd, value, size);
	if (len < 0)
		return len;
	*ret_bytes = (size_t)len;
	if ((size_t)len == size && status.st_size > 0 && (size_t)status.st_size > size)
		*ret_bytes = (size_t)status.st_size;
	return 0;
}

static int property(void *data, const char *node, const char *name, void *value, size_t size,
		    size_t *ret_bytes)
{
	struct sysfs *sysfs = data;
	int error, fd;

	error = open_node(sysfs, node);
	if (error)
		return error;
	if (!name[0] || strchr(name, '/'))
		return -ENOENT;
	fd = open_at(sysfs->last_fd, name, 0);
	if (fd < 0)
		return fd == -ELOOP || fd == -ENXIO ? -ENOENT : fd;
	error = read_property(fd, value, size, ret_bytes);
	close(fd);
	return error;
}

/* --- the whole tree --- */

static int append_node(struct sysfs *sysfs, const char *path)
{
	struct entry *nodes = sysfs->nodes;
	size_t size = sysfs->nodes_size;

	if (sysfs->nodes_len == NODES_MAX)
		return -E2BIG;
	if (sysfs->nodes_len == size) {
		size = size ? 2 * size : 1024;
		nodes = reallocarray(nodes, size, sizeof(*nodes));
		if (!nodes)
			return -ENOMEM;
		sysfs->nodes = nodes;
		sysfs->nodes_size = size;
	}
	nodes[sysfs->nodes_len] = (struct entry){.path = strdup(path)};
	if (!nodes[sysfs->nodes_len].path)
		return -ENOMEM;
	sysfs->nodes_len++;
	return 0;
}

static uint32_t read_phandle(int directory_fd, const char *name)
{
	uint8_t cell[4] = {0};
	size_t bytes = 0;
	int fd = open_at(directory_fd, name, 0);

	if (fd < 0)
		return 0;
	if (read_property(fd, cell, sizeof(cell), &bytes) < 0 || bytes != sizeof(cell))
		memset(cell, 0, sizeof(cell));
	close(fd);
	return (uint32_t)cell[0] << 24 | (uint32_t)cell[1] << 16 | (uint32_t)cell[2] << 8 | cell[3];
}

static bool is_directory(int fd, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static int scan(struct sysfs *sysfs, int parent_fd, const char *name, char *path,
		unsigned int depth);

/* One name in a node's directory: a node below it, its phandle, or something else. */
static int scan_entry(struct sysfs *sysfs, int fd, const struct dirent *entry, size_t self,
		      char *path, unsigned int depth)
{
	size_t len = strlen(path);
	int error;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	if (!is_directory(fd, entry)) {
		if (strcmp(entry->d_name, "phandle") == 0 ||
		    (strcmp(entry->d_name, "linux,phandle") == 0 && !sysfs->nodes[self].phandle))
			sysfs->nodes[self].phandle = read_phandle(fd, entry->d_name);
		return 0;
	}
	if (len + strlen(entry->d_name) + 2 > DEVICETREE_PATH_BYTES)
		return -ENAMETOOLONG;
	sprintf(path + len, "%s%s", len > 1 ? "/" : "", entry->d_name);
	error = scan(sysfs, fd, entry->d_name, path, depth + 1);
	path[len] = '\0';
	return error;
}

/* The node's directory and all below it; `path` is restored. */
static int scan(struct sysfs *sysfs, int parent_fd, const char *name, char *path,
		unsigned int depth)
{
	size_t self = sysfs->nodes_len;
	struct dirent *entry;
	int fd, error;
	DIR *directory;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	error = append_node(sysfs, path);
	if (error)
		return error;
	fd = open_at(parent_fd, name, O_DIRECTORY);
	if (fd < 0)
		return fd;
	directory = fdopendir(fd);
	if (!directory) {
		error = -errno;
		close(fd);
		return error;
	}
	while (!error && (entry = readdir(directory)))
		error = scan_entry(sysfs, fd, entry, self, path, depth);
	closedir(directory);
	return error;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static void drop_index(struct sysfs *sysfs)
{
	for (size_t i = 0; i < sysfs->nodes_len; i++)
		free(sysfs->nodes[i].path);
	free(sysfs->nodes);
	sysfs->nodes = NULL;
	sysfs->nodes_len = sysfs->nodes_size = 0;
}

static int index_tree(struct sysfs *sysfs)
{
	char path[DEVICETREE_PATH_BYTES] = "/";
	int error;

	if (sysfs->indexed)
		return 0;
	error = scan(sysfs, sysfs->root_fd, ".", path, 0);
	if (error) {
		drop_index(sysfs);
		return error;
	}
	qsort(sysfs->nodes, sysfs->nodes_len, sizeof(*sysfs->nodes), compare_paths);
	sysfs->indexed = true;
	return 0;
}

static int by_phandle(void *data, uint32_t phandle, char ret_node[DEVICETREE_PATH_BYTES])
{
	struct sysfs *sysfs = data;
	int error = index_tree(sysfs);

	if (error)
		return error;
	for (size_t i = 0; phandle && i < sysfs->nodes_len; i++)
		if (sysfs->nodes[i].phandle == phandle) {
			strcpy(ret_node, sysfs->nodes[i].path);
			return 0;
		}
	return -ENOENT;
}

static int node_at(void *data, size_t index, char ret_node[DEVICETREE_PATH_BYTES])
{
	struct sysfs *sysfs = data;
	int error = index_tree(sysfs);

	if (error)
		return error;
	if (index >= sysfs->nodes_len)
		return -ENOENT;
	strcpy(ret_node, sysfs->nodes[index].path);
	return 0;
}

int devicetree_sysfs_open(const char *root, struct devicetree_source *ret)
{
	char path[PATH_MAX];
	struct sysfs *sysfs;
	int fd;

	if (snprintf(path, sizeof(path), "%s" BASE, root) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (fd < 0)
		return -errno;
	sysfs = calloc(1, sizeof(*sysfs));
	if (!sysfs) {
		close(fd);
		return -ENOMEM;
	}
	sysfs->root_fd = fd;
	sysfs->last_fd = -1;
	*ret = (struct devicetree_source){sysfs, property, by_phandle, node_at};
	return 0;
}

void devicetree_sysfs_close(struct devicetree_source *source)
{
	struct sysfs *sysfs = source->data;

	if (!sysfs)
		return;
	drop_index(sysfs);
	if (sysfs->last_fd >= 0)
		close(sysfs->last_fd);
	close(sysfs->root_fd);
	free(sysfs);
	source->data = NULL;
}

/* --- from a device to its node --- */

/* The path in the tree that the link directory/of_node leads to. -ENODATA: there is no such link.
 */
static int read_of_node(const char *directory, char ret_node[DEVICETREE_PATH_BYTES])
{
	char link[PATH_MAX], target[PATH_MAX];
	const char *node;

	if (snprintf(link, sizeof(link), "%s/of_node", directory) >= (int)sizeof(link))
		return -ENAMETOOLONG;
	if (!realpath(link, target))
		return errno == ENOENT ? -ENODATA : -errno;
	node = strstr(target, BASE);
	if (!node)
		return -ENODATA;
	node += strlen(BASE);
	if (*node && *node != '/')
		return -ENODATA;
	if (strlen(node) >= DEVICETREE_PATH_BYTES)
		return -ENAMETOOLONG;
	strcpy(ret_node, *node ? node : "/");
	return 0;
}

static bool is_on_bus(const char *directory, const char *bus)
{
	char link[PATH_MAX], target[PATH_MAX];
	const char *last;

	if (snprintf(link, sizeof(link), "%s/subsystem", directory) >= (int)sizeof(link) ||
	    !realpath(link, target))
		return false;
	last = strrchr(target, '/');
	return last && strcmp(last + 1, bus) == 0;
}

/* Cuts the last part off. False: none is left. */
static bool go_up(char *directory)
{
	char *last = strrchr(directory, '/');

	if (!last || last == directory)
		return false;
	*last = '\0';
	return true;
}

/* .../fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0: what is above the root bus is the host
 * bridge (pci_dma_configure(), drivers/pci/pci-driver.c) */
static int locate_pci(char *directory, struct devicetree_place *place)
{
	unsigned int domain, bus, slot, function;
	const char *last = strrchr(directory, '/');

	if (!last || sscanf(last + 1, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4 ||
	    bus > 255 || slot > 31 || function > 7)
		return -ENODATA;
	place->requester = (uint16_t)(bus << 8 | slot << 3 | function);
	do {
		last = strrchr(directory, '/');
		if (last && sscanf(last + 1, "pci%x:%x", &domain, &bus) == 2)
			return go_up(directory) ? read_of_node(directory, place->node) : -ENODATA;
	} while (go_up(directory));
	return -ENODATA;
}

/* vchiq_device_register(), drivers/staging/vc04_services */
static int locate_lent(char *directory, struct devicetree_place *place)
{
	if (!is_on_bus(directory, "vchiq-bus") || !go_up(directory))
		return -ENODATA;
	return read_of_node(directory, place->node);
}

int devicetree_sysfs_locate(const char *root, const char *device, struct devicetree_place *ret)
{
	char path[PATH_MAX], directory[PATH_MAX];
	struct devicetree_place place = {.bus = DEVICETREE_OWN};
	int error;

	if (snprintf(path, sizeof(path), "%s%s", root, device) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (!realpath(path, directory))
		return -errno;
	error = read_of_node(directory, place.own);
	if (error && error != -ENODATA)
		return error;
	if (is_on_bus(directory, "pci")) {
		place.bus = DEVICETREE_PCI;
		error = locate_pci(directory, &place);
	} else if (is_on_bus(directory, "platform") || is_on_bus(directory, "amba")) {
		strcpy(place.node, place.own);
	} else {
		place.bus = DEVICETREE_LENT;
		error = locate_lent(directory, &place);
	}
	if (!error)
		*ret = place;
	return error;
}
