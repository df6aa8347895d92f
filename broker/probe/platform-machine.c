/* SPDX-License-Identifier: MIT */
/*
 * What holds for the machine as a whole.
 *
 * Memory. /proc/zoneinfo shows to everybody where the zones lie. Below the highest of their pages
 * lies all that a heap of normal memory can ever give. Memory of devices (ZONE_DEVICE) has a zone,
 * too, but no page of it counts as present, and such a zone shows no start.
 * Bouncing. By default the kernel copies what a device does not reach, if it has bounce buffers at
 * all, which cannot be seen: x86 has them only with memory above 4 GiB. It copies everything in a
 * confidential guest, in a paravirtual domain of Xen, with encrypted host memory (nearly
 * everything, guest.c), and if the command line says so; nothing, if that forbids it. In the first
 * three cases forbidding changes nothing for us: what is not copied is then refused or wrong.
 * Firmware. Where ACPI's tables are in sysfs the kernel goes by them and not by a device tree, of
 * which there may be one as well: a stub that the boot loader made, or since 6.10 an empty one.
 */
#include "broker/probe/platform.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "broker/probe/cmdline.h"
#include "broker/probe/cpu.h"
#include "broker/probe/fact.h"
#include "broker/probe/guest.h"
#include "broker/probe/sysfs.h"

#define ZONEINFO_LINES 1000000 /* more is no zoneinfo: each CPU has four lines for each zone */

static int bits_of(uint64_t value)
{
	int bits = 0;

	for (; value; value >>= 1)
		bits++;
	return bits;
}

/* Pages of a zone, if they can be: an address has 64 bits. */
static bool zone_ends(uint64_t start, uint64_t spanned, uint64_t page_bytes, uint64_t *ret_end)
{
	uint64_t most = UINT64_MAX / page_bytes / 2;

	if (start >= most || spanned >= most)
		return false;
	*ret_end = start + spanned;
	return true;
}

/* A zone without pages present has its line "spanned", but none that begins with "start_pfn". */
int platform_memory(FILE *zoneinfo, uint64_t page_bytes, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t spanned = 0, start, end, lowest = UINT64_MAX, highest = 0, value;
	char line[256];

	for (int lines = 0; lines < ZONEINFO_LINES && fgets(line, sizeof(line), zoneinfo);
	     lines++) {
		if (strncmp(line, "Node", 4) == 0) {
			spanned = 0;
		} else if (sscanf(line, " spanned %" SCNu64, &value) == 1) {
			spanned = value;
		} else if (sscanf(line, " start_pfn: %" SCNu64, &start) == 1 && spanned) {
			if (zone_ends(start, spanned, page_bytes, &end)) {
				lowest = start < lowest ? start : lowest;
				highest = end > highest ? end : highest;
			}
			spanned = 0;
		}
	}
	if (!highest)
		return -EINVAL;
	*ret_first = lowest * page_bytes;
	*ret_last = highest * page_bytes - 1;
	return 0;
}

int platform_memory_bits(FILE *zoneinfo, uint64_t page_bytes)
{
	uint64_t first, last;
	int error = platform_memory(zoneinfo, page_bytes, &first, &last);

	return error ? error : bits_of(last);
}

int platform_meminfo(FILE *meminfo, const char *key, uint64_t *ret_bytes)
{
	size_t key_len = strlen(key);
	char line[256];
	uint64_t kib;

	while (fgets(line, sizeof(line), meminfo)) {
		if (strncmp(line, key, key_len) != 0 || line[key_len] != ':')
			continue;
		if (sscanf(line + key_len + 1, "%" SCNu64 " kB", &kib) != 1 ||
		    kib > UINT64_MAX / 1024)
			return -ENOENT;
		*ret_bytes = kib * 1024;
		return 0;
	}
	return -ENOENT;
}

/* --- facts --- */

