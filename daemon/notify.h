/* SPDX-License-Identifier: MIT */
/* What the service manager is told, if there is one and libsystemd was found at build time. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_stopping(void);
void notify_watchdog(void);

/* How often notify_watchdog is due; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
