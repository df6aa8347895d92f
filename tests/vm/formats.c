/* SPDX-License-Identifier: MIT */
/*
 * Every format that two of vivid, vicodec, vim2m and vkms share, from one to the other: a buffer is
 * allocated by plan, one driver fills it and the other reads it, and at the far end is the picture
 * that there should be. One row of TAP for each pair and format.
 *
 * Which formats are shared is asked of the drivers themselves. One that they share and that is not
 * planned is a failure, unless the list below has a reason.
 *
 * Where both take strides of ours, the same once more with a stride that nobody would choose.
 *
 * usage: formats (environment: DMABROKER_ADDRESS)
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "examples/die.h"
#include "tests/vm/formats.h"
#include "tests/vm/queue.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define FORMATS_MAX 256
#define ROW_SECONDS 240 /* machines can be slow */
#define QUANTUM 8	/* of 256, in five bits */

/* V4L2 formats that drivers share and nobody plans. */
static const struct {
	uint32_t v4l2_format;
	const char *reason;
} unplanned[] = {
	{V4L2_PIX_FMT_FWHT, "a stream has no layout"},
};

enum { VIVID, VIM2M, VICODEC, VKMS };

static struct party parties[] = {
	[VIVID] = {"vivid", "v4l2:platform/vivid.0:vivid-000-vid-cap:0", "capture",
		   "v4l2:platform/vivid.0:vivid-001-vid-out:1", "output",
		   "v4l2:platform/vivid.0:vivid-001-vid-cap:0", vivid_write, vivid_read},
	[VIM2M] = {"vim2m", "v4l2:platform/vim2m.0:vim2m:0", "capture",
		   "v4l2:platform/vim2m.0:vim2m:0", "output", NULL, vim2m_write, vim2m_read},
	[VICODEC] = {"vicodec", "v4l2:platform/vicodec.0:stateful-decoder:1", "capture",
		     "v4l2:platform/vicodec.0:stateful-encoder:0", "output", NULL, vicodec_write,
		     vicodec_read},
	[VKMS] = {"vkms", "drm:platform/vkms:card", "writeback", "drm:platform/vkms:card",
		  "scanout", NULL, vkms_write, vkms_read},
};

static bool is_drm(const struct party *party)
{
	return party == &parties[VKMS];
}

/* ---- pictures ---- */

static uint32_t row_bytes(const struct seen *seen, unsigned int plane)
{
	const struct format_plane *blocks = &seen->info->planes[plane];

	return (seen->picture.width + blocks->block_width - 1u) / blocks->block_width *
	       blocks->block_bytes;
}

static uint32_t rows(const struct seen *seen, unsigned int plane)
{
	uint32_t height = seen->info->planes[plane].row_height;

	return (seen->picture.height + height - 1) / height;
}

static uint8_t *row_at(const struct seen *seen, unsigned int plane, uint32_t y)
{
	size_t offset = seen->picture.offsets[plane] + (size_t)seen->picture.strides[plane] * y;

	if (offset + row_bytes(seen, plane) > seen->bytes)
		die("row %u of plane %u lies behind the %zu bytes there are", y, plane,
		    seen->bytes);
	return seen->memory + offset;
}

struct seen seen_create(const struct format_info *info, const struct picture *picture, size_t bytes)
{
	struct seen seen = {
		.info = info, .picture = *picture, .memory = calloc(1, bytes), .bytes = bytes};

	if (!seen.memory)
		die("no memory");
	return seen;
}

struct seen seen_create_v4l2(const struct format_info *info, const struct v4l2_pix_format *pix,
			     const void *bytes)
{
	struct picture picture = {
		.width = pix->width, .height = pix->height, .format = info->fourcc};
	struct format_layout layout;
	struct seen seen;

	if (!format_layout(info, pix->height, pix->bytesperline, 1, &layout) ||
	    layout.total > pix->sizeimage)
		die("%u bytes of stride %u are no picture", pix->sizeimage, pix->bytesperline);
	for (unsigned int i = 0; i < layout.planes_len; i++) {
		picture.strides[i] = layout.stride[i];
		picture.offsets[i] = (uint32_t)layout.offset[i];
	}
	seen = seen_create(info, &picture, pix->sizeimage);
	if (bytes)
		memcpy(seen.memory, bytes, pix->sizeimage);
	return seen;
}

void seen_copy(struct seen *to, const struct seen *from)
{
	for (unsigned int i = 0; i < to->info->planes_len; i++)
		for (uint32_t y = 0; y < rows(to, i); y++)
			memcpy(row_at(to, i, y), row_at(from, i, y), row_bytes(to, i));
}

