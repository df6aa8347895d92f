/* SPDX-License-Identifier: MIT */
/* Machine, request, expected answer: one named case per row. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/model/format.h"
#include "broker/model/text.h"
#include "broker/solver/solve.h"
#include "tests/unit/check.h"
#include "tests/unit/machine.h"
#include "tests/unit/solver-rows.h"

static const struct row basic_rows[] = {
	/* contiguity: scarce memory only where somebody needs it */
	{"a camera that takes scattered memory gets the system heap", "pc",
	 "640x480 camera=cam0:capture encoder=codec:output display=vkms:scanout",
	 "system XR24 2560 1228800 3"},
	{"a camera that needs contiguous memory gets the CMA heap", "pc",
	 "640x480 camera=cam1:capture encoder=codec:output display=vkms:scanout",
	 "reserved XR24 2560 1228800 3"},
	{"without a CMA heap the camera alone is to blame", "nocma",
	 "640x480 camera=cam1:capture encoder=codec:output",
	 "Conflict camera:contiguity@device.contiguity"},
	{"system heap asked for: the camera and that request are to blame", "pc",
	 "640x480 h=system camera=cam1:capture encoder=codec:output",
	 "Conflict camera:contiguity@device.contiguity heaps@allowed-heaps"},
	{"CMA heap forbidden: the camera and that request are to blame", "pc",
	 "640x480 -h=reserved camera=cam1:capture",
	 "Conflict camera:contiguity@device.contiguity heaps@forbidden-heaps"},
	{"two who need contiguous memory: one of them is enough for the conflict", "nocma",
	 "640x480 a=cam1:capture b=lcd:scanout",
	 "Conflict b:contiguity@device.contiguity | a:contiguity@device.contiguity"},
	{"a declared need for contiguous memory counts for the CPU too", "pc",
	 "640x480 f=XR24 cpu=:cpu/contiguous=1", "reserved XR24 2560 1228800 1"},
	{"of a device of which nothing is known the worst is assumed", "pc",
	 "640x480 a=riddle:capture", "reserved XR24 2560 1228800 1"},
	{"the request may allow the scarce heap alone", "pc",
	 "640x480 h=reserved camera=cam0:capture", "reserved XR24 2560 1228800 1"},
	/* reach */
	{"memory above the reach of a 32-bit device is no memory for it", "big",
	 "640x480 camera=cam1:capture", "Conflict camera:reach@device.address-bits"},
	{"who copies with the CPU reaches all memory", "big", "640x480 camera=cam0:capture",
	 "system XR24 2560 1228800 1"},
	{"a declared reach counts", "big", "640x480 f=XR24 cpu=:cpu/address-bits=32",
	 "Conflict cpu:reach@address-bits"},
	{"a reach of exactly the memory's bits is enough", "big",
	 "640x480 f=XR24 cpu=:cpu/address-bits=33", "system XR24 2560 1228800 1"},
	{"one bit less is not", "pc", "640x480 f=XR24 cpu=:cpu/address-bits=29",
	 "Conflict cpu:reach@address-bits"},
	/* heaps */
	{"no heap on the machine", "noheap", "640x480 camera=cam0:capture", "Conflict heaps"},
	{"a heap of unknown properties is never chosen", "pc",
	 "640x480 -h=system,reserved,udmabuf camera=cam0:capture",
	 "Conflict heaps@forbidden-heaps heaps@known"},
	{"named in the request it is, and its reach is unknown: 64 bit", "pc",
	 "640x480 h=vendor camera=cam0:capture", "vendor XR24 2560 1228800 1"},
	{"a heap that is not there", "pc", "640x480 h=nowhere camera=cam0:capture",
	 "Conflict heaps@allowed-heaps"},
	{"udmabuf serves where the system heap is forbidden", "pc",
	 "640x480 -h=system,reserved camera=cam0:capture", "udmabuf XR24 2560 1228800 1"},
	{"udmabuf does not serve a mapped device of unknown coherency", "arm",
	 "640x480 h=udmabuf display=vkms:scanout",
	 "Conflict display:maintenance@device.coherency heaps@allowed-heaps"},
	{"more than a heap's capacity is a conflict", "pc",
	 "1920x1080 n=9 h=reserved camera=cam1:capture f=XR24",
	 "Conflict format@formats heaps@allowed-heaps capacity@capacity-bytes count@count"},
	{"as much as fits is none", "pc", "1920x1080 n=8 h=reserved camera=cam1:capture f=XR24",
	 "reserved XR24 7680 8294400 8"},
	{"more than any known heap's capacity: of the unknown heap it is not known", "pc",
	 "16384x16384 n=2 f=XR24 cpu=:cpu",
	 "Conflict heaps@known capacity@capacity-bytes count@count"},
	/* formats */
	{"a format nobody has in common", "pc",
	 "640x480 encoder=codec:output/f=NV12 display=vkms:scanout",
	 "Conflict display:format@device.formats encoder:format@formats"},
	{"the request's own format wins", "pc",
	 "640x480 f=NV12 camera=cam0:capture encoder=codec:output", "system NV12 640 460800 2"},
	{"the request's order of formats wins", "pc", "640x480 f=YUYV,XR24 camera=cam0:capture",
	 "system YUYV 1280 614400 1"},
	{"a participant's own order counts, summed over all", "pc",
	 "640x480 camera=cam0:capture/f=NV12,XR24 encoder=codec:output",
	 "system NV12 640 460800 2"},
	{"without order of a client the devices' lists decide, ties by fewer bytes", "pc",
	 "640x480 camera=cam0:capture encoder=codec:output", "system NV12 640 460800 2"},
	{"a request's format that one refuses", "pc",
	 "640x480 f=YUYV camera=cam0:capture encoder=codec:output",
	 "Conflict encoder:format@device.formats format@formats"},
	{"a format without known layout is never planned", "pc", "640x480 f=ABCD cpu=:cpu",
	 "Conflict layout@layouts"},
	{"nobody names a format", "pc", "640x480 cpu=:cpu", "Conflict incomplete@formats"},
	{"a render node takes what its client declares", "pc",
	 "640x480 gpu=gpu:render/f=XR24 camera=cam0:capture", "system XR24 2560 1228800 2"},
	/* sizes */
	{"a size that is not in the camera's list", "pc", "640x360 camera=cam0:capture",
	 "Conflict camera:size@device.sizes"},
	{"smaller than the encoder takes", "pc", "632x480 encoder=codec:output",
	 "Conflict encoder:size@device.sizes"},
	{"the smallest size it takes", "pc", "640x480 encoder=codec:output/f=XR24",
	 "system XR24 2560 1228800 1"},
	{"the largest", "pc", "4096x2160 encoder=codec:output/f=XR24",
	 "system XR24 16384 35389440 1"},
	{"larger", "pc", "4104x2160 encoder=codec:output", "Conflict encoder:size@device.sizes"},
	{"between the steps", "pc", "644x480 encoder=codec:output",
	 "Conflict encoder:size@device.sizes"},
	{"the largest picture of all", "pc", "32768x32768 f=XR24 cpu=:cpu",
	 "Conflict heaps@known capacity@capacity-bytes"},
	/* strides */
	{"alignments of all are met at once", "pc",
	 "650x480 f=XR24 camera=cam1:capture display=lcd:scanout", "reserved XR24 2624 1259520 2"},
	{"a declared alignment is merged by the least common multiple", "pc",
	 "650x480 f=XR24 camera=cam1:capture/stride-align=96 display=lcd:scanout",
	 "reserved XR24 2688 1290240 2"},
	{"a camera with a stride of its own and a display that wants another", "pc",
	 "650x480 f=XR24 camera=greedy:capture display=lcd:scanout",
	 "Conflict camera:stride@device.stride-align display:stride@device.stride-align "
	 "format@formats"},
	{"a device that pads its stride makes all others follow", "pc",
	 "650x480 f=XR24 camera=cam1:capture out=padder:output", "reserved XR24 2816 1355776 2"},
	{"two devices, each with a stride of its own", "pc",
	 "650x480 f=XR24 camera=greedy:capture out=padder:output",
	 "Conflict camera:stride@device.stride-align out:stride@device.stride-align "
	 "format@formats"},
	{"a smallest stride", "pc", "640x480 f=XR24 cpu=:cpu/stride-min=3000",
	 "system XR24 3000 1440000 1"},
	{"a largest stride below the picture", "pc", "640x480 f=XR24 cpu=:cpu/stride-max=2559",
	 "Conflict cpu:stride@stride-max"},
	{"a largest stride of exactly the picture", "pc", "640x480 f=XR24 cpu=:cpu/stride-max=2560",
	 "system XR24 2560 1228800 1"},
	{"an alignment of every plane reaches the chroma planes", "pc",
	 "640x480 f=YU12 cpu=:cpu/stride-align=512", "system YU12 1024 737280 1"},
	/* offsets, bytes */
	{"plane offsets are aligned as asked", "pc", "642x481 f=NV12 cpu=:cpu/offset-align=4096",
	 "system NV12 642 466018 1"},
	{"V4L2 cannot say plane offsets: the stride has to make them", "pc",
	 "1920x1080 f=NV12 camera=cam1:capture cpu=:cpu/offset-align=65536",
	 "reserved NV12 8192 13271040 2"},
	{"a stride of its own cannot", "pc",
	 "1920x1080 f=NV12 camera=cam0:capture cpu=:cpu/offset-align=65536",
	 "Conflict camera:stride@device.stride-align camera:offset@device.planes "
	 "cpu:offset@offset-align format@formats"},
	{"bytes behind the picture", "pc", "640x480 f=XR24 out=padder:output",
	 "system XR24 2560 1232896 1"},
	{"a largest number of bytes below it", "pc",
	 "640x480 f=XR24 out=padder:output cpu=:cpu/bytes-max=1230000",
	 "Conflict cpu:bytes@bytes-max out:bytes@device.tail-bytes format@formats"},
	{"a least number of bytes", "pc", "640x480 f=XR24 cpu=:cpu/bytes-min=2000000",
	 "system XR24 2560 2000000 1"},
	/* rows of memory beyond the picture */
	{"a driver that pads the rows of several planes decides where the next plane begins", "odd",
	 "640x360 f=NV12 out=tall16:output", "system NV12 640 353280 1"},
	{"a single plane has the padding at its end", "odd", "640x360 f=XR24 out=tall16:output",
	 "system XR24 2560 942080 1"},
	{"no padding where the height is a multiple already", "odd",
	 "640x352 f=NV12 out=tall16:output", "system NV12 640 337920 1"},
	{"two V4L2 drivers that pad differently share no picture of several planes", "odd",
	 "640x360 f=NV12 a=tall16:output b=tall32:output",
	 "Conflict a:offset@device.height-align b:offset@device.height-align format@formats"},
	{"where both paddings come to the same they do", "odd",
	 "640x380 f=NV12 a=tall16:output b=tall32:output", "system NV12 640 368640 2"},
	{"one plane they share: the longer padding", "odd",
	 "640x360 f=XR24 a=tall16:output b=tall32:output", "system XR24 2560 983040 2"},
	{"one that does not pad cannot follow either", "odd",
	 "640x360 f=NV12 a=tall16:output b=flat:output",
	 "Conflict a:offset@device.height-align b:offset@device.height-align format@formats"},
	{"the CPU follows", "odd", "640x360 f=NV12 a=tall16:output cpu=:cpu",
	 "system NV12 640 353280 2"},
	/* pieces */
	{"pieces longer than the device takes", "odd", "640x480 f=XR24 a=pieces:capture",
	 "udmabuf XR24 2560 1228800 1"},
	{"one long piece is no better", "odd", "640x480 h=reserved,system f=XR24 a=pieces:capture",
	 "Conflict a:segments@device.segments-max heaps@allowed-heaps"},
	{"a buffer that is shorter than the longest piece", "odd",
	 "160x90 h=system f=XR24 a=pieces:capture", "system XR24 640 57600 1"},
	{"more pieces than the device takes", "odd", "640x480 f=XR24 a=few:capture",
	 "reserved XR24 2560 1228800 1"},
	{"as many as it takes", "odd", "64x64 f=XR24 a=few:capture", "system XR24 256 16384 1"},
	{"a huge page of udmabuf is many pieces all the same", "odd",
	 "320x240 h=huge f=XR24 a=few:capture",
	 "Conflict a:segments@device.segments-max heaps@allowed-heaps"},
	{"behind an IOMMU pieces do not matter, nor does bouncing", "odd",
	 "640x480 f=XR24 a=translated:capture", "system XR24 2560 1228800 1"},
	/* windows and bounce buffers */
	{"a window of the bus ends below the memory", "odd", "640x480 f=XR24 a=window:capture",
	 "reserved XR24 2560 1228800 1"},
	{"memory whose place is not known lies out of the window", "odd",
	 "640x480 h=system f=XR24 a=window:capture",
	 "Conflict a:reach@device.address-bits heaps@allowed-heaps"},
	{"a device that only ever sees copies", "odd", "640x480 f=XR24 a=bounced:capture",
	 "Conflict a:bounce@device.bounced"},
	{"a driver that copies is not bounced", "odd", "640x480 f=XR24 a=bounced-copier:capture",
	 "system XR24 2560 1228800 1"},
	/* huge pages */
	{"a huge page where there is no CMA heap", "odd",
	 "320x240 -h=reserved f=XR24 a=small:capture", "huge XR24 1280 307200 1"},
	{"the CMA heap comes first: it wastes less", "odd", "320x240 f=XR24 a=small:capture",
	 "reserved XR24 1280 307200 1"},
	{"a picture larger than a huge page", "odd", "1920x1080 -h=reserved f=XR24 a=small:capture",
	 "Conflict a:contiguity@device.contiguity heaps@forbidden-heaps capacity@capacity-bytes"},
	{"each buffer takes a page of its own, and there are four", "odd",
	 "320x240 n=4 h=huge f=XR24 a=small:capture", "huge XR24 1280 307200 4"},
	{"five are too many", "odd", "320x240 n=5 h=huge f=XR24 a=small:capture",
	 "Conflict heaps@allowed-heaps capacity@capacity-bytes count@count"},
	{"whoever copies with the CPU must not touch huge pages of udmabuf", "odd",
	 "320x240 h=huge f=XR24 a=copier:capture",
	 "Conflict a:kernel-map@device.cpu-copies heaps@allowed-heaps"},
	{"a heap whose SYNC does harm suits nobody, not even the CPU", "odd",
	 "320x240 h=harmful f=XR24 cpu=:cpu",
	 "Conflict cpu:maintenance@device.coherency heaps@allowed-heaps"},
	{"a driver of which nothing is known may copy", "odd",
	 "320x240 h=huge f=XR24 a=riddle:capture",
	 "Conflict a:kernel-map@device.cpu-copies heaps@allowed-heaps"},
	/* counts */
	{"the hard need is the sum of what each holds", "pc",
	 "640x480 a=cam0:capture/camping=3 b=codec:output/camping=2/f=XR24",
	 "system XR24 2560 1228800 5"},
	{"a driver's minimum is a floor of its own camping", "pc",
	 "640x480 a=greedy:capture/camping=2 b=codec:output", "system XR24 2560 1228800 7"},
	{"slack comes on top", "pc", "640x480 a=cam0:capture/f=XR24/slack=3",
	 "system XR24 2560 1228800 4"},
	{"slack gives way to a maximum", "pc",
	 "640x480 a=cam0:capture/f=XR24/slack=3 b=codec:output/max-count=3",
	 "system XR24 2560 1228800 3"},
	{"the hard need does not", "pc", "640x480 a=greedy:capture b=codec:output/max-count=3",
	 "Conflict a:count@camping b:count@max-count"},
	{"a count of the request is a need", "pc", "640x480 n=5 a=cam0:capture/f=XR24/max-count=4",
	 "Conflict a:count@max-count count@count"},
	{"a count of the request above the sum", "pc", "640x480 n=5 a=cam0:capture/f=XR24",
	 "system XR24 2560 1228800 5"},
	/* devices */
	{"a device that refuses foreign buffers", "pc",
	 "640x480 camera=cam0:capture display=bochs:scanout",
	 "Conflict display:device@device.imports"},
	{"an unknown device", "pc", "640x480 a=nothing:capture", "UnknownDevice a:device@device"},
	{"a device by its node", "pc", "640x480 f=XR24 a=lcd", "reserved XR24 2560 1228800 1"},
	{"a role the device does not have", "pc", "640x480 a=cam0:scanout",
	 "InvalidRequest a:request@role"},
	{"no role named, and it has two", "pc", "640x480 a=codec", "InvalidRequest a:request@role"},
	{"no role named, and it has one", "pc", "640x480 f=XR24 a=cam0",
	 "system XR24 2560 1228800 1"},
	{"a device for the CPU", "pc", "640x480 a=cam0:cpu", "InvalidRequest a:request@device"},
	{"neither device nor CPU", "pc", "640x480 a=:capture", "InvalidRequest a:request@device"},
	{"the same name twice", "pc", "640x480 a=cam0:capture a=codec:output",
	 "InvalidRequest a:request@name"},
	{"a render node without formats", "pc", "640x480 a=gpu:render",
	 "InvalidRequest a:request@formats"},
	{"no participant", "pc", "640x480", "InvalidRequest request@participants"},
	{"no size", "pc", "f=XR24 cpu=:cpu", "InvalidRequest request@width"},
	{"a visible rectangle beyond the picture", "pc",
	 "640x480 visible-x=8 visible-width=640 f=XR24 cpu=:cpu",
	 "InvalidRequest request@visible-width"},
	{"a visible rectangle inside it", "pc",
	 "640x480 visible-x=8 visible-width=632 f=XR24 cpu=:cpu", "system XR24 2560 1228800 1"},
	{NULL},
};

