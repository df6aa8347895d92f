/* SPDX-License-Identifier: MIT */
/*
 * The queues of a V4L2 device as any program uses them, with buffers of the driver's own or from
 * elsewhere: what the library's helpers are compared with. Single-planar API only. Ends the process
 * on errors.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <dmabroker.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdint.h>

/* The layout of a plan for VIDIOC_S_FMT of the V4L2 device that is the participant `who`. */
struct v4l2_pix_format queue_format_of(const struct dmabroker_record *plan, const char *who);

struct queue {
	const char *who; /* for messages */
	int fd;
	uint32_t type;	 /* V4L2_BUF_TYPE_VIDEO_CAPTURE or V4L2_BUF_TYPE_VIDEO_OUTPUT */
	uint32_t memory; /* V4L2_MEMORY_DMABUF or V4L2_MEMORY_MMAP */
	uint32_t bytes;	 /* of a buffer; set with the format */
};

/* Sets the format; what the driver made of it stands in `pix` afterwards. */
void queue_set_format(struct queue *queue, struct v4l2_pix_format *pix);

/* The same, but the driver must take the layout as it is. */
void queue_set_exact_format(struct queue *queue, const struct v4l2_pix_format *pix);

void queue_request(struct queue *queue, unsigned int count);

/* Maps a buffer of the driver's own (V4L2_MEMORY_MMAP). */
void *queue_map(struct queue *queue, unsigned int index);

/* Hands a buffer to the driver. `fd` is its memory (V4L2_MEMORY_DMABUF) or -1. */
void queue_put(struct queue *queue, unsigned int index, int fd);

/* Takes a finished buffer back. False: none is finished yet. */
bool queue_take(struct queue *queue, struct v4l2_buffer *ret_buffer);

void queue_start(struct queue *queue);
void queue_stop(struct queue *queue);

/* Has a menu control of a driver, by name, have an item, by name. */
void queue_set_item(int fd, const char *name, const char *item);

#endif
