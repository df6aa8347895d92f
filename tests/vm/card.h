/* SPDX-License-Identifier: MIT */
/*
 * A display of examples/display.h that is looked at through its writeback connector. As there, the
 * process ends at the first error.
 */
#ifndef CARD_H
#define CARD_H

#include <stdint.h>

#include "examples/display.h"
#include "examples/picture.h"

#define CARD_WAIT_MS 10000

/* Makes a framebuffer out of a dma-buf, as any program does. */
uint32_t card_add_framebuffer(struct display *display, const struct picture *picture, int fd);

/* Shows a framebuffer and waits until it is on the screen. */
void card_show(struct display *display, uint32_t framebuffer);

/* Waits until the card itself does not use a framebuffer any more, which it may for a moment after
 * another is on the screen. */
void card_wait_free(const struct display *display, uint32_t framebuffer);

/* Has vkms write what it shows into a framebuffer, and waits until all is done. */
void card_write_back(struct display *display, uint32_t framebuffer);

#endif
