/* SPDX-License-Identifier: MIT */
/*
 * V4L2 as far as the examples need it: finding a device, and one of its queues. Single-planar API
 * only. Ends the process on errors. Knows nothing of the broker.
 */
#ifndef VIDEO_H
#define VIDEO_H

#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdint.h>

struct video {
	int fd;
	char node[64];
	char name[128];
};

typedef bool (*video_suits_fn)(int fd, uint32_t capabilities);

/* Opens (not blocking) and prints the device `wanted`, a node or a part of a name; "": the first
 * that suits. `what` is for messages. */
void video_find(struct video *video, const char *what, const char *wanted, video_suits_fn suits);

/* Cameras that need no pipeline of subdevices to be set up first; encoders to FWHT. */
bool video_is_camera(int fd, uint32_t capabilities);
bool video_is_encoder(int fd, uint32_t capabilities);

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

#endif
