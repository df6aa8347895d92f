/* SPDX-License-Identifier: MIT */
/* DRM facts, as far as they need no card: IN_FORMATS, and what is made of a trial. */
#include <drm_fourcc.h>
#include <drm_mode.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>

#include "broker/probe/drm.h"
#include "broker/probe/fact.h"
#include "broker/probe/role.h"
#include "tests/unit/check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* --- IN_FORMATS --- */

struct blob {
	struct drm_format_modifier_blob head;
	uint32_t formats[2];
	struct drm_format_modifier modifiers[2];
};

static const struct blob good_blob = {
	.head = {.version = 1,
		 .count_formats = 2,
		 .formats_offset = offsetof(struct blob, formats),
		 .count_modifiers = 2,
		 .modifiers_offset = offsetof(struct blob, modifiers)},
	.formats = {DRM_FORMAT_XRGB8888, DRM_FORMAT_NV12},
	.modifiers = {{.formats = 1, .offset = 0, .modifier = 0x100000000000001ull},
		      {.formats = 3, .offset = 0, .modifier = DRM_FORMAT_MOD_LINEAR}},
};

static struct device_role *role_of_blob(const void *blob, size_t bytes)
{
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_role, &role), 0);
	ck_assert_int_eq(drm_add_in_formats(role, blob, bytes), 0);
	return role;
}

START_TEST(in_formats_are_taken_in_their_order)
{
	struct device_role *role = role_of_blob(&good_blob, sizeof(good_blob));

	ck_assert_uint_eq(role->formats.len, 3);
	ck_assert_uint_eq(vocab_number(role->formats.items[0], FORMAT_FORMAT), DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(vocab_number(role->formats.items[0], FORMAT_MODIFIER),
			  0x100000000000001ull);
	ck_assert_uint_eq(vocab_number(role->formats.items[1], FORMAT_MODIFIER), 0);
	ck_assert_uint_eq(vocab_number(role->formats.items[2], FORMAT_FORMAT), DRM_FORMAT_NV12);
	/* the same of another plane adds nothing */
	ck_assert_int_eq(drm_add_in_formats(role, &good_blob, sizeof(good_blob)), 0);
	ck_assert_uint_eq(role->formats.len, 3);
	vocab_destroy(role);
}
END_TEST

START_TEST(in_formats_of_more_than_64_formats)
{
	struct {
		struct drm_format_modifier_blob head;
		uint32_t formats[100];
		struct drm_format_modifier modifiers[2];
	} blob = {.head = {.count_formats = 100,
			   .formats_offset = sizeof(struct drm_format_modifier_blob),
			   .count_modifiers = 2},
		  .modifiers = {{.formats = UINT64_MAX, .offset = 0},
				{.formats = 1ull << 35, .offset = 64}}};
	struct device_role *role;

	blob.head.modifiers_offset = (uint32_t)((char *)blob.modifiers - (char *)&blob);
	for (uint32_t i = 0; i < 100; i++)
		blob.formats[i] = i + 1;
	role = role_of_blob(&blob, sizeof(blob));
	ck_assert_uint_eq(role->formats.len, 65);
	ck_assert_uint_eq(vocab_number(role->formats.items[63], FORMAT_FORMAT), 64);
	ck_assert_uint_eq(vocab_number(role->formats.items[64], FORMAT_FORMAT), 100);
	vocab_destroy(role);
}
END_TEST

START_TEST(in_formats_cut_anywhere_are_no_trouble)
{
	for (size_t bytes = 0; bytes < sizeof(good_blob); bytes++) {
		void *copy = malloc(bytes + 1);
		struct device_role *role;

		memcpy(copy, &good_blob, bytes);
		role = role_of_blob(copy, bytes);
		ck_assert_uint_eq(role->formats.len, 0);
		vocab_destroy(role);
		free(copy);
	}
}
END_TEST

START_TEST(in_formats_that_lie_are_no_trouble)
{
	struct blob blobs[7];

	for (size_t i = 0; i < LEN(blobs); i++)
		blobs[i] = good_blob;
	blobs[0].head.count_formats = UINT32_MAX;
	blobs[1].head.count_modifiers = UINT32_MAX;
	blobs[2].head.formats_offset = UINT32_MAX - 3;
	blobs[3].head.modifiers_offset = UINT32_MAX - 3;
	blobs[4].head.formats_offset = 1;
	blobs[5].modifiers[0].offset = blobs[5].modifiers[1].offset = UINT32_MAX;
	blobs[6].modifiers[0].formats = blobs[6].modifiers[1].formats = 0;
	for (size_t i = 0; i < LEN(blobs); i++) {
		struct device_role *role = role_of_blob(&blobs[i], sizeof(blobs[i]));

		ck_assert_uint_eq(role->formats.len, 0);
		vocab_destroy(role);
	}
}
END_TEST

/* --- cards made by hand --- */

static void add_format(struct device_role *role, uint32_t fourcc, uint64_t modifier)
{
	struct device_format *format;

	ck_assert_int_eq(vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, &format), 0);
	fact_number(format, FORMAT_FORMAT, fourcc, VOCAB_KERNEL);
	fact_number(format, FORMAT_MODIFIER, modifier, VOCAB_KERNEL);
}

