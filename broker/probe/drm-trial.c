/* SPDX-License-Identifier: MIT */
/*
 * What a trial tells of a DRM device, and what is made of it.
 *
 * Imports. A driver that refuses a buffer of one page takes no foreign buffers, whatever its PRIME
 * capability says (bochs: EINVAL, virtio-gpu: ENODEV); unless the page was out of its reach, which
 * the kernel says with EIO before the driver is asked. One that takes it, takes foreign buffers.
 *
 * Contiguity. A driver that takes one page and refuses many of the same page wants its buffers
 * contiguous. All of the buffer: an import knows nothing of the part that will be used. That it
 * takes many proves nothing, as a driver may map them later or not at all: then the memory model,
 * which is a quirk's knowledge, or the safe side counts. Nor does it matter then whether they were
 * bounced. Behind an IOMMU the pages should have become one run; where they were refused
 * nevertheless (the kernel joins no more than the device's longest segment), scattered memory does
 * not look contiguous, and that is all that is meant by the fact `iommu`.
 *
 * Strides and offsets. The least alignment that ADDFB2 and the driver's own dumb buffers agree on
 * was found with one format. A driver's rule may count bytes or pixels, so that another format
 * keeps to both readings. A stride of broken pixels is never good, though ADDFB2 may take it: many
 * look at the pitch again when the picture is shown. What a quirk says wins where it asks for more.
 *
 * A trial is made once per device and run: the lines in `how` with MARK tell the next measurement.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xf86drm.h>

#include "broker/model/arith.h"
#include "broker/model/format.h"
#include "broker/probe/drm.h"
#include "broker/probe/fact.h"
#include "broker/probe/platform.h"

#define MARK "trial: "
#define WIDTH 64u /* of the pictures that are tried, if the card lets us */
#define HEIGHT 16u
#define STRIDE_ALIGN_ASSUMED 256u
#define XR24 0x34325258u
#define HOW_BYTES 256
#define ALIGN_LIMIT 65536u /* of the vocabulary */

static const char *error_name(uint32_t error)
{
	const char *name = error ? strerrorname_np((int)error) : NULL;

	return name ? name : "no errno";
}

/* --- what is said of how --- */

/* What stands behind "key: " in the list, or NULL. */
static const char *find_how(const void *record, unsigned int how_row, unsigned int row)
{
	const struct vocab_strings *list = vocab_value(record, how_row);
	const char *key = ((const struct vocab_head *)record)->group->rows[row].name;
	size_t len = strlen(key);

	for (size_t i = 0; i < list->len; i++)
		if (strncmp(list->items[i], key, len) == 0 &&
		    strncmp(list->items[i] + len, ": ", 2) == 0)
			return list->items[i] + len + 2;
	return NULL;
}

/* Adds to what is said of a role's fact, which keeps its value. */
static void add_how(struct device_role *role, unsigned int row, const char *more)
{
	const char *old = find_how(role, ROLE_HOW, row);
	char said[HOW_BYTES];

	snprintf(said, sizeof(said), "%s", old ? old : "");
	fact_how(role, ROLE_HOW, row, "%s%s%s", said, *said ? "; " : "", more);
}

static void copy_fact(void *record, const void *from, unsigned int how_row, unsigned int row)
{
	const char *how = find_how(from, how_row, row);

	if (!vocab_has(from, row))
		return;
	fact_number(record, row, vocab_number(from, row), vocab_origin(from, row));
	if (how)
		fact_how(record, how_row, row, "%s", how);
}

/* --- formats --- */

static bool is_linear(const struct vocab_head *format)
{
	return vocab_number(format, FORMAT_MODIFIER) == FORMAT_MODIFIER_LINEAR;
}

static const struct format_info *info_of(const struct vocab_head *format)
{
	return format_find((uint32_t)vocab_number(format, FORMAT_FORMAT));
}

/* Two planes of equal pitch, as NV12. */
static bool is_semi_planar(const struct format_info *info)
{
	return info->planes_len == 2 &&
	       info->planes[1].block_bytes * info->planes[0].block_width ==
		       info->planes[0].block_bytes * info->planes[1].block_width;
}

static uint32_t clamp(uint32_t value, uint64_t min, uint64_t max)
{
	return (uint32_t)(value < min ? min : value > max ? max : value);
}

