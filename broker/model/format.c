/* SPDX-License-Identifier: MIT */
/*
 * The table of linear formats: one row for the same bytes, whatever V4L2, DRM and VA call them. DRM
 * names the components of a little-endian word from its highest bit, V4L2 names most formats by the
 * order of bytes in memory, VA too where the name is of letters.
 *
 *   DRM    include/uapi/drm/drm_fourcc.h of Linux 6.12; all but what has no linear layout
 *          (YUV420_8BIT, YUV420_10BIT, VUY101010) and blocks of two rows (Y0L0, X0L0, Y0L2, X0L2)
 *   V4L2   include/uapi/linux/videodev2.h and Documentation/userspace-api/media/v4l/pixfmt-*.rst of
 *          Linux 6.12; all of pixels in one memory object but tiles, M420 (which mixes planes by
 *          rows), and what is not documented (Y04, Y06, YYUV, HI24) or has no rows of pixels (UV8,
 *          INZI, streams)
 *   VA     va/va.h of libva 2.13; where what it says of the order in memory is certain
 *
 * The planes are those of drivers/gpu/drm/drm_fourcc.c and drivers/media/v4l2-core/v4l2-common.c:
 * tests/unit/formats.sh compares. What V4L2 alone knows keeps its V4L2 name, unless DRM uses that
 * for something else: such rows have a name of ours.
 */
#include "broker/model/format.h"

#include <stdio.h>

#include "broker/model/arith.h"

#define C(a, b, c, d) \
	((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))
/* big-endian, in V4L2 as in DRM */
#define BIG(a, b, c, d) (C(a, b, c, d) | (1u << 31))
#define NONE 0

/* clang-format off */

/* Planes: bytes of a block and pixels in it; of further planes the rows of the picture as well. */
#define PACKED(bytes)         BLOCKS(bytes, 1)
#define BLOCKS(bytes, width)  1, {{bytes, width, 1}}
#define TWO(bytes, width, bytes1, width1, rows1) \
	2, {{bytes, width, 1}, {bytes1, width1, rows1}}
#define THREE(bytes, width, rows) \
	3, {{bytes, 1, 1}, {bytes, width, rows}, {bytes, width, rows}}

/* Rows: X(name, fourcc, preferred V4L2, other V4L2, VA, DRM has the name, planes) */
#define ALL(X, name, code, v4l2, old, va, ...)  X(name, code, v4l2, old, va, true, __VA_ARGS__)
#define BOTH(X, name, code, v4l2, va, ...)      X(name, code, v4l2, NONE, va, true, __VA_ARGS__)
#define SAME(X, name, code, va, ...)            X(name, code, code, NONE, va, true, __VA_ARGS__)
#define DRM(X, name, code, va, ...)             X(name, code, NONE, NONE, va, true, __VA_ARGS__)
#define V4L2(X, name, code, ...)                X(name, code, code, NONE, NONE, false, __VA_ARGS__)
#define V4L2_AS(X, name, code, v4l2, old, ...)  X(name, code, v4l2, old, NONE, false, __VA_ARGS__)

