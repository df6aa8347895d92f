/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Importers for tests: devices of which everything that matters to a buffer can be chosen, and
 * which show what the kernel has computed for them. All of it is in the folder `importer` of the
 * parent device in sysfs (importer-core.ko); importer-v4l2.ko is a camera, importer-drm.ko a
 * display.
 */
#ifndef IMPORTER_H
#define IMPORTER_H

#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

struct dma_buf;

#define IMPORTER_MAX 16 /* of one kind */

/* What the kernel made of the buffer that was imported last. */
struct importer_mapping {
	u64 number; /* of the trial, from 1 */
	u64 bytes;
	bool taken; /* the driver has it now */
	int mapped; /* 1, 0: not tried, or a negative error */
	unsigned int entries;
	u64 address;		       /* of the first byte, as the device sees it */
	u64 contiguous_bytes;	       /* from there on */
	u64 longest_bytes;	       /* of one entry */
	u64 bounced_bytes;	       /* that lie in bounce buffers and not where the buffer is */
	u64 memory_first, memory_last; /* the buffer's own lowest and highest address */
};

/* The drvdata of every importer's parent device points to this. */
struct importer {
	struct device *dev;
	const char *memory_model;
	u32 stride_align, offset_align; /* 0: no stride but the driver's own */
	u64 segment_bytes;
	u32 segments;	   /* 0: any number */
	struct mutex lock; /* of what follows */
	struct importer_mapping last;
	u64 frames, pages, faults; /* written, or read */
	void *picture;		   /* what a reader has read last, vmalloc'ed */
	size_t picture_bytes;
};

extern const struct attribute_group *importer_groups[];

void importer_init(struct importer *importer, struct device *dev, const char *memory_model);

/* Bits 0: the kernel's default stays. */
int importer_set_mask(struct device *dev, unsigned int bits);

/* A pool of its own, if the device tree gives one. The kernel itself sets up restricted ones. */
int importer_use_reserved_memory(struct device *dev);
void importer_leave_reserved_memory(struct device *dev);

/* Begins the record of an import. */
void importer_begin(struct importer *importer, struct dma_buf *buffer);
/* Adds to it what a mapping looks like. */
void importer_note(struct importer *importer, struct sg_table *table);
/* Maps a buffer for a moment and notes what that looks like: for drivers that do not see the
 * mapping that a helper makes for them. */
void importer_look(struct importer *importer, struct dma_buf *buffer);
/* Ends it. */
void importer_end(struct importer *importer, bool taken);

/*
 * Writes to where a DMA address of this device leads: through its IOMMU, its bus, to its bounce
 * buffer, as an engine of its own would do. A fault if the device does not reach so far.
 */
bool importer_write(struct importer *importer, dma_addr_t address, const void *data, size_t bytes);
/* The other way. */
bool importer_read(struct importer *importer, dma_addr_t address, void *data, size_t bytes);
/* Counts. */
void importer_wrote(struct importer *importer, unsigned int pages, unsigned int faults);

/* What a reader has read is `picture` in sysfs from now on, and that of before is freed. Takes
 * `picture`, which may be NULL. */
void importer_show(struct importer *importer, void *picture, size_t bytes);

/* What a frame holds: four little-endian words in every 16 bytes. */
#define IMPORTER_MAGIC 0x54504d49 /* "IMPT" */
void importer_pattern(void *page, u32 frame, u32 number);

/*
 * Platform devices without firmware node. Creates `count` of them, named `name`.N, each with the
 * data that `fill` makes for it. Returns how many there are or an error, then there are none.
 */
struct importer_devices {
	struct platform_device *devices[IMPORTER_MAX];
	unsigned int len;
};

int importer_create_devices(struct importer_devices *devices, const char *name, unsigned int count,
			    void (*fill)(unsigned int index, void *data), size_t data_bytes);
void importer_remove_devices(struct importer_devices *devices);

#endif