static struct device_role *add_role(struct device *device, enum role what,
				    const struct quirk *quirk)
{
	struct device_role *role;

	ck_assert_int_eq(vocab_add_dict(device, DEVICE_ROLES, VOCAB_KERNEL, &role), 0);
	fact_number(role, ROLE_ROLE, what, VOCAB_KERNEL);
	role_set_memory_model(role, (enum memory_model)quirk->number[QUIRK_MEMORY_MODEL],
			      VOCAB_QUIRK, "a quirk", quirk);
	fact_number(role, ROLE_IMPORTS, true, VOCAB_ASSUMED);
	fact_how(role, ROLE_HOW, ROLE_IMPORTS, "assumed");
	role_set_quirks(role, quirk);
	return role;
}

/* One role with XR24 (tiled, linear), RG24, RG16, NV12. */
static struct device *card(const struct quirk *quirk)
{
	struct device *device;
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	fact_number(device, DEVICE_IOMMU, false, VOCAB_KERNEL);
	role = add_role(device, ROLE_SCANOUT, quirk);
	add_format(role, DRM_FORMAT_XRGB8888, 0x100000000000001ull);
	add_format(role, DRM_FORMAT_XRGB8888, 0);
	add_format(role, DRM_FORMAT_RGB888, 0);
	add_format(role, DRM_FORMAT_RGB565, 0);
	add_format(role, DRM_FORMAT_NV12, 0);
	return device;
}

static struct device_role *role_of(const struct device *device)
{
	return (struct device_role *)device->roles.items[0];
}

static bool says(const struct vocab_strings *how, const char *text)
{
	for (size_t i = 0; i < how->len; i++)
		if (strstr(how->items[i], text))
			return true;
	return false;
}

static const struct quirk no_quirk;
static const struct quirk shmem = {
	.has[QUIRK_MEMORY_MODEL] = true,
	.number[QUIRK_MEMORY_MODEL] = MEMORY_MODEL_GEM_SHMEM,
	.how[QUIRK_MEMORY_MODEL] = "a quirk",
};
static const struct quirk refuses = {
	.has[QUIRK_IMPORTS] = true,
	.how[QUIRK_IMPORTS] = "a quirk",
};
static const struct quirk takes = {
	.has[QUIRK_IMPORTS] = true,
	.number[QUIRK_IMPORTS] = true,
	.how[QUIRK_IMPORTS] = "a quirk",
};

/* --- imports --- */

#define TAKEN TRIAL_TAKEN
#define REFUSED TRIAL_REFUSED
#define NOT_MADE TRIAL_NOT_MADE