#define FORMATS(X) \
	/* colour indices, darkness, one component */                                           \
	DRM(X, C1, C('C', '1', ' ', ' '), NONE, BLOCKS(1, 8))                                   \
	DRM(X, C2, C('C', '2', ' ', ' '), NONE, BLOCKS(1, 4))                                   \
	DRM(X, C4, C('C', '4', ' ', ' '), NONE, BLOCKS(1, 2))                                   \
	DRM(X, D1, C('D', '1', ' ', ' '), NONE, BLOCKS(1, 8))                                   \
	DRM(X, D2, C('D', '2', ' ', ' '), NONE, BLOCKS(1, 4))                                   \
	DRM(X, D4, C('D', '4', ' ', ' '), NONE, BLOCKS(1, 2))                                   \
	DRM(X, R1, C('R', '1', ' ', ' '), NONE, BLOCKS(1, 8))                                   \
	DRM(X, R2, C('R', '2', ' ', ' '), NONE, BLOCKS(1, 4))                                   \
	DRM(X, R4, C('R', '4', ' ', ' '), NONE, BLOCKS(1, 2))                                   \
	BOTH(X, C8, C('C', '8', ' ', ' '), C('P', 'A', 'L', '8'), NONE, PACKED(1))              \
	DRM(X, D8, C('D', '8', ' ', ' '), NONE, PACKED(1))                                      \
	BOTH(X, R8, C('R', '8', ' ', ' '), C('G', 'R', 'E', 'Y'),                               \
	    C('Y', '8', '0', '0'), PACKED(1))                                                   \
	BOTH(X, R10, C('R', '1', '0', ' '), C('Y', '1', '0', ' '), NONE, PACKED(2))             \
	BOTH(X, R12, C('R', '1', '2', ' '), C('Y', '1', '2', ' '), NONE, PACKED(2))             \
	BOTH(X, R16, C('R', '1', '6', ' '), C('Y', '1', '6', ' '),                              \
	    C('Y', '1', '6', ' '), PACKED(2))                                                   \
	/* two components */                                                                    \
	DRM(X, RG88, C('R', 'G', '8', '8'), NONE, PACKED(2))                                    \
	DRM(X, GR88, C('G', 'R', '8', '8'), NONE, PACKED(2))                                    \
	DRM(X, RG1616, C('R', 'G', '3', '2'), NONE, PACKED(4))                                  \
	DRM(X, GR1616, C('G', 'R', '3', '2'), NONE, PACKED(4))                                  \
	/* RGB in 8 and 16 bits */                                                              \
	BOTH(X, RGB332, C('R', 'G', 'B', '8'), C('R', 'G', 'B', '1'), NONE, PACKED(1))          \
	DRM(X, BGR233, C('B', 'G', 'R', '8'), NONE, PACKED(1))                                  \
	ALL(X, XRGB4444, C('X', 'R', '1', '2'), C('X', 'R', '1', '2'),                          \
	    C('R', '4', '4', '4'), NONE, PACKED(2))                                             \
	SAME(X, XBGR4444, C('X', 'B', '1', '2'), NONE, PACKED(2))                               \
	SAME(X, RGBX4444, C('R', 'X', '1', '2'), NONE, PACKED(2))                               \
	SAME(X, BGRX4444, C('B', 'X', '1', '2'), NONE, PACKED(2))                               \
	SAME(X, ARGB4444, C('A', 'R', '1', '2'), NONE, PACKED(2))                               \
	SAME(X, ABGR4444, C('A', 'B', '1', '2'), NONE, PACKED(2))                               \
	SAME(X, RGBA4444, C('R', 'A', '1', '2'), NONE, PACKED(2))                               \
	BOTH(X, BGRA4444, C('B', 'A', '1', '2'), C('G', 'A', '1', '2'), NONE, PACKED(2))        \
	ALL(X, XRGB1555, C('X', 'R', '1', '5'), C('X', 'R', '1', '5'),                          \
	    C('R', 'G', 'B', 'O'), NONE, PACKED(2))                                             \
	SAME(X, XBGR1555, C('X', 'B', '1', '5'), NONE, PACKED(2))                               \
	SAME(X, RGBX5551, C('R', 'X', '1', '5'), NONE, PACKED(2))                               \
	SAME(X, BGRX5551, C('B', 'X', '1', '5'), NONE, PACKED(2))                               \
	SAME(X, ARGB1555, C('A', 'R', '1', '5'), NONE, PACKED(2))                               \
	SAME(X, ABGR1555, C('A', 'B', '1', '5'), NONE, PACKED(2))                               \
	SAME(X, RGBA5551, C('R', 'A', '1', '5'), NONE, PACKED(2))                               \
	SAME(X, BGRA5551, C('B', 'A', '1', '5'), NONE, PACKED(2))                               \
	BOTH(X, RGB565, C('R', 'G', '1', '6'), C('R', 'G', 'B', 'P'),                           \
	    C('R', 'G', '1', '6'), PACKED(2))                                                   \
	DRM(X, BGR565, C('B', 'G', '1', '6'), C('B', 'G', '1', '6'), PACKED(2))                 \
	/* RGB of 8 bits: RGB888 is B G R in memory, BGR24 in the words of V4L2 */              \
	BOTH(X, RGB888, C('R', 'G', '2', '4'), C('B', 'G', 'R', '3'), NONE, PACKED(3))          \
	BOTH(X, BGR888, C('B', 'G', '2', '4'), C('R', 'G', 'B', '3'), NONE, PACKED(3))          \
	ALL(X, XRGB8888, C('X', 'R', '2', '4'), C('X', 'R', '2', '4'),                          \
	    C('B', 'G', 'R', '4'), C('B', 'G', 'R', 'X'), PACKED(4))                            \
	SAME(X, XBGR8888, C('X', 'B', '2', '4'), C('R', 'G', 'B', 'X'), PACKED(4))              \
	SAME(X, RGBX8888, C('R', 'X', '2', '4'), C('X', 'B', 'G', 'R'), PACKED(4))              \
	ALL(X, BGRX8888, C('B', 'X', '2', '4'), C('B', 'X', '2', '4'),                          \
	    C('R', 'G', 'B', '4'), C('X', 'R', 'G', 'B'), PACKED(4))                            \
	SAME(X, ARGB8888, C('A', 'R', '2', '4'), C('B', 'G', 'R', 'A'), PACKED(4))              \
	SAME(X, ABGR8888, C('A', 'B', '2', '4'), C('R', 'G', 'B', 'A'), PACKED(4))              \
	SAME(X, RGBA8888, C('R', 'A', '2', '4'), C('A', 'B', 'G', 'R'), PACKED(4))              \
	SAME(X, BGRA8888, C('B', 'A', '2', '4'), C('A', 'R', 'G', 'B'), PACKED(4))              \
	/* RGB of 10 bits */                                                                    \
	DRM(X, XRGB2101010, C('X', 'R', '3', '0'), C('X', 'R', '3', '0'), PACKED(4))            \
	DRM(X, XBGR2101010, C('X', 'B', '3', '0'), C('X', 'B', '3', '0'), PACKED(4))            \
	SAME(X, RGBX1010102, C('R', 'X', '3', '0'), NONE, PACKED(4))                            \
	DRM(X, BGRX1010102, C('B', 'X', '3', '0'), NONE, PACKED(4))                             \
	SAME(X, ARGB2101010, C('A', 'R', '3', '0'), C('A', 'R', '3', '0'), PACKED(4))           \
	DRM(X, ABGR2101010, C('A', 'B', '3', '0'), C('A', 'B', '3', '0'), PACKED(4))            \
	SAME(X, RGBA1010102, C('R', 'A', '3', '0'), NONE, PACKED(4))                            \
	DRM(X, BGRA1010102, C('B', 'A', '3', '0'), NONE, PACKED(4))                             \
	/* RGB of 16 bits; DRM's names for those of 48 are younger than 6.12 */                 \
	BOTH(X, RGB161616, C('R', 'G', '4', '8'), C('B', 'G', 'R', '6'), NONE, PACKED(6))       \
	BOTH(X, BGR161616, C('B', 'G', '4', '8'), C('R', 'G', 'B', '6'), NONE, PACKED(6))       \
	DRM(X, XRGB16161616, C('X', 'R', '4', '8'), NONE, PACKED(8))                            \
	DRM(X, XBGR16161616, C('X', 'B', '4', '8'), NONE, PACKED(8))                            \
	DRM(X, ARGB16161616, C('A', 'R', '4', '8'), NONE, PACKED(8))                            \
	DRM(X, ABGR16161616, C('A', 'B', '4', '8'), NONE, PACKED(8))                            \
	DRM(X, XRGB16161616F, C('X', 'R', '4', 'H'), NONE, PACKED(8))                           \
	DRM(X, XBGR16161616F, C('X', 'B', '4', 'H'), NONE, PACKED(8))                           \
	DRM(X, ARGB16161616F, C('A', 'R', '4', 'H'), NONE, PACKED(8))                           \
	DRM(X, ABGR16161616F, C('A', 'B', '4', 'H'), NONE, PACKED(8))                           \
	DRM(X, AXBXGXRX106106106106, C('A', 'B', '1', '0'), NONE, PACKED(8))                    \
	/* packed YUV 4:4:4; AYUV and XYUV of V4L2 are others */                                \
	BOTH(X, AYUV, C('A', 'Y', 'U', 'V'), C('V', 'U', 'Y', 'A'),                             \
	    C('A', 'Y', 'U', 'V'), PACKED(4))                                                   \
	BOTH(X, XYUV8888, C('X', 'Y', 'U', 'V'), C('V', 'U', 'Y', 'X'),                         \
	    C('X', 'Y', 'U', 'V'), PACKED(4))                                                   \
	BOTH(X, AVUY8888, C('A', 'V', 'U', 'Y'), C('Y', 'U', 'V', 'A'), NONE, PACKED(4))        \
	BOTH(X, XVUY8888, C('X', 'V', 'U', 'Y'), C('Y', 'U', 'V', 'X'), NONE, PACKED(4))        \
	BOTH(X, VUY888, C('V', 'U', '2', '4'), C('Y', 'U', 'V', '3'), NONE, PACKED(3))          \
	DRM(X, Y410, C('Y', '4', '1', '0'), C('Y', '4', '1', '0'), PACKED(4))                   \
	DRM(X, Y412, C('Y', '4', '1', '2'), C('Y', '4', '1', '2'), PACKED(8))                   \
	DRM(X, Y416, C('Y', '4', '1', '6'), C('Y', '4', '1', '6'), PACKED(8))                   \
	DRM(X, XVYU2101010, C('X', 'V', '3', '0'), NONE, PACKED(4))                             \
	DRM(X, XVYU12_16161616, C('X', 'V', '3', '6'), NONE, PACKED(8))                         \
	DRM(X, XVYU16161616, C('X', 'V', '4', '8'), NONE, PACKED(8))                            \
	/* packed YUV 4:2:2 */                                                                  \
	SAME(X, YUYV, C('Y', 'U', 'Y', 'V'), C('Y', 'U', 'Y', '2'), BLOCKS(4, 2))               \
	SAME(X, YVYU, C('Y', 'V', 'Y', 'U'), C('Y', 'V', 'Y', 'U'), BLOCKS(4, 2))               \
	SAME(X, UYVY, C('U', 'Y', 'V', 'Y'), C('U', 'Y', 'V', 'Y'), BLOCKS(4, 2))               \
	SAME(X, VYUY, C('V', 'Y', 'U', 'Y'), C('V', 'Y', 'U', 'Y'), BLOCKS(4, 2))               \
	SAME(X, Y210, C('Y', '2', '1', '0'), C('Y', '2', '1', '0'), BLOCKS(8, 2))               \
	SAME(X, Y212, C('Y', '2', '1', '2'), C('Y', '2', '1', '2'), BLOCKS(8, 2))               \
	SAME(X, Y216, C('Y', '2', '1', '6'), C('Y', '2', '1', '6'), BLOCKS(8, 2))               \
	/* a plane of colour and one of alpha */                                                \
	DRM(X, XRGB8888_A8, C('X', 'R', 'A', '8'), NONE, TWO(4, 1, 1, 1, 1))                    \
	DRM(X, XBGR8888_A8, C('X', 'B', 'A', '8'), NONE, TWO(4, 1, 1, 1, 1))                    \
	DRM(X, RGBX8888_A8, C('R', 'X', 'A', '8'), NONE, TWO(4, 1, 1, 1, 1))                    \
	DRM(X, BGRX8888_A8, C('B', 'X', 'A', '8'), NONE, TWO(4, 1, 1, 1, 1))                    \
	DRM(X, RGB888_A8, C('R', '8', 'A', '8'), NONE, TWO(3, 1, 1, 1, 1))                      \
	DRM(X, BGR888_A8, C('B', '8', 'A', '8'), NONE, TWO(3, 1, 1, 1, 1))                      \
	DRM(X, RGB565_A8, C('R', '5', 'A', '8'), NONE, TWO(2, 1, 1, 1, 1))                      \
	DRM(X, BGR565_A8, C('B', '5', 'A', '8'), NONE, TWO(2, 1, 1, 1, 1))                      \
	/* semi-planar; V4L2's names NV15 and NV20 are younger than 6.12 */                     \
	SAME(X, NV12, C('N', 'V', '1', '2'), C('N', 'V', '1', '2'), TWO(1, 1, 2, 2, 2))         \
	SAME(X, NV21, C('N', 'V', '2', '1'), C('N', 'V', '2', '1'), TWO(1, 1, 2, 2, 2))         \
	SAME(X, NV16, C('N', 'V', '1', '6'), C('P', '2', '0', '8'), TWO(1, 1, 2, 2, 1))         \
	SAME(X, NV61, C('N', 'V', '6', '1'), NONE, TWO(1, 1, 2, 2, 1))                          \
	SAME(X, NV24, C('N', 'V', '2', '4'), NONE, TWO(1, 1, 2, 1, 1))                          \
	SAME(X, NV42, C('N', 'V', '4', '2'), NONE, TWO(1, 1, 2, 1, 1))                          \
	SAME(X, NV15, C('N', 'V', '1', '5'), NONE, TWO(5, 4, 5, 4, 2))                          \
	SAME(X, NV20, C('N', 'V', '2', '0'), NONE, TWO(5, 4, 5, 4, 1))                          \
	DRM(X, NV30, C('N', 'V', '3', '0'), NONE, TWO(5, 4, 5, 2, 1))                           \
	SAME(X, P010, C('P', '0', '1', '0'), C('P', '0', '1', '0'), TWO(2, 1, 4, 2, 2))         \
	SAME(X, P012, C('P', '0', '1', '2'), C('P', '0', '1', '2'), TWO(2, 1, 4, 2, 2))         \
	DRM(X, P016, C('P', '0', '1', '6'), C('P', '0', '1', '6'), TWO(2, 1, 4, 2, 2))          \
	DRM(X, P210, C('P', '2', '1', '0'), NONE, TWO(2, 1, 4, 2, 1))                           \
	DRM(X, P030, C('P', '0', '3', '0'), NONE, TWO(4, 3, 8, 6, 2))                           \
	/* planar */                                                                            \
	SAME(X, YUV410, C('Y', 'U', 'V', '9'), NONE, THREE(1, 4, 4))                            \
	SAME(X, YVU410, C('Y', 'V', 'U', '9'), NONE, THREE(1, 4, 4))                            \
	BOTH(X, YUV411, C('Y', 'U', '1', '1'), C('4', '1', '1', 'P'),                           \
	    C('4', '1', '1', 'P'), THREE(1, 4, 1))                                              \
	DRM(X, YVU411, C('Y', 'V', '1', '1'), NONE, THREE(1, 4, 1))                             \
	SAME(X, YUV420, C('Y', 'U', '1', '2'), C('I', '4', '2', '0'), THREE(1, 2, 2))           \
	SAME(X, YVU420, C('Y', 'V', '1', '2'), C('Y', 'V', '1', '2'), THREE(1, 2, 2))           \
	BOTH(X, YUV422, C('Y', 'U', '1', '6'), C('4', '2', '2', 'P'),                           \
	    C('4', '2', '2', 'H'), THREE(1, 2, 1))                                              \
	DRM(X, YVU422, C('Y', 'V', '1', '6'), C('Y', 'V', '1', '6'), THREE(1, 2, 1))            \
	DRM(X, YUV444, C('Y', 'U', '2', '4'), C('4', '4', '4', 'P'), THREE(1, 1, 1))            \
	DRM(X, YVU444, C('Y', 'V', '2', '4'), C('Y', 'V', '2', '4'), THREE(1, 1, 1))            \
	DRM(X, Q410, C('Q', '4', '1', '0'), NONE, THREE(2, 1, 1))                               \
	DRM(X, Q401, C('Q', '4', '0', '1'), NONE, THREE(2, 1, 1))                               \
	/* V4L2 alone: grey and depth */                                                        \
	V4L2(X, Y012, C('Y', '0', '1', '2'), PACKED(2))                                         \
	V4L2(X, Y14, C('Y', '1', '4', ' '), PACKED(2))                                          \
	V4L2(X, Y16_BE, BIG('Y', '1', '6', ' '), PACKED(2))                                     \
	V4L2(X, Y10BPACK, C('Y', '1', '0', 'B'), BLOCKS(5, 4))                                  \
	V4L2(X, Y10P, C('Y', '1', '0', 'P'), BLOCKS(5, 4))                                      \
	V4L2(X, Y12P, C('Y', '1', '2', 'P'), BLOCKS(3, 2))                                      \
	V4L2(X, Y14P, C('Y', '1', '4', 'P'), BLOCKS(7, 4))                                      \
	V4L2(X, IPU3_Y10, C('i', 'p', '3', 'y'), BLOCKS(32, 25))                                \
	V4L2(X, Y8I, C('Y', '8', 'I', ' '), PACKED(2))                                          \
	V4L2(X, Y12I, C('Y', '1', '2', 'I'), PACKED(3))                                         \
	V4L2(X, Z16, C('Z', '1', '6', ' '), PACKED(2))                                          \
	V4L2(X, CNF4, C('C', 'N', 'F', '4'), BLOCKS(1, 2))                                      \
	/* V4L2 alone: RGB, HSV; big-endian ones have bit 31, or names of their own */          \
	V4L2(X, RGB565X, C('R', 'G', 'B', 'R'), PACKED(2))                                      \
	V4L2_AS(X, XRGB555X, C('R', 'G', 'B', 'Q'), BIG('X', 'R', '1', '5'),                    \
	    C('R', 'G', 'B', 'Q'), PACKED(2))                                                   \
	V4L2(X, ARGB555X, BIG('A', 'R', '1', '5'), PACKED(2))                                   \
	V4L2_AS(X, BGR666, C('B', '6', '6', '6'), C('B', 'G', 'R', 'H'), NONE, PACKED(4))       \
	V4L2(X, BGR48_12, C('B', '3', '1', '2'), PACKED(6))                                     \
	V4L2(X, ABGR64_12, C('B', '4', '1', '2'), PACKED(8))                                    \
	V4L2(X, HSV24, C('H', 'S', 'V', '3'), PACKED(3))                                        \
	V4L2(X, HSV32, C('H', 'S', 'V', '4'), PACKED(4))                                        \
	/* V4L2 alone: packed YUV */                                                            \
	V4L2(X, YUV444_4, C('Y', '4', '4', '4'), PACKED(2))                                     \
	V4L2(X, YUV555, C('Y', 'U', 'V', 'O'), PACKED(2))                                       \
	V4L2(X, YUV565, C('Y', 'U', 'V', 'P'), PACKED(2))                                       \
	V4L2_AS(X, AYUV32, C('Y', 'U', 'V', '4'), C('A', 'Y', 'U', 'V'),                        \
	    C('Y', 'U', 'V', '4'), PACKED(4))                                                   \
	V4L2_AS(X, XYUV32, C('X', 'Y', 'U', '4'), C('X', 'Y', 'U', 'V'), NONE, PACKED(4))       \
	V4L2(X, YUV48_12, C('Y', '3', '1', '2'), PACKED(6))                                     \
	V4L2(X, Y41P, C('Y', '4', '1', 'P'), BLOCKS(12, 8))                                     \
	/* V4L2 alone: Bayer of 8 bits, and 10 bits squeezed into 8 */                          \
	V4L2(X, SBGGR8, C('B', 'A', '8', '1'), PACKED(1))                                       \
	V4L2(X, SGBRG8, C('G', 'B', 'R', 'G'), PACKED(1))                                       \
	V4L2(X, SGRBG8, C('G', 'R', 'B', 'G'), PACKED(1))                                       \
	V4L2(X, SRGGB8, C('R', 'G', 'G', 'B'), PACKED(1))                                       \
	V4L2(X, SBGGR10ALAW8, C('a', 'B', 'A', '8'), PACKED(1))                                 \
	V4L2(X, SGBRG10ALAW8, C('a', 'G', 'A', '8'), PACKED(1))                                 \
	V4L2(X, SGRBG10ALAW8, C('a', 'g', 'A', '8'), PACKED(1))                                 \
	V4L2(X, SRGGB10ALAW8, C('a', 'R', 'A', '8'), PACKED(1))                                 \
	V4L2(X, SBGGR10DPCM8, C('b', 'B', 'A', '8'), PACKED(1))                                 \
	V4L2(X, SGBRG10DPCM8, C('b', 'G', 'A', '8'), PACKED(1))                                 \
	V4L2(X, SGRBG10DPCM8, C('B', 'D', '1', '0'), PACKED(1))                                 \
	V4L2(X, SRGGB10DPCM8, C('b', 'R', 'A', '8'), PACKED(1))                                 \
	/* V4L2 alone: Bayer of 10 to 16 bits in 16 */                                          \
	V4L2(X, SBGGR10, C('B', 'G', '1', '0'), PACKED(2))                                      \
	V4L2(X, SGBRG10, C('G', 'B', '1', '0'), PACKED(2))                                      \
	V4L2(X, SGRBG10, C('B', 'A', '1', '0'), PACKED(2))                                      \
	V4L2(X, SRGGB10, C('R', 'G', '1', '0'), PACKED(2))                                      \
	V4L2(X, SBGGR12, C('B', 'G', '1', '2'), PACKED(2))                                      \
	V4L2(X, SGBRG12, C('G', 'B', '1', '2'), PACKED(2))                                      \
	V4L2_AS(X, SGRBG12, C('G', 'R', '1', '2'), C('B', 'A', '1', '2'), NONE, PACKED(2))      \
	V4L2(X, SRGGB12, C('R', 'G', '1', '2'), PACKED(2))                                      \
	V4L2(X, SBGGR14, C('B', 'G', '1', '4'), PACKED(2))                                      \
	V4L2(X, SGBRG14, C('G', 'B', '1', '4'), PACKED(2))                                      \
	V4L2(X, SGRBG14, C('G', 'R', '1', '4'), PACKED(2))                                      \
	V4L2(X, SRGGB14, C('R', 'G', '1', '4'), PACKED(2))                                      \
	V4L2(X, SBGGR16, C('B', 'Y', 'R', '2'), PACKED(2))                                      \
	V4L2(X, SGBRG16, C('G', 'B', '1', '6'), PACKED(2))                                      \
	V4L2(X, SGRBG16, C('G', 'R', '1', '6'), PACKED(2))                                      \
	V4L2_AS(X, SRGGB16, C('S', 'R', '1', '6'), C('R', 'G', '1', '6'), NONE, PACKED(2))      \
	/* V4L2 alone: Bayer without gaps */                                                    \
	V4L2(X, SBGGR10P, C('p', 'B', 'A', 'A'), BLOCKS(5, 4))                                  \
	V4L2(X, SGBRG10P, C('p', 'G', 'A', 'A'), BLOCKS(5, 4))                                  \
	V4L2(X, SGRBG10P, C('p', 'g', 'A', 'A'), BLOCKS(5, 4))                                  \
	V4L2(X, SRGGB10P, C('p', 'R', 'A', 'A'), BLOCKS(5, 4))                                  \
	V4L2(X, SBGGR12P, C('p', 'B', 'C', 'C'), BLOCKS(3, 2))                                  \
	V4L2(X, SGBRG12P, C('p', 'G', 'C', 'C'), BLOCKS(3, 2))                                  \
	V4L2(X, SGRBG12P, C('p', 'g', 'C', 'C'), BLOCKS(3, 2))                                  \
	V4L2(X, SRGGB12P, C('p', 'R', 'C', 'C'), BLOCKS(3, 2))                                  \
	V4L2(X, SBGGR14P, C('p', 'B', 'E', 'E'), BLOCKS(7, 4))                                  \
	V4L2(X, SGBRG14P, C('p', 'G', 'E', 'E'), BLOCKS(7, 4))                                  \
	V4L2(X, SGRBG14P, C('p', 'g', 'E', 'E'), BLOCKS(7, 4))                                  \
	V4L2(X, SRGGB14P, C('p', 'R', 'E', 'E'), BLOCKS(7, 4))                                  \
	V4L2(X, IPU3_SBGGR10, C('i', 'p', '3', 'b'), BLOCKS(32, 25))                            \
	V4L2(X, IPU3_SGBRG10, C('i', 'p', '3', 'g'), BLOCKS(32, 25))                            \
	V4L2(X, IPU3_SGRBG10, C('i', 'p', '3', 'G'), BLOCKS(32, 25))                            \
	V4L2(X, IPU3_SRGGB10, C('i', 'p', '3', 'r'), BLOCKS(32, 25))

