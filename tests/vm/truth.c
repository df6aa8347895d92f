/* SPDX-License-Identifier: MIT */
/*
 * The truth table: what the facts predict, against what the kernel does.
 *
 * For every importer of this machine, every heap, several formats, sizes and strides: the solver is
 * asked whether that heap serves that importer (the prediction), a buffer of the heap is allocated,
 * and the importer gets it as from any program. The kernel's "yes" is believed only where no bounce
 * buffer was used (debugfs; the broker itself cannot look there) and where the pixels, if they can
 * be moved, arrive. A row is wrong if
 *   - we say yes, and the kernel refuses, bounces, or the pixels do not arrive;
 *   - we say no, and it provably works. "Provably": the memory is contiguous by its kind, or the
 *     importer takes an adversarial buffer as well (one page, many times) that nobody can take for
 *     contiguous; nothing was bounced. What the kernel takes by luck proves nothing.
 * Rows of the second kind with a reason are listed: the heap's SYNC does not reach a device that
 * may not snoop (no virtual machine models caches), or a fact was assumed for want of a trial. With
 * -s the latter are wrong, too.
 *
 * usage: truth [-s] [-t TRIAL-PROGRAM] [-q QUIRK-DIRECTORY] [-l LABEL] [-o REPORT]
 * [ID-BEGINNING...]
 */
#include "tests/vm/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/heap/heap.h"
#include "broker/model/request.h"
#include "broker/probe/probe.h"
#include "broker/probe/quirks.h"
#include "broker/solver/solve.h"

#define FORMATS_TRIED 2
#define SIZES_TRIED 2 /* or what DMABROKER_SIZES says */

struct truth {
	struct probe_options options;
	struct machine *machine;
	struct machine
		*ideal; /* the same devices, without a word on memory, and a heap that suits all */
	const char *label;
	FILE *report;
	bool strict;
	unsigned int rows, yes, wrong, listed, seen;
};

struct row {
	const struct device *device;
	const struct device_role *role;
	const struct heap *heap;
	struct truth_picture picture;
	uint32_t stride_min; /* bytes; 0: the driver's own choice */
	uint64_t buffer_bytes;
	bool predicted;
	enum constraint constraint; /* why not */
	enum vocab_origin origin;
	bool see_data;
	struct truth_answer answer;
};

/* ---- buffers ---- */

uint64_t truth_bounced_slots(void)
{
	FILE *file = fopen("/sys/kernel/debug/swiotlb/io_tlb_used", "re");
	uint64_t slots = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%" SCNu64, &slots) != 1)
		slots = 0;
	fclose(file);
	return slots;
}

static int sync_buffer(int buffer, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};

	return ioctl(buffer, DMA_BUF_IOCTL_SYNC, &sync) < 0 ? -errno : 0;
}

