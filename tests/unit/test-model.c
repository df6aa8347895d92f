/* SPDX-License-Identifier: MIT */
/* Records, formats, layouts, errors: the plain values. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "broker/model/arith.h"
#include "broker/model/format.h"
#include "broker/model/text.h"
#include "broker/model/utf8.h"
#include "tests/unit/check.h"
#include "tests/unit/machine.h"

/* ---- the table ---- */

START_TEST(table_is_consistent)
{
	for (size_t g = 0; vocab_groups[g]; g++) {
		const struct vocab_group *group = vocab_groups[g];

		ck_assert_uint_le(group->rows_len, VOCAB_ROWS_MAX);
		for (size_t i = 0; i < group->rows_len; i++) {
			const struct vocab_row *row = &group->rows[i];

			ck_assert_ptr_nonnull(row->name);
			ck_assert_int_eq(vocab_find(group, row->name), (int)i);
			ck_assert_int_ne(strncmp(row->name, "x-", 2), 0);
			ck_assert_uint_ge(strlen(row->doc), 3);
			ck_assert_uint_lt(row->offset, group->size);
			ck_assert_int_eq(row->type == VOCAB_ENUM, row->names != NULL);
			ck_assert_int_eq(row->type == VOCAB_DICTS, row->group != NULL);
		}
	}
}
END_TEST

START_TEST(absent_is_not_zero)
{
	struct participant *participant;

	ck_assert_int_eq(vocab_create(&vocab_participant, &participant), 0);
	ck_assert(!vocab_has(participant, PARTICIPANT_CAMPING));
	ck_assert_uint_eq(vocab_number(participant, PARTICIPANT_CAMPING), 1);
	ck_assert_int_eq(vocab_set_number(participant, PARTICIPANT_CAMPING, 0, VOCAB_DECLARED), 0);
	ck_assert(vocab_has(participant, PARTICIPANT_CAMPING));
	ck_assert_uint_eq(vocab_number(participant, PARTICIPANT_CAMPING), 0);
	vocab_clear(participant, PARTICIPANT_CAMPING);
	ck_assert_uint_eq(vocab_number(participant, PARTICIPANT_CAMPING), 1);
	vocab_destroy(participant);
}
END_TEST

/* Every number of every group: its limits are taken, what is beyond them is refused and changes
 * nothing. */
START_TEST(limits_are_kept)
{
	unsigned int checked = 0;

	for (size_t g = 0; vocab_groups[g]; g++) {
		void *record;

		ck_assert_int_eq(vocab_create(vocab_groups[g], &record), 0);
		for (unsigned int i = 0; i < vocab_groups[g]->rows_len; i++) {
			const struct vocab_row *row = &vocab_groups[g]->rows[i];

			if (row->type != VOCAB_U32 && row->type != VOCAB_U64)
				continue;
			ck_assert_int_eq(vocab_set_number(record, i, row->min, VOCAB_DECLARED), 0);
			ck_assert_int_eq(vocab_set_number(record, i, row->max, VOCAB_DECLARED), 0);
			ck_assert_uint_eq(vocab_number(record, i), row->max);
			if (row->min)
				ck_assert_int_eq(
					vocab_set_number(record, i, row->min - 1, VOCAB_DECLARED),
					-ERANGE);
			if (row->max != UINT64_MAX)
				ck_assert_int_eq(
					vocab_set_number(record, i, row->max + 1, VOCAB_DECLARED),
					-ERANGE);
			ck_assert_uint_eq(vocab_number(record, i), row->max);
			checked++;
		}
		vocab_destroy(record);
	}
	ck_assert_uint_gt(checked, 50);
}
END_TEST

