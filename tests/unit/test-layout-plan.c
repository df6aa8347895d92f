/* SPDX-License-Identifier: MIT */
/*
 * Plans against the model in 128 bit (layout-model.h): up to three participants, a V4L2 queue, a
 * display and the CPU, with facts and wishes at random, up to the limits of their keys. Stride,
 * offsets and bytes of the plan are those that section 4 of docs/negotiation.md comes to, and where
 * it comes to none there is a conflict.
 *
 * Environment: DMABROKER_LAYOUT_CASES (default 10,000,000), of which this takes one in 200, and
 * DMABROKER_LAYOUT_SEED (default 1).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "broker/model/descriptor.h"
#include "broker/solver/solve.h"
#include "tests/unit/check.h"
#include "tests/unit/layout-model.h"

#define PARTS 20 /* tests into which the cases are divided */
#define CASES 10000000ull
#define PAGE 4096
#define ABSENT UINT64_MAX

enum { QUEUE, DISPLAY, CPU, PARTIES };

static const char *const names[PARTIES] = {"queue", "display", "cpu"};
static const uint32_t roles[PARTIES] = {ROLE_CAPTURE, ROLE_SCANOUT, ROLE_CPU};

/* What a participant declares, and the facts of its device; ABSENT where there is none. */
struct party {
	bool takes_part;
	uint64_t stride_min, stride_max, stride_align, pixels, offset_align, rows_align, bytes_min,
		bytes_max, bytes_align, tail;
	uint64_t own_align, custom, own_max, height_align, own_tail, own_offset;
};

struct plan_case {
	const struct format_info *info;
	uint32_t width, height;
	struct party parties[PARTIES];
};

/* ---- cases ---- */

/* Mostly none. */
static uint64_t maybe(uint64_t value)
{
	return draw_below(6) ? ABSENT : value;
}

static uint64_t draw_align(uint64_t most)
{
	uint64_t align = draw_below(4) ? 1ull << draw_below(17) : 1 + draw_below(most);

	return align > most ? most : align;
}

static uint64_t draw_bytes(void)
{
	return 1 + (draw() >> (1 + draw_below(63)));
}

static uint32_t draw_size(void)
{
	static const uint32_t usual[] = {1, 2, 16, 480, 640, 1080, 1920, 3840, 32767, 32768};

	return draw_below(3) ? 1 + (uint32_t)draw_below(32768)
			     : usual[draw_below(sizeof(usual) / sizeof(usual[0]))];
}

static void draw_wishes(struct party *party, uint64_t natural)
{
	party->stride_min = maybe(draw_below(8) ? natural + draw_below(natural + 1) : draw() >> 32);
	party->stride_max = maybe(natural * 2 + draw_below(100000));
	party->stride_align = maybe(draw_align(65536));
	party->pixels = maybe(1);
	party->offset_align = maybe(draw_align(65536));
	party->rows_align = maybe(draw_align(32768));
	party->bytes_min = maybe(draw_bytes());
	party->bytes_max = draw_below(10) ? ABSENT : draw_bytes();
	party->bytes_align = maybe(draw_align(1u << 30));
	party->tail = maybe(draw_below(4) ? draw_below(100000) : draw_bytes());
}

static void draw_facts(struct party *party, uint64_t natural)
{
	party->own_align = draw_below(4) ? draw_align(256) : draw_align(65536);
	party->custom = draw_below(3) > 0;
	party->own_max = maybe(natural + draw_below(100000));
	party->height_align = maybe(1ull << draw_below(7));
	party->own_tail = maybe(draw_below(100000));
	party->own_offset = maybe(draw_align(65536));
}

static struct plan_case draw_case(size_t formats_len)
{
	struct plan_case test = {.info = format_at(draw_below(formats_len)),
				 .width = draw_size(),
				 .height = draw_size()};
	uint64_t natural = (uint64_t)model_natural(test.info, test.width);
	uint64_t who = 1 + draw_below(7);

	for (unsigned int i = 0; i < PARTIES; i++) {
		test.parties[i].takes_part = who & (1u << i);
		draw_wishes(&test.parties[i], natural);
		draw_facts(&test.parties[i], natural);
	}
	return test;
}

/* ---- the page ---- */

/* The value of a key of a participant, or what absence means. */
static wide or_else(uint64_t value, wide otherwise)
{
	return value == ABSENT ? otherwise : value;
}

static wide larger(wide a, wide b)
{
	return a > b ? a : b;
}

static wide smaller(wide a, wide b)
{
	return a < b ? a : b;
}

static wide up(wide value, wide align)
{
	return quotient(value, align) * align;
}