static const struct {
	const char *what;
	const struct quirk *quirk;
	struct trial_answer answer;
	bool reached;
	bool imports;
	enum vocab_origin origin;
	enum contiguity contiguity;
	enum vocab_origin contiguity_origin;
	const char *how;
} verdicts[] = {
	{"takes all, nothing else is known: contiguous all the same",
	 &no_quirk,
	 {.one_page = TAKEN, .scattered = TAKEN},
	 true,
	 true,
	 VOCAB_MEASURED,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "contiguity: the memory model is not known: the safe side; trial: takes scattered memory"},
	{"takes all, as its driver's kind does",
	 &shmem,
	 {.one_page = TAKEN, .scattered = TAKEN},
	 true,
	 true,
	 VOCAB_MEASURED,
	 CONTIGUITY_NONE,
	 VOCAB_QUIRK,
	 "imports: trial: takes"},
	{"gem-dma, whatever a quirk says",
	 &shmem,
	 {.one_page = TAKEN, .scattered = REFUSED, .errors = {0, EINVAL, 0}},
	 true,
	 true,
	 VOCAB_MEASURED,
	 CONTIGUITY_WHOLE,
	 VOCAB_MEASURED,
	 "contiguity: trial: refuses scattered memory (EINVAL)"},
	{"gem-dma: the same page alone was taken, so its address is not why",
	 &shmem,
	 {.one_page = TAKEN, .scattered = REFUSED, .errors = {0, EINVAL, 0}},
	 false,
	 true,
	 VOCAB_MEASURED,
	 CONTIGUITY_WHOLE,
	 VOCAB_MEASURED,
	 "(EINVAL)"},
	{"many pages do not find room in the bounce buffer",
	 &shmem,
	 {.one_page = TAKEN, .scattered = REFUSED, .errors = {0, EIO, 0}},
	 false,
	 true,
	 VOCAB_MEASURED,
	 CONTIGUITY_NONE,
	 VOCAB_QUIRK,
	 "imports: trial: takes"},
	{"bochs",
	 &no_quirk,
	 {.one_page = REFUSED, .scattered = REFUSED, .errors = {EINVAL, EINVAL, 0}},
	 true,
	 false,
	 VOCAB_MEASURED,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "imports: trial: refuses a foreign dma-buf of one page (EINVAL)"},
	{"bochs, with memory out of its reach",
	 &takes,
	 {.one_page = REFUSED, .scattered = REFUSED, .errors = {EINVAL, EINVAL, 0}},
	 false,
	 false,
	 VOCAB_MEASURED,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "(EINVAL)"},
	{"virtio-gpu",
	 &no_quirk,
	 {.one_page = REFUSED, .scattered = REFUSED, .errors = {ENODEV, ENODEV, 0}},
	 false,
	 false,
	 VOCAB_MEASURED,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "(ENODEV)"},
	{"the page may have been out of reach",
	 &no_quirk,
	 {.one_page = REFUSED, .scattered = REFUSED, .errors = {EIO, EIO, 0}},
	 false,
	 true,
	 VOCAB_ASSUMED,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "imports: assumed; trial: a page may have been out of reach (EIO)"},
	{"the page was not out of reach",
	 &no_quirk,
	 {.one_page = REFUSED, .scattered = REFUSED, .errors = {EIO, EIO, 0}},
	 true,
	 false,
	 VOCAB_MEASURED,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "(EIO)"},
	{"a refusal that does not say why",
	 &no_quirk,
	 {.one_page = REFUSED},
	 true,
	 false,
	 VOCAB_MEASURED,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "imports: trial: refuses"},
	{"a quirk knows better than one lucky import",
	 &refuses,
	 {.one_page = TAKEN, .scattered = TAKEN},
	 true,
	 false,
	 VOCAB_QUIRK,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "imports: a quirk; trial: takes one"},
	{"no udmabuf",
	 &no_quirk,
	 {.one_page = NOT_MADE},
	 true,
	 true,
	 VOCAB_ASSUMED,
	 CONTIGUITY_WHOLE,
	 VOCAB_ASSUMED,
	 "imports: assumed; trial: no import could be tried"},
};

START_TEST(imports_follow_from_the_verdicts)
{
	struct device *device = card(verdicts[_i].quirk);
	struct device_role *role = role_of(device);

	drm_apply_trial(device, verdicts[_i].quirk, verdicts[_i].reached, &verdicts[_i].answer);
	ck_assert_uint_eq(vocab_number(role, ROLE_IMPORTS), verdicts[_i].imports);
	ck_assert_int_eq(vocab_origin(role, ROLE_IMPORTS), verdicts[_i].origin);
	ck_assert_uint_eq(vocab_number(role, ROLE_CONTIGUITY), verdicts[_i].contiguity);
	ck_assert_int_eq(vocab_origin(role, ROLE_CONTIGUITY), verdicts[_i].contiguity_origin);
	ck_assert_msg(says(&role->how, verdicts[_i].how), "%s", verdicts[_i].what);
	ck_assert_uint_eq(vocab_number(device, DEVICE_IOMMU), false);
	ck_assert_int_eq(vocab_origin(device, DEVICE_IOMMU), VOCAB_KERNEL);
	vocab_destroy(device);
}
END_TEST