START_TEST(words_that_are_not_served_say_so)
{
	struct request *request;

	ck_assert_int_eq(vocab_create(&vocab_request, &request), 0);
	ck_assert_int_eq(vocab_set_number(request, REQUEST_FIELD, 0, VOCAB_DECLARED), 0);
	ck_assert_int_eq(vocab_set_number(request, REQUEST_FIELD, 1, VOCAB_DECLARED), -EOPNOTSUPP);
	ck_assert_int_eq(vocab_set_number(request, REQUEST_FIELD, 99, VOCAB_DECLARED), -ERANGE);
	ck_assert_int_eq(vocab_set_number(request, REQUEST_MEMORY_OBJECTS, 1, VOCAB_DECLARED),
			 -EOPNOTSUPP);
	ck_assert_str_eq(vocab_enum_name(request, REQUEST_FIELD), "progressive");
	vocab_destroy(request);
}
END_TEST

START_TEST(lists_end_at_their_limit)
{
	struct request *request;

	ck_assert_int_eq(vocab_create(&vocab_request, &request), 0);
	for (uint32_t i = 0; i < 1024; i++)
		ck_assert_int_eq(vocab_add_format(request, REQUEST_FORMATS, i, 0, VOCAB_DECLARED),
				 0);
	ck_assert_int_eq(vocab_add_format(request, REQUEST_FORMATS, 0, 0, VOCAB_DECLARED), -ERANGE);
	ck_assert_uint_eq(request->formats.len, 1024);
	ck_assert_uint_eq(request->formats.items[1023].fourcc, 1023);
	vocab_destroy(request);
}
END_TEST

/* Table 3-7 of the Unicode standard: each bound from both sides. */
static const struct {
	const char *text;
	bool valid;
	const char *clean;
} texts[] = {
	{"", true, ""},
	{"a\x7f", true, "a\x7f"},
	{"\x80", false, "?"},
	{"\xc1\xbf", false, "??"},
	{"\xc2\x80", true, "\xc2\x80"},
	{"\xdf\xbf", true, "\xdf\xbf"},
	{"\xc2", false, "?"},
	{"\xc2z", false, "?z"},
	{"\xe0\x9f\xbf", false, "???"},
	{"\xe0\xa0\x80", true, "\xe0\xa0\x80"},
	{"\xe2\x82", false, "??"},
	{"\xed\x9f\xbf", true, "\xed\x9f\xbf"},
	{"\xed\xa0\x80", false, "???"},
	{"\xf0\x8f\xbf\xbf", false, "????"},
	{"\xf0\x90\x80\x80", true, "\xf0\x90\x80\x80"},
	{"\xf4\x8f\xbf\xbf", true, "\xf4\x8f\xbf\xbf"},
	{"\xf4\x90\x80\x80", false, "????"},
	{"\xf5\x80\x80\x80", false, "????"},
	{"a\xff"
	 "b\xc3\xa4",
	 false, "a?b\xc3\xa4"},
};

START_TEST(texts_are_utf8)
{
	struct participant *participant;
	char text[8];

	ck_assert_int_eq(utf8_valid(texts[_i].text), texts[_i].valid);
	strcpy(text, texts[_i].text);
	utf8_clean(text);
	ck_assert_str_eq(text, texts[_i].clean);
	ck_assert(utf8_valid(text));
	if (!texts[_i].text[0])
		return;
	ck_assert_int_eq(vocab_create(&vocab_participant, &participant), 0);
	ck_assert_int_eq(
		vocab_set_string(participant, PARTICIPANT_NAME, texts[_i].text, VOCAB_DECLARED),
		texts[_i].valid ? 0 : -ERANGE);
	ck_assert_int_eq(vocab_has(participant, PARTICIPANT_NAME), texts[_i].valid);
	ck_assert_int_eq(vocab_format_string(participant, PARTICIPANT_NAME, VOCAB_DECLARED, "%s",
					     texts[_i].text),
			 0);
	ck_assert_str_eq(participant->name, texts[_i].clean);
	vocab_destroy(participant);
}
END_TEST

