/* SPDX-License-Identifier: MIT */
/*
 * broker/probe/v4l2.c, v4l2-memory.c and role.c against a made-up kernel: which roles and formats a
 * node has, which memory they take, and what is asked of whom.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/probe/platform.h"
#include "broker/probe/role.h"
#include "broker/probe/trial.h"
#include "broker/probe/v4l2.h"
#include "tests/unit/check.h"
#include "tests/unit/faults.h"
#include "tests/unit/v4l2-driver.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define NODE_FD 0x7ffffff0
#define DRIVERS_MAX 4
#define MMAP V4L2_BUF_CAP_SUPPORTS_MMAP
#define USERPTR V4L2_BUF_CAP_SUPPORTS_USERPTR
#define DMABUF V4L2_BUF_CAP_SUPPORTS_DMABUF

/* --- the made-up kernel --- */

struct queue {
	const struct driver *formats[DRIVERS_MAX];
	uint32_t stream_format; /* compressed, listed first; 0: none */
	uint32_t buf_capabilities;
	int create_error;
	uint32_t buffers;
};

static struct kernel {
	uint32_t capabilities;
	const char *driver;
	struct queue queues[2]; /* capture, output */
	int32_t min_buffers;
	int try_error; /* of TRY_FMT, instead of an answer */
	int trial_error;
	struct trial_answer trial_answer;
	bool reaches_all, excludes_bounce;
	/* what was asked */
	unsigned int questions, try_questions, trials;
	struct trial trial;
	const char *fault; /* something that must not be asked */
} kernel;

static const struct driver plain = {"plain", V4L2_PIX_FMT_XBGR32};
static const struct driver plain_nv12 = {"plain", V4L2_PIX_FMT_NV12};
static const struct driver old_name = {"old name", V4L2_PIX_FMT_BGR32};
static const struct driver unclear = {"no stride", V4L2_PIX_FMT_NV12, .habits = HABIT_NO_STRIDE};
static const struct driver tall = {"pads rows", V4L2_PIX_FMT_NV12, .rows_align = 16};
static const struct driver free_strides = {"free", V4L2_PIX_FMT_XBGR32, .custom_align = 4};

static struct queue *queue_of(uint32_t type)
{
	bool multi_planar = kernel.capabilities &
			    (V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_VIDEO_OUTPUT_MPLANE |
			     V4L2_CAP_VIDEO_M2M_MPLANE);

	if (multi_planar != !!V4L2_TYPE_IS_MULTIPLANAR(type))
		return NULL;
	return &kernel.queues[V4L2_TYPE_IS_OUTPUT(type)];
}

static int querycap(struct v4l2_capability *answer)
{
	strcpy((char *)answer->driver, kernel.driver);
	strcpy((char *)answer->card, "a card");
	answer->capabilities = V4L2_CAP_DEVICE_CAPS;
	answer->device_caps = kernel.capabilities;
	return 0;
}

static int enum_format(struct v4l2_fmtdesc *description)
{
	const struct queue *queue = queue_of(description->type);
	uint32_t index = description->index;

	if (!queue)
		return -EINVAL;
	if (queue->stream_format && index-- == 0) {
		description->pixelformat = queue->stream_format;
		description->flags = V4L2_FMT_FLAG_COMPRESSED;
		return 0;
	}
	if (index >= DRIVERS_MAX || !queue->formats[index])
		return -EINVAL;
	description->pixelformat = queue->formats[index]->v4l2_format;
	return 0;
}

static const struct driver *driver_of(const struct queue *queue, uint32_t format)
{
	for (int i = 0; queue && i < DRIVERS_MAX && queue->formats[i]; i++)
		if (queue->formats[i]->v4l2_format == format)
			return queue->formats[i];
	return NULL;
}

static int try_format(struct v4l2_format *format)
{
	const struct driver *driver =
		driver_of(queue_of(format->type), format->fmt.pix.pixelformat);

	kernel.try_questions++;
	if (kernel.try_error)
		return kernel.try_error;
	return driver ? driver_try_fmt(driver, format) : -EINVAL;
}

static int enum_sizes(struct v4l2_frmsizeenum *size)
{
	for (int i = 0; i < 2; i++) {
		const struct driver *driver = driver_of(&kernel.queues[i], size->pixel_format);

		if (driver)
			return driver_enum_sizes(driver, size);
	}
	return -EINVAL;
}

static int create_buffers(struct v4l2_create_buffers *create)
{
	const struct queue *queue = queue_of(create->format.type);

	if (create->count != 0 || create->memory != V4L2_MEMORY_DMABUF)
		kernel.fault = "VIDIOC_CREATE_BUFS that creates buffers";
	if (!queue)
		return -EINVAL;
	create->capabilities = queue->buf_capabilities;
	create->index = queue->buffers;
	return queue->create_error;
}

static int get_control(struct v4l2_control *control)
{
	if (!kernel.min_buffers || control->id != V4L2_CID_MIN_BUFFERS_FOR_CAPTURE)
		return -EINVAL;
	control->value = kernel.min_buffers;
	return 0;
}

static int answer(unsigned long request, void *argument)
{
	kernel.questions++;
	switch (request) {
	case VIDIOC_QUERYCAP:
		return querycap(argument);
	case VIDIOC_ENUM_FMT:
		return enum_format(argument);
	case VIDIOC_TRY_FMT:
		return try_format(argument);
	case VIDIOC_ENUM_FRAMESIZES:
		return enum_sizes(argument);
	case VIDIOC_CREATE_BUFS:
		return create_buffers(argument);
	case VIDIOC_G_CTRL:
		return get_control(argument);
	default:
		kernel.fault = "an ioctl that does not leave the device as it is";
		return -EINVAL;
	}
}

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list args;
	int error;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (fd != NODE_FD)
		return __real_ioctl(fd, request, argument);
	error = answer(request, argument);
	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}

int __wrap_trial_run(const char *program, uint32_t deadline_ms, const struct trial *trial,
		     struct trial_answer *ret_answer);
int __wrap_trial_run(const char *program, uint32_t deadline_ms, const struct trial *trial,
		     struct trial_answer *ret_answer)
{
	if (strcmp(program, "/trial") != 0 || deadline_ms != 123 ||
	    strcmp(trial->node, "/dev/video7") != 0 || trial->drm_fd != -1)
		kernel.fault = "a trial of something else";
	kernel.trials++;
	kernel.trial = *trial;
	if (!kernel.trial_error)
		*ret_answer = kernel.trial_answer;
	return kernel.trial_error;
}

bool __wrap_platform_reaches_all(const struct measure *measure);
bool __wrap_platform_reaches_all(const struct measure *measure)
{
	(void)measure;
	return kernel.reaches_all;
}

bool __wrap_platform_excludes_bounce(const struct measure *measure);
bool __wrap_platform_excludes_bounce(const struct measure *measure)
{
	(void)measure;
	return kernel.excludes_bounce;
}

/* --- measuring --- */

