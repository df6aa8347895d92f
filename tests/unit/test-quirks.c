/* SPDX-License-Identifier: MIT */
/* Quirk files: what they may say, what is refused and where, who wins, and the files we ship. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/probe/quirks.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"

#define LEN(array) (int)(sizeof(array) / sizeof((array)[0]))
#define FUZZ_RUNS 3000

/* --- files --- */

static char scratch[] = "/tmp/test-quirks.XXXXXX";

static void make_scratch(void)
{
	strcpy(scratch, "/tmp/test-quirks.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_scratch(void)
{
	nftw(scratch, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Returns borrowed until the next call: the path of a new file in the scratch folder. */
static const char *write_bytes(const char *name, const void *bytes, size_t len)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	fclose(file);
	return path;
}

static const char *write_text(const char *name, const char *text)
{
	return write_bytes(name, text, strlen(text));
}

/* --- what is reported --- */

struct reports {
	unsigned int len;
	unsigned int line; /* of the first */
	char file[128], text[512];
	bool more; /* the last one counted the rest */
};

static void note_report(void *data, const char *file, unsigned int line, const char *text)
{
	struct reports *reports = data;

	if (reports->len++ == 0) {
		reports->line = line;
		snprintf(reports->file, sizeof(reports->file), "%s", file);
		snprintf(reports->text, sizeof(reports->text), "%s", text);
	}
	reports->more = strstr(text, "more problems") != NULL;
}

static struct quirks *load(const char *text, int error, struct reports *reports)
{
	struct quirks *quirks;

	*reports = (struct reports){0};
	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(
		quirks_load_file(quirks, write_text("a.quirks", text), note_report, reports),
		error);
	return quirks;
}

static struct quirk find(const struct quirks *quirks, enum quirk_kind kind, const char *name,
			 const char *kernel)
{
	struct quirk_subject subject = {.kind = kind, .name = name, .kernel = kernel};
	struct quirk quirk;

	memset(&quirk, 0xff, sizeof(quirk));
	quirks_find(quirks, &subject, &quirk);
	return quirk;
}

static size_t count(const struct quirks *quirks)
{
	size_t len = 0;

	while (quirks_section(quirks, len))
		len++;
	return len;
}

/* --- what a section says --- */

static const char everything[] = "# a comment, which may hold anything: \xc3\xa4\n"
				 "; another\n"
				 "[camera-1.0_x]\n"
				 "match-kind=v4l2\n"
				 "match-driver = some*cam\n"
				 "memory-model=dma-sg\n"
				 "contiguity=whole\n"
				 "imports=yes\n"
				 "cpu-copies=no\n"
				 "coherency=barrier\n"
				 "address-bits=36\n"
				 "stride-align=96\n"
				 "offset-align=4096\n"
				 "segment-bytes-max=65536\n"
				 "segments-max=7\n"
				 "trials=no\n"
				 "private-iommu=yes\n"
				 "dma-device=a,b-*   c,d?\n"
				 "source=6.12 drivers/x.c, and a measurement\n"
				 "\n"
				 "[memory]\n"
				 "match-kind=heap\n"
				 "match-heap=mem*\n"
				 "contiguous=yes\n"
				 "cached=no\n"
				 "zeroed=yes\n"
				 "protected=no\n"
				 "address-bits=31\n"
				 "maintenance=exporter\n"
				 "kernel-map=no\n"
				 "source=measured\n";

static const struct {
	enum quirk_key key;
	uint64_t number;
} device_facts[] =
	{
		{QUIRK_MEMORY_MODEL, MEMORY_MODEL_DMA_SG},
		{QUIRK_CONTIGUITY, CONTIGUITY_WHOLE},
		{QUIRK_IMPORTS, true},
		{QUIRK_CPU_COPIES, false},
		{QUIRK_COHERENCY, COHERENCY_BARRIER},
		{QUIRK_ADDRESS_BITS, 36},
		{QUIRK_STRIDE_ALIGN, 96},
		{QUIRK_OFFSET_ALIGN, 4096},
		{QUIRK_SEGMENT_BYTES_MAX, 65536},
		{QUIRK_SEGMENTS_MAX, 7},
		{QUIRK_TRIALS, false},
		{QUIRK_PRIVATE_IOMMU, true},
},
  heap_facts[] = {
	  {QUIRK_CONTIGUOUS, true},  {QUIRK_CACHED, false},
	  {QUIRK_ZEROED, true},	     {QUIRK_PROTECTED, false},
	  {QUIRK_ADDRESS_BITS, 31},  {QUIRK_MAINTENANCE, MAINTENANCE_EXPORTER},
	  {QUIRK_KERNEL_MAP, false},
};

static unsigned int count_facts(const struct quirk *quirk)
{
	unsigned int len = 0;

	for (int key = 0; key < QUIRK_KEYS; key++)
		len += quirk->has[key];
	return len;
}

START_TEST(section_says_all_its_facts)
{
	struct reports reports;
	struct quirks *quirks = load(everything, 0, &reports);
	struct quirk device = find(quirks, QUIRK_KIND_V4L2, "some-webcam", "6.12");
	struct quirk heap = find(quirks, QUIRK_KIND_HEAP, "memory", NULL);

	ck_assert_uint_eq(reports.len, 0);
	for (int i = 0; i < LEN(device_facts); i++) {
		ck_assert(device.has[device_facts[i].key]);
		ck_assert_uint_eq(device.number[device_facts[i].key], device_facts[i].number);
		ck_assert_str_eq(device.how[device_facts[i].key],
				 "a.quirks [camera-1.0_x]: 6.12 drivers/x.c, and a measurement");
	}
	ck_assert_str_eq(device.text[QUIRK_DMA_DEVICE], "a,b-* c,d?");
	ck_assert_uint_eq(count_facts(&device), LEN(device_facts) + 1);
	for (int i = 0; i < LEN(heap_facts); i++) {
		ck_assert(heap.has[heap_facts[i].key]);
		ck_assert_uint_eq(heap.number[heap_facts[i].key], heap_facts[i].number);
	}
	ck_assert_uint_eq(count_facts(&heap), LEN(heap_facts));
	quirks_destroy(quirks);
}
END_TEST

START_TEST(sections_are_shown_to_people)
{
	struct reports reports;
	struct quirks *quirks = load(everything, 0, &reports);
	const struct quirk_section *section = quirks_section(quirks, 1);

	ck_assert_str_eq(section->file, "a.quirks");
	ck_assert_str_eq(section->name, "memory");
	ck_assert_uint_eq(section->line, 21);
	ck_assert_str_eq(section->match, "heap mem*");
	ck_assert_str_eq(section->facts, "address-bits=31, contiguous=yes, cached=no, zeroed=yes, "
					 "protected=no, maintenance=exporter, kernel-map=no");
	ck_assert_str_eq(section->source, "measured");
	ck_assert_ptr_null(quirks_section(quirks, 2));
	quirks_destroy(quirks);
}
END_TEST

/* --- who is meant --- */

static const char matches_text[] = "[d]\nmatch-kind=drm\nmatch-driver=card\nimports=no\nsource=x\n"
				   "[n]\nmatch-kind=v4l2\nmatch-compatible=acme,vpu-*\n"
				   "address-bits=40\nsource=x\n"
				   "[b]\nmatch-kind=v4l2\nmatch-driver=codec\n"
				   "match-compatible=acme,vpu-2\nsegments-max=3\nsource=x\n";

static const struct {
	enum quirk_kind kind;
	const char *name;
	const char *compatible[3];
	bool imports, bits, segments;
} subjects[] = {
	{QUIRK_KIND_DRM, "card", {NULL}, true, false, false},
	{QUIRK_KIND_DRM, "card1", {NULL}, false, false, false},
	{QUIRK_KIND_DRM, "car", {NULL}, false, false, false},
	{QUIRK_KIND_V4L2, "card", {NULL}, false, false, false},
	{QUIRK_KIND_HEAP, "card", {NULL}, false, false, false},
	{QUIRK_KIND_V4L2, "x", {"other", "acme,vpu-1"}, false, true, false},
	{QUIRK_KIND_V4L2, "", {"acme,vpu-1"}, false, true, false},
	{QUIRK_KIND_V4L2, "x", {"acme,vpu"}, false, false, false},
	{QUIRK_KIND_DRM, "x", {"acme,vpu-1"}, false, false, false},
	{QUIRK_KIND_V4L2, "codec", {"acme,vpu-2"}, false, true, true},
	{QUIRK_KIND_V4L2, "codec", {"acme,vpu-1"}, false, true, false},
	{QUIRK_KIND_V4L2, "codec", {NULL}, false, false, false},
};

START_TEST(section_matches_who_it_names)
{
	struct reports reports;
	struct quirks *quirks = load(matches_text, 0, &reports);
	struct vocab_strings compatible = {.items = (char **)(uintptr_t)subjects[_i].compatible};
	struct quirk_subject subject = {.kind = subjects[_i].kind, .name = subjects[_i].name};
	struct quirk quirk;

	while (subjects[_i].compatible[compatible.len])
		compatible.len++;
	subject.compatible = compatible.len ? &compatible : NULL;
	quirks_find(quirks, &subject, &quirk);
	ck_assert_int_eq(quirk.has[QUIRK_IMPORTS], subjects[_i].imports);
	ck_assert_int_eq(quirk.has[QUIRK_ADDRESS_BITS], subjects[_i].bits);
	ck_assert_int_eq(quirk.has[QUIRK_SEGMENTS_MAX], subjects[_i].segments);
	quirks_destroy(quirks);
}
END_TEST

START_TEST(no_quirks_say_nothing)
{
	struct quirk quirk = find(NULL, QUIRK_KIND_DRM, "vkms", "6.12");

	ck_assert_uint_eq(count_facts(&quirk), 0);
	ck_assert_uint_eq(quirk.number[QUIRK_MEMORY_MODEL], 0);
	ck_assert_ptr_null(quirk.how[QUIRK_MEMORY_MODEL]);
	quirks_destroy(NULL);
}
END_TEST

static const struct {
	const char *range, *kernel;
	bool matches;
} kernels[] = {
	{"5.0-6.16", "5.0", true},
	{"5.0-6.16", "4.19.300", false},
	{"5.0-6.16", "6.9", true},
	{"5.0-6.16", "6.16", true},
	{"5.0-6.16", "6.16.4-rc1-arch", true},
	{"5.0-6.16", "6.17", false},
	{"-6.9", "6.9", true},
	{"-6.9", "6.12.0", false},
	{"-6.9", "2.6.39", true},
	{"-6.12", "6.12.117+deb13-amd64", true},
	{"-6.12.100", "6.12.117", false},
	{"-6.12.100", "6.12.99", true},
	{"-6.12.100", "6.12", true},
	{"6.19-", "6.19", true},
	{"6.19-", "6.19-rc3", true},
	{"6.19-", "7.0", true},
	{"6.19-", "6.2", false},
	{"6.19-", "6.18.99", false},
	{"6.12.3-", "6.12", false},
	{"6.12.3-", "6.12.3", true},
	{"6.12", "6.12.117", true},
	{"6.12", "6.12", true},
	{"6.12", "6.1", false},
	{"6.12", "6.13", false},
	{"6.12", "6.120", false},
	{"6.1.2.3-6.1.2.4", "6.1.2.4.5", true},
	{"0-65535", "6", true},
	/* what nobody can read is in no range */
	{"-6.9", "", false},
	{"6.19-", "linux", false},
	{"-6.9", "99999999999.1", false},
	{"-6.9", NULL, false},
};

START_TEST(kernel_versions_compare_as_numbers)
{
	char text[256];
	struct reports reports;
	struct quirks *quirks;

	snprintf(text, sizeof(text),
		 "[k]\nmatch-kind=drm\nmatch-driver=d\nmatch-kernel=%s\nimports=no\nsource=x\n",
		 kernels[_i].range);
	quirks = load(text, 0, &reports);
	ck_assert_int_eq(find(quirks, QUIRK_KIND_DRM, "d", kernels[_i].kernel).has[QUIRK_IMPORTS],
			 kernels[_i].matches);
	quirks_destroy(quirks);
}
END_TEST

/* --- mistakes --- */

#define GOOD "[good]\nmatch-kind=drm\nmatch-driver=good\nimports=no\nsource=x\n"
#define BAD "[bad]\nmatch-kind=drm\nmatch-driver=bad\nimports=no\nsource=x\n"
#define HEAP "[bad]\nmatch-kind=heap\nmatch-heap=bad\nsource=x\n"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define LONG FIFTY FIFTY FIFTY FIFTY

/* GOOD stands before and behind each. The first problem is expected in this line of it. */
static const struct {
	const char *text;
	unsigned int line;
	const char *problem;
} mistakes[] = {
	{BAD "colour=red\n", 6, "colour: there is no such key"},
	{BAD "Imports=no\n", 6, "no such key"},
	{BAD "imports=yes\n", 6, "imports: said twice in [bad]"},
	{BAD "imports=\n", 6, "said twice"},
	{BAD "source=y\n", 6, "source: said twice"},
	{BAD "match-driver=y\n", 6, "match-driver: said twice"},
	{BAD "match-kind=drm\n", 6, "match-kind: said twice"},
	{BAD "match-kernel=6.12\nmatch-kernel=6.12\n", 7, "match-kernel: said twice"},
	{"[good]\n" BAD, 1, "a section of this name already"},
	{BAD "cpu-copies=maybe\n", 6, "'maybe' is wrong: right is yes or no"},
	{BAD "cpu-copies=YES\n", 6, "right is yes or no"},
	{BAD "memory-model=heap\n", 6, "right is one of unknown, vmalloc, dma-contig"},
	{BAD "memory-model=1\n", 6, "right is one of"},
	{BAD "contiguity=yes\n", 6, "right is one of none, used, whole"},
	{BAD "address-bits=65\n", 6, "65 is out of range: at most 64"},
	{BAD "address-bits=0\n", 6, "0 is out of range: at least"},
	{BAD "address-bits=32bit\n", 6, "'32bit' is wrong: right is a decimal number"},
	{BAD "address-bits=-1\n", 6, "right is a decimal number"},
	{BAD "address-bits=0x20\n", 6, "right is a decimal number"},
	{BAD "segment-bytes-max=99999999999999999999\n", 6, "right is a decimal number"},
	{BAD "stride-align=18446744073709551615\n", 6, "out of range"},
	{BAD "match-kernel=6.x\n", 6, "right is 6.12, 5.0-6.16, 6.19- or -6.9"},
	{BAD "match-kernel=-\n", 6, "right is 6.12"},
	{BAD "match-kernel=\n", 6, "right is 6.12"},
	{BAD "match-kernel=6.1-6.2-6.3\n", 6, "right is 6.12"},
	{BAD "match-kernel=6.1 - 6.2\n", 6, "right is 6.12"},
	{BAD "match-kernel=v6.1\n", 6, "right is 6.12"},
	{BAD "match-kernel=6.1.\n", 6, "right is 6.12"},
	{BAD "match-kernel=70000-\n", 6, "right is 6.12"},
	{BAD "match-kernel=6.12-6.9\n", 6, "begins after its end"},
	{"[bad]\nmatch-kind=usb\nmatch-driver=x\nimports=no\nsource=x\n", 2,
	 "'usb' is wrong: right is v4l2, drm or heap"},
	{"[bad]\nmatch-driver=x\nimports=no\nsource=x\n", 1, "[bad] has no match-kind"},
	{"[bad]\nmatch-kind=drm\nimports=no\nsource=x\n", 1,
	 "neither match-driver nor match-compatible"},
	{"[bad]\nmatch-kind=drm\nmatch-kernel=6.12\nimports=no\nsource=x\n", 1,
	 "neither match-driver nor match-compatible"},
	{"[bad]\nmatch-kind=drm\nmatch-driver=\nimports=no\nsource=x\n", 3,
	 "match-driver: says nothing"},
	{"[bad]\nmatch-kind=heap\ncached=no\nsource=x\n", 1, "[bad] has no match-heap"},
	{"[bad]\nmatch-kind=drm\nmatch-driver=x\nimports=no\n", 1, "[bad] has no source"},
	{"[bad]\nmatch-kind=drm\nmatch-driver=x\nimports=no\nsource=\n", 5, "source: says nothing"},
	{"[bad]\nmatch-kind=drm\nmatch-driver=x\nsource=x\n", 1, "[bad] says no fact"},
	{"[bad]\n", 1, "[bad] has no match-kind"},
	{BAD "match-heap=x\n", 1, "match-heap is for match-kind=heap"},
	{BAD "cached=no\n", 1, "cached is no fact of match-kind=drm"},
	{HEAP "imports=no\n", 1, "imports is no fact of match-kind=heap"},
	{HEAP "cached=no\nmatch-driver=x\n", 1, "a heap has neither driver nor node"},
	{BAD "memory-model=vmalloc\ncontiguity=whole\n", 1, "contradict each other"},
	{BAD "memory-model=vmalloc\ncpu-copies=no\n", 1, "contradict each other"},
	{BAD "memory-model=gem-dma\ncontiguity=none\n", 1, "contradict each other"},
	{BAD "memory-model=dma-contig\ncontiguity=none\n", 1, "contradict each other"},
	{BAD "nonsense\n", 6, "neither [section], key=value nor a comment"},
	{BAD "=no\n", 6, "neither [section]"},
	{BAD "coherency: coherent\n", 6, "neither [section]"},
	{BAD " cpu-copies=no\n", 6, "begins with its key"},
	{BAD "cpu-copies=no ; indeed\n", 6, "';' begins a comment"},
	{BAD "cpu-copies=no\r\n", 6, "a carriage return"},
	{BAD "cpu-copies=\tno\n", 6, "a tabulator"},
	{BAD "source2=\xc3\xa4\n", 6, "no printable ASCII"},
	{BAD "\x01\n", 6, "no printable ASCII"},
	{BAD "match-compatible=" FIFTY FIFTY "\n", 6, "too long: a pattern has at most 64"},
	{BAD "dma-device=x " FIFTY FIFTY "\n", 6, "too long: a pattern has at most 64"},
	{BAD "dma-device=" LONG "\n", 6, "too long: a line has at most 197"},
	{"[bad\nmatch-kind=drm\n", 1, "a heading is [name]"},
	{"[]\nmatch-kind=drm\n", 1, "a heading is [name]"},
	{"[b a d]\nmatch-kind=drm\n", 1, "a heading is [name]"},
	{"[bad] # really\nmatch-kind=drm\n", 1, "a heading is [name]"},
	{"[" FIFTY "]\nmatch-kind=drm\n", 1, "a heading is [name]"},
};

START_TEST(mistake_is_named_with_its_line)
{
	char text[4096];
	struct reports reports;
	struct quirks *quirks;

	snprintf(text, sizeof(text),
		 GOOD "%s[good2]\nmatch-kind=drm\nmatch-driver=good2\n"
		      "imports=no\nsource=x\n",
		 mistakes[_i].text);
	quirks = load(text, -EINVAL, &reports);
	ck_assert_uint_ge(reports.len, 1);
	ck_assert_msg(strstr(reports.text, mistakes[_i].problem), "%s: %s", mistakes[_i].text,
		      reports.text);
	ck_assert_uint_eq(reports.line, 5 + mistakes[_i].line);
	ck_assert_ptr_nonnull(strstr(reports.file, "/a.quirks"));
	/* it goes as a whole, the others stay */
	ck_assert_uint_eq(count(quirks), strstr(mistakes[_i].text, "[good]") ? 3 : 2);
	ck_assert(find(quirks, QUIRK_KIND_DRM, "good", "6.12").has[QUIRK_IMPORTS]);
	ck_assert(find(quirks, QUIRK_KIND_DRM, "good2", "6.12").has[QUIRK_IMPORTS]);
	if (!strstr(mistakes[_i].text, "[good]"))
		ck_assert(!find(quirks, QUIRK_KIND_DRM, "bad", "6.12").has[QUIRK_IMPORTS]);
	quirks_destroy(quirks);
}
END_TEST

START_TEST(keys_before_the_first_section_are_mistakes)
{
	struct reports reports;
	struct quirks *quirks = load("imports=no\n" GOOD, -EINVAL, &reports);

	ck_assert_uint_eq(reports.line, 1);
	ck_assert_ptr_nonnull(strstr(reports.text, "before the first [section]"));
	ck_assert_uint_eq(count(quirks), 1);
	quirks_destroy(quirks);
}
END_TEST

START_TEST(all_mistakes_of_a_section_are_named)
{
	struct reports reports;
	struct quirks *quirks = load("[a]\nx=1\ny=2\nimports=perhaps\n", -EINVAL, &reports);

	/* two keys, one value, and no kind and no source */
	ck_assert_uint_eq(reports.len, 5);
	quirks_destroy(quirks);
}
END_TEST

/* --- hostile files --- */

START_TEST(file_that_is_cut_off_loses_its_last_section)
{
	struct reports reports;
	struct quirks *quirks = load(GOOD "[cut]\nmatch-kind=drm\nmatch-driver=cut\nsource=x\n"
					  "address-bits=3",
				     -EINVAL, &reports);

	ck_assert_ptr_nonnull(strstr(reports.text, "the last line has no end"));
	ck_assert_uint_eq(reports.line, 10);
	ck_assert_uint_eq(count(quirks), 1);
	quirks_destroy(quirks);
}
END_TEST

START_TEST(file_with_nul_bytes_is_refused)
{
	static const char text[] = GOOD "[nul]\nmatch-kind=drm\nmatch-driver=n\0l\nimports=no\n"
					"source=x\n# comment\0\n";
	struct reports reports = {0};
	struct quirks *quirks;

	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_file(quirks, write_bytes("a.quirks", text, sizeof(text) - 1),
					  note_report, &reports),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(reports.text, "NUL"));
	ck_assert_uint_eq(reports.line, 8);
	ck_assert_uint_eq(count(quirks), 1);
	quirks_destroy(quirks);
}
END_TEST

static void load_bytes(const void *bytes, size_t len, size_t sections, const char *problem_text)
{
	struct reports reports = {0};
	struct quirks *quirks;

	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_file(quirks, write_bytes("a.quirks", bytes, len), note_report,
					  &reports),
			 problem_text ? -EINVAL : 0);
	if (problem_text)
		ck_assert_msg(strstr(reports.text, problem_text), "%s", reports.text);
	ck_assert_uint_le(reports.len, QUIRKS_PROBLEMS_MAX + 1);
	ck_assert_uint_eq(count(quirks), sections);
	quirks_destroy(quirks);
}

START_TEST(file_too_large_is_not_read)
{
	size_t len = QUIRKS_FILE_BYTES_MAX + 1;
	char *bytes = malloc(len);

	memset(bytes, '\n', len);
	memcpy(bytes, GOOD, sizeof(GOOD) - 1);
	load_bytes(bytes, len, 0, "larger than 262144 bytes");
	load_bytes(bytes, len - 1, 1, NULL);
	free(bytes);
}
END_TEST

START_TEST(endless_line_is_one_mistake)
{
	size_t len = QUIRKS_FILE_BYTES_MAX;
	char *bytes = malloc(len);

	memset(bytes, 'x', len);
	memcpy(bytes, GOOD, sizeof(GOOD) - 1);
	load_bytes(bytes, len, 0, "too long");
	memset(bytes, '[', len);
	load_bytes(bytes, len, 0, "too long");
	memset(bytes, '#', len);
	load_bytes(bytes, len, 0, "the last line has no end");
	free(bytes);
}
END_TEST

START_TEST(mistakes_are_counted_when_there_are_many)
{
	size_t len = QUIRKS_FILE_BYTES_MAX;
	char *bytes = malloc(len);
	struct reports reports = {0};
	struct quirks *quirks;

	for (size_t i = 0; i < len; i++)
		bytes[i] = i % 2 ? '\n' : 'x';
	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_file(quirks, write_bytes("a.quirks", bytes, len), note_report,
					  &reports),
			 -EINVAL);
	ck_assert_uint_eq(reports.len, QUIRKS_PROBLEMS_MAX + 1);
	ck_assert(reports.more);
	quirks_destroy(quirks);
	free(bytes);
}
END_TEST

