/* SPDX-License-Identifier: MIT */
#include "tests/vm/members.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dmabroker-kms.h>
#include <dmabroker-v4l2.h>
#include <dmabroker.h>
#include <drm_fourcc.h>
#include <xf86drm.h>

#include "examples/die.h"
#include "examples/video.h"
#include "tests/vm/card.h"
#include "tests/vm/queue.h"

#define WAIT_MS 30000
#define MODE_WIDTH 640 /* the display that speaks; any mode will do */
#define MODE_HEIGHT 480
#define CODED_BUFFERS 2

struct command {
	enum member_command command;
	uint64_t number;
	char token[128];
};

static const struct {
	const char *name, *role;
	unsigned int camping;
} kinds[MEMBERS] = {
	[MEMBER_CAMERA] = {"camera", "capture", 2},
	[MEMBER_ENCODER] = {"encoder", "output", 1},
	[MEMBER_DISPLAY] = {"display", "scanout", 2},
};

const char *member_name(enum member_kind kind)
{
	return kinds[kind].name;
}

uint64_t members_sum(const struct picture *picture, const void *memory)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (uint32_t y = 0; y < picture->height; y++) {
		const uint32_t *row = (const void *)((const uint8_t *)memory + picture->offsets[0] +
						     (size_t)y * picture->strides[0]);

		for (uint32_t x = 0; x < picture->width; x++)
			sum = (sum ^ (row[x] & 0xffffff)) * 0x100000001b3;
	}
	return sum;
}

/* ---- in the member ---- */

struct member {
	enum member_kind kind;
	const char *wanted;
	struct dmabroker *broker;
	struct dmabroker_collection *collection;
	struct dmabroker_buffer *buffers[MEMBERS_BUFFERS_MAX]; /* that the device has */
	size_t count;
	unsigned int told[4]; /* events, by kind */

	struct video video;
	struct dmabroker_v4l2_queue *queue;
	struct queue coded;
	struct display display;
	struct dmabroker_kms *screen;
};

static int must(struct member *member, int result)
{
	if (result < 0)
		die("%s", dmabroker_get_error_text(member->broker));
	return result;
}

static void open_device(struct member *member, uint32_t width, uint32_t height)
{
	if (member->kind == MEMBER_CAMERA)
		video_find(&member->video, "camera", member->wanted, video_is_camera);
	else if (member->kind == MEMBER_ENCODER)
		video_find(&member->video, "encoder", member->wanted, video_is_encoder);
	else
		display_find(&member->display, member->wanted, width, height);
}

static int device_fd(const struct member *member)
{
	return member->kind == MEMBER_DISPLAY ? member->display.fd : member->video.fd;
}

/* Lets go of the buffers. */
static void close_device(struct member *member)
{
	dmabroker_v4l2_queue_destroy(member->queue);
	member->queue = NULL;
	if (member->kind == MEMBER_DISPLAY) {
		if (member->display.on)
			display_switch_off(&member->display);
		dmabroker_kms_destroy(member->screen);
		member->screen = NULL;
		drmDropMaster(member->display.fd);
	}
	close(device_fd(member));
	memset(&member->display, 0, sizeof(member->display));
}

static uint64_t inode_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static void wait_for(int fd, short events)
{
	struct pollfd pollfd = {.fd = fd, .events = events};

	if (poll(&pollfd, 1, WAIT_MS) != 1)
		die("nothing happens for %d ms", WAIT_MS);
}

/* ---- devices that have the buffers ---- */

static void import_camera(struct member *member)
{
	must(member, dmabroker_v4l2_queue_create(member->collection, "camera", member->video.fd,
						 &member->queue));
	for (size_t i = 0; i < member->count; i++)
		must(member, dmabroker_v4l2_queue_put(member->queue, member->buffers[i], NULL));
	must(member, dmabroker_v4l2_queue_start(member->queue));
}

static void import_encoder(struct member *member, const struct picture *picture)
{
	struct v4l2_pix_format coded = {.width = picture->width,
					.height = picture->height,
					.pixelformat = V4L2_PIX_FMT_FWHT};

	member->coded = (struct queue){"encoder", member->video.fd, V4L2_BUF_TYPE_VIDEO_CAPTURE,
				       V4L2_MEMORY_MMAP, 0};
	queue_set_format(&member->coded, &coded);
	must(member, dmabroker_v4l2_queue_create(member->collection, "encoder", member->video.fd,
						 &member->queue));
	queue_request(&member->coded, CODED_BUFFERS);
	for (unsigned int i = 0; i < CODED_BUFFERS; i++)
		queue_put(&member->coded, i, -1);
	must(member, dmabroker_v4l2_queue_start(member->queue));
	queue_start(&member->coded);
}