static void be_camera(void)
{
	kernel = (struct kernel){
		.capabilities = V4L2_CAP_STREAMING | V4L2_CAP_VIDEO_CAPTURE,
		.driver = "camera",
		.queues[0] = {.formats = {&plain}, .buf_capabilities = MMAP | USERPTR | DMABUF},
		.reaches_all = true,
		.excludes_bounce = true,
	};
}

static struct probe_node node = {.id = (char[]){"v4l2:x"},
				 .node = (char[]){"/dev/video7"},
				 .sysfs = (char[]){"/sys/class/video4linux/video7"},
				 .subsystem = (char[]){"video4linux"}};

static const struct probe_options options = {
	.trial_program = "/trial", .trial_deadline_ms = 123, .root = "/nonexistent"};

struct measuring {
	struct measure measure;
	struct device *device;
	int error;
};

static struct measuring measure_with(const struct probe_options *with, const struct quirk *quirk,
				     const struct device *previous)
{
	struct measuring measuring = {
		.measure = {.fd = NODE_FD, .node = &node, .options = with, .previous = previous}};

	ck_assert_int_eq(vocab_create(&vocab_device, &measuring.device), 0);
	if (quirk)
		measuring.measure.quirk = *quirk;
	measuring.measure.device = measuring.device;
	kernel.questions = kernel.try_questions = kernel.trials = 0;
	measuring.error = v4l2_identify(&measuring.measure);
	if (!measuring.error)
		measuring.error = v4l2_measure(&measuring.measure);
	ck_assert_msg(!kernel.fault, "%s", kernel.fault);
	return measuring;
}

static struct measuring measure(void)
{
	struct measuring measuring = measure_with(&options, NULL, NULL);

	ck_assert_int_eq(measuring.error, 0);
	return measuring;
}

static const struct device_role *role_of(const struct measuring *measuring, enum role role)
{
	const struct device_role *found = device_find_role(measuring->device, role);

	ck_assert_ptr_nonnull(found);
	return found;
}

static const char *how_of(const struct vocab_strings *how, const char *key)
{
	for (size_t i = 0; i < how->len; i++)
		if (strncmp(how->items[i], key, strlen(key)) == 0 &&
		    how->items[i][strlen(key)] == ':')
			return how->items[i] + strlen(key) + 2;
	return "";
}

#define check_contains(text, part) \
	ck_assert_msg(strstr((text), (part)) != NULL, "\"%s\" has no \"%s\"", (text), (part))

/* --- nodes and formats --- */

START_TEST(camera_has_one_role)
{
	struct measuring measuring;
	const struct device_role *role;

	be_camera();
	kernel.min_buffers = 3;
	measuring = measure();
	role = role_of(&measuring, ROLE_CAPTURE);
	ck_assert_uint_eq(measuring.device->roles.len, 1);
	ck_assert_str_eq(vocab_string(measuring.device, DEVICE_DRIVER), "camera");
	ck_assert_str_eq(vocab_string(measuring.device, DEVICE_NAME), "a card");
	ck_assert_uint_eq(vocab_number(role, ROLE_MULTI_PLANAR), false);
	ck_assert_uint_eq(vocab_number(role, ROLE_MIN_BUFFERS), 3);
	check_contains(how_of(&role->how, "min-buffers"), "V4L2_CID_MIN_BUFFERS_FOR_CAPTURE");
	ck_assert_uint_eq(vocab_number(role, ROLE_IMPORTS), true);
	ck_assert_int_eq(vocab_origin(role, ROLE_IMPORTS), VOCAB_KERNEL);
	ck_assert_uint_eq(role->formats.len, 1);
	vocab_destroy(measuring.device);
}
END_TEST

static const struct {
	int32_t value;
	uint64_t expected; /* 0: absent */
} min_buffers[] = {{1, 1}, {64, 64}, {65, 64}, {INT32_MAX, 64}, {-1, 0}, {INT32_MIN, 0}};

START_TEST(least_buffers_are_bounded)
{
	struct measuring measuring;
	const struct device_role *role;

	be_camera();
	kernel.min_buffers = min_buffers[_i].value;
	measuring = measure();
	role = role_of(&measuring, ROLE_CAPTURE);
	ck_assert_int_eq(vocab_has(role, ROLE_MIN_BUFFERS), min_buffers[_i].expected != 0);
	if (min_buffers[_i].expected)
		ck_assert_uint_eq(vocab_number(role, ROLE_MIN_BUFFERS), min_buffers[_i].expected);
	vocab_destroy(measuring.device);
}
END_TEST

static const struct {
	uint32_t capabilities;
	bool capture, output, multi_planar;
} nodes[] = {
	{V4L2_CAP_VIDEO_CAPTURE, true, false, false},
	{V4L2_CAP_VIDEO_OUTPUT, false, true, false},
	{V4L2_CAP_VIDEO_M2M, true, true, false},
	{V4L2_CAP_VIDEO_CAPTURE_MPLANE, true, false, true},
	{V4L2_CAP_VIDEO_OUTPUT_MPLANE, false, true, true},
	{V4L2_CAP_VIDEO_M2M_MPLANE, true, true, true},
};

START_TEST(node_has_the_roles_of_its_queues)
{
	struct measuring measuring;

	be_camera();
	kernel.capabilities = V4L2_CAP_STREAMING | nodes[_i].capabilities;
	kernel.queues[1] = kernel.queues[0];
	measuring = measure();
	for (int i = 0; i < 2; i++) {
		struct device_role *role =
			device_find_role(measuring.device, i ? ROLE_OUTPUT : ROLE_CAPTURE);

		ck_assert_int_eq(role != NULL, i ? nodes[_i].output : nodes[_i].capture);
		if (!role)
			continue;
		ck_assert_uint_eq(vocab_number(role, ROLE_MULTI_PLANAR), nodes[_i].multi_planar);
		ck_assert_uint_eq(role->formats.len, 1);
		ck_assert_uint_eq(vocab_number(role->formats.items[0], FORMAT_STRIDE_ALIGN), 1);
	}
	vocab_destroy(measuring.device);
}
END_TEST

START_TEST(what_does_not_stream_pictures_is_no_device)
{
	struct measuring measuring;

	be_camera();
	kernel.capabilities = V4L2_CAP_VIDEO_CAPTURE; /* read() only */
	measuring = measure_with(&options, NULL, NULL);
	ck_assert_int_eq(measuring.error, -ENOTSUP);
	vocab_destroy(measuring.device);
	kernel.capabilities = V4L2_CAP_STREAMING | V4L2_CAP_META_CAPTURE;
	measuring = measure_with(&options, NULL, NULL);
	ck_assert_int_eq(measuring.error, -ENOTSUP);
	vocab_destroy(measuring.device);
}
END_TEST

START_TEST(device_that_goes_away_is_no_device)
{
	struct measuring measuring;

	be_camera();
	kernel.try_error = -ENODEV;
	measuring = measure_with(&options, NULL, NULL);
	ck_assert_int_eq(measuring.error, -ENODEV);
	vocab_destroy(measuring.device);
}
END_TEST

