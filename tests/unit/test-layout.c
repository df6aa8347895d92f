/* SPDX-License-Identifier: MIT */
/*
 * Layouts against a model in 128 bit, in which nothing can wrap: written from section 4 of
 * docs/negotiation.md, not from format.c. The model takes the blocks of a format from the table;
 * those are compared with the kernel's own by formats.sh.
 *
 * Environment: DMABROKER_LAYOUT_CASES (default 10,000,000) random cases in all, and
 * DMABROKER_LAYOUT_SEED (default 1).
 */
#include <inttypes.h>
#include <string.h>

#include "broker/model/arith.h"
#include "broker/model/format.h"
#include "tests/unit/check.h"

#define PARTS 20 /* tests into which the cases are divided */
#define CASES 10000000ull
#define FORMATS_MAX 512

typedef unsigned __int128 wide;

#define MOST32 ((wide)UINT32_MAX)
#define MOST64 ((wide)UINT64_MAX)

/* ---- the model ---- */

/* Rounded up to a whole number. */
static wide quotient(wide dividend, wide divisor)
{
	return (dividend + divisor - 1) / divisor;
}

/* stride_i = stride_0 * above / below, of the page's formula. */
struct share {
	wide above, below;
};

static struct share share_of(const struct format_info *info, unsigned int i)
{
	return (struct share){(wide)info->planes[0].block_width * info->planes[i].block_bytes,
			      (wide)info->planes[0].block_bytes * info->planes[i].block_width};
}

/* The smallest stride that holds a row in every plane. */
static wide model_natural(const struct format_info *info, wide width)
{
	wide natural = 0;

	for (unsigned int i = 0; i < info->planes_len; i++) {
		wide row = quotient(width, info->planes[i].block_width) *
			   info->planes[i].block_bytes;
		struct share share = share_of(info, i);

		/* stride * above / below >= row */
		if (natural < quotient(row * share.below, share.above))
			natural = quotient(row * share.below, share.above);
	}
	return natural;
}

/* The largest stride_0 / stride_i, at least 1; 0: that is no whole number. */
static wide model_ratio(const struct format_info *info)
{
	struct share largest = {1, 1};

	for (unsigned int i = 0; i < info->planes_len; i++) {
		struct share share = share_of(info, i);

		if (share.below * largest.above > largest.below * share.above)
			largest = share;
	}
	return largest.below % largest.above ? 0 : largest.below / largest.above;
}

struct model {
	wide stride[FORMAT_PLANES_MAX], offset[FORMAT_PLANES_MAX], bytes[FORMAT_PLANES_MAX], total;
};

/* Returns false: a stride is no whole number, or a number is too large for its place. */
static bool model_layout(const struct format_info *info, wide height, wide stride, wide align,
			 struct model *ret_model)
{
	struct model model = {.total = 0};

	for (unsigned int i = 0; i < info->planes_len; i++) {
		struct share share = share_of(info, i);

		if (stride * share.above % share.below)
			return false;
		model.stride[i] = stride * share.above / share.below;
		model.bytes[i] = model.stride[i] * quotient(height, info->planes[i].row_height);
		model.offset[i] = quotient(model.total, align) * align;
		model.total = model.offset[i] + model.bytes[i];
		if (!model.stride[i] || model.stride[i] > MOST32 || model.total > MOST64)
			return false;
	}
	*ret_model = model;
	return true;
}

static wide model_gcd(wide a, wide b)
{
	return b ? model_gcd(b, a % b) : a;
}

/* ---- cases ---- */

struct test_case {
	size_t format;
	const struct format_info *info;
	uint32_t width, height, stride, offset_align;
	uint64_t stride_align, stride_min;
};

static uint64_t random_state;

static uint64_t draw(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static uint64_t draw_below(uint64_t end)
{
	return (draw() >> 16) % end;
}

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
	uint64_t natural = (uint64_t)model_natural(info, width), step = (uint64_t)model_ratio(info);
	uint64_t stride = natural, aligned;

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
	struct test_case test = {.format = draw_below(formats_len),
				 .width = draw_size(),
				 .height = draw_size(),
				 .stride_align = draw_align(),
				 .stride_min = draw_below(4) ? 0 : draw() >> draw_below(64)};
	uint64_t align = draw_align();

	test.info = format_at(test.format);
	test.offset_align = align > UINT32_MAX ? UINT32_MAX : (uint32_t)align;
	test.stride = draw_stride(test.info, test.width);
	return test;
}

/* ---- comparison ---- */

static void differs(const struct test_case *test, const char *what)
{
	ck_abort_msg("%s: %s of %" PRIu32 "x%" PRIu32 ", stride %" PRIu32 ", offsets of %" PRIu32
		     ", strides of %" PRIu64 " from %" PRIu64,
		     what, test->info->name, test->width, test->height, test->stride,
		     test->offset_align, test->stride_align, test->stride_min);
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
	if (format_stride_ratio(test->info) != model_ratio(test->info))
		differs(test, "ratio");
}

/*
 * Steps 1 and 2 of the page, with the functions that a solver has for them: the smallest multiple
 * of an alignment for every plane that is enough for a row and not below a minimum.
 */
static void compare_stride(const struct test_case *test)
{
	wide natural = model_natural(test->info, test->width), ratio = model_ratio(test->info);
	wide align = test->stride_align * ratio, least = quotient(natural, ratio) * ratio, stride;
	uint64_t start, merged, lcm, found;
	bool fits;

	if (natural > MOST32)
		return;
	least = least < test->stride_min ? test->stride_min : least;
	stride = quotient(least, align) * align;
	fits = align <= MOST64 && stride <= MOST64;
	start = format_stride_min(test->info, test->width);
	if (!arith_align(start, format_stride_ratio(test->info), &start) ||
	    !arith_mul(test->stride_align, format_stride_ratio(test->info), &merged) ||
	    !arith_align(arith_max(start, test->stride_min), merged, &found)) {
		if (fits)
			differs(test, "no stride");
		return;
	}
	if (!fits || found != stride)
		differs(test, "another stride");
	stride = (wide)merged / model_gcd(merged, test->offset_align) * test->offset_align;
	if (arith_lcm(merged, test->offset_align, &lcm) != (stride <= MOST64) ||
	    (stride <= MOST64 && lcm != stride))
		differs(test, "least common multiple");
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
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
		compare_stride(&test);
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