static const struct row *const tables[] = {basic_rows,	choice_rows, copy_rows,	  conflict_rows,
					   layout_rows, memory_rows, brought_rows};
#define TABLES_LEN (sizeof(tables) / sizeof(tables[0]))

/* The row of this number, all tables one after the other, or NULL. */
static const struct row *find_row(int number)
{
	for (size_t i = 0; i < TABLES_LEN; i++)
		for (const struct row *row = tables[i]; row->name; row++)
			if (number-- == 0)
				return row;
	return NULL;
}

/* ---- answers as text ---- */

#define ANSWER_BYTES 8192

/* printf behind what is there; it must fit. */
static void __attribute__((format(printf, 2, 3))) add(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text + used, ANSWER_BYTES - used, format, args);
	va_end(args);
	ck_assert_int_lt(len, (int)(ANSWER_BYTES - used));
}

static void add_fourcc(char *text, uint32_t fourcc)
{
	char name[FORMAT_TEXT_BYTES];

	format_text(fourcc, name);
	add(text, "%s", name);
}

static void add_one_plan(char *text, const struct plan *plan)
{
	const struct plane *plane = (const struct plane *)plan->planes.items[0];

	add(text, "%s ", plan->heap);
	add_fourcc(text, plan->format);
	if (plan->modifier)
		add(text, ":0x%llx", (unsigned long long)plan->modifier);
	add(text, " %u %llu %u", plane->stride, (unsigned long long)plan->picture_bytes,
	    plan->count);
	for (size_t i = 0; i < plan->participants.len; i++) {
		const struct view *view = (const struct view *)plan->participants.items[i];

		if (vocab_has(view, VIEW_ALTERNATIVE))
			add(text, " %s=%s", view->name, view->alternative);
		if (vocab_number(view, VIEW_BOUNCED))
			add(text, " %s:bounced", view->name);
		ck_assert(!vocab_number(view, VIEW_BOUNCED) || vocab_number(plan, PLAN_BOUNCED));
	}
}

