/* SPDX-License-Identifier: MIT */
#include "tests/vm/agents.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

#include "examples/die.h"
#include "examples/picture.h"
#include "tests/vm/card.h"

#define WAIT_MS 30000
#define CODED_MAX 65536

/* ---- what it is ---- */

static const char *text_of(const struct dmabroker_record *record, const char *key)
{
	const char *text = dmabroker_record_get_string(record, key);

	return text ? text : "";
}

static bool flag_of(const struct dmabroker_record *record, const char *key)
{
	uint64_t value = 0;

	(void)dmabroker_record_get_uint(record, key, &value);
	return value;
}

static enum agent_kind kind_of(const struct agent *agent)
{
	static const struct {
		const char *role;
		enum agent_kind kind;
	} kinds[] = {{"capture", KIND_CAMERA},
		     {"output", KIND_OUTPUT},
		     {"scanout", KIND_DISPLAY},
		     {"writeback", KIND_WRITEBACK},
		     {"render", KIND_RENDER}};

	if (!agent->id[0])
		return KIND_CPU;
	if (strstr(agent->id, "vicodec"))
		return strcmp(agent->role, "output") == 0 ? KIND_ENCODER : KIND_DECODER;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].role, agent->role) == 0)
			return kinds[i].kind;
	die("%s: no role %s", agent->name, agent->role);
}

/* Of an importer of tests/vm/modules the kernel itself says whether it needs maintenance; -1: it is
 * none. */
static int read_needs_sync(const struct agent *agent)
{
	struct stat status;
	char path[128];
	int value = -1;
	FILE *file;

	if (stat(agent->node, &status) < 0)
		die("%s: %s", agent->node, strerror(errno));
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/importer/needs_sync",
		 major(status.st_rdev), minor(status.st_rdev));
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &value) != 1)
		die("%s: not understood", path);
	fclose(file);
	return value;
}

/* The name of the device that an open node belongs to. */
static void read_device_name(struct agent *agent)
{
	char path[128], target[512];
	struct stat status;
	const char *name;
	ssize_t len;

	if (stat(agent->node, &status) < 0)
		die("%s: %s", agent->node, strerror(errno));
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device", major(status.st_rdev),
		 minor(status.st_rdev));
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		die("%s: %s", path, strerror(errno));
	target[len] = '\0';
	name = strrchr(target, '/');
	snprintf(agent->device, sizeof(agent->device), "%.63s", name ? name + 1 : target);
}

static const struct dmabroker_record *find(const struct dmabroker_record *record, const char *list,
					   const char *key, const char *value)
{
	const struct dmabroker_record *element;

	for (size_t i = 0; dmabroker_record_get_record(record, list, i, &element) == 0; i++)
		if (strcmp(text_of(element, key), value) == 0)
			return element;
	return NULL;
}

static void read_facts(struct agent *agent, const struct dmabroker_record *device)
{
	const struct dmabroker_record *role = find(device, "roles", "role", agent->role);
	int needs_sync;

	if (!role)
		die("%s: %s has no role %s", agent->name, agent->id, agent->role);
	snprintf(agent->node, sizeof(agent->node), "%s", text_of(device, "node"));
	read_device_name(agent);
	agent->maps = flag_of(role, "dma-maps");
	/* the kernel starts to maintain a coherent device when it bounces for it first */
	agent->is_synced = strcmp(text_of(device, "coherency"), "coherent") != 0 ||
			   flag_of(device, "bounced");
	needs_sync = read_needs_sync(agent);
	agent->needs_sync = agent->is_synced || needs_sync == 1;
}

static void find_device(struct agent *agent, struct dmabroker *broker)
{
	struct dmabroker_record **devices;
	bool found = false;
	size_t len;

	if (dmabroker_list_devices(broker, &devices, &len) < 0)
		die("no devices: %s", dmabroker_get_error_text(broker));
	for (size_t i = 0; i < len && !found; i++) {
		found = strcmp(text_of(devices[i], "id"), agent->id) == 0;
		if (found)
			read_facts(agent, devices[i]);
	}
	dmabroker_record_list_destroy(devices, len);
	if (!found)
		die("%s: no device %s", agent->name, agent->id);
}