START_TEST(sections_without_end_are_cut_off)
{
	char *text = malloc(QUIRKS_FILE_BYTES_MAX), *at = text;
	struct reports reports = {0};
	struct quirks *quirks;

	for (int i = 0; i < 3000; i++)
		at += sprintf(at, "[s%d]\nmatch-kind=drm\nmatch-driver=%d\nimports=no\nsource=x\n",
			      i, i);
	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_file(quirks,
					  write_bytes("a.quirks", text, (size_t)(at - text)),
					  note_report, &reports),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(reports.text, "more than 2048 sections"));
	ck_assert_uint_eq(count(quirks), QUIRKS_SECTIONS_MAX);
	/* and the next file adds none */
	reports = (struct reports){0};
	ck_assert_int_eq(
		quirks_load_file(quirks, write_text("b.quirks", GOOD), note_report, &reports),
		-EINVAL);
	ck_assert_uint_eq(count(quirks), QUIRKS_SECTIONS_MAX);
	quirks_destroy(quirks);
	free(text);
}
END_TEST

START_TEST(what_is_no_file_is_an_error)
{
	struct reports reports = {0};
	struct quirks *quirks;
	char path[64];

	ck_assert_int_eq(quirks_create(&quirks), 0);
	snprintf(path, sizeof(path), "%s/pipe.quirks", scratch);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(quirks_load_file(quirks, path, note_report, &reports), -EINVAL);
	ck_assert_str_eq(reports.text, "no regular file");
	ck_assert_uint_eq(reports.line, 0);
	ck_assert_int_eq(quirks_load_file(quirks, scratch, note_report, &reports), -EISDIR);
	ck_assert_int_eq(quirks_load_file(quirks, "/nonexistent", note_report, &reports), -ENOENT);
	ck_assert_int_eq(quirks_load_file(quirks, "/dev/zero", note_report, &reports), -EINVAL);
	ck_assert_uint_eq(reports.len, 4);
	quirks_destroy(quirks);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Pieces that mean something, so that garbage comes far. */
static const char *const pieces[] = {
	GOOD,
	BAD,
	HEAP,
	"[a]\n",
	"[b",
	"]\n",
	"match-kind=",
	"drm\n",
	"heap\n",
	"v4l2\n",
	"match-driver=",
	"match-heap=",
	"match-compatible=",
	"match-kernel=",
	"6.12",
	"-",
	"5.0-6.9\n",
	"*",
	"[",
	"?",
	"\\",
	"source=x\n",
	"imports=",
	"yes\n",
	"no\n",
	"memory-model=vmalloc\n",
	"contiguity=none\n",
	"address-bits=32\n",
	"cached=",
	"dma-device=a b\n",
	"segments-max=",
	"99999999999999999999",
	"=",
	":",
	";",
	"#",
	" ",
	"\n",
	"\t",
	"\r\n",
	"x",
	LONG,
	"\xff",
	"kernel-map=\n",
};

static size_t make_garbage(uint64_t *state, char *bytes, size_t size)
{
	size_t len = 0, count = next_random(state) % 60;

	for (size_t i = 0; i < count; i++) {
		const char *piece = pieces[next_random(state) % (uint64_t)LEN(pieces)];

		if (len + strlen(piece) >= size)
			break;
		memcpy(bytes + len, piece, strlen(piece));
		len += strlen(piece);
		if (next_random(state) % 40 == 0)
			bytes[len - 1] = (char)next_random(state);
	}
	return len;
}

/* Whatever is kept of a file says something, about something, and from somewhere. */
static void check_kept(const struct quirks *quirks)
{
	const struct quirk_section *section;

	for (size_t i = 0; (section = quirks_section(quirks, i)); i++)
		ck_assert(*section->name && *section->source && *section->match && *section->facts);
}

START_TEST(garbage_gives_errors_and_nothing_else)
{
	uint64_t state = 0x9e3779b97f4a7c15ull;
	unsigned int kept = 0;
	static char bytes[65536];

	for (int run = 0; run < FUZZ_RUNS; run++) {
		size_t len = make_garbage(&state, bytes, sizeof(bytes));
		struct reports reports = {0};
		struct quirks *quirks;
		int error;

		ck_assert_int_eq(quirks_create(&quirks), 0);
		error = quirks_load_file(quirks, write_bytes("a.quirks", bytes, len), note_report,
					 &reports);
		ck_assert_int_eq(error, reports.len ? -EINVAL : 0);
		check_kept(quirks);
		kept += count(quirks) > 0;
		find(quirks, QUIRK_KIND_DRM, "x", "6.12.117");
		find(quirks, QUIRK_KIND_HEAP, LONG, NULL);
		quirks_destroy(quirks);
	}
	ck_assert_uint_gt(kept, 0);
}
END_TEST

START_TEST(memory_that_runs_short_is_an_error)
{
	long before = faults_live();
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct reports reports = {0};
		struct quirks *quirks;
		const char *path = write_text("a.quirks", everything);
		size_t fds = faults_fds();
		int error;

		ck_assert_int_eq(quirks_create(&quirks), 0);
		faults_begin(nth);
		error = quirks_load_file(quirks, path, note_report, &reports);
		failed = faults_end();
		ck_assert_int_eq(error, failed ? -ENOMEM : 0);
		ck_assert_uint_eq(faults_fds(), fds);
		check_kept(quirks);
		quirks_destroy(quirks);
		ck_assert_int_eq(faults_live(), before);
	}
}
END_TEST

