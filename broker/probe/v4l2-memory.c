/* SPDX-License-Identifier: MIT */
/*
 * What memory a V4L2 queue takes.
 *
 * Whether it takes foreign buffers at all, CREATE_BUFS tells: with count 0 it checks the memory
 * type, tells the queue's capabilities and how many buffers there are, and creates nothing, whoever
 * may be streaming (6.12 videobuf2-v4l2.c, vb2_ioctl_create_bufs).
 *
 * The memory model is decided by the first that knows:
 *   quirk     written down for the driver
 *   kernel    the driver's module holds exactly one of the three videobuf2 allocators
 *   measured  the exporter's name of a buffer, in a trial
 *   assumed   whole buffers contiguous, mapped for DMA
 *
 * The trial (trial-v4l2.c) takes the queue for some milliseconds, and whoever wants it meanwhile
 * gets EBUSY. So it is made where something can come of it: where the model is not known, or where
 * scattered memory is said to suit a driver's DMA, which a refusal would disprove. It is made once
 * for a device and run of ours: what it has shown is taken over from then on, and so is that it
 * has shown nothing. A queue in use is left alone, to be asked again. Of a decoder before its
 * stream nothing is tried: its buffers depend on the stream.
 */
#include <errno.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <string.h>

#include "broker/probe/fact.h"
#include "broker/probe/platform.h"
#include "broker/probe/role.h"
#include "broker/probe/sysfs.h"
#include "broker/probe/trial.h"
#include "broker/probe/v4l2.h"

#define CONTIG_LOOKS (V4L2_BUF_CAP_SUPPORTS_DMABUF | V4L2_BUF_CAP_SUPPORTS_USERPTR)

struct knowledge {
	enum memory_model model;
	enum vocab_origin origin;
	const char *how;
};

/* --- without a trial --- */

void v4l2_memory_ask(struct v4l2_queue *queue, struct v4l2_memory_facts *facts)
{
	struct v4l2_create_buffers none = {.memory = V4L2_MEMORY_DMABUF,
					   .format = {.type = queue->type}};
	int error = v4l2_ask(queue, VIDIOC_CREATE_BUFS, &none);

	facts->capabilities = error ? 0 : none.capabilities;
	facts->buffers = error ? error : none.index > INT_MAX ? INT_MAX : (int)none.index;
}

static void set_imports(const struct v4l2_memory_facts *facts, struct device_role *role)
{
	bool imports = facts->capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF;
	bool told = facts->buffers >= 0 || facts->buffers == -EINVAL;

	fact_number(role, ROLE_IMPORTS, imports, told ? VOCAB_KERNEL : VOCAB_ASSUMED);
	if (facts->buffers >= 0)
		fact_how(role, ROLE_HOW, ROLE_IMPORTS,
			 "VIDIOC_CREATE_BUFS of no buffers: capabilities 0x%x",
			 facts->capabilities);
	else
		fact_how(role, ROLE_HOW, ROLE_IMPORTS, "VIDIOC_CREATE_BUFS of no buffers: %s",
			 told ? "no such memory" : "not told");
}

/* A driver's use of an allocator that is built in leaves no trace. As each of them needs
 * videobuf2's core, none is where the core is a module itself (6.12
 * drivers/media/common/videobuf2/Kconfig). */
static enum memory_model model_by_holders(const struct measure *measure)
{
	static const struct {
		const char *directory;
		enum memory_model model;
	} allocators[] = {
		{"/sys/module/videobuf2_vmalloc/holders", MEMORY_MODEL_VMALLOC},
		{"/sys/module/videobuf2_dma_contig/holders", MEMORY_MODEL_DMA_CONTIG},
		{"/sys/module/videobuf2_dma_sg/holders", MEMORY_MODEL_DMA_SG},
	};
	const char *root = measure->options->root;
	enum memory_model model = MEMORY_MODEL_UNKNOWN;
	unsigned int held = 0;
	char module[128];

	if (!sysfs_exists(root, "/sys/module/videobuf2_common", "initstate") ||
	    sysfs_link_name(root, measure->node->sysfs, "device/driver/module", module,
			    sizeof(module)) < 0)
		return model;
	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++) {
		if (!sysfs_exists(root, allocators[i].directory, module))
			continue;
		model = allocators[i].model;
		held++;
	}
	return held == 1 ? model : MEMORY_MODEL_UNKNOWN;
}

static struct knowledge find_known(const struct measure *measure)
{
	const struct quirk *quirk = &measure->quirk;