START_TEST(copy_is_deep_and_without_fds)
{
	struct request *request = request_by_text("640x480 f=XR24 h=system a=cam0:capture/f=NV12");
	struct participant *participant = (struct participant *)request->participants.items[0];
	struct request *copy;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(vocab_set_fd(participant, PARTICIPANT_DEVICE_FD, fd, VOCAB_DECLARED), 0);
	ck_assert_int_eq(vocab_copy(request, &copy), 0);
	vocab_destroy(request);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1); /* closed with its record */
	participant = (struct participant *)copy->participants.items[0];
	ck_assert(!vocab_has(participant, PARTICIPANT_DEVICE_FD));
	ck_assert_uint_eq(participant->formats.items[0].fourcc, FOURCC('N', 'V', '1', '2'));
	ck_assert_str_eq(copy->allowed_heaps.items[0], "system");
	ck_assert_uint_eq(copy->width, 640);
	vocab_destroy(copy);
}
END_TEST

START_TEST(machine_is_sorted_and_replaces)
{
	struct machine *machine = machine_by_name("pc");
	struct heap *heap;
	size_t len = machine->heaps.len;

	for (size_t i = 1; i < machine->devices.len; i++)
		ck_assert_int_lt(strcmp(vocab_string(machine->devices.items[i - 1], DEVICE_ID),
					vocab_string(machine->devices.items[i], DEVICE_ID)),
				 0);
	ck_assert_int_eq(vocab_create(&vocab_heap, &heap), 0);
	ck_assert_int_eq(vocab_set_string(heap, HEAP_ID, "system", VOCAB_KERNEL), 0);
	ck_assert_int_eq(machine_put(machine, heap), 0);
	ck_assert_uint_eq(machine->heaps.len, len);
	ck_assert_ptr_eq(machine_find_heap(machine, "system"), heap);
	ck_assert_int_eq(machine_remove(machine, MACHINE_HEAPS, "system"), 0);
	ck_assert_ptr_null(machine_find_heap(machine, "system"));
	ck_assert_int_eq(machine_remove(machine, MACHINE_HEAPS, "system"), -ENOENT);
	ck_assert_ptr_nonnull(machine_find_heap(machine, "udmabuf"));
	vocab_destroy(machine);
}
END_TEST

/* ---- arithmetic ---- */

START_TEST(arithmetic_never_wraps)
{
	uint64_t value = 7;

	ck_assert(!arith_add(UINT64_MAX, 1, &value));
	ck_assert(!arith_mul(UINT64_MAX / 2, 3, &value));
	ck_assert(!arith_align(UINT64_MAX, 4096, &value));
	ck_assert(!arith_lcm(UINT64_MAX, UINT64_MAX - 1, &value));
	ck_assert(arith_align(UINT64_MAX - 4095, 4096, &value));
	ck_assert_uint_eq(value, UINT64_MAX - 4095);
	ck_assert(arith_lcm(96, 64, &value));
	ck_assert_uint_eq(value, 192);
	ck_assert(arith_align(0, 4096, &value));
	ck_assert_uint_eq(value, 0);
}
END_TEST

/* ---- formats ---- */

struct layout_row {
	const char *format;
	uint32_t width, height;
	uint32_t stride[FORMAT_PLANES_MAX];
	uint64_t offset[FORMAT_PLANES_MAX];
	uint64_t total;
};

