/* SPDX-License-Identifier: MIT */
/*
 * Finding V4L2 devices, for the examples. Ends the process on errors. Knows nothing of the broker.
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

#endif