static void choose_picture(const struct vocab_head *format, struct trial *trial)
{
	const struct format_info *info = is_linear(format) ? info_of(format) : NULL;

	if (!info)
		return;
	if (is_semi_planar(info) && !trial->planar_format)
		trial->planar_format = info->fourcc;
	if (info->planes_len != 1 || (trial->format && info->fourcc != XR24))
		return;
	trial->format = info->fourcc;
	trial->width = clamp(WIDTH, vocab_number(format, FORMAT_WIDTH_MIN),
			     vocab_number(format, FORMAT_WIDTH_MAX));
	trial->height = clamp(HEIGHT, vocab_number(format, FORMAT_HEIGHT_MIN),
			      vocab_number(format, FORMAT_HEIGHT_MAX));
}

void drm_choose_pictures(const struct device *device, struct trial *trial)
{
	for (size_t i = 0; i < device->roles.len; i++) {
		const struct device_role *role = (const struct device_role *)device->roles.items[i];

		for (size_t j = 0; j < role->formats.len; j++)
			choose_picture(role->formats.items[j], trial);
	}
}

/* The stride of a format that keeps to an alignment found with another, in bytes and in pixels, and
 * breaks no pixel. */
static uint32_t stride_align_of(const struct format_info *info, const struct format_info *tried,
				uint32_t align)
{
	uint64_t stride = align, pixels;
	bool fits = true;

	for (unsigned int i = 0; info && i < info->planes_len; i++)
		fits = fits && arith_lcm(stride, info->planes[i].block_bytes, &stride);
	if (info && tried && align % tried->planes[0].block_bytes == 0) {
		pixels = align / tried->planes[0].block_bytes;
		fits = fits && arith_lcm(stride, pixels * info->planes[0].block_bytes, &stride);
	}
	return fits && stride <= ALIGN_LIMIT ? (uint32_t)stride : align;
}

/* --- the answer --- */

static void apply_imports(struct device_role *role, bool reached, const struct trial_answer *answer)
{
	uint32_t error = answer->errors.one_page;
	char more[96];

	if (answer->one_page == TRIAL_TAKEN || answer->scattered == TRIAL_TAKEN) {
		if (!vocab_number(role, ROLE_IMPORTS)) {
			add_how(role, ROLE_IMPORTS, MARK "takes one");
			return;
		}
		fact_number(role, ROLE_IMPORTS, true, VOCAB_MEASURED);
		fact_how(role, ROLE_HOW, ROLE_IMPORTS, MARK "takes a foreign dma-buf");
	} else if (answer->one_page == TRIAL_NOT_MADE) {
		add_how(role, ROLE_IMPORTS, MARK "no import could be tried");
	} else if (reached || (error != EIO && error != EREMOTEIO)) {
		fact_number(role, ROLE_IMPORTS, false, VOCAB_MEASURED);
		fact_how(role, ROLE_HOW, ROLE_IMPORTS,
			 MARK "refuses a foreign dma-buf of one page (%s)", error_name(error));
	} else {
		snprintf(more, sizeof(more), MARK "a page may have been out of reach (%s)",
			 error_name(error));
		add_how(role, ROLE_IMPORTS, more);
	}
}

/* Whether many pages were refused for being many. */
static bool needs_contiguous(bool reached, const struct trial_answer *answer)
{
	uint32_t error = answer->errors.scattered;

	return answer->one_page == TRIAL_TAKEN && answer->scattered == TRIAL_REFUSED &&
	       (reached || (error != EIO && error != EREMOTEIO));
}

static void apply_contiguity(struct device_role *role, bool reached,
			     const struct trial_answer *answer)
{
	if (needs_contiguous(reached, answer)) {
		fact_number(role, ROLE_CONTIGUITY, CONTIGUITY_WHOLE, VOCAB_MEASURED);
		fact_how(role, ROLE_HOW, ROLE_CONTIGUITY, MARK "refuses scattered memory (%s)",
			 error_name(answer->errors.scattered));
	} else if (answer->scattered == TRIAL_TAKEN) {
		add_how(role, ROLE_CONTIGUITY,
			MARK "takes scattered memory, which proves nothing of its DMA");
	}
}