/* By hand from the definition of each format. */
static const struct layout_row layouts[] = {
	{"XR24", 640, 480, {2560}, {0}, 1228800},
	{"RG24", 641, 3, {1923}, {0}, 5769},
	{"RG16", 640, 480, {1280}, {0}, 614400},
	{"R8  ", 640, 480, {640}, {0}, 307200},
	{"YUYV", 640, 480, {1280}, {0}, 614400},
	{"YUYV", 641, 480, {1284}, {0}, 616320},
	{"NV12", 640, 480, {640, 640}, {0, 307200}, 460800},
	{"NV12", 640, 481, {640, 640}, {0, 307840}, 462080},
	{"NV16", 640, 480, {640, 640}, {0, 307200}, 614400},
	{"NV24", 640, 480, {640, 1280}, {0, 307200}, 921600},
	{"P010", 640, 480, {1280, 1280}, {0, 614400}, 921600},
	{"YU12", 640, 480, {640, 320, 320}, {0, 307200, 384000}, 460800},
	{"YU12", 641, 481, {642, 321, 321}, {0, 308802, 386163}, 463524},
	{"YU16", 640, 480, {640, 320, 320}, {0, 307200, 460800}, 614400},
	{"YU24", 640, 480, {640, 640, 640}, {0, 307200, 614400}, 921600},
	{"YU11", 640, 480, {640, 160, 160}, {0, 307200, 384000}, 460800},
	{"YUV9", 640, 480, {640, 160, 160}, {0, 307200, 326400}, 345600},
	{"YUV9", 641, 481, {644, 161, 161}, {0, 309764, 329245}, 348726},
	{"Q410", 640, 480, {1280, 1280, 1280}, {0, 614400, 1228800}, 1843200},
	{"P210", 640, 480, {1280, 1280}, {0, 614400}, 1228800},
	/* 4 pixels in 5 bytes; 2 pairs of colour in 5 */
	{"NV15", 640, 480, {800, 800}, {0, 384000}, 576000},
	{"NV15", 641, 480, {805, 805}, {0, 386400}, 579600},
	{"NV20", 640, 480, {800, 800}, {0, 384000}, 768000},
	{"NV30", 640, 480, {800, 1600}, {0, 384000}, 1152000},
	/* 3 pixels in 4 bytes; 3 pairs of colour, 6 pixels wide, in 8: a whole block there */
	{"P030", 640, 480, {856, 856}, {0, 410880}, 616320},
	{"XRA8", 640, 480, {2560, 640}, {0, 1228800}, 1536000},
	{"R5A8", 641, 480, {1282, 641}, {0, 615360}, 923040},
	{"C1  ", 641, 480, {81}, {0}, 38880},
	{"VU24", 640, 480, {1920}, {0}, 921600},
	{"RG48", 640, 480, {3840}, {0}, 1843200},
	{"Y210", 641, 480, {2568}, {0}, 1232640},
	{"Y416", 640, 480, {5120}, {0}, 2457600},
	{"Y41P", 641, 480, {972}, {0}, 466560},
	{"BA81", 640, 480, {640}, {0}, 307200},
	{"RG10", 640, 480, {1280}, {0}, 614400},
	{"pRAA", 641, 480, {805}, {0}, 386400},
	{"pRCC", 641, 480, {963}, {0}, 462240},
	{"pREE", 641, 480, {1127}, {0}, 540960},
	{"ip3r", 651, 480, {864}, {0}, 414720},
};

START_TEST(layout_is_as_defined)
{
	const struct layout_row *row = &layouts[_i];
	const char *name = row->format;
	const struct format_info *info = format_find(FOURCC(name[0], name[1], name[2], name[3]));
	struct format_layout layout;

	ck_assert_msg(info != NULL, "%s is not in the table", name);
	ck_assert_uint_eq(format_stride_min(info, row->width), row->stride[0]);
	ck_assert(format_layout(info, row->height, row->stride[0], 1, &layout));
	for (unsigned int i = 0; i < info->planes_len; i++) {
		ck_assert_uint_eq(layout.stride[i], row->stride[i]);
		ck_assert_uint_eq(layout.offset[i], row->offset[i]);
	}
	ck_assert_uint_eq(layout.total, row->total);
}
END_TEST

START_TEST(layout_that_overflows_is_refused)
{
	const struct format_info *info = format_find(FOURCC('Y', 'U', '1', '2'));
	struct format_layout layout;

	ck_assert_uint_eq(format_stride_min(format_find(FOURCC('X', 'R', '2', '4')), UINT32_MAX),
			  0);
	ck_assert(!format_layout(info, 480, 641, 1, &layout)); /* chroma would be 320.5 */
	ck_assert(!format_layout(info, UINT32_MAX, UINT32_MAX - 1, 1, &layout));
	ck_assert(format_layout(info, UINT32_MAX, 65536, 1, &layout));
	ck_assert_uint_gt(layout.total, UINT32_MAX);
}
END_TEST

