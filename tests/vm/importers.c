/* SPDX-License-Identifier: MIT */
/*
 * What the importer modules (tests/vm/modules) show of themselves, and what happens to buffers that
 * are given to them, against what the broker says.
 *
 * usage: importers list                          node, folder in sysfs and memory model of each
 *        importers show NODE                     all its attributes, a line for each
 *        importers facts FACTS                   the facts of probe-dump are what the kernel
 * computed importers plans FACTS ADDRESS               no plan of dmabrokerctl that the kernel
 * shows wrong importers pitches NODE                  a display refuses what its attributes say
 * importers data NODE HEAP [HEIGHT]       whether a camera's frame arrives in a buffer of a heap
 * importers hold NODE HEAP                imports a buffer, says so, and waits for stdin's end
 *
 * HEAP: a path below /dev/dma_heap; "udmabuf"; "scattered", a udmabuf of which no two pages adjoin.
 * "facts", "plans", "pitches" and "data" print TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include <dmabroker.h>

#define CAPTURE V4L2_BUF_TYPE_VIDEO_CAPTURE
#define XR24 v4l2_fourcc('X', 'R', '2', '4')
#define PAGE 4096u
#define MAGIC 0x54504d49u /* tests/vm/modules/importer.h */
#define FRAME_MS 60000
#define IMPORTERS_MAX 64

/* Small enough for bounce buffers (256 KiB in one piece), large enough for many pages. */
#define SMALL_WIDTH 128u
#define SMALL_HEIGHT 96u

/* Two pages: some engines are slow. */
#define DATA_WIDTH 64u
#define DATA_HEIGHT 32u

struct importer {
	char node[64];
	char folder[PATH_MAX]; /* the attributes */
	char model[32];
	bool display;
};

/* What the attribute `import` says. */
struct mapping {
	uint64_t number, taken, entries, contiguous, bounced, first, last;
	int64_t mapped;
};

/* --- TAP --- */

static int tap_count, tap_failed;

static bool tap(bool passed, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool tap(bool passed, const char *format, ...)
{
	va_list arguments;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	tap_failed += !passed;
	return passed;
}

static int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

static void die(const char *what)
{
	fprintf(stderr, "importers: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- attributes --- */

static bool read_attribute(const struct importer *importer, const char *name, char *text,
			   size_t size)
{
	char path[PATH_MAX + 64];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", importer->folder, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(text, 1, size - 1, file);
	fclose(file);
	text[len] = '\0';
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	return true;
}

static uint64_t attribute(const struct importer *importer, const char *name)
{
	char text[64];

	if (!read_attribute(importer, name, text, sizeof(text)))
		die(name);
	return strtoull(text, NULL, 0);
}

static uint64_t line_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoull(line + len, NULL, 0);
	}
	return 0;
}

static struct mapping last_mapping(const struct importer *importer)
{
	char text[1024] = "";

	read_attribute(importer, "import", text, sizeof(text));
	return (struct mapping){
		.number = line_of(text, "number"),
		.taken = line_of(text, "taken"),
		.mapped = (int64_t)line_of(text, "mapped"),
		.entries = line_of(text, "entries"),
		.contiguous = line_of(text, "contiguous-bytes"),
		.bounced = line_of(text, "bounced-bytes"),
		.first = line_of(text, "memory-first"),
		.last = line_of(text, "memory-last"),
	};
}

/* False if the node is none of ours. */
static bool find_importer(const char *node, struct importer *importer)
{
	char link[128];
	struct stat status;

	*importer = (struct importer){0};
	if (stat(node, &status) < 0 || !S_ISCHR(status.st_mode))
		return false;
	snprintf(importer->node, sizeof(importer->node), "%s", node);
	importer->display = strncmp(node, "/dev/dri/", 9) == 0;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/device/importer", major(status.st_rdev),
		 minor(status.st_rdev));
	return realpath(link, importer->folder) &&
	       read_attribute(importer, "memory_model", importer->model, sizeof(importer->model));
}