/* --- who wins --- */

START_TEST(later_section_wins_key_by_key)
{
	static const char text[] =
		"[a]\nmatch-kind=drm\nmatch-driver=d\nimports=no\naddress-bits=40\nsource=one\n"
		"[b]\nmatch-kind=drm\nmatch-driver=d*\nimports=yes\nsegments-max=4\nsource=two\n"
		"[c]\nmatch-kind=drm\nmatch-driver=d\naddress-bits=\nsource=three\n";
	struct reports reports;
	struct quirks *quirks = load(text, 0, &reports);
	struct quirk quirk = find(quirks, QUIRK_KIND_DRM, "d", "6.12");

	ck_assert_uint_eq(quirk.number[QUIRK_IMPORTS], true);
	ck_assert_str_eq(quirk.how[QUIRK_IMPORTS], "a.quirks [b]: two");
	ck_assert_uint_eq(quirk.number[QUIRK_SEGMENTS_MAX], 4);
	/* an empty value takes back what was said */
	ck_assert(!quirk.has[QUIRK_ADDRESS_BITS]);
	ck_assert_uint_eq(quirk.number[QUIRK_ADDRESS_BITS], 0);
	ck_assert_ptr_null(quirk.how[QUIRK_ADDRESS_BITS]);
	ck_assert_str_eq(quirks_section(quirks, 2)->facts, "address-bits=");
	quirks_destroy(quirks);
}
END_TEST

