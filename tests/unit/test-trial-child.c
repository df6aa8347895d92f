/* SPDX-License-Identifier: MIT */
/*
 * Trials, the child's side, on devices that are made up: open, fopen and ioctl are the test's own
 * (tests/meson.build). The made-up drivers keep count of what they were given and got back.
 */
#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/probe/trial-child.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE ((uint64_t)sysconf(_SC_PAGESIZE))

/* --- the made-up machine --- */

struct v4l2_rules {
	bool m2m, multi_planar, no_prepare, owned, no_own_buffers, no_queue;
	uint32_t capabilities;
	uint32_t bytes; /* of a picture in the format that is set */
	uint32_t smallest_bytes;
	uint32_t planes; /* memory planes of the default format; the second format has one */
	bool contiguous; /* dma-contig */
	int refusal;	 /* errno of any foreign buffer */
	const char *exporter;
};

struct drm_rules {
	int one_page, scattered; /* errno of importing it */
	bool gone, no_dumb;
	uint32_t pitch_align, offset_align, dumb_align;
	bool no_format;
};

static struct {
	struct v4l2_rules v4l2;
	struct drm_rules drm;
	bool no_udmabuf;
	const char *list_limit, *size_limit;

	int drm_fd, v4l2_fd, udmabuf_fd; /* numbers that mean them */
	/* V4L2 */
	uint32_t memory, buffers;
	bool prepared, let_go, format_set, one_plane_set;
	/* DRM */
	int handles, framebuffers, pictures;
	uint64_t dumb_bytes;
	/* faults */
	unsigned int calls, fail_at;
	int fail_errno;
	const char *trouble; /* what must never be done was done */
} world;

static void begin_world(void)
{
	memset(&world, 0, sizeof(world));
	world.drm_fd = world.v4l2_fd = world.udmabuf_fd = -1;
	world.v4l2 = (struct v4l2_rules){.capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP |
							 V4L2_BUF_CAP_SUPPORTS_DMABUF,
					 .bytes = 1228800,
					 .smallest_bytes = 2048,
					 .planes = 1,
					 .exporter = "videobuf2_vmalloc"};
	world.drm = (struct drm_rules){.pitch_align = 1, .offset_align = 1, .dumb_align = 1};
}

/* What udmabuf would say of a list; all of ours repeat what they begin with. */
static int create_list(struct udmabuf_create_list *list)
{
	uint64_t bytes = list->list[0].size * list->count;
	struct stat status;
	int fd;

	if (list->count == 0 || list->list[0].size == 0 || list->list[0].size % PAGE)
		return -EINVAL;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->list[i].offset || list->list[i].size != list->list[0].size ||
		    list->list[i].memfd != list->list[0].memfd)
			world.trouble = "a list that does not repeat";
	if (bytes > PAGE && list->count < 2)
		world.trouble = "a list that may be contiguous";
	if (fcntl((int)list->list[0].memfd, F_GET_SEALS) != F_SEAL_SHRINK ||
	    fstat((int)list->list[0].memfd, &status) < 0 ||
	    (uint64_t)status.st_size < list->list[0].size)
		return -EINVAL;
	fd = memfd_create("dma-buf", MFD_CLOEXEC);
	if (ftruncate(fd, (off_t)bytes) < 0)
		abort();
	return fd;
}

static uint64_t bytes_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) < 0 ? 0 : (uint64_t)status.st_size;
}

/* --- a V4L2 queue --- */

static int set_format(struct v4l2_format *format)
{
	if (!world.v4l2.m2m)
		world.trouble = "the format of others was set";
	world.v4l2.bytes = world.v4l2.smallest_bytes;
	world.one_plane_set = world.v4l2.multi_planar &&
			      format->fmt.pix_mp.pixelformat == V4L2_PIX_FMT_NV12;
	return 0;
}

static int get_format(struct v4l2_format *format)
{
	if (world.v4l2.no_queue)
		return -EINVAL;
	if (world.v4l2.multi_planar) {
		format->fmt.pix_mp.num_planes = world.one_plane_set ? 1
								    : (uint8_t)world.v4l2.planes;
		format->fmt.pix_mp.plane_fmt[0].sizeimage = world.v4l2.bytes;
		format->fmt.pix_mp.field = V4L2_FIELD_NONE;
	} else {
		format->fmt.pix.sizeimage = world.v4l2.bytes;
		format->fmt.pix.field = V4L2_FIELD_NONE;
	}
	return 0;
}