static int show_attributes(const char *node)
{
	struct importer importer;
	struct dirent **entries;
	char text[4096];
	int len;

	if (!find_importer(node, &importer))
		die(node);
	len = scandir(importer.folder, &entries, NULL, alphasort);
	for (int i = 0; i < len; i++) {
		if (entries[i]->d_name[0] != '.' &&
		    read_attribute(&importer, entries[i]->d_name, text, sizeof(text))) {
			for (char *end = text; (end = strchr(end, '\n'));)
				*end = ',';
			printf("%s: %s\n", entries[i]->d_name, text);
		}
		free(entries[i]);
	}
	if (len >= 0)
		free(entries);
	return len < 0;
}

static int list_folder(const char *folder, const char *prefix)
{
	DIR *directory = opendir(folder);
	struct importer importer;
	struct dirent *entry;
	char node[PATH_MAX];

	if (!directory)
		return 0;
	while ((entry = readdir(directory))) {
		snprintf(node, sizeof(node), "%s/%s", folder, entry->d_name);
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    find_importer(node, &importer))
			printf("%s %s %s\n", node, importer.folder, importer.model);
	}
	closedir(directory);
	return 0;
}

/* --- facts: lines of probe-dump --- */

struct facts {
	char **lines;
	size_t len;
};

static struct facts read_facts(const char *path)
{
	struct facts facts = {0};
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		die(path);
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		facts.lines = reallocarray(facts.lines, facts.len + 1, sizeof(char *));
		if (!facts.lines)
			abort();
		facts.lines[facts.len++] = line;
		line = NULL;
		size = 0;
	}
	free(line);
	fclose(file);
	return facts;
}

static void free_facts(struct facts *facts)
{
	for (size_t i = 0; i < facts->len; i++)
		free(facts->lines[i]);
	free(facts->lines);
}

/* Column 0 to 3 of a line, into `text`. */
static const char *column(const char *line, int number, char *text, size_t size)
{
	size_t len;

	for (; number > 0 && line; number--) {
		line = strchr(line, '\t');
		line = line ? line + 1 : NULL;
	}
	len = line ? strcspn(line, "\t") : 0;
	snprintf(text, size, "%.*s", (int)len, line ? line : "");
	return text;
}

/* A key that begins with a slash is the end of one: "/contiguity" is that of any role. */
static bool find_fact(const struct facts *facts, const char *id, const char *key, char *value,
		      size_t size, char *origin, size_t origin_size)
{
	char text[512];

	for (size_t i = 0; i < facts->len; i++) {
		const char *line = facts->lines[i];
		size_t len;

		if (strcmp(column(line, 0, text, sizeof(text)), id) != 0)
			continue;
		column(line, 1, text, sizeof(text));
		len = strlen(text);
		if (key[0] == '/' ? len < strlen(key) || strcmp(text + len - strlen(key), key) != 0
				  : strcmp(text, key) != 0)
			continue;
		column(line, 2, value, size);
		column(line, 3, origin, origin_size);
		return true;
	}
	return false;
}

struct fact {
	bool there;
	char value[256];
	char origin[32];
	uint64_t number;
};

static struct fact fact_of(const struct facts *facts, const char *id, const char *key)
{
	struct fact fact = {0};

	fact.there = find_fact(facts, id, key, fact.value, sizeof(fact.value), fact.origin,
			       sizeof(fact.origin));
	fact.number = strtoull(fact.value, NULL, 0);
	return fact;
}

/* Calls `check` for each importer that the facts know. */
static void each_importer(const struct facts *facts,
			  void (*check)(const struct facts *facts, const char *id,
					const struct importer *importer, void *data),
			  void *data)
{
	char id[256], key[256], node[64];
	struct importer importer;

	for (size_t i = 0; i < facts->len; i++) {
		column(facts->lines[i], 1, key, sizeof(key));
		if (strcmp(key, "node") != 0)
			continue;
		column(facts->lines[i], 0, id, sizeof(id));
		if (find_importer(column(facts->lines[i], 2, node, sizeof(node)), &importer))
			check(facts, id, &importer, data);
	}
}

/* --- facts against attributes --- */

static bool is(const struct fact *fact, const char *value)
{
	return strcmp(fact->value, value) == 0;
}

static void check_coherency(const struct facts *facts, const char *id,
			    const struct importer *importer)
{
	struct fact fact = fact_of(facts, id, "coherency");
	const char *truth = attribute(importer, "coherent") ? "coherent" : "non-coherent";

	tap(is(&fact, truth), "%s: coherency is %s, the facts say %s", id, truth,
	    fact.there ? fact.value : "nothing");
}

