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
 *
 * Trials. The buffer lists one page many times, so that it is contiguous for nobody unless an IOMMU
 * or bounce buffers make it so.
 *
 *   refused   a veto: the buffer must be contiguous, whatever the memory model promises. That the
 *             used part is enough is believed of videobuf2's dma-contig, whose code says so, and
 *             where a buffer was taken of which a contiguous part was used, and neither its address
 *             nor a bounce buffer can have decided. Else all of it.
 *   taken     says something only where nothing is bounced and no IOMMU translates, and then only
 *             of a driver of which nothing else is known.
 *
 * With an IOMMU in front everything is contiguous, and a driver has no reason to refuse. One that
 * does is not behind that IOMMU, or has rules that nobody knows: it is taken as if there were none.
 */
#include "broker/probe/role.h"

#include <errno.h>
#include <string.h>

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

/* A fact that a quirk says outright, else one that follows from the model. */
static void set(struct device_role *role, unsigned int row, const struct quirk *quirk,
		enum quirk_key key, uint64_t value, enum vocab_origin origin, const char *how)
{
	if (quirk->has[key]) {
		fact_number(role, row, quirk->number[key], VOCAB_QUIRK);
		fact_how(role, ROLE_HOW, row, "%s", quirk->how[key]);
		return;
	}
	fact_number(role, row, value, origin);
	fact_how(role, ROLE_HOW, row, "%s", how);
}

void role_set_memory_model(struct device_role *role, enum memory_model model,
			   enum vocab_origin origin, const char *how, const struct quirk *quirk)
{
	if (model == MEMORY_MODEL_UNKNOWN) {
		origin = VOCAB_ASSUMED;
		how = "the memory model is not known: the safe side";
	} else {
		fact_number(role, ROLE_MEMORY_MODEL, model, origin);
		fact_how(role, ROLE_HOW, ROLE_MEMORY_MODEL, "%s", how);
		how = "follows from the memory model";
	}
	set(role, ROLE_CONTIGUITY, quirk, QUIRK_CONTIGUITY, contiguity_of(model), origin, how);
	fact_number(role, ROLE_DMA_MAPS, model != MEMORY_MODEL_VMALLOC, origin);
	fact_how(role, ROLE_HOW, ROLE_DMA_MAPS, "%s", how);
	if (model != MEMORY_MODEL_UNKNOWN || quirk->has[QUIRK_CPU_COPIES])
		set(role, ROLE_CPU_COPIES, quirk, QUIRK_CPU_COPIES, model == MEMORY_MODEL_VMALLOC,
		    origin, how);
}

void role_set_quirks(struct device_role *role, const struct quirk *quirk)
{
	static const struct {
		enum quirk_key key;
		unsigned int row;
	} facts[] = {
		{QUIRK_IMPORTS, ROLE_IMPORTS},
		{QUIRK_OFFSET_ALIGN, ROLE_OFFSET_ALIGN},
		{QUIRK_SEGMENT_BYTES_MAX, ROLE_SEGMENT_BYTES_MAX},
		{QUIRK_SEGMENTS_MAX, ROLE_SEGMENTS_MAX},
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (!quirk->has[facts[i].key])
			continue;
		fact_number(role, facts[i].row, quirk->number[facts[i].key], VOCAB_QUIRK);
		fact_how(role, ROLE_HOW, facts[i].row, "%s", quirk->how[facts[i].key]);
	}
}

/* --- trials --- */

/* videobuf2 answers EFAULT for what is not contiguous, after the pages were mapped for the device.
 */
static bool address_may_explain(const struct role_trial *trial)
{
	return !trial->reaches_all && !trial->translated && trial->refusal != EFAULT;
}

static enum contiguity contiguity_of_refusal(const struct device_role *role,
					     const struct role_trial *trial)
{
	if (trial->used == TRIAL_REFUSED && !address_may_explain(trial))
		return CONTIGUITY_WHOLE;
	if (vocab_number(role, ROLE_MEMORY_MODEL) == MEMORY_MODEL_DMA_CONTIG)
		return CONTIGUITY_USED;
	if (trial->used == TRIAL_TAKEN && trial->excludes_bounce && !address_may_explain(trial))
		return CONTIGUITY_USED;
	return CONTIGUITY_WHOLE;
}

static const char *name_error(uint32_t error)
{
	const char *name = error ? strerrorname_np((int)error) : NULL;

	return name ? name : "no error";
}

static void take_refusal(struct device_role *role, const struct role_trial *trial)
{
	static const char *const used[] = {
		[TRIAL_NOT_MADE] = "",
		[TRIAL_TAKEN] = ", its first page alone is taken",
		[TRIAL_REFUSED] = ", its first page alone as well",
	};

	fact_number(role, ROLE_CONTIGUITY, contiguity_of_refusal(role, trial), VOCAB_MEASURED);
	fact_how(role, ROLE_HOW, ROLE_CONTIGUITY,
		 ROLE_TRIAL_HOW " one page many times is refused (%s)%s%s",
		 name_error(trial->refusal), used[trial->used],
		 address_may_explain(trial) ? "; perhaps for the page's address" : "");
}

static const char *value_of_acceptance(const struct device_role *role,
				       const struct role_trial *trial)
{
	if (vocab_has(role, ROLE_MEMORY_MODEL))
		return vocab_number(role, ROLE_CONTIGUITY) == CONTIGUITY_NONE
			       ? ", as the memory model says"
			       : ", but the memory model counts";
	if (trial->translated)
		return ", which proves nothing behind an IOMMU: the safe side";
	if (!trial->excludes_bounce)
		return ", which proves nothing where buffers may be bounced: the safe side";
	return ", and nothing is bounced";
}

static void take_acceptance(struct device_role *role, const struct role_trial *trial)
{
	fact_how(role, ROLE_HOW, ROLE_CONTIGUITY, ROLE_TRIAL_HOW " one page many times is taken%s",
		 value_of_acceptance(role, trial));
	if (!vocab_has(role, ROLE_MEMORY_MODEL) && trial->excludes_bounce && !trial->translated)
		fact_number(role, ROLE_CONTIGUITY, CONTIGUITY_NONE, VOCAB_MEASURED);
}

bool role_take_trial(struct device_role *role, const struct role_trial *trial)
{
	if (trial->scattered == TRIAL_REFUSED)
		take_refusal(role, trial);
	else if (trial->scattered == TRIAL_TAKEN)
		take_acceptance(role, trial);
	return trial->scattered == TRIAL_REFUSED && trial->translated;
}
