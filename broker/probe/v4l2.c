/* SPDX-License-Identifier: MIT */
/*
 * V4L2 nodes -> facts. Everything here is a question that leaves the device as it is, whoever may
 * be streaming: QUERYCAP, ENUM_*, G_CTRL, TRY_FMT, and CREATE_BUFS with count 0, which checks the
 * memory type, tells the queue's capabilities and creates nothing. Never S_FMT nor S_INPUT: of a
 * camera they change the state of all its users. The one thing that does more is the trial, in a
 * process of its own (trial.c), and only on a queue that has no buffers.
 *
 * What the memory of a queue is like is decided by the first that knows:
 *   quirk     the driver has one allocator, written down in quirks.c
 *   kernel    the driver's module holds exactly one of the three videobuf2 allocators
 *   measured  the exporter's name of a buffer, in a trial
 *   assumed   whole buffers contiguous, mapped for DMA
 */
#include "broker/probe/v4l2.h"

#include <errno.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "broker/probe/fact.h"
#include "broker/probe/quirks.h"
#include "broker/probe/role.h"
#include "broker/probe/sysfs.h"
#include "broker/probe/trial.h"

#define FORMATS_MAX 256u    /* a driver that lists more is not believed */
#define QUESTIONS_MAX 1024u /* per queue */
#define TRIAL_DEADLINE_MS 5000u
#define MIN_BUFFERS_MAX 64

/* What is known before the first queue is looked at. */
struct node_facts {
	int fd;
	uint32_t capabilities;
	const struct quirk *quirk;
	const struct probe_node *node;
	const struct probe_options *options;
};

int v4l2_ask(struct v4l2_queue *queue, unsigned long request, void *argument)
{
	int result;

	if (queue->questions_left == 0)
		return -E2BIG;
	queue->questions_left--;
	do
		result = ioctl(queue->fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

/* --- formats --- */

static struct vocab_head *find_listed(const struct device_role *role, uint32_t fourcc)
{
	for (size_t i = 0; i < role->formats.len; i++)
		if (vocab_number(role->formats.items[i], FORMAT_FORMAT) == fourcc)
			return role->formats.items[i];
	return NULL;
}

/* What cannot be shared as a picture (compressed, several memory planes, unknown to us) is listed
 * under its V4L2 name, which is a name in the table of no picture. */
static int list_unplanned(struct device_role *role, uint32_t v4l2_format)
{
	struct device_format *format;
	int error;

	if (format_find(v4l2_format) || find_listed(role, v4l2_format))
		return 0;
	error = vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, &format);
	if (error)
		return error;
	fact_number(format, FORMAT_FORMAT, v4l2_format, VOCAB_KERNEL);
	fact_number(format, FORMAT_V4L2_FORMAT, v4l2_format, VOCAB_KERNEL);
	return 0;
}

static int list_picture(struct v4l2_queue *queue, struct device_role *role, uint32_t v4l2_format,
			const struct format_info *info)
{
	struct device_format *format;
	int error;

	error = vocab_create(&vocab_device_format, &format);
	if (error)
		return error;
	fact_number(format, FORMAT_FORMAT, info->fourcc, VOCAB_KERNEL);
	fact_number(format, FORMAT_MODIFIER, FORMAT_MODIFIER_LINEAR, VOCAB_KERNEL);
	fact_number(format, FORMAT_V4L2_FORMAT, v4l2_format, VOCAB_KERNEL);
	error = v4l2_format_measure(queue, v4l2_format, info, format);
	if (!error)
		error = vocab_take_dict(role, ROLE_FORMATS, format, VOCAB_KERNEL);
	if (error)
		vocab_destroy(format);
	return error == -ENOTSUP ? list_unplanned(role, v4l2_format) : error;
}

/* V4L2 has two names for some pictures, an old and a new one, and drivers list both: one entry, in
 * the place of the first, under the preferred name. */
static int list_format(struct v4l2_queue *queue, struct device_role *role,
		       const struct v4l2_fmtdesc *description)
{
	uint32_t fourcc = format_from_v4l2(description->pixelformat);
	const struct format_info *info = fourcc ? format_find(fourcc) : NULL;
	struct vocab_head *listed;

	if (!info || (description->flags & V4L2_FMT_FLAG_COMPRESSED))
		return list_unplanned(role, description->pixelformat);
	listed = find_listed(role, fourcc);
	if (!listed)
		return list_picture(queue, role, description->pixelformat, info);
	if (description->pixelformat == info->v4l2[0])
		fact_number(listed, FORMAT_V4L2_FORMAT, info->v4l2[0], VOCAB_KERNEL);
	return 0;
}

static int list_formats(struct v4l2_queue *queue, struct device_role *role)
{
	int error = 0;

	for (uint32_t index = 0; index < FORMATS_MAX && !error; index++) {
		struct v4l2_fmtdesc description = {.index = index, .type = queue->type};

		if (v4l2_ask(queue, VIDIOC_ENUM_FMT, &description) < 0)
			return 0;
		error = list_format(queue, role, &description);
	}
	return error == -ERANGE ? 0 : error;
}

/* --- buffers --- */

/* Count 0 is answered as a question by videobuf2, whoever owns the queue: valid or not, and how
 * many buffers there are. Returns how many, or -errno. */
static int ask_buffers(struct v4l2_queue *queue, struct device_role *role)
{
	struct v4l2_create_buffers none = {.memory = V4L2_MEMORY_DMABUF,
					   .format = {.type = queue->type}};
	int error = v4l2_ask(queue, VIDIOC_CREATE_BUFS, &none);

	if (!error)
		fact_number(role, ROLE_IMPORTS,
			    (none.capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF) != 0, VOCAB_KERNEL);
	else if (error == -EINVAL)
		fact_number(role, ROLE_IMPORTS, false, VOCAB_KERNEL);
	else
		fact_number(role, ROLE_IMPORTS, false, VOCAB_ASSUMED);
	return error ? error : none.index > INT_MAX ? INT_MAX : (int)none.index;
}

static void ask_min_buffers(struct v4l2_queue *queue, struct device_role *role, uint32_t id)
{
	struct v4l2_control control = {.id = id};

	if (v4l2_ask(queue, VIDIOC_G_CTRL, &control) < 0 || control.value < 1)
		return;
	fact_number(role, ROLE_MIN_BUFFERS,
		    (uint64_t)(control.value > MIN_BUFFERS_MAX ? MIN_BUFFERS_MAX : control.value),
		    VOCAB_KERNEL);
}

/* --- memory model --- */

static enum memory_model model_by_holders(const char *sysfs)
{
	static const struct {
		const char *directory;
		enum memory_model model;
	} allocators[] = {
		{"/sys/module/videobuf2_vmalloc/holders", MEMORY_MODEL_VMALLOC},
		{"/sys/module/videobuf2_dma_contig/holders", MEMORY_MODEL_DMA_CONTIG},
		{"/sys/module/videobuf2_dma_sg/holders", MEMORY_MODEL_DMA_SG},
	};
	enum memory_model model = MEMORY_MODEL_UNKNOWN;
	char module[128], path[256];
	unsigned int held = 0;

	if (sysfs_link_name(sysfs, "device/driver/module", module, sizeof(module)) < 0)
		return model;
	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", allocators[i].directory, module);
		if (access(path, F_OK) < 0)
			continue;
		model = allocators[i].model;
		held++;
	}
	return held == 1 ? model : MEMORY_MODEL_UNKNOWN;
}