static void check_translation(const struct facts *facts, const char *id,
			      const struct importer *importer)
{
	struct fact fact = fact_of(facts, id, "iommu");
	const char *truth = attribute(importer, "translated") ? "true" : "false";
	char domain[32];

	read_attribute(importer, "iommu", domain, sizeof(domain));
	tap(is(&fact, truth), "%s: iommu is %s (domain: %s), the facts say %s", id, truth, domain,
	    fact.there ? fact.value : "nothing");
}

/* The last byte of the machine's memory, from /proc/zoneinfo. */
static uint64_t memory_last(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	uint64_t spanned = 0, start, highest = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, " spanned %" SCNu64, &spanned);
		if (sscanf(line, " start_pfn: %" SCNu64, &start) == 1 && spanned)
			highest = start + spanned > highest ? start + spanned : highest;
	}
	if (file)
		fclose(file);
	return highest ? highest * PAGE - 1 : UINT64_MAX;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t last_of_bits(uint64_t bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/*
 * Beyond the machine's memory nobody cares, nor behind an IOMMU, where the kernel finds addresses
 * that suit. What is merely assumed may be wrong, and is shown.
 */
static void check_reach(const struct facts *facts, const char *id, const struct importer *importer)
{
	struct fact bits = fact_of(facts, id, "address-bits");
	struct fact max = fact_of(facts, id, "address-max");
	bool translated = attribute(importer, "translated");
	uint64_t last = translated ? UINT64_MAX : memory_last();
	uint64_t truth = attribute(importer, translated ? "dma_mask" : "reach_last");
	uint64_t said = bits.there ? last_of_bits(bits.number) : UINT64_MAX;
	bool assumed = strcmp(bits.origin, "assumed") == 0;

	if (max.there && !translated)
		said = lower(said, max.number);
	said = lower(said, last);
	truth = lower(truth, last);
	tap(bits.there && (said <= truth || assumed || translated),
	    "%s: reaches 0x%" PRIx64 ", the facts say 0x%" PRIx64 " (%s%s)", id, truth, said,
	    bits.origin,
	    said > truth   ? ", too far"
	    : said < truth ? ", less than it could"
			   : "");
}

static void check_bounce(const struct facts *facts, const char *id, const struct importer *importer)
{
	struct fact fact = fact_of(facts, id, "bounced");
	char bounce[96];
	bool truth;

	read_attribute(importer, "bounce", bounce, sizeof(bounce));
	truth = strncmp(bounce, "always", 6) == 0 && !attribute(importer, "translated");
	tap(truth == is(&fact, "true"), "%s: is %s bounced (%s), the facts say %s", id,
	    truth ? "always" : "not always", bounce, fact.there ? fact.value : "nothing");
}

static void check_memory_model(const struct facts *facts, const char *id,
			       const struct importer *importer)
{
	static const char *const ranks[] = {"none", "used", "whole"};
	struct fact model = fact_of(facts, id, "/memory-model");
	struct fact contiguity = fact_of(facts, id, "/contiguity");
	size_t needed = 0, said = 0;

	if (strcmp(importer->model, "dma-contig") == 0)
		needed = 1;
	else if (strcmp(importer->model, "gem-dma") == 0)
		needed = 2;
	while (said < 3 && !is(&contiguity, ranks[said]))
		said++;
	tap(!model.there || is(&model, importer->model), "%s: memory model is %s, the facts say %s",
	    id, importer->model, model.there ? model.value : "nothing");
	/* that it needs contiguous memory can be measured, how much of it cannot */
	tap(said < 3 && said >= needed &&
		    (needed || !said || strcmp(contiguity.origin, "assumed") == 0),
	    "%s: contiguity is %s, the facts say %s (%s)", id, ranks[needed], contiguity.value,
	    contiguity.origin);
}

static void check_alignment(const struct facts *facts, const char *id,
			    const struct importer *importer)
{
	uint64_t stride = attribute(importer, "stride_align");
	uint64_t offset = attribute(importer, "offset_align");
	struct fact custom = fact_of(facts, id, "/formats/XR24/stride-custom");
	struct fact said = fact_of(facts, id, "/formats/XR24/stride-align");
	struct fact said_offset = fact_of(facts, id, "/offset-align");

	if (custom.there)
		tap(stride || is(&custom, "false"),
		    "%s: custom strides are %s, the facts say %s (%s)", id,
		    stride ? "honoured" : "not honoured", custom.value, custom.origin);
	if (said.there && stride)
		tap(said.number % stride == 0,
		    "%s: strides are aligned to %" PRIu64 ", the facts say %s (%s)", id, stride,
		    said.value, said.origin);
	if (said_offset.there && offset)
		tap(said_offset.number % offset == 0,
		    "%s: offsets are aligned to %" PRIu64 ", the facts say %s (%s)", id, offset,
		    said_offset.value, said_offset.origin);
}

static void check_facts(const struct facts *facts, const char *id, const struct importer *importer,
			void *data)
{
	(void)data;
	check_coherency(facts, id, importer);
	check_translation(facts, id, importer);
	check_reach(facts, id, importer);
	check_bounce(facts, id, importer);
	check_memory_model(facts, id, importer);
	check_alignment(facts, id, importer);
}

/* --- buffers --- */

static int from_heap(const char *path, size_t bytes)
{
	struct dma_heap_allocation_data data = {.len = bytes, .fd_flags = O_RDWR | O_CLOEXEC};
	int heap = open(path, O_RDONLY | O_CLOEXEC);
	int result = heap < 0 ? -1 : ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);

	if (heap >= 0)
		close(heap);
	return result < 0 ? -1 : (int)data.fd;
}