START_TEST(what_cannot_be_planned_is_listed)
{
	struct measuring measuring;
	const struct device_role *role;
	const struct device_format *format;

	be_camera();
	kernel.queues[0].stream_format = V4L2_PIX_FMT_MJPEG;
	kernel.queues[0].formats[1] = &unclear;
	measuring = measure();
	role = role_of(&measuring, ROLE_CAPTURE);
	ck_assert_uint_eq(role->formats.len, 3);
	format = (const void *)role->formats.items[0];
	ck_assert_uint_eq(format->format, V4L2_PIX_FMT_MJPEG);
	ck_assert(!vocab_has(format, FORMAT_MODIFIER));
	format = (const void *)role->formats.items[1];
	ck_assert_uint_eq(format->format, DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(format->modifier, DRM_FORMAT_MOD_LINEAR);
	ck_assert_int_eq(vocab_origin(format, FORMAT_MODIFIER), VOCAB_KERNEL);
	/* of a picture without a known layout the modifier keeps it out of plans, and says why */
	format = (const void *)role->formats.items[2];
	ck_assert_uint_eq(format->format, DRM_FORMAT_NV12);
	ck_assert_uint_eq(format->v4l2_format, V4L2_PIX_FMT_NV12);
	ck_assert_uint_eq(format->modifier, DRM_FORMAT_MOD_INVALID);
	check_contains(how_of(&format->how, "modifier"), "does not tell a stride");
	vocab_destroy(measuring.device);
}
END_TEST

START_TEST(two_names_of_a_picture_are_one_format)
{
	struct measuring measuring;
	const struct device_role *role;

	be_camera();
	kernel.queues[0].formats[0] = &old_name;
	kernel.queues[0].formats[1] = &plain_nv12;
	kernel.queues[0].formats[2] = &plain;
	measuring = measure();
	role = role_of(&measuring, ROLE_CAPTURE);
	ck_assert_uint_eq(role->formats.len, 2);
	ck_assert_uint_eq(vocab_number(role->formats.items[0], FORMAT_FORMAT), DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(vocab_number(role->formats.items[0], FORMAT_V4L2_FORMAT),
			  V4L2_PIX_FMT_XBGR32);
	ck_assert_uint_eq(vocab_number(role->formats.items[1], FORMAT_FORMAT), DRM_FORMAT_NV12);
	vocab_destroy(measuring.device);
}
END_TEST

START_TEST(facts_of_a_format_say_how_they_were_obtained)
{
	struct measuring measuring;
	const struct device_format *format;

	be_camera();
	kernel.queues[0].formats[0] = &tall;
	measuring = measure();
	format = (const void *)role_of(&measuring, ROLE_CAPTURE)->formats.items[0];
	check_contains(how_of(&format->how, "stride-align"), "VIDIOC_TRY_FMT");
	check_contains(how_of(&format->how, "stride-custom"), "drops");
	check_contains(how_of(&format->how, "height-align"), "multiple of 16");
	check_contains(how_of(&format->how, "width-step"), "VIDIOC_TRY_FMT");
	ck_assert_uint_eq(format->how.len, 4); /* there are thousands of formats */
	vocab_destroy(measuring.device);
}
END_TEST

static const struct {
	const struct driver *driver;
	uint64_t quirk, expected;
	enum vocab_origin origin;
} stride_quirks[] = {
	{&free_strides, 64, 64, VOCAB_QUIRK},
	{&free_strides, 6, 12, VOCAB_QUIRK},
	{&free_strides, 0, 4, VOCAB_MEASURED},
	{&plain, 64, 1, VOCAB_MEASURED}, /* its strides are its own */
};

START_TEST(quirk_raises_the_alignment_of_strides)
{
	const struct quirk quirk = {.has[QUIRK_STRIDE_ALIGN] = true,
				    .number[QUIRK_STRIDE_ALIGN] = stride_quirks[_i].quirk,
				    .how[QUIRK_STRIDE_ALIGN] = "a file"};
	struct measuring measuring;
	const void *format;

	be_camera();
	kernel.queues[0].formats[0] = stride_quirks[_i].driver;
	measuring = measure_with(&options, &quirk, NULL);
	format = role_of(&measuring, ROLE_CAPTURE)->formats.items[0];
	ck_assert_uint_eq(vocab_number(format, FORMAT_STRIDE_ALIGN), stride_quirks[_i].expected);
	ck_assert_int_eq(vocab_origin(format, FORMAT_STRIDE_ALIGN), stride_quirks[_i].origin);
	vocab_destroy(measuring.device);
}
END_TEST

/* --- memory --- */

#define CONTIG MEMORY_MODEL_DMA_CONTIG
#define SG MEMORY_MODEL_DMA_SG
#define VMALLOC MEMORY_MODEL_VMALLOC
#define UNKNOWN MEMORY_MODEL_UNKNOWN
#define WHOLE CONTIGUITY_WHOLE
#define USED CONTIGUITY_USED
#define NONE CONTIGUITY_NONE
#define TAKEN TRIAL_TAKEN
#define REFUSED TRIAL_REFUSED

struct memory_row {
	const char *what;
	uint32_t capabilities; /* of the queue; 0: all */
	int create_error;
	uint32_t buffers;
	enum memory_model quirk_model;
	int quirk_contiguity; /* plus 1 */
	int quirk_trials;     /* plus 1 */
	int quirk_imports;    /* plus 1 */
	bool no_program, translated, out_of_reach, bounced;
	int trial_error;
	struct trial_answer trial;
	/* expected */
	unsigned int trials;
	enum memory_model model;
	enum contiguity contiguity;
	enum vocab_origin origin; /* of contiguity */
	bool maps, no_imports, again;
	const char *how; /* a part of contiguity's */
};

static const struct memory_row memories[] = {
	/* who knows first */
	{"a quirk knows", .quirk_model = VMALLOC, .model = VMALLOC, .contiguity = NONE,
	 .origin = VOCAB_QUIRK, .how = "follows"},
	{"a quirk says contiguous: nothing to try", .quirk_model = CONTIG, .model = CONTIG,
	 .contiguity = USED, .origin = VOCAB_QUIRK, .maps = true},
	{"a quirk says it all", .quirk_contiguity = NONE + 1, .model = UNKNOWN, .contiguity = NONE,
	 .origin = VOCAB_QUIRK, .maps = true, .how = "a file"},
	{"a trial knows: vmalloc", .trial = {.memory_model = VMALLOC, .scattered = TAKEN},
	 .trials = 1, .model = VMALLOC, .contiguity = NONE, .origin = VOCAB_MEASURED,
	 .how = "as the memory model says"},
	{"a trial knows: dma-contig",
	 .trial = {.memory_model = CONTIG, .scattered = REFUSED, .errors.scattered = EFAULT},
	 .trials = 1, .model = CONTIG, .contiguity = USED, .origin = VOCAB_MEASURED, .maps = true,
	 .how = "refused (EFAULT)"},
	{"a trial knows: dma-sg", .trial = {.memory_model = SG, .scattered = TAKEN}, .trials = 1,
	 .model = SG, .contiguity = NONE, .origin = VOCAB_MEASURED, .maps = true},
	{"an exporter, and nothing to import", .trial = {.memory_model = SG}, .trials = 1,
	 .model = SG, .contiguity = NONE, .origin = VOCAB_MEASURED, .maps = true, .how = "follows"},
	/* a veto */
	{"dma-sg that refuses", .trial = {.memory_model = SG, .scattered = REFUSED}, .trials = 1,
	 .model = SG, .contiguity = WHOLE, .origin = VOCAB_MEASURED, .maps = true},
	{"dma-sg by quirk that refuses", .quirk_model = SG, .trial = {.scattered = REFUSED},
	 .trials = 1, .model = SG, .contiguity = WHOLE, .origin = VOCAB_MEASURED, .maps = true},
	{"dma-sg by quirk that takes it", .quirk_model = SG, .trial = {.scattered = TAKEN},
	 .trials = 1, .model = SG, .contiguity = NONE, .origin = VOCAB_QUIRK, .maps = true,
	 .how = "trial:"},
	{"dma-contig that refuses a contiguous part",
	 .trial = {.memory_model = CONTIG, .scattered = REFUSED, .used = REFUSED}, .trials = 1,
	 .model = CONTIG, .contiguity = WHOLE, .origin = VOCAB_MEASURED, .maps = true},
	{"nobody knows, a part is enough", .trial = {.scattered = REFUSED, .used = TAKEN},
	 .trials = 1, .contiguity = USED, .origin = VOCAB_MEASURED, .maps = true,
	 .how = "its first page alone is taken"},
	{"nobody knows, it is refused", .trial = {.scattered = REFUSED}, .trials = 1,
	 .contiguity = WHOLE, .origin = VOCAB_MEASURED, .maps = true},
	{"out of reach, perhaps", .out_of_reach = true,
	 .trial = {.scattered = REFUSED, .used = TAKEN, .errors.scattered = EINVAL}, .trials = 1,
	 .contiguity = WHOLE, .origin = VOCAB_MEASURED, .maps = true,
	 .how = "perhaps for the page's address"},
	{"behind an IOMMU that does not translate after all", .translated = true,
	 .trial = {.memory_model = SG, .scattered = REFUSED}, .trials = 1, .model = SG,
	 .contiguity = WHOLE, .origin = VOCAB_MEASURED, .maps = true},
	/* luck */
	{"taken, and nothing is bounced", .trial = {.scattered = TAKEN}, .trials = 1,
	 .contiguity = NONE, .origin = VOCAB_MEASURED, .maps = true,
	 .how = "and nothing is bounced"},
	{"taken, perhaps through a bounce buffer", .bounced = true, .trial = {.scattered = TAKEN},
	 .trials = 1, .contiguity = WHOLE, .origin = VOCAB_ASSUMED, .maps = true,
	 .how = "proves nothing where buffers may be bounced"},
	{"taken behind an IOMMU", .translated = true, .trial = {.scattered = TAKEN}, .trials = 1,
	 .contiguity = WHOLE, .origin = VOCAB_ASSUMED, .maps = true,
	 .how = "proves nothing behind an IOMMU"},
	{"dma-contig that takes it through a bounce buffer", .bounced = true,
	 .trial = {.memory_model = CONTIG, .scattered = TAKEN}, .trials = 1, .model = CONTIG,
	 .contiguity = USED, .origin = VOCAB_MEASURED, .maps = true,
	 .how = "the memory model counts"},
	/* no trial */
	{"no program for trials", .no_program = true, .contiguity = WHOLE, .origin = VOCAB_ASSUMED,
	 .maps = true, .how = "no trials are made"},
	{"trials off by quirk", .quirk_trials = false + 1, .contiguity = WHOLE,
	 .origin = VOCAB_ASSUMED, .maps = true, .how = "trials are off by quirk a file"},
	{"trials on by quirk", .quirk_trials = true + 1, .trial = {.memory_model = VMALLOC},
	 .trials = 1, .model = VMALLOC, .contiguity = NONE, .origin = VOCAB_MEASURED},
	{"the queue is in use", .buffers = 4, .contiguity = WHOLE, .origin = VOCAB_ASSUMED,
	 .maps = true, .again = true, .how = "in use"},
	{"in use, but a quirk knows", .buffers = 4, .quirk_model = VMALLOC, .model = VMALLOC,
	 .contiguity = NONE, .origin = VOCAB_QUIRK},
	{"in use, and could be disproved", .buffers = 4, .quirk_model = SG, .model = SG,
	 .contiguity = NONE, .origin = VOCAB_QUIRK, .maps = true, .again = true},
	{"in use when it is tried", .trial = {.busy = true}, .trials = 1, .contiguity = WHOLE,
	 .origin = VOCAB_ASSUMED, .maps = true, .again = true, .how = "in use"},
	{"the trial hangs", .trial_error = -ETIMEDOUT, .trials = 1, .contiguity = WHOLE,
	 .origin = VOCAB_ASSUMED, .maps = true, .how = "in vain, it took too long"},
	{"the trial crashes", .trial_error = -EPROTO, .trials = 1, .contiguity = WHOLE,
	 .origin = VOCAB_ASSUMED, .maps = true, .how = "in vain, it failed"},
	{"the trial shows nothing", .trials = 1, .contiguity = WHOLE, .origin = VOCAB_ASSUMED,
	 .maps = true, .how = "in vain, it has shown nothing"},
	/* imports */
	{"no imports", .capabilities = MMAP, .contiguity = WHOLE, .origin = VOCAB_ASSUMED,
	 .maps = true, .no_imports = true},
	{"no such memory", .create_error = -EINVAL, .contiguity = WHOLE, .origin = VOCAB_ASSUMED,
	 .maps = true, .no_imports = true},
	{"imports refused by quirk", .quirk_imports = false + 1, .contiguity = WHOLE,
	 .origin = VOCAB_ASSUMED, .maps = true, .no_imports = true},
	{"imports by quirk", .capabilities = MMAP, .quirk_imports = true + 1,
	 .trial = {.memory_model = VMALLOC}, .trials = 1, .model = VMALLOC, .contiguity = NONE,
	 .origin = VOCAB_MEASURED},
	{"no CREATE_BUFS, the trial tells", .create_error = -ENOTTY,
	 .trial = {.memory_model = VMALLOC, .capabilities = MMAP | DMABUF}, .trials = 1,
	 .model = VMALLOC, .contiguity = NONE, .origin = VOCAB_MEASURED},
	{"no CREATE_BUFS, the trial tells of none", .create_error = -ENOTTY,
	 .trial = {.memory_model = VMALLOC, .capabilities = MMAP}, .trials = 1, .model = VMALLOC,
	 .contiguity = NONE, .origin = VOCAB_MEASURED, .no_imports = true},
	{"no CREATE_BUFS, and nobody tells", .create_error = -ENOTTY, .trial_error = -EPROTO,
	 .trials = 1, .contiguity = WHOLE, .origin = VOCAB_ASSUMED, .maps = true,
	 .no_imports = true},
	/* a hint */
	{"no user pointers look like dma-contig", .capabilities = MMAP | DMABUF, .no_program = true,
	 .contiguity = WHOLE, .origin = VOCAB_ASSUMED, .maps = true, .how = "no user pointers"},
};

static struct quirk quirk_of(const struct memory_row *row)
{
	struct quirk quirk = {.has = {[QUIRK_MEMORY_MODEL] = row->quirk_model != 0,
				      [QUIRK_CONTIGUITY] = row->quirk_contiguity != 0,
				      [QUIRK_TRIALS] = row->quirk_trials != 0,
				      [QUIRK_IMPORTS] = row->quirk_imports != 0}};

	for (int i = 0; i < QUIRK_KEYS; i++)
		quirk.how[i] = "a file";
	quirk.number[QUIRK_MEMORY_MODEL] = row->quirk_model;
	quirk.number[QUIRK_CONTIGUITY] = (uint64_t)row->quirk_contiguity - 1;
	quirk.number[QUIRK_TRIALS] = (uint64_t)row->quirk_trials - 1;
	quirk.number[QUIRK_IMPORTS] = (uint64_t)row->quirk_imports - 1;
	return quirk;
}

static void be_row(const struct memory_row *row)
{
	be_camera();
	if (row->capabilities)
		kernel.queues[0].buf_capabilities = row->capabilities;
	kernel.queues[0].create_error = row->create_error;
	kernel.queues[0].buffers = row->buffers;
	kernel.reaches_all = !row->out_of_reach;
	kernel.excludes_bounce = !row->bounced;
	kernel.trial_error = row->trial_error;
	kernel.trial_answer = row->trial;
}

static struct measuring measure_row(const struct memory_row *row, const struct device *previous)
{
	struct probe_options with = options;
	struct quirk quirk = quirk_of(row);
	struct measuring measuring = {.measure = {.fd = NODE_FD,
						  .node = &node,
						  .options = &with,
						  .previous = previous,
						  .quirk = quirk}};

	if (row->no_program)
		with.trial_program = NULL;
	kernel.questions = kernel.try_questions = kernel.trials = 0;
	ck_assert_int_eq(vocab_create(&vocab_device, &measuring.device), 0);
	measuring.measure.device = measuring.device;
	if (row->translated)
		vocab_set_number(measuring.device, DEVICE_IOMMU, true, VOCAB_KERNEL);
	ck_assert_int_eq(v4l2_identify(&measuring.measure), 0);
	ck_assert_int_eq(v4l2_measure(&measuring.measure), 0);
	ck_assert_msg(!kernel.fault, "%s", kernel.fault);
	measuring.measure.options = NULL; /* it was ours */
	return measuring;
}

static void check_memory(const struct memory_row *row, const struct measuring *measuring)
{
	const struct device_role *role = role_of(measuring, ROLE_CAPTURE);

	ck_assert_uint_eq(vocab_number(role, ROLE_MEMORY_MODEL), row->model);
	ck_assert_uint_eq(vocab_number(role, ROLE_CONTIGUITY), row->contiguity);
	ck_assert_int_eq(vocab_origin(role, ROLE_CONTIGUITY), row->origin);
	ck_assert_int_eq(vocab_number(role, ROLE_DMA_MAPS) != 0, row->maps);
	ck_assert_int_eq(vocab_number(role, ROLE_IMPORTS) == 0, row->no_imports);
	ck_assert_int_eq(measuring->measure.again, row->again);
	if (row->how)
		check_contains(how_of(&role->how, "contiguity"), row->how);
	if (row->model)
		ck_assert_str_ne(how_of(&role->how, "memory-model"), "");
	ck_assert_str_ne(how_of(&role->how, "imports"), "");
	ck_assert_str_ne(how_of(&role->how, "dma-maps"), "");
}

START_TEST(memory_is_decided_by_the_first_that_knows)
{
	const struct memory_row *row = &memories[_i];
	struct measuring measuring;

	be_row(row);
	measuring = measure_row(row, NULL);
	ck_assert_msg(kernel.trials == row->trials, "%s: %u trials", row->what, kernel.trials);
	check_memory(row, &measuring);
	if (row->translated) {
		bool refuted = row->trial.scattered == TRIAL_REFUSED;

		ck_assert_uint_eq(vocab_number(measuring.device, DEVICE_IOMMU), !refuted);
		ck_assert_int_eq(vocab_origin(measuring.device, DEVICE_IOMMU),
				 refuted ? VOCAB_MEASURED : VOCAB_KERNEL);
	}
	if (kernel.trials)
		ck_assert_uint_eq(kernel.trial.queue_type, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	vocab_destroy(measuring.device);
}
END_TEST

/* Once for a device and run: the second measurement says what the first did, and tries nothing. */
START_TEST(trial_is_made_once)
{
	const struct memory_row *row = &memories[_i];
	struct measuring first, second;

	be_row(row);
	first = measure_row(row, NULL);
	if (row->again) { /* nothing was tried yet */
		vocab_destroy(first.device);
		return;
	}
	second = measure_row(row, first.device);
	ck_assert_msg(kernel.trials == 0, "%s", row->what);
	check_memory(row, &second);
	ck_assert(vocab_equal(first.device, second.device, DEVICE_IOMMU));
	ck_assert_str_eq(how_of(&role_of(&first, ROLE_CAPTURE)->how, "contiguity"),
			 how_of(&role_of(&second, ROLE_CAPTURE)->how, "contiguity"));
	vocab_destroy(first.device);
	vocab_destroy(second.device);
}
END_TEST

START_TEST(trial_is_made_again_for_another_driver)
{
	const struct memory_row row = {.trial = {.memory_model = SG, .scattered = TAKEN}};
	struct measuring first, second;

	be_row(&row);
	first = measure_row(&row, NULL);
	kernel.driver = "another";
	second = measure_row(&row, first.device);
	ck_assert_uint_eq(kernel.trials, 1);
	vocab_destroy(first.device);
	vocab_destroy(second.device);
}
END_TEST

START_TEST(queue_that_was_in_use_is_tried_when_it_is_idle)
{
	struct memory_row row = {.buffers = 2, .trial = {.memory_model = VMALLOC}};
	struct measuring first, second;

	be_row(&row);
	first = measure_row(&row, NULL);
	ck_assert(first.measure.again);
	ck_assert_uint_gt(kernel.try_questions, 0); /* nothing was known of its formats */
	second = measure_row(&row, first.device);
	ck_assert(second.measure.again);
	ck_assert_uint_eq(kernel.trials, 0);
	ck_assert_uint_eq(kernel.try_questions, 0);
	vocab_destroy(first.device);
	row.buffers = 0;
	be_row(&row);
	first = measure_row(&row, second.device);
	ck_assert(!first.measure.again);
	ck_assert_uint_eq(kernel.trials, 1);
	ck_assert_uint_gt(kernel.try_questions, 0);
	ck_assert_uint_eq(vocab_number(role_of(&first, ROLE_CAPTURE), ROLE_MEMORY_MODEL), VMALLOC);
	vocab_destroy(first.device);
	vocab_destroy(second.device);
}
END_TEST

/* A USB camera's TRY_FMT is a dialogue with its firmware. */
START_TEST(queue_in_use_keeps_the_formats_it_had)
{
	struct memory_row row = {.trial = {.memory_model = VMALLOC}};
	struct measuring first, second;
	const struct device_role *before, *after;

	be_row(&row);
	kernel.queues[0].formats[1] = &tall;
	first = measure_row(&row, NULL);
	kernel.queues[0].buffers = 4;
	second = measure_row(&row, first.device);
	ck_assert_uint_eq(kernel.try_questions, 0);
	ck_assert(!second.measure.again);
	before = role_of(&first, ROLE_CAPTURE);
	after = role_of(&second, ROLE_CAPTURE);
	ck_assert_uint_eq(after->formats.len, before->formats.len);
	for (size_t i = 0; i < after->formats.len; i++)
		for (unsigned int j = 0; j < DEVICE_FORMAT_ROWS; j++)
			ck_assert(
				vocab_equal(before->formats.items[i], after->formats.items[i], j));
	vocab_destroy(first.device);
	vocab_destroy(second.device);
}
END_TEST

START_TEST(question_answered_with_ebusy_is_asked_again)
{
	struct measuring measuring, again;

	be_camera();
	kernel.trial_answer.memory_model = VMALLOC;
	kernel.try_error = -EBUSY;
	measuring = measure();
	ck_assert(measuring.measure.again);
	ck_assert_uint_eq(
		vocab_number(role_of(&measuring, ROLE_CAPTURE)->formats.items[0], FORMAT_MODIFIER),
		DRM_FORMAT_MOD_INVALID);
	/* what was not learnt is asked for even while the queue has buffers */
	kernel.try_error = 0;
	kernel.queues[0].buffers = 4;
	again = measure_with(&options, NULL, measuring.device);
	ck_assert_int_eq(again.error, 0);
	ck_assert(!again.measure.again);
	ck_assert_uint_eq(
		vocab_number(role_of(&again, ROLE_CAPTURE)->formats.items[0], FORMAT_MODIFIER),
		DRM_FORMAT_MOD_LINEAR);
	vocab_destroy(again.device);
	vocab_destroy(measuring.device);
}
END_TEST

/* Where the kernel would warn of every page out of reach nothing is imported. */
START_TEST(trial_spares_the_kernel_a_warning)
{
	static const struct {
		bool out_of_reach, bounced, translated, no_imports;
	} cases[] = {
		{false, false, false, false}, {true, false, false, true},
		{true, true, false, false},   {true, false, true, false},
		{false, true, false, false},
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		const struct memory_row row = {.out_of_reach = cases[i].out_of_reach,
					       .bounced = cases[i].bounced,
					       .translated = cases[i].translated};
		struct measuring measuring;

		be_row(&row);
		measuring = measure_row(&row, NULL);
		ck_assert_uint_eq(kernel.trials, 1);
		ck_assert_int_eq(kernel.trial.no_imports, cases[i].no_imports);
		vocab_destroy(measuring.device);
	}
}
END_TEST

static const struct {
	const char *what;
	uint32_t capabilities, capture_stream, output_stream;
	bool capture_pictures, output_pictures;
	unsigned int trials;
	uint32_t type; /* of the last one */
} codecs[] = {
	{"converter", V4L2_CAP_VIDEO_M2M, 0, 0, true, true, 2, V4L2_BUF_TYPE_VIDEO_OUTPUT},
	{"encoder", V4L2_CAP_VIDEO_M2M, V4L2_PIX_FMT_H264, 0, false, true, 1,
	 V4L2_BUF_TYPE_VIDEO_OUTPUT},
	{"encoder, multi-planar", V4L2_CAP_VIDEO_M2M_MPLANE, V4L2_PIX_FMT_H264, 0, false, true, 1,
	 V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE},
	{"decoder: nothing before its stream", V4L2_CAP_VIDEO_M2M, 0, V4L2_PIX_FMT_H264, true,
	 false, 0, 0},
	{"decoder, multi-planar", V4L2_CAP_VIDEO_M2M_MPLANE, 0, V4L2_PIX_FMT_H264, true, false, 0,
	 0},
	{"camera of streams", V4L2_CAP_VIDEO_CAPTURE, V4L2_PIX_FMT_H264, 0, false, false, 0, 0},
};

START_TEST(only_queues_of_pictures_are_tried)
{
	struct measuring measuring;
	struct device_role *capture;

	be_camera();
	kernel.capabilities = V4L2_CAP_STREAMING | codecs[_i].capabilities;
	kernel.queues[1] = kernel.queues[0];
	kernel.queues[0].stream_format = codecs[_i].capture_stream;
	kernel.queues[1].stream_format = codecs[_i].output_stream;
	if (!codecs[_i].capture_pictures)
		kernel.queues[0].formats[0] = NULL;
	if (!codecs[_i].output_pictures)
		kernel.queues[1].formats[0] = NULL;
	kernel.trial_answer.memory_model = SG;
	measuring = measure();
	ck_assert_msg(kernel.trials == codecs[_i].trials, "%s: %u", codecs[_i].what, kernel.trials);
	if (codecs[_i].trials)
		ck_assert_uint_eq(kernel.trial.queue_type, codecs[_i].type);
	capture = device_find_role(measuring.device, ROLE_CAPTURE);
	if (codecs[_i].output_stream)
		check_contains(how_of(&capture->how, "contiguity"), "before its stream");
	vocab_destroy(measuring.device);
}
END_TEST

/* --- module holders, in a made-up tree --- */

static char root[64];

static const char *below_root(const char *path)
{
	static char full[256];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return full;
}

static void make_directories(const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	mkdir(full, 0700);
}

static const struct {
	bool vmalloc, contig, sg, built_in;
	enum memory_model model;
} holders[] = {
	{true, false, false, false, VMALLOC},
	{false, true, false, false, CONTIG},
	{false, false, true, false, SG},
	{true, true, false, false, UNKNOWN},
	{false, false, false, false, UNKNOWN},
	{true, true, true, false, UNKNOWN},
	/* the other allocators may be built in, and used unseen */
	{false, false, true, true, UNKNOWN},
};

START_TEST(module_that_holds_one_allocator_uses_it)
{
	struct probe_options with = {.root = root};
	struct measuring measuring;
	const struct device_role *role;
	char command[128];

	strcpy(root, "/tmp/test-v4l2.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	make_directories("/sys/class/video4linux/video7/device/driver");
	make_directories("/sys/module/cam");
	ck_assert_int_eq(symlink("/sys/module/cam",
				 below_root("/sys/class/video4linux/video7/device/driver/module")),
			 0);
	if (holders[_i].vmalloc)
		make_directories("/sys/module/videobuf2_vmalloc/holders/cam");
	if (holders[_i].contig)
		make_directories("/sys/module/videobuf2_dma_contig/holders/cam");
	if (holders[_i].sg)
		make_directories("/sys/module/videobuf2_dma_sg/holders/cam");
	make_directories("/sys/module/videobuf2_dma_sg/holders/other");
	if (!holders[_i].built_in)
		make_directories("/sys/module/videobuf2_common/initstate");
	be_camera();
	measuring = measure_with(&with, NULL, NULL);
	ck_assert_int_eq(measuring.error, 0);
	role = role_of(&measuring, ROLE_CAPTURE);
	ck_assert_uint_eq(vocab_number(role, ROLE_MEMORY_MODEL), holders[_i].model);
	if (holders[_i].model) {
		ck_assert_int_eq(vocab_origin(role, ROLE_MEMORY_MODEL), VOCAB_KERNEL);
		check_contains(how_of(&role->how, "memory-model"), "holds");
	}
	vocab_destroy(measuring.device);
	snprintf(command, sizeof(command), "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* --- roles --- */

static const struct {
	enum memory_model model;
	int copies_quirk; /* plus 1 */
	enum contiguity contiguity;
	bool dma_maps, cpu_copies;
	enum vocab_origin origin, copies_origin;
} models[] = {
	{UNKNOWN, 0, WHOLE, true, false, VOCAB_ASSUMED, VOCAB_ABSENT},
	{UNKNOWN, true + 1, WHOLE, true, true, VOCAB_ASSUMED, VOCAB_QUIRK},
	{VMALLOC, 0, NONE, false, true, VOCAB_MEASURED, VOCAB_MEASURED},
	{VMALLOC, false + 1, NONE, false, false, VOCAB_MEASURED, VOCAB_QUIRK},
	{CONTIG, 0, USED, true, false, VOCAB_MEASURED, VOCAB_MEASURED},
	{CONTIG, true + 1, USED, true, true, VOCAB_MEASURED, VOCAB_QUIRK},
	{SG, 0, NONE, true, false, VOCAB_MEASURED, VOCAB_MEASURED},
	{MEMORY_MODEL_GEM_SHMEM, 0, NONE, true, false, VOCAB_MEASURED, VOCAB_MEASURED},
	{MEMORY_MODEL_GEM_DMA, 0, WHOLE, true, false, VOCAB_MEASURED, VOCAB_MEASURED},
	{MEMORY_MODEL_OWN_MMU, 0, NONE, true, false, VOCAB_MEASURED, VOCAB_MEASURED},
	{MEMORY_MODEL_DEVICE, 0, WHOLE, true, false, VOCAB_MEASURED, VOCAB_MEASURED},
};

START_TEST(role_follows_from_the_memory_model)
{
	const struct quirk quirk = {.has[QUIRK_CPU_COPIES] = models[_i].copies_quirk != 0,
				    .number[QUIRK_CPU_COPIES] = (uint64_t)models[_i].copies_quirk -
								1,
				    .how[QUIRK_CPU_COPIES] = "a file"};
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_role, &role), 0);
	role_set_memory_model(role, models[_i].model, VOCAB_MEASURED, "seen", &quirk);
	ck_assert_uint_eq(vocab_number(role, ROLE_MEMORY_MODEL), models[_i].model);
	ck_assert_uint_eq(vocab_number(role, ROLE_CONTIGUITY), models[_i].contiguity);
	ck_assert_uint_eq(vocab_number(role, ROLE_DMA_MAPS), models[_i].dma_maps);
	ck_assert_uint_eq(vocab_number(role, ROLE_CPU_COPIES), models[_i].cpu_copies);
	ck_assert_int_eq(vocab_origin(role, ROLE_CONTIGUITY), models[_i].origin);
	ck_assert_int_eq(vocab_origin(role, ROLE_DMA_MAPS), models[_i].origin);
	ck_assert_int_eq(vocab_origin(role, ROLE_CPU_COPIES), models[_i].copies_origin);
	ck_assert_int_eq(vocab_origin(role, ROLE_MEMORY_MODEL),
			 models[_i].model ? VOCAB_MEASURED : VOCAB_ABSENT);
	ck_assert_str_eq(how_of(&role->how, "memory-model"), models[_i].model ? "seen" : "");
	if (models[_i].copies_quirk)
		ck_assert_str_eq(how_of(&role->how, "cpu-copies"), "a file");
	vocab_destroy(role);
}
END_TEST

START_TEST(quirks_say_what_no_model_does)
{
	const struct quirk quirk = {.has = {[QUIRK_IMPORTS] = true,
					    [QUIRK_OFFSET_ALIGN] = true,
					    [QUIRK_SEGMENT_BYTES_MAX] = true,
					    [QUIRK_SEGMENTS_MAX] = true},
				    .number = {[QUIRK_IMPORTS] = false,
					       [QUIRK_OFFSET_ALIGN] = 64,
					       [QUIRK_SEGMENT_BYTES_MAX] = 65536,
					       [QUIRK_SEGMENTS_MAX] = 16},
				    .how = {[QUIRK_IMPORTS] = "imports",
					    [QUIRK_OFFSET_ALIGN] = "offsets",
					    [QUIRK_SEGMENT_BYTES_MAX] = "bytes",
					    [QUIRK_SEGMENTS_MAX] = "count"}};
	static const struct {
		unsigned int row;
		const char *key, *how;
		uint64_t number;
	} facts[] = {
		{ROLE_IMPORTS, "imports", "imports", false},
		{ROLE_OFFSET_ALIGN, "offset-align", "offsets", 64},
		{ROLE_SEGMENT_BYTES_MAX, "segment-bytes-max", "bytes", 65536},
		{ROLE_SEGMENTS_MAX, "segments-max", "count", 16},
	};
	const struct quirk none = {.has = {false}};
	struct device_role *role;

	ck_assert_int_eq(vocab_create(&vocab_role, &role), 0);
	role_set_quirks(role, &none);
	for (size_t i = 0; i < LEN(facts); i++)
		ck_assert(!vocab_has(role, facts[i].row));
	role_set_quirks(role, &quirk);
	for (size_t i = 0; i < LEN(facts); i++) {
		ck_assert_uint_eq(vocab_number(role, facts[i].row), facts[i].number);
		ck_assert_int_eq(vocab_origin(role, facts[i].row), VOCAB_QUIRK);
		ck_assert_str_eq(how_of(&role->how, facts[i].key), facts[i].how);
	}
	vocab_destroy(role);
}
END_TEST

static void check_verdict(enum memory_model model, const struct role_trial *trial)
{
	const struct quirk quirk = {.has = {false}};
	struct device_role *role;
	uint64_t before, after;
	bool refuted;

	ck_assert_int_eq(vocab_create(&vocab_role, &role), 0);
	role_set_memory_model(role, model, VOCAB_KERNEL, "seen", &quirk);
	before = vocab_number(role, ROLE_CONTIGUITY);
	refuted = role_take_trial(role, trial);
	after = vocab_number(role, ROLE_CONTIGUITY);
	ck_assert_int_eq(refuted, trial->translated && trial->scattered == REFUSED);
	ck_assert_uint_eq(vocab_number(role, ROLE_MEMORY_MODEL), model);
	switch (trial->scattered) {
	case TRIAL_NOT_MADE:
		ck_assert_uint_eq(after, before);
		break;
	case TRIAL_REFUSED: /* a veto, whatever was known */
		ck_assert_uint_ne(after, NONE);
		ck_assert_int_eq(vocab_origin(role, ROLE_CONTIGUITY), VOCAB_MEASURED);
		if (after == USED)
			ck_assert(model == CONTIG ||
				  (trial->used == TAKEN && trial->excludes_bounce));
		break;
	case TRIAL_TAKEN: /* never against what is known, never by luck */
		if (after == before)
			break;
		ck_assert_uint_eq(model, UNKNOWN);
		ck_assert_uint_eq(after, NONE);
		ck_assert(trial->excludes_bounce && !trial->translated);
	}
	if (trial->scattered != TRIAL_NOT_MADE)
		check_contains(how_of(&role->how, "contiguity"), ROLE_TRIAL_HOW);
	vocab_destroy(role);
}

/* All there are. */
START_TEST(verdicts_are_vetoes_and_never_luck)
{
	static const enum memory_model known[] = {
		UNKNOWN, VMALLOC, CONTIG, SG, MEMORY_MODEL_GEM_DMA, MEMORY_MODEL_OWN_MMU};
	static const uint32_t refusals[] = {0, EFAULT, EINVAL, 12345};

	for (size_t m = 0; m < LEN(known); m++)
		for (unsigned int i = 0; i < 3 * 3 * LEN(refusals) * 8; i++) {
			struct role_trial trial = {.scattered = i % 3,
						   .used = i / 3 % 3,
						   .refusal = refusals[i / 9 % LEN(refusals)],
						   .reaches_all = i / 36 & 1,
						   .excludes_bounce = i / 72 & 1,
						   .translated = i / 144 & 1};

			check_verdict(known[m], &trial);
		}
}
END_TEST

/* --- trouble --- */

START_TEST(memory_that_runs_short_is_an_error)
{
	const struct memory_row row = {.trial = {.memory_model = SG, .scattered = REFUSED}};
	struct measuring known, measuring;
	long live;
	bool failed = true;

	be_row(&row);
	kernel.capabilities = V4L2_CAP_STREAMING | V4L2_CAP_VIDEO_M2M;
	kernel.queues[0].stream_format = V4L2_PIX_FMT_H264;
	kernel.queues[0].formats[1] = &unclear;
	kernel.queues[1] = (struct queue){.formats = {&tall}, .buf_capabilities = DMABUF};
	known = measure_row(&row, NULL);
	live = faults_live();
	for (unsigned int nth = 1; failed && nth < 1000; nth++) {
		int error;

		measuring = (struct measuring){.measure = {.fd = NODE_FD,
							   .node = &node,
							   .options = &options,
							   .previous = known.device}};
		kernel.queues[0].buffers = nth % 2 ? 4 : 0; /* copied, or measured */
		ck_assert_int_eq(vocab_create(&vocab_device, &measuring.device), 0);
		measuring.measure.device = measuring.device;
		faults_begin(nth);
		error = v4l2_identify(&measuring.measure);
		if (!error)
			error = v4l2_measure(&measuring.measure);
		failed = faults_end();
		ck_assert(error == 0 || (error == -ENOMEM && failed));
		vocab_destroy(measuring.device);
		ck_assert_int_eq(faults_live(), live);
	}
	ck_assert(!failed);
	vocab_destroy(known.device);
}
END_TEST

START_TEST(driver_without_end_is_cut)
{
	struct v4l2_queue queue = {.fd = NODE_FD, .questions_left = 2};
	struct v4l2_capability capability = {0};

	be_camera();
	ck_assert_int_eq(v4l2_ask(&queue, VIDIOC_QUERYCAP, &capability), 0);
	ck_assert_int_eq(v4l2_ask(&queue, VIDIOC_QUERYCAP, &capability), 0);
	ck_assert_int_eq(v4l2_ask(&queue, VIDIOC_QUERYCAP, &capability), -E2BIG);
	ck_assert_uint_eq(kernel.questions, 2);
}
END_TEST

static Suite *v4l2_suite(void)
{
	Suite *suite = suite_create("v4l2");
	TCase *formats = tcase_create("formats"), *memory = tcase_create("memory");
	TCase *roles = tcase_create("roles"), *trouble = tcase_create("trouble");

	tcase_add_test(formats, camera_has_one_role);
	tcase_add_loop_test(formats, least_buffers_are_bounded, 0, LEN(min_buffers));
	tcase_add_loop_test(formats, node_has_the_roles_of_its_queues, 0, LEN(nodes));
	tcase_add_test(formats, what_does_not_stream_pictures_is_no_device);
	tcase_add_test(formats, device_that_goes_away_is_no_device);
	tcase_add_test(formats, what_cannot_be_planned_is_listed);
	tcase_add_test(formats, two_names_of_a_picture_are_one_format);
	tcase_add_test(formats, facts_of_a_format_say_how_they_were_obtained);
	tcase_add_loop_test(formats, quirk_raises_the_alignment_of_strides, 0, LEN(stride_quirks));
	suite_add_tcase(suite, formats);

	tcase_add_loop_test(memory, memory_is_decided_by_the_first_that_knows, 0, LEN(memories));
	tcase_add_loop_test(memory, trial_is_made_once, 0, LEN(memories));
	tcase_add_test(memory, trial_is_made_again_for_another_driver);
	tcase_add_test(memory, queue_that_was_in_use_is_tried_when_it_is_idle);
	tcase_add_test(memory, queue_in_use_keeps_the_formats_it_had);
	tcase_add_test(memory, question_answered_with_ebusy_is_asked_again);
	tcase_add_test(memory, trial_spares_the_kernel_a_warning);
	tcase_add_loop_test(memory, only_queues_of_pictures_are_tried, 0, LEN(codecs));
	tcase_add_loop_test(memory, module_that_holds_one_allocator_uses_it, 0, LEN(holders));
	suite_add_tcase(suite, memory);

	tcase_add_loop_test(roles, role_follows_from_the_memory_model, 0, LEN(models));
	tcase_add_test(roles, quirks_say_what_no_model_does);
	tcase_add_test(roles, verdicts_are_vetoes_and_never_luck);
	suite_add_tcase(suite, roles);

	tcase_set_timeout(trouble, 60);
	tcase_add_test(trouble, memory_that_runs_short_is_an_error);
	tcase_add_test(trouble, driver_without_end_is_cut);
	suite_add_tcase(suite, trouble);
	return suite;
}

int main(void)
{
	return run_suite(v4l2_suite());
}
