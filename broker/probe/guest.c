/* SPDX-License-Identifier: MIT */
/*
 * Whether the machine is a guest of a kind that changes what its devices see of memory.
 *
 * Xen. /sys/hypervisor/type names it, guest_type says of which kind the domain is
 * (drivers/xen/sys-hypervisor.c); that file is not there before 4.13. The control domain has the
 * feature bit XENFEAT_dom0, and its xenfs says control_d. In a paravirtual domain of x86 the
 * kernel's addresses are not those of the memory bus, and swiotlb-xen copies whatever does not
 * happen to fit (arch/x86/kernel/pci-dma.c). A PVH or HVM domain, and a domain of arm, which is
 * mapped one to one, is as any other machine.
 *
 * Confidential guests. Their memory is encrypted but for what they share, and the kernel shares its
 * bounce buffers only, through which then all DMA goes (CC_ATTR_GUEST_MEM_ENCRYPT in
 * arch/x86/kernel/pci-dma.c; arch/s390/mm/init.c; arch/powerpc/platforms/pseries/svm.c).
 *
 *   TDX            flag tdx_guest in /proc/cpuinfo; CPUID leaf 0x21
 *   SEV-SNP        /sys/devices/system/cpu/sev, or the device sev-guest
 *   SEV, SEV-ES    CPUID leaf 0x8000001f says that it is possible. Whether it is on only a model
 *                  specific register says, which user space cannot read: a guest that is offered it
 *                  is taken for one that uses it
 *   Hyper-V        CPUID leaf 0x4000000c: its isolation, also where it hides SEV or TDX
 *   s390           /sys/firmware/uv/prot_virt_guest
 *   powerpc        /sys/devices/system/cpu/svm
 *   arm64          the device arm-cca-dev, since 6.14. A protected guest of pKVM cannot be seen;
 *                  its device tree has a restricted-dma-pool, which is found as such
 *   others         none are known
 *
 * Host encryption (AMD SME). The flag sme in /proc/cpuinfo; since 5.18 it is there only if it is on
 * (early_detect_mem_encrypt(), arch/x86/kernel/cpu/amd.c), before it was there if it could be.
 */
#include "broker/probe/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/probe/cpu.h"
#include "broker/probe/sysfs.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static void ask_cpu(void *data, uint32_t leaf, struct guest_registers *ret)
{
	(void)data;
	__cpuid_count(leaf, 0, ret->eax, ret->ebx, ret->ecx, ret->edx);
}

const guest_cpuid_fn guest_cpuid = ask_cpu;
#else
const guest_cpuid_fn guest_cpuid = NULL;
#endif

static bool is_x86(const char *architecture)
{
	const struct cpu *cpu = cpu_find(architecture);

	return cpu && cpu->x86;
}

/* --- Xen --- */

#define XEN_FEATURE_DOM0 (1u << 11) /* XENFEAT_dom0, include/xen/interface/features.h */

static bool is_control_domain(const char *root)
{
	char line[64];

	if (sysfs_line(root, "/proc/xen", "capabilities", line, sizeof(line)) == 0 &&
	    strstr(line, "control_d"))
		return true;
	return sysfs_line(root, "/sys/hypervisor/properties", "features", line, sizeof(line)) ==
		       0 &&
	       (strtoull(line, NULL, 16) & XEN_FEATURE_DOM0);
}

static void look_for_xen(const char *root, const char *architecture, struct guest *guest)
{
	char line[32];

	strcpy(guest->xen_how, "/sys/hypervisor/type: not Xen");
	if (sysfs_line(root, "/sys/hypervisor", "type", line, sizeof(line)) ||
	    strcmp(line, "xen") != 0)
		return;
	guest->xen = is_control_domain(root) ? XEN_CONTROL : XEN_GUEST;
	if (sysfs_line(root, "/sys/hypervisor", "guest_type", line, sizeof(line))) {
		guest->paravirtual = is_x86(architecture);
		strcpy(guest->xen_how, "/sys/hypervisor/type; of unknown kind, taken for PV");
		return;
	}
	guest->paravirtual = is_x86(architecture) && strcmp(line, "PV") == 0;
	snprintf(guest->xen_how, sizeof(guest->xen_how), "/sys/hypervisor/guest_type: %s",
		 guest->paravirtual ? "PV" : "not PV");
}

/* --- confidential guests --- */

static void set_confidential(struct guest *guest, enum vocab_origin origin, const char *how)
{
	guest->confidential = true;
	guest->confidential_origin = origin;
	snprintf(guest->confidential_how, sizeof(guest->confidential_how), "%s", how);
}

static bool says(const struct guest_registers *registers, bool tdx_order, const char *text)
{
	uint32_t words[3] = {registers->ebx, registers->ecx, registers->edx};

	if (tdx_order) {
		words[1] = registers->edx;
		words[2] = registers->ecx;
	}
	return memcmp(words, text, sizeof(words)) == 0;
}

