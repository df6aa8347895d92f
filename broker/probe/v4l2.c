/* SPDX-License-Identifier: MIT */
/*
 * V4L2 nodes -> facts. Everything here is a question that leaves the device as it is, whoever may
 * be streaming: QUERYCAP, ENUM_*, G_CTRL, TRY_FMT, and CREATE_BUFS with count 0. Never S_FMT nor
 * S_INPUT: of a camera they change the state of all its users. The one thing that does more is the
 * trial (v4l2-memory.c), in a process of its own, and only on a queue that has no buffers.
 *
 * TRY_FMT of a USB camera is a dialogue with its firmware. So the formats of a queue that is in use
 * are not asked for again if all of them are known from a measurement before.
 */
#include "broker/probe/v4l2.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>

#include "broker/model/arith.h"
#include "broker/probe/fact.h"
#include "broker/probe/sysfs.h"

#define FORMATS_MAX 256u    /* a driver that lists more is not believed */
#define QUESTIONS_MAX 8192u /* per queue */
#define MIN_BUFFERS_MAX 64

int v4l2_ask(struct v4l2_queue *queue, unsigned long request, void *argument)
{
	int result, error;

	if (queue->questions_left == 0)
		return -E2BIG;
	queue->questions_left--;
	do
		result = ioctl(queue->fd, request, argument);
	while (result < 0 && errno == EINTR);
	error = result < 0 ? -errno : 0;
	queue->busy = queue->busy || error == -EBUSY;
	queue->gone = queue->gone || error == -ENODEV;
	return error;
}

/* A queue while it becomes a role. */
struct listing {
	struct v4l2_queue queue;
	const struct quirk *quirk;
	struct device_role *role;
};

/* --- formats --- */

static struct vocab_head *find_listed(const struct device_role *role, uint32_t fourcc)
{
	for (size_t i = 0; i < role->formats.len; i++)
		if (vocab_number(role->formats.items[i], FORMAT_FORMAT) == fourcc)
			return role->formats.items[i];
	return NULL;
}

static int list_named(struct device_role *role, uint32_t fourcc, uint32_t v4l2_format,
		      struct device_format **ret_format)
{
	int error = vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, ret_format);

	if (error)
		return error;
	fact_number(*ret_format, FORMAT_FORMAT, fourcc, VOCAB_KERNEL);
	fact_number(*ret_format, FORMAT_V4L2_FORMAT, v4l2_format, VOCAB_KERNEL);
	return 0;
}

/* What is no picture that can be shared (compressed, several memory planes, unknown to us) is
 * listed under its V4L2 name, which is a name in the table of no picture. */
static int list_other(struct device_role *role, uint32_t v4l2_format)
{
	struct device_format *format;

	if (format_find(v4l2_format) || find_listed(role, v4l2_format))
		return 0;
	return list_named(role, v4l2_format, v4l2_format, &format);
}

/* A picture of which the layout is not known: its modifier keeps it out of every plan. */
static int list_unplanned(struct device_role *role, uint32_t fourcc, uint32_t v4l2_format,
			  const char *reason)
{
	struct device_format *format;
	int error = list_named(role, fourcc, v4l2_format, &format);

	if (error)
		return error;
	fact_number(format, FORMAT_MODIFIER, V4L2_MODIFIER_UNKNOWN, VOCAB_MEASURED);
	fact_how(format, FORMAT_HOW, FORMAT_MODIFIER, "unknown layout, never planned: %s", reason);
	return 0;
}

/* The hardware may need more than the driver asks for; it can be had where strides are ours. */
static void raise_stride_align(struct device_format *format, const struct quirk *quirk)
{
	uint64_t align;

	if (!quirk->has[QUIRK_STRIDE_ALIGN] || quirk->number[QUIRK_STRIDE_ALIGN] == 0 ||
	    !vocab_number(format, FORMAT_STRIDE_CUSTOM) ||
	    !arith_lcm(vocab_number(format, FORMAT_STRIDE_ALIGN), quirk->number[QUIRK_STRIDE_ALIGN],
		       &align))
		return;
	fact_number(format, FORMAT_STRIDE_ALIGN, align, VOCAB_QUIRK);
	fact_how(format, FORMAT_HOW, FORMAT_STRIDE_ALIGN, "%s", quirk->how[QUIRK_STRIDE_ALIGN]);
}