/* Rows in memory; 0: there are none that suit all. */
static wide find_rows(const struct plan_case *test)
{
	const struct party *queue = &test->parties[QUEUE];
	wide align = 1, declared, insists;

	for (unsigned int i = 0; i < PARTIES; i++)
		if (test->parties[i].takes_part)
			align = model_lcm(align, or_else(test->parties[i].rows_align, 1));
	declared = up(test->height, align);
	if (!queue->takes_part || test->info->planes_len == 1)
		return declared;
	insists = up(test->height, or_else(queue->height_align, 1));
	return align > 1 && insists != declared ? 0 : insists;
}

/* The lcm of all declared and offset facts. */
static wide find_offset_align(const struct plan_case *test)
{
	wide align = 1;

	for (unsigned int i = 0; i < PARTIES; i++) {
		const struct party *party = &test->parties[i];

		if (!party->takes_part)
			continue;
		align = model_lcm(align, or_else(party->offset_align, 1));
		if (i == DISPLAY)
			align = model_lcm(align, or_else(party->own_offset, 1));
	}
	return align;
}

static wide every_plane(const struct format_info *info, wide align)
{
	wide merged = 1;

	for (unsigned int i = 0; i < info->planes_len; i++)
		merged = model_lcm(merged, model_multiple(info, i, align));
	return merged;
}

/* What the stride must be a multiple of so that plane k begins at one of `align`. */
static wide for_offset(const struct format_info *info, unsigned int k, wide rows, wide align)
{
	wide sum = 0, divisor = 1;

	for (unsigned int i = 0; i < k; i++) {
		struct share share = share_of(info, i);

		sum = sum * share.below +
		      quotient(rows, info->planes[i].row_height) * share.above * divisor;
		divisor *= share.below;
	}
	return align * divisor / model_gcd(align * divisor, sum);
}

static wide find_align(const struct plan_case *test, wide rows, wide offset_align)
{
	const struct format_info *info = test->info;
	wide align = every_plane(info, 1);

	for (unsigned int i = 0; i < PARTIES; i++) {
		const struct party *party = &test->parties[i];

		if (!party->takes_part)
			continue;
		align = model_lcm(align, every_plane(info, or_else(party->stride_align, 1)));
		for (unsigned int p = 0; p < info->planes_len && party->pixels == 1; p++)
			align = model_lcm(align,
					  model_multiple(info, p, info->planes[p].block_bytes));
		if (i == QUEUE && party->custom)
			align = model_lcm(align, party->own_align);
		if (i == DISPLAY && party->custom)
			align = model_lcm(align, every_plane(info, party->own_align));
	}
	for (unsigned int k = 1; k < info->planes_len && test->parties[QUEUE].takes_part; k++)
		align = model_lcm(align, for_offset(info, k, rows, offset_align));
	return align;
}

/* The first plane's stride; 0: there is none that suits all. */
static wide find_stride(const struct plan_case *test, wide rows, wide offset_align)
{
	wide natural = model_natural(test->info, test->width), most = MOST32, least = natural;
	wide align = find_align(test, rows, offset_align), stride, fixed = 0;

	if (!align)
		return 0;
	for (unsigned int i = 0; i < PARTIES; i++) {
		const struct party *party = &test->parties[i];
		wide own;

		if (!party->takes_part)
			continue;
		least = larger(least, or_else(party->stride_min, 0));
		most = smaller(most, or_else(party->stride_max, MOST32));
		if (i == CPU)
			continue;
		most = smaller(most, or_else(party->own_max, MOST32));
		own = i == QUEUE ? party->own_align : every_plane(test->info, party->own_align);
		if (party->custom)
			continue;
		if (!own || (fixed && fixed != up(natural, own)))
			return 0;
		fixed = up(natural, own);
	}
	stride = up(least, align);
	if (fixed && (fixed < least || fixed % align))
		return 0;
	stride = fixed ? fixed : stride;
	return stride > most ? 0 : stride;
}

/* What participant `i` wants behind the last plane. */
static wide tail_of(const struct plan_case *test, unsigned int i, wide rows, wide stride)
{
	const struct party *party = &test->parties[i];
	wide tail = or_else(party->tail, 0), padded;

	if (i == CPU)
		return tail;
	tail = larger(tail, or_else(party->own_tail, 0));
	padded = up(test->height, or_else(party->height_align, 1));
	if (i == QUEUE && test->info->planes_len == 1 && padded > rows)
		tail += (padded - rows) * stride;
	return tail;
}

