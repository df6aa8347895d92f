/* SPDX-License-Identifier: MIT */
/*
 * DRM as far as the examples need it: one picture that fills one monitor, by atomic modesetting,
 * and the way back through a writeback connector. Ends the process on errors. Knows nothing of the
 * broker.
 */
#ifndef DISPLAY_H
#define DISPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <xf86drmMode.h>

struct display {
	int fd;
	char node[64];
	char name[64];
	uint32_t connector, writeback, crtc, plane; /* ids; writeback: 0 if there is none */
	drmModeModeInfo mode;
	bool on, flipped;
};

/* Opens and prints the card `wanted`, a node or a part of the driver's name; "": the first that has
 * a monitor with a mode of this size, one with a writeback connector preferred. */
void display_find(struct display *display, const char *wanted, uint32_t width, uint32_t height);

/* Shows a framebuffer from the next refresh on; then `fd` is readable and display_finish_flip
 * answers true. One at a time. */
void display_flip(struct display *display, uint32_t framebuffer);
bool display_finish_flip(struct display *display);

/* Has the display write what it shows into a framebuffer; the monitor goes dark if the driver
 * cannot do both. Returns a sync file that becomes readable when it is done. */
int display_write_back(struct display *display, uint32_t framebuffer);

void display_switch_off(struct display *display);

/* The inode number of the dma-buf behind a framebuffer, as the display knows it. */
uint64_t display_get_inode(struct display *display, uint32_t framebuffer);

#endif
