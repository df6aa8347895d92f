/* SPDX-License-Identifier: MIT */
/* Pools of huge pages: /sys/kernel/mm/hugepages (Linux 6.12 mm/hugetlb.c). */
#ifndef PROBE_HUGETLB_H
#define PROBE_HUGETLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGETLB_POOLS_MAX 16u /* HUGE_MAX_HSTATE is at most 5 */
#define HUGETLB_ID_BYTES 48
#define HUGETLB_SYSFS_BYTES 80

struct hugetlb_pool {
	char id[HUGETLB_ID_BYTES];	 /* of the heap: "udmabuf-hugetlb-2MB" */
	char sysfs[HUGETLB_SYSFS_BYTES]; /* "/sys/kernel/mm/hugepages/hugepages-2048kB" */
	uint64_t page_bytes;
};

/* The pools that have pages, the smallest pages first; `root` as in probe_options. Returns how
 * many. */
size_t hugetlb_list(const char *root, struct hugetlb_pool ret_pools[HUGETLB_POOLS_MAX]);

/* Whether a path of sysfs is one of a pool, and how large its pages are. */
bool hugetlb_is_pool(const char *sysfs, uint64_t *ret_page_bytes);

/* How many bytes a pool has in all, and how many of them are neither in use nor promised.
 * Errors: -errno, -EINVAL. */
int hugetlb_bytes(const char *root, const char *sysfs, uint64_t *ret_all, uint64_t *ret_free);

#endif