static void apply_stride(struct vocab_head *format, const struct quirk *quirk,
			 const struct format_info *tried, uint32_t align)
{
	if (align == 0 || !is_linear(format) ||
	    (quirk->has[QUIRK_STRIDE_ALIGN] && quirk->number[QUIRK_STRIDE_ALIGN] >= align))
		return;
	fact_number(format, FORMAT_STRIDE_ALIGN, stride_align_of(info_of(format), tried, align),
		    VOCAB_MEASURED);
	fact_how(format, FORMAT_HOW, FORMAT_STRIDE_ALIGN,
		 MARK "ADDFB2 and dumb buffers ask for multiples of %u, of whole pixels", align);
}

static void apply_offset(struct device_role *role, const struct quirk *quirk, uint32_t align)
{
	if (align == 0 || role->formats.len == 0 ||
	    (quirk->has[QUIRK_OFFSET_ALIGN] && quirk->number[QUIRK_OFFSET_ALIGN] >= align))
		return;
	fact_number(role, ROLE_OFFSET_ALIGN, align, VOCAB_MEASURED);
	fact_how(role, ROLE_HOW, ROLE_OFFSET_ALIGN, MARK "ADDFB2 takes multiples of %u", align);
}

void drm_apply_trial(struct device *device, const struct quirk *quirk, bool reached,
		     const struct trial_answer *answer)
{
	struct trial trial = {0};

	drm_choose_pictures(device, &trial);
	for (size_t i = 0; i < device->roles.len; i++) {
		struct device_role *role = (struct device_role *)device->roles.items[i];

		apply_imports(role, reached, answer);
		apply_contiguity(role, reached, answer);
		apply_offset(role, quirk, answer->offset_align);
		for (size_t j = 0; j < role->formats.len; j++)
			apply_stride(role->formats.items[j], quirk, format_find(trial.format),
				     answer->stride_align);
	}
	if (!needs_contiguous(reached, answer) || !vocab_number(device, DEVICE_IOMMU))
		return;
	fact_number(device, DEVICE_IOMMU, false, VOCAB_MEASURED);
	fact_how(device, DEVICE_HOW, DEVICE_IOMMU,
		 MARK "an IOMMU translates, and yet scattered memory is refused");
}

/* --- the last measurement --- */

static bool was_tried(const struct device_role *role)
{
	for (size_t i = 0; i < role->how.len; i++)
		if (strstr(role->how.items[i], MARK))
			return true;
	return false;
}

static const struct device_role *find_tried(const struct device *device, uint64_t what)
{
	for (size_t i = 0; i < device->roles.len; i++) {
		const struct device_role *role = (const struct device_role *)device->roles.items[i];

		if (vocab_number(role, ROLE_ROLE) == what && was_tried(role))
			return role;
	}
	return NULL;
}

static void adopt_strides(struct device_role *role, const struct device_role *from)
{
	for (size_t i = 0; i < role->formats.len; i++) {
		struct vocab_head *format = role->formats.items[i];

		for (size_t j = 0; j < from->formats.len; j++) {
			const struct vocab_head *old = from->formats.items[j];

			if (vocab_number(old, FORMAT_FORMAT) ==
				    vocab_number(format, FORMAT_FORMAT) &&
			    vocab_number(old, FORMAT_MODIFIER) ==
				    vocab_number(format, FORMAT_MODIFIER))
				copy_fact(format, old, FORMAT_HOW, FORMAT_STRIDE_ALIGN);
		}
	}
}

bool drm_adopt_trial(struct device *device, const struct device *previous)
{
	const char *how = find_how(previous, DEVICE_HOW, DEVICE_IOMMU);
	bool adopted = false;

	for (size_t i = 0; i < device->roles.len; i++) {
		struct device_role *role = (struct device_role *)device->roles.items[i];
		const struct device_role *from =
			find_tried(previous, vocab_number(role, ROLE_ROLE));

		if (!from)
			continue;
		adopted = true;
		copy_fact(role, from, ROLE_HOW, ROLE_IMPORTS);
		copy_fact(role, from, ROLE_HOW, ROLE_CONTIGUITY);
		copy_fact(role, from, ROLE_HOW, ROLE_OFFSET_ALIGN);
		adopt_strides(role, from);
	}
	if (adopted && how && strstr(how, MARK))
		copy_fact(device, previous, DEVICE_HOW, DEVICE_IOMMU);
	return adopted;
}