/* An IOMMU that does not make one run of many pages is none. */
START_TEST(iommu_is_believed_unless_pages_are_refused)
{
	struct trial_answer answer = {.one_page = TAKEN, .scattered = TAKEN};
	struct device *device = card(&shmem);

	fact_number(device, DEVICE_IOMMU, true, VOCAB_KERNEL);
	drm_apply_trial(device, &shmem, true, &answer);
	ck_assert_uint_eq(vocab_number(device, DEVICE_IOMMU), true);
	ck_assert_int_eq(vocab_origin(device, DEVICE_IOMMU), VOCAB_KERNEL);

	answer.scattered = REFUSED;
	answer.errors.scattered = EINVAL;
	drm_apply_trial(device, &shmem, true, &answer);
	ck_assert_uint_eq(vocab_number(device, DEVICE_IOMMU), false);
	ck_assert_int_eq(vocab_origin(device, DEVICE_IOMMU), VOCAB_MEASURED);
	ck_assert(says(&device->how, "iommu: trial: "));
	ck_assert_uint_eq(vocab_number(role_of(device), ROLE_CONTIGUITY), CONTIGUITY_WHOLE);
	vocab_destroy(device);
}
END_TEST

START_TEST(verdict_holds_for_all_roles)
{
	const struct trial_answer answer = {.one_page = REFUSED, .errors = {EINVAL, 0, 0}};
	struct device *device = card(&no_quirk);
	struct device_role *writeback = add_role(device, ROLE_WRITEBACK, &no_quirk);

	drm_apply_trial(device, &no_quirk, true, &answer);
	ck_assert_uint_eq(vocab_number(writeback, ROLE_IMPORTS), false);
	ck_assert_uint_eq(vocab_number(role_of(device), ROLE_IMPORTS), false);
	vocab_destroy(device);
}
END_TEST

/* --- strides and offsets --- */

static const struct {
	const char *what;
	uint32_t quirk, tried; /* 0: not said, not found */
	uint32_t stride[5];    /* of XR24 tiled and linear, RG24, RG16, NV12; 0: absent */
	enum vocab_origin origin;
	uint32_t offset_quirk, offset_tried, offset;
	enum vocab_origin offset_origin;
} strides[] = {
	{"nothing is known",
	 0,
	 0,
	 {0, 256, 256, 256, 256},
	 VOCAB_ASSUMED,
	 0,
	 0,
	 256,
	 VOCAB_ASSUMED},
	{"any pitch is taken: of whole pixels",
	 0,
	 1,
	 {0, 4, 3, 2, 2},
	 VOCAB_MEASURED,
	 0,
	 1,
	 1,
	 VOCAB_MEASURED},
	{"64 bytes, or 16 pixels",
	 0,
	 64,
	 {0, 64, 192, 64, 64},
	 VOCAB_MEASURED,
	 0,
	 64,
	 64,
	 VOCAB_MEASURED},
	{"two bytes", 0, 2, {0, 4, 6, 2, 2}, VOCAB_MEASURED, 0, 4096, 4096, VOCAB_MEASURED},
	{"beyond the limits of the vocabulary",
	 0,
	 65536,
	 {0, 65536, 65536, 65536, 65536},
	 VOCAB_MEASURED,
	 0,
	 0,
	 256,
	 VOCAB_ASSUMED},
	{"a quirk only", 128, 0, {0, 128, 128, 128, 128}, VOCAB_QUIRK, 0, 0, 128, VOCAB_ASSUMED},
	{"a quirk that asks for more",
	 128,
	 64,
	 {0, 128, 128, 128, 128},
	 VOCAB_QUIRK,
	 4096,
	 64,
	 4096,
	 VOCAB_QUIRK},
	{"a quirk that asks for as much", 1, 1, {0, 1, 1, 1, 1}, VOCAB_QUIRK, 1, 1, 1, VOCAB_QUIRK},
	{"a quirk that asks for less",
	 16,
	 64,
	 {0, 64, 192, 64, 64},
	 VOCAB_MEASURED,
	 16,
	 64,
	 64,
	 VOCAB_MEASURED},
};

