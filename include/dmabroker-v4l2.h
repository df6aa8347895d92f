/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker: the buffers of a collection in the queues of V4L2 devices.
 *
 *	dmabroker_v4l2_queue_create -> the format of the plan, room for the collection's buffers
 *	-> dmabroker_v4l2_queue_put, _start, _take: each hands the buffer over as well
 *	-> dmabroker_v4l2_queue_destroy
 *
 * Optional: whoever speaks to V4L2 himself needs the plan's view of the participant and
 * dmabroker_buffer_begin_access and _end_access, nothing from here. It covers what is shared; what
 * a driver keeps for itself (coded frames in buffers of its own, controls, commands, events) goes
 * to the same file descriptor as without it.
 *
 * The single- and the multi-planar API look the same from here; the plan says which one the device
 * has. Direction follows from the role: "capture" writes the buffers, "output" reads them.
 *
 * Results, ownership and threads as in dmabroker.h. The sentence to each error stands in
 * dmabroker_get_error_text of the collection's broker.
 */
#ifndef DMABROKER_V4L2_H
#define DMABROKER_V4L2_H

#include "dmabroker.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A queue of a V4L2 device with the buffers of one generation of a collection. */
struct dmabroker_v4l2_queue;

/* What V4L2 says of a buffer that it gives back: struct v4l2_buffer, both APIs alike. */
struct dmabroker_v4l2_frame {
	struct dmabroker_buffer *buffer; /* borrowed as from dmabroker_collection_get_buffer */
	uint32_t index;			 /* its place in the queue */
	uint32_t bytesused;		 /* bytes */
	uint32_t flags;			 /* V4L2_BUF_FLAG_*: ERROR (the picture is damaged), LAST */
	uint32_t field;			 /* enum v4l2_field */
	uint32_t sequence;		 /* of frames; a gap: some are lost */
	int64_t timestamp_us;		 /* microseconds, of the clock that `flags` tell */
	int fd;				 /* the dma-buf that the driver names: borrowed */
};

/*
 * Sets the format of the plan for `participant` on `fd`, an open V4L2 device (both borrowed):
 * VIDIOC_S_FMT with size, pixelformat, bytesperline, sizeimage, field and the plan's colour words.
 * What the driver makes of it must be the same; a smaller sizeimage is fine, and so are colours of
 * which the plan says nothing. V4L2 has no word for the transfer function "hlg": it is left to the
 * driver.
 *
 * Needed only where the order matters, as dmabroker_v4l2_queue_create does it: a codec that wants
 * both formats before the buffers of either queue.
 *
 * Errors: -ENOENT (the plan has no such participant, or there is no plan yet), -EINVAL (the
 * participant is no V4L2 device), -EOPNOTSUPP (a format that V4L2 cannot be told of, or pictures in
 * several memory objects), -EOVERFLOW (more bytes than V4L2 can name), -EPROTO (the driver makes
 * another format of it than it said when it was measured: the sentence names what differs), or
 * the ioctl's own (-EBUSY: buffers are there already, or another program streams).
 */
DMABROKER_API int dmabroker_v4l2_set_format(struct dmabroker_collection *collection,
					    const char *participant, int fd);

/*
 * Begins the queue of `participant` on `fd` for the newest generation of the collection: sets the
 * format as dmabroker_v4l2_set_format unless it stands already, and has VIDIOC_REQBUFS make room
 * for its buffers (V4L2_MEMORY_DMABUF; the driver allocates none). Borrows `participant`; `fd` and
 * the collection are borrowed until dmabroker_v4l2_queue_destroy. Returns owned.
 *
 * The place of a buffer in the queue (the V4L2 index) is its place among the participant's buffers,
 * which is that in the collection unless participants are split. It stays the same, as vb2 keeps a
 * mapping only while the same memory comes at the same index (videobuf2-core.c,
 * __prepare_dmabuf(), Linux 6.12).
 *
 * A queue belongs to one generation. After a renegotiation: stop it (the device lets go of the old
 * buffers), destroy it, create one for the new generation; all that before
 * dmabroker_collection_hand_over, which frees the old buffers.
 *
 * Errors: as dmabroker_v4l2_set_format, and -ENOBUFS (the driver takes fewer buffers than there
 * are), -ENOMEM. Nothing is left behind in the device but the format.
 */