static void make_directory(const char *name, char path[64])
{
	snprintf(path, 64, "%s/%s", scratch, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

#define SAYS(name, bits) \
	"[" name "]\nmatch-kind=drm\nmatch-driver=d\naddress-bits=" bits "\nsource=x\n"

START_TEST(directories_are_read_in_order)
{
	struct reports reports = {0};
	struct quirks *quirks;
	char shipped[64], local[64];
	const char *const directories[] = {shipped, "/nonexistent", local, NULL};

	make_directory("shipped", shipped);
	make_directory("local", local);
	write_text("shipped/b.quirks", SAYS("b", "31"));
	write_text("shipped/a.quirks", SAYS("a", "30"));
	write_text("shipped/z.quirks.orig", "nonsense\n");
	write_text("shipped/.hidden.quirks", "nonsense\n");
	write_text("shipped/.quirks", "nonsense\n");
	write_text("local/a.quirks", SAYS("local", "33"));
	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_directory(quirks, shipped, note_report, &reports), 0);
	ck_assert_uint_eq(count(quirks), 2);
	ck_assert_str_eq(quirks_section(quirks, 0)->name, "a");
	ck_assert_uint_eq(find(quirks, QUIRK_KIND_DRM, "d", "").number[QUIRK_ADDRESS_BITS], 31);
	quirks_destroy(quirks);

	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_directories(quirks, directories, note_report, &reports), 0);
	ck_assert_uint_eq(count(quirks), 3);
	ck_assert_uint_eq(find(quirks, QUIRK_KIND_DRM, "d", "").number[QUIRK_ADDRESS_BITS], 33);
	ck_assert_uint_eq(reports.len, 0);
	quirks_destroy(quirks);
}
END_TEST