int truth_fill(int buffer, uint64_t bytes, uint32_t seed)
{
	char *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);
	uint32_t value = seed;

	if (address == MAP_FAILED)
		return -errno;
	sync_buffer(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	for (uint64_t i = 0; i + 4 <= bytes; i += 4) {
		value = value * 1664525u + 1013904223u;
		memcpy(address + i, &value, 4);
	}
	sync_buffer(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	munmap(address, bytes);
	return 0;
}

static bool page_is_untouched(const char *page, uint64_t bytes, uint32_t *value)
{
	bool untouched = true;
	uint32_t word;

	for (uint64_t i = 0; i + 4 <= bytes; i += 4) {
		*value = *value * 1664525u + 1013904223u;
		memcpy(&word, page + i, 4);
		untouched = untouched && word == *value;
	}
	return untouched;
}

long truth_untouched_pages(int buffer, uint64_t bytes, uint32_t seed)
{
	char *address = mmap(NULL, bytes, PROT_READ, MAP_SHARED, buffer, 0);
	uint32_t value = seed;
	long pages = 0;

	if (address == MAP_FAILED)
		return -errno;
	sync_buffer(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	for (uint64_t at = 0; at < bytes; at += 4096)
		pages += page_is_untouched(address + at, bytes - at < 4096 ? bytes - at : 4096,
					   &value);
	sync_buffer(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	munmap(address, bytes);
	return pages;
}

static int allocate_from_heap(const struct truth_source *source, uint64_t bytes)
{
	return heap_allocate((enum exporter)source->heap->exporter, source->heap->node, bytes,
			     "truth");
}

/* One page of a memfd, as often as it takes. */
static int allocate_adversarial(const struct truth_source *source, uint64_t bytes)
{
	uint32_t pages = (uint32_t)((bytes + 4095) / 4096);
	struct udmabuf_create_list *list;
	int memory = memfd_create("truth", MFD_CLOEXEC | MFD_ALLOW_SEALING), device, buffer = -EIO;

	(void)source;
	list = calloc(1, sizeof(*list) + pages * sizeof(list->list[0]));
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (list && memory >= 0 && device >= 0 && ftruncate(memory, 4096) == 0 &&
	    fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0) {
		list->flags = UDMABUF_FLAGS_CLOEXEC;
		list->count = pages;
		for (uint32_t i = 0; i < pages; i++)
			list->list[i] = (struct udmabuf_create_item){.memfd = (uint32_t)memory,
								     .size = 4096};
		buffer = ioctl(device, UDMABUF_CREATE_LIST, list);
		if (buffer < 0)
			buffer = -errno;
	}
	free(list);
	if (device >= 0)
		close(device);
	if (memory >= 0)
		close(memory);
	return buffer;
}

int truth_import(const struct device *device, const struct device_role *role,
		 const struct truth_picture *picture, const struct truth_source *source,
		 uint64_t buffer_bytes, bool see_data, struct truth_answer *ret_answer)
{
	unsigned int len = 0,
		     wanted = see_data && role->role == ROLE_CAPTURE ? TRUTH_BUFFERS_MAX : 1;
	int buffers[TRUTH_BUFFERS_MAX], error = 0;

	*ret_answer = (struct truth_answer){0};
	while (len < wanted && error >= 0) {
		error = source->allocate(source, buffer_bytes);
		if (error >= 0)
			buffers[len++] = error;
	}
	if (len)
		error = device->kind == KIND_V4L2
				? truth_import_v4l2(device, role, picture, buffers, len,
						    buffer_bytes, see_data && len == wanted,
						    ret_answer)
				: truth_import_drm(device, picture, buffers[0], buffer_bytes,
						   see_data, ret_answer);
	for (unsigned int i = 0; i < len; i++)
		close(buffers[i]);
	return error;
}

/* ---- predictions ---- */

static void must(int result)
{
	if (result) {
		fprintf(stderr, "truth: %s\n", strerror(-result));
		exit(1);
	}
}

static struct request *make_request(const struct row *row, const char *heap)
{
	struct participant *participant;
	struct request *request;

	must(vocab_create(&vocab_request, &request));
	must(vocab_set_number(request, REQUEST_WIDTH, row->picture.width, VOCAB_DECLARED));
	must(vocab_set_number(request, REQUEST_HEIGHT, row->picture.height, VOCAB_DECLARED));
	must(vocab_add_format(request, REQUEST_FORMATS, row->picture.fourcc, 0, VOCAB_DECLARED));
	must(vocab_add_string(request, REQUEST_ALLOWED_HEAPS, heap, VOCAB_DECLARED));
	must(vocab_add_dict(request, REQUEST_PARTICIPANTS, VOCAB_DECLARED, &participant));
	must(vocab_set_string(participant, PARTICIPANT_DEVICE, row->device->id, VOCAB_DECLARED));
	must(vocab_set_number(participant, PARTICIPANT_ROLE, row->role->role, VOCAB_DECLARED));
	if (row->stride_min)
		must(vocab_set_number(participant, PARTICIPANT_STRIDE_MIN, row->stride_min,
				      VOCAB_DECLARED));
	if (!row->role->formats.len) /* a render node */
		must(vocab_add_format(participant, PARTICIPANT_FORMATS, row->picture.fourcc, 0,
				      VOCAB_DECLARED));
	return request;
}

static int ask_solver(const struct machine *machine, const struct row *row, const char *heap,
		      struct error *error, struct plan **ret_plan)
{
	struct request *request = make_request(row, heap);
	int result = request_settle(request, machine, error);

	if (!result)
		result = solve(machine, request, error, ret_plan);
	vocab_destroy(request);
	if (result && error->code != ERROR_CONFLICT)
		must(result);
	return result;
}

/* The first constraint of the participant is the reason; that the request names one heap is none.
 */
static void read_refusals(struct row *row, const struct error *error)
{
	row->constraint = CONSTRAINT_HEAPS;
	row->origin = VOCAB_ABSENT;
	for (size_t i = 0; error->details && i < error->details->refusals.len; i++) {
		const void *refusal = error->details->refusals.items[i];
		enum constraint constraint =
			(enum constraint)vocab_number(refusal, REFUSAL_CONSTRAINT);

		if (constraint == CONSTRAINT_HEAPS)
			continue;
		row->constraint = constraint;
		row->origin = (enum vocab_origin)vocab_number(refusal, REFUSAL_ORIGIN);
		return;
	}
}

static void predict(const struct truth *truth, struct row *row)
{
	struct error error = {0};
	struct plan *plan = NULL;

	row->predicted = ask_solver(truth->machine, row, row->heap->id, &error, &plan) == 0;
	if (!row->predicted)
		read_refusals(row, &error);
	error_finish(&error);
	vocab_destroy(plan);
}

static void read_layout(struct row *row, const struct plan *plan)
{
	struct format_layout *layout = &row->picture.layout;
	const struct view *view = (const struct view *)plan->participants.items[0];

	layout->planes_len = (uint8_t)plan->planes.len;
	for (size_t i = 0; i < plan->planes.len; i++) {
		const struct plane *plane = (const struct plane *)plan->planes.items[i];

		layout->stride[i] = plane->stride;
		layout->offset[i] = plane->offset;
		layout->bytes[i] = plane->bytes;
		layout->total = plane->offset + plane->bytes;
	}
	row->picture.v4l2_format = view->v4l2_format;
	row->picture.bytes = vocab_has(view, VIEW_V4L2_SIZEIMAGE) ? view->v4l2_sizeimage
								  : plan->picture_bytes;
	row->buffer_bytes = ((const struct memory_object *)plan->memory.items[0])->bytes;
}

/* The layout that the device would get, if only memory were no question. Where there is none, the
 * plainest; false: not even that. */
static bool lay_out(const struct truth *truth, struct row *row)
{
	const struct format_info *info = format_find(row->picture.fourcc);
	struct error error = {0};
	struct plan *plan;
	uint32_t stride;

	if (ask_solver(truth->ideal, row, "ideal", &error, &plan) == 0) {
		read_layout(row, plan);
		vocab_destroy(plan);
		return true;
	}
	error_finish(&error);
	if (!row->stride_min || !info)
		return false;
	stride = (row->stride_min + 63) / 64 * 64;
	row->picture.v4l2_format = info->v4l2[0];
	if (!format_layout(info, row->picture.height, stride, 1, &row->picture.layout))
		return false;
	row->picture.bytes = row->picture.layout.total;
	row->buffer_bytes = (row->picture.bytes + 4095) / 4096 * 4096;
	return true;
}

/* ---- rows ---- */

static bool takes_scattered(const struct row *row)
{
	const struct truth_source source = {.allocate = allocate_adversarial};
	struct truth_answer answer;

	return truth_import(row->device, row->role, &row->picture, &source, row->buffer_bytes,
			    false, &answer) == 0 &&
	       answer.taken && !answer.bounced;
}

static bool memory_is_contiguous(const struct row *row)
{
	return vocab_number(row->heap, HEAP_CONTIGUOUS) &&
	       row->buffer_bytes <= vocab_number(row->heap, HEAP_BUFFER_BYTES_MAX);
}

static bool works(const struct row *row)
{
	return row->answer.taken && !row->answer.bounced && row->answer.data != TRUTH_DATA_WRONG;
}

static const char *reason_to_list(const struct truth *truth, const struct row *row)
{
	if (row->constraint == CONSTRAINT_MAINTENANCE)
		return "the heap's SYNC does not reach a device that may not snoop";
	if (row->constraint == CONSTRAINT_KERNEL_MAP && row->answer.data == TRUTH_DATA_UNSEEN)
		return "the driver copies through a mapping that the exporter gets wrong";
	if (row->constraint == CONSTRAINT_REACH &&
	    vocab_number(truth->machine, MACHINE_MEMORY_MAX) >> 32)
		return "where the heap's memory lies is not known, and some lies out of reach";
	if (!truth->strict && row->origin == VOCAB_ASSUMED)
		return "nobody measured it: the safe side";
	return NULL;
}

static const char *judge(struct truth *truth, const struct row *row)
{
	const char *reason;

	if (row->predicted)
		return works(row) ? "right" : "WRONG: we say yes";
	if (!works(row))
		return "right";
	if (!memory_is_contiguous(row) && !takes_scattered(row))
		return "right: luck is no proof";
	reason = reason_to_list(truth, row);
	if (reason)
		truth->listed++;
	return reason ? reason : "WRONG: we say no, and it works";
}

static void describe_answer(const struct truth_answer *answer, char *text, size_t size)
{
	static const char *const data[] = {"", ", data right", ", data WRONG"};

	if (answer->taken)
		snprintf(text, size, "taken%s%s", answer->bounced ? ", bounced" : "",
			 data[answer->data]);
	else
		snprintf(text, size, "%s %s", answer->step,
			 answer->error ? strerrorname_np(answer->error) : "another picture");
}

static void write_row(struct truth *truth, const struct row *row, const char *verdict)
{
	char format[FORMAT_TEXT_BYTES], said[64], did[64], what[192];
	bool wrong = strncmp(verdict, "WRONG", 5) == 0;

	format_text(row->picture.fourcc, format);
	snprintf(said, sizeof(said), "%s%s", row->predicted ? "yes" : "no: ",
		 row->predicted ? "" : vocab_constraint_names[row->constraint]);
	describe_answer(&row->answer, did, sizeof(did));
	snprintf(what, sizeof(what), "%s %s %s %ux%u stride %u, %s",
		 vocab_string(row->device, DEVICE_NAME), vocab_enum_name(row->role, ROLE_ROLE),
		 format, row->picture.width, row->picture.height, row->picture.layout.stride[0],
		 row->heap->id);
	truth->rows++;
	truth->yes += row->predicted;
	truth->wrong += wrong;
	truth->seen += row->answer.data != TRUTH_DATA_UNSEEN;
	printf("%sok %u - %s: %s: we say %s, kernel: %s\n", wrong ? "not " : "", truth->rows,
	       truth->label, what, said, did);
	if (wrong)
		printf("# %s\n", verdict);
	if (truth->report)
		fprintf(truth->report, "| %s | %s | %s | %ux%u | %u | %s | %s | %s | %s |\n",
			vocab_string(row->device, DEVICE_NAME),
			vocab_enum_name(row->role, ROLE_ROLE), format, row->picture.width,
			row->picture.height, row->picture.layout.stride[0], row->heap->id, said,
			did, verdict);
}

static void make_row(struct truth *truth, struct row row)
{
	const struct truth_source source = {.allocate = allocate_from_heap, .heap = row.heap};
	uint64_t granularity = vocab_number(row.heap, HEAP_GRANULARITY);
	int error;

	row.buffer_bytes = (row.buffer_bytes + granularity - 1) / granularity * granularity;
	row.see_data = row.see_data || !vocab_number(row.heap, HEAP_KERNEL_MAP);
	predict(truth, &row);
	error = truth_import(row.device, row.role, &row.picture, &source, row.buffer_bytes,
			     row.see_data, &row.answer);
	if (error < 0)
		row.answer = (struct truth_answer){.step = "allocation", .error = -error};
	write_row(truth, &row, judge(truth, &row));
}

/* A stride of the driver's own choice for each size; a larger one for the first size. */
static unsigned int try_size(struct truth *truth, const struct row *format, uint32_t width,
			     uint32_t height, bool first)
{
	const struct format_info *info = format_find(format->picture.fourcc);
	unsigned int made = 0;

	for (unsigned int larger = 0; larger <= first; larger++) {
		struct row row = *format;

		row.picture.width = width;
		row.picture.height = height;
		row.stride_min = larger ? format_stride_min(info, width) + 64 : 0;
		row.see_data = first;
		if (!lay_out(truth, &row))
			break;
		made++;
		for (size_t i = 0; i < truth->machine->heaps.len; i++) {
			row.heap = (const struct heap *)truth->machine->heaps.items[i];
			make_row(truth, row);
		}
	}
	return made;
}

static void try_format(struct truth *truth, const struct device *device,
		       const struct device_role *role, uint32_t fourcc)
{
	/* the first: also what vkms' first mode is smaller than */
	static const struct vocab_size sizes[] = {{1280, 1024}, {1280, 720}, {640, 480},
						  {320, 180},	{64, 64},    {1920, 1080}};
	struct row row = {.device = device, .role = role, .picture = {.fourcc = fourcc}};
	const char *text = getenv("DMABROKER_SIZES");
	unsigned long most = text ? strtoul(text, NULL, 10) : SIZES_TRIED;
	unsigned int tried = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && tried < most; i++)
		if (try_size(truth, &row, sizes[i].width, sizes[i].height, tried == 0))
			tried++;
}

static bool has_format(const struct device_role *role, uint32_t fourcc)
{
	if (!role->formats.len)
		return true;
	for (size_t i = 0; i < role->formats.len; i++)
		if (vocab_number(role->formats.items[i], FORMAT_FORMAT) == fourcc &&
		    vocab_has(role->formats.items[i], FORMAT_MODIFIER) &&
		    !vocab_number(role->formats.items[i], FORMAT_MODIFIER))
			return true;
	return false;
}

static uint32_t fourcc_of(const char *text)
{
	return (uint32_t)text[0] | (uint32_t)text[1] << 8 | (uint32_t)text[2] << 16 |
	       (uint32_t)text[3] << 24;
}

static void try_role(struct truth *truth, const struct device *device,
		     const struct device_role *role)
{
	static const char formats[][5] = {"XR24", "NV12", "YUYV", "RG16", "RG24", "BG24"};
	unsigned int tried = 0;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) && tried < FORMATS_TRIED; i++) {
		uint32_t fourcc = fourcc_of(formats[i]);

		if (!has_format(role, fourcc))
			continue;
		try_format(truth, device, role, fourcc);
		tried++;
	}
}