static void check_strides(const struct device *device, const uint32_t expected[5],
			  enum vocab_origin origin)
{
	const struct vocab_dicts *formats = &role_of(device)->formats;

	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(vocab_origin(formats->items[i], FORMAT_STRIDE_ALIGN),
				 expected[i] ? origin : VOCAB_ABSENT);
		if (expected[i])
			ck_assert_uint_eq(vocab_number(formats->items[i], FORMAT_STRIDE_ALIGN),
					  expected[i]);
	}
}

START_TEST(strides_are_the_larger_of_trial_and_quirk)
{
	const struct trial_answer answer = {.stride_align = strides[_i].tried,
					    .offset_align = strides[_i].offset_tried};
	struct quirk quirk = {
		.how = {[QUIRK_STRIDE_ALIGN] = "a quirk", [QUIRK_OFFSET_ALIGN] = "a quirk"}};
	struct device *device;

	quirk.has[QUIRK_STRIDE_ALIGN] = strides[_i].quirk != 0;
	quirk.number[QUIRK_STRIDE_ALIGN] = strides[_i].quirk;
	quirk.has[QUIRK_OFFSET_ALIGN] = strides[_i].offset_quirk != 0;
	quirk.number[QUIRK_OFFSET_ALIGN] = strides[_i].offset_quirk;
	device = card(&quirk);
	drm_apply_trial(device, &quirk, true, &answer);
	drm_assume_pictures(device, &quirk);
	check_strides(device, strides[_i].stride, strides[_i].origin);
	ck_assert_uint_eq(vocab_number(role_of(device), ROLE_OFFSET_ALIGN), strides[_i].offset);
	ck_assert_int_eq(vocab_origin(role_of(device), ROLE_OFFSET_ALIGN),
			 strides[_i].offset_origin);
	vocab_destroy(device);
}
END_TEST

/* Planes that follow each other without a gap, as V4L2 has them, must do where nothing is known. */
START_TEST(assumed_offsets_cost_nothing)
{
	struct device *device = card(&no_quirk);

	drm_assume_pictures(device, &no_quirk);
	for (size_t i = 1; i < 5; i++)
		ck_assert_uint_eq(
			vocab_number(role_of(device)->formats.items[i], FORMAT_STRIDE_ALIGN) %
				vocab_number(role_of(device), ROLE_OFFSET_ALIGN),
			0);
	vocab_destroy(device);
}
END_TEST

START_TEST(render_node_keeps_to_what_its_user_declares)
{
	const struct trial_answer answer = {.one_page = TAKEN, .offset_align = 64};
	struct device *device;
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	role = add_role(device, ROLE_RENDER, &no_quirk);
	drm_apply_trial(device, &no_quirk, true, &answer);
	drm_assume_pictures(device, &no_quirk);
	ck_assert(!vocab_has(role, ROLE_OFFSET_ALIGN));
	ck_assert_uint_eq(vocab_number(role, ROLE_IMPORTS), true);
	vocab_destroy(device);
}
END_TEST

/* --- what is tried --- */

static const struct {
	uint32_t min, max, width, height;
} sizes[] = {
	{0, 8192, 64, 16},
	{16, 4096, 64, 16},
	{100, 4096, 100, 100},
	{0, 10, 10, 10},
};

