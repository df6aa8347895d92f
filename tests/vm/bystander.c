/* SPDX-License-Identifier: MIT */
/*
 * Clients that a probe must not disturb, and what they notice of it.
 *
 * usage: bystander master CARD SECONDS     shows pictures as a compositor does, master all the
 * time; ends earlier by SIGTERM bystander starter NODE TIMES      starts and stops a camera again
 * and again bystander compositor CARD TIMES   opens a card, becomes master, shows a picture, ends
 *        bystander clock - SECONDS         touches nothing and looks how long the machine stands
 * still; ends earlier by SIGTERM
 *
 * Each prints one line: how often it did its work, and how many tries the hardest start needed
 * (1: the first succeeded). A try is repeated after PAUSE_MS, at most TRIES_MAX times. Anything
 * else that fails ends it with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#define PAUSE_MS 5
#define TRIES_MAX 200
#define FRAME_MS 20000

static volatile sig_atomic_t told_to_end;

static void on_sigterm(int number)
{
	(void)number;
	told_to_end = 1;
}

static int complain(const char *what)
{
	fprintf(stderr, "bystander: %s: %s\n", what, strerror(errno));
	return -1;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- a display ---- */

struct display {
	int fd;
	uint32_t crtc, connector, framebuffer, handle;
	drmModeModeInfo mode;
};