START_TEST(directory_goes_on_behind_a_bad_file)
{
	struct reports reports = {0};
	struct quirks *quirks;
	char directory[64];

	make_directory("d", directory);
	write_text("d/a.quirks", "nonsense\n");
	write_text("d/b.quirks", SAYS("b", "31"));
	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_directory(quirks, directory, note_report, &reports), -EINVAL);
	ck_assert_uint_eq(reports.len, 1);
	ck_assert_uint_eq(count(quirks), 1);
	ck_assert_int_eq(
		quirks_load_directory(quirks, write_text("file", "x"), note_report, &reports),
		-ENOTDIR);
	ck_assert_uint_eq(reports.len, 2);
	quirks_destroy(quirks);
}
END_TEST

START_TEST(directory_of_too_many_files_is_cut_off)
{
	struct reports reports = {0};
	struct quirks *quirks;
	char directory[64], name[32];

	make_directory("many", directory);
	for (unsigned int i = 0; i < QUIRKS_FILES_MAX + 2; i++) {
		snprintf(name, sizeof(name), "many/%03u.quirks", i);
		write_text(name, GOOD);
	}
	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_directory(quirks, directory, note_report, &reports), -EINVAL);
	ck_assert_str_eq(reports.text, "more than 128 files: the rest is not read");
	ck_assert_uint_eq(count(quirks), QUIRKS_FILES_MAX);
	quirks_destroy(quirks);
}
END_TEST