void agent_init(struct agent *agent, struct dmabroker *broker, const char *name, const char *role,
		const char *id)
{
	*agent = (struct agent){.render = -1};
	snprintf(agent->name, sizeof(agent->name), "%s", name);
	snprintf(agent->role, sizeof(agent->role), "%s", role);
	snprintf(agent->id, sizeof(agent->id), "%s", id);
	agent->kind = kind_of(agent);
	agent->needs_640x360 = agent->kind == KIND_ENCODER || agent->kind == KIND_DECODER;
	agent->needs_320x180 = strstr(id, "vivid") || agent->kind == KIND_DISPLAY ||
			       agent->kind == KIND_WRITEBACK;
	agent->keeps_last = agent->kind == KIND_OUTPUT && strstr(id, "vivid");
	agent->has_grey = agent->kind != KIND_DISPLAY && agent->kind != KIND_WRITEBACK;
	if (agent->kind != KIND_CPU)
		find_device(agent, broker);
}

bool agent_imports_with(const struct agent *agent, const struct agent *other)
{
	bool cards = (agent->kind == KIND_DISPLAY || agent->kind == KIND_WRITEBACK) &&
		     (other->kind == KIND_DISPLAY || other->kind == KIND_WRITEBACK);

	return cards && strcmp(agent->node, other->node) == 0;
}

bool agent_writes(const struct agent *agent)
{
	return agent->kind == KIND_CPU || agent->kind == KIND_CAMERA ||
	       agent->kind == KIND_DECODER || agent->kind == KIND_WRITEBACK ||
	       agent->kind == KIND_RENDER;
}

/* ---- V4L2 ---- */

static int open_node(const struct agent *agent)
{
	int fd = open(agent->node, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		die("%s: %s: %s", agent->name, agent->node, strerror(errno));
	return fd;
}

static void wait_for(const char *who, int fd, short events)
{
	struct pollfd pollfd = {.fd = fd, .events = events};

	if (poll(&pollfd, 1, WAIT_MS) != 1 || !(pollfd.revents & events))
		die("%s does nothing for %d ms", who, WAIT_MS);
}

static struct v4l2_buffer take(struct queue *queue)
{
	struct v4l2_buffer buffer;

	while (!queue_take(queue, &buffer))
		wait_for(queue->who, queue->fd,
			 queue->type == V4L2_BUF_TYPE_VIDEO_OUTPUT ? POLLOUT : POLLIN);
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		die("%s: a broken buffer", queue->who);
	return buffer;
}

/* As fast as the driver can; not all can be asked. */
static void hurry(struct agent *agent)
{
	struct v4l2_streamparm fast = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};

	agent->pace = fast;
	agent->has_pace = ioctl(agent->queue.fd, VIDIOC_G_PARM, &agent->pace) == 0;
	fast.parm.capture.timeperframe = (struct v4l2_fract){1, 120};
	if (agent->has_pace)
		(void)ioctl(agent->queue.fd, VIDIOC_S_PARM, &fast);
}

static void leave_queue(struct agent *agent)
{
	if (agent->has_pace) {
		queue_stop(&agent->queue);
		queue_request(&agent->queue, 0);
		(void)ioctl(agent->queue.fd, VIDIOC_S_PARM, &agent->pace);
	}
	agent->has_pace = false;
	if (agent->coded_memory)
		munmap(agent->coded_memory, agent->coded_bytes);
	agent->coded_memory = NULL;
	close(agent->queue.fd);
}