/* clang-format on */

#define ROW_NAME(name, ...) ROW_##name,
enum row { FORMATS(ROW_NAME) ROWS };

#define ROW(name, code, v4l2, old, va, drm, ...) \
	[ROW_##name] = {code, {v4l2, old}, #name, va, drm, __VA_ARGS__},
static const struct format_info formats[ROWS] = {FORMATS(ROW)};

const struct format_info *format_at(size_t index)
{
	return index < ROWS ? &formats[index] : NULL;
}

/* The compiler makes a binary search of it, and refuses a name that comes twice. */
const struct format_info *format_find(uint32_t fourcc)
{
#define FIND(name, code, ...) \
	case code:            \
		return &formats[ROW_##name];
	switch (fourcc) {
		FORMATS(FIND)
	default:
		return NULL;
	}
}

/* A number that no format has, for names that are not there. */
#define NO_NAME(row) ((1ull << 32) + (row))

uint32_t format_from_v4l2(uint32_t v4l2_format)
{
#define FROM(name, code, v4l2, old, ...)                             \
	case (v4l2) != NONE ? (uint64_t)(v4l2):                      \
		NO_NAME(2u * (unsigned int)ROW_##name)               \
		    : case (old) != NONE                             \
			? (uint64_t)(old)                            \
			: NO_NAME(2u * (unsigned int)ROW_##name + 1) \
		    : return code;
	switch ((uint64_t)v4l2_format) {
		FORMATS(FROM)
	default:
		return 0;
	}
}

void format_text(uint32_t fourcc, char text[FORMAT_TEXT_BYTES])
{
	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)(fourcc >> (8 * i));

		if (c < ' ' || c > '~') {
			snprintf(text, FORMAT_TEXT_BYTES, "0x%08x", fourcc);
			return;
		}
		text[i] = (char)c;
	}
	text[4] = '\0';
}

/* Bytes of a row of plane i. A width has 32 bit, blocks a few bytes: nothing overflows here. */
static uint64_t row_bytes(const struct format_plane *plane, uint32_t width)
{
	uint64_t blocks = ((uint64_t)width + plane->block_width - 1) / plane->block_width;

	return blocks * plane->block_bytes;
}

uint32_t format_stride_min(const struct format_info *info, uint32_t width)
{
	const struct format_plane *first = &info->planes[0];
	uint64_t stride = row_bytes(first, width);

	/* the other planes' rows must fit as well: an odd width needs a whole block there */
	for (unsigned int i = 1; i < info->planes_len; i++) {
		const struct format_plane *plane = &info->planes[i];
		uint64_t times = (uint64_t)first->block_bytes * plane->block_width;
		uint64_t parts = (uint64_t)plane->block_bytes * first->block_width;

		stride = arith_max(stride, (row_bytes(plane, width) * times + parts - 1) / parts);
	}
	return stride > UINT32_MAX ? 0 : (uint32_t)stride;
}

/* The stride of plane i that belongs to `stride` of the first; 0: it is no whole number. */
static uint32_t plane_stride(const struct format_info *info, unsigned int i, uint32_t stride)
{
	const struct format_plane *first = &info->planes[0], *plane = &info->planes[i];
	uint64_t pixels = (uint64_t)stride * first->block_width * plane->block_bytes;
	uint64_t divisor = (uint64_t)first->block_bytes * plane->block_width;

	if (pixels % divisor || pixels / divisor > UINT32_MAX)
		return 0;
	return (uint32_t)(pixels / divisor);
}

bool format_layout(const struct format_info *info, uint32_t height, uint32_t stride,
		   uint64_t offset_align, struct format_layout *ret_layout)
{
	struct format_layout layout = {.planes_len = info->planes_len};

	for (unsigned int i = 0; i < info->planes_len; i++) {
		uint64_t rows = ((uint64_t)height + info->planes[i].row_height - 1) /
				info->planes[i].row_height;

		layout.stride[i] = plane_stride(info, i, stride);
		if (!layout.stride[i] || !offset_align ||
		    !arith_align(layout.total, offset_align, &layout.offset[i]) ||
		    !arith_mul(layout.stride[i], rows, &layout.bytes[i]) ||
		    !arith_add(layout.offset[i], layout.bytes[i], &layout.total))
			return false;
	}
	*ret_layout = layout;
	return true;
}