START_TEST(no_section_at_all_is_said)
{
	static const char *const directories[] = {"/nonexistent", NULL};
	struct reports reports = {0};
	struct quirks *quirks;

	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_int_eq(quirks_load_directories(quirks, directories, note_report, &reports), 0);
	ck_assert_uint_eq(reports.len, 1);
	ck_assert_str_eq(reports.file, "");
	ck_assert_ptr_nonnull(strstr(reports.text, "no quirk files"));
	quirks_destroy(quirks);
}
END_TEST

/* --- the files we ship --- */

static const char *shipped_directory(void)
{
	const char *directory = getenv("QUIRKS");

	ck_assert_msg(directory, "QUIRKS is the folder data/quirks");
	return directory;
}

static struct quirks *load_shipped(void)
{
	struct reports reports = {0};
	struct quirks *quirks;

	ck_assert_int_eq(quirks_create(&quirks), 0);
	ck_assert_msg(quirks_load_directory(quirks, shipped_directory(), note_report, &reports) ==
			      0,
		      "%s:%u: %s", reports.file, reports.line, reports.text);
	ck_assert_uint_eq(reports.len, 0);
	return quirks;
}

static const struct {
	enum quirk_kind kind;
	const char *name, *kernel;
	enum quirk_key key;
	bool has;
	uint64_t number;
} shipped[] = {
	{QUIRK_KIND_V4L2, "uvcvideo", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_VMALLOC},
	{QUIRK_KIND_V4L2, "gspca_zc3xx", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_VMALLOC},
	{QUIRK_KIND_V4L2, "ov534", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_VMALLOC},
	{QUIRK_KIND_V4L2, "qcom-camss", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_DMA_SG},
	{QUIRK_KIND_V4L2, "hantro-vpu", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_DMA_CONTIG},
	{QUIRK_KIND_V4L2, "rcar_vin", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_DMA_CONTIG},
	/* chosen by a parameter of the module: measured */
	{QUIRK_KIND_V4L2, "vivid", "6.12", QUIRK_MEMORY_MODEL, false, 0},
	{QUIRK_KIND_V4L2, "vivid", "6.12", QUIRK_CPU_COPIES, true, true},
	{QUIRK_KIND_V4L2, "vimc", "6.12", QUIRK_ADDRESS_BITS, true, 32},
	{QUIRK_KIND_V4L2, "tw686x", "6.12", QUIRK_MEMORY_MODEL, false, 0},
	{QUIRK_KIND_DRM, "vkms", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_GEM_SHMEM},
	{QUIRK_KIND_DRM, "vkms", "6.12", QUIRK_STRIDE_ALIGN, false, 0},
	{QUIRK_KIND_DRM, "bochs-drm", "6.12.117", QUIRK_IMPORTS, true, false},
	{QUIRK_KIND_DRM, "bochs-drm", "6.13.1", QUIRK_IMPORTS, false, 0},
	{QUIRK_KIND_DRM, "virtio_gpu", "6.1", QUIRK_IMPORTS, true, false},
	{QUIRK_KIND_DRM, "virtio_gpu", "6.16", QUIRK_IMPORTS, false, 0},
	{QUIRK_KIND_DRM, "i915", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_OWN_MMU},
	{QUIRK_KIND_DRM, "vc4", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_GEM_DMA},
	{QUIRK_KIND_DRM, "mediatek", "6.12", QUIRK_MEMORY_MODEL, true, MEMORY_MODEL_GEM_DMA},
	{QUIRK_KIND_DRM, "udl", "6.12", QUIRK_CPU_COPIES, true, true},
	{QUIRK_KIND_HEAP, "system-uncached", "6.1", QUIRK_CACHED, true, false},
	{QUIRK_KIND_HEAP, "udmabuf", "6.12", QUIRK_KERNEL_MAP, false, 0},
	{QUIRK_KIND_HEAP, "udmabuf", "6.1.50", QUIRK_KERNEL_MAP, true, false},
	{QUIRK_KIND_HEAP, "udmabuf", "6.14", QUIRK_KERNEL_MAP, true, false},
	{QUIRK_KIND_HEAP, "udmabuf-hugetlb-2MB", "6.12", QUIRK_KERNEL_MAP, false, 0},
	{QUIRK_KIND_HEAP, "udmabuf-hugetlb-2MB", "6.14", QUIRK_KERNEL_MAP, true, false},
	{QUIRK_KIND_HEAP, "udmabuf-hugetlb-2MB", "6.16", QUIRK_KERNEL_MAP, true, true},
};