static int list_picture(struct listing *listing, uint32_t v4l2_format,
			const struct format_info *info)
{
	const char *reason = "";
	struct device_format *format;
	int error;

	error = vocab_create(&vocab_device_format, &format);
	if (error)
		return error;
	fact_number(format, FORMAT_FORMAT, info->fourcc, VOCAB_KERNEL);
	fact_number(format, FORMAT_MODIFIER, FORMAT_MODIFIER_LINEAR, VOCAB_KERNEL);
	fact_number(format, FORMAT_V4L2_FORMAT, v4l2_format, VOCAB_KERNEL);
	error = v4l2_format_measure(&listing->queue, v4l2_format, info, format, &reason);
	if (!error) {
		raise_stride_align(format, listing->quirk);
		error = vocab_take_dict(listing->role, ROLE_FORMATS, format, VOCAB_KERNEL);
	}
	if (!error)
		return 0;
	vocab_destroy(format);
	return error == -ENOTSUP ? list_unplanned(listing->role, info->fourcc, v4l2_format, reason)
				 : error;
}

/* V4L2 has two names for some pictures, an old and a new one, and drivers list both: one entry, in
 * the place of the first, under the preferred name. */
static int list_format(struct listing *listing, const struct v4l2_fmtdesc *description)
{
	uint32_t fourcc = format_from_v4l2(description->pixelformat);
	const struct format_info *info = fourcc ? format_find(fourcc) : NULL;
	struct vocab_head *listed;

	if (!info || (description->flags & V4L2_FMT_FLAG_COMPRESSED))
		return list_other(listing->role, description->pixelformat);
	listed = find_listed(listing->role, fourcc);
	if (!listed)
		return list_picture(listing, description->pixelformat, info);
	if (description->pixelformat == info->v4l2[0])
		fact_number(listed, FORMAT_V4L2_FORMAT, info->v4l2[0], VOCAB_KERNEL);
	return 0;
}

static int list_formats(struct listing *listing)
{
	int error = 0;

	for (uint32_t index = 0; index < FORMATS_MAX && !error; index++) {
		struct v4l2_fmtdesc description = {.index = index, .type = listing->queue.type};

		if (v4l2_ask(&listing->queue, VIDIOC_ENUM_FMT, &description) < 0)
			return 0;
		error = list_format(listing, &description);
	}
	return error == -ERANGE ? 0 : error;
}

/* Whether the layout of every picture is known. */
static bool knows_formats(const struct device_role *previous)
{
	for (size_t i = 0; i < previous->formats.len; i++)
		if (vocab_number(previous->formats.items[i], FORMAT_MODIFIER) ==
		    V4L2_MODIFIER_UNKNOWN)
			return false;
	return true;
}

static int copy_formats(const struct device_role *previous, struct device_role *role)
{
	int error = 0;

	for (size_t i = 0; i < previous->formats.len && !error; i++) {
		void *copy;

		error = vocab_copy(previous->formats.items[i], &copy);
		if (error)
			return error;
		error = vocab_take_dict(role, ROLE_FORMATS, copy, VOCAB_KERNEL);
		if (error)
			vocab_destroy(copy);
	}
	return error;
}

static bool has_pictures(const struct device_role *role)
{
	for (size_t i = 0; i < role->formats.len; i++)
		if (vocab_has(role->formats.items[i], FORMAT_MODIFIER))
			return true;
	return false;
}

/* --- queues --- */

struct queue_kind {
	enum role role;
	uint32_t capabilities;	     /* any of these: there is such a queue */
	uint32_t type;		     /* its single-planar type */
	uint32_t multi_capabilities; /* any of these: it is multi-planar */
	uint32_t multi_type;
	uint32_t min_buffers; /* control */
	const char *min_buffers_name;
};

static const struct queue_kind queue_kinds[] = {
	{ROLE_CAPTURE, V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_M2M, V4L2_BUF_TYPE_VIDEO_CAPTURE,
	 V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_VIDEO_M2M_MPLANE,
	 V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE, V4L2_CID_MIN_BUFFERS_FOR_CAPTURE,
	 "V4L2_CID_MIN_BUFFERS_FOR_CAPTURE"},
	{ROLE_OUTPUT, V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_M2M, V4L2_BUF_TYPE_VIDEO_OUTPUT,
	 V4L2_CAP_VIDEO_OUTPUT_MPLANE | V4L2_CAP_VIDEO_M2M_MPLANE,
	 V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE, V4L2_CID_MIN_BUFFERS_FOR_OUTPUT,
	 "V4L2_CID_MIN_BUFFERS_FOR_OUTPUT"},
};

/* Returns false: the node has no such queue. */
static bool find_queue(int fd, uint32_t capabilities, const struct queue_kind *kind,
		       struct v4l2_queue *ret_queue)
{
	bool multi_planar = capabilities & kind->multi_capabilities;

	*ret_queue = (struct v4l2_queue){.fd = fd,
					 .type = multi_planar ? kind->multi_type : kind->type,
					 .multi_planar = multi_planar,
					 .questions_left = QUESTIONS_MAX};
	return multi_planar || (capabilities & kind->capabilities);
}

