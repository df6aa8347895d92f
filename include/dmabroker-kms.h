/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker: the buffers of a collection as framebuffers of a DRM device.
 *
 *	dmabroker_kms_create -> a framebuffer for each buffer
 *	-> dmabroker_kms_begin_flip, the caller's own commit, its event, dmabroker_kms_end_flip
 *	-> dmabroker_kms_destroy
 *
 * Optional, and no modesetting: which connector, mode and plane, and the commits themselves, are
 * the caller's. This knows what lies where in a buffer, and when a buffer changes hands. Needs no
 * DRM master; but only a primary node has framebuffers.
 *
 * Results, ownership and threads as in dmabroker.h. The sentence to each error stands in
 * dmabroker_get_error_text of the collection's broker.
 */
#ifndef DMABROKER_KMS_H
#define DMABROKER_KMS_H

#include "dmabroker.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The framebuffers of one generation of a collection, and which of them is on the screen. */
struct dmabroker_kms;

/*
 * Makes a framebuffer of each buffer of the newest generation, by the view of `participant` (a
 * scanout or a writeback connector) on `fd`, an open primary node: DRM_IOCTL_PRIME_FD_TO_HANDLE and
 * DRM_IOCTL_MODE_ADDFB2, with the modifier where the device can be told of one
 * (DRM_CAP_ADDFB2_MODIFIERS) or the plan's is not linear. All or none. Borrows `participant`; `fd`
 * and the collection are borrowed until dmabroker_kms_destroy. Returns owned.
 *
 * No handles stay open: a framebuffer holds its memory by itself (drm_gem_framebuffer_helper.c,
 * drm_gem_fb_init_with_funcs(), Linux 6.12), and each handle is closed as soon as there is one. A
 * file has one handle for a dma-buf, however often it is imported (drm_prime.c,
 * drm_gem_prime_fd_to_handle()), and the first GEM_CLOSE ends it for all: a program that imports
 * the same buffers on the same `fd` itself (GBM does) has to do so afterwards.
 *
 * A struct dmabroker_kms belongs to one generation. After a renegotiation create one for the new
 * generation, flip to a buffer of it, and destroy the old one before
 * dmabroker_collection_hand_over, which frees the old buffers.
 *
 * Errors: -ENOENT (the plan has no such participant, or there is no plan yet), -EINVAL (the
 * participant is no display), -EOPNOTSUPP (a format that DRM cannot be told of), -EOVERFLOW (an
 * offset that DRM cannot name), -EPROTO (a plane in memory that is not there), -ENOMEM, or the
 * ioctl's own (of PRIME_FD_TO_HANDLE: the device refuses the memory, and
 * dmabroker_collection_report tells the broker).
 */
DMABROKER_API int dmabroker_kms_create(struct dmabroker_collection *collection,
				       const char *participant, int fd,
				       struct dmabroker_kms **ret_kms);

/*
 * Takes it (or NULL): removes the framebuffers, which switches off a plane that still shows one,
 * and ends the accesses of what was on the screen or on the way to it. To be called while `fd` is
 * open and before the collection is released.
 */
DMABROKER_API void dmabroker_kms_destroy(struct dmabroker_kms *kms);

/*
 * The id of a buffer's framebuffer, for FB_ID or WRITEBACK_FB_ID; 0 where the buffer is none of
 * its. Borrows both. A writeback connector needs no more than this:
 * dmabroker_buffer_begin_access(DMABROKER_ACCESS_WRITE) before the commit, and
 * dmabroker_buffer_end_access when the fence of WRITEBACK_OUT_FENCE_PTR has signalled.
 */
DMABROKER_API uint32_t dmabroker_kms_get_framebuffer(const struct dmabroker_kms *kms,
						     const struct dmabroker_buffer *buffer);

/*
 * Says that the buffer is about to be shown: dmabroker_buffer_begin_access, for reading. Then the
 * caller commits `*ret_framebuffer`. What is on the screen may be shown again. Borrows both.
 * Errors: -ENOENT (none of its buffers), -EINVAL (the participant does not show pictures: it is a
 * writeback connector), -EBUSY (another one is on the way already), or those of
 * dmabroker_buffer_begin_access.
 */
DMABROKER_API int dmabroker_kms_begin_flip(struct dmabroker_kms *kms,
					   struct dmabroker_buffer *buffer,
					   uint32_t *ret_framebuffer);

/* The same, and notes where in the program that was: as dmabroker_buffer_begin_access_at. */
DMABROKER_API int dmabroker_kms_begin_flip_at(struct dmabroker_kms *kms,
					      struct dmabroker_buffer *buffer,
					      uint32_t *ret_framebuffer, const char *file,
					      int line);

/* Debug mode, as in dmabroker.h. */
#ifdef DMABROKER_DEBUG
#define dmabroker_kms_begin_flip(kms, buffer, ret_framebuffer) \
	dmabroker_kms_begin_flip_at((kms), (buffer), (ret_framebuffer), __FILE__, __LINE__)
#endif

/*
 * Says that the flip has happened (its event came, or a blocking commit returned): what was on the
 * screen before is not any more, and its access ends. Returns borrowed, as
 * dmabroker_collection_get_buffer, that buffer; NULL: there was none, or the same one is shown
 * again. Errors: -EINVAL (no flip is on the way), or dmabroker_buffer_end_access's own (the flip
 * is noted all the same).
 */
DMABROKER_API int dmabroker_kms_end_flip(struct dmabroker_kms *kms,
					 struct dmabroker_buffer **ret_before);

/* Says that the commit has failed: the buffer that was on the way is not shown, and its access
 * ends. Errors: as dmabroker_kms_end_flip. */
DMABROKER_API int dmabroker_kms_cancel_flip(struct dmabroker_kms *kms);

/* Says that the screen has been switched off: the accesses of what was on it and on the way to it
 * end. The framebuffers stay. Errors: dmabroker_buffer_end_access's own (both have ended all the
 * same). */
DMABROKER_API int dmabroker_kms_stop(struct dmabroker_kms *kms);

#ifdef __cplusplus
}
#endif

#endif
