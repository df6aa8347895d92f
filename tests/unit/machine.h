/* SPDX-License-Identifier: MIT */
/* Machines made by hand, for tests that need facts and no devices. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "broker/model/descriptor.h"
#include "broker/model/request.h"

#define FOURCC(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))

/*
 * A machine by name. All but "lab" have these devices:
 *	cam0     V4L2 capture, vmalloc; XR24 NV12 YUYV, own stride; 320x180, 640x480, 1920x1080
 *	cam1     V4L2 capture, dma-contig, 32 bit; the same formats, a custom stride is honoured
 *	codec    V4L2 output and capture, vmalloc; NV12 XR24, 640x480 to 4096x2160 in steps of 8
 *	lcd      DRM scanout, GEM-DMA (whole buffer contiguous), stride multiple of 64; XR24 RG16
 *	vkms     DRM scanout and writeback, takes anything; XR24 AR24 RG16
 *	gpu      DRM render, memory management of its own
 *	bochs    DRM scanout, refuses foreign buffers
 *	padder   V4L2 output, stride multiple of 256 of its own, 4096 bytes behind the picture;
 *	         XR24 NV12
 *	greedy   V4L2 capture, holds 6 buffers at least; XR24
 *	riddle   V4L2 capture of which nothing is known but that it takes XR24
 * and the heaps system, reserved (64 MiB, contiguous), udmabuf and vendor (unknown). "big": memory
 * above 4 GiB; "nocma": no heap reserved; "noheap": no heap at all; "arm": coherency of nothing is
 * known; "odd": devices and heaps with one property each that others do not have.
 *
 * "lab" has memory up to 8 GiB and heaps of which all is known, with a capacity of 1 GiB but for
 *	system   scattered, cached, pieces of up to 256 KiB; maintains for attachments
 *	wc       scattered, not cached
 *	udmabuf  scattered in pages, cached; maintains for its exporter only
 *	cma      contiguous, cached, below 1 GiB; 64 MiB
 *	safe     contiguous, protected, not cached, below 1 GiB; 64 MiB
 * Its devices move pixels by DMA and take any stride, scattered memory, and coherent 64 bit:
 *	capX     V4L2 capture, outX: V4L2 output; XR24 NV12 YUYV. X: nothing; nc (not coherent), bar
 *	         (barrier), unk (coherency not known), 32 (bit), nc32, mmu (32 bit, behind an IOMMU)
 *	contig   as cap, needs contiguous memory
 *	mplane   V4L2 capture of the multi-planar API, NV12 YU12
 *	fixed    V4L2 output, a stride of its own that is a multiple of 64; XR24 NV12
 *	copier   V4L2 capture that copies with the CPU; XR24 NV12
 *	vpu      V4L2 output and capture that reaches protected memory; NV12 P010
 *	disp     DRM scanout that reaches protected memory, stride multiple of 64; XR24 with the
 *	         modifiers 1, 2 and 0, NV12
 *	gpu      DRM render
 *
 * Behind the name may follow changes, words separated by spaces:
 *	ID/key=value/...         facts of a device, a heap, or (ID machine) the machine
 *	ID:ROLE/key=value/...    facts of a role; f=XR24,NV12:0x1 adds formats, f.key=value is a
 *fact of all its formats, XR24.key=value of one +ID:KIND/key=value/...   a further device (KIND
 *v4l2, drm) or heap (KIND heap) -ID                      no such device or heap A value that is
 *empty: the fact is not known. Returns owned.
 */
struct machine *machine_by_name(const char *text);

/*
 * A request in one line, settled by nobody yet: words separated by spaces.
 *	WxH                                 size
 *	key=value                           a key of the request
 *	NAME=DEVICE:ROLE[/key=value...]     a participant (NAME=:cpu for the CPU) and its keys
 * Keys have short names: f formats, n count, h and -h allowed and forbidden heaps, alt
 * alternatives. Values:
 *	numbers, yes or no (1, 0), words    as they are
 *	lists of words                      a,b
 *	formats                             XR24,NV12:0x1,XR24:*,*:0x1,* (no modifier: linear)
 *	sizes                               640x480,320x240
 *	colours                             primaries:bt709+range:full,matrix:bt601
 *	layouts                             XR24:MODIFIER:BYTES:OFFSET+STRIDE+BYTES[:more
 *planes],... buffers                             NUMBER*EXPORTER:BYTES[:CACHED],...
 *alternatives                        (key=value/key=value|key=value), which may nest
 * Returns owned.
 */
struct request *request_by_text(const char *text);

#endif