START_TEST(pictures_are_as_the_card_takes_them)
{
	struct device *device = card(&no_quirk);
	struct vocab_dicts *formats = &role_of(device)->formats;
	struct trial trial = {0};

	for (size_t i = 0; i < formats->len; i++) {
		fact_number(formats->items[i], FORMAT_WIDTH_MIN, sizes[_i].min, VOCAB_KERNEL);
		fact_number(formats->items[i], FORMAT_WIDTH_MAX, sizes[_i].max, VOCAB_KERNEL);
		fact_number(formats->items[i], FORMAT_HEIGHT_MIN, sizes[_i].min, VOCAB_KERNEL);
		fact_number(formats->items[i], FORMAT_HEIGHT_MAX, sizes[_i].max, VOCAB_KERNEL);
	}
	drm_choose_pictures(device, &trial);
	ck_assert_uint_eq(trial.format, DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(trial.planar_format, DRM_FORMAT_NV12);
	ck_assert_uint_eq(trial.width, sizes[_i].width);
	ck_assert_uint_eq(trial.height, sizes[_i].height);
	vocab_destroy(device);
}
END_TEST

START_TEST(without_xr24_the_first_linear_format_is_tried)
{
	struct trial trial = {0};
	struct device *device;
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	role = add_role(device, ROLE_SCANOUT, &no_quirk);
	drm_choose_pictures(device, &trial);
	ck_assert_uint_eq(trial.format, 0);
	add_format(role, DRM_FORMAT_XRGB8888, 0x100000000000001ull);
	add_format(role, 0x20202020, 0);
	add_format(role, DRM_FORMAT_YUV420, 0);
	drm_choose_pictures(device, &trial);
	ck_assert_uint_eq(trial.format, 0);
	ck_assert_uint_eq(trial.planar_format, 0);
	add_format(role, DRM_FORMAT_RGB565, 0);
	add_format(role, DRM_FORMAT_ARGB8888, 0);
	drm_choose_pictures(device, &trial);
	ck_assert_uint_eq(trial.format, DRM_FORMAT_RGB565);
	add_format(role, DRM_FORMAT_XRGB8888, 0);
	drm_choose_pictures(device, &trial);
	ck_assert_uint_eq(trial.format, DRM_FORMAT_XRGB8888);
	vocab_destroy(device);
}
END_TEST

/* An alignment of 32 bytes that was found with two bytes per pixel may be one of 16 pixels. */
START_TEST(strides_count_pixels_of_the_format_that_was_tried)
{
	const struct trial_answer answer = {.stride_align = 32};
	struct device *device;
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_device, &device), 0);
	role = add_role(device, ROLE_SCANOUT, &no_quirk);
	add_format(role, DRM_FORMAT_RGB565, 0);
	add_format(role, DRM_FORMAT_ARGB8888, 0);
	drm_apply_trial(device, &no_quirk, true, &answer);
	ck_assert_uint_eq(vocab_number(role->formats.items[0], FORMAT_STRIDE_ALIGN), 32);
	ck_assert_uint_eq(vocab_number(role->formats.items[1], FORMAT_STRIDE_ALIGN), 64);
	vocab_destroy(device);
}
END_TEST

/* --- the last measurement --- */

START_TEST(what_was_tried_is_taken_over)
{
	const struct trial_answer answer = {.one_page = TAKEN,
					    .scattered = REFUSED,
					    .errors = {0, EINVAL, 0},
					    .stride_align = 64,
					    .offset_align = 128};
	const uint32_t expected[5] = {0, 64, 192, 64, 64};
	struct device *before = card(&shmem), *now = card(&shmem);
	struct device_role *role = role_of(now);

	fact_number(before, DEVICE_IOMMU, true, VOCAB_KERNEL);
	fact_number(now, DEVICE_IOMMU, true, VOCAB_KERNEL);
	drm_apply_trial(before, &shmem, true, &answer);
	drm_assume_pictures(before, &shmem);
	ck_assert(drm_adopt_trial(now, before));
	drm_assume_pictures(now, &shmem);
	ck_assert_int_eq(vocab_origin(role, ROLE_IMPORTS), VOCAB_MEASURED);
	ck_assert_int_eq(vocab_origin(role, ROLE_CONTIGUITY), VOCAB_MEASURED);
	ck_assert_uint_eq(vocab_number(role, ROLE_CONTIGUITY), CONTIGUITY_WHOLE);
	ck_assert_uint_eq(vocab_number(role, ROLE_OFFSET_ALIGN), 128);
	ck_assert(says(&role->how, "contiguity: trial: refuses scattered memory (EINVAL)"));
	ck_assert_uint_eq(vocab_number(now, DEVICE_IOMMU), false);
	ck_assert(says(&now->how, "iommu: trial: "));
	check_strides(now, expected, VOCAB_MEASURED);
	/* and once more */
	vocab_destroy(before);
	before = now;
	now = card(&shmem);
	ck_assert(drm_adopt_trial(now, before));
	ck_assert_uint_eq(vocab_number(role_of(now), ROLE_OFFSET_ALIGN), 128);
	vocab_destroy(before);
	vocab_destroy(now);
}
END_TEST