static bool has_pictures(const struct device_role *role)
{
	for (size_t i = 0; i < role->formats.len; i++)
		if (vocab_has(role->formats.items[i], FORMAT_MODIFIER))
			return true;
	return false;
}

/* `buffers` is what ask_buffers returned: a queue with buffers has a user. */
static enum memory_model model_by_trial(const struct node_facts *facts,
					const struct v4l2_queue *queue, struct device_role *role,
					int buffers)
{
	const struct probe_options *options = facts->options;
	struct trial_answer answer;
	uint32_t deadline_ms;

	if (!options || !options->trial_program || buffers > 0 || !has_pictures(role))
		return MEMORY_MODEL_UNKNOWN;
	deadline_ms = options->trial_deadline_ms ? options->trial_deadline_ms : TRIAL_DEADLINE_MS;
	if (trial_run(options->trial_program, deadline_ms, facts->node->node, queue->type,
		      &answer) < 0)
		return MEMORY_MODEL_UNKNOWN;
	/* A driver without CREATE_BUFS has said nothing of imports so far. */
	if (vocab_origin(role, ROLE_IMPORTS) == VOCAB_ASSUMED && answer.capabilities)
		fact_number(role, ROLE_IMPORTS,
			    (answer.capabilities & V4L2_BUF_CAP_SUPPORTS_DMABUF) != 0,
			    VOCAB_MEASURED);
	return answer.memory_model;
}

static void measure_memory_model(const struct node_facts *facts, const struct v4l2_queue *queue,
				 struct device_role *role, int buffers)
{
	enum memory_model model = facts->quirk ? facts->quirk->memory_model : MEMORY_MODEL_UNKNOWN;
	enum vocab_origin origin = VOCAB_QUIRK;