static void set_up_queue(struct agent *agent, uint32_t type, const struct dmabroker_record *plan)
{
	struct v4l2_pix_format pix = queue_format_of(plan, agent->name);

	agent->queue.who = agent->name;
	agent->queue.type = type;
	agent->queue.memory = V4L2_MEMORY_DMABUF;
	queue_set_exact_format(&agent->queue, &pix);
	queue_request(&agent->queue, 1);
}

/* Cameras and outputs. An output that keeps its last buffer until it gets another one has to be
 * stopped. */
static void stream(struct agent *agent, uint32_t type, const struct dmabroker_record *plan, int fd)
{
	bool begins = !agent->is_at_work;

	if (begins) {
		agent->queue.fd = open_node(agent);
		if (agent->kind == KIND_CAMERA)
			hurry(agent);
		set_up_queue(agent, type, plan);
	}
	queue_put(&agent->queue, 0, fd);
	if (begins || agent->keeps_last)
		queue_start(&agent->queue);
	if (agent->keeps_last)
		queue_stop(&agent->queue);
	else
		take(&agent->queue);
}

/* A queue of the device's own memory for the stream. */
static void set_up_coded(struct queue *coded, const char *who, int fd, uint32_t type,
			 const struct v4l2_pix_format *pix)
{
	struct v4l2_pix_format fwht = {.width = pix->width,
				       .height = pix->height,
				       .pixelformat = V4L2_PIX_FMT_FWHT,
				       .field = V4L2_FIELD_NONE};

	*coded = (struct queue){.who = who, .fd = fd, .type = type, .memory = V4L2_MEMORY_MMAP};
	queue_set_format(coded, &fwht);
}

static void encode(struct agent *agent, const struct dmabroker_record *plan, int fd)
{
	struct v4l2_pix_format pix = queue_format_of(plan, agent->name);
	bool begins = !agent->is_at_work;

	if (begins) {
		agent->queue.fd = open_node(agent);
		set_up_queue(agent, V4L2_BUF_TYPE_VIDEO_OUTPUT, plan);
		set_up_coded(&agent->coded, agent->name, agent->queue.fd,
			     V4L2_BUF_TYPE_VIDEO_CAPTURE, &pix);
		queue_request(&agent->coded, 1);
	}
	queue_put(&agent->queue, 0, fd);
	queue_put(&agent->coded, 0, -1);
	if (begins) {
		queue_start(&agent->queue);
		queue_start(&agent->coded);
	}
	take(&agent->coded);
	take(&agent->queue);
}

/* One picture of nothing, by the encoder beside the decoder. Returns its bytes in `stream`. */
static uint32_t make_stream(const struct agent *agent, const struct v4l2_pix_format *pix,
			    uint8_t stream[CODED_MAX])
{
	struct queue in = {.who = "vicodec's encoder",
			   .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
			   .memory = V4L2_MEMORY_MMAP},
		     out;
	struct v4l2_pix_format plain = *pix;
	char node[sizeof(agent->node)];
	uint32_t bytes;
	void *memory;

	/* the encoder's node is the one before */
	snprintf(node, sizeof(node), "/dev/video%d", atoi(agent->node + strlen("/dev/video")) - 1);
	in.fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (in.fd < 0 || !video_is_encoder(in.fd, V4L2_CAP_VIDEO_M2M))
		die("%s is no encoder", node);
	queue_set_format(&in, &plain);
	set_up_coded(&out, in.who, in.fd, V4L2_BUF_TYPE_VIDEO_CAPTURE, pix);
	queue_request(&in, 1);
	queue_request(&out, 1);
	memory = queue_map(&out, 0);
	queue_put(&in, 0, -1);
	queue_put(&out, 0, -1);
	queue_start(&in);
	queue_start(&out);
	bytes = take(&out).bytesused;
	if (bytes > CODED_MAX)
		die("a picture of nothing has %u bytes", bytes);
	memcpy(stream, memory, bytes);
	munmap(memory, out.bytes);
	close(in.fd);
	return bytes;
}

