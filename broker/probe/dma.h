/* SPDX-License-Identifier: MIT */
/* What is said of a device's DMA: its coherency, reach, IOMMU and bouncing, with how. */
#ifndef PROBE_DMA_H
#define PROBE_DMA_H

#include "broker/probe/subject.h"

#define DMA_HOW_BYTES 256

/* A fact, before it is written. ABSENT: not known, and `how` says why. */
struct dma_fact {
	uint64_t value;
	enum vocab_origin origin;
	char how[DMA_HOW_BYTES];
};

/* Of one device, or of several at their worst. */
struct dma {
	struct dma_fact coherency; /* enum coherency */
	struct dma_fact bits;
	struct dma_fact last; /* highest CPU address; ABSENT, without how: bits alone count */
	struct dma_fact iommu;
	struct dma_fact bounced;
};

void dma_measure(struct platform *platform, const struct subject *subject, struct dma *ret);

/* Makes `worst` what is certain of both. */
void dma_merge(struct dma *worst, const struct dma *other);

__attribute__((format(printf, 4, 5))) void
dma_say(struct dma_fact *fact, uint64_t value, enum vocab_origin origin, const char *format, ...);

/* What the machine bounces; UNKNOWN of a machine of which nothing is known. */
enum bounce dma_bounce(const struct machine *machine);

/* Whether the machine's memory is known to end within so many bits, and at or below `last`. */
bool dma_holds_memory(const struct machine *machine, uint64_t bits, uint64_t last);

#endif
