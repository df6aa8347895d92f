/* SPDX-License-Identifier: MIT */
/* What a participant does, what lists of heaps mean, and how a request is settled. */
#include <errno.h>
#include <string.h>

#include "broker/model/descriptor.h"
#include "broker/model/plan.h"
#include "broker/model/request.h"
#include "tests/unit/check.h"
#include "tests/unit/machine.h"

#define LEN(array) (int)(sizeof(array) / sizeof((array)[0]))

/* The first participant of a request. */
static const struct participant *first(const struct request *request)
{
	return (const struct participant *)request->participants.items[0];
}

/* ---- usage ---- */

struct usage_row {
	const char *participant;
	unsigned int usage;
	enum cpu_access reads, writes;
};

static const struct usage_row usages[] = {
	/* as the role says */
	{"a=cap:capture", USAGE_WRITE, CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	{"a=x:writeback", USAGE_WRITE, CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	{"a=out:output", USAGE_READ, CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	{"a=disp:scanout", USAGE_READ | USAGE_SCANOUT, CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	{"a=gpu:render", USAGE_READ | USAGE_WRITE, CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	{"a=:cpu", USAGE_READ | USAGE_WRITE, CPU_ACCESS_OFTEN, CPU_ACCESS_OFTEN},
	/* as it says itself */
	{"a=cap:capture/usage=read", USAGE_READ, CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	{"a=cap:capture/usage=read,write", USAGE_READ | USAGE_WRITE, CPU_ACCESS_NEVER,
	 CPU_ACCESS_NEVER},
	{"a=cap:capture/usage=none", USAGE_NONE, CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	/* what a word implies */
	{"a=cap:capture/usage=scanout", USAGE_READ | USAGE_SCANOUT, CPU_ACCESS_NEVER,
	 CPU_ACCESS_NEVER},
	{"a=cap:capture/usage=encode", USAGE_READ | USAGE_ENCODE, CPU_ACCESS_NEVER,
	 CPU_ACCESS_NEVER},
	{"a=out:output/usage=decode", USAGE_WRITE | USAGE_DECODE, CPU_ACCESS_NEVER,
	 CPU_ACCESS_NEVER},
	{"a=out:output/usage=decode,encode", USAGE_READ | USAGE_WRITE | USAGE_ENCODE | USAGE_DECODE,
	 CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	{"a=:cpu/usage=decode", USAGE_WRITE | USAGE_DECODE, CPU_ACCESS_NEVER, CPU_ACCESS_OFTEN},
	/* the CPU does often what it does at all, unless it says otherwise */
	{"a=:cpu/usage=read", USAGE_READ, CPU_ACCESS_OFTEN, CPU_ACCESS_NEVER},
	{"a=:cpu/usage=write", USAGE_WRITE, CPU_ACCESS_NEVER, CPU_ACCESS_OFTEN},
	{"a=:cpu/usage=none", USAGE_NONE, CPU_ACCESS_NEVER, CPU_ACCESS_NEVER},
	{"a=:cpu/cpu-access=rare", USAGE_READ | USAGE_WRITE, CPU_ACCESS_RARE, CPU_ACCESS_OFTEN},
	{"a=:cpu/cpu-access=never", USAGE_WRITE, CPU_ACCESS_NEVER, CPU_ACCESS_OFTEN},
	{"a=:cpu/cpu-writes=rare", USAGE_READ | USAGE_WRITE, CPU_ACCESS_OFTEN, CPU_ACCESS_RARE},
	{"a=:cpu/cpu-writes=never", USAGE_READ, CPU_ACCESS_OFTEN, CPU_ACCESS_NEVER},
	{"a=:cpu/cpu-access=never/cpu-writes=never", USAGE_NONE, CPU_ACCESS_NEVER,
	 CPU_ACCESS_NEVER},
	{"a=:cpu/cpu-writes=never/usage=read,write", USAGE_READ | USAGE_WRITE, CPU_ACCESS_OFTEN,
	 CPU_ACCESS_NEVER},
	/* a device's process */
	{"a=cap:capture/cpu-access=often", USAGE_WRITE, CPU_ACCESS_OFTEN, CPU_ACCESS_NEVER},
	{"a=cap:capture/cpu-writes=rare", USAGE_WRITE, CPU_ACCESS_NEVER, CPU_ACCESS_RARE},
};

START_TEST(usage_follows_words_and_role)
{
	const struct usage_row *row = &usages[_i];
	struct request *request = request_by_text(row->participant);

	ck_assert_msg(participant_usage(first(request)) == row->usage, "%s: usage 0x%x",
		      row->participant, participant_usage(first(request)));
	ck_assert_msg(participant_cpu_reads(first(request)) == row->reads, "%s: reads",
		      row->participant);
	ck_assert_msg(participant_cpu_writes(first(request)) == row->writes, "%s: writes",
		      row->participant);
	vocab_destroy(request);
}
END_TEST

/* The bits are numbered as the words are. */
START_TEST(words_of_usage_are_in_order)
{
	static const struct {
		const char *word;
		enum usage bit;
	} words[] = {{"read", USAGE_READ},	     {"write", USAGE_WRITE},
		     {"scanout", USAGE_SCANOUT},     {"encode", USAGE_ENCODE},
		     {"decode", USAGE_DECODE},	     {"none", USAGE_NONE},
		     {"cpu-read", USAGE_CPU_READ},   {"cpu-read-often", USAGE_CPU_READ_OFTEN},
		     {"cpu-write", USAGE_CPU_WRITE}, {"cpu-write-often", USAGE_CPU_WRITE_OFTEN}};

	for (int i = 0; i < LEN(words); i++) {
		ck_assert_str_eq(usage_names[i], words[i].word);
		ck_assert_uint_eq(1u << i, words[i].bit);
	}
	ck_assert_ptr_null(usage_names[LEN(words)]);
}
END_TEST

/* ---- properties of heaps ---- */

static const struct {
	const char *text;
	int properties;
} properties[] = {
	/* ids */
	{"system", 0},
	{"", 0},
	{"is", 0},
	{"contiguous", 0},
	{"this:cached", 0},
	/* each word */
	{"is:contiguous", HEAP_IS_CONTIGUOUS},
	{"is:scattered", HEAP_IS_SCATTERED},
	{"is:cached", HEAP_IS_CACHED},
	{"is:uncached", HEAP_IS_UNCACHED},
	{"is:zeroed", HEAP_IS_ZEROED},
	{"is:protected", HEAP_IS_PROTECTED},
	{"is:dma-heap", HEAP_IS_DMA_HEAP},
	{"is:udmabuf", HEAP_IS_UDMABUF},
	/* several */
	{"is:contiguous+cached", HEAP_IS_CONTIGUOUS | HEAP_IS_CACHED},
	{"is:cached+contiguous", HEAP_IS_CONTIGUOUS | HEAP_IS_CACHED},
	{"is:cached+cached", HEAP_IS_CACHED},
	{"is:contiguous+scattered+cached+uncached+zeroed+protected+dma-heap+udmabuf", 0xff},
	/* none of our words */
	{"is:", -EINVAL},
	{"is:+", -EINVAL},
	{"is:cached+", -EINVAL},
	{"is:+cached", -EINVAL},
	{"is:cached++zeroed", -EINVAL},
	{"is:fast", -EINVAL},
	{"is:Cached", -EINVAL},
	{"is: cached", -EINVAL},
	{"is:cached,zeroed", -EINVAL},
	{"is:cached+fast", -EINVAL},
	{"is:contiguouscontiguous", -EINVAL},
	{"is:is:cached", -EINVAL},
};

START_TEST(properties_are_words_joined)
{
	ck_assert_msg(heap_properties(properties[_i].text) == properties[_i].properties,
		      "\"%s\": %d", properties[_i].text, heap_properties(properties[_i].text));
}
END_TEST

/* ---- settling ---- */

static void must_settle(struct request *request, const struct machine *machine)
{
	struct error error = {0};

	ck_assert_int_eq(request_settle(request, machine, &error), 0);
	ck_assert_ptr_null(error.details);
}

static const char *name_of(const struct request *request, size_t i)
{
	return vocab_string(request->participants.items[i], PARTICIPANT_NAME);
}

START_TEST(participants_stand_in_the_order_of_their_names)
{
	struct machine *machine = machine_by_name("lab");
	struct request *request =
		request_by_text("640x480 c=:cpu a=cap:capture b=out:output f=XR24");

	must_settle(request, machine);
	ck_assert_str_eq(name_of(request, 0), "a");
	ck_assert_str_eq(name_of(request, 1), "b");
	ck_assert_str_eq(name_of(request, 2), "c");
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

/* Device and role, or the CPU: a name is found for those that have none, and said to be ours. */
START_TEST(who_has_no_name_gets_one)
{
	struct machine *machine = machine_by_name("lab");
	struct request *request = request_by_text("640x480 a=cap:capture b=:cpu f=XR24");

	for (size_t i = 0; i < 2; i++)
		vocab_clear(request->participants.items[i], PARTICIPANT_NAME);
	must_settle(request, machine);
	ck_assert_str_eq(name_of(request, 0), "capture cap");
	ck_assert_str_eq(name_of(request, 1), "cpu");
	ck_assert_int_eq(vocab_origin(request->participants.items[1], PARTICIPANT_NAME),
			 VOCAB_ASSUMED);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

START_TEST(the_only_role_and_the_id_are_filled_in)
{
	struct machine *machine = machine_by_name("lab");
	struct request *request = request_by_text("640x480 a=cap f=XR24");

	vocab_set_string(request->participants.items[0], PARTICIPANT_DEVICE, "/dev/cap",
			 VOCAB_DECLARED);
	must_settle(request, machine);
	ck_assert_uint_eq(first(request)->role, ROLE_CAPTURE);
	ck_assert_str_eq(first(request)->device, "cap");
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

static const struct {
	const char *text;
	uint32_t x, y, width, height;
	bool valid;
} rectangles[] = {
	{"640x480 f=XR24 c=:cpu", 0, 0, 640, 480, true},
	{"640x480 f=XR24 c=:cpu visible-x=8 visible-y=16", 8, 16, 632, 464, true},
	{"640x480 f=XR24 c=:cpu visible-width=1 visible-height=1", 0, 0, 1, 1, true},
	{"640x480 f=XR24 c=:cpu visible-x=639 visible-y=479", 639, 479, 1, 1, true},
	{"640x480 f=XR24 c=:cpu visible-width=640 visible-height=480", 0, 0, 640, 480, true},
	{"640x480 f=XR24 c=:cpu visible-x=640", 0, 0, 0, 0, false},
	{"640x480 f=XR24 c=:cpu visible-y=480", 0, 0, 0, 0, false},
	{"640x480 f=XR24 c=:cpu visible-width=641", 0, 0, 0, 0, false},
	{"640x480 f=XR24 c=:cpu visible-height=481", 0, 0, 0, 0, false},
	{"640x480 f=XR24 c=:cpu visible-x=1 visible-width=640", 0, 0, 0, 0, false},
	{"640x480 f=XR24 c=:cpu visible-x=32768 visible-width=1", 0, 0, 0, 0, false},
};

START_TEST(the_visible_rectangle_lies_inside)
{
	struct machine *machine = machine_by_name("lab");
	struct request *request = request_by_text(rectangles[_i].text);
	struct error error = {0};
	int result = request_settle(request, machine, &error);

	ck_assert_msg(result == (rectangles[_i].valid ? 0 : -EINVAL), "%s: %d", rectangles[_i].text,
		      result);
	if (rectangles[_i].valid) {
		ck_assert_uint_eq(request->visible_x, rectangles[_i].x);
		ck_assert_uint_eq(request->visible_y, rectangles[_i].y);
		ck_assert_uint_eq(request->visible_width, rectangles[_i].width);
		ck_assert_uint_eq(request->visible_height, rectangles[_i].height);
	}
	error_finish(&error);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

/* Details of an error say what was wrong and what would be right. */
START_TEST(what_is_wrong_is_named)
{
	struct machine *machine = machine_by_name("lab");
	struct request *request = request_by_text("640x480 f=XR24 c=:cpu/usage=read,fly");
	struct error error = {0};
	const void *refusal;

	ck_assert_int_eq(request_settle(request, machine, &error), -EINVAL);
	ck_assert_int_eq(error.code, ERROR_INVALID_REQUEST);
	ck_assert_uint_eq(error.details->refusals.len, 1);
	refusal = error.details->refusals.items[0];
	ck_assert_str_eq(vocab_string(refusal, REFUSAL_PARTICIPANT), "c");
	ck_assert_str_eq(vocab_string(refusal, REFUSAL_KEY), "usage");
	ck_assert_str_eq(vocab_string(refusal, REFUSAL_OFFERED), "fly");
	error_finish(&error);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

/* Of a part of the participants: who is not among them is somebody else's. */
START_TEST(a_part_reads_from_others)
{
	static const char *const texts[] = {"640x480 f=XR24 a=:cpu/reads-from=b",
					    "640x480 f=XR24 a=:cpu/reads-from=b,a"};
	struct machine *machine = machine_by_name("lab");
	struct request *request = request_by_text(texts[_i]);
	struct error error = {0};

	ck_assert_int_eq(request_settle_part(request, machine, &error), _i ? -EINVAL : 0);
	error_finish(&error);
	ck_assert_int_eq(request_settle(request, machine, &error), -EINVAL);
	error_finish(&error);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

/* Planes of one layout in several memory objects: known, and not served. */
START_TEST(a_layout_in_several_objects_is_not_served)
{
	struct machine *machine = machine_by_name("lab");
	struct request *request = request_by_text(
		"640x480 f=XR24:1 d=disp:scanout/layouts=XR24:1:1228800:0+2560+1228800");
	const struct supplied_layout *layout =
		(const struct supplied_layout *)first(request)->layouts.items[0];
	struct error error = {0};

	vocab_set_number(layout->planes.items[0], PLANE_MEMORY, 1, VOCAB_DECLARED);
	ck_assert_int_eq(request_settle(request, machine, &error), -EOPNOTSUPP);
	error_finish(&error);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

/* What a daemon is sent is checked for this when it is read, and what a broker inside the process
 * is given is not. */
START_TEST(a_layout_that_is_not_whole_is_refused)
{
	static const char *const texts[] = {
		"640x480 f=XR24:1 d=disp:scanout/layouts=XR24:1:1228800:0+2560+1228800",
		"640x480 d=:cpu/buffers=1*system:1228800/layouts=XR24:0:1228800:0+2560+1228800"};
	struct machine *machine = machine_by_name("lab");
	struct request *request = request_by_text(texts[_i / LAYOUT_ROWS]);
	struct error error = {0};
	const void *refusal;

	vocab_clear(first(request)->layouts.items[0], (unsigned int)_i % LAYOUT_ROWS);
	ck_assert_int_eq(request_settle(request, machine, &error), -EINVAL);
	ck_assert_int_eq(error.code, ERROR_INVALID_REQUEST);
	refusal = error.details->refusals.items[0];
	ck_assert_str_eq(vocab_string(refusal, REFUSAL_KEY), "layouts");
	ck_assert_ptr_nonnull(strstr(vocab_string(refusal, REFUSAL_OFFERED),
				     vocab_layout.rows[_i % LAYOUT_ROWS].name));
	error_finish(&error);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

/* Settled twice is settled the same. */
START_TEST(settling_again_changes_nothing)
{
	struct machine *machine = machine_by_name("lab");
	struct request *request = request_by_text(
		"640x480 f=XR24 visible-x=8 b=cap:capture/alt=(h=cma|) a=:cpu/usage=read");
	struct request *copy;

	must_settle(request, machine);
	ck_assert_int_eq(vocab_copy(request, &copy), 0);
	must_settle(request, machine);
	for (unsigned int row = 0; row < REQUEST_ROWS; row++)
		ck_assert_msg(vocab_equal(request, copy, row), "%s", vocab_request.rows[row].name);
	vocab_destroy(copy);
	vocab_destroy(request);
	vocab_destroy(machine);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request");
	TCase *words = tcase_create("words"), *settle = tcase_create("settle");

	tcase_add_loop_test(words, usage_follows_words_and_role, 0, LEN(usages));
	tcase_add_test(words, words_of_usage_are_in_order);
	tcase_add_loop_test(words, properties_are_words_joined, 0, LEN(properties));
	tcase_add_test(settle, participants_stand_in_the_order_of_their_names);
	tcase_add_test(settle, who_has_no_name_gets_one);
	tcase_add_test(settle, the_only_role_and_the_id_are_filled_in);
	tcase_add_loop_test(settle, the_visible_rectangle_lies_inside, 0, LEN(rectangles));
	tcase_add_test(settle, what_is_wrong_is_named);
	tcase_add_loop_test(settle, a_part_reads_from_others, 0, 2);
	tcase_add_test(settle, a_layout_in_several_objects_is_not_served);
	tcase_add_loop_test(settle, a_layout_that_is_not_whole_is_refused, 0, 2 * LAYOUT_ROWS);
	tcase_add_test(settle, settling_again_changes_nothing);
	suite_add_tcase(suite, words);
	suite_add_tcase(suite, settle);
	return run_suite(suite);
}