static int request_buffers(struct v4l2_requestbuffers *request)
{
	request->capabilities = world.v4l2.capabilities;
	if (world.v4l2.owned)
		return -EBUSY;
	if (request->memory == V4L2_MEMORY_MMAP && request->count && world.v4l2.no_own_buffers)
		return -ENOMEM;
	if (request->memory == V4L2_MEMORY_DMABUF && world.v4l2.capabilities &&
	    !(world.v4l2.capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF))
		return -EINVAL;
	if (request->count && world.let_go)
		world.trouble = "the queue was let go and taken again";
	world.let_go = request->count == 0;
	world.prepared = false;
	world.buffers = request->count;
	world.memory = request->count ? request->memory : 0;
	return 0;
}

static int export_buffer(struct v4l2_exportbuffer *export)
{
	if (world.memory != V4L2_MEMORY_MMAP || world.buffers == 0)
		return -EINVAL;
	export->fd = memfd_create("exported", MFD_CLOEXEC);
	return 0;
}

/* As videobuf2 does it. */
static int prepare(const struct v4l2_buffer *buffer)
{
	uint64_t length = world.v4l2.multi_planar ? buffer->m.planes[0].length : buffer->length;
	int fd = world.v4l2.multi_planar ? buffer->m.planes[0].m.fd : buffer->m.fd;

	if (world.memory != V4L2_MEMORY_DMABUF || world.buffers == 0 || world.prepared)
		return -EINVAL;
	if (world.v4l2.multi_planar && world.v4l2.planes > 1 && !world.one_plane_set)
		world.trouble = "the kernel loses dma-bufs of several planes";
	if (length < world.v4l2.bytes)
		return -EINVAL;
	if (bytes_of(fd) < length)
		return -EFAULT;
	if (world.v4l2.refusal)
		return -world.v4l2.refusal;
	if (world.v4l2.contiguous && length > PAGE)
		return -EFAULT;
	world.prepared = true;
	return 0;
}

static int v4l2_ioctl(unsigned long request, void *argument)
{
	switch (request) {
	case VIDIOC_QUERYCAP:
		((struct v4l2_capability *)argument)->device_caps =
			world.v4l2.m2m ? V4L2_CAP_VIDEO_M2M : V4L2_CAP_VIDEO_CAPTURE;
		return 0;
	case VIDIOC_ENUM_FMT: {
		struct v4l2_fmtdesc *description = argument;

		description->pixelformat = description->index ? V4L2_PIX_FMT_NV12
							      : V4L2_PIX_FMT_NV12M;
		return description->index < 2 ? 0 : -EINVAL;
	}
	case VIDIOC_G_FMT:
		return get_format(argument);
	case VIDIOC_S_FMT:
		return set_format(argument);
	case VIDIOC_REQBUFS:
		return request_buffers(argument);
	case VIDIOC_EXPBUF:
		return export_buffer(argument);
	case VIDIOC_PREPARE_BUF:
		return world.v4l2.no_prepare ? -ENOTTY : prepare(argument);
	case VIDIOC_QBUF:
		if (!world.v4l2.no_prepare)
			world.trouble = "a buffer was queued";
		return prepare(argument);
	default:
		world.trouble = "an ioctl that nobody expects of a trial";
		return -ENOTTY;
	}
}

/* --- a DRM node --- */

static int import(struct drm_prime_handle *prime)
{
	int error = bytes_of(prime->fd) > PAGE ? world.drm.scattered : world.drm.one_page;

	if (error)
		return -error;
	prime->handle = (uint32_t)++world.handles;
	return 0;
}

static int create_dumb(struct drm_mode_create_dumb *dumb)
{
	uint32_t align = world.drm.dumb_align;

	if (world.drm.no_dumb)
		return -ENOSYS;
	dumb->pitch = ((dumb->width * dumb->bpp + 7) / 8 + align - 1) / align * align;
	dumb->size = (uint64_t)dumb->pitch * dumb->height;
	dumb->handle = (uint32_t)++world.handles;
	world.dumb_bytes = dumb->size;
	return 0;
}

static int add_picture(struct drm_mode_fb_cmd2 *command)
{
	uint32_t planes = command->pixel_format == DRM_FORMAT_NV12 ? 2 : 1;

	world.pictures++;
	if (world.drm.no_format || command->width < 32 || command->height < 16)
		return -EINVAL;
	for (uint32_t i = 0; i < planes; i++) {
		uint64_t rows = i ? (command->height + 1) / 2 : command->height;
		uint32_t row_bytes = command->width * (planes == 2 ? 1 : 4);

		if (!command->handles[i] || command->pitches[i] < row_bytes ||
		    (rows - 1) * command->pitches[i] + row_bytes + command->offsets[i] >
			    world.dumb_bytes ||
		    command->pitches[i] % world.drm.pitch_align ||
		    command->offsets[i] % world.drm.offset_align)
			return -EINVAL;
	}
	command->fb_id = (uint32_t)++world.framebuffers;
	return 0;
}