/* --- trying --- */

static bool is_off(const struct measure *measure)
{
	const struct quirk *quirk = &measure->quirk;

	return !measure->options->trial_program ||
	       (quirk->has[QUIRK_TRIALS] && !quirk->number[QUIRK_TRIALS]);
}

/* Behind an IOMMU every page is reached. */
static bool is_translated(const struct measure *measure)
{
	return vocab_number(measure->device, DEVICE_IOMMU);
}

/* The child must not get a master. We have dropped it; an old kernel may not have let us. */
static int run(const struct measure *measure, struct trial_answer *ret_answer)
{
	const struct probe_options *options = measure->options;
	struct trial trial = {.drm_fd = measure->fd};

	if (drmIsMaster(measure->fd))
		return -EACCES;
	trial.no_imports = !is_translated(measure) && !platform_reaches_all(measure) &&
			   platform_excludes_bounce(measure);
	drm_choose_pictures(measure->device, &trial);
	return trial_run(options->trial_program, options->trial_deadline_ms, &trial, ret_answer);
}

/* A driver that hangs or dies in a trial is not tried again; where there could be no trial, the
 * next measurement may try. */
static void note_failure(struct device *device, int error)
{
	bool made = error == -ETIMEDOUT || error == -EPROTO;
	char more[96];

	snprintf(more, sizeof(more), "%s (%s)",
		 made ? MARK "it has failed" : "it could not be tried",
		 error_name((uint32_t)-error));
	for (size_t i = 0; i < device->roles.len; i++)
		add_how((struct device_role *)device->roles.items[i], ROLE_IMPORTS, more);
}

/* The quirk's stride, if it is said; else the row's default. */
static void assume_stride(struct vocab_head *format, const struct quirk *quirk)
{
	if (vocab_has(format, FORMAT_STRIDE_ALIGN) || !is_linear(format))
		return;
	if (quirk->has[QUIRK_STRIDE_ALIGN]) {
		fact_number(format, FORMAT_STRIDE_ALIGN, quirk->number[QUIRK_STRIDE_ALIGN],
			    VOCAB_QUIRK);
		fact_how(format, FORMAT_HOW, FORMAT_STRIDE_ALIGN, "%s",
			 quirk->how[QUIRK_STRIDE_ALIGN]);
		return;
	}
	fact_number(format, FORMAT_STRIDE_ALIGN, STRIDE_ALIGN_ASSUMED, VOCAB_ASSUMED);
	fact_how(format, FORMAT_HOW, FORMAT_STRIDE_ALIGN, "not known: the safe side");
}

/* Where nothing is known of offsets they are as the strides: then planes that follow each other
 * without a gap keep to it by themselves. */
static void assume_offset(struct device_role *role, const struct quirk *quirk)
{
	uint64_t align = STRIDE_ALIGN_ASSUMED;

	if (vocab_has(role, ROLE_OFFSET_ALIGN) || role->formats.len == 0)
		return;
	if (quirk->has[QUIRK_STRIDE_ALIGN])
		align = quirk->number[QUIRK_STRIDE_ALIGN];
	fact_number(role, ROLE_OFFSET_ALIGN, align, VOCAB_ASSUMED);
	fact_how(role, ROLE_HOW, ROLE_OFFSET_ALIGN, "not known: as the strides");
}

void drm_assume_pictures(struct device *device, const struct quirk *quirk)
{
	for (size_t i = 0; i < device->roles.len; i++) {
		struct device_role *role = (struct device_role *)device->roles.items[i];

		for (size_t j = 0; j < role->formats.len; j++)
			assume_stride(role->formats.items[j], quirk);
		assume_offset(role, quirk);
	}
}

void drm_try(struct measure *measure)
{
	bool reached = is_translated(measure) ||
		       (platform_reaches_all(measure) && platform_excludes_bounce(measure));
	struct trial_answer answer;
	int error;

	if (!is_off(measure) &&
	    !(measure->previous && drm_adopt_trial(measure->device, measure->previous))) {
		error = run(measure, &answer);
		if (error)
			note_failure(measure->device, error);
		else
			drm_apply_trial(measure->device, &measure->quirk, reached, &answer);
	}
	drm_assume_pictures(measure->device, &measure->quirk);
}
