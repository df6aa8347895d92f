/* SPDX-License-Identifier: MIT */
/* Drawings by Graphviz, where this was built with it. */
#ifndef CTL_SVG_H
#define CTL_SVG_H

#include "ctl/ctl.h"

/* Draws a graph in the language of Graphviz as SVG. Returns owned in `*ret_svg`; free() frees it.
 * Where it cannot it says why, and what to install. */
int svg_from_dot(const char *dot, char **ret_svg);

#endif