/* Plane and row where two pictures differ first; false: they do not. */
static bool find_difference(const struct seen *a, const struct seen *b, unsigned int *ret_plane,
			    uint32_t *ret_row)
{
	for (unsigned int i = 0; i < a->info->planes_len; i++)
		for (uint32_t y = 0; y < rows(a, i); y++)
			if (memcmp(row_at(a, i, y), row_at(b, i, y), row_bytes(a, i)) != 0) {
				*ret_plane = i;
				*ret_row = y;
				return true;
			}
	return false;
}

bool seen_is_same(const struct seen *a, const struct seen *b)
{
	unsigned int plane;
	uint32_t row;

	return !find_difference(a, b, &plane, &row);
}

/* Whether some rows of each plane are not like others. */
static bool has_detail(const struct seen *seen)
{
	for (unsigned int i = 0; i < seen->info->planes_len; i++) {
		bool varies = false;

		for (uint32_t y = 1; y < rows(seen, i) && !varies; y++)
			varies = memcmp(row_at(seen, i, y), row_at(seen, i, 0),
					row_bytes(seen, i)) != 0;
		if (!varies)
			return false;
	}
	return true;
}

/* Where the layouts are the same, the bytes are, without a thought of planes. */
static bool has_same_bytes(const struct seen *a, const struct seen *b)
{
	size_t end = 0;

	if (memcmp(&a->picture.strides, &b->picture.strides, sizeof(a->picture.strides)) != 0 ||
	    memcmp(&a->picture.offsets, &b->picture.offsets, sizeof(a->picture.offsets)) != 0)
		return true;
	for (unsigned int i = 0; i < a->info->planes_len; i++)
		end = a->picture.offsets[i] + (size_t)a->picture.strides[i] * rows(a, i);
	return row_bytes(a, 0) != a->picture.strides[0] || memcmp(a->memory, b->memory, end) == 0;
}

void seen_compare(const struct seen *found, const struct seen *expected, const char *what)
{
	unsigned int plane;
	uint32_t row;

	if (find_difference(found, expected, &plane, &row))
		die("%s: another picture, from row %u of plane %u on", what, row, plane);
	if (!has_same_bytes(found, expected))
		die("%s: other bytes", what);
	if (!has_detail(found))
		die("%s: nothing can be seen in it", what);
}

void seen_paint(struct seen *seen)
{
	for (unsigned int i = 0; i < seen->info->planes_len; i++)
		for (uint32_t y = 0; y < rows(seen, i); y++)
			for (uint32_t x = 0; x < row_bytes(seen, i); x++)
				row_at(seen, i, y)[x] = (uint8_t)(64 + x / 24 + y / 6 + i * 16);
}

/* What is in a buffer before: no picture. */
static void fill_with_noise(struct seen *seen)
{
	uint32_t value = 7;

	for (size_t i = 0; i < seen->bytes; i++) {
		value = value * 1664525u + 1013904223u;
		seen->memory[i] = (uint8_t)(value >> 24);
	}
}

/* Whether byte `x` of a row has a meaning: not the X of four bytes. */
static bool has_meaning(uint32_t fourcc, uint32_t x)
{
	static const char *const last[] = {"XR24", "XB24"}, *const first[] = {"RX24", "BX24",
									      "HSV4"};
	char text[FORMAT_TEXT_BYTES];

	format_text(fourcc, text);
	for (size_t i = 0; i < LEN(last); i++)
		if (strcmp(text, last[i]) == 0)
			return x % 4 != 3;
	for (size_t i = 0; i < LEN(first); i++)
		if (strcmp(text, first[i]) == 0)
			return x % 4 != 0;
	return true;
}

double seen_psnr(const struct seen *a, const struct seen *b)
{
	uint64_t sum = 0, len = 0;

	for (unsigned int i = 0; i < a->info->planes_len; i++)
		for (uint32_t y = 0; y < rows(a, i); y++)
			for (uint32_t x = 0; x < row_bytes(a, i); x++) {
				int difference = row_at(a, i, y)[x] - row_at(b, i, y)[x];

				if (!has_meaning(a->info->fourcc, x))
					continue;
				sum += (uint64_t)(difference * difference);
				len++;
			}
	return sum ? 10 * log10(255.0 * 255.0 * (double)len / (double)sum) : INFINITY;
}

/* ---- what drivers list ---- */

struct list {
	uint32_t items[FORMATS_MAX]; /* V4L2's or DRM's */
	size_t len;
};

static void list_add(struct list *list, uint32_t format)
{
	if (list->len == FORMATS_MAX)
		die("a driver lists too much");
	list->items[list->len++] = format;
}