static void import_display(struct member *member, struct member_answer *answer)
{
	must(member, dmabroker_kms_create(member->collection, "display", member->display.fd,
					  &member->screen));
	for (size_t i = 0; i < member->count; i++)
		answer->inodes[i] = display_get_inode(
			&member->display,
			dmabroker_kms_get_framebuffer(member->screen, member->buffers[i]));
}

static void import(struct member *member, struct member_answer *answer)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(member->collection);
	struct picture picture = picture_of_plan(plan);

	close_device(member);
	open_device(member, picture.width, picture.height);
	member->count = dmabroker_collection_get_count(member->collection);
	for (size_t i = 0; i < member->count; i++)
		member->buffers[i] = dmabroker_collection_get_buffer(member->collection, i);
	if (member->kind == MEMBER_CAMERA)
		import_camera(member);
	else if (member->kind == MEMBER_ENCODER)
		import_encoder(member, &picture);
	else
		import_display(member, answer);
}

/* ---- pictures ---- */

static struct dmabroker_v4l2_frame take(struct member *member, short events)
{
	struct dmabroker_v4l2_frame frame;
	int error;

	while ((error = dmabroker_v4l2_queue_take(member->queue, &frame)) == -EAGAIN)
		wait_for(member->video.fd, events);
	must(member, error);
	/* the next one to have it is another process */
	must(member, dmabroker_buffer_release_to(frame.buffer, NULL));
	return frame;
}

/* Of V4L2 the inode is that of the fd which comes back with the picture. */
static void take_picture(struct member *member, struct member_answer *answer)
{
	struct dmabroker_v4l2_frame frame = take(member, POLLIN);

	answer->number = frame.index;
	answer->inodes[frame.index] = inode_of(frame.fd);
}

static void encode(struct member *member, size_t index, struct member_answer *answer)
{
	struct dmabroker_v4l2_frame frame;
	struct v4l2_buffer coded;

	must(member, dmabroker_v4l2_queue_put(member->queue, member->buffers[index], NULL));
	frame = take(member, POLLOUT);
	while (!queue_take(&member->coded, &coded))
		wait_for(member->video.fd, POLLIN);
	answer->number = coded.bytesused;
	answer->inodes[index] = inode_of(frame.fd);
	queue_put(&member->coded, coded.index, -1);
}