/* ---- the machine ---- */

static void measure(void *data, enum probe_event event, const struct probe_node *node)
{
	struct truth *truth = data;
	void *descriptor;
	bool again;

	if (event == PROBE_ADDED &&
	    probe_measure(node, &truth->options, NULL, &descriptor, &again) == 0)
		must(machine_put(truth->machine, descriptor));
}

static void gather(struct truth *truth)
{
	struct probe *probe;

	must(vocab_create(&vocab_machine, &truth->machine));
	must(probe_machine(NULL, truth->machine));
	must(vocab_copy(truth->machine, (void *)&truth->options.platform));
	must(probe_create(&truth->options, &probe));
	must(probe_enumerate(probe, measure, truth));
	probe_destroy(probe);
}

static void forget_memory(struct vocab_head *device)
{
	struct device *facts = (struct device *)device;

	vocab_clear(device, DEVICE_BOUNCED);
	vocab_clear(device, DEVICE_ADDRESS_MAX);
	must(vocab_set_number(device, DEVICE_ADDRESS_BITS, 64, VOCAB_DECLARED));
	for (size_t i = 0; i < facts->roles.len; i++) {
		must(vocab_set_number(facts->roles.items[i], ROLE_IMPORTS, true, VOCAB_DECLARED));
		vocab_clear(facts->roles.items[i], ROLE_SEGMENT_BYTES_MAX);
		vocab_clear(facts->roles.items[i], ROLE_SEGMENTS_MAX);
	}
}

