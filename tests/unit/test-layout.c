/* SPDX-License-Identifier: MIT */
/*
 * Layouts of every format against a model in 128 bit (layout-model.h).
 *
 * Environment: DMABROKER_LAYOUT_CASES (default 10,000,000) random cases in all, and
 * DMABROKER_LAYOUT_SEED (default 1).
 */
#include <inttypes.h>
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/layout-model.h"

#define PARTS 20 /* tests into which the cases are divided */
#define CASES 10000000ull
#define FORMATS_MAX 512

/* ---- cases ---- */

struct test_case {
	size_t format;
	const struct format_info *info;
	uint32_t width, height, stride;
	uint64_t offset_align;
};

/* Small and large ones alike. */
static uint32_t draw_bits(void)
{
	return (uint32_t)(draw() >> 16) >> draw_below(32);
}

/* Sizes of pictures, odd ones too, and now and then any number there is. */
static uint32_t draw_size(void)
{
	static const uint32_t usual[] = {1, 2, 16, 480, 640, 720, 1080, 1920, 3840, 32767, 32768};

	switch (draw_below(16)) {
	case 0:
		return draw_bits();
	case 1:
		return UINT32_MAX - (uint32_t)draw_below(4);
	case 2:
	case 3:
	case 4:
		return usual[draw_below(sizeof(usual) / sizeof(usual[0]))];
	default:
		return 1 + (uint32_t)draw_below(32768);
	}
}

static uint64_t draw_align(void)
{
	switch (draw_below(8)) {
	case 0:
		return 1 + draw_below(1000);
	case 1:
		return 1 + (draw() >> draw_below(64)) % UINT64_MAX;
	default:
		return 1ull << draw_below(17);
	}
}

/* From the natural stride on, mostly such as divide, up to where it does not fit. */
static uint32_t draw_stride(const struct format_info *info, uint32_t width)
{
	uint64_t natural = (uint64_t)model_natural(info, width), step = 1;
	uint64_t stride = natural, aligned;

	for (unsigned int i = 0; i < info->planes_len; i++)
		step = (uint64_t)model_lcm(step, model_multiple(info, i, 1));
	switch (draw_below(8)) {
	case 0:
		return draw_bits();
	case 1:
		return UINT32_MAX - (uint32_t)draw_below(8);
	case 2:
		return (uint32_t)(natural + draw_below(8));
	case 3:
		step *= draw_align() % 65536 + 1;
		break;
	case 4:
		stride += draw_bits();
		break;
	default:
		break;
	}
	aligned = (stride + step - 1) / step * step;
	return aligned > UINT32_MAX ? UINT32_MAX : (uint32_t)aligned;
}

static struct test_case draw_case(size_t formats_len)
{
	struct test_case test = {
		.format = draw_below(formats_len), .width = draw_size(), .height = draw_size()};

	test.info = format_at(test.format);
	test.offset_align = draw_align();
	test.stride = draw_stride(test.info, test.width);
	return test;
}

/* ---- comparison ---- */

static void differs(const struct test_case *test, const char *what)
{
	ck_abort_msg("%s: %s of %" PRIu32 "x%" PRIu32 ", stride %" PRIu32 ", offsets of %" PRIu64,
		     what, test->info->name, test->width, test->height, test->stride,
		     test->offset_align);
}

static bool is_same(const struct format_layout *layout, const struct model *model,
		    unsigned int planes_len)
{
	for (unsigned int i = 0; i < planes_len; i++)
		if (layout->stride[i] != model->stride[i] ||
		    layout->offset[i] != model->offset[i] || layout->bytes[i] != model->bytes[i])
			return false;
	return layout->planes_len == planes_len && layout->total == model->total;
}

/* Returns whether there is a layout. */
static bool compare_layout(const struct test_case *test)
{
	struct format_layout layout, untouched;
	struct model model;
	bool expected =
		model_layout(test->info, test->height, test->stride, test->offset_align, &model);
	bool found;

	memset(&layout, 0x5a, sizeof(layout));
	untouched = layout;
	found = format_layout(test->info, test->height, test->stride, test->offset_align, &layout);
	if (found != expected)
		differs(test, found ? "laid out" : "not laid out");
	if (found && !is_same(&layout, &model, test->info->planes_len))
		differs(test, "another layout");
	if (!found && memcmp(&layout, &untouched, sizeof(layout)) != 0)
		differs(test, "written without a layout");
	return found;
}

static void compare_natural(const struct test_case *test)
{
	wide natural = model_natural(test->info, test->width);

	if (format_stride_min(test->info, test->width) != (natural > MOST32 ? 0 : natural))
		differs(test, "natural stride");
}

static size_t count_formats(void)
{
	size_t len = 0;

	while (format_at(len))
		len++;
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, FORMATS_MAX);
	return len;
}

/* Each format must have come often, and some cases must have been refused, or they are no good. */
START_TEST(layouts_are_the_model_s)
{
	static uint32_t laid_out[FORMATS_MAX];
	uint64_t cases = number_of("DMABROKER_LAYOUT_CASES", CASES) / PARTS, refused = 0;
	size_t formats_len = count_formats();

	random_state = number_of("DMABROKER_LAYOUT_SEED", 1) * PARTS + (uint64_t)_i + 1;
	for (int i = 0; i < 16; i++)
		draw();
	for (uint64_t i = 0; i < cases; i++) {
		struct test_case test = draw_case(formats_len);

		compare_natural(&test);
		if (compare_layout(&test))
			laid_out[test.format]++;
		else
			refused++;
	}
	ck_assert_uint_ge(refused, cases / 100);
	for (size_t at = 0; at < formats_len; at++)
		ck_assert_msg(laid_out[at] >= 50, "%s: %" PRIu32 " layouts in %" PRIu64 " cases",
			      format_at(at)->name, laid_out[at], cases);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 100);
	tcase_add_loop_test(all, layouts_are_the_model_s, 0, PARTS);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
