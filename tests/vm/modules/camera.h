/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The camera of importer-v4l2.ko, whatever bus it is on; or a reader, which takes pictures in. */
#ifndef CAMERA_H
#define CAMERA_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <media/v4l2-device.h>
#include <media/v4l2-dev.h>
#include <media/videobuf2-v4l2.h>

#include "importer.h"

struct camera;

/* What is chosen of one. */
struct camera_config {
	char allocator[8];		      /* contig, sg or vmalloc */
	unsigned int mask_bits;		      /* 0: the kernel's default */
	unsigned int segment_bytes, segments; /* 0: any */
	unsigned int stride_align;	      /* 0: no stride but the driver's own */
	bool output;			      /* reads pictures */
};

/* What moves up to a page of the picture to an address of the device, and from there. */
struct camera_engine {
	bool (*write)(struct camera *camera, dma_addr_t address, const void *page, size_t bytes);
	bool (*read)(struct camera *camera, dma_addr_t address, void *page, size_t bytes);
};

struct camera {
	struct importer importer;
	const char *driver;
	const struct camera_engine *engine;
	void *engine_data;
	bool output;
	const struct vb2_mem_ops *memory; /* the helper's own */
	struct vb2_mem_ops memory_ops;	  /* with our eyes on it */
	struct v4l2_device v4l2;
	struct video_device video;
	struct vb2_queue queue;
	struct mutex lock; /* of queue and format */
	struct v4l2_pix_format format;
	struct delayed_work work; /* fills one buffer */
	bool stopping;
	spinlock_t buffers_lock; /* of the list */
	struct list_head buffers;
	u32 frame;
	void *page;
};

/*
 * Makes a camera of a device whose mask is set. Its memory stays until the last user of
 * its node has gone; `engine` and its data are not used any more once camera_destroy returns.
 */
int camera_create(struct device *dev, const char *driver, const struct camera_config *config,
		  const struct camera_engine *engine, void *engine_data,
		  struct camera **ret_camera);
void camera_destroy(struct camera *camera);

/* The engine of a device without one. */
extern const struct camera_engine camera_software_engine;

#ifdef CONFIG_PCI
int edu_register(void);
void edu_unregister(void);
#else
static inline int edu_register(void)
{
	return 0;
}

static inline void edu_unregister(void)
{
}
#endif

#endif