static void idealise(struct truth *truth)
{
	struct heap *heap;

	must(vocab_copy(truth->machine, &truth->ideal));
	for (size_t i = 0; i < truth->ideal->devices.len; i++)
		forget_memory(truth->ideal->devices.items[i]);
	vocab_clear(truth->ideal, MACHINE_HEAPS);
	must(vocab_create(&vocab_heap, &heap));
	must(vocab_set_string(heap, HEAP_ID, "ideal", VOCAB_DECLARED));
	must(vocab_set_number(heap, HEAP_KNOWN, true, VOCAB_DECLARED));
	must(vocab_set_number(heap, HEAP_CONTIGUOUS, true, VOCAB_DECLARED));
	must(vocab_set_number(heap, HEAP_CACHED, true, VOCAB_DECLARED));
	must(vocab_set_number(heap, HEAP_ADDRESS_BITS, 12, VOCAB_DECLARED));
	must(vocab_set_number(heap, HEAP_MAINTENANCE, MAINTENANCE_ATTACHMENTS, VOCAB_DECLARED));
	must(machine_put(truth->ideal, heap));
}

static void report_problem(void *data, const char *file, unsigned int line, const char *text)
{
	(void)data;
	fprintf(stderr, "truth: %s:%u: %s\n", file, line, text);
}