static int find_output(struct display *display)
{
	drmModeRes *resources = drmModeGetResources(display->fd);
	int found = -1;

	if (!resources)
		return complain("GETRESOURCES");
	for (int i = 0; i < resources->count_connectors && found < 0; i++) {
		drmModeConnector *connector =
			drmModeGetConnector(display->fd, resources->connectors[i]);

		if (connector && connector->connection == DRM_MODE_CONNECTED &&
		    connector->count_modes && resources->count_crtcs) {
			display->crtc = resources->crtcs[0];
			display->connector = connector->connector_id;
			display->mode = connector->modes[0];
			found = 0;
		}
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(resources);
	return found < 0 ? complain("no connector") : 0;
}

static int make_picture(struct display *display)
{
	struct drm_mode_create_dumb create = {
		.width = display->mode.hdisplay, .height = display->mode.vdisplay, .bpp = 32};

	if (drmIoctl(display->fd, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0)
		return complain("CREATE_DUMB");
	display->handle = create.handle;
	if (drmModeAddFB(display->fd, create.width, create.height, 24, 32, create.pitch,
			 create.handle, &display->framebuffer) < 0)
		return complain("ADDFB");
	return 0;
}

static int show(struct display *display)
{
	if (drmModeSetCrtc(display->fd, display->crtc, display->framebuffer, 0, 0,
			   &display->connector, 1, &display->mode) < 0)
		return complain("SETCRTC");
	return 0;
}

/* Opening makes the first comer master. Who comes second asks for it. Returns the tries. */
static int become_master(const struct display *display)
{
	for (int tries = 1; tries <= TRIES_MAX; tries++) {
		if (drmIsMaster(display->fd) || drmSetMaster(display->fd) == 0)
			return tries;
		pause_ms(PAUSE_MS);
	}
	return complain("SET_MASTER");
}

static int start_display(const char *card, struct display *display)
{
	int tries;

	*display = (struct display){.fd = open(card, O_RDWR | O_CLOEXEC)};
	if (display->fd < 0)
		return complain(card);
	tries = become_master(display);
	if (tries < 0 || find_output(display) < 0 || make_picture(display) < 0 || show(display) < 0)
		return -1;
	return tries;
}

static int be_master(const char *card, int seconds)
{
	struct display display;
	double end = now_s() + seconds;
	int tries = start_display(card, &display);
	unsigned int pictures = 0;

	if (tries < 0)
		return 1;
	printf("shows\n");
	fflush(stdout);
	for (; now_s() < end && !told_to_end; pictures++) {
		if (!drmIsMaster(display.fd)) {
			fprintf(stderr, "bystander: no master any more after %u pictures\n",
				pictures);
			return 1;
		}
		if (show(&display) < 0)
			return 1;
		pause_ms(20);
	}
	printf("pictures %u tries %d\n", pictures, tries);
	return 0;
}

static int be_compositor(const char *card, int times)
{
	int hardest = 1;

	for (int i = 0; i < times; i++) {
		struct display display;
		int tries = start_display(card, &display);

		if (tries < 0)
			return 1;
		hardest = tries > hardest ? tries : hardest;
		close(display.fd);
	}
	printf("starts %d tries %d\n", times, hardest);
	return 0;
}

/* ---- a camera ---- */

#define CAPTURE V4L2_BUF_TYPE_VIDEO_CAPTURE

/* As any program that knows that a camera may be in use for a moment. Returns the tries. */
static int set_up(int fd)
{
	struct v4l2_format format = {.type = CAPTURE};
	struct v4l2_requestbuffers request;

	for (int tries = 1; tries <= TRIES_MAX; tries++) {
		request = (struct v4l2_requestbuffers){
			.count = 3, .type = CAPTURE, .memory = V4L2_MEMORY_MMAP};
		if (ioctl(fd, VIDIOC_G_FMT, &format) == 0 &&
		    ioctl(fd, VIDIOC_S_FMT, &format) == 0 &&
		    ioctl(fd, VIDIOC_REQBUFS, &request) == 0)
			return tries;
		if (errno != EBUSY)
			return complain("setting up");
		pause_ms(PAUSE_MS);
	}
	return complain("setting up");
}

static int take_a_frame(int fd)
{
	struct v4l2_buffer buffer = {.type = CAPTURE, .memory = V4L2_MEMORY_MMAP};
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int type = CAPTURE;

	for (buffer.index = 0; buffer.index < 3; buffer.index++)
		if (ioctl(fd, VIDIOC_QBUF, &buffer) < 0)
			return complain("QBUF");
	if (ioctl(fd, VIDIOC_STREAMON, &type) < 0)
		return complain("STREAMON");
	if (poll(&pollfd, 1, FRAME_MS) <= 0)
		return complain("no frame");
	return ioctl(fd, VIDIOC_DQBUF, &buffer) < 0 ? complain("DQBUF") : 0;
}

static int be_starter(const char *node, int times)
{
	int hardest = 1;

	for (int i = 0; i < times; i++) {
		int fd = open(node, O_RDWR | O_CLOEXEC), tries;

		if (fd < 0)
			return complain(node) ? 1 : 0;
		tries = set_up(fd);
		if (tries < 0 || take_a_frame(fd) < 0)
			return 1;
		hardest = tries > hardest ? tries : hardest;
		close(fd);
	}
	printf("starts %d tries %d\n", times, hardest);
	return 0;
}

/* ---- the machine itself ---- */

static int be_clock(int seconds)
{
	double begin = now_s(), last = begin, longest = 0, now;

	for (now = last; now < begin + seconds && !told_to_end; last = now) {
		pause_ms(10);
		now = now_s();
		longest = now - last > longest ? now - last : longest;
	}
	printf("longest pause %.0f ms\n", longest * 1000);
	return 0;
}

int main(int argc, char **argv)
{
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_sigterm, .sa_flags = SA_RESTART},
		  NULL);
	if (argc == 4 && strcmp(argv[1], "clock") == 0)
		return be_clock(atoi(argv[3]));
	if (argc == 4 && strcmp(argv[1], "master") == 0)
		return be_master(argv[2], atoi(argv[3]));
	if (argc == 4 && strcmp(argv[1], "starter") == 0)
		return be_starter(argv[2], atoi(argv[3]));
	if (argc == 4 && strcmp(argv[1], "compositor") == 0)
		return be_compositor(argv[2], atoi(argv[3]));
	fprintf(stderr, "usage: bystander master|starter|compositor|clock NODE SECONDS-OR-TIMES\n");
	return 2;
}
