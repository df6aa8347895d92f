/* SPDX-License-Identifier: MIT */
/*
 * What follows from how a driver keeps its buffers. A fact that follows from another has the
 * other's origin.
 *
 *   vmalloc       the CPU copies; nothing is mapped for DMA; scattered memory will do
 *   dma-contig    mapped; the part that is used must be one run (vb2_dc_get_contiguous_size)
 *   gem-dma       mapped; all of the dma-buf must be one run
 *   dma-sg, gem-shmem, own-mmu    mapped; scattered memory will do
 *   unknown       mapped, and all of it one run: the safe side
 */
#include "broker/probe/role.h"

#include "broker/probe/fact.h"

static enum contiguity contiguity_of(enum memory_model model)
{
	switch (model) {
	case MEMORY_MODEL_VMALLOC:
	case MEMORY_MODEL_DMA_SG:
	case MEMORY_MODEL_GEM_SHMEM:
	case MEMORY_MODEL_OWN_MMU:
		return CONTIGUITY_NONE;
	case MEMORY_MODEL_DMA_CONTIG:
		return CONTIGUITY_USED;
	case MEMORY_MODEL_UNKNOWN:
	case MEMORY_MODEL_GEM_DMA:
	case MEMORY_MODEL_DEVICE:
		break;
	}
	return CONTIGUITY_WHOLE;
}

static void set_cpu_copies(struct device_role *role, enum memory_model model,
			   enum vocab_origin origin, const struct quirk *quirk)
{
	if (quirk && quirk->cpu_copies)
		fact_number(role, ROLE_CPU_COPIES, quirk->cpu_copies == QUIRK_YES, VOCAB_QUIRK);
	else if (model != MEMORY_MODEL_UNKNOWN)
		fact_number(role, ROLE_CPU_COPIES, model == MEMORY_MODEL_VMALLOC, origin);
}

void role_set_memory_model(struct device_role *role, enum memory_model model,
			   enum vocab_origin origin, const struct quirk *quirk)
{
	if (model == MEMORY_MODEL_UNKNOWN)
		origin = VOCAB_ASSUMED;
	else
		fact_number(role, ROLE_MEMORY_MODEL, model, origin);
	fact_number(role, ROLE_CONTIGUITY, contiguity_of(model), origin);
	fact_number(role, ROLE_DMA_MAPS, model != MEMORY_MODEL_VMALLOC, origin);
	set_cpu_copies(role, model, origin, quirk);
}