static struct list list_v4l2(const char *node, uint32_t type)
{
	struct v4l2_fmtdesc description = {.type = type};
	struct list list = {.len = 0};
	int fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		die("%s: %s", node, strerror(errno));
	for (; ioctl(fd, VIDIOC_ENUM_FMT, &description) == 0; description.index++)
		list_add(&list, description.pixelformat);
	close(fd);
	return list;
}

/* vkms writes back the formats of its primary plane, in another order. */
static struct list list_drm(const char *node)
{
	struct list list = {.len = 0};
	int fd = open(node, O_RDWR | O_CLOEXEC);
	drmModePlaneRes *planes;
	drmModePlane *plane;

	if (fd < 0)
		die("%s: %s", node, strerror(errno));
	drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1);
	planes = drmModeGetPlaneResources(fd);
	plane = planes && planes->count_planes ? drmModeGetPlane(fd, planes->planes[0]) : NULL;
	if (!plane)
		die("%s has no plane", node);
	for (uint32_t i = 0; i < plane->count_formats; i++)
		list_add(&list, plane->formats[i]);
	drmModeFreePlane(plane);
	drmModeFreePlaneResources(planes);
	close(fd);
	return list;
}

static struct list list_of(const struct party *party, bool writes)
{
	if (is_drm(party))
		return list_drm(party->reader_node);
	return writes ? list_v4l2(party->writer_node, V4L2_BUF_TYPE_VIDEO_CAPTURE)
		      : list_v4l2(party->reader_node, V4L2_BUF_TYPE_VIDEO_OUTPUT);
}

static bool list_has(const struct list *list, uint32_t format)
{
	for (size_t i = 0; i < list->len; i++)
		if (list->items[i] == format)
			return true;
	return false;
}

/* ---- a row ---- */

static struct dmabroker_record *add(struct dmabroker_record *request, const char *name,
				    const char *role, const char *device)
{
	struct dmabroker_record *participant;

	if (dmabroker_request_add_participant(request, name, role, &participant) < 0 ||
	    dmabroker_record_set_string(participant, "device", device) < 0)
		die("no participant %s", name);
	return participant;
}

static struct dmabroker_collection *allocate(struct dmabroker *broker, const struct party *writer,
					     const struct party *reader, uint32_t fourcc,
					     uint32_t stride_min)
{
	struct dmabroker_collection *collection;
	struct dmabroker_record *request, *participant;

	if (dmabroker_request_create(&request) < 0 ||
	    dmabroker_record_set_uint(request, "width", FORMATS_WIDTH) < 0 ||
	    dmabroker_record_set_uint(request, "height", FORMATS_HEIGHT) < 0 ||
	    dmabroker_record_add_format(request, "formats", fourcc, FORMAT_MODIFIER_LINEAR) < 0)
		die("no request");
	participant = add(request, "writer", writer->writer_role, writer->writer);
	if (stride_min && dmabroker_record_set_uint(participant, "stride-min", stride_min) < 0)
		die("no stride-min");
	add(request, "reader", reader->reader_role, reader->reader);
	if (dmabroker_allocate(broker, request, &collection) < 0)
		die("not planned: %s", dmabroker_get_error_text(broker));
	dmabroker_record_destroy(request);
	return collection;
}

/* The words of the plan for a participant. */
static struct shared share(struct dmabroker_collection *collection, const struct format_info *info,
			   const struct party *party, const char *name)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(collection);
	struct dmabroker_buffer *buffer = dmabroker_collection_get_buffer(collection, 0);
	struct shared shared = {.seen.info = info,
				.seen.picture = picture_of_plan(plan),
				.seen.bytes = dmabroker_buffer_get_bytes(buffer, 0),
				.fd = dmabroker_buffer_get_fd(buffer, 0)};
	void *memory =
		mmap(NULL, shared.seen.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, shared.fd, 0);

	if (memory == MAP_FAILED)
		die("the buffer: mmap: %s", strerror(errno));
	if (shared.seen.picture.format != info->fourcc)
		die("another format was planned");
	shared.seen.memory = memory;
	if (!is_drm(party))
		shared.v4l2 = queue_format_of(plan, name);
	return shared;
}