START_TEST(trial_without_result_is_one_as_well)
{
	const struct trial_answer nothing = {.one_page = NOT_MADE};
	struct device *before = card(&no_quirk), *now = card(&no_quirk);

	ck_assert(!drm_adopt_trial(now, before));
	drm_assume_pictures(before, &no_quirk);
	ck_assert(!drm_adopt_trial(now, before));
	drm_apply_trial(before, &no_quirk, true, &nothing);
	ck_assert(drm_adopt_trial(now, before));
	ck_assert_int_eq(vocab_origin(role_of(now), ROLE_IMPORTS), VOCAB_ASSUMED);
	vocab_destroy(before);
	vocab_destroy(now);
}
END_TEST

/* --- the way of a trial --- */

/* Instead of libdrm's. */
static int is_master;

int drmIsMaster(int fd)
{
	(void)fd;
	return is_master;
}

static char directory[] = "/tmp/test-drm.XXXXXX", program[64];

static void make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(program, sizeof(program), "%s/child", directory);
}

static void remove_directory(void)
{
	unlink(program);
	rmdir(directory);
}

/* A card that is tried by a script. */
static struct device *tried(const char *script, const struct quirk *quirk,
			    const struct device *previous)
{
	const struct probe_options options = {.trial_program = script ? program : NULL,
					      .trial_deadline_ms = 400};
	const struct probe_node node = {.sysfs = directory};
	struct measure measure = {
		.node = &node, .options = &options, .previous = previous, .quirk = *quirk};
	FILE *file;

	if (script) {
		file = fopen(program, "we");
		ck_assert_ptr_nonnull(file);
		fprintf(file, "#!/bin/sh\n%s\n", script);
		ck_assert_int_eq(fchmod(fileno(file), 0700), 0);
		ck_assert_int_eq(fclose(file), 0);
	}
	measure.device = card(quirk);
	measure.fd = dup(0);
	drm_try(&measure);
	ck_assert(!measure.again);
	close(measure.fd);
	return measure.device;
}

/* The child is told what to try, and what it answers counts. */
static const char refuses_all[] = "[ \"$1 $2 $3 $4 $5\" = 'drm 875713112 842094158 64 16' ] && "
				  "echo one-page=refused:22 stride-align=64";

static const struct quirk off = {.has[QUIRK_TRIALS] = true};
static const struct quirk on = {.has[QUIRK_TRIALS] = true, .number[QUIRK_TRIALS] = true};

static const struct {
	const char *script;
	const struct quirk *quirk;
	bool master, imports;
	enum vocab_origin origin;
	uint32_t stride;
	const char *how;
} ways[] = {
	{refuses_all, &no_quirk, false, false, VOCAB_MEASURED, 64, "imports: trial: refuses"},
	{refuses_all, &on, false, false, VOCAB_MEASURED, 64, "imports: trial: refuses"},
	{refuses_all, &off, false, true, VOCAB_ASSUMED, 256, "imports: assumed"},
	{NULL, &no_quirk, false, true, VOCAB_ASSUMED, 256, "imports: assumed"},
	{refuses_all, &no_quirk, true, true, VOCAB_ASSUMED, 256,
	 "imports: assumed; it could not be tried (EACCES)"},
	{"exec sleep 30", &no_quirk, false, true, VOCAB_ASSUMED, 256,
	 "imports: assumed; trial: it has failed (ETIMEDOUT)"},
	{"exit 1", &no_quirk, false, true, VOCAB_ASSUMED, 256,
	 "imports: assumed; trial: it has failed (EPROTO)"},
};