static int drm_ioctl(unsigned long request, void *argument)
{
	if (world.drm.gone)
		return -ENODEV;
	switch (request) {
	case DRM_IOCTL_GET_CAP:
		return 0;
	case DRM_IOCTL_PRIME_FD_TO_HANDLE:
		return import(argument);
	case DRM_IOCTL_MODE_CREATE_DUMB:
		return create_dumb(argument);
	case DRM_IOCTL_MODE_ADDFB2:
		return add_picture(argument);
	case DRM_IOCTL_GEM_CLOSE:
	case DRM_IOCTL_MODE_DESTROY_DUMB:
		world.handles--;
		return 0;
	case DRM_IOCTL_MODE_RMFB:
		world.framebuffers--;
		return 0;
	default:
		world.trouble = "an ioctl that nobody expects of a trial";
		return -ENOTTY;
	}
}

/* --- the functions that are replaced --- */

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

static int dispatch(int fd, unsigned long request, void *argument)
{
	if (fd == world.udmabuf_fd && request == UDMABUF_CREATE_LIST)
		return create_list(argument);
	if (fd == world.v4l2_fd)
		return v4l2_ioctl(request, argument);
	if (fd == world.drm_fd)
		return drm_ioctl(request, argument);
	world.trouble = "an ioctl on something else";
	return -ENOTTY;
}