/* For the test's own eyes. */
static void synchronize(const struct shared *shared, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};

	if (ioctl(shared->fd, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		die("DMA_BUF_IOCTL_SYNC: %s", strerror(errno));
}

static void begin(struct dmabroker_buffer *buffer, const char *who, unsigned int access)
{
	if (dmabroker_buffer_begin_access(buffer, who, access) < 0)
		die("the buffer is not given to the %s", who);
}

static void end(struct dmabroker_buffer *buffer, const char *who)
{
	if (dmabroker_buffer_end_access(buffer, who) < 0)
		die("the buffer is not taken from the %s", who);
}

/*
 * Where V4L2 and DRM have different words, the same bytes could be different colours. The display
 * shows what the camera sees, but for the bits that the format does not have.
 */
static void compare_colours(const struct seen *shown, const struct seen *filmed)
{
	for (uint32_t y = 0; y < FORMATS_HEIGHT; y++)
		for (uint32_t x = 0; x < row_bytes(shown, 0); x++) {
			int difference = row_at(shown, 0, y)[x] - row_at(filmed, 0, y)[x];

			if (x % 4 != 3 && abs(difference) > QUANTUM)
				die("other colours, from row %u on", y);
		}
}

struct row {
	const struct party *writer, *reader;
	const struct format_info *info;
	bool wide;
};

static void run(const struct row *row)
{
	uint32_t natural = format_stride_min(row->info, FORMATS_WIDTH);
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *buffer;
	struct shared written, read;
	struct seen expected;
	struct dmabroker *broker;

	if (dmabroker_connect(NULL, &broker) < 0)
		die("no broker");
	collection = allocate(broker, row->writer, row->reader, row->info->fourcc,
			      row->wide ? natural + 48 : 0);
	buffer = dmabroker_collection_get_buffer(collection, 0);
	written = share(collection, row->info, row->writer, "writer");
	read = share(collection, row->info, row->reader, "reader");
	if (row->wide == (written.seen.picture.strides[0] == natural))
		die("a stride of %u was planned", written.seen.picture.strides[0]);
	synchronize(&written, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	fill_with_noise(&written.seen);
	synchronize(&written, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);

	begin(buffer, "writer", DMABROKER_ACCESS_WRITE);
	row->writer->write(row->writer, &written, &expected);
	end(buffer, "writer");
	begin(buffer, "reader", DMABROKER_ACCESS_READ);
	synchronize(&read, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	seen_compare(&read.seen, &expected, "what was written");
	row->reader->read(row->reader, &read);
	if (is_drm(row->reader) && row->writer->loop) {
		struct seen shown = vkms_show(row->reader, &read);
		struct seen filmed = vivid_see(row->writer);

		compare_colours(&shown, &filmed);
	}
	synchronize(&read, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	end(buffer, "reader");
	dmabroker_collection_release(collection);
	dmabroker_disconnect(broker);
}

/* ---- all rows ---- */

static unsigned int rows_len, failures;

static void report(bool is_right, const struct row *row, const char *detail)
{
	char text[FORMAT_TEXT_BYTES];

	format_text(row->info->fourcc, text);
	printf("%s %u - %s (%s) %s -> %s%s\n", is_right ? "ok" : "not ok", ++rows_len, text,
	       row->info->name, row->writer->name, row->reader->name,
	       row->wide ? ", wider rows" : "");
	if (!is_right)
		printf("# %s\n", detail);
	failures += !is_right;
	fflush(stdout);
}

/* In a process of its own, which may end as it likes. */
static void run_row(const struct row *row)
{
	char detail[512] = "";
	int pipes[2], status;
	ssize_t len;
	pid_t child;

	fflush(stdout);
	if (pipe(pipes) < 0 || (child = fork()) < 0)
		die("no process: %s", strerror(errno));
	if (child == 0) {
		alarm(ROW_SECONDS);
		if (!freopen("/dev/null", "w", stdout) || dup2(pipes[1], STDERR_FILENO) < 0)
			_exit(2);
		run(row);
		_exit(0);
	}
	close(pipes[1]);
	for (size_t at = 0; (len = read(pipes[0], detail + at, sizeof(detail) - 1 - at)) > 0;)
		at += (size_t)len;
	close(pipes[0]);
	if (waitpid(child, &status, 0) != child)
		die("no child: %s", strerror(errno));
	if (WIFSIGNALED(status))
		snprintf(detail, sizeof(detail), "signal %d", WTERMSIG(status));
	detail[strcspn(detail, "\n")] = '\0';
	report(WIFEXITED(status) && WEXITSTATUS(status) == 0, row, detail);
}

static const char *reason_of(uint32_t v4l2_format)
{
	for (size_t i = 0; i < LEN(unplanned); i++)
		if (unplanned[i].v4l2_format == v4l2_format)
			return unplanned[i].reason;
	return NULL;
}

/* A format of both without a row in the table. */
static void report_unplanned(const struct party *writer, const struct party *reader,
			     uint32_t v4l2_format)
{
	const char *reason = reason_of(v4l2_format);
	char text[FORMAT_TEXT_BYTES];

	format_text(v4l2_format, text);
	if (reason) {
		printf("# %s %s -> %s: %s\n", text, writer->name, reader->name, reason);
		return;
	}
	printf("not ok %u - %s %s -> %s\n# shared by both and not planned\n", ++rows_len, text,
	       writer->name, reader->name);
	failures++;
}

/* vim2m and vicodec have strides of their own. */
static bool takes_strides(const struct party *party)
{
	return is_drm(party) || party->loop;
}

/* By any of its names; one that we do not know, by its own. */
static bool is_shared(const struct list *reads, const struct party *reader, uint32_t format,
		      const struct format_info *info)
{
	if (!info)
		return !is_drm(reader) && list_has(reads, format);
	if (is_drm(reader))
		return list_has(reads, info->fourcc);
	return (info->v4l2[0] && list_has(reads, info->v4l2[0])) ||
	       (info->v4l2[1] && list_has(reads, info->v4l2[1]));
}

/* Of each pair of drivers one row of DMABROKER_FORMATS (3), the first among them: 1 for all. */
static unsigned int seen;

static bool is_its_turn(void)
{
	const char *text = getenv("DMABROKER_FORMATS");
	unsigned int step = text ? (unsigned int)strtoul(text, NULL, 10) : 3;

	return seen++ % (step ? step : 1) == 0;
}

static void run_format(const struct party *writer, const struct party *reader, uint32_t format,
		       const struct format_info *info)
{
	struct row row = {writer, reader, info, false};

	if (!info) {
		report_unplanned(writer, reader, format);
		return;
	}
	if (is_its_turn())
		run_row(&row);
	row.wide = true;
	if (takes_strides(writer) && takes_strides(reader) && is_its_turn())
		run_row(&row);
}

/* Old and new names of one format are one row. */
static void run_pair(const struct party *writer, const struct party *reader)
{
	struct list writes = list_of(writer, true), reads = list_of(reader, false), done = {0};
	unsigned int before = rows_len;

	seen = 0;
	for (size_t i = 0; i < writes.len; i++) {
		uint32_t format = writes.items[i];
		const struct format_info *info =
			format_find(is_drm(writer) ? format : format_from_v4l2(format));

		if (!is_shared(&reads, reader, format, info) ||
		    (info && list_has(&done, info->fourcc)))
			continue;
		if (info)
			list_add(&done, info->fourcc);
		run_format(writer, reader, format, info);
	}
	printf("# %s -> %s: %u rows\n", writer->name, reader->name, rows_len - before);
	if (rows_len == before) {
		printf("not ok %u - %s -> %s\n# nothing is shared\n", ++rows_len, writer->name,
		       reader->name);
		failures++;
	}
}

/* The coded sides of the codec share formats, too. */
static void run_streams(const struct party *codec)
{
	struct list writes = list_v4l2(codec->reader_node, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	struct list reads = list_v4l2(codec->writer_node, V4L2_BUF_TYPE_VIDEO_OUTPUT);

	for (size_t i = 0; i < writes.len; i++)
		if (list_has(&reads, writes.items[i]))
			report_unplanned(codec, codec, writes.items[i]);
}

static void find_node(struct dmabroker_record *const *devices, size_t len, const char *id,
		      char node[64])
{
	for (size_t i = 0; id && i < len; i++)
		if (strcmp(dmabroker_record_get_string(devices[i], "id"), id) == 0) {
			snprintf(node, 64, "%s", dmabroker_record_get_string(devices[i], "node"));
			return;
		}
	if (id)
		die("no device %s", id);
}

static void find_nodes(void)
{
	struct dmabroker_record **devices;
	struct dmabroker *broker;
	size_t len;

	if (dmabroker_connect(NULL, &broker) < 0 ||
	    dmabroker_list_devices(broker, &devices, &len) < 0)
		die("no broker");
	for (size_t i = 0; i < LEN(parties); i++) {
		find_node(devices, len, parties[i].writer, parties[i].writer_node);
		find_node(devices, len, parties[i].reader, parties[i].reader_node);
		find_node(devices, len, parties[i].loop, parties[i].loop_node);
	}
	dmabroker_record_list_destroy(devices, len);
	dmabroker_disconnect(broker);
}

int main(void)
{
	find_nodes();
	for (size_t i = 0; i < LEN(parties); i++)
		for (size_t j = 0; j < LEN(parties); j++)
			run_pair(&parties[i], &parties[j]);
	run_streams(&parties[VICODEC]);
	vivid_restore(&parties[VIVID]);
	printf("1..%u\n", rows_len);
	return failures || rows_len == 0;
}
