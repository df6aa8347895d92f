/* SPDX-License-Identifier: MIT */
/* A device whose DMA is measured: where it stands in sysfs, and what is read of it there. */
#ifndef PROBE_SUBJECT_H
#define PROBE_SUBJECT_H

#include <limits.h>

#include "broker/probe/cpu.h"
#include "broker/probe/devicetree.h"
#include "broker/probe/measure.h"

/* What all subjects of one measurement share. */
struct platform {
	const struct measure *measure;
	const char *root;		  /* as in sysfs.h, never NULL */
	const struct machine *machine;	  /* NULL: nothing is known of it */
	const struct cpu *cpu;		  /* NULL: unknown */
	struct devicetree_source tree;	  /* tree.data NULL: there is none */
	struct devicetree_machine survey; /* if `surveyed` */
	bool surveyed;
	uint64_t memory_first; /* the lowest address of memory; 0 if it is not known */
};

struct subject {
	char path[PATH_MAX]; /* its directory, "/sys/devices/..."; "": it has none */
	bool lost;	     /* it has one that cannot be found */
	bool is_pci, is_platform;
	bool in_tree;	/* a device tree configures its DMA */
	int tree_error; /* 0: `tree` says how */
	struct devicetree_place place;
	struct devicetree_dma tree;
	bool acpi; /* ACPI configures its DMA */
	bool grouped;
	char group_type[16]; /* "": cannot be read */
	bool untrusted;	     /* whoever comes by can have plugged it in */
};

/* The directory of the device behind the measurement's node. Errors: -ENOENT: it has none; -EIO: a
 * link to it leads nowhere; -errno. */
int subject_find(const struct measure *measure, char ret_path[PATH_MAX]);

/* From a USB device to the one for which its driver's buffers are mapped. False: it is no USB
 * device, and `path` stays. */
bool subject_climb_usb(const char *root, char *path);

/* Reads all that there is of a device, given its directory. */
void subject_look(struct platform *platform, const char *path, struct subject *ret);

/* The same for a node of the device tree, whether a device was made of it or not. */
void subject_look_at_node(struct platform *platform, const char *node, struct subject *ret);

/* Surveys the device tree, once, if the machine is one that may have a coherency fabric. Errors: as
 * devicetree_survey. */
int subject_survey(struct platform *platform);

/* The architecture's, for devices of which no firmware says anything. */
enum coherency subject_default_coherency(const struct platform *platform);

/* Whether a PCI bridge of this vendor is above it: vendor "0x1106", class 0x0604. */
bool subject_is_behind(const struct platform *platform, const struct subject *subject,
		       const char *vendor);

#endif