/* Bytes of picture and padding; 0: none that suit all. */
static wide find_bytes(const struct plan_case *test, const struct model *model, wide rows)
{
	wide tail = 0, least = 0, most = MOST64, align = 1, count = 0, bytes;

	for (unsigned int i = 0; i < PARTIES; i++) {
		const struct party *party = &test->parties[i];

		if (!party->takes_part)
			continue;
		tail = larger(tail, tail_of(test, i, rows, model->stride[0]));
		least = larger(least, or_else(party->bytes_min, 0));
		most = smaller(most, or_else(party->bytes_max, MOST64));
		align = model_lcm(align, or_else(party->bytes_align, 1));
		count++; /* each holds one */
	}
	if (!align)
		return 0;
	bytes = up(larger(model->total + tail, least), align);
	return bytes <= most && count * up(bytes, PAGE) <= MOST64 ? bytes : 0;
}

static bool can_express(const struct plan_case *test, const struct model *model, wide rows)
{
	const struct format_info *info = test->info;

	if (test->parties[QUEUE].takes_part &&
	    (!info->v4l2[0] ||
	     model->total + tail_of(test, QUEUE, rows, model->stride[0]) > MOST32))
		return false;
	return !test->parties[DISPLAY].takes_part ||
	       (info->drm && model->offset[info->planes_len - 1] <= MOST32);
}

/* Returns whether there is an answer. */
static bool model_plan(const struct plan_case *test, struct model *ret_model, wide *ret_bytes)
{
	wide rows = find_rows(test), offset_align = find_offset_align(test), stride;

	if (!rows || rows > MOST32 || !offset_align)
		return false;
	stride = find_stride(test, rows, offset_align);
	if (!stride || !model_layout(test->info, rows, stride, offset_align, ret_model))
		return false;
	*ret_bytes = find_bytes(test, ret_model, rows);
	return *ret_bytes && can_express(test, ret_model, rows);
}

/* ---- the solver ---- */

static void must(int result)
{
	ck_assert_int_eq(result, 0);
}

static void put(void *record, unsigned int row, uint64_t value)
{
	if (value != ABSENT)
		must(vocab_set_number(record, row, value, VOCAB_DECLARED));
}

static void add_device(struct machine *machine, const struct plan_case *test, unsigned int who,
		       enum kind kind)
{
	const struct party *party = &test->parties[who];
	struct device_format *format;
	struct device_role *role;
	struct device *device;

	must(vocab_create(&vocab_device, &device));
	must(vocab_set_string(device, DEVICE_ID, names[who], VOCAB_DECLARED));
	put(device, DEVICE_KIND, kind);
	put(device, DEVICE_COHERENCY, COHERENCY_COHERENT);
	must(vocab_add_dict(device, DEVICE_ROLES, VOCAB_DECLARED, &role));
	put(role, ROLE_ROLE, roles[who]);
	put(role, ROLE_IMPORTS, true);
	put(role, ROLE_CONTIGUITY, CONTIGUITY_NONE);
	put(role, ROLE_CPU_COPIES, true);
	put(role, ROLE_DMA_MAPS, false);
	if (who == DISPLAY)
		put(role, ROLE_OFFSET_ALIGN, party->own_offset);
	must(vocab_add_dict(role, ROLE_FORMATS, VOCAB_DECLARED, &format));
	put(format, FORMAT_FORMAT, test->info->fourcc);
	put(format, FORMAT_MODIFIER, FORMAT_MODIFIER_LINEAR);
	put(format, FORMAT_STRIDE_ALIGN, party->own_align);
	put(format, FORMAT_STRIDE_CUSTOM, party->custom);
	put(format, FORMAT_STRIDE_MAX, party->own_max);
	put(format, FORMAT_HEIGHT_ALIGN, party->height_align);
	put(format, FORMAT_TAIL_BYTES, party->own_tail);
	must(machine_put(machine, device));
}

static struct machine *create_machine(const struct plan_case *test)
{
	struct machine *machine;
	struct heap *heap;

	must(vocab_create(&vocab_machine, &machine));
	add_device(machine, test, QUEUE, KIND_V4L2);
	add_device(machine, test, DISPLAY, KIND_DRM);
	must(vocab_create(&vocab_heap, &heap));
	must(vocab_set_string(heap, HEAP_ID, "heap", VOCAB_DECLARED));
	put(heap, HEAP_EXPORTER, EXPORTER_DMA_HEAP);
	put(heap, HEAP_KNOWN, true);
	put(heap, HEAP_CONTIGUOUS, false);
	put(heap, HEAP_CACHED, true);
	put(heap, HEAP_MAINTENANCE, MAINTENANCE_ATTACHMENTS);
	must(machine_put(machine, heap));
	return machine;
}