DMABROKER_API int dmabroker_v4l2_queue_create(struct dmabroker_collection *collection,
					      const char *participant, int fd,
					      struct dmabroker_v4l2_queue **ret_queue);

/*
 * Takes the queue (or NULL): stops it, which ends the accesses of all buffers in it, and has
 * VIDIOC_REQBUFS end the device's mappings. To be called while `fd` is open and before the
 * collection is released. If the device is gone the accesses end all the same.
 */
DMABROKER_API void dmabroker_v4l2_queue_destroy(struct dmabroker_v4l2_queue *queue);

/* Returns borrowed as dmabroker_collection_get_buffer: the buffer at a place of the queue, from 0;
 * NULL behind the last. */
DMABROKER_API struct dmabroker_buffer *
dmabroker_v4l2_queue_get_buffer(const struct dmabroker_v4l2_queue *queue, size_t index);

/*
 * Hands a buffer to the device: dmabroker_buffer_begin_access, then VIDIOC_QBUF. If that fails, the
 * access is ended again. Borrows both. `frame` says what an output queue is told of the picture:
 * bytesused (0: all of it), field and timestamp_us; NULL: all of it, the plan's field, no
 * timestamp. A frame that was taken from one queue can go into the next as it is.
 *
 * Errors: -ENOENT (not a buffer of this queue), those of dmabroker_buffer_begin_access (-EBUSY:
 * somebody else still has the buffer; -EALREADY: it is in the queue), or the ioctl's own. -EFAULT
 * and -EINVAL of the first QBUF mean that the device refuses the memory:
 * dmabroker_collection_report tells the broker.
 */
DMABROKER_API int dmabroker_v4l2_queue_put(struct dmabroker_v4l2_queue *queue,
					   struct dmabroker_buffer *buffer,
					   const struct dmabroker_v4l2_frame *frame);

/* The same, and notes where in the program that was: as dmabroker_buffer_begin_access_at. */
DMABROKER_API int dmabroker_v4l2_queue_put_at(struct dmabroker_v4l2_queue *queue,
					      struct dmabroker_buffer *buffer,
					      const struct dmabroker_v4l2_frame *frame,
					      const char *file, int line);

/* Debug mode, as in dmabroker.h. */
#ifdef DMABROKER_DEBUG
#define dmabroker_v4l2_queue_put(queue, buffer, frame) \
	dmabroker_v4l2_queue_put_at((queue), (buffer), (frame), __FILE__, __LINE__)
#endif

/*
 * Takes a buffer back that the device is done with: VIDIOC_DQBUF, then
 * dmabroker_buffer_end_access. Waits for one if `fd` was opened without O_NONBLOCK.
 *
 * Errors: -EAGAIN (there is none yet: poll for POLLIN, of an output queue for POLLOUT), -EINTR (a
 * signal came while it waited), -EPIPE (the last one of a stream has been taken:
 * V4L2_BUF_FLAG_LAST), -EINVAL (not streaming), or another of the ioctl's own; or
 * dmabroker_buffer_end_access's own, then the buffer is out of the queue all the same.
 */
DMABROKER_API int dmabroker_v4l2_queue_take(struct dmabroker_v4l2_queue *queue,
					    struct dmabroker_v4l2_frame *ret_frame);

/* VIDIOC_STREAMON. Errors: the ioctl's own. */
DMABROKER_API int dmabroker_v4l2_queue_start(struct dmabroker_v4l2_queue *queue);

/*
 * VIDIOC_STREAMOFF: the device gives back all buffers, done or not, started or not, and their
 * accesses end. What is in them is of no use, to whatever the device has not given back before.
 * Errors: the ioctl's own (then nothing has changed), or dmabroker_buffer_end_access's own of one
 * of them (all have ended all the same).
 */
DMABROKER_API int dmabroker_v4l2_queue_stop(struct dmabroker_v4l2_queue *queue);

#ifdef __cplusplus
}
#endif

#endif