START_TEST(shipped_files_say_what_they_should)
{
	struct quirks *quirks = load_shipped();
	struct quirk quirk = find(quirks, shipped[_i].kind, shipped[_i].name, shipped[_i].kernel);

	ck_assert_int_eq(quirk.has[shipped[_i].key], shipped[_i].has);
	ck_assert_uint_eq(quirk.number[shipped[_i].key], shipped[_i].number);
	quirks_destroy(quirks);
}
END_TEST

/* The driver in the text of a match, "v4l2 DRIVER, ...", else NULL. */
static const char *driver_of(const struct quirk_section *section)
{
	static char driver[128];
	const char *at = strpbrk(section->match, " ,");

	if (!at || *at == ',' || strncmp(section->match, "heap", 4) == 0)
		return NULL;
	snprintf(driver, sizeof(driver), "%s", at + 1);
	driver[strcspn(driver, ",")] = '\0';
	return driver;
}

START_TEST(shipped_sections_are_in_order)
{
	struct quirks *quirks = load_shipped();
	const struct quirk_section *section;
	size_t i = 0;

	for (; (section = quirks_section(quirks, i)); i++) {
		const char *driver = driver_of(section);
		struct quirk quirk;

		/* a kernel with its version, or a measurement */
		ck_assert_msg(strpbrk(section->source, "0123456789") ||
				      strstr(section->source, "measured"),
			      "%s [%s]", section->file, section->name);
		if (!driver)
			continue;
		ck_assert_msg(strncmp(section->match, "v4l2", 4) != 0 || strlen(driver) < 16,
			      "[%s]: VIDIOC_QUERYCAP says at most 15 bytes", section->name);
		quirk = find(quirks,
			     strncmp(section->match, "drm", 3) == 0 ? QUIRK_KIND_DRM
								    : QUIRK_KIND_V4L2,
			     driver, "6.12.117");
		/* also where several sections speak of one driver */
		if (quirk.has[QUIRK_MEMORY_MODEL] && quirk.has[QUIRK_CONTIGUITY]) {
			bool vmalloc = quirk.number[QUIRK_MEMORY_MODEL] == MEMORY_MODEL_VMALLOC;

			ck_assert_int_eq(vmalloc,
					 quirk.number[QUIRK_CONTIGUITY] == CONTIGUITY_NONE);
		}
		ck_assert(!quirk.has[QUIRK_CPU_COPIES] || quirk.number[QUIRK_CPU_COPIES] ||
			  quirk.number[QUIRK_MEMORY_MODEL] != MEMORY_MODEL_VMALLOC);
	}
	ck_assert_uint_gt(i, 200);
	quirks_destroy(quirks);
}
END_TEST