/* ours and V4L2's, from the words of both headers */
static const char *const worlds[][2] = {
	{"XR24", "XR24"},
	{"XR24", "BGR4"},
	{"BX24", "RGB4"},
	{"RG24", "BGR3"},
	{"BG24", "RGB3"},
	{"RG16", "RGBP"},
	{"XR15", "RGBO"},
	{"XR12", "R444"},
	{"BA12", "GA12"},
	{"RGB8", "RGB1"},
	{"R8  ", "GREY"},
	{"R10 ", "Y10 "},
	{"R12 ", "Y12 "},
	{"R16 ", "Y16 "},
	{"C8  ", "PAL8"},
	{"AYUV", "VUYA"},
	{"XYUV", "VUYX"},
	{"AVUY", "YUVA"},
	{"XVUY", "YUVX"},
	{"VU24", "YUV3"},
	{"RG48", "BGR6"},
	{"BG48", "RGB6"},
	{"YU16", "422P"},
	{"YU11", "411P"},
	{"YUV9", "YUV9"},
	{"AR30", "AR30"},
	{"RA30", "RA30"},
	{"P012", "P012"},
	{"NV15", "NV15"},
	{"Y216", "Y216"},
	/* what V4L2 calls by a name that means something else in DRM */
	{"GR12", "BA12"},
	{"SR16", "RG16"},
	{"YUV4", "AYUV"},
	{"YUV4", "YUV4"},
	{"XYU4", "XYUV"},
	/* V4L2 alone */
	{"BG10", "BG10"},
	{"pRAA", "pRAA"},
	{"RGBR", "RGBR"},
	{"HSV3", "HSV3"},
	{"Y012", "Y012"},
};

static uint32_t code_of(const char *name)
{
	return FOURCC(name[0], name[1], name[2], name[3]);
}

START_TEST(fourccs_of_both_worlds_meet)
{
	ck_assert_uint_eq(format_from_v4l2(code_of(worlds[_i][1])), code_of(worlds[_i][0]));
}
END_TEST

START_TEST(fourccs_of_no_picture)
{
	static const char *const others[] = {"MJPG", "H264", "FWHT", "NM12", "YM12",
					     "VT12", "M420", "Y0L0", "PC1R"};

	ck_assert_uint_eq(format_from_v4l2(0), 0);
	ck_assert_ptr_null(format_find(0));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ck_assert_uint_eq(format_from_v4l2(code_of(others[i])), 0);
		ck_assert_ptr_null(format_find(code_of(others[i])));
	}
	/* names of DRM's alone are none of V4L2's */
	ck_assert_uint_eq(format_from_v4l2(FOURCC('A', 'V', 'U', 'Y')), 0);
	ck_assert_uint_eq(format_from_v4l2(FOURCC('R', '8', ' ', ' ')), 0);
}
END_TEST

START_TEST(formats_are_found_by_each_of_their_names)
{
	const struct format_info *info;
	size_t len = 0;

	for (; (info = format_at(len)); len++) {
		ck_assert_ptr_eq(format_find(info->fourcc), info);
		ck_assert(info->drm || info->v4l2[0]);
		ck_assert(info->drm || !info->va);
		for (int i = 0; i < 2; i++)
			if (info->v4l2[i])
				ck_assert_uint_eq(format_from_v4l2(info->v4l2[i]), info->fourcc);
		ck_assert(info->v4l2[0] || !info->v4l2[1]);
		for (size_t i = 0; i < len; i++)
			ck_assert_str_ne(format_at(i)->name, info->name);
	}
	ck_assert_uint_gt(len, 180);
	ck_assert_ptr_null(format_at(SIZE_MAX));
}
END_TEST

