/* SPDX-License-Identifier: MIT */
/*
 * Devices and heaps -> descriptors. Finding them (udev) is quick and happens in the event loop;
 * measuring one may block and is a job of its own that touches nothing but its arguments.
 */
#ifndef PROBE_H
#define PROBE_H

#include "broker/model/descriptor.h"

struct probe;

struct probe_options {
	/* The program that makes trials in a process of its own (broker/probe/trial.c); NULL: no
	 * trials, passive facts and the safe side serve. Borrowed until probe_destroy. */
	const char *trial_program;
	/* How long a trial may take; 0: 5000. */
	uint32_t trial_deadline_ms;
	/* What no probe can see; NULL: nothing. Borrowed as long as measurements run. */
	const struct quirks *quirks;
	/* The machine's own facts (probe_machine), devices and heaps left out; NULL: the safe side.
	 * Borrowed as long as measurements run, and not changed meanwhile. */
	const struct machine *platform;
	/* Where /sys and /proc are looked for, without a slash at the end; NULL: in their place.
	 * For made-up trees. Borrowed as the others. */
	const char *root;
};

/* A node as udev knows it, before it is measured. A plain value: probe_node_finish frees it. */
struct probe_node {
	char *id;	 /* of the device or heap, as in its descriptor */
	char *node;	 /* path in /dev */
	char *sysfs;	 /* path in /sys of the node */
	char *subsystem; /* video4linux, drm, dma_heap, misc */
	uint64_t number; /* dev_t */
};

enum probe_event { PROBE_ADDED, PROBE_CHANGED, PROBE_REMOVED };

/* `node` is borrowed until the callback returns. */
typedef void (*probe_event_fn)(void *data, enum probe_event event, const struct probe_node *node);

/*
 * Begins to watch the subsystems video4linux, drm, dma_heap and misc/udmabuf: udevd's events where
 * it runs, else the kernel's. Returns owned. Errors: -ENOMEM, or udev's own.
 */
int probe_create(const struct probe_options *options, struct probe **ret_probe);
void probe_destroy(struct probe *probe);

/* Returns borrowed until probe_destroy: becomes readable when probe_dispatch has work. */
int probe_get_fd(const struct probe *probe);

/*
 * Calls `on_event` with PROBE_ADDED for each node there is, known ones as well, and PROBE_REMOVED
 * for those that have vanished since. Errors: -ENOMEM, or udev's own.
 */
int probe_enumerate(struct probe *probe, probe_event_fn on_event, void *data);

/* Calls `on_event` for what has happened, without waiting. A monitor that is plugged in or out is
 * no change of its card. Errors: as probe_enumerate; -ENOBUFS: events were lost, enumerate again.
 */
int probe_dispatch(struct probe *probe, probe_event_fn on_event, void *data);

int probe_node_copy(const struct probe_node *node, struct probe_node *ret_copy);
void probe_node_finish(struct probe_node *node);

/* Whether the node is a heap: then probe_measure gives a struct heap, else a struct device. */
bool probe_node_is_heap(const struct probe_node *node);

/*
 * Measures a node: opens it, asks, closes it. Blocks. Never disturbs a running user: no S_FMT
 * outside a context of our own, no trial on a queue that is busy, DRM master dropped at once.
 * What cannot be known is absent or assumed, with the safe side: a queue that is busy keeps its
 * memory model to itself, and `*ret_again` then says that it is worth asking once more later.
 * `previous` is what the node's last measurement gave, or NULL: what a trial has found then is not
 * tried again.
 * Returns owned a struct device or struct heap.
 * Errors: -ENODEV (it went away), -ENOTSUP (it is nothing that uses pictures), -EACCES, -ENOMEM.
 */
int probe_measure(const struct probe_node *node, const struct probe_options *options,
		  const void *previous, void *ret_descriptor, bool *ret_again);

/* Fills in what is the machine's own, all but devices and heaps. `root` as in probe_options.
 * Errors: -ENOMEM. */
int probe_machine(const char *root, struct machine *machine);

#endif