static void ask_min_buffers(struct v4l2_queue *queue, const struct queue_kind *kind,
			    struct device_role *role)
{
	struct v4l2_control control = {.id = kind->min_buffers};

	if (v4l2_ask(queue, VIDIOC_G_CTRL, &control) < 0 || control.value < 1)
		return;
	fact_number(role, ROLE_MIN_BUFFERS,
		    (uint64_t)(control.value > MIN_BUFFERS_MAX ? MIN_BUFFERS_MAX : control.value),
		    VOCAB_KERNEL);
	fact_how(role, ROLE_HOW, ROLE_MIN_BUFFERS, "VIDIOC_G_CTRL of %s", kind->min_buffers_name);
}

/* Whether it makes pictures of a stream: then nothing is fixed before there is one. */
static bool is_decoder(int fd, uint32_t capabilities)
{
	struct v4l2_queue output;

	if (!(capabilities & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE)) ||
	    !find_queue(fd, capabilities, &queue_kinds[1], &output))
		return false;
	for (uint32_t index = 0; index < FORMATS_MAX; index++) {
		struct v4l2_fmtdesc description = {.index = index, .type = output.type};

		if (v4l2_ask(&output, VIDIOC_ENUM_FMT, &description) < 0)
			return false;
		if (description.flags & V4L2_FMT_FLAG_COMPRESSED)
			return true;
	}
	return false;
}

/* What is known of the role from before, if the device has still the same driver. */
static const struct device_role *find_previous(const struct measure *measure, enum role role)
{
	const struct device *previous = measure->previous;

	if (!previous || strcmp(vocab_string(previous, DEVICE_DRIVER),
				vocab_string(measure->device, DEVICE_DRIVER)) != 0)
		return NULL;
	return device_find_role(previous, role);
}

static int measure_role(struct measure *measure, struct listing *listing,
			struct v4l2_memory_facts *memory)
{
	int error;

	v4l2_memory_ask(&listing->queue, memory);
	if (memory->buffers > 0 && memory->previous && knows_formats(memory->previous))
		error = copy_formats(memory->previous, listing->role);
	else
		error = list_formats(listing);
	if (error)
		return error;
	memory->has_pictures = has_pictures(listing->role);
	v4l2_memory_measure(measure, &listing->queue, memory, listing->role);
	measure->again = measure->again || listing->queue.busy;
	return listing->queue.gone ? -ENODEV : 0;
}

static int measure_queue(struct measure *measure, uint32_t capabilities,
			 const struct queue_kind *kind)
{
	struct listing listing = {.quirk = &measure->quirk};
	struct v4l2_memory_facts memory = {.is_decoder = kind->role == ROLE_CAPTURE &&
							 is_decoder(measure->fd, capabilities),
					   .previous = find_previous(measure, kind->role)};
	int error;

	if (!find_queue(measure->fd, capabilities, kind, &listing.queue))
		return 0;
	error = vocab_add_dict(measure->device, DEVICE_ROLES, VOCAB_KERNEL, &listing.role);
	if (error)
		return error;
	fact_number(listing.role, ROLE_ROLE, kind->role, VOCAB_KERNEL);
	fact_number(listing.role, ROLE_MULTI_PLANAR, listing.queue.multi_planar, VOCAB_KERNEL);
	ask_min_buffers(&listing.queue, kind, listing.role);
	return measure_role(measure, &listing, &memory);
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
static int name_device(const struct measure *measure, const struct v4l2_capability *answer)
{
	char name[sizeof(answer->card)];

	if (sysfs_line(measure->options->root, measure->node->sysfs, "name", name, sizeof(name)) ||
	    !name[0])
		return fact_text(measure->device, DEVICE_NAME, answer->card, sizeof(answer->card));
	return fact_text(measure->device, DEVICE_NAME, name, sizeof(name));
}

int v4l2_identify(struct measure *measure)
{
	struct device *device = measure->device;
	struct v4l2_capability answer = {0};
	int error;

	error = ask_capabilities(measure->fd, &answer);
	if (!error)
		error = name_device(measure, &answer);
	if (!error)
		error = fact_text(device, DEVICE_DRIVER, answer.driver, sizeof(answer.driver));
	if (!error)
		fact_number(device, DEVICE_KIND, KIND_V4L2, VOCAB_KERNEL);
	return error;
}

int v4l2_measure(struct measure *measure)
{
	struct v4l2_capability answer = {0};
	int error = ask_capabilities(measure->fd, &answer);

	for (size_t i = 0; i < sizeof(queue_kinds) / sizeof(queue_kinds[0]) && !error; i++)
		error = measure_queue(measure, answer.capabilities, &queue_kinds[i]);
	if (!error && measure->device->roles.len == 0)
		error = -ENOTSUP;
	return error;
}