static void measure_memory(const char *root, const struct guest *guest, struct machine *machine)
{
	uint64_t page_bytes = vocab_number(machine, MACHINE_PAGE_BYTES), first, last;
	FILE *zoneinfo;
	int error;

	if (guest->paravirtual) {
		fact_how(machine, MACHINE_HOW, MACHINE_MEMORY_MAX,
			 "not known: in a paravirtual domain of Xen memory may lie anywhere");
		return;
	}
	zoneinfo = sysfs_open(root, "/proc/zoneinfo");
	error = zoneinfo ? platform_memory(zoneinfo, page_bytes, &first, &last) : -errno;
	if (zoneinfo)
		fclose(zoneinfo);
	if (error) {
		fact_how(machine, MACHINE_HOW, MACHINE_MEMORY_MAX, "not known: /proc/zoneinfo: %s",
			 strerror(-error));
		return;
	}
	fact_number(machine, MACHINE_MEMORY_MAX, last, VOCAB_KERNEL);
	fact_how(machine, MACHINE_HOW, MACHINE_MEMORY_MAX,
		 "/proc/zoneinfo: from 0x%" PRIx64 " to 0x%" PRIx64, first, last);
}

static void measure_guest(const struct guest *guest, struct machine *machine)
{
	fact_number(machine, MACHINE_XEN, guest->xen, VOCAB_KERNEL);
	fact_how(machine, MACHINE_HOW, MACHINE_XEN, "%s", guest->xen_how);
	if (guest->confidential_origin != VOCAB_ABSENT)
		fact_number(machine, MACHINE_CONFIDENTIAL, guest->confidential,
			    guest->confidential_origin);
	fact_how(machine, MACHINE_HOW, MACHINE_CONFIDENTIAL, "%s", guest->confidential_how);
}

static void set_bounce(struct machine *machine, enum bounce bounce, enum vocab_origin origin,
		       const char *how)
{
	fact_number(machine, MACHINE_BOUNCE, bounce, origin);
	fact_how(machine, MACHINE_HOW, MACHINE_BOUNCE, "%s", how);
}

/* `cmdline` NULL: it cannot be read. Then what is not known may be everything. */
static void measure_bounce(const struct cmdline *cmdline, const struct guest *guest,
			   struct machine *machine)
{
	static const char *const hows[] = {
		[BOUNCE_NEVER] = "swiotlb=noforce on the kernel's command line",
		[BOUNCE_REACH] = "no swiotlb=force or noforce on the kernel's command line",
		[BOUNCE_ALWAYS] = "swiotlb=force on the kernel's command line",
	};
	enum bounce bounce;

	if (guest->paravirtual) {
		set_bounce(machine, BOUNCE_ALWAYS, VOCAB_KERNEL, "paravirtual domain of Xen");
	} else if (guest->confidential) {
		set_bounce(machine, BOUNCE_ALWAYS, guest->confidential_origin,
			   "confidential guest");
	} else if (guest->encrypted) {
		set_bounce(machine, BOUNCE_ALWAYS, VOCAB_KERNEL,
			   "/proc/cpuinfo: sme, the memory is encrypted");
	} else if (!cmdline) {
		fact_how(machine, MACHINE_HOW, MACHINE_BOUNCE,
			 "not known: /proc/cmdline cannot be read");
	} else {
		bounce = cmdline_bounce(cmdline);
		set_bounce(machine, bounce, VOCAB_KERNEL, hows[bounce]);
	}
}

static void measure_firmware(const char *root, struct machine *machine)
{
	enum firmware firmware = FIRMWARE_NONE;
	const char *how = "neither ACPI tables nor a device tree in /sys/firmware";

	if (sysfs_exists(root, "/sys/firmware/acpi", "tables")) {
		firmware = FIRMWARE_ACPI;
		how = "/sys/firmware/acpi/tables";
	} else if (sysfs_exists(root, "/sys/firmware/devicetree", "base")) {
		firmware = FIRMWARE_DEVICE_TREE;
		how = "/sys/firmware/devicetree/base";
	}
	fact_number(machine, MACHINE_FIRMWARE, firmware, VOCAB_KERNEL);
	fact_how(machine, MACHINE_HOW, MACHINE_FIRMWARE, "%s", how);
}

void platform_measure_machine(const char *root, struct machine *machine)
{
	bool made_up = root && root[0];
	const struct cmdline *readable;
	struct cmdline cmdline;
	struct guest guest;

	readable = cmdline_read(root, &cmdline) == 0 ? &cmdline : NULL;
	guest_look(root, vocab_string(machine, MACHINE_ARCHITECTURE), made_up ? NULL : guest_cpuid,
		   NULL, &guest);
	measure_memory(root, &guest, machine);
	measure_guest(&guest, machine);
	measure_bounce(readable, &guest, machine);
	measure_firmware(root, machine);
	cpu_measure(root, readable, machine);
}