	if (model == MEMORY_MODEL_UNKNOWN) {
		model = model_by_holders(facts->node->sysfs);
		origin = VOCAB_KERNEL;
	}
	if (model == MEMORY_MODEL_UNKNOWN) {
		model = model_by_trial(facts, queue, role, buffers);
		origin = VOCAB_MEASURED;
	}
	role_set_memory_model(role, model, origin, facts->quirk);
}

/* --- queues --- */

struct queue_kind {
	enum role role;
	uint32_t capabilities;	     /* any of these: there is such a queue */
	uint32_t type;		     /* its single-planar type */
	uint32_t multi_capabilities; /* any of these: it is multi-planar */
	uint32_t multi_type;
	uint32_t min_buffers; /* control */
};

static const struct queue_kind queue_kinds[] = {
	{ROLE_CAPTURE, V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_M2M, V4L2_BUF_TYPE_VIDEO_CAPTURE,
	 V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_VIDEO_M2M_MPLANE,
	 V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE, V4L2_CID_MIN_BUFFERS_FOR_CAPTURE},
	{ROLE_OUTPUT, V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_M2M, V4L2_BUF_TYPE_VIDEO_OUTPUT,
	 V4L2_CAP_VIDEO_OUTPUT_MPLANE | V4L2_CAP_VIDEO_M2M_MPLANE,
	 V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE, V4L2_CID_MIN_BUFFERS_FOR_OUTPUT},
};

static int measure_queue(const struct node_facts *facts, const struct queue_kind *kind,
			 struct device *device)
{
	bool multi_planar = facts->capabilities & kind->multi_capabilities;
	struct v4l2_queue queue = {.fd = facts->fd,
				   .type = multi_planar ? kind->multi_type : kind->type,
				   .multi_planar = multi_planar,
				   .questions_left = QUESTIONS_MAX};
	struct device_role *role;
	int buffers, error;

	if (!multi_planar && !(facts->capabilities & kind->capabilities))
		return 0;
	error = vocab_add_dict(device, DEVICE_ROLES, VOCAB_KERNEL, &role);
	if (error)
		return error;
	fact_number(role, ROLE_ROLE, kind->role, VOCAB_KERNEL);
	fact_number(role, ROLE_MULTI_PLANAR, multi_planar, VOCAB_KERNEL);
	buffers = ask_buffers(&queue, role);
	ask_min_buffers(&queue, role, kind->min_buffers);
	error = list_formats(&queue, role);
	if (!error)
		measure_memory_model(facts, &queue, role, buffers);
	return error;
}

static int measure_queues(const struct node_facts *facts, struct device *device)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(queue_kinds) / sizeof(queue_kinds[0]) && !error; i++)
		error = measure_queue(facts, &queue_kinds[i], device);
	if (!error && device->roles.len == 0)
		error = -ENOTSUP;
	return error;
}

static int ask_capabilities(int fd, struct v4l2_capability *ret_answer)
{
	struct v4l2_queue queue = {.fd = fd, .questions_left = 1};
	int error = v4l2_ask(&queue, VIDIOC_QUERYCAP, ret_answer);

	if (error == -ENODEV)
		return error;
	if (error)
		return -ENOTSUP;
	if (ret_answer->capabilities & V4L2_CAP_DEVICE_CAPS)
		ret_answer->capabilities = ret_answer->device_caps;
	return ret_answer->capabilities & V4L2_CAP_STREAMING ? 0 : -ENOTSUP;
}

/* The kernel's name of the node says more than the card's: vivid-001-vid-cap, not vivid. */
static int name_device(struct device *device, const struct probe_node *node,
		       const struct v4l2_capability *answer)
{
	char name[sizeof(answer->card)];

	if (sysfs_line(node->sysfs, "name", name, sizeof(name)) || !name[0])
		return fact_text(device, DEVICE_NAME, answer->card, sizeof(answer->card));
	return fact_text(device, DEVICE_NAME, name, sizeof(name));
}

int v4l2_measure(int fd, const struct probe_node *node, const struct probe_options *options,
		 struct device *device)
{
	struct node_facts facts = {.fd = fd, .node = node, .options = options};
	struct v4l2_capability answer = {0};
	int error;

	error = ask_capabilities(fd, &answer);
	if (!error)
		error = name_device(device, node, &answer);
	if (!error)
		error = fact_text(device, DEVICE_DRIVER, answer.driver, sizeof(answer.driver));
	if (error)
		return error;
	fact_number(device, DEVICE_KIND, KIND_V4L2, VOCAB_KERNEL);
	facts.capabilities = answer.capabilities;
	facts.quirk = quirk_find(KIND_V4L2, vocab_string(device, DEVICE_DRIVER));
	return measure_queues(&facts, device);
}
