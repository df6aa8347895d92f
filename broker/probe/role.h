/* SPDX-License-Identifier: MIT */
/* What follows from how a driver keeps its buffers, and from what trials have shown of it. */
#ifndef PROBE_ROLE_H
#define PROBE_ROLE_H

#include "broker/model/descriptor.h"
#include "broker/probe/quirks.h"
#include "broker/probe/trial.h"

/* Memory model, and contiguity, CPU copies and DMA mapping as they follow from it, or as quirks
 * say. `model` may be unknown; `how` says how it was obtained. */
void role_set_memory_model(struct device_role *role, enum memory_model model,
			   enum vocab_origin origin, const char *how, const struct quirk *quirk);

/* What quirks say besides: imports, alignment of offsets, pieces. */
void role_set_quirks(struct device_role *role, const struct quirk *quirk);

/* How the contiguity of a role begins after a trial, whatever it has shown. */
#define ROLE_TRIAL_HOW "trial:"

/* A verdict on scattered memory, and what it is worth. */
struct role_trial {
	enum trial_verdict scattered; /* a buffer that nobody can take for contiguous */
	enum trial_verdict used;      /* only a contiguous part of it used */
	uint32_t refusal;	      /* why `scattered` was refused: a positive errno */
	bool reaches_all;	      /* platform_reaches_all */
	bool excludes_bounce;	      /* platform_excludes_bounce */
	bool translated;	      /* an IOMMU translates for the device */
};

/*
 * Takes a verdict into account after role_set_memory_model: a refusal is a veto, an acceptance
 * counts where it proves something and nothing better is known. Returns whether the verdict shows
 * that no IOMMU serves the imports, though `translated` says so.
 */
bool role_take_trial(struct device_role *role, const struct role_trial *trial);

#endif