/* Gives the decoder a stream, until it knows what is in it. */
static void feed(struct agent *agent, const struct v4l2_pix_format *pix)
{
	struct v4l2_event_subscription subscription = {.type = V4L2_EVENT_SOURCE_CHANGE};
	static uint8_t stream[CODED_MAX];
	struct v4l2_event event;
	uint32_t bytes = make_stream(agent, pix, stream);

	agent->queue.fd = open_node(agent);
	if (ioctl(agent->queue.fd, VIDIOC_SUBSCRIBE_EVENT, &subscription) < 0)
		die("VIDIOC_SUBSCRIBE_EVENT: %s", strerror(errno));
	set_up_coded(&agent->coded, agent->name, agent->queue.fd, V4L2_BUF_TYPE_VIDEO_OUTPUT, pix);
	queue_request(&agent->coded, 1);
	agent->coded_bytes = agent->coded.bytes;
	agent->coded_memory = queue_map(&agent->coded, 0);
	memcpy(agent->coded_memory, stream, bytes);
	agent->coded.bytes = bytes;
	queue_put(&agent->coded, 0, -1);
	queue_start(&agent->coded);
	wait_for(agent->name, agent->queue.fd, POLLPRI);
	if (ioctl(agent->queue.fd, VIDIOC_DQEVENT, &event) < 0)
		die("VIDIOC_DQEVENT: %s", strerror(errno));
}

static void decode(struct agent *agent, const struct dmabroker_record *plan, int fd)
{
	struct v4l2_pix_format pix = queue_format_of(plan, agent->name);
	bool begins = !agent->is_at_work;

	if (begins) {
		feed(agent, &pix);
		set_up_queue(agent, V4L2_BUF_TYPE_VIDEO_CAPTURE, plan);
	} else {
		take(&agent->coded);
		queue_put(&agent->coded, 0, -1);
	}
	queue_put(&agent->queue, 0, fd);
	if (begins)
		queue_start(&agent->queue);
	take(&agent->queue);
}

/* ---- DRM ---- */

/* A card that is on, and shows a picture of its own where it has nothing else to show. */
struct card {
	struct display display;
	uint32_t idle;
	uint32_t width, height;
	unsigned int users; /* of the one handle that all agents of a card have */
};

static struct card cards[16];

static void set_mode(struct display *display, uint32_t width, uint32_t height)
{
	drmModeModeInfo *mode = &display->mode;

	*mode = (drmModeModeInfo){.clock = (width + 64) * (height + 16) * 60 / 1000,
				  .hdisplay = (uint16_t)width,
				  .hsync_start = (uint16_t)(width + 16),
				  .hsync_end = (uint16_t)(width + 32),
				  .htotal = (uint16_t)(width + 64),
				  .vdisplay = (uint16_t)height,
				  .vsync_start = (uint16_t)(height + 4),
				  .vsync_end = (uint16_t)(height + 8),
				  .vtotal = (uint16_t)(height + 16),
				  .vrefresh = 60};
	snprintf(mode->name, sizeof(mode->name), "%ux%u", width, height);
}

static uint32_t create_idle(struct card *card)
{
	uint32_t handles[4] = {0}, pitches[4] = {0}, offsets[4] = {0}, framebuffer;
	uint64_t bytes;

	if (drmModeCreateDumbBuffer(card->display.fd, card->width, card->height, 32, 0, handles,
				    pitches, &bytes) < 0 ||
	    drmModeAddFB2(card->display.fd, card->width, card->height, DRM_FORMAT_XRGB8888, handles,
			  pitches, offsets, &framebuffer, 0) < 0)
		die("%s: no picture of its own: %s", card->display.node, strerror(errno));
	return framebuffer;
}

/* The card of an agent, on, with a mode of this size. */
static struct card *find_card(const struct agent *agent, uint32_t width, uint32_t height)
{
	struct card *card = cards;

