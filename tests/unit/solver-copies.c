/* SPDX-License-Identifier: MIT */
/* Rows of the solver's tables: groups with copies between them. */
#include <stddef.h>

#include "tests/unit/solver-rows.h"

#define ASK "640x480 allow-copies=1 "
#define RGB ASK "f=XR24 "
#define ONE(heap) heap " XR24 2560 1228800 1 "
#define TWO(heap) heap " XR24 2560 1228800 2 "

const struct row copy_rows[] = {
	{"two that share no heap", "lab", RGB "a=cap:capture/h=system b=out:output/h=cma",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| 0>1 1228800",
	 .details = "copied-bytes=1228800 exact=1 heap= hop0.producers=a hop0.consumers=b"},
	{"copies only if the request allows them", "lab",
	 "640x480 f=XR24 a=cap:capture/h=system b=out:output/h=cma",
	 "Conflict a:heaps@allowed-heaps b:heaps@allowed-heaps"},
	{"allow-copies: no", "lab",
	 "640x480 allow-copies=0 f=XR24 a=cap:capture/h=system b=out:output/h=cma",
	 "Conflict a:heaps@allowed-heaps b:heaps@allowed-heaps"},
	{"no copies where none is needed", "lab", RGB "a=cap:capture b=out:output",
	 "system XR24 2560 1228800 2"},
	{"who produces comes later by name", "lab", RGB "a=out:output/h=system b=cap:capture/h=cma",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| 1>0 1228800"},
	{"of all formats the one that copies least", "lab",
	 ASK "a=cap:capture/h=system b=out:output/h=cma",
	 "copies 460800 | system NV12 640 460800 2 (a,copy) | cma NV12 640 460800 2 (b,copy) | 0>1 "
	 "460800"},
	{"a format is shared along a copy", "lab",
	 ASK "a=cap:capture/h=system/f=XR24,NV12 b=out:output/h=cma/f=YUYV,XR24",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| 0>1 1228800"},
	{"without a format in common no copy helps", "lab",
	 ASK "a=cap:capture/f=XR24 b=out:output/f=NV12",
	 "Conflict a:format@formats b:format@formats"},
	{"no copy helps who cannot be served alone", "lab",
	 RGB "a=cap:capture b=out:output/stride-max=1", "Conflict b:stride@stride-max"},
	{"strides may differ, bytes are those of the source", "lab",
	 RGB "a=cap:capture/stride-max=2560 b=out:output/stride-min=3000",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | system XR24 3000 1440000 2 "
	 "(b,copy) | 0>1 1228800"},
	{"bytes are those of the source, though it is larger", "lab",
	 RGB "a=cap:capture/stride-min=3000 b=out:output/stride-max=2560",
	 "copies 1440000 | system XR24 3000 1440000 2 (a,copy) | system XR24 2560 1228800 2 "
	 "(b,copy) | 0>1 1440000"},
	{"who is with the producer gets no copy", "lab",
	 RGB "a=cap:capture/h=system b=out:output/h=cma c=out:output/h=system",
	 "copies 1228800 | system XR24 2560 1228800 3 (a,c,copy) | cma XR24 2560 1228800 2 "
	 "(b,copy) | 0>1 1228800"},
	{"one copy for a whole group", "lab",
	 RGB "a=cap:capture/h=system b=out:output/h=cma c=out:output/h=cma",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 3 "
	 "(b,c,copy) | 0>1 1228800"},
	{"three groups", "lab",
	 RGB "a=cap:capture/h=system b=out:output/h=cma c=out:output/h=udmabuf",
	 "copies 2457600 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| udmabuf XR24 2560 1228800 2 (c,copy) | 0>1 1228800 0>2 1228800"},
	{"of equal splits the lower list of group numbers", "lab",
	 RGB "a=cap:capture/h=system,cma b=out:output/h=system c=out:output/h=cma",
	 "copies 1228800 | system XR24 2560 1228800 3 (a,b,copy) | cma XR24 2560 1228800 2 "
	 "(c,copy) | 0>1 1228800"},
	{"of equal bytes fewer groups", "lab",
	 RGB "a=cap:capture/h=system b=out:output/h=cma c=out:output/h=cma d=out:output/usage=none",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,d,copy) | cma XR24 2560 1228800 3 "
	 "(b,c,copy) | 0>1 1228800"},
	{"a hop in each direction", "lab", RGB "a=:cpu/h=system b=:cpu/h=cma",
	 "copies 2457600 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| 0>1 1228800 1>0 1228800"},
	{"who reads from whom", "lab",
	 RGB "a=cap:capture/h=system b=cap:capture/h=cma c=out:output/h=system/reads-from=a "
	     "d=out:output/h=cma/reads-from=b",
	 "copies 0 | " TWO("system") "(a,c) | " TWO("cma") "(b,d) |"},
	{"a chain of copies", "lab",
	 RGB "a=cap:capture/h=system b=:cpu/h=cma/reads-from=a c=out:output/h=udmabuf/reads-from=b",
	 "copies 2457600 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| udmabuf XR24 2560 1228800 2 (c,copy) | 0>1 1228800 1>2 1228800"},
	{"a format is shared along a chain", "lab",
	 ASK "a=cap:capture/h=system/f=XR24,NV12 b=:cpu/h=cma/reads-from=a "
	     "c=out:output/h=udmabuf/reads-from=b/f=XR24,YUYV",
	 "copies 2457600 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| udmabuf XR24 2560 1228800 2 (c,copy) | 0>1 1228800 1>2 1228800"},
	{"readers alone need no copies", "lab", RGB "a=out:output/h=system b=out:output/h=cma",
	 "copies 0 | " ONE("system") "(a) | " ONE("cma") "(b) |"},
	{"groups without copies between them may differ in the format", "lab",
	 ASK "a=out:output/f=XR24,NV12 b=out:output/f=YUYV",
	 "copies 0 | " ONE("system") "(a) | system YUYV 1280 614400 1 (b) |"},
	{"who does nothing gets no copies", "lab",
	 RGB "a=cap:capture/h=system b=out:output/h=cma/usage=none",
	 "copies 0 | " ONE("system") "(a) | " ONE("cma") "(b) |"},
	{"the request's count counts in each group", "lab",
	 "640x480 n=3 allow-copies=1 f=XR24 a=cap:capture/h=system b=out:output/h=cma",
	 "copies 1228800 | system XR24 2560 1228800 3 (a,copy) | cma XR24 2560 1228800 3 (b,copy) "
	 "| 0>1 1228800"},
	{"what is held counts in its own group", "lab",
	 RGB "a=cap:capture/h=system/camping=2 b=out:output/h=cma/camping=4",
	 "copies 1228800 | system XR24 2560 1228800 3 (a,copy) | cma XR24 2560 1228800 5 (b,copy) "
	 "| 0>1 1228800"},
	{"groups keep their alternatives", "lab",
	 RGB "a=cap:capture/h=system b=out:output/alt=(h=nowhere|h=cma)",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 b=1 "
	 "(b,copy) | 0>1 1228800"},
	{"groups with copies are linear", "lab",
	 ASK "a=gpu:render/h=system/f=XR24:1,XR24/layouts=XR24:1:1000000:0+2560+1000000 "
	     "b=disp:scanout/h=cma/f=XR24:*",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| 0>1 1228800"},
	{"of equal bytes the format of the lower places",
	 "lab cap:capture/f=AR24 out:output/f=AR24",
	 ASK "a=cap:capture/h=system/f=XR24,AR24 b=out:output/h=cma/f=XR24,AR24",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 2 (b,copy) "
	 "| 0>1 1228800"},
	{"of equal bytes and places the lower fourcc", "lab cap:capture/f=AR24 out:output/f=AR24",
	 ASK "a=cap:capture/h=system/f=XR24,AR24 b=out:output/h=cma/f=AR24,XR24",
	 "copies 1228800 | system AR24 2560 1228800 2 (a,copy) | cma AR24 2560 1228800 2 (b,copy) "
	 "| 0>1 1228800"},
	{"protected memory beside the CPU", "lab",
	 ASK "f=NV12 a=vpu:capture/protected=1 b=:cpu/usage=read",
	 "Conflict a:protected@protected b:protected@reaches-protected"},
	{"contiguous memory of which there is too little for all",
	 "lab -system -wc -udmabuf -safe cma/buffer-bytes-max=1228800 "
	 "+page:heap/contiguous=1/cached=1/maintenance=attachments/address-bits=30"
	 "/capacity-bytes=1228800",
	 RGB "a=contig:capture/h=page b=out:output/h=cma/camping=2",
	 "Conflict a:heaps@allowed-heaps b:count@camping format@formats capacity@capacity-bytes"},
	{"eight participants are split exactly", "lab",
	 RGB "a=cap:capture/h=system b=out:output/h=cma c=out:output/h=cma d=out:output/h=cma "
	     "e=out:output/h=cma g=out:output/h=cma i=out:output/h=cma j=out:output/h=cma",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 8 "
	 "(b,c,d,e,g,i,j,copy) | 0>1 1228800"},
	{"nine are split, and it is said that the search was cut short", "lab",
	 RGB "a=cap:capture/h=system b=out:output/h=cma c=out:output/h=cma d=out:output/h=cma "
	     "e=out:output/h=cma g=out:output/h=cma i=out:output/h=cma j=out:output/h=cma "
	     "k=out:output/h=cma",
	 "copies 1228800 inexact | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 1228800 9 "
	 "(b,c,d,e,g,i,j,k,copy) | 0>1 1228800",
	 .details = "exact=0"},
	{"a hop says whose frames it carries, and for whom", "lab",
	 RGB "a=cap:capture/h=system b=cap:capture/h=system c=out:output/h=system "
	     "d=out:output/h=cma e=out:output/h=cma/reads-from=b g=out:output/h=cma/usage=none",
	 "copies 1228800 | system XR24 2560 1228800 4 (a,b,c,copy) | cma XR24 2560 1228800 3 "
	 "(d,e,g,copy) | 0>1 1228800",
	 .details = "hop0.producers=a,b hop0.consumers=d,e"},
	{"a hop carries no frames of who feeds nobody there", "lab",
	 RGB "a=cap:capture/h=system b=cap:capture/h=system c=out:output/h=system "
	     "d=out:output/h=cma/reads-from=b",
	 "copies 1228800 | system XR24 2560 1228800 4 (a,b,c,copy) | cma XR24 2560 1228800 2 "
	 "(d,copy) | 0>1 1228800",
	 .details = "hop0.producers=b hop0.consumers=d"},
	{"further sizes are those of a group", "lab",
	 RGB "a=cap:capture/h=system/width-max=640 b=out:output/h=cma/sizes=1280x720",
	 "copies 1228800 | system XR24 2560 1228800 2 (a,copy) | cma XR24 2560 3686400 2 (b,copy) "
	 "| 0>1 1228800"},
	{"two that hold more than there can be hold them apart", "lab",
	 RGB "a=cap:capture/camping=40 b=out:output/camping=40",
	 "copies 1228800 | system XR24 2560 1228800 41 (a,copy) | system XR24 2560 1228800 41 "
	 "(b,copy) | 0>1 1228800"},
	{"two that need another pair of rows in memory", "lab cap:capture/f.height-align=64",
	 ASK "f=NV12 a=cap:capture b=out:output",
	 "copies 491520 | system NV12 640 491520 2 (a,copy) | system NV12 640 460800 2 (b,copy) | "
	 "0>1 491520"},
	{"who needs contiguous memory gets it alone, where the others may not have it", "lab",
	 RGB "a=contig:capture b=out:output/-h=is:contiguous",
	 "copies 1228800 | cma XR24 2560 1228800 2 (a,copy) | system XR24 2560 1228800 2 (b,copy) "
	 "| 0>1 1228800"},
	{"no copies into buffers of nobody: who refuses foreign buffers",
	 "lab out:output/imports=0", RGB "a=cap:capture b=out:output",
	 "Conflict b:device@device.imports"},
	{"bounce buffers are allowed in a group as in a request", "lab -safe machine/bounce=reach",
	 RGB "allow-bounce=1 a=cap32:capture/-h=cma b=out:output/h=cma",
	 "copies 1228800 | system XR24 2560 1228800 2 a:bounced (a,copy) | cma XR24 2560 1228800 2 "
	 "(b,copy) | 0>1 1228800"},
	{NULL},
};