/* Pages of a memfd; one and the same page many times where none may adjoin the next. */
static int from_udmabuf(size_t bytes, bool scattered)
{
	size_t pages = (bytes + PAGE - 1) / PAGE, items = scattered ? pages : 1;
	struct udmabuf_create_list *list = calloc(1, sizeof(*list) + items * sizeof(list->list[0]));
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int memory = memfd_create("importers", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int buffer = -1;

	if (list && device >= 0 && memory >= 0 && ftruncate(memory, (off_t)(pages * PAGE)) == 0 &&
	    fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0) {
		list->count = (uint32_t)items;
		list->flags = UDMABUF_FLAGS_CLOEXEC;
		for (size_t i = 0; i < items; i++)
			list->list[i] = (struct udmabuf_create_item){
				.memfd = (uint32_t)memory, .size = scattered ? PAGE : pages * PAGE};
		buffer = ioctl(device, UDMABUF_CREATE_LIST, list);
	}
	free(list);
	if (device >= 0)
		close(device);
	if (memory >= 0)
		close(memory);
	return buffer;
}

static int allocate(const char *heap, size_t bytes)
{
	if (strcmp(heap, "udmabuf") == 0 || strcmp(heap, "/dev/udmabuf") == 0)
		return from_udmabuf(bytes, false);
	if (strcmp(heap, "scattered") == 0)
		return from_udmabuf(bytes, true);
	return from_heap(heap, bytes);
}

static void bracket(int buffer, uint64_t flags)
{
	struct dma_buf_sync begin = {.flags = DMA_BUF_SYNC_START | flags};
	struct dma_buf_sync end = {.flags = DMA_BUF_SYNC_END | flags};

	if (ioctl(buffer, DMA_BUF_IOCTL_SYNC, &begin) < 0 ||
	    ioctl(buffer, DMA_BUF_IOCTL_SYNC, &end) < 0)
		die("DMA_BUF_IOCTL_SYNC");
}

/* --- imports --- */

/* Some read pictures. */
static bool is_output(int device)
{
	struct v4l2_capability capability;

	return ioctl(device, VIDIOC_QUERYCAP, &capability) == 0 &&
	       capability.device_caps & V4L2_CAP_VIDEO_OUTPUT;
}

static uint32_t type_of(int device)
{
	return is_output(device) ? V4L2_BUF_TYPE_VIDEO_OUTPUT : CAPTURE;
}

static int ask_for_buffers(int camera, uint32_t count)
{
	struct v4l2_requestbuffers request = {
		.count = count, .type = type_of(camera), .memory = V4L2_MEMORY_DMABUF};

	return ioctl(camera, VIDIOC_REQBUFS, &request);
}

/* Returns the size of a picture. */
static uint32_t choose_format(int camera, uint32_t width, uint32_t height)
{
	struct v4l2_format format = {.type = type_of(camera)};

	format.fmt.pix.width = width;
	format.fmt.pix.height = height;
	format.fmt.pix.pixelformat = XR24;
	if (ioctl(camera, VIDIOC_S_FMT, &format) < 0)
		die("VIDIOC_S_FMT");
	return format.fmt.pix.sizeimage;
}

static int give(int camera, unsigned long request, int buffer, uint32_t bytes)
{
	struct v4l2_buffer data = {.type = type_of(camera),
				   .memory = V4L2_MEMORY_DMABUF,
				   .length = bytes,
				   .bytesused = bytes,
				   .m.fd = buffer};

	return ioctl(camera, request, &data);
}

/* Imports a small picture from a heap, until `device` is closed. Returns 0 or a negative error. */
static int import(const struct importer *importer, int device, const char *heap)
{
	uint32_t bytes = SMALL_WIDTH * SMALL_HEIGHT * 4, handle;
	int buffer, error = 0;

	if (!importer->display) {
		bytes = choose_format(device, SMALL_WIDTH, SMALL_HEIGHT);
		if (ask_for_buffers(device, 1) < 0)
			die("VIDIOC_REQBUFS");
	}
	buffer = allocate(heap, bytes);
	if (buffer < 0)
		die(heap);
	if (importer->display ? drmPrimeFDToHandle(device, buffer, &handle) < 0
			      : give(device, VIDIOC_PREPARE_BUF, buffer, bytes) < 0)
		error = -errno;
	close(buffer);
	return error;
}

/* --- plans against imports --- */

struct plans {
	struct dmabroker *broker;
	int dearer; /* refused by the broker, though the kernel took it as it is */
};

/* A picture for one importer, from one heap; in the broker's words. */
static int plan(struct dmabroker *broker, const char *id, const char *role, const char *heap)
{
	struct dmabroker_record *request, *participant, *answer = NULL;
	int error = dmabroker_request_create(&request);

	if (error)
		return error;
	error = dmabroker_request_add_participant(request, "importer", role, &participant);
	if (!error)
		error = dmabroker_record_set_string(participant, "device", id);
	if (!error)
		error = dmabroker_record_set_uint(request, "width", SMALL_WIDTH);
	if (!error)
		error = dmabroker_record_set_uint(request, "height", SMALL_HEIGHT);
	if (!error)
		error = dmabroker_record_add_format(request, "formats", XR24, 0);
	if (!error)
		error = dmabroker_record_add_string(request, "allowed-heaps", heap);
	if (!error)
		error = dmabroker_plan(broker, request, &answer);
	dmabroker_record_destroy(answer);
	dmabroker_record_destroy(request);
	return error;
}

/* What the kernel did with it is in `ret_mapping`. Returns 0 or a negative error. */
static int try_import(const struct importer *importer, const char *heap,
		      struct mapping *ret_mapping)
{
	int device = open(importer->node, O_RDWR | O_CLOEXEC), error;

	if (device < 0)
		die(importer->node);
	error = import(importer, device, heap);
	*ret_mapping = last_mapping(importer);
	close(device);
	return error;
}

static const char *role_of(const struct importer *importer)
{
	int device = open(importer->node, O_RDWR | O_CLOEXEC);
	bool output;

	if (device < 0)
		die(importer->node);
	output = !importer->display && is_output(device);
	close(device);
	return importer->display ? "scanout" : output ? "output" : "capture";
}

/* A plan must be one that the kernel carries out without bounce buffers. */
static void check_heap(const struct facts *facts, const char *id, const struct importer *importer,
		       const char *heap, struct plans *plans)
{
	int planned = plan(plans->broker, id, role_of(importer), heap);
	const char *answer = planned ? dmabroker_get_error(plans->broker) : "a plan";
	struct fact node = fact_of(facts, heap, "node");
	struct mapping mapping;
	int error = try_import(importer, node.value, &mapping);
	bool suits = !error && !mapping.bounced,
	     refused = planned && strcmp(answer, "Conflict") == 0;

	tap(planned ? refused : suits, "%s, heap %s: %s, %s", id, heap, answer,
	    error   ? strerrorname_np(-error)
	    : suits ? "the kernel takes it"
		    : "the kernel bounces it");
	plans->dearer += refused && suits;
	printf("# %" PRIu64 " entries, %" PRIu64 " bytes contiguous, %" PRIu64
	       " bounced, memory 0x%" PRIx64 "..0x%" PRIx64 "%s\n",
	       mapping.entries, mapping.contiguous, mapping.bounced, mapping.first, mapping.last,
	       refused && suits ? ": dearer than it need be, or luck" : "");
}

static void check_plans(const struct facts *facts, const char *id, const struct importer *importer,
			void *data)
{
	char heap[256], key[256];

	for (size_t i = 0; i < facts->len; i++) {
		column(facts->lines[i], 1, key, sizeof(key));
		if (strcmp(key, "exporter") == 0)
			check_heap(facts, id, importer,
				   column(facts->lines[i], 0, heap, sizeof(heap)), data);
	}
}

/* --- a display's rules --- */

static bool takes_picture(int card, uint32_t handle, uint32_t pitch, uint32_t offset)
{
	uint32_t handles[4] = {handle, handle}, pitches[4] = {pitch, pitch};
	uint32_t offsets[4] = {0, offset}, id;

	if (drmModeAddFB2(card, SMALL_WIDTH, 16, DRM_FORMAT_NV12, handles, pitches, offsets, &id,
			  0) < 0)
		return false;
	drmModeRmFB(card, id);
	return true;
}

static int check_pitches(const char *node)
{
	struct importer importer;
	int card = open(node, O_RDWR | O_CLOEXEC);
	uint32_t handle, pitch, align, offset_align, size;
	uint64_t dumb_size;

	if (!find_importer(node, &importer) || card < 0)
		die(node);
	align = (uint32_t)attribute(&importer, "stride_align");
	offset_align = (uint32_t)attribute(&importer, "offset_align");
	if (drmModeCreateDumbBuffer(card, SMALL_WIDTH + 1, 256, 32, 0, &handle, &pitch,
				    &dumb_size) < 0)
		die("DRM_IOCTL_MODE_CREATE_DUMB");
	tap(pitch % align == 0, "%s: a dumb buffer has pitch %u, aligned to %u", node, pitch,
	    align);
	pitch = (SMALL_WIDTH + align - 1) / align * align;
	size = (pitch * 16 + offset_align - 1) / offset_align * offset_align;
	tap(takes_picture(card, handle, pitch, size), "%s: takes pitch %u, offset %u", node, pitch,
	    size);
	tap(align == 1 || !takes_picture(card, handle, pitch + 1, size), "%s: refuses pitch %u",
	    node, pitch + 1);
	tap(offset_align == 1 || !takes_picture(card, handle, pitch, size + 1),
	    "%s: refuses offset %u", node, size + 1);
	close(card);
	return tap_end();
}

/* --- where the data go --- */

/* How many of the 16-byte pieces are those of this frame. */
static size_t count_pieces(const uint32_t *words, size_t bytes, uint32_t frame)
{
	size_t right = 0;

	for (size_t at = 0; at < bytes; at += 16) {
		const uint32_t *piece = words + at / 4;

		right += piece[0] == MAGIC && piece[1] == frame && piece[2] == at / PAGE &&
			 piece[3] == at % PAGE;
	}
	return right;
}

static bool take_frame(int camera, uint32_t *ret_sequence)
{
	struct v4l2_buffer data = {.type = CAPTURE, .memory = V4L2_MEMORY_DMABUF};
	struct pollfd pollfd = {.fd = camera, .events = POLLIN};

	if (poll(&pollfd, 1, FRAME_MS) <= 0 || ioctl(camera, VIDIOC_DQBUF, &data) < 0)
		return false;
	*ret_sequence = data.sequence;
	return !(data.flags & V4L2_BUF_FLAG_ERROR);
}

static void measure(const struct importer *importer, const char *heap, int buffer, uint32_t *words,
		    uint32_t bytes, uint32_t frame)
{
	struct mapping mapping = last_mapping(importer);
	size_t before = count_pieces(words, bytes, frame), after;

	bracket(buffer, DMA_BUF_SYNC_READ);
	after = count_pieces(words, bytes, frame);
	printf("# %s, %s: %" PRIu64 " entries, %" PRIu64
	       " bytes bounced, frame %u: %zu of %u pieces "
	       "without a bracket, %zu after one\n",
	       importer->node, heap, mapping.entries, mapping.bounced, frame, before, bytes / 16,
	       after);
	if (!mapping.bounced)
		tap(before == bytes / 16, "%s: frame %u is in a buffer of %s", importer->node,
		    frame, heap);
	else
		tap(true, "%s: frame %u went to bounce buffers of %s", importer->node, frame, heap);
}

static void check_data(const struct importer *importer, const char *heap)
{
	int camera = open(importer->node, O_RDWR | O_CLOEXEC), buffer, type = CAPTURE;
	uint32_t bytes, frame = 0, *words;

	if (camera < 0)
		die(importer->node);
	bytes = choose_format(camera, DATA_WIDTH, DATA_HEIGHT);
	buffer = allocate(heap, bytes);
	if (buffer < 0)
		die(heap);
	words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);
	if (words == MAP_FAILED)
		die("mmap");
	bracket(buffer, DMA_BUF_SYNC_WRITE);
	memset(words, 0xee, bytes);
	if (ask_for_buffers(camera, 1) < 0)
		die("VIDIOC_REQBUFS");
	if (give(camera, VIDIOC_QBUF, buffer, bytes) < 0)
		tap(true, "%s: no buffer of %s: %s", importer->node, heap, strerrorname_np(errno));
	else if (ioctl(camera, VIDIOC_STREAMON, &type) < 0 || !take_frame(camera, &frame))
		tap(false, "%s: a frame comes", importer->node);
	else
		measure(importer, heap, buffer, words, bytes, frame);
	close(camera);
	munmap(words, bytes);
	close(buffer);
}