static void add_groups(char *text, const struct plan *plan)
{
	add(text, "copies %llu%s", (unsigned long long)plan->copied_bytes,
	    vocab_number(plan, PLAN_EXACT) ? "" : " inexact");
	for (size_t i = 0; i < plan->groups.len; i++) {
		const struct plan *group = (const struct plan *)plan->groups.items[i];

		add(text, " | ");
		add_one_plan(text, group);
		for (size_t j = 0; j < group->participants.len; j++)
			add(text, "%s%s", j ? "," : " (",
			    vocab_string(group->participants.items[j], VIEW_NAME));
		add(text, ")");
	}
	add(text, " |");
	for (size_t i = 0; i < plan->hops.len; i++) {
		const struct hop *hop = (const struct hop *)plan->hops.items[i];

		add(text, " %u>%u %llu", hop->from, hop->to, (unsigned long long)hop->bytes);
	}
}

static void write_plan(const struct plan *plan, char *text)
{
	text[0] = '\0';
	if (plan->groups.len)
		add_groups(text, plan);
	else
		add_one_plan(text, plan);
}

static void write_error(const struct error *error, char *text)
{
	uint64_t set = 0;

	text[0] = '\0';
	add(text, "%s", error_rows[error->code].name);
	for (size_t i = 0; error->details && i < error->details->refusals.len; i++) {
		const void *refusal = error->details->refusals.items[i];
		const char *participant = vocab_string(refusal, REFUSAL_PARTICIPANT);
		const char *key = vocab_string(refusal, REFUSAL_KEY);

		add(text, "%s %s%s%s%s%s", vocab_number(refusal, REFUSAL_SET) != set ? " |" : "",
		    participant, participant[0] ? ":" : "",
		    vocab_enum_name(refusal, REFUSAL_CONSTRAINT), key[0] ? "@" : "", key);
		set = vocab_number(refusal, REFUSAL_SET);
		/* a refusal without both sides says nothing */
		ck_assert(vocab_has(refusal, REFUSAL_WANTED));
		ck_assert_str_ne(vocab_string(refusal, REFUSAL_WANTED), "");
		ck_assert(vocab_has(refusal, REFUSAL_OFFERED));
	}
}