static void add_participant(struct request *request, const struct party *party, unsigned int who)
{
	struct participant *record;

	must(vocab_add_dict(request, REQUEST_PARTICIPANTS, VOCAB_DECLARED, &record));
	must(vocab_set_string(record, PARTICIPANT_NAME, names[who], VOCAB_DECLARED));
	put(record, PARTICIPANT_ROLE, roles[who]);
	if (who != CPU)
		must(vocab_set_string(record, PARTICIPANT_DEVICE, names[who], VOCAB_DECLARED));
	put(record, PARTICIPANT_STRIDE_MIN, party->stride_min);
	put(record, PARTICIPANT_STRIDE_MAX, party->stride_max);
	put(record, PARTICIPANT_STRIDE_ALIGN, party->stride_align);
	put(record, PARTICIPANT_STRIDE_PIXELS, party->pixels);
	put(record, PARTICIPANT_OFFSET_ALIGN, party->offset_align);
	put(record, PARTICIPANT_ROWS_ALIGN, party->rows_align);
	put(record, PARTICIPANT_BYTES_MIN, party->bytes_min);
	put(record, PARTICIPANT_BYTES_MAX, party->bytes_max);
	put(record, PARTICIPANT_BYTES_ALIGN, party->bytes_align);
	put(record, PARTICIPANT_TAIL_BYTES, party->tail);
}

static struct request *create_request(const struct plan_case *test)
{
	struct request *request;

	must(vocab_create(&vocab_request, &request));
	put(request, REQUEST_WIDTH, test->width);
	put(request, REQUEST_HEIGHT, test->height);
	must(vocab_add_format(request, REQUEST_FORMATS, test->info->fourcc, FORMAT_MODIFIER_LINEAR,
			      VOCAB_DECLARED));
	for (unsigned int i = 0; i < PARTIES; i++)
		if (test->parties[i].takes_part)
			add_participant(request, &test->parties[i], i);
	return request;
}

/* ---- comparison ---- */

static void differs(const struct plan_case *test, const char *what)
{
	char text[2048];
	int len = snprintf(text, sizeof(text), "%s: %s %" PRIu32 "x%" PRIu32, what,
			   test->info->name, test->width, test->height);

	for (unsigned int i = 0; i < PARTIES; i++) {
		const struct party *party = &test->parties[i];
		const uint64_t *values = &party->stride_min;

		if (!party->takes_part)
			continue;
		len += snprintf(text + len, sizeof(text) - (size_t)len, "\n# %s:", names[i]);
		for (int j = 0; j < (i == CPU ? 10 : 16); j++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, " %" PRId64,
					(int64_t)values[j]);
	}
	ck_abort_msg("%s", text);
}

static void compare_plan(const struct plan_case *test, const struct plan *plan,
			 const struct model *model, wide bytes)
{
	if (plan->picture_bytes != bytes || plan->planes.len != test->info->planes_len)
		differs(test, "other bytes");
	for (unsigned int i = 0; i < plan->planes.len; i++) {
		const struct plane *plane = (const struct plane *)plan->planes.items[i];

		if (plane->stride != model->stride[i] || plane->offset != model->offset[i] ||
		    plane->bytes != model->bytes[i])
			differs(test, "another layout");
	}
}

/* Returns whether there is a plan. */
static bool compare(const struct plan_case *test)
{
	struct machine *machine = create_machine(test);
	struct request *request = create_request(test);
	struct error error = {0};
	struct plan *plan = NULL;
	struct model model;
	wide bytes = 0;
	bool expected = model_plan(test, &model, &bytes);
	int result;

	must(request_settle(request, machine, &error));
	result = solve(machine, request, &error, &plan);
	if (expected && result)
		differs(test, "no plan");
	if (!expected && result != error_rows[ERROR_CONFLICT].number)
		differs(test, "no conflict");
	if (expected)
		compare_plan(test, plan, &model, bytes);
	error_finish(&error);
	vocab_destroy(plan);
	vocab_destroy(request);
	vocab_destroy(machine);
	return expected;
}

START_TEST(plans_are_the_model_s)
{
	uint64_t cases = number_of("DMABROKER_LAYOUT_CASES", CASES) / 200 / PARTS, plans = 0;
	size_t formats_len = 0;

	while (format_at(formats_len))
		formats_len++;
	random_state = number_of("DMABROKER_LAYOUT_SEED", 1) * PARTS + (uint64_t)_i + 1;
	for (int i = 0; i < 16; i++)
		draw();
	for (uint64_t i = 0; i < cases; i++) {
		struct plan_case test = draw_case(formats_len);

		plans += compare(&test);
	}
	ck_assert_uint_ge(plans, cases / 5);
	ck_assert_uint_ge(cases - plans, cases / 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout-plan");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 100);
	tcase_add_loop_test(all, plans_are_the_model_s, 0, PARTS);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