	while (card->display.node[0] && strcmp(card->display.node, agent->node) != 0)
		card++;
	if (card == cards + sizeof(cards) / sizeof(cards[0]) - 1)
		die("too many displays");
	if (card->width == width && card->height == height)
		return card;
	if (!card->display.node[0]) {
		fflush(stdout);
		display_find(&card->display, agent->node, 640, 480);
	} else {
		display_switch_off(&card->display);
		card->display.on = false;
	}
	card->width = width;
	card->height = height;
	set_mode(&card->display, width, height);
	card->idle = create_idle(card);
	card_show(&card->display, card->idle);
	return card;
}

static void show(struct agent *agent, const struct dmabroker_record *plan, int fd)
{
	struct picture picture = picture_of_plan(plan);
	struct card *card = find_card(agent, picture.width, picture.height);

	if (!agent->is_at_work) {
		agent->framebuffer = card_add_framebuffer(&card->display, &picture, fd);
		/* the one handle that the card has for this memory */
		if (drmPrimeFDToHandle(card->display.fd, fd, &agent->handle) < 0)
			die("%s: cannot import a buffer: %s", agent->name, strerror(errno));
		card->users++;
	}
	if (agent->kind == KIND_WRITEBACK) {
		card_write_back(&card->display, agent->framebuffer);
	} else {
		card_show(&card->display, agent->framebuffer);
		card_show(&card->display, card->idle);
		card_wait_free(&card->display, agent->framebuffer);
	}
}

static void leave_card(struct agent *agent)
{
	struct card *card = cards;

	while (strcmp(card->display.node, agent->node) != 0)
		card++;
	card->users--;
	if (drmModeRmFB(card->display.fd, agent->framebuffer) < 0 ||
	    (!card->users && drmCloseBufferHandle(card->display.fd, agent->handle) < 0))
		die("%s: keeps the buffer: %s", agent->name, strerror(errno));
}

static void import(struct agent *agent, int fd)
{
	if (agent->is_at_work)
		return;
	agent->render = open_node(agent);
	if (drmPrimeFDToHandle(agent->render, fd, &agent->handle) < 0)
		die("%s: cannot import a buffer: %s", agent->name, strerror(errno));
}

/* ---- at work ---- */

static void touch(struct dmabroker_buffer *buffer, bool write)
{
	void *bytes;

	if (dmabroker_buffer_map(buffer, 0, &bytes) < 0)
		die("the buffer cannot be mapped");
	if (write)
		memset(bytes, 0x55, 4096);
	else
		(void)*(volatile uint8_t *)bytes;
}

void agent_use(struct agent *agent, const struct dmabroker_record *plan,
	       struct dmabroker_buffer *buffer, bool write)
{
	int fd = dmabroker_buffer_get_fd(buffer, 0);

	switch (agent->kind) {
	case KIND_CPU:
		touch(buffer, write);
		break;
	case KIND_CAMERA:
		stream(agent, V4L2_BUF_TYPE_VIDEO_CAPTURE, plan, fd);
		break;
	case KIND_OUTPUT:
		stream(agent, V4L2_BUF_TYPE_VIDEO_OUTPUT, plan, fd);
		break;
	case KIND_ENCODER:
		encode(agent, plan, fd);
		break;
	case KIND_DECODER:
		decode(agent, plan, fd);
		break;
	case KIND_DISPLAY:
	case KIND_WRITEBACK:
		show(agent, plan, fd);
		break;
	case KIND_RENDER:
		import(agent, fd);
		break;
	}
	agent->is_at_work = true;
}

void agent_leave(struct agent *agent)
{
	if (!agent->is_at_work)
		return;
	if (agent->kind == KIND_DISPLAY || agent->kind == KIND_WRITEBACK)
		leave_card(agent);
	else if (agent->kind == KIND_RENDER)
		close(agent->render);
	else if (agent->kind != KIND_CPU)
		leave_queue(agent);
	agent->is_at_work = false;
}