static void write_members(const struct error *error, char *text)
{
	uint64_t set = 0;

	text[0] = '\0';
	for (size_t i = 0; error->details && i < error->details->refusals.len; i++) {
		const struct refusal *refusal =
			(const struct refusal *)error->details->refusals.items[i];

		if (i)
			add(text, "%s", refusal->set != set ? " | " : "; ");
		set = refusal->set;
		add(text, "%s%s%s", vocab_string(refusal, REFUSAL_PARTICIPANT),
		    vocab_has(refusal, REFUSAL_PARTICIPANT) ? ":" : "",
		    vocab_string(refusal, REFUSAL_KEY));
		if (vocab_has(refusal, REFUSAL_VALUE))
			add(text, " %s", refusal->value);
		if (vocab_has(refusal, REFUSAL_RELAXATION))
			add(text, " -> %s", refusal->relaxation);
	}
}

/* ---- solving ---- */

struct answer {
	struct plan *plan; /* NULL: an error */
	struct error error;
	char text[ANSWER_BYTES];
};

/* Settles and solves; takes the request. answer_finish gives back what is in it. */
static void solve_request(const struct machine *machine, struct request *request,
			  const struct solve_options *options, struct answer *ret_answer)
{
	int result;

	ret_answer->error = (struct error){0};
	ret_answer->plan = NULL;
	result = request_settle(request, machine, &ret_answer->error);
	if (!result)
		result = solve_with(machine, request, options, &ret_answer->error,
				    &ret_answer->plan);
	if (result) {
		ck_assert_int_eq(result, error_rows[ret_answer->error.code].number);
		write_error(&ret_answer->error, ret_answer->text);
	} else {
		write_plan(ret_answer->plan, ret_answer->text);
	}
	vocab_destroy(request);
}