START_TEST(fourccs_as_text)
{
	char text[FORMAT_TEXT_BYTES];

	format_text(FOURCC('X', 'R', '2', '4'), text);
	ck_assert_str_eq(text, "XR24");
	format_text(0x01020304, text);
	ck_assert_str_eq(text, "0x01020304");
	format_text(FOURCC('Y', '1', '6', ' ') | 1u << 31, text);
	ck_assert_str_eq(text, "0xa0363159");
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_have_a_name_each)
{
	for (int i = 1; i < ERROR_CODES; i++) {
		ck_assert_int_lt(error_rows[i].number, 0);
		ck_assert_int_eq((int)error_from_name(error_rows[i].name), i);
		for (int j = 1; j < i; j++)
			ck_assert_int_ne(error_rows[i].number, error_rows[j].number);
	}
	ck_assert_int_eq(error_from_name("org.dmabroker1.Error.Conflict"), ERROR_CONFLICT);
	ck_assert_int_eq(error_from_name("org.freedesktop.DBus.Error.Failed"), ERROR_NONE);
}
END_TEST

START_TEST(error_text_names_all_members)
{
	struct error error = {0};
	char *text;

	ck_assert_int_eq(error_set(&error, ERROR_CONFLICT, CONSTRAINT_CONTIGUITY, "camera", NULL,
				   "contiguous memory", "scattered memory: system"),
			 -EXDEV);
	error_setf(&error, ERROR_CONFLICT, CONSTRAINT_HEAPS, NULL, "allowed-heaps", "only %s", "%s",
		   "system");
	text = text_error(&error);
	ck_assert_str_eq(text, "these cannot hold together:\n"
			       "  camera: contiguity: wants contiguous memory; offered: scattered "
			       "memory: system\n"
			       "  heaps: wants only %s; offered: system");
	free(text);
	error_finish(&error);
	ck_assert_ptr_null(error.details);
}
END_TEST

/* The sentence of a refusal says who it is in a line of its own: nobody begins one by a name. */
START_TEST(names_stay_in_their_line)
{
	struct error error = {0};
	char *text;

	error_set(&error, ERROR_INVALID_REQUEST, CONSTRAINT_REQUEST, "a\nb\tc\x7f", "d\re",
		  "\x1b[2J", "\nroot: \xc3\xbc");
	text = text_error(&error);
	ck_assert_str_eq(text, "the request is wrong: a?b?c?: d?e: wants ?[2J; offered: "
			       "?root: \xc3\xbc");
	free(text);
	error_finish(&error);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 60);
	tcase_add_test(all, table_is_consistent);
	tcase_add_test(all, absent_is_not_zero);
	tcase_add_test(all, limits_are_kept);
	tcase_add_test(all, words_that_are_not_served_say_so);
	tcase_add_test(all, lists_end_at_their_limit);
	tcase_add_loop_test(all, texts_are_utf8, 0, (int)(sizeof(texts) / sizeof(texts[0])));
	tcase_add_test(all, copy_is_deep_and_without_fds);
	tcase_add_test(all, machine_is_sorted_and_replaces);
	tcase_add_test(all, arithmetic_never_wraps);
	tcase_add_loop_test(all, layout_is_as_defined, 0,
			    (int)(sizeof(layouts) / sizeof(layouts[0])));
	tcase_add_test(all, layout_that_overflows_is_refused);
	tcase_add_loop_test(all, fourccs_of_both_worlds_meet, 0,
			    sizeof(worlds) / sizeof(worlds[0]));
	tcase_add_test(all, fourccs_of_no_picture);
	tcase_add_test(all, formats_are_found_by_each_of_their_names);
	tcase_add_test(all, fourccs_as_text);
	tcase_add_test(all, errors_have_a_name_each);
	tcase_add_test(all, error_text_names_all_members);
	tcase_add_test(all, names_stay_in_their_line);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
