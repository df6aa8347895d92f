/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker-va: buffers of libdmabroker as surfaces of VA (docs/helpers.md).
 *
 *	dmabroker_va_declare -> what a VA driver takes, said for a participant of role "render"
 *	dmabroker_va_import -> a buffer as a VASurfaceID
 *	dmabroker_va_describe -> its descriptor only
 *
 * Results, ownership and threads are as in dmabroker.h; what was wrong is said by
 * dmabroker_va_get_error_text.
 */
#ifndef DMABROKER_VA_H
#define DMABROKER_VA_H

#include <dmabroker.h>
#include <va/va.h>
#include <va/va_drmcommon.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A VA display, and what went wrong with it last. */
struct dmabroker_va;

/*
 * Borrows `display`, initialized, until dmabroker_va_destroy; NULL where only
 * dmabroker_va_describe is called. Returns owned; dmabroker_va_destroy frees it. Errors: -ENOMEM.
 */
DMABROKER_API int dmabroker_va_create(VADisplay display, struct dmabroker_va **ret_va);

/* Takes it (or NULL). Display and surfaces stay the caller's. */
DMABROKER_API void dmabroker_va_destroy(struct dmabroker_va *va);

/* What was wrong in the last call that failed, and what would be right, as a sentence. Returns
 * borrowed until the next call. */
DMABROKER_API const char *dmabroker_va_get_error_text(const struct dmabroker_va *va);

/*
 * Says for `participant` (of a request that is being made; borrowed) what the driver takes for
 * surfaces of `config`, as vaQuerySurfaceAttributes has it: `formats` in the driver's order, each
 * of linear layout, `width-min`, `width-max`, `height-min` and `height-max` (pixels). VA does not
 * tell which strides a driver imports: `stride-align` becomes 256 bytes unless the participant has
 * one. What VA names and DRM does not is left out. Its `device` and `role` are the caller's to say.
 *
 * Errors, nothing is said then: -EINVAL (the record is no participant, its role is not "render", or
 * there is no display), -EEXIST (it has formats already), -EOPNOTSUPP (the driver imports no
 * dma-bufs, or no format that DRM has), -EIO (the driver does not tell). -ENOMEM: part of it may
 * have been said.
 */
DMABROKER_API int dmabroker_va_declare(struct dmabroker_va *va, VAConfigID config,
				       struct dmabroker_record *participant);

/* How a descriptor names the planes. */
enum dmabroker_va_layers {
	DMABROKER_VA_LAYERS_COMPOSED = 0, /* one layer, with DRM's name of the whole picture */
	DMABROKER_VA_LAYERS_SEPARATE = 1  /* a layer for each plane: NV12 becomes R8 and GR88 */
};

/*
 * Fills a descriptor of memory type VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2 with a buffer as
 * `participant` (a name of its plan) sees it. Its fds are borrowed as long as the buffer; nobody
 * has to close them: "Backend driver will not close the file descriptor [...] releasing the fd will
 * not impact the existence of the surface" (libva 2.17, va_drmcommon.h).
 *
 * Errors: -ENOENT (the plan has no such participant), -EINVAL (the participant is no render node,
 * its view has no planes or more than 4, or `layers` is neither), -EOPNOTSUPP (VA has no name for
 * the format, or DRM none for planes that are to be separate), -EOVERFLOW (a number that a
 * descriptor cannot say).
 */
DMABROKER_API int dmabroker_va_describe(struct dmabroker_va *va,
					const struct dmabroker_buffer *buffer,
					const char *participant, enum dmabroker_va_layers layers,
					VADRMPRIMESurfaceDescriptor *ret_descriptor);

/*
 * The same, given to vaCreateSurfaces. Returns owned a surface; vaDestroySurfaces frees it. The
 * driver holds the memory until then, whatever becomes of the buffer. The surface says nothing of
 * who accesses it: dmabroker_buffer_begin_access before vaBeginPicture, dmabroker_buffer_end_access
 * after vaSyncSurface.
 *
 * Errors besides those: -EINVAL (there is no display, or the driver refuses the descriptor),
 * -EOPNOTSUPP (the driver has not this format or memory type), -ENOMEM, -EIO (other errors of the
 * driver).
 */
DMABROKER_API int dmabroker_va_import(struct dmabroker_va *va,
				      const struct dmabroker_buffer *buffer,
				      const char *participant, enum dmabroker_va_layers layers,
				      VASurfaceID *ret_surface);

#ifdef __cplusplus
}
#endif

#endif
