/* SPDX-License-Identifier: MIT */
/*
 * A camera and the CPU: takes some frames and writes them to a file as they lie in memory. The
 * camera decides on the format; the broker on the memory and the layout, which suit the camera and
 * can be read by the CPU at full speed.
 *
 * usage: v4l2-capture DEVICE WIDTHxHEIGHT FRAMES FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <dmabroker-v4l2.h>
#include <dmabroker.h>

#include "die.h"

#define WAIT_MS 5000

static struct dmabroker *broker;

static void must(int result)
{
	if (result < 0)
		die("%s", dmabroker_get_error_text(broker));
}

/* Two buffers for the camera, one for us. */
static struct dmabroker_collection *allocate(const char *device, unsigned int width,
					     unsigned int height)
{
	struct dmabroker_record *request, *camera, *cpu;
	struct dmabroker_collection *collection;

	if (dmabroker_request_create(&request) < 0 ||
	    dmabroker_record_set_uint(request, "width", width) < 0 ||
	    dmabroker_record_set_uint(request, "height", height) < 0 ||
	    dmabroker_request_add_participant(request, "camera", "capture", &camera) < 0 ||
	    dmabroker_record_set_string(camera, "device", device) < 0 ||
	    dmabroker_record_set_uint(camera, "camping", 2) < 0 ||
	    dmabroker_request_add_participant(request, "cpu", "cpu", &cpu) < 0 ||
	    dmabroker_record_set_string(cpu, "cpu-access", "often") < 0 ||
	    dmabroker_record_set_uint(cpu, "camping", 1) < 0)
		die("no such request");
	must(dmabroker_allocate(broker, request, &collection));
	dmabroker_record_destroy(request);
	return collection;
}

/* Through a copy: not every file system can write straight from the memory of a device. */
static void write_frame(const struct dmabroker_v4l2_frame *frame, void *copy, FILE *file)
{
	void *pixels;

	must(dmabroker_buffer_map(frame->buffer, 0, &pixels));
	must(dmabroker_buffer_begin_access(frame->buffer, "cpu", DMABROKER_ACCESS_READ));
	memcpy(copy, pixels, frame->bytesused);
	must(dmabroker_buffer_end_access(frame->buffer, "cpu"));
	fwrite(copy, frame->bytesused, 1, file);
	printf("frame %u: %u bytes, at %lld us\n", frame->sequence, frame->bytesused,
	       (long long)frame->timestamp_us);
}

/* Answers whether the frame is whole. */
static bool take_frame(struct dmabroker_v4l2_queue *queue, int fd,
		       struct dmabroker_v4l2_frame *frame)
{
	struct pollfd poll_camera = {.fd = fd, .events = POLLIN};
	int error;

	while ((error = dmabroker_v4l2_queue_take(queue, frame)) == -EAGAIN)
		if (poll(&poll_camera, 1, WAIT_MS) == 0)
			die("no frame for %d ms", WAIT_MS);
	must(error);
	return !(frame->flags & V4L2_BUF_FLAG_ERROR);
}

static void capture(struct dmabroker_collection *collection, int fd, unsigned int frames,
		    FILE *file)
{
	size_t bytes =
		dmabroker_buffer_get_bytes(dmabroker_collection_get_buffer(collection, 0), 0);
	struct dmabroker_v4l2_queue *queue;
	struct dmabroker_v4l2_frame frame;
	struct dmabroker_buffer *buffer;
	void *copy = malloc(bytes);

	if (!copy)
		die("no memory");
	must(dmabroker_v4l2_queue_create(collection, "camera", fd, &queue));
	for (size_t i = 0; (buffer = dmabroker_v4l2_queue_get_buffer(queue, i)); i++)
		must(dmabroker_v4l2_queue_put(queue, buffer, NULL));
	must(dmabroker_v4l2_queue_start(queue));
	while (frames) {
		if (take_frame(queue, fd, &frame)) {
			write_frame(&frame, copy, file);
			frames--;
		}
		must(dmabroker_v4l2_queue_put(queue, frame.buffer, NULL));
	}
	dmabroker_v4l2_queue_destroy(queue);
	free(copy);
}

int main(int argc, char **argv)
{
	unsigned int width, height, frames;
	struct dmabroker_collection *collection;
	char *plan;
	FILE *file;
	int fd;

	if (argc != 5 || sscanf(argv[2], "%ux%u", &width, &height) != 2 ||
	    sscanf(argv[3], "%u", &frames) != 1)
		die("usage: v4l2-capture DEVICE WIDTHxHEIGHT FRAMES FILE");
	fd = open(argv[1], O_RDWR | O_CLOEXEC | O_NONBLOCK);
	file = fopen(argv[4], "w");
	if (fd < 0 || !file)
		die("%s: %s", fd < 0 ? argv[1] : argv[4], strerror(errno));
	if (dmabroker_connect(NULL, &broker) < 0)
		die("there is no broker");
	collection = allocate(argv[1], width, height);
	plan = dmabroker_plan_describe(dmabroker_collection_get_plan(collection));
	printf("%s\n", plan ? plan : "");
	free(plan);
	capture(collection, fd, frames, file);
	dmabroker_collection_release(collection);
	dmabroker_disconnect(broker);
	close(fd);
	if (fclose(file))
		die("%s: %s", argv[4], strerror(errno));
	return 0;
}
