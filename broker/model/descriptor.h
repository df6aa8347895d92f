/* SPDX-License-Identifier: MIT */
/* Devices and heaps: facts with their origin. Meaning of the keys: vocabulary.h. */
#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include "broker/model/vocabulary.h"

/* One format of a role of a device. */
struct device_format {
	struct vocab_head head;
	uint32_t format;
	uint64_t modifier;
	uint32_t v4l2_format;
	struct vocab_sizes sizes;
	uint32_t width_min;
	uint32_t width_max;
	uint32_t width_step;
	uint32_t height_min;
	uint32_t height_max;
	uint32_t height_step;
	uint32_t stride_align;
	uint32_t stride_max;
	bool stride_custom;
	uint32_t height_align;
	uint64_t tail_bytes;
	struct vocab_strings how;
};

/* One V4L2 queue; the planes or the writeback connectors of a DRM card. */
struct device_role {
	struct vocab_head head;
	uint32_t role;
	bool imports;
	uint32_t memory_model;
	uint32_t contiguity;
	bool cpu_copies;
	bool dma_maps;
	bool multi_planar;
	uint32_t min_buffers;
	uint32_t offset_align;
	uint64_t segment_bytes_max;
	uint32_t segments_max;
	bool reaches_protected;
	struct vocab_strings how;
	struct vocab_dicts formats;
};

struct device {
	struct vocab_head head;
	char *id;
	char *node;
	char *name;
	char *driver;
	uint32_t kind;
	uint64_t number;
	uint32_t coherency;
	uint32_t address_bits;
	uint64_t address_max;
	bool bounced;
	bool iommu;
	struct vocab_strings compatible;
	char *dma_device;
	struct vocab_strings how;
	struct vocab_dicts roles;
};

struct heap {
	struct vocab_head head;
	char *id;
	char *node;
	uint32_t exporter;
	bool known;
	bool contiguous;
	bool cached;
	bool zeroed;
	bool is_protected;
	uint32_t address_bits;
	uint64_t address_max;
	uint64_t alignment;
	uint64_t granularity;
	uint64_t segment_bytes_max;
	uint64_t capacity_bytes;
	uint64_t free_bytes;
	uint64_t buffer_bytes_max;
	uint32_t maintenance;
	bool kernel_map;
	struct vocab_strings how;
};

struct machine {
	struct vocab_head head;
	char *architecture;
	char *kernel;
	uint32_t page_bytes;
	uint64_t memory_max;
	uint32_t bounce;
	uint32_t xen;
	bool confidential;
	uint32_t firmware;
	uint32_t default_coherency;
	uint32_t cpu_cache;
	bool cache_aliases;
	uint32_t mapping_colour;
	bool write_combined;
	bool mixed_attributes;
	struct vocab_strings how;
	struct vocab_dicts devices;
	struct vocab_dicts heaps;
};

/* The device with this id or node path, else NULL. Returns borrowed until the machine changes. */
struct device *machine_find_device(const struct machine *machine, const char *id_or_node);

/* The device whose node has this dev_t, else NULL. Returns borrowed until the machine changes. */
struct device *machine_find_number(const struct machine *machine, uint64_t number);

/* The heap with this id, else NULL. Returns borrowed until the machine changes. */
struct heap *machine_find_heap(const struct machine *machine, const char *id);

/* Finds the heap of an exporter; of several the lowest by id, so that their order does not matter.
 * Returns borrowed; NULL: there is none. */
const struct heap *machine_find_exporter(const struct machine *machine, enum exporter exporter);

/* Puts a device or heap (taken) in its place by id; replaces one of the same id. Errors: -ENOMEM,
 * -ERANGE (too many); nothing is taken then. */
int machine_put(struct machine *machine, void *device_or_heap);

/* Removes and destroys the device or heap with this id. Errors: -ENOENT. */
int machine_remove(struct machine *machine, unsigned int row, const char *id);

/* The facts of a device in one role, else NULL. Returns borrowed until the device changes. */
struct device_role *device_find_role(const struct device *device, enum role role);

#endif