static bool is_wanted(const struct device *device, char **wanted)
{
	for (char **at = wanted; *at; at++)
		if (strncmp(device->id, *at, strlen(*at)) == 0)
			return true;
	return !wanted[0];
}

static void try_all(struct truth *truth, char **wanted)
{
	for (size_t i = 0; i < truth->machine->devices.len; i++) {
		const struct device *device =
			(const struct device *)truth->machine->devices.items[i];

		for (size_t j = 0; j < device->roles.len && is_wanted(device, wanted); j++) {
			const struct device_role *role =
				(const struct device_role *)device->roles.items[j];

			if (role->role != ROLE_WRITEBACK) /* the same card as its scanout */
				try_role(truth, device, role);
		}
	}
}

static int read_arguments(int argc, char **argv, struct truth *truth, struct quirks *quirks)
{
	int option;

	while ((option = getopt(argc, argv, "st:q:l:o:")) != -1) {
		switch (option) {
		case 's':
			truth->strict = true;
			break;
		case 't':
			truth->options.trial_program = optarg;
			break;
		case 'q':
			must(quirks_load_directory(quirks, optarg, report_problem, NULL));
			break;
		case 'l':
			truth->label = optarg;
			break;
		case 'o':
			truth->report = fopen(optarg, "we");
			must(truth->report ? 0 : -errno);
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct truth truth = {.label = "here"};
	struct quirks *quirks;

	setvbuf(stdout, NULL, _IOLBF, 0);
	must(quirks_create(&quirks));
	if (read_arguments(argc, argv, &truth, quirks))
		return 2;
	truth.options.quirks = quirks;
	gather(&truth);
	idealise(&truth);
	if (truth.report)
		fputs("| importer | role | format | size | stride | heap | we say | the kernel | "
		      "verdict |\n|---|---|---|---|---|---|---|---|---|\n",
		      truth.report);
	try_all(&truth, argv + optind);
	printf("# %s: %u rows, %u yes, %u listed with a reason, %u with pixels, %u wrong\n",
	       truth.label, truth.rows, truth.yes, truth.listed, truth.seen, truth.wrong);
	if (truth.report) {
		fprintf(truth.report,
			"\n%s: %u rows, %u yes, %u listed with a reason, %u with pixels, %u "
			"wrong\n",
			truth.label, truth.rows, truth.yes, truth.listed, truth.seen, truth.wrong);
		fclose(truth.report);
	}
	printf("1..%u\n", truth.rows);
	vocab_destroy(truth.machine);
	vocab_destroy(truth.ideal);
	vocab_destroy((void *)(uintptr_t)truth.options.platform);
	quirks_destroy(quirks);
	return truth.wrong || !truth.rows ? 1 : 0;
}