START_TEST(card_is_tried_if_that_is_wanted)
{
	struct device *device;
	struct device_role *role;

	is_master = ways[_i].master;
	device = tried(ways[_i].script, ways[_i].quirk, NULL);
	role = role_of(device);
	ck_assert_uint_eq(vocab_number(role, ROLE_IMPORTS), ways[_i].imports);
	ck_assert_int_eq(vocab_origin(role, ROLE_IMPORTS), ways[_i].origin);
	ck_assert_uint_eq(vocab_number(role->formats.items[1], FORMAT_STRIDE_ALIGN),
			  ways[_i].stride);
	ck_assert(says(&role->how, ways[_i].how));
	vocab_destroy(device);
}
END_TEST

/* The second child would say the contrary of the first. */
START_TEST(card_is_tried_once)
{
	static const char *const scripts[] = {"exit 1", refuses_all, "exec sleep 30"};
	static const char takes_all[] = "echo one-page=taken scattered=taken stride-align=1";

	for (size_t i = 0; i < LEN(scripts); i++) {
		struct device *before = tried(scripts[i], &no_quirk, NULL);
		struct device *now = tried(takes_all, &no_quirk, before);

		ck_assert_uint_eq(vocab_number(role_of(now), ROLE_IMPORTS),
				  vocab_number(role_of(before), ROLE_IMPORTS));
		ck_assert_int_eq(vocab_origin(role_of(now), ROLE_IMPORTS),
				 vocab_origin(role_of(before), ROLE_IMPORTS));
		ck_assert_uint_eq(
			vocab_number(role_of(now)->formats.items[1], FORMAT_STRIDE_ALIGN),
			vocab_number(role_of(before)->formats.items[1], FORMAT_STRIDE_ALIGN));
		vocab_destroy(before);
		vocab_destroy(now);
	}
}
END_TEST

/* What could not be tried is tried when it can. */
START_TEST(card_that_was_not_tried_is_tried_later)
{
	struct device *before, *now;

	is_master = true;
	before = tried(refuses_all, &no_quirk, NULL);
	is_master = false;
	now = tried(refuses_all, &no_quirk, before);
	ck_assert_int_eq(vocab_origin(role_of(now), ROLE_IMPORTS), VOCAB_MEASURED);
	vocab_destroy(before);
	vocab_destroy(now);
}
END_TEST

static Suite *drm_suite(void)
{
	Suite *suite = suite_create("drm");
	TCase *formats = tcase_create("formats"), *trials = tcase_create("trials");
	TCase *children = tcase_create("children");

	tcase_add_test(formats, in_formats_are_taken_in_their_order);
	tcase_add_test(formats, in_formats_of_more_than_64_formats);
	tcase_add_test(formats, in_formats_cut_anywhere_are_no_trouble);
	tcase_add_test(formats, in_formats_that_lie_are_no_trouble);
	suite_add_tcase(suite, formats);

	tcase_add_loop_test(trials, imports_follow_from_the_verdicts, 0, LEN(verdicts));
	tcase_add_test(trials, iommu_is_believed_unless_pages_are_refused);
	tcase_add_test(trials, verdict_holds_for_all_roles);
	tcase_add_loop_test(trials, strides_are_the_larger_of_trial_and_quirk, 0, LEN(strides));
	tcase_add_test(trials, assumed_offsets_cost_nothing);
	tcase_add_test(trials, render_node_keeps_to_what_its_user_declares);
	tcase_add_loop_test(trials, pictures_are_as_the_card_takes_them, 0, LEN(sizes));
	tcase_add_test(trials, without_xr24_the_first_linear_format_is_tried);
	tcase_add_test(trials, strides_count_pixels_of_the_format_that_was_tried);
	tcase_add_test(trials, what_was_tried_is_taken_over);
	tcase_add_test(trials, trial_without_result_is_one_as_well);
	suite_add_tcase(suite, trials);

	tcase_set_timeout(children, 20);
	tcase_add_unchecked_fixture(children, make_directory, remove_directory);
	tcase_add_loop_test(children, card_is_tried_if_that_is_wanted, 0, LEN(ways));
	tcase_add_test(children, card_is_tried_once);
	tcase_add_test(children, card_that_was_not_tried_is_tried_later);
	suite_add_tcase(suite, children);
	return suite;
}

int main(void)
{
	return run_suite(drm_suite());
}