static void answer_finish(struct answer *answer)
{
	error_finish(&answer->error);
	vocab_destroy(answer->plan);
}

/* The same without options. Returns owned a plan, or NULL. */
static struct plan *answer(const struct machine *machine, struct request *request, char *text)
{
	struct answer answer;

	solve_request(machine, request, NULL, &answer);
	strcpy(text, answer.text);
	error_finish(&answer.error);
	return answer.plan;
}

#define LIMITS_MAX 8

/* What a row says besides machine and request. */
struct circumstances {
	struct solve_options options;
	struct solve_limit limits[LIMITS_MAX];
	char *words;
	struct answer existing;
};

static void read_limits(struct circumstances *all, const char *text)
{
	char *rest = NULL;

	all->words = strdup(text);
	ck_assert_ptr_nonnull(all->words);
	for (char *word = strtok_r(all->words, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		struct solve_limit *limit = &all->limits[all->options.limits_len++];
		char *bytes = strchr(word, '=');

		ck_assert_uint_le(all->options.limits_len, LIMITS_MAX);
		ck_assert_ptr_nonnull(bytes);
		*bytes++ = '\0';
		*limit = (struct solve_limit){word, strtoull(bytes, NULL, 0)};
	}
	all->options.limits = all->limits;
}

static void circumstances_init(struct circumstances *all, const struct row *row,
			       const struct machine *machine)
{
	memset(all, 0, sizeof(*all));
	if (row->limits)
		read_limits(all, row->limits);
	if (row->existing) {
		solve_request(machine, request_by_text(row->existing), NULL, &all->existing);
		ck_assert_ptr_nonnull(all->existing.plan);
		all->options.existing = all->existing.plan;
	}
}

static void circumstances_finish(struct circumstances *all)
{
	answer_finish(&all->existing);
	free(all->words);
}

/* ---- details of a plan ---- */

static void add_planes(char *text, const struct vocab_dicts *planes)
{
	for (size_t i = 0; i < planes->len; i++) {
		const struct plane *plane = (const struct plane *)planes->items[i];

		add(text, "%s%llu+%u+%llu", i ? "," : "", (unsigned long long)plane->offset,
		    plane->stride, (unsigned long long)plane->bytes);
	}
}

static void add_list(char *text, const void *record, unsigned int row)
{
	const struct vocab_row *facts = &((const struct vocab_head *)record)->group->rows[row];
	const struct vocab_strings *strings = vocab_value(record, row);
	const struct vocab_sizes *sizes = vocab_value(record, row);

	if (facts->type == VOCAB_DICTS && facts->group == &vocab_plane)
		add_planes(text, vocab_value(record, row));
	else if (facts->type == VOCAB_DICTS)
		ck_abort_msg("no words for the list %s", facts->name);
	for (size_t i = 0; facts->type == VOCAB_STRINGS && i < strings->len; i++)
		add(text, "%s%s", i ? "," : "", strings->items[i]);
	for (size_t i = 0; facts->type == VOCAB_SIZES && i < sizes->len; i++)
		add(text, "%s%ux%u", i ? "," : "", sizes->items[i].width, sizes->items[i].height);
}

static void add_value(char *text, const void *record, const char *key)
{
	const struct vocab_head *head = record;
	int row = vocab_find(head->group, key);

	ck_assert_msg(row >= 0, "no key %s", key);
	if (!vocab_has(record, (unsigned int)row))
		return;
	switch (head->group->rows[row].type) {
	case VOCAB_FOURCC:
		add_fourcc(text, (uint32_t)vocab_number(record, (unsigned int)row));
		break;
	case VOCAB_ENUM:
		add(text, "%s", vocab_enum_name(record, (unsigned int)row));
		break;
	case VOCAB_STRING:
		add(text, "%s", vocab_string(record, (unsigned int)row));
		break;
	case VOCAB_STRINGS:
	case VOCAB_SIZES:
	case VOCAB_DICTS:
		add_list(text, record, (unsigned int)row);
		break;
	default:
		add(text, "%llu", (unsigned long long)vocab_number(record, (unsigned int)row));
	}
}

static const void *find_cost(const struct plan *plan, const char *rule)
{
	for (size_t i = 0; i < plan->costs.len; i++)
		if (strcmp(vocab_enum_name(plan->costs.items[i], COST_RULE), rule) == 0)
			return plan->costs.items[i];
	ck_abort_msg("no cost %s", rule);
}

static uint64_t cost_of(const struct plan *plan, const char *rule)
{
	return vocab_number(find_cost(plan, rule), COST_VALUE);
}

static const void *view_of(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->participants.len; i++)
		if (strcmp(vocab_string(plan->participants.items[i], VIEW_NAME), name) == 0)
			return plan->participants.items[i];
	ck_abort_msg("no view of %s", name);
}

