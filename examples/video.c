/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "die.h"
#include "video.h"

static int try_ioctl(int fd, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result;
}

static bool has_format(int fd, uint32_t type, uint32_t format)
{
	struct v4l2_fmtdesc description = {.type = type};

	for (; try_ioctl(fd, VIDIOC_ENUM_FMT, &description) == 0; description.index++)
		if (description.pixelformat == format)
			return true;
	return false;
}

bool video_is_camera(int fd, uint32_t capabilities)
{
	(void)fd;
	return (capabilities & V4L2_CAP_VIDEO_CAPTURE) && (capabilities & V4L2_CAP_STREAMING) &&
	       !(capabilities & V4L2_CAP_IO_MC);
}

bool video_is_encoder(int fd, uint32_t capabilities)
{
	return (capabilities & V4L2_CAP_VIDEO_M2M) &&
	       has_format(fd, V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_PIX_FMT_FWHT);
}

static bool open_if(struct video *video, const char *node, const char *name, video_suits_fn suits)
{
	struct v4l2_capability caps;

	video->fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (video->fd < 0)
		return false;
	if (try_ioctl(video->fd, VIDIOC_QUERYCAP, &caps) == 0 &&
	    suits(video->fd, caps.device_caps)) {
		snprintf(video->node, sizeof(video->node), "%s", node);
		snprintf(video->name, sizeof(video->name), "%s, %s", caps.card, caps.bus_info);
		if (strstr(video->name, name))
			return true;
	}
	close(video->fd);
	return false;
}

void video_find(struct video *video, const char *what, const char *wanted, video_suits_fn suits)
{
	bool is_node = wanted[0] == '/';
	bool found = is_node && open_if(video, wanted, "", suits);
	char node[64];

	for (unsigned int i = 0; !is_node && !found && i < 64; i++) {
		snprintf(node, sizeof(node), "/dev/video%u", i);
		found = open_if(video, node, wanted, suits);
	}
	if (!found)
		die("found no %s%s%s", what, *wanted ? " " : "", wanted);
	printf("%-8s %s (%s)\n", what, video->node, video->name);
}