	if (quirk->has[QUIRK_MEMORY_MODEL])
		return (struct knowledge){(enum memory_model)quirk->number[QUIRK_MEMORY_MODEL],
					  VOCAB_QUIRK, quirk->how[QUIRK_MEMORY_MODEL]};
	return (struct knowledge){model_by_holders(measure), VOCAB_KERNEL,
				  "the only videobuf2 allocator that the driver's module holds"};
}

/* --- what was measured before --- */

static const char *how_of(const struct device_role *role, unsigned int row)
{
	const char *key = vocab_role.rows[row].name;
	size_t len = strlen(key);

	for (size_t i = 0; i < role->how.len; i++)
		if (strncmp(role->how.items[i], key, len) == 0 &&
		    strncmp(role->how.items[i] + len, ": ", 2) == 0)
			return role->how.items[i] + len + 2;
	return "";
}

static void carry_fact(const struct device_role *previous, unsigned int row,
		       struct device_role *role)
{
	if (vocab_origin(previous, row) != VOCAB_MEASURED)
		return;
	fact_number(role, row, vocab_number(previous, row), VOCAB_MEASURED);
	fact_how(role, ROLE_HOW, row, "%s", how_of(previous, row));
}

/* That no IOMMU serves the device's imports was shown by a trial, too. */
static void carry_iommu(struct measure *measure)
{
	const struct device *previous = measure->previous;

	if (vocab_origin(previous, DEVICE_IOMMU) != VOCAB_MEASURED)
		return;
	fact_number(measure->device, DEVICE_IOMMU, vocab_number(previous, DEVICE_IOMMU),
		    VOCAB_MEASURED);
	fact_how(measure->device, DEVICE_HOW, DEVICE_IOMMU,
		 "a trial before: scattered memory is refused, though an IOMMU translates");
}

static bool was_tried(const struct device_role *previous)
{
	return vocab_origin(previous, ROLE_MEMORY_MODEL) == VOCAB_MEASURED ||
	       strncmp(how_of(previous, ROLE_CONTIGUITY), ROLE_TRIAL_HOW,
		       sizeof(ROLE_TRIAL_HOW) - 1) == 0;
}

/* Whether a trial was made already: then what it has shown is taken over. */
static bool carry_over(struct measure *measure, const struct device_role *previous,
		       struct device_role *role)
{
	static const unsigned int rows[] = {ROLE_MEMORY_MODEL, ROLE_CONTIGUITY, ROLE_DMA_MAPS,
					    ROLE_CPU_COPIES, ROLE_IMPORTS};

	if (!previous || !was_tried(previous))
		return false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		carry_fact(previous, rows[i], role);
	fact_how(role, ROLE_HOW, ROLE_CONTIGUITY, "%s", how_of(previous, ROLE_CONTIGUITY));
	carry_iommu(measure);
	return true;
}

/* --- the trial --- */

/* Whether a trial could tell anything new. */
static bool is_open(const struct measure *measure, const struct v4l2_memory_facts *facts,
		    const struct device_role *role)
{
	uint64_t model = vocab_number(role, ROLE_MEMORY_MODEL);

	if (!facts->has_pictures || measure->quirk.has[QUIRK_CONTIGUITY])
		return false;
	if (!vocab_number(role, ROLE_IMPORTS) && vocab_origin(role, ROLE_IMPORTS) != VOCAB_ASSUMED)
		return false;
	return model == MEMORY_MODEL_UNKNOWN ||
	       (model != MEMORY_MODEL_VMALLOC &&
		vocab_number(role, ROLE_CONTIGUITY) == CONTIGUITY_NONE);
}

static void explain(struct device_role *role, const char *reason, const char *detail)
{
	if (vocab_origin(role, ROLE_CONTIGUITY) == VOCAB_ASSUMED)
		fact_how(role, ROLE_HOW, ROLE_CONTIGUITY, "the safe side: %s%s", reason, detail);
}

/* Whether a trial may be made, or why not. */
static bool may_try(struct measure *measure, const struct v4l2_memory_facts *facts,
		    struct device_role *role)
{
	const struct quirk *quirk = &measure->quirk;

	if (quirk->has[QUIRK_TRIALS] && !quirk->number[QUIRK_TRIALS])
		explain(role, "trials are off by quirk ", quirk->how[QUIRK_TRIALS]);
	else if (!measure->options->trial_program)
		explain(role, "no trials are made", "");
	else if (facts->is_decoder)
		explain(role, "a decoder is not tried before its stream", "");
	else if (facts->buffers > 0) {
		explain(role, "the queue is in use, and is asked again", "");
		measure->again = true;
	} else
		return true;
	return false;
}