static const void *hop_of(const struct plan *plan, unsigned int hop)
{
	ck_assert_uint_lt(hop, plan->hops.len);
	return plan->hops.items[hop];
}

/* The value of a key as a row names it. */
static void write_detail(const struct plan *plan, char *key, char *text)
{
	char *dot = strchr(key, '.');
	unsigned int hop;

	text[0] = '\0';
	if (dot)
		*dot = '\0';
	if (!dot && strcmp(key, "memory") == 0)
		add(text, "%llu",
		    (unsigned long long)vocab_number(plan->memory.items[0], MEMORY_BYTES));
	else if (!dot)
		add_value(text, plan, key);
	else if (sscanf(key, "hop%u", &hop) == 1)
		add_value(text, hop_of(plan, hop), dot + 1);
	else if (strcmp(key, "cost") == 0)
		add_value(text, find_cost(plan, dot + 1), "value");
	else if (strcmp(key, "runner-up") == 0)
		add_value(text, find_cost(plan, dot + 1), "runner-up");
	else
		add_value(text, view_of(plan, key), dot + 1);
	for (; *text; text++)
		if (*text == ' ')
			*text = '_';
}

static void check_details(const struct row *row, const struct plan *plan)
{
	char *words = strdup(row->details), *rest = NULL, text[ANSWER_BYTES];

	ck_assert_ptr_nonnull(words);
	ck_assert_msg(plan != NULL, "%s: no plan", row->name);
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(word, '=');

		ck_assert_msg(value != NULL, "%s: %s is no detail", row->name, word);
		*value++ = '\0';
		write_detail(plan, word, text);
		ck_assert_msg(strcmp(text, value) == 0, "%s\n  %s wants: %s\n  got:   %s",
			      row->name, word, value, text);
	}
	free(words);
}

static void check_members(const struct row *row, const struct error *error)
{
	char text[ANSWER_BYTES];

	write_members(error, text);
	ck_assert_msg(strcmp(text, row->members) == 0, "%s\n  wants: %s\n  got:   %s", row->name,
		      row->members, text);
}

/* The other request has a worse plan, and the rule is the first from the left that says so. */
static void check_rule(const struct row *row, const struct plan *plan,
		       const struct machine *machine)
{
	int rule = vocab_name_index(vocab_rule_names, row->rule);
	struct answer other;

	ck_assert_int_ge(rule, 0);
	solve_request(machine, request_by_text(row->other), NULL, &other);
	ck_assert_msg(strcmp(other.text, row->other_answer) == 0,
		      "%s, the other\n  wants: %s\n  got:   %s", row->name, row->other_answer,
		      other.text);
	for (int i = 0; i < rule; i++)
		ck_assert_msg(cost_of(plan, vocab_rule_names[i]) ==
				      cost_of(other.plan, vocab_rule_names[i]),
			      "%s: %s decides", row->name, vocab_rule_names[i]);
	ck_assert_msg(cost_of(plan, row->rule) < cost_of(other.plan, row->rule),
		      "%s: %s does not decide", row->name, row->rule);
	answer_finish(&other);
}

START_TEST(row_is_answered)
{
	const struct row *row = find_row(_i);
	struct machine *machine = machine_by_name(row->machine);
	struct circumstances all;
	struct answer answer;

	circumstances_init(&all, row, machine);
	solve_request(machine, request_by_text(row->request), &all.options, &answer);
	ck_assert_msg(strcmp(answer.text, row->answer) == 0, "%s\n  wants: %s\n  got:   %s",
		      row->name, row->answer, answer.text);
	if (row->details)
		check_details(row, answer.plan);
	if (row->members)
		check_members(row, &answer.error);
	if (row->rule)
		check_rule(row, answer.plan, machine);
	answer_finish(&answer);
	circumstances_finish(&all);
	vocab_destroy(machine);
}
END_TEST

static void reverse(struct vocab_dicts *list)
{
	for (size_t i = 0; i < list->len / 2; i++) {
		struct vocab_head *first = list->items[i];

		list->items[i] = list->items[list->len - 1 - i];
		list->items[list->len - 1 - i] = first;
	}
}

/* The first becomes the last. */
static void rotate(struct vocab_dicts *list)
{
	for (size_t i = 1; i < list->len; i++) {
		struct vocab_head *first = list->items[i - 1];

		list->items[i - 1] = list->items[i];
		list->items[i] = first;
	}
}

/* Every key of both, to the last element of the last list. */
static void must_equal(const struct row *row, const void *one, const void *other)
{
	const struct vocab_head *head = one;

	for (unsigned int i = 0; i < head->group->rows_len; i++)
		ck_assert_msg(vocab_equal(one, other, i), "%s: %s depends on the order", row->name,
			      head->group->rows[i].name);
}

static void must_answer_alike(const struct row *row, const struct answer *one,
			      const struct answer *other)
{
	ck_assert_msg(strcmp(one->text, other->text) == 0, "%s\n  first: %s\n  then:  %s",
		      row->name, one->text, other->text);
	ck_assert_int_eq(one->plan == NULL, other->plan == NULL);
	if (one->plan)
		must_equal(row, one->plan, other->plan);
	ck_assert_int_eq(one->error.details == NULL, other->error.details == NULL);
	if (one->error.details)
		must_equal(row, one->error.details, other->error.details);
}

/* The same words in another order: participants, devices and heaps turned round, or moved on. */
static void check_order(const struct row *row)
{
	void (*const turns[])(struct vocab_dicts * list) = {reverse, rotate};
	struct machine *machine = machine_by_name(row->machine);
	struct circumstances all;
	struct answer answer, turned;

	circumstances_init(&all, row, machine);
	solve_request(machine, request_by_text(row->request), &all.options, &answer);
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		struct request *request = request_by_text(row->request);

		turns[i](&machine->devices);
		turns[i](&machine->heaps);
		turns[i](&request->participants);
		solve_request(machine, request, &all.options, &turned);
		must_answer_alike(row, &answer, &turned);
		answer_finish(&turned);
	}
	answer_finish(&answer);
	circumstances_finish(&all);
	vocab_destroy(machine);
}

