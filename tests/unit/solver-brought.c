/* SPDX-License-Identifier: MIT */
/* Rows of the solver's tables: buffers that a participant brings. */
#include <stddef.h>

#include "tests/unit/solver-rows.h"

#define LAYOUT "/layouts=XR24:0:1228800:0+2560+1228800"
#define BRINGS(exporter) "/buffers=3*" exporter ":1228800" LAYOUT

/* Somebody's process brings them, and X reads what it writes. */
#define FOR(exporter, x) "640x480 a=:cpu" BRINGS(exporter) " x=" x
#define PLAN "brought:a XR24 2560 1228800 3"
#define REFUSED(constraint, key) "Conflict a:existing@buffers x:" constraint "@" key
/* Without its own buffers it would have to take foreign ones. */
#define IMPORTS " | a:device@device.imports"
#define MAINTENANCE REFUSED("maintenance", "device.coherency")
#define CONTIGUITY REFUSED("contiguity", "device.contiguity")
#define REACH REFUSED("reach", "device.address-bits")
#define MAP REFUSED("kernel-map", "device.cpu-copies")

/* codec: copies with the CPU; lcd: needs contiguous memory; cam: a queue with memory of its own */
#define LAB                                                                                     \
	"lab +codec:v4l2 codec:output/cpu-copies=1/dma-maps=0/contiguity=none/imports=1/f=XR24" \
	" codec:output/f.stride-custom=1"                                                       \
	" +lcd:drm/coherency=coherent/address-bits=64 lcd:scanout/imports=1/contiguity=whole"   \
	" lcd:scanout/cpu-copies=0/f=XR24/f.stride-custom=1 "
#define CAM(model, coherency)                                            \
	LAB "+cam:v4l2/address-bits=64/coherency=" coherency             \
	    " cam:capture/imports=0/contiguity=used/memory-model=" model \
	    " cam:capture/cpu-copies=0/f=XR24/f.stride-custom=1 "
#define OWN(exporter, x) "640x480 a=cam:capture" BRINGS(exporter) " x=" x

