/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for a render node, on machines without one: libva-drm makes a display of a DRM node
 * only, and asks libdrm whether a file is one. Programs that are linked with this answer that any
 * file is. Only the stand-in driver can do anything with it.
 */
#include <xf86drm.h>

int drmGetNodeTypeFromFd(int fd)
{
	return fd < 0 ? -1 : DRM_NODE_RENDER;
}