/* A table at a time: a process for each row takes minutes with sanitizers. */
START_TEST(order_does_not_matter)
{
	for (const struct row *row = tables[_i]; row->name; row++)
		check_order(row);
}
END_TEST

#define ROWS_MAX 4096

/* Two rows of one name are one row too few, or one name too few. */
START_TEST(names_of_rows_are_their_own)
{
	static const struct row *all[ROWS_MAX];
	int len = 0;

	for (size_t i = 0; i < TABLES_LEN; i++)
		for (const struct row *row = tables[i]; row->name; row++) {
			ck_assert_int_lt(len, ROWS_MAX);
			all[len++] = row;
		}
	for (int i = 0; i < len; i++)
		for (int j = 0; j < i; j++)
			ck_assert_msg(strcmp(all[i]->name, all[j]->name) != 0, "twice: %s",
				      all[i]->name);
	ck_assert_int_ge(len, 200);
}
END_TEST

static const void *find_reason(const struct plan *plan, const char *choice)
{
	for (size_t i = 0; i < plan->reasons.len; i++)
		if (strcmp(vocab_string(plan->reasons.items[i], REASON_CHOICE), choice) == 0)
			return plan->reasons.items[i];
	return NULL;
}

START_TEST(reason_names_who_needs_contiguous_memory)
{
	struct machine *machine = machine_by_name("pc");
	char text[ANSWER_BYTES];
	struct plan *plan = answer(
		machine, request_by_text("640x480 camera=cam1:capture encoder=codec:output"), text);
	const void *reason = find_reason(plan, "heap");

	ck_assert_ptr_nonnull(reason);
	ck_assert_str_eq(vocab_string(reason, REASON_PARTICIPANT), "camera");
	ck_assert_str_eq(vocab_enum_name(reason, REASON_CONSTRAINT), "contiguity");
	ck_assert_str_eq(vocab_enum_name(reason, REASON_ORIGIN), "measured");
	ck_assert_ptr_nonnull(strstr(vocab_string(reason, REASON_WANTED), "dma-contig"));
	vocab_destroy(plan);
	vocab_destroy(machine);
}
END_TEST

START_TEST(views_speak_each_participants_words)
{
	struct machine *machine = machine_by_name("pc");
	char text[ANSWER_BYTES];
	struct plan *plan = answer(machine,
				   request_by_text("640x480 f=NV12 a=padder:output b=cam1:capture "
						   "c=:cpu"),
				   text);
	const struct view *view = (const struct view *)plan->participants.items[0];

	ck_assert_str_eq(text, "reserved NV12 768 557056 3");
	ck_assert_uint_eq(view->v4l2_format, FOURCC('N', 'V', '1', '2'));
	ck_assert_uint_eq(view->v4l2_bytesperline, 768);
	ck_assert_uint_eq(view->v4l2_sizeimage, 768 * 480 * 3 / 2 + 4096);
	view = (const struct view *)plan->participants.items[1];
	ck_assert_uint_eq(view->v4l2_sizeimage, 768 * 480 * 3 / 2);
	view = (const struct view *)plan->participants.items[2];
	ck_assert(!vocab_has(view, VIEW_V4L2_FORMAT));
	ck_assert_uint_eq(view->agent, AGENT_CPU);
	ck_assert_uint_eq(((const struct plane *)plan->planes.items[1])->offset, 768 * 480);
	vocab_destroy(plan);
	vocab_destroy(machine);
}
END_TEST

static const char *operation_between(const struct plan *plan, const char *from, const char *to)
{
	for (size_t i = 0; i < plan->policy.len; i++) {
		const void *edge = plan->policy.items[i];

		if (strcmp(vocab_string(edge, EDGE_FROM), from) == 0 &&
		    strcmp(vocab_string(edge, EDGE_TO), to) == 0)
			return vocab_enum_name(edge, EDGE_OPERATION);
	}
	return "no edge";
}

START_TEST(policy_follows_coherency)
{
	static const char request[] = "640x480 f=XR24 cam=cam0:capture lcd=lcd:scanout cpu=:cpu";
	char text[ANSWER_BYTES];
	struct machine *pc = machine_by_name("pc"), *arm = machine_by_name("arm");
	struct plan *plan = answer(pc, request_by_text(request), text);

	ck_assert_str_eq(operation_between(plan, "cam", "lcd"), "none");
	ck_assert_str_eq(operation_between(plan, "lcd", "cpu"), "no edge");
	vocab_destroy(plan);
	plan = answer(arm, request_by_text(request), text);
	ck_assert_str_eq(operation_between(plan, "cam", "lcd"), "clean");
	ck_assert_str_eq(operation_between(plan, "cam", "cpu"), "none");
	ck_assert_str_eq(operation_between(plan, "cpu", "lcd"), "clean");
	vocab_destroy(plan);
	vocab_destroy(pc);
	vocab_destroy(arm);
}
END_TEST

/* What the refusals say, too. */
START_TEST(words_of_a_conflict_do_not_depend_on_order)
{
	char *words[2];

	for (int turned = 0; turned < 2; turned++) {
		struct machine *machine = machine_by_name("big");
		struct request *request =
			request_by_text("640x480 a=cam1:capture b=lcd:scanout/contiguous=1");
		struct error error = {0};
		struct plan *plan;

		if (turned) {
			reverse(&machine->heaps);
			reverse(&request->participants);
		}
		ck_assert_int_eq(request_settle(request, machine, &error), 0);
		ck_assert_int_eq(solve(machine, request, &error, &plan), -EXDEV);
		words[turned] = text_error(&error);
		error_finish(&error);
		vocab_destroy(request);
		vocab_destroy(machine);
	}
	ck_assert_str_eq(words[0], words[1]);
	free(words[0]);
	free(words[1]);
}
END_TEST