/* A buffer of the card's own. Returns its framebuffer. */
static uint32_t create_own(struct display *display, struct picture *picture, void **ret_memory)
{
	struct drm_mode_create_dumb create = {
		.width = picture->width, .height = picture->height, .bpp = 32};
	struct drm_mode_map_dumb map = {0};
	uint32_t framebuffer;
	int fd;

	if (drmIoctl(display->fd, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0)
		die("CREATE_DUMB: %s", strerror(errno));
	map.handle = create.handle;
	if (drmIoctl(display->fd, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0 ||
	    drmPrimeHandleToFD(display->fd, create.handle, DRM_CLOEXEC | DRM_RDWR, &fd) < 0)
		die("a buffer of the card's own: %s", strerror(errno));
	*ret_memory = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, display->fd,
			   (off_t)map.offset);
	if (*ret_memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	picture->strides[0] = create.pitch;
	picture->offsets[0] = 0;
	framebuffer = card_add_framebuffer(display, picture, fd);
	close(fd);
	return framebuffer;
}

static void show(struct member *member, size_t index, struct member_answer *answer)
{
	struct picture picture = picture_of_plan(dmabroker_buffer_get_plan(member->buffers[index]));
	struct display *display = &member->display;
	struct dmabroker_buffer *before;
	uint32_t framebuffer, own;
	void *memory;

	must(member,
	     dmabroker_kms_begin_flip(member->screen, member->buffers[index], &framebuffer));
	card_show(display, framebuffer);
	must(member, dmabroker_kms_end_flip(member->screen, &before));
	own = create_own(display, &picture, &memory);
	card_write_back(display, own);
	answer->number = members_sum(&picture, memory);
	munmap(memory, (size_t)picture.strides[0] * picture.height);
}

static void frame(struct member *member, size_t index, struct member_answer *answer)
{
	if (member->kind == MEMBER_CAMERA)
		take_picture(member, answer);
	else if (member->kind == MEMBER_ENCODER)
		encode(member, index, answer);
	else
		show(member, index, answer);
}

/* ---- the collection ---- */

static void on_event(void *data, struct dmabroker_collection *collection,
		     enum dmabroker_event event, uint32_t generation, const char *error,
		     const char *text)
{
	struct member *member = data;

	(void)collection, (void)generation, (void)error, (void)text;
	member->told[event]++;
}

static int bind_token(struct member *member, const char *token)
{
	int result = dmabroker_bind(member->broker, token, &member->collection);

	if (!result)
		dmabroker_collection_set_callback(member->collection, on_event, member);
	return result;
}

static int speak(struct member *member)
{
	struct dmabroker_record *request, *participant;
	int result;

	if (dmabroker_request_create(&request) < 0 ||
	    dmabroker_request_add_participant(request, kinds[member->kind].name,
					      kinds[member->kind].role, &participant) < 0 ||
	    dmabroker_record_set_fd(participant, "device-fd", device_fd(member)) < 0 ||
	    dmabroker_record_set_uint(participant, "camping", kinds[member->kind].camping) < 0)
		die("no request");
	result = dmabroker_collection_speak(member->collection, request);
	dmabroker_record_destroy(request);
	return result;
}

/* Of the newest generation. */
static void describe(struct member *member, struct member_answer *answer)
{
	const struct dmabroker_record *plan = dmabroker_collection_get_plan(member->collection);
	char *text = dmabroker_plan_describe(plan);

	answer->generation = dmabroker_collection_get_generation(member->collection);
	answer->count = (uint32_t)dmabroker_collection_get_count(member->collection);
	snprintf(answer->text, sizeof(answer->text), "%s", text ? text : "");
	free(text);
	for (uint32_t i = 0; i < answer->count; i++)
		answer->inodes[i] = dmabroker_buffer_get_inode(
			dmabroker_collection_get_buffer(member->collection, i), 0);
}

/* Each is told once. */
static int told(struct member *member, uint64_t event)
{
	while (!member->told[event]) {
		wait_for(dmabroker_get_fd(member->broker), POLLIN);
		if (dmabroker_dispatch(member->broker) < 0)
			die("the daemon is gone");
	}
	member->told[event] = 0;
	return 0;
}

static int obey(struct member *member, const struct command *command, struct member_answer *answer)
{
	int result;

	switch (command->command) {
	case MEMBER_BIND:
		return bind_token(member, command->token);
	case MEMBER_SPEAK:
		return speak(member);
	case MEMBER_WAIT:
		result = dmabroker_collection_wait(member->collection, (int)command->number);
		if (!result)
			describe(member, answer);
		return result;
	case MEMBER_IMPORT:
		import(member, answer);
		return 0;
	case MEMBER_FRAME:
		frame(member, command->number, answer);
		return 0;
	case MEMBER_TOLD:
		return told(member, command->number);
	case MEMBER_HAND_OVER:
		return dmabroker_collection_hand_over(member->collection);
	}
	return -EINVAL;
}

int members_main(int argc, char **argv)
{
	struct member member = {0};
	struct member_answer answer;
	struct command command;
	int socket;

	if (argc != 5 || strcmp(argv[1], "member") != 0)
		return 0;
	dup2(STDERR_FILENO, STDOUT_FILENO); /* TAP is not ours */
	member.kind = (enum member_kind)atoi(argv[2]);
	member.wanted = argv[3];
	socket = atoi(argv[4]);
	open_device(&member, MODE_WIDTH, MODE_HEIGHT);
	if (dmabroker_connect(NULL, &member.broker) < 0)
		die("no broker");
	while (recv(socket, &command, sizeof(command), 0) == sizeof(command)) {
		memset(&answer, 0, sizeof(answer));
		answer.result = obey(&member, &command, &answer);
		if (answer.result < 0)
			snprintf(answer.text, sizeof(answer.text), "%s",
				 dmabroker_get_error_text(member.broker));
		if (send(socket, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	close_device(&member);
	dmabroker_collection_release(member.collection);
	dmabroker_disconnect(member.broker);
	return 1;
}

/* ---- in the test ---- */

int member_start(enum member_kind kind, const char *wanted, int *ret_pid)
{
	char number[16], fd[16];
	int sockets[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	*ret_pid = fork();
	ck_assert_int_ge(*ret_pid, 0);
	if (*ret_pid == 0) {
		snprintf(number, sizeof(number), "%d", kind);
		snprintf(fd, sizeof(fd), "%d", dup(sockets[1])); /* without close-on-exec */
		execl("/proc/self/exe", "member", "member", number, wanted, fd, (char *)NULL);
		_exit(1);
	}
	close(sockets[1]);
	return sockets[0];
}

struct member_answer member_do(int socket, enum member_command command, uint64_t number,
			       const char *token)
{
	struct command say = {.command = command, .number = number};
	struct pollfd pollfd = {.fd = socket, .events = POLLIN};
	struct member_answer answer;

	snprintf(say.token, sizeof(say.token), "%s", token ? token : "");
	ck_assert_int_eq(send(socket, &say, sizeof(say), MSG_NOSIGNAL), sizeof(say));
	ck_assert_int_eq(poll(&pollfd, 1, 2 * WAIT_MS), 1);
	ck_assert_msg(recv(socket, &answer, sizeof(answer), 0) == sizeof(answer),
		      "a member has ended: command %d", command);
	return answer;
}