/* What gives back never fails, as in the kernel. */
static bool gives_back(unsigned long request, const void *argument)
{
	return request == DRM_IOCTL_GEM_CLOSE || request == DRM_IOCTL_MODE_DESTROY_DUMB ||
	       request == DRM_IOCTL_MODE_RMFB ||
	       (request == VIDIOC_REQBUFS &&
		((const struct v4l2_requestbuffers *)argument)->count == 0);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list args;
	int result;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (!gives_back(request, argument) && ++world.calls == world.fail_at)
		result = -world.fail_errno;
	else
		result = dispatch(fd, request, argument);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

int __wrap_open(const char *path, int flags, ...)
{
	int *number = strcmp(path, "/dev/udmabuf") == 0	 ? &world.udmabuf_fd
		      : strcmp(path, "/dev/video0") == 0 ? &world.v4l2_fd
							 : NULL;

	if (!number || (number == &world.udmabuf_fd && world.no_udmabuf)) {
		errno = ENOENT;
		return -1;
	}
	if (!(flags & O_CLOEXEC))
		world.trouble = "an fd that a child would inherit";
	*number = memfd_create(path, MFD_CLOEXEC);
	return *number;
}

int __wrap_open64(const char *path, int flags, ...)
{
	return __wrap_open(path, flags);
}

static FILE *text_file(const char *text)
{
	return text && *text ? fmemopen((void *)(uintptr_t)text, strlen(text), "r") : NULL;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	static char fdinfo[128];

	(void)mode;
	errno = ENOENT;
	if (strstr(path, "/list_limit"))
		return text_file(world.list_limit);
	if (strstr(path, "/size_limit_mb"))
		return text_file(world.size_limit);
	snprintf(fdinfo, sizeof(fdinfo), "pos:\t0\nexp_name:\t%s\n", world.v4l2.exporter);
	return strstr(path, "/fdinfo/") ? text_file(fdinfo) : NULL;
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return __wrap_fopen(path, mode);
}

/* --- trials of the made-up devices --- */

static char exporter[TRIAL_EXPORTER_BYTES];
static struct trial_answer answer;

static int try_camera(bool no_imports)
{
	const struct trial trial = {.node = "/dev/video0",
				    .queue_type = world.v4l2.multi_planar
							  ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
							  : V4L2_BUF_TYPE_VIDEO_CAPTURE,
				    .drm_fd = -1,
				    .no_imports = no_imports};

	world.drm_fd = world.udmabuf_fd = -1;
	return trial_v4l2(&trial, exporter, &answer);
}

static int try_card(bool no_imports)
{
	struct trial trial = {.format = DRM_FORMAT_XRGB8888,
			      .planar_format = DRM_FORMAT_NV12,
			      .width = 64,
			      .height = 16,
			      .no_imports = no_imports};
	int error;

	world.v4l2_fd = world.udmabuf_fd = -1;
	world.drm_fd = trial.drm_fd = memfd_create("card", MFD_CLOEXEC);
	error = trial_drm(&trial, &answer);
	close(trial.drm_fd);
	return error;
}

static void check_nothing_is_left(size_t fds)
{
	ck_assert_msg(!world.trouble, "%s", world.trouble);
	ck_assert_uint_eq(faults_fds(), fds);
	ck_assert_int_eq(world.handles, 0);
	ck_assert_int_eq(world.framebuffers, 0);
	ck_assert_uint_eq(world.buffers, 0);
}

/* --- buffers --- */

static const struct {
	uint64_t bytes;
	uint32_t items;
	uint64_t bytes_max;
	int error;
	uint32_t pages, times;
} patterns[] = {
	{1, 1024, 64 << 20, 0, 1, 1},
	{4096, 1024, 64 << 20, 0, 1, 1},
	{4097, 1024, 64 << 20, 0, 1, 2},
	{1024 * 4096, 1024, 64 << 20, 0, 1, 1024},
	{1024 * 4096 + 1, 1024, 64 << 20, 0, 2, 513},
	{64 << 20, 1024, 64 << 20, 0, 16, 1024},
	{3 * 4096, 2, 64 << 20, 0, 2, 2},
	{(64 << 20) + 1, 1024, 64 << 20, -EFBIG, 0, 0},
	{3 * 4096, 2, 3 * 4096, -EFBIG, 0, 0}, /* two times two pages are more */
	{4097, 1, 64 << 20, -EFBIG, 0, 0},
	{4096, 1, 64 << 20, 0, 1, 1},
	{4096, 0, 64 << 20, -EFBIG, 0, 0},
	{4096, 1024, 0, -EFBIG, 0, 0},
	{0, 1024, 64 << 20, -EFBIG, 0, 0},
	{UINT64_MAX, 1024, 64 << 20, -EFBIG, 0, 0},
	{UINT64_MAX, UINT32_MAX, UINT64_MAX, -EFBIG, 0, 0},
};

START_TEST(pattern_is_the_finest_that_the_limits_allow)
{
	const struct trial_limits limits = {4096, patterns[_i].items, patterns[_i].bytes_max};
	struct trial_pattern pattern = {0};

	ck_assert_int_eq(trial_pattern(patterns[_i].bytes, &limits, &pattern), patterns[_i].error);
	ck_assert_uint_eq(pattern.pages, patterns[_i].pages);
	ck_assert_uint_eq(pattern.times, patterns[_i].times);
}
END_TEST

START_TEST(pattern_is_never_one_run)
{
	const struct trial_limits limits = {4096, 7, 1 << 20};

	for (uint64_t bytes = 1; bytes < 1 << 20; bytes += 511) {
		struct trial_pattern pattern;
		uint64_t all;

		if (trial_pattern(bytes, &limits, &pattern))
			continue;
		all = UINT64_C(4096) * pattern.pages * pattern.times;
		ck_assert(all >= bytes && all <= limits.bytes && pattern.times <= limits.items);
		ck_assert(bytes <= 4096 || pattern.times > 1);
		/* what is used of it begins anew at least once */
		ck_assert(bytes <= 4096 || pattern.pages * UINT64_C(4096) < bytes);
	}
}
END_TEST

static const struct {
	const char *list_limit, *size_limit;
	uint64_t bytes;
	uint64_t got; /* 0: none */
} limits[] = {
	{NULL, NULL, 64 << 20, 64 << 20},
	{NULL, NULL, 65 << 20, 0},
	{"1024\n", "64\n", 64 << 20, 64 << 20},
	{"16\n", "64\n", 1 << 20, 1 << 20},
	{"1\n", "64\n", 1 << 20, 0},
	{"0\n", "64\n", 4096, 0},
	{"-1\n", "64\n", 4096, 0},
	{"1024\n", "0\n", 4096, 0},
	{"1024\n", "-5\n", 4096, 0},
	{"many\n", "much\n", 1 << 20, 1 << 20},
	{"2147483647\n", "2147483647\n", 200 << 20, 200 << 20},
};

START_TEST(udmabufs_limits_are_kept)
{
	size_t fds = faults_fds();
	struct trial_memory memory;
	uint64_t bytes = 0;
	int fd;

	world.list_limit = limits[_i].list_limit;
	world.size_limit = limits[_i].size_limit;
	ck_assert_int_eq(trial_memory_open(&memory), 0);
	fd = trial_memory_make(&memory, limits[_i].bytes, &bytes);
	ck_assert_int_eq(fd >= 0, limits[_i].got != 0);
	if (fd >= 0) {
		ck_assert_uint_eq(bytes, limits[_i].got);
		ck_assert_uint_eq(bytes_of(fd), bytes);
		close(fd);
	} else {
		ck_assert_int_eq(fd, -EFBIG);
	}
	trial_memory_close(&memory);
	check_nothing_is_left(fds);
}
END_TEST

/* --- alignments --- */

static bool takes_multiples_of(void *data, uint32_t value)
{
	return value % *(const uint32_t *)data == 0;
}

START_TEST(alignment_is_found)
{
	for (uint32_t power = 1; power <= TRIAL_ALIGN_MAX; power *= 2) {
		uint32_t triple = power * 3;

		for (uint32_t least = 0; least < 700; least += 13)
			ck_assert_uint_eq(trial_find_align(least, 0, takes_multiples_of, &power),
					  power);
		ck_assert_uint_eq(trial_find_align(256, 0, takes_multiples_of, &triple),
				  triple <= TRIAL_ALIGN_MAX ? triple : 0);
	}
}
END_TEST

static const struct {
	uint32_t align, hint, found;
} hints[] = {
	{80, 0, 0},   {80, 80, 80}, {80, 320, 320},  {80, 64, 0},	 {64, 128, 64},
	{64, 65, 64}, {1, 4096, 1}, {5000, 5000, 0}, {4096, 4096, 4096}, {100, UINT32_MAX, 0},
};

START_TEST(hint_is_one_more_to_try)
{
	uint32_t align = hints[_i].align;

	ck_assert_uint_eq(trial_find_align(256, hints[_i].hint, takes_multiples_of, &align),
			  hints[_i].found);
}
END_TEST

static bool takes_two(void *data, uint32_t value)
{
	(void)value;
	return ++*(int *)data <= 2;
}

static bool takes_between(void *data, uint32_t value)
{
	(void)data;
	return value >= 300 && value <= 302;
}

START_TEST(lucky_hits_are_no_alignment)
{
	int calls = 0;

	ck_assert_uint_eq(trial_find_align(256, 0, takes_two, &calls), 0);
	ck_assert_int_lt(calls, 100);
	ck_assert_uint_eq(trial_find_align(300, 0, takes_between, NULL), 0);
}
END_TEST

static const struct {
	uint32_t pitches[3], row_bytes[3];
	uint32_t align;
} dumbs[] = {
	{{68, 260, 516}, {68, 260, 516}, 1},
	{{72, 264, 520}, {68, 260, 516}, 8},
	{{128, 320, 576}, {68, 260, 516}, 64},
	{{256, 512, 768}, {68, 260, 516}, 256},
	{{4096, 4096, 4096}, {68, 260, 516}, 4096},
	{{80, 320, 560}, {68, 260, 516}, 80},
	{{0, 0, 0}, {68, 260, 516}, 0},
};

START_TEST(dumb_pitches_show_an_alignment)
{
	ck_assert_uint_eq(trial_pitch_align(dumbs[_i].pitches, dumbs[_i].row_bytes, 3),
			  dumbs[_i].align);
}
END_TEST

/* --- DRM --- */

static const struct {
	const char *what;
	int one_page_errno, scattered_errno;
	enum trial_verdict one_page, scattered;
} importers[] = {
	{"takes all", 0, 0, TRIAL_TAKEN, TRIAL_TAKEN},
	{"gem-dma", 0, EINVAL, TRIAL_TAKEN, TRIAL_REFUSED},
	{"bochs", EINVAL, EINVAL, TRIAL_REFUSED, TRIAL_REFUSED},
	{"virtio-gpu", ENODEV, ENODEV, TRIAL_REFUSED, TRIAL_REFUSED},
	{"out of reach", EIO, EIO, TRIAL_REFUSED, TRIAL_REFUSED},
	{"no prime", EOPNOTSUPP, EOPNOTSUPP, TRIAL_REFUSED, TRIAL_REFUSED},
	{"short of memory", ENOMEM, ENOMEM, TRIAL_NOT_MADE, TRIAL_NOT_MADE},
	{"short of space", 0, ENOSPC, TRIAL_TAKEN, TRIAL_NOT_MADE},
	{"no rights", EACCES, EPERM, TRIAL_NOT_MADE, TRIAL_NOT_MADE},
	{"nothing of the kind", ENOTTY, ENOTTY, TRIAL_NOT_MADE, TRIAL_NOT_MADE},
};

START_TEST(card_says_what_it_imports)
{
	size_t fds = faults_fds();

	world.drm.one_page = importers[_i].one_page_errno;
	world.drm.scattered = importers[_i].scattered_errno;
	ck_assert_int_eq(try_card(false), 0);
	ck_assert_int_eq(answer.one_page, importers[_i].one_page);
	ck_assert_int_eq(answer.scattered, importers[_i].scattered);
	ck_assert_uint_eq(answer.errors.one_page,
			  answer.one_page == TRIAL_REFUSED ? importers[_i].one_page_errno : 0);
	ck_assert_uint_eq(answer.errors.scattered,
			  answer.scattered == TRIAL_REFUSED ? importers[_i].scattered_errno : 0);
	ck_assert_int_eq(answer.used, TRIAL_NOT_MADE);
	check_nothing_is_left(fds);
}
END_TEST

START_TEST(card_that_went_away_refuses_nothing)
{
	size_t fds = faults_fds();

	world.drm.gone = true;
	ck_assert_int_eq(try_card(false), -ENODEV);
	check_nothing_is_left(fds);
}
END_TEST

static const struct {
	uint32_t pitch, offset, dumb;
	uint32_t stride_align, offset_align;
} cards[] = {
	{1, 1, 1, 1, 1},
	{64, 1, 1, 64, 1},
	{64, 64, 64, 64, 64},
	{1, 1, 64, 64, 1}, /* ADDFB2 takes anything, and its own buffers tell */
	{128, 4096, 64, 128, 4096},
	{192, 96, 1, 192, 96},
	{80, 16, 80, 80, 16},
	{3, 1, 64, 192, 1},
	{256, 2, 96, 768, 2},
	{80, 1, 1, 0, 0}, /* nothing that is tried */
	{1, 8192, 1, 1, 0},
	{1, 1, 131072, 0, 0},
	{4096, 4096, 4096, 4096, 4096},
};

START_TEST(card_says_how_it_aligns)
{
	size_t fds = faults_fds();

	world.drm.pitch_align = cards[_i].pitch;
	world.drm.offset_align = cards[_i].offset;
	world.drm.dumb_align = cards[_i].dumb;
	ck_assert_int_eq(try_card(true), 0);
	ck_assert_int_eq(answer.one_page, TRIAL_NOT_MADE);
	ck_assert_uint_eq(answer.stride_align, cards[_i].stride_align);
	ck_assert_uint_eq(answer.offset_align, cards[_i].offset_align);
	ck_assert_int_lt(world.pictures, 200);
	check_nothing_is_left(fds);
}
END_TEST

START_TEST(card_without_pictures_still_imports)
{
	size_t fds = faults_fds();

	world.drm.no_dumb = true;
	ck_assert_int_eq(try_card(false), 0);
	ck_assert_int_eq(answer.one_page, TRIAL_TAKEN);
	ck_assert_uint_eq(answer.stride_align, 0);
	world.drm.no_dumb = false;
	world.drm.no_format = true;
	ck_assert_int_eq(try_card(false), 0);
	ck_assert_uint_eq(answer.stride_align, 0);
	ck_assert_uint_eq(answer.offset_align, 0);
	check_nothing_is_left(fds);
}
END_TEST

START_TEST(picture_too_tall_for_a_trial_is_none)
{
	const struct trial trial = {.format = DRM_FORMAT_XRGB8888,
				    .width = 64,
				    .height = 4096,
				    .drm_fd = world.drm_fd = memfd_create("card", MFD_CLOEXEC),
				    .no_imports = true};

	ck_assert_int_eq(trial_drm(&trial, &answer), 0);
	ck_assert_uint_eq(answer.stride_align, 0);
	ck_assert_int_eq(world.pictures, 0);
	ck_assert_int_eq(world.handles, 0);
	close(trial.drm_fd);
}
END_TEST

/* --- V4L2 --- */

#define DMABUF (V4L2_BUF_CAP_SUPPORTS_MMAP | V4L2_BUF_CAP_SUPPORTS_DMABUF)

static const struct {
	const char *what;
	struct v4l2_rules rules;
	int error;
	bool busy;
	enum trial_verdict scattered, used;
	uint32_t refusal;
	const char *exporter;
} queues[] = {
	{"camera, vmalloc",
	 {.bytes = 1228800, .capabilities = DMABUF, .planes = 1, .exporter = "a"},
	 0,
	 false,
	 TRIAL_TAKEN,
	 TRIAL_NOT_MADE,
	 0,
	 "a"},
	{"camera, dma-contig",
	 {.bytes = 1228800,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .contiguous = true,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_NOT_MADE,
	 EFAULT,
	 "b"},
	{"a kernel that tells no capabilities",
	 {.bytes = 1228800, .planes = 1, .contiguous = true, .exporter = "b", .capabilities = 0},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_NOT_MADE,
	 EFAULT,
	 "b"},
	{"its picture larger than the kernel's lists, page by page",
	 {.bytes = 12441600,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .contiguous = true,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_NOT_MADE,
	 EFAULT,
	 "b"},
	{"its picture larger than any udmabuf",
	 {.bytes = 132710400,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .contiguous = true,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_NOT_MADE,
	 TRIAL_NOT_MADE,
	 0,
	 "b"},
	{"codec, dma-contig: its smallest picture fits into a page",
	 {.m2m = true,
	  .bytes = 1228800,
	  .smallest_bytes = 2048,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .contiguous = true,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_TAKEN,
	 EFAULT,
	 "b"},
	{"codec that wants all of the buffer",
	 {.m2m = true,
	  .bytes = 1228800,
	  .smallest_bytes = 2048,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .refusal = EFAULT,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_REFUSED,
	 EFAULT,
	 "b"},
	{"codec of several memory planes: another format has one",
	 {.m2m = true,
	  .multi_planar = true,
	  .bytes = 1228800,
	  .smallest_bytes = 2048,
	  .capabilities = DMABUF,
	  .planes = 2,
	  .contiguous = true,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_TAKEN,
	 EFAULT,
	 "b"},
	{"camera of several memory planes",
	 {.multi_planar = true,
	  .bytes = 1228800,
	  .capabilities = DMABUF,
	  .planes = 2,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_NOT_MADE,
	 TRIAL_NOT_MADE,
	 0,
	 "b"},
	{"camera of the multi-planar kind",
	 {.multi_planar = true,
	  .bytes = 1228800,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .contiguous = true,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_NOT_MADE,
	 EFAULT,
	 "b"},
	{"driver without PREPARE_BUF",
	 {.no_prepare = true,
	  .bytes = 1228800,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .contiguous = true,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_NOT_MADE,
	 EFAULT,
	 "b"},
	{"driver without PREPARE_BUF, with moods",
	 {.no_prepare = true,
	  .bytes = 1228800,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .refusal = EINVAL,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_NOT_MADE,
	 TRIAL_NOT_MADE,
	 0,
	 "b"},
	{"page out of reach",
	 {.bytes = 1228800,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .refusal = EINVAL,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_NOT_MADE,
	 EINVAL,
	 "b"},
	{"short of memory for a mapping",
	 {.bytes = 1228800,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .refusal = ENOMEM,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_NOT_MADE,
	 TRIAL_NOT_MADE,
	 0,
	 "b"},
	{"short of memory for its own buffer",
	 {.bytes = 1228800,
	  .capabilities = DMABUF,
	  .planes = 1,
	  .contiguous = true,
	  .no_own_buffers = true,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_REFUSED,
	 TRIAL_NOT_MADE,
	 EFAULT,
	 ""},
	{"takes no foreign buffers",
	 {.bytes = 1228800,
	  .capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP,
	  .planes = 1,
	  .exporter = "b"},
	 0,
	 false,
	 TRIAL_NOT_MADE,
	 TRIAL_NOT_MADE,
	 0,
	 "b"},
	{"in use",
	 {.owned = true, .bytes = 1228800, .capabilities = DMABUF, .planes = 1},
	 0,
	 true,
	 TRIAL_NOT_MADE,
	 TRIAL_NOT_MADE,
	 0,
	 ""},
	{"no such queue",
	 {.no_queue = true, .capabilities = DMABUF},
	 -EINVAL,
	 false,
	 TRIAL_NOT_MADE,
	 TRIAL_NOT_MADE,
	 0,
	 ""},
};

START_TEST(queue_says_what_it_takes)
{
	size_t fds = faults_fds();

	world.v4l2 = queues[_i].rules;
	ck_assert_int_eq(try_camera(false), queues[_i].error);
	ck_assert_uint_eq(answer.busy, queues[_i].busy);
	ck_assert_msg(answer.scattered == queues[_i].scattered, "%s: scattered %d", queues[_i].what,
		      answer.scattered);
	ck_assert_msg(answer.used == queues[_i].used, "%s: used %d", queues[_i].what, answer.used);
	ck_assert_uint_eq(answer.errors.scattered, queues[_i].refusal);
	ck_assert_str_eq(exporter, queues[_i].exporter);
	if (!queues[_i].error)
		ck_assert_uint_eq(answer.capabilities,
				  queues[_i].busy || queues[_i].rules.no_own_buffers
					  ? 0
					  : queues[_i].rules.capabilities);
	check_nothing_is_left(fds);
}
END_TEST

START_TEST(queue_is_not_asked_to_import)
{
	size_t fds = faults_fds();

	ck_assert_int_eq(try_camera(true), 0);
	ck_assert_str_eq(exporter, "videobuf2_vmalloc");
	ck_assert_int_eq(answer.scattered, TRIAL_NOT_MADE);
	ck_assert_int_eq(world.udmabuf_fd, -1);
	check_nothing_is_left(fds);
}
END_TEST

START_TEST(without_udmabuf_the_rest_is_found)
{
	size_t fds = faults_fds();

	world.no_udmabuf = true;
	ck_assert_int_eq(try_camera(false), 0);
	ck_assert_str_eq(exporter, "videobuf2_vmalloc");
	ck_assert_int_eq(answer.scattered, TRIAL_NOT_MADE);
	ck_assert_int_eq(try_card(false), 0);
	ck_assert_int_eq(answer.one_page, TRIAL_NOT_MADE);
	ck_assert_uint_eq(answer.stride_align, 1);
	check_nothing_is_left(fds);
}
END_TEST

START_TEST(node_that_is_not_there_is_an_error)
{
	const struct trial trial = {.node = "/dev/video9", .drm_fd = -1};

	ck_assert_int_eq(trial_v4l2(&trial, exporter, &answer), -ENOENT);
}
END_TEST

/* --- whatever fails, nothing is left --- */

static const int failures[] = {EIO, ENOMEM, ENODEV, EBUSY, EINTR};

START_TEST(any_ioctl_may_fail)
{
	size_t fds = faults_fds();

	for (unsigned int nth = 1;; nth++) {
		unsigned int calls;

		begin_world();
		world.v4l2.m2m = true;
		world.fail_at = nth;
		world.fail_errno = failures[_i];
		try_camera(false);
		calls = world.calls;
		check_nothing_is_left(fds);
		if (calls < nth)
			break;
	}
	for (unsigned int nth = 1;; nth++) {
		begin_world();
		world.drm.pitch_align = 64;
		world.fail_at = nth;
		world.fail_errno = failures[_i];
		try_card(false);
		check_nothing_is_left(fds);
		if (failures[_i] == EINTR)
			ck_assert_uint_eq(answer.stride_align, 64);
		if (world.calls < nth)
			break;
	}
}
END_TEST

START_TEST(memory_may_run_short)
{
	size_t fds = faults_fds();
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		long live = faults_live(), then;
		int error;

		begin_world();
		faults_begin(nth);
		error = try_camera(false);
		failed = faults_end();
		then = faults_live();
		ck_assert_int_eq(error, 0);
		ck_assert_int_eq(then, live);
		ck_assert_int_eq(answer.scattered, failed ? TRIAL_NOT_MADE : TRIAL_TAKEN);
		check_nothing_is_left(fds);
	}
}
END_TEST

static Suite *child_suite(void)
{
	Suite *suite = suite_create("trial-child");
	TCase *parts = tcase_create("parts"), *devices = tcase_create("devices");

	tcase_add_checked_fixture(parts, begin_world, NULL);
	tcase_add_loop_test(parts, pattern_is_the_finest_that_the_limits_allow, 0, LEN(patterns));
	tcase_add_test(parts, pattern_is_never_one_run);
	tcase_add_loop_test(parts, udmabufs_limits_are_kept, 0, LEN(limits));
	tcase_add_test(parts, alignment_is_found);
	tcase_add_loop_test(parts, hint_is_one_more_to_try, 0, LEN(hints));
	tcase_add_test(parts, lucky_hits_are_no_alignment);
	tcase_add_loop_test(parts, dumb_pitches_show_an_alignment, 0, LEN(dumbs));
	suite_add_tcase(suite, parts);

	tcase_add_checked_fixture(devices, begin_world, NULL);
	tcase_add_loop_test(devices, card_says_what_it_imports, 0, LEN(importers));
	tcase_add_test(devices, card_that_went_away_refuses_nothing);
	tcase_add_loop_test(devices, card_says_how_it_aligns, 0, LEN(cards));
	tcase_add_test(devices, card_without_pictures_still_imports);
	tcase_add_test(devices, picture_too_tall_for_a_trial_is_none);
	tcase_add_loop_test(devices, queue_says_what_it_takes, 0, LEN(queues));
	tcase_add_test(devices, queue_is_not_asked_to_import);
	tcase_add_test(devices, without_udmabuf_the_rest_is_found);
	tcase_add_test(devices, node_that_is_not_there_is_an_error);
	tcase_add_loop_test(devices, any_ioctl_may_fail, 0, LEN(failures));
	tcase_add_test(devices, memory_may_run_short);
	suite_add_tcase(suite, devices);
	return suite;
}

int main(void)
{
	return run_suite(child_suite());
}
