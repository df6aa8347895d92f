/* SPDX-License-Identifier: MIT */
/* What /proc/PID/fdinfo tells of a dma-buf. */
#ifndef PROBE_FDINFO_H
#define PROBE_FDINFO_H

#include <stddef.h>
#include <stdio.h>

/* The name of the exporter, cut to size. Errors: -ENOENT: it is no dma-buf. */
int fdinfo_exporter(FILE *fdinfo, char *name, size_t size);

#endif