/* In ebx of CPUID leaves 0x40000003 and 0x4000000c (include/asm-generic/hyperv-tlfs.h) */
#define HYPERV_ISOLATION (1u << 22)
#define HYPERV_ISOLATION_TYPE 0xfu

static bool hyperv_isolates(guest_cpuid_fn cpuid, void *data)
{
	struct guest_registers registers;

	cpuid(data, 0x40000000, &registers);
	if (!says(&registers, false, "Microsoft Hv") || registers.eax < 0x4000000c)
		return false;
	cpuid(data, 0x40000003, &registers);
	if (!(registers.ebx & HYPERV_ISOLATION))
		return false;
	cpuid(data, 0x4000000c, &registers);
	return registers.ebx & HYPERV_ISOLATION_TYPE;
}

/* Leaf 0x21 is only there if leaf 0 says so: else the CPU answers with another one's registers. */
static bool is_tdx(guest_cpuid_fn cpuid, void *data)
{
	struct guest_registers registers;

	cpuid(data, 0, &registers);
	if (registers.eax < 0x21)
		return false;
	cpuid(data, 0x21, &registers);
	return says(&registers, true, "IntelTDX    ");
}

static bool offers_sev(guest_cpuid_fn cpuid, void *data)
{
	struct guest_registers registers;

	cpuid(data, 0x80000000, &registers);
	if (registers.eax < 0x8000001f)
		return false;
	cpuid(data, 0x8000001f, &registers);
	return registers.eax & (1u << 1);
}

static void ask_cpuid(guest_cpuid_fn cpuid, void *data, struct guest *guest)
{
	struct guest_registers registers;

	cpuid(data, 1, &registers);
	if (!(registers.ecx & (1u << 31))) /* not on a hypervisor */
		return;
	if (is_tdx(cpuid, data))
		set_confidential(guest, VOCAB_KERNEL, "CPUID leaf 0x21: TDX");
	else if (hyperv_isolates(cpuid, data))
		set_confidential(guest, VOCAB_KERNEL, "CPUID leaf 0x4000000c: Hyper-V isolates it");
	else if (offers_sev(cpuid, data))
		set_confidential(guest, VOCAB_ASSUMED,
				 "CPUID leaf 0x8000001f offers SEV to this guest; whether it is "
				 "used user space cannot see");
}

static void look_at_x86(const char *root, guest_cpuid_fn cpuid, void *data, struct guest *guest)
{
	guest->encrypted = cpu_has_word(root, "flags", "sme") == 1;
	if (cpu_has_word(root, "flags", "tdx_guest") == 1)
		set_confidential(guest, VOCAB_KERNEL, "/proc/cpuinfo: tdx_guest");
	else if (sysfs_exists(root, "/sys/devices/system/cpu", "sev"))
		set_confidential(guest, VOCAB_KERNEL, "/sys/devices/system/cpu/sev: SEV-SNP");
	else if (sysfs_exists(root, "/sys/devices/platform", "sev-guest"))
		set_confidential(guest, VOCAB_KERNEL, "/sys/devices/platform/sev-guest");
	else if (cpuid)
		ask_cpuid(cpuid, data, guest);
}

/* A file in which a guest of the kind has a 1. */
static void look_at_file(const char *root, const char *directory, const char *name,
			 struct guest *guest)
{
	char how[GUEST_HOW_BYTES];
	uint64_t number;

	snprintf(how, sizeof(how), "%s/%s", directory, name);
	if (sysfs_number(root, directory, name, &number) == 0 && number)
		set_confidential(guest, VOCAB_KERNEL, how);
}

static void look_for_realm(const char *root, struct guest *guest)
{
	if (sysfs_exists(root, "/sys/devices/platform", "arm-cca-dev"))
		set_confidential(guest, VOCAB_KERNEL, "/sys/devices/platform/arm-cca-dev");
}

void guest_look(const char *root, const char *architecture, guest_cpuid_fn cpuid, void *data,
		struct guest *ret)
{
	*ret = (struct guest){.confidential_origin = VOCAB_KERNEL,
			      .confidential_how = "no sign of one"};
	look_for_xen(root, architecture, ret);
	if (is_x86(architecture)) {
		look_at_x86(root, cpuid, data, ret);
	} else if (strncmp(architecture, "s390", 4) == 0) {
		look_at_file(root, "/sys/firmware/uv", "prot_virt_guest", ret);
	} else if (strncmp(architecture, "ppc64", 5) == 0) {
		look_at_file(root, "/sys/devices/system/cpu", "svm", ret);
	} else if (strncmp(architecture, "aarch64", 7) == 0) {
		look_for_realm(root, ret);
	} else {
		ret->confidential_origin = VOCAB_ABSENT;
		strcpy(ret->confidential_how, "no sign is known on this architecture");
	}
}
