/* SPDX-License-Identifier: MIT */
/* Whether the machine is a guest of a kind that changes what its devices see of memory. */
#ifndef PROBE_GUEST_H
#define PROBE_GUEST_H

#include "broker/model/descriptor.h"

#define GUEST_HOW_BYTES 160

struct guest_registers {
	uint32_t eax, ebx, ecx, edx;
};

/* How CPUID is asked: the registers of leaf `leaf`, sub-leaf 0, as the instruction gives them. */
typedef void (*guest_cpuid_fn)(void *data, uint32_t leaf, struct guest_registers *ret);

/* The CPU's own. NULL: this is no x86. */
extern const guest_cpuid_fn guest_cpuid;

struct guest {
	enum xen xen;
	bool paravirtual; /* a Xen domain whose devices see other addresses than its kernel */
	char xen_how[GUEST_HOW_BYTES];

	bool confidential;
	enum vocab_origin confidential_origin; /* ASSUMED: it may be one; ABSENT: cannot be seen */
	char confidential_how[GUEST_HOW_BYTES];

	/* AMD's memory encryption on the host itself: a device that does not reach the bit that
	 * marks encrypted memory reaches none of it. */
	bool encrypted;
};

/*
 * Looks below `root` (see sysfs.h), and asks CPUID if `cpuid` is not NULL. `architecture` as
 * uname -m names it.
 */
void guest_look(const char *root, const char *architecture, guest_cpuid_fn cpuid, void *data,
		struct guest *ret);

#endif