static int check_heaps(const char *node, char **heaps)
{
	struct importer importer;

	if (!find_importer(node, &importer))
		die(node);
	for (; *heaps; heaps++)
		check_data(&importer, *heaps);
	return tap_end();
}

/* --- command line --- */

static int hold(const char *node, const char *heap)
{
	int device = open(node, O_RDWR | O_CLOEXEC), error;
	struct importer importer;

	if (device < 0 || !find_importer(node, &importer))
		die(node);
	error = import(&importer, device, heap);
	puts(error ? strerrorname_np(-error) : "holding");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return error ? 1 : 0;
}

static int with_facts(const char *path,
		      void (*check)(const struct facts *facts, const char *id,
				    const struct importer *importer, void *data),
		      void *data)
{
	struct facts facts = read_facts(path);

	each_importer(&facts, check, data);
	free_facts(&facts);
	tap(tap_count > 0, "the facts know importers");
	return tap_end();
}

static int show_plans(const char *facts, const char *address)
{
	struct plans plans = {0};
	int status = dmabroker_connect(address, &plans.broker);

	if (status) {
		fprintf(stderr, "importers: no broker: %s\n", strerror(-status));
		return 1;
	}
	status = with_facts(facts, check_plans, &plans);
	printf("# %d buffers suited that the broker did not plan\n", plans.dearer);
	dmabroker_disconnect(plans.broker);
	return status;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(command, "list") == 0 && argc == 2)
		return list_folder("/dev", "video") | list_folder("/dev/dri", "card");
	if (strcmp(command, "show") == 0 && argc == 3)
		return show_attributes(argv[2]);
	if (strcmp(command, "facts") == 0 && argc == 3)
		return with_facts(argv[2], check_facts, NULL);
	if (strcmp(command, "plans") == 0 && argc == 4)
		return show_plans(argv[2], argv[3]);
	if (strcmp(command, "pitches") == 0 && argc == 3)
		return check_pitches(argv[2]);
	if (strcmp(command, "data") == 0 && argc >= 4)
		return check_heaps(argv[2], argv + 3);
	if (strcmp(command, "hold") == 0 && argc == 4)
		return hold(argv[2], argv[3]);
	fputs("usage: importers list | show NODE | facts FACTS | plans FACTS ADDRESS | pitches "
	      "NODE |\n"
	      "                 data NODE HEAP... | hold NODE HEAP\n",
	      stderr);
	return 2;
}
