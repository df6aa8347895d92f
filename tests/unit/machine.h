/* SPDX-License-Identifier: MIT */
/* Machines made by hand, for tests that need facts and no devices. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "broker/model/descriptor.h"
#include "broker/model/request.h"

#define FOURCC(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))

/*
 * A machine by name. All have these devices:
 *	cam0     V4L2 capture, vmalloc; XR24 NV12 YUYV, own stride, 320x180 and 640x480 and
 *1920x1080 cam1     V4L2 capture, dma-contig, 32 bit; the same formats, a custom stride is honoured
 *	codec    V4L2 output and capture, vmalloc; NV12 XR24, 640x480 to 4096x2160 in steps of 8
 *	lcd      DRM scanout, GEM-DMA (whole buffer contiguous), stride multiple of 64; XR24 RG16
 *	vkms     DRM scanout and writeback, takes anything; XR24 AR24 RG16
 *	gpu      DRM render, memory management of its own
 *	bochs    DRM scanout, refuses foreign buffers
 *	padder   V4L2 output, stride multiple of 256 of its own, 4096 bytes behind the picture; XR24
 *NV12 greedy   V4L2 capture, holds 6 buffers at least; XR24 riddle   V4L2 capture of which nothing
 *is known but that it takes XR24 and the heaps system, reserved (64 MiB, contiguous), udmabuf and
 *vendor (unknown). "big": memory above 4 GiB; "nocma": no heap reserved; "noheap": no heap at all;
 * "arm": coherency of nothing is known.
 * Returns owned.
 */
struct machine *machine_by_name(const char *name);

/*
 * A request in one line, settled by nobody yet: words separated by spaces.
 *	WxH              size                 f=XR24,NV12      formats
 *	n=4              count                h=a,b  -h=a,b    allowed, forbidden heaps
 *	NAME=DEVICE:ROLE[/key=value...]       a participant (NAME=:cpu for the CPU); keys of numbers
 *	                                      and words, f=XR24,NV12 for its formats
 * Returns owned.
 */
struct request *request_by_text(const char *text);

#endif