/* A V4L2 queue whose formats could not be found out takes none but those declared. */
START_TEST(a_device_without_formats_takes_what_is_declared)
{
	struct machine *machine = machine_by_name("pc");
	struct device_role *role =
		device_find_role(machine_find_device(machine, "cam0"), ROLE_CAPTURE);
	char text[ANSWER_BYTES];

	vocab_clear(role, ROLE_FORMATS);
	ck_assert_ptr_null(answer(machine, request_by_text("640x480 f=XR24 a=cam0:capture"), text));
	ck_assert_str_eq(text, "Conflict a:format@device.formats");
	vocab_destroy(
		answer(machine, request_by_text("640x480 f=XR24 a=cam0:capture/f=XR24"), text));
	ck_assert_str_eq(text, "system XR24 2560 1228800 1");
	vocab_destroy(machine);
}
END_TEST

/* It does not snoop, yet its driver may copy with the CPU: what either needs. */
START_TEST(a_driver_that_may_copy_is_taken_for_both)
{
	struct machine *machine = machine_by_name("arm");
	struct device *device = machine_find_device(machine, "lcd");
	struct device_role *role = device_find_role(device, ROLE_SCANOUT);
	struct plan *plan;
	char text[ANSWER_BYTES];

	ck_assert_int_eq(
		vocab_set_number(device, DEVICE_COHERENCY, COHERENCY_NON_COHERENT, VOCAB_KERNEL),
		0);
	plan = answer(machine, request_by_text("640x480 a=lcd:scanout"), text);
	ck_assert_uint_eq(vocab_number(plan->participants.items[0], VIEW_AGENT), AGENT_UNKNOWN);
	vocab_destroy(plan);
	ck_assert_int_eq(vocab_set_number(role, ROLE_CPU_COPIES, false, VOCAB_QUIRK), 0);
	plan = answer(machine, request_by_text("640x480 a=lcd:scanout"), text);
	ck_assert_uint_eq(vocab_number(plan->participants.items[0], VIEW_AGENT),
			  AGENT_NON_COHERENT);
	vocab_destroy(plan);
	vocab_destroy(machine);
}
END_TEST

/* Displays list hundreds of tiled layouts, which nobody can be given: no reason to give up. */
START_TEST(layouts_that_nobody_asks_for_are_not_too_many)
{
	static const char *const displays[] = {"lcd", "vkms"};
	struct machine *machine = machine_by_name("pc");
	char text[ANSWER_BYTES];

	for (uint64_t i = 0; i < 2; i++) {
		struct device_role *role =
			device_find_role(machine_find_device(machine, displays[i]), ROLE_SCANOUT);
		struct device_format *format;

		while (!vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, &format)) {
			vocab_set_number(format, FORMAT_FORMAT, FOURCC('X', 'R', '2', '4'),
					 VOCAB_KERNEL);
			vocab_set_number(format, FORMAT_MODIFIER, i << 32 | role->formats.len,
					 VOCAB_KERNEL);
		}
		ck_assert_uint_eq(role->formats.len, 1024);
	}
	vocab_destroy(
		answer(machine, request_by_text("640x480 a=lcd:scanout b=vkms:scanout"), text));
	ck_assert_str_eq(text, "reserved XR24 2560 1228800 2");
	vocab_destroy(machine);
}
END_TEST

/* As many formats as a request may name are no reason to give up. */
START_TEST(formats_that_are_many_are_looked_at)
{
	struct machine *machine = machine_by_name("pc");
	struct request *request = request_by_text("640x480 a=cam0:capture cpu=:cpu");
	char text[ANSWER_BYTES];
	struct plan *plan;

	for (uint32_t i = 0; i < 1023; i++)
		ck_assert_int_eq(
			vocab_add_format(request, REQUEST_FORMATS, 0x1000 + i, 0, VOCAB_DECLARED),
			0);
	ck_assert_int_eq(vocab_add_format(request, REQUEST_FORMATS, FOURCC('X', 'R', '2', '4'), 0,
					  VOCAB_DECLARED),
			 0);
	plan = answer(machine, request, text);
	ck_assert_str_eq(text, "system XR24 2560 1228800 2");
	vocab_destroy(plan);
	vocab_destroy(machine);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("solver");
	TCase *table = tcase_create("table"), *single = tcase_create("single");
	int rows_len = 0;

	while (find_row(rows_len))
		rows_len++;
	/* only so that a hang ends: a busy machine is no failure */
	tcase_set_timeout(table, 60);
	tcase_add_loop_test(table, row_is_answered, 0, rows_len);
	tcase_add_loop_test(table, order_does_not_matter, 0, (int)TABLES_LEN);
	tcase_add_test(single, names_of_rows_are_their_own);
	tcase_add_test(single, reason_names_who_needs_contiguous_memory);
	tcase_add_test(single, views_speak_each_participants_words);
	tcase_add_test(single, policy_follows_coherency);
	tcase_add_test(single, words_of_a_conflict_do_not_depend_on_order);
	tcase_add_test(single, a_device_without_formats_takes_what_is_declared);
	tcase_add_test(single, a_driver_that_may_copy_is_taken_for_both);
	tcase_add_test(single, layouts_that_nobody_asks_for_are_not_too_many);
	tcase_add_test(single, formats_that_are_many_are_looked_at);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, single);
	return run_suite(suite);
}
