/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the public library share. Whatever fails here fails the test.
 *
 * Environment: DMABROKER_ADDRESS (of the daemon).
 */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dmabroker.h>

/* Devices of the machine. */
#define CAMERA_ANY "v4l2:platform/vivid.0:vivid-000-vid-cap:0" /* takes any memory */
#define CAMERA "v4l2:platform/vivid.0:vivid-001-vid-cap:0"     /* needs contiguous memory */
#define ENCODER "v4l2:platform/vicodec.0:stateful-encoder:0"
#define DISPLAY "drm:platform/vkms:card"

#define XR24 0x34325258u
#define NV12 0x3231564eu

#define WAIT_MS 30000 /* for what takes moments, on a machine that is emulated */

/* Connects, and remembers what this process has open. */
struct dmabroker *library_connect(void);
/* Disconnects, and expects that nothing more is open or mapped than before. */
void library_disconnect(struct dmabroker *broker);

size_t library_count_fds(void);
/* Lines of a file of /proc or the like with `text`. */
size_t library_count_lines(const char *path, const char *text);
/* A value of /proc/meminfo in KiB. */
long library_meminfo(const char *key);
double library_now(void);
/* Calls `done` until it is true, WAIT_MS at most. Returns what it said last. */
bool library_until(bool (*done)(void *data), void *data);

/* A picture of XR24, linear. Returns owned. */
struct dmabroker_record *library_request(unsigned int width, unsigned int height);
/* Returns borrowed until the request is destroyed. `device` NULL: none. */
struct dmabroker_record *library_add(struct dmabroker_record *request, const char *name,
				     const char *role, const char *device);
/* A camera and the CPU, with so many buffers. */
struct dmabroker_record *library_camera_request(const char *camera, unsigned int width,
						unsigned int height, unsigned int count);

/* Take the request; must succeed. Return owned. */
struct dmabroker_record *library_plan(struct dmabroker *broker, struct dmabroker_record *request);
struct dmabroker_collection *library_allocate(struct dmabroker *broker,
					      struct dmabroker_record *request);

uint64_t library_number(const struct dmabroker_record *record, const char *key);
/* The element of the list `key` of which the string `name` is `value`, or NULL. */
const struct dmabroker_record *library_find(const struct dmabroker_record *record, const char *key,
					    const char *name, const char *value);
/* The same in a list of records. */
const struct dmabroker_record *library_find_id(struct dmabroker_record *const *records, size_t len,
					       const char *id);

/* Whether the broker lists a device. */
bool library_has_device(struct dmabroker *broker, const char *id);
/* The path of its node, into `path`. */
void library_node(struct dmabroker *broker, const char *id, char *path, size_t size);

/* A call that must have failed so, without having reached the broker: errno and a sentence. */
void library_refused(struct dmabroker *broker, int result, int number);

/* Maps the memory of a buffer once more. */
uint8_t *library_map_again(const struct dmabroker_buffer *buffer);

/* Takes `frames` frames with a camera into the buffers of a collection of library_camera_request
 * or a like one; the CPU looks at each. */
void library_capture(struct dmabroker *broker, struct dmabroker_collection *collection,
		     unsigned int frames);

#endif
