/* SPDX-License-Identifier: MIT */
/* The ids of devices and heaps. */
#ifndef PROBE_ID_H
#define PROBE_ID_H

#define ID_BYTES 256 /* with the end: the id rows of the vocabulary allow 255 */

/*
 * The id of a node, from what udev says of it. `devpath` begins with /devices; `name` and `index`
 * are the sysfs attributes of a V4L2 node and may be NULL for others.
 * Errors: -ENOTSUP: the broker has no use for such a node.
 */
int id_of_node(const char *subsystem, const char *sysname, const char *devpath, const char *name,
	       const char *index, char ret_id[ID_BYTES]);

#endif