const struct row brought_rows[] = {
	/* what heaps of this machine have made has their facts */
	{"of the system heap, for a device that snoops", LAB, FOR("system", "out:output"), PLAN,
	 .details = "brought-by=a cached=1 initially-dirty=1"},
	{"of the system heap, for one that does not", LAB, FOR("system", "outnc:output"), PLAN},
	{"of the system heap, for a device of 32 bit", LAB, FOR("system", "out32:output"), REACH},
	{"of the system heap, for who needs contiguous memory", LAB, FOR("system", "lcd:scanout"),
	 CONTIGUITY,
	 .members = "a:buffers 3 of system -> none: buffers from cma; "
		    "x:device.contiguity whole -> none"},
	{"of the CMA heap, for who needs contiguous memory", LAB, FOR("cma", "lcd:scanout"), PLAN},
	{"of the CMA heap, for a device of 32 bit", LAB, FOR("cma", "out32:output"), PLAN},
	{"of the CMA heap: it is not scarce, since it is there", LAB,
	 "640x480 forbid-scarce=1 a=:cpu" BRINGS("cma") " x=lcd:scanout", PLAN,
	 .details = "cost.scarce=0"},
	{"of a heap that is not cached, for a device that does not snoop", LAB,
	 FOR("wc", "outnc:output"), PLAN, .details = "cached=0"},
	{"of the protected heap: its process cannot write it", LAB, FOR("safe", "out:output"),
	 "Conflict a:existing@buffers x:protected@reaches-protected"},
	/* videobuf2_vmalloc: scattered, cached, no hook */
	{"vmalloc, for a device that snoops", LAB, FOR("videobuf2_vmalloc", "out:output"), PLAN,
	 .details = "cached=1 brought-by=a"},
	{"vmalloc, for one that does not", LAB, FOR("videobuf2_vmalloc", "outnc:output"),
	 MAINTENANCE},
	{"vmalloc, behind a barrier", LAB, FOR("videobuf2_vmalloc", "outbar:output"), MAINTENANCE},
	{"vmalloc, for a device of which nobody knows whether it snoops", LAB,
	 FOR("videobuf2_vmalloc", "outunk:output"), MAINTENANCE},
	{"vmalloc, for a driver that copies", LAB, FOR("videobuf2_vmalloc", "codec:output"), PLAN},
	{"vmalloc, for who needs contiguous memory", LAB, FOR("videobuf2_vmalloc", "lcd:scanout"),
	 CONTIGUITY},
	{"vmalloc, for a device of 32 bit: it lies anywhere", LAB,
	 FOR("videobuf2_vmalloc", "out32:output"), REACH},
	{"vmalloc, behind an IOMMU", LAB, FOR("videobuf2_vmalloc", "outmmu:output"), PLAN},
	{"vmalloc, for a GPU", LAB, FOR("videobuf2_vmalloc", "gpu:render/f=XR24"), PLAN},
	{"vmalloc, in pieces of a page", LAB, FOR("videobuf2_vmalloc", "out:output/segments-max=2"),
	 REFUSED("segments", "segments-max")},
	/* videobuf2_dma_contig: as its device is, and of another's nothing is known */
	{"dma-contig of nobody knows which device, for one that snoops", LAB,
	 FOR("videobuf2_dma_contig", "out:output"), PLAN, .details = "cached=1"},
	{"dma-contig of nobody knows which device: contiguous behind no IOMMU only", LAB,
	 FOR("videobuf2_dma_contig", "lcd:scanout"), CONTIGUITY},
	{"dma-contig of nobody knows which device, for one that does not snoop", LAB,
	 FOR("videobuf2_dma_contig", "outnc:output"), MAINTENANCE},
	{"dma-contig that is declared not to be cached", LAB,
	 "640x480 a=:cpu/buffers=3*videobuf2_dma_contig:1228800:0" LAYOUT " x=outnc:output", PLAN,
	 .details = "cached=0"},
	{"dma-contig of a device that snoops", CAM("dma-contig", "coherent"),
	 OWN("videobuf2_dma_contig", "lcd:scanout"), PLAN, .details = "cached=1 a.agent=coherent"},
	{"dma-contig of a device that snoops, for one that does not", CAM("dma-contig", "coherent"),
	 OWN("videobuf2_dma_contig", "outnc:output"), MAINTENANCE IMPORTS},
	{"dma-contig of a device that does not snoop is not cached",
	 CAM("dma-contig", "non-coherent"), OWN("videobuf2_dma_contig", "outnc:output"), PLAN,
	 .details = "cached=0 a.agent=coherent x.agent=non-coherent cost.access=0"},
	{"dma-contig of a device that does not snoop, and yet cached",
	 CAM("dma-contig", "non-coherent"),
	 "640x480 a=cam:capture/buffers=3*videobuf2_dma_contig:1228800:1" LAYOUT " x=outnc:output",
	 MAINTENANCE IMPORTS},
	{"dma-contig of a device of which nobody knows whether it snoops",
	 CAM("dma-contig", "unknown"), OWN("videobuf2_dma_contig", "outnc:output"),
	 MAINTENANCE IMPORTS},
	{"dma-contig of a device behind an IOMMU is scattered for others",
	 CAM("dma-contig", "coherent") "cam/iommu=1", OWN("videobuf2_dma_contig", "lcd:scanout"),
	 CONTIGUITY IMPORTS},
	/* videobuf2_dma_sg */
	{"dma-sg, for a device that snoops", CAM("dma-sg", "non-coherent"),
	 OWN("videobuf2_dma_sg", "out:output"), PLAN, .details = "cached=1"},
	{"dma-sg: its SYNC reaches its own device only", CAM("dma-sg", "non-coherent"),
	 OWN("videobuf2_dma_sg", "outnc:output"), MAINTENANCE IMPORTS},
	{"dma-sg, for who needs contiguous memory", CAM("dma-sg", "coherent"),
	 OWN("videobuf2_dma_sg", "lcd:scanout"), CONTIGUITY IMPORTS},
	/* a device's own memory is not imported by it */
	{"a queue that takes no foreign buffers brings its own", CAM("vmalloc", "coherent"),
	 OWN("videobuf2_vmalloc", "out:output"), PLAN},
	{"it needs contiguous memory, and what it allocates is its business",
	 CAM("vmalloc", "non-coherent"), OWN("videobuf2_vmalloc", "codec:output"), PLAN},
	{"it is always bounced, and does not import", CAM("dma-contig", "coherent") "cam/bounced=1",
	 OWN("videobuf2_dma_contig", "out:output"), PLAN},
	{"what is of another kind is not its own", CAM("vmalloc", "coherent"),
	 OWN("videobuf2_dma_sg", "out:output"),
	 "Conflict a:contiguity@device.contiguity a:existing@buffers" IMPORTS},
	{"nor is what a heap has made", CAM("dma-contig", "coherent") "cam:capture/imports=1",
	 OWN("cma", "out:output"), "brought:a XR24 2560 1228800 3"},
	{"dumb buffers of the display itself", LAB "lcd/coherency=non-coherent",
	 "640x480 a=:cpu x=lcd:scanout" BRINGS("drm"), "brought:x XR24 2560 1228800 3",
	 .details = "brought-by=x x.agent=coherent"},
	/* GEM: no hook, and nothing is known of where it lies and how it is mapped */
	{"drm, for a device that snoops", LAB, FOR("drm", "out:output"), PLAN},
	{"drm, for one that does not", LAB, FOR("drm", "outnc:output"), MAINTENANCE},
	{"drm that is declared not to be cached, for one that does not", LAB,
	 "640x480 a=:cpu/buffers=3*drm:1228800:0" LAYOUT " x=outnc:output", PLAN},
	{"drm, for a driver that copies", LAB, FOR("drm", "codec:output"), PLAN},
	{"drm, for who needs contiguous memory", LAB, FOR("drm", "lcd:scanout"), CONTIGUITY},
	{"drm may lie on the card: out of reach of any mask", LAB "out/address-bits=63",
	 FOR("drm", "out:output"), REACH},
	{"drm that the CPU reads often: nobody knows whether it is cached", LAB, FOR("drm", ":cpu"),
	 PLAN, .details = "cost.uncached=1"},
	{"i915 has hooks of its own: for a device that snoops", LAB, FOR("i915", "out:output"),
	 PLAN},
	{"i915, for one that does not", LAB, FOR("i915", "outnc:output"), MAINTENANCE},
	{"i915, for a driver that copies", LAB, FOR("i915", "codec:output"), MAP},
	/* others */
	{"an exporter that nobody knows, for a device that snoops", LAB,
	 FOR("mystery", "out:output"), PLAN},
	{"an exporter that nobody knows, for one that does not", LAB,
	 FOR("mystery", "outnc:output"), MAINTENANCE},
	{"an exporter that nobody knows, for a driver that copies", LAB,
	 FOR("mystery", "codec:output"), MAP},
	{"an exporter that nobody knows, for who needs contiguous memory", LAB,
	 FOR("mystery", "lcd:scanout"), CONTIGUITY},
	{"a heap that is no dma-heap made no buffer of its name",
	 LAB "system/exporter=", FOR("system", "outnc:output"), MAINTENANCE},
	/* udmabuf and memfds */
	{"udmabuf, for a device that snoops", LAB, FOR("udmabuf", "out:output"), PLAN,
	 .details = "initially-dirty=1"},
	{"udmabuf, for one that does not", LAB, FOR("udmabuf", "outnc:output"), MAINTENANCE},
	{"udmabuf may be of huge pages, which drivers that copy see wrongly", LAB,
	 FOR("udmabuf", "codec:output"), MAP},
	{"a memfd, for a driver that copies", LAB, FOR("memfd", "codec:output"), PLAN,
	 .details = "initially-dirty=1 cached=1"},
	{"a memfd, for a device that snoops", LAB, FOR("memfd", "out:output"), PLAN},
	{"a memfd, for one that does not", LAB, FOR("memfd", "outnc:output"), MAINTENANCE},
	{"a memfd of huge pages, for a driver that copies", LAB,
	 FOR("memfd-hugetlb", "codec:output"), MAP},
	{"a memfd of huge pages, where the kernel maps them well",
	 LAB "+huge:heap/exporter=udmabuf-hugetlb/kernel-map=1/known=0",
	 FOR("memfd-hugetlb", "codec:output"), PLAN},
	{"a memfd without udmabuf", LAB "-udmabuf", FOR("memfd", "out:output"),
	 "NotSupported a:heaps@buffers"},
	{"a memfd of as much as udmabuf takes", LAB "udmabuf/buffer-bytes-max=1228800",
	 FOR("memfd", "out:output"), PLAN},
	{"a memfd of more than udmabuf takes", LAB "udmabuf/buffer-bytes-max=1224704",
	 FOR("memfd", "out:output"), "InvalidRequest a:request@buffers"},
	{"a udmabuf that is allocated is dirty as well", LAB, "640x480 f=XR24 h=udmabuf a=:cpu",
	 "udmabuf XR24 2560 1228800 1", .details = "initially-dirty=1 brought-by="},
	{"a buffer of a heap is not", LAB, "640x480 f=XR24 h=system a=:cpu",
	 "system XR24 2560 1228800 1", .details = "initially-dirty= brought-by="},
	/* number and layout are what they are */
	{"as many buffers as there are, wanted or not", LAB,
	 "640x480 a=:cpu" BRINGS("system") " x=out:output", PLAN,
	 .details = "count-needed=2 count-wanted=2 cost.slack=0"},
	{"a slack that is not there", LAB,
	 "640x480 a=:cpu" BRINGS("system") " x=out:output/slack=4", PLAN,
	 .details = "count-needed=2 count-wanted=6 cost.slack=3"},
	{"more than there are", LAB, "640x480 a=:cpu" BRINGS("system") " x=out:output/camping=3",
	 "Conflict a:count@camping a:existing@buffers x:count@camping",
	 .members = "a:camping 1 -> 0; a:buffers 3 of system -> none: buffers from system; "
		    "x:camping 3 -> 2"},
	{"more of them than somebody takes", LAB,
	 "640x480 a=:cpu" BRINGS("system") " x=out:output/max-count=2",
	 REFUSED("count", "max-count")},
	{"their stride", LAB,
	 "640x480 a=:cpu/buffers=2*system:1536000/layouts=XR24:0:1474560:0+3072+1474560 "
	 "x=out:output/stride-align=1024",
	 "brought:a XR24 3072 1474560 2"},
	{"their stride suits somebody not", LAB,
	 "640x480 a=:cpu" BRINGS("system") " x=out:output/stride-align=1024",
	 REFUSED("stride", "stride-align")},
	{"room behind the picture", LAB,
	 "640x480 a=:cpu/buffers=3*system:1232896" LAYOUT " x=out:output/tail-bytes=4096",
	 "brought:a XR24 2560 1232896 3"},
	{"no room behind the picture", LAB,
	 "640x480 a=:cpu/buffers=3*system:1228800" LAYOUT " x=out:output/tail-bytes=4096",
	 REFUSED("bytes", "tail-bytes")},
	{"the smallest of them decides", LAB,
	 "640x480 a=:cpu/buffers=2*system:1232896,1*system:1228800" LAYOUT
	 " x=out:output/tail-bytes=4096",
	 REFUSED("bytes", "tail-bytes")},
	{"planes with a gap, for a display", LAB,
	 "640x480 a=:cpu/buffers=2*system:524288/layouts=NV12:0:466944:0+640+307200:313344+640+"
	 "153600 x=disp:scanout",
	 "brought:a NV12 640 466944 2"},
	{"planes with a gap, for a queue", LAB,
	 "640x480 a=:cpu/buffers=2*system:524288/layouts=NV12:0:466944:0+640+307200:313344+640+"
	 "153600 x=out:output",
	 REFUSED("offset", "device.planes")},
	{"a layout that is not linear", LAB,
	 "640x480 a=:cpu/buffers=2*system:1310720/layouts=XR24:1:1310720:0+2560+1310720 "
	 "x=disp:scanout",
	 "brought:a XR24:0x1 2560 1310720 2"},
	{"a format that somebody does not take", LAB,
	 "640x480 a=:cpu" BRINGS("system") " x=out:output/f=NV12", REFUSED("format", "formats")},
	{"formats that are not the one they have", LAB,
	 "640x480 a=:cpu/f=NV12" BRINGS("system") " x=out:output",
	 "Conflict a:format@formats a:existing@buffers"},
	/* lists of heaps */
	{"by its name", LAB, "640x480 h=brought:a a=:cpu" BRINGS("mystery") " x=out:output", PLAN},
	{"by its properties", LAB, "640x480 h=is:scattered+cached a=:cpu" BRINGS("system"), PLAN},
	{"another heap is asked for", LAB, "640x480 h=cma a=:cpu" BRINGS("system"),
	 "Conflict a:existing@buffers heaps@allowed-heaps"},
	{"a participant forbids it", LAB,
	 "640x480 a=:cpu" BRINGS("system") " x=out:output/-h=brought:a",
	 REFUSED("heaps", "forbidden-heaps")},
	/* copies */
	{"whoever they do not suit gets copies", LAB,
	 "640x480 allow-copies=1 a=:cpu" BRINGS("videobuf2_vmalloc") " x=lcd:scanout",
	 "copies 1228800 | brought:a XR24 2560 1228800 3 (a,copy) | cma XR24 2560 1228800 2 "
	 "(x,copy) | 0>1 1228800"},
	{"no copies where they suit all", LAB,
	 "640x480 allow-copies=1 a=:cpu" BRINGS("system") " x=out:output", PLAN},
	{"another group does not get them", LAB,
	 "640x480 allow-copies=1 a=:cpu" BRINGS("system") " x=lcd:scanout/h=brought:a",
	 "Conflict x:heaps@allowed-heaps | a:existing@buffers x:contiguity@device.contiguity"},
	{"the group of who brings them has as many as there are", LAB,
	 "640x480 allow-copies=1 a=:cpu/camping=3" BRINGS("videobuf2_vmalloc") " x=lcd:scanout",
	 CONTIGUITY},
	{"a layout that is not linear is not copied", LAB,
	 "640x480 allow-copies=1 a=:cpu/buffers=2*system:1310720/layouts=XR24:1:1310720:0+2560+"
	 "1310720 x=disp:scanout/h=cma",
	 REFUSED("heaps", "allowed-heaps")},
	/* late participants */
	{"a late participant", LAB,
	 "640x480 a=:cpu" BRINGS("videobuf2_vmalloc") " b=:cpu x=out:output", PLAN,
	 .existing = "640x480 a=:cpu" BRINGS("videobuf2_vmalloc") " x=out:output"},
	{"a late participant too many", LAB,
	 "640x480 a=:cpu" BRINGS("system") " b=:cpu/camping=2 x=out:output",
	 "Conflict a:count@camping b:count@camping x:count@camping existing@existing",
	 .existing = "640x480 a=:cpu" BRINGS("system") " x=out:output"},
	{"a late participant that needs other memory", LAB,
	 "640x480 a=:cpu" BRINGS("system") " b=lcd:scanout x=out:output",
	 "Conflict b:contiguity@device.contiguity existing@existing",
	 .existing = "640x480 a=:cpu" BRINGS("system") " x=out:output"},
	/* what is wrong with a request */
	{"buffers of two", LAB, "640x480 a=:cpu" BRINGS("system") " b=:cpu" BRINGS("system"),
	 "InvalidRequest b:request@buffers"},
	{"buffers of which nobody knows the exporter", LAB, FOR("", "out:output"),
	 "InvalidRequest a:request@buffers"},
	{"buffers of several exporters", LAB,
	 "640x480 a=:cpu/buffers=1*system:1228800,1*cma:1228800" LAYOUT,
	 "InvalidRequest a:request@buffers"},
	{"buffers of no bytes", LAB, "640x480 a=:cpu/buffers=1*system:0" LAYOUT,
	 "InvalidRequest a:request@buffers"},
	{"buffers of which one is cached and one is not", LAB,
	 "640x480 a=:cpu/buffers=1*drm:1228800:0,1*drm:1228800:1" LAYOUT,
	 "InvalidRequest a:request@buffers"},
	{"buffers without layout", LAB, "640x480 a=:cpu/buffers=1*system:1228800",
	 "InvalidRequest a:request@layouts"},
	{"buffers with two layouts", LAB,
	 "640x480 a=:cpu/buffers=1*system:1228800" LAYOUT ",XR24:1:4096:0+64+4096",
	 "InvalidRequest a:request@layouts"},
	{"a layout beyond a buffer", LAB, "640x480 a=:cpu/buffers=1*system:1228799" LAYOUT,
	 "InvalidRequest a:request@layouts"},
	{"a layout without room for the picture", LAB,
	 "640x480 a=:cpu/buffers=1*system:1228800/layouts=XR24:0:1226240:0+2560+1226240",
	 "InvalidRequest a:request@layouts"},
	{"a layout with a plane too few", LAB,
	 "640x480 a=:cpu/buffers=1*system:1228800/layouts=NV12:0:460800:0+640+460800",
	 "InvalidRequest a:request@layouts"},
	{"a layout whose strides do not belong to each other", LAB,
	 "640x480 a=:cpu/buffers=1*system:1228800/layouts=NV12:0:614400:0+640+307200:307200+1280+"
	 "307200",
	 "InvalidRequest a:request@layouts"},
	{"planes that overlap", LAB,
	 "640x480 a=:cpu/buffers=1*system:1228800/layouts=NV12:0:460800:0+640+307200:300000+640+"
	 "153600",
	 "InvalidRequest a:request@layouts"},
	{"buffers of an alternative", LAB, "640x480 f=XR24 a=:cpu/alt=(buffers=1*system:1228800)",
	 "InvalidRequest a:request@alternatives"},
	{NULL},
};
