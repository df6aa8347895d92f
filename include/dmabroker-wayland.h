/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker-wayland: what a Wayland compositor takes, and buffers of libdmabroker as wl_buffers,
 * by linux-dmabuf (zwp_linux_dmabuf_v1, version 4 or later; docs/helpers.md).
 *
 *	dmabroker_wayland_create -> wl_display_roundtrip -> the compositor's feedback is there
 *	dmabroker_wayland_declare -> it is said for a participant of role "render" or "scanout"
 *	dmabroker_wayland_create_buffer -> a wl_buffer
 *
 * Results, ownership and threads are as in dmabroker.h; what was wrong is said by
 * dmabroker_wayland_get_error_text. Events are handled when the display is dispatched, on the queue
 * of the zwp_linux_dmabuf_v1.
 */
#ifndef DMABROKER_WAYLAND_H
#define DMABROKER_WAYLAND_H

#include <dmabroker.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wl_buffer;
struct wl_surface;
struct zwp_linux_dmabuf_v1;

/* The feedback of a compositor, for one surface or in general, and what went wrong last. */
struct dmabroker_wayland;

/*
 * Asks for feedback. Borrows `dmabuf`, and `surface` (NULL: the feedback for no surface in
 * particular), until dmabroker_wayland_destroy. Returns owned; dmabroker_wayland_destroy frees it.
 * Errors: -EOPNOTSUPP (`dmabuf` is bound with a version below 4, which has no feedback), -ENOMEM.
 */
DMABROKER_API int dmabroker_wayland_create(struct zwp_linux_dmabuf_v1 *dmabuf,
					   struct wl_surface *surface,
					   struct dmabroker_wayland **ret_wayland);

/* Takes it (or NULL). wl_buffers stay; callbacks that are due are not called any more. */
DMABROKER_API void dmabroker_wayland_destroy(struct dmabroker_wayland *wayland);

/* What was wrong in the last call that failed, and what would be right, as a sentence. Returns
 * borrowed until the next call. */
DMABROKER_API const char *dmabroker_wayland_get_error_text(const struct dmabroker_wayland *wayland);

/*
 * How many times the compositor has sent its feedback; 0: not yet. The newest counts. When it grows
 * later on, other buffers would suit better: declare a new participant, and renegotiate.
 */
DMABROKER_API unsigned int
dmabroker_wayland_get_feedback_count(const struct dmabroker_wayland *wayland);

/*
 * Says for `participant` (of a request that is being made; borrowed) what the compositor takes, by
 * its role:
 *	"render"	the compositor draws with the buffer. Device: the render node of its main
 *			device, which must be able to import every buffer. Formats: of all tranches
 *	"scanout"	the compositor may show the buffer without drawing. Device: the card of the
 *			first scanout tranche's target device. Formats: of the scanout tranches of
 *			that device
 * Formats are in the compositor's order, those of scanout tranches first. An implicit modifier
 * (DRM_FORMAT_MOD_INVALID) is said as linear. A participant that has a `device` or `device-fd`
 * keeps it. Nobody tells which strides the device imports: `stride-align` becomes 256 bytes unless
 * the participant has one.
 *
 * Returns how many formats found no room in the list, which has 1024: never linear ones, as long as
 * there are others, and else the last.
 * Errors, nothing is said then: -EAGAIN (no feedback yet), -EPROTO (it was malformed), -EINVAL (the
 * record is no participant, or has another role), -EEXIST (it has formats already), -ENOENT (no
 * tranche is for scanout), -ENODEV (the device is no DRM device here, or has no such node).
 * -ENOMEM: part of it may have been said.
 */
DMABROKER_API int dmabroker_wayland_declare(struct dmabroker_wayland *wayland,
					    struct dmabroker_record *participant);

/*
 * `buffer` is returned owned; wl_buffer_destroy frees it. NULL: the compositor cannot use the
 * buffer, which dmabroker_collection_report wants to know.
 */
typedef void (*dmabroker_wayland_created_fn)(void *data, struct wl_buffer *buffer);

/*
 * Asks for a wl_buffer of a buffer as `participant` (a name of its plan) sees it; has `callback`
 * called once, from the dispatch of the display, with `data`, which stays the caller's. The
 * buffer's fds are borrowed for the call. The wl_buffer has the size of the plan's visible
 * rectangle where that begins in the top left corner, else the coded size.
 *
 * Each time, dmabroker_buffer_begin_access(buffer, participant, DMABROKER_ACCESS_READ) belongs
 * before the wl_surface.commit that attaches it, and dmabroker_buffer_end_access into the listener
 * of wl_buffer.release.
 *
 * Errors: -EAGAIN (no feedback yet), -EPROTO (it was malformed), -ENOENT (the plan has no such
 * participant), -EINVAL (the participant is no DRM device), -EOPNOTSUPP (the compositor does not
 * take that format and modifier), -EOVERFLOW (a number that the protocol cannot say), -ENOMEM.
 */
DMABROKER_API int dmabroker_wayland_create_buffer(struct dmabroker_wayland *wayland,
						  const struct dmabroker_buffer *buffer,
						  const char *participant,
						  dmabroker_wayland_created_fn callback,
						  void *data);

/*
 * The same without waiting for an answer: a compositor that cannot use the buffer ends the
 * connection with a protocol error. Returns owned; wl_buffer_destroy frees it.
 */
DMABROKER_API int dmabroker_wayland_create_buffer_now(struct dmabroker_wayland *wayland,
						      const struct dmabroker_buffer *buffer,
						      const char *participant,
						      struct wl_buffer **ret_buffer);

#ifdef __cplusplus
}
#endif

#endif
