/* SPDX-License-Identifier: MIT */
/* What the files of libdmabroker-wayland share; of libdmabroker they know the public header only.
 */
#ifndef WAYLAND_H
#define WAYLAND_H

#include <stdbool.h>
#include <sys/types.h>

#include <dmabroker-wayland.h>

/* ---- wayland-feedback.c: what a compositor sends ---- */

#define WAYLAND_IMPLICIT UINT64_C(0x00ffffffffffffff) /* DRM_FORMAT_MOD_INVALID */

struct wl_array;

struct pair {
	uint32_t format;
	uint64_t modifier;
};

struct tranche {
	dev_t device;
	bool has_device, scanout;
	struct pair *pairs;
	size_t pairs_len;
};

#define TRANCHES_MAX 64

/* One set, from the first event to `done`. What is malformed makes the whole set unusable. */
struct feedback {
	dev_t main_device;
	bool has_main_device;
	struct tranche tranches[TRANCHES_MAX];
	size_t tranches_len;
	size_t pairs_len; /* of all tranches */
	int error;	  /* 0, or why it is unusable */
	char text[192];	  /* the same as a sentence */
};

/* The pairs that tranches refer to by number; it counts until another one comes. */
struct feedback_table {
	struct pair *pairs;
	size_t len;
};

/* Each of these is an event. They return nothing: `feedback->error` stays. Takes `fd`. */
void feedback_read_table(struct feedback *feedback, struct feedback_table *table, int fd,
			 uint32_t bytes);
void feedback_set_main_device(struct feedback *feedback, const struct wl_array *device);
void feedback_set_target_device(struct feedback *feedback, const struct wl_array *device);
void feedback_set_flags(struct feedback *feedback, bool scanout);
void feedback_add_formats(struct feedback *feedback, const struct feedback_table *table,
			  const struct wl_array *indices);
void feedback_end_tranche(struct feedback *feedback);
/* Whether the set is complete. */
void feedback_check(struct feedback *feedback);

/* Frees what it holds, and makes it empty. */
void feedback_clear(struct feedback *feedback);

/* Whether some tranche has the pair. */
bool feedback_has(const struct feedback *feedback, uint32_t format, uint64_t modifier);

/* The first tranche for scanout, or NULL. Returns borrowed. */
const struct tranche *feedback_find_scanout(const struct feedback *feedback);

/*
 * The pairs in order of preference, each once, implicit modifiers as linear: of all tranches, those
 * for scanout first, or (`only` not NULL) of the scanout tranches of its device. Returns owned,
 * with *ret_len of at most `max` and *ret_left_out that had no room. Errors: -ENOMEM.
 */
int feedback_list(const struct feedback *feedback, const struct tranche *only, size_t max,
		  struct pair **ret_pairs, size_t *ret_len, size_t *ret_left_out);

/* ---- wayland-node.c ---- */

#define NODE_BYTES 64

/*
 * The node of a DRM device whose name begins with `kind` ("card" or "renderD"), by the number of
 * any node of it: compositors send what they like. `sys` is where sysfs lies ("/sys"). Errors:
 * -ENODEV (no DRM device has this number), -ENOENT (it has no such node).
 */
int node_find(const char *sys, dev_t number, const char *kind, char path[NODE_BYTES]);

#endif