static Suite *quirks_suite(void)
{
	Suite *suite = suite_create("quirks");
	TCase *meaning = tcase_create("meaning"), *hostile = tcase_create("mistakes");
	TCase *order = tcase_create("order"), *ours = tcase_create("shipped");

	tcase_add_checked_fixture(meaning, make_scratch, remove_scratch);
	tcase_add_test(meaning, section_says_all_its_facts);
	tcase_add_test(meaning, sections_are_shown_to_people);
	tcase_add_loop_test(meaning, section_matches_who_it_names, 0, LEN(subjects));
	tcase_add_test(meaning, no_quirks_say_nothing);
	tcase_add_loop_test(meaning, kernel_versions_compare_as_numbers, 0, LEN(kernels));
	suite_add_tcase(suite, meaning);

	tcase_add_checked_fixture(hostile, make_scratch, remove_scratch);
	tcase_set_timeout(hostile, 60);
	tcase_add_loop_test(hostile, mistake_is_named_with_its_line, 0, LEN(mistakes));
	tcase_add_test(hostile, keys_before_the_first_section_are_mistakes);
	tcase_add_test(hostile, all_mistakes_of_a_section_are_named);
	tcase_add_test(hostile, file_that_is_cut_off_loses_its_last_section);
	tcase_add_test(hostile, file_with_nul_bytes_is_refused);
	tcase_add_test(hostile, file_too_large_is_not_read);
	tcase_add_test(hostile, endless_line_is_one_mistake);
	tcase_add_test(hostile, mistakes_are_counted_when_there_are_many);
	tcase_add_test(hostile, sections_without_end_are_cut_off);
	tcase_add_test(hostile, what_is_no_file_is_an_error);
	tcase_add_test(hostile, garbage_gives_errors_and_nothing_else);
	tcase_add_test(hostile, memory_that_runs_short_is_an_error);
	suite_add_tcase(suite, hostile);

	tcase_add_checked_fixture(order, make_scratch, remove_scratch);
	tcase_add_test(order, later_section_wins_key_by_key);
	tcase_add_test(order, directories_are_read_in_order);
	tcase_add_test(order, directory_goes_on_behind_a_bad_file);
	tcase_add_test(order, directory_of_too_many_files_is_cut_off);
	tcase_add_test(order, no_section_at_all_is_said);
	suite_add_tcase(suite, order);

	tcase_add_loop_test(ours, shipped_files_say_what_they_should, 0, LEN(shipped));
	tcase_add_test(ours, shipped_sections_are_in_order);
	suite_add_tcase(suite, ours);
	return suite;
}

int main(void)
{
	return run_suite(quirks_suite());
}
