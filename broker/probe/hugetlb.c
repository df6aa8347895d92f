/* SPDX-License-Identifier: MIT */
#include "broker/probe/hugetlb.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/probe/sysfs.h"

#define HUGEPAGES "/sys/kernel/mm/hugepages"

/* "hugepages-2048kB". Sizes are powers of two. */
static bool read_name(const char *name, uint64_t *ret_page_bytes)
{
	uint64_t kib;
	int len = 0;

	if (sscanf(name, "hugepages-%" SCNu64 "kB%n", &kib, &len) != 1 || len == 0 || name[len] ||
	    kib == 0 || (kib & (kib - 1)) || kib > UINT64_MAX >> 12)
		return false;
	*ret_page_bytes = kib << 10;
	return true;
}

bool hugetlb_is_pool(const char *sysfs, uint64_t *ret_page_bytes)
{
	size_t len = strlen(HUGEPAGES "/");

	return strncmp(sysfs, HUGEPAGES "/", len) == 0 && read_name(sysfs + len, ret_page_bytes);
}

static void name_pool(const char *name, struct hugetlb_pool *pool)
{
	static const char *const units[] = {"kB", "MB", "GB"};
	uint64_t size = pool->page_bytes >> 10;
	unsigned int unit = 0;

	for (; size >= 1024 && unit < 2; unit++)
		size >>= 10;
	snprintf(pool->id, sizeof(pool->id), "udmabuf-hugetlb-%" PRIu64 "%s", size, units[unit]);
	snprintf(pool->sysfs, sizeof(pool->sysfs), HUGEPAGES "/%.40s", name);
}

static void insert(struct hugetlb_pool *pools, size_t len, const struct hugetlb_pool *pool)
{
	size_t at = len;

	while (at > 0 && pools[at - 1].page_bytes > pool->page_bytes)
		at--;
	memmove(&pools[at + 1], &pools[at], (len - at) * sizeof(pools[0]));
	pools[at] = *pool;
}

size_t hugetlb_list(const char *root, struct hugetlb_pool ret_pools[HUGETLB_POOLS_MAX])
{
	DIR *directory = sysfs_opendir(root, HUGEPAGES);
	const struct dirent *entry;
	size_t len = 0;

	while (directory && len < HUGETLB_POOLS_MAX && (entry = readdir(directory))) {
		struct hugetlb_pool pool;
		uint64_t all, free_bytes;

		if (!read_name(entry->d_name, &pool.page_bytes))
			continue;
		name_pool(entry->d_name, &pool);
		if (hugetlb_bytes(root, pool.sysfs, &all, &free_bytes) == 0 && all > 0)
			insert(ret_pools, len++, &pool);
	}
	if (directory)
		closedir(directory);
	return len;
}

int hugetlb_bytes(const char *root, const char *sysfs, uint64_t *ret_all, uint64_t *ret_free)
{
	uint64_t all, unused, promised, page_bytes;
	int error = hugetlb_is_pool(sysfs, &page_bytes) ? 0 : -EINVAL;

	if (!error)
		error = sysfs_number(root, sysfs, "nr_hugepages", &all);
	if (!error)
		error = sysfs_number(root, sysfs, "free_hugepages", &unused);
	if (!error)
		error = sysfs_number(root, sysfs, "resv_hugepages", &promised);
	if (error)
		return error;
	if (all > UINT64_MAX / page_bytes || unused > all)
		return -EINVAL;
	*ret_all = all * page_bytes;
	*ret_free = unused > promised ? (unused - promised) * page_bytes : 0;
	return 0;
}