static void fail(struct device_role *role, const char *reason)
{
	fact_how(role, ROLE_HOW, ROLE_CONTIGUITY, ROLE_TRIAL_HOW " in vain, %s%s", reason,
		 vocab_origin(role, ROLE_CONTIGUITY) == VOCAB_ASSUMED ? ": the safe side" : "");
}

static bool is_translated(const struct measure *measure)
{
	return vocab_number(measure->device, DEVICE_IOMMU) != 0;
}

static void take_verdict(struct measure *measure, const struct trial_answer *answer,
			 struct device_role *role)
{
	const struct role_trial trial = {.scattered = answer->scattered,
					 .used = answer->used,
					 .refusal = answer->errors.scattered,
					 .reaches_all = platform_reaches_all(measure),
					 .excludes_bounce = platform_excludes_bounce(measure),
					 .translated = is_translated(measure)};

	if (!role_take_trial(role, &trial))
		return;
	fact_number(measure->device, DEVICE_IOMMU, false, VOCAB_MEASURED);
	fact_how(measure->device, DEVICE_HOW, DEVICE_IOMMU,
		 "a trial: scattered memory is refused, though an IOMMU translates");
}

static void take_answer(struct measure *measure, const struct trial_answer *answer,
			struct device_role *role)
{
	enum memory_model known = (enum memory_model)vocab_number(role, ROLE_MEMORY_MODEL);

	/* A driver without CREATE_BUFS has said nothing of imports so far. */
	if (vocab_origin(role, ROLE_IMPORTS) == VOCAB_ASSUMED && answer->capabilities) {
		fact_number(role, ROLE_IMPORTS,
			    (answer->capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF) != 0,
			    VOCAB_MEASURED);
		fact_how(role, ROLE_HOW, ROLE_IMPORTS, "trial: capabilities 0x%x of VIDIOC_REQBUFS",
			 answer->capabilities);
	}
	if (known == MEMORY_MODEL_UNKNOWN)
		role_set_memory_model(role, (enum memory_model)answer->memory_model, VOCAB_MEASURED,
				      "trial: exp_name of an exported buffer", &measure->quirk);
	take_verdict(measure, answer, role);
	if (answer->memory_model == MEMORY_MODEL_UNKNOWN && answer->scattered == TRIAL_NOT_MADE)
		fail(role, "it has shown nothing");
}

static void try_queue(struct measure *measure, const struct v4l2_queue *queue,
		      struct device_role *role)
{
	const struct trial trial = {
		.node = measure->node->node,
		.queue_type = queue->type,
		.drm_fd = -1,
		/* what the kernel would warn of: trial.h */
		.no_imports = !is_translated(measure) && !platform_reaches_all(measure) &&
			      platform_excludes_bounce(measure),
	};
	struct trial_answer answer;
	int error = trial_run(measure->options->trial_program, measure->options->trial_deadline_ms,
			      &trial, &answer);

	if (error) {
		fail(role, error == -ETIMEDOUT ? "it took too long" : "it failed");
	} else if (answer.busy) {
		explain(role, "the queue is in use, and is asked again", "");
		measure->again = true;
	} else {
		take_answer(measure, &answer, role);
	}
}

/* Drivers of dma-contig refuse user pointers as a rule: nothing to rely on, but worth saying. */
static void add_hint(const struct v4l2_memory_facts *facts, struct device_role *role)
{
	char how[160];

	if (vocab_origin(role, ROLE_CONTIGUITY) != VOCAB_ASSUMED ||
	    (facts->capabilities & CONTIG_LOOKS) != V4L2_BUF_CAP_SUPPORTS_DMABUF)
		return;
	snprintf(how, sizeof(how), "%s", how_of(role, ROLE_CONTIGUITY));
	if (!strstr(how, "user pointers"))
		fact_how(role, ROLE_HOW, ROLE_CONTIGUITY,
			 "%s; no user pointers, as with most dma-contig drivers", how);
}

void v4l2_memory_measure(struct measure *measure, const struct v4l2_queue *queue,
			 const struct v4l2_memory_facts *facts, struct device_role *role)
{
	struct knowledge known = find_known(measure);

	set_imports(facts, role);
	role_set_memory_model(role, known.model, known.origin, known.how, &measure->quirk);
	role_set_quirks(role, &measure->quirk);
	if (is_open(measure, facts, role) && !carry_over(measure, facts->previous, role) &&
	    may_try(measure, facts, role))
		try_queue(measure, queue, role);
	add_hint(facts, role);
}
