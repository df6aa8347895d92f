/* SPDX-License-Identifier: MIT */
/* How a picture lies in memory, in DRM's words. */
#ifndef PICTURE_H
#define PICTURE_H

#include <dmabroker.h>
#include <stdint.h>
#include <stdio.h>

struct picture {
	uint32_t width, height;
	uint32_t format;		 /* DRM fourcc */
	uint64_t modifier;		 /* DRM format modifier */
	uint32_t offsets[4], strides[4]; /* of the planes; stride 0: no such plane */
};

/* The picture of each buffer of a plan, or ends the process. */
struct picture picture_of_plan(const struct dmabroker_record *plan);

/* Writes an XRGB8888 picture as PPM; writes it as it is. */
void picture_write_ppm(const struct picture *picture, const void *memory, FILE *file);
void picture_write_raw(const struct picture *picture, const void *memory, FILE *file);

/* Opens and closes, or ends the process. `folder` may be NULL, `file` too. */
FILE *file_create(const char *folder, const char *name);
void file_finish(FILE *file);

#endif
