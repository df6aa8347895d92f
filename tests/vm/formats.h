/* SPDX-License-Identifier: MIT */
/*
 * For formats.c: drivers that fill a shared buffer, or read it and show what they have read. As the
 * examples whose code they use, they end the process at the first error.
 */
#ifndef FORMATS_H
#define FORMATS_H

#include <linux/videodev2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/model/format.h"
#include "examples/picture.h"

#define FORMATS_WIDTH 640
#define FORMATS_HEIGHT 480
#define FORMATS_WAIT_MS 30000

/* A picture that can be looked at. */
struct seen {
	const struct format_info *info;
	struct picture picture;
	uint8_t *memory;
	size_t bytes;
};

/* A picture in the memory of a plan, in the words of one participant. */
struct shared {
	struct seen seen; /* mapped */
	struct v4l2_pix_format v4l2;
	int fd;
};

/* A driver: the device of it that writes pictures, the one that reads them. */
struct party {
	const char *name;
	const char *writer, *writer_role;
	const char *reader, *reader_role;
	const char *loop; /* vivid: the input that shows what the reader has read; else NULL */
	void (*write)(const struct party *party, const struct shared *shared,
		      struct seen *ret_expected);
	void (*read)(const struct party *party, const struct shared *shared);
	char writer_node[64], reader_node[64], loop_node[64];
};

/* formats.c: all take memory of their own, which lasts as long as the process. */
struct seen seen_create(const struct format_info *info, const struct picture *picture,
			size_t bytes);
/* As V4L2 lays it out. */
struct seen seen_create_v4l2(const struct format_info *info, const struct v4l2_pix_format *pix,
			     const void *bytes);
/* Copies the rows of a picture; layouts may differ. */
void seen_copy(struct seen *to, const struct seen *from);
bool seen_is_same(const struct seen *a, const struct seen *b);
/* Ends the process if the pictures are not the same, or nothing can be seen in them. */
void seen_compare(const struct seen *found, const struct seen *expected, const char *what);
/* A smooth picture, which codecs keep. */
void seen_paint(struct seen *seen);
/* The peak signal-to-noise ratio in dB; what has no meaning (the X of XRGB) is left out. */
double seen_psnr(const struct seen *a, const struct seen *b);

/* Fill the shared memory; what must be in it then is in `ret_expected`. */
void vivid_write(const struct party *party, const struct shared *shared, struct seen *ret_expected);
void vim2m_write(const struct party *party, const struct shared *shared, struct seen *ret_expected);
void vicodec_write(const struct party *party, const struct shared *shared,
		   struct seen *ret_expected);
void vkms_write(const struct party *party, const struct shared *shared, struct seen *ret_expected);

/* Read the shared memory, and end the process unless they have read what is in it. */
void vivid_read(const struct party *party, const struct shared *shared);
void vim2m_read(const struct party *party, const struct shared *shared);
void vicodec_read(const struct party *party, const struct shared *shared);
void vkms_read(const struct party *party, const struct shared *shared);

/* Leaves the devices as they were found: other cases may share the machine. */
void vivid_restore(const struct party *party);

/* What vivid's camera sees, and what vkms shows of the shared memory: both as XRGB8888. */
struct seen vivid_see(const struct party *party);
struct seen vkms_show(const struct party *party, const struct shared *shared);

#endif
