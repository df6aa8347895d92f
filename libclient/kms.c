/* SPDX-License-Identifier: MIT */
/* The buffers of a collection as framebuffers, and which of them a display reads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "dmabroker-kms.h"
#include "libclient/part.h"

#define MEMORY_MAX 4
#define NONE (-1)

struct dmabroker_kms {
	struct part part;
	int fd;			/* borrowed */
	uint32_t *framebuffers; /* by place in the part; 0: none */
	int shown, next;	/* places in the part; NONE: none */
};

static int fail(const struct part *part, int error, const char *what)
{
	return handle_fail(part->broker, error, "%s: %s: %s", part->name, what, strerror(-error));
}

/* ---- framebuffers ---- */

static int refuse_view(const struct part *part)
{
	const struct view *view = part->view;

	if (view->role != ROLE_SCANOUT && view->role != ROLE_WRITEBACK)
		return handle_fail(part->broker, -EINVAL,
				   "%s is no display: its role is %s, not scanout or writeback",
				   part->name, vocab_role_names[view->role]);
	if (!vocab_has(view, VIEW_DRM_FORMAT) || !view->drm_planes.len)
		return handle_fail(part->broker, -EOPNOTSUPP, "the plan has no DRM format for %s",
				   part->name);
	return 0;
}

/* The arguments of ADDFB2, by plane. */
struct planes {
	uint32_t handles[4], strides[4], offsets[4];
	uint64_t modifiers[4];
};

/* `handles` by memory object. */
static int fill_planes(const struct part *part, const uint32_t handles[MEMORY_MAX],
		       struct planes *planes)
{
	const struct vocab_dicts *list = &part->view->drm_planes;

	memset(planes, 0, sizeof(*planes));
	for (size_t i = 0; i < list->len && i < 4; i++) {
		const struct plane *plane = (const struct plane *)list->items[i];

		if (plane->offset > UINT32_MAX)
			return handle_fail(part->broker, -EOVERFLOW,
					   "%s: DRM cannot name an offset of %llu bytes",
					   part->name, (unsigned long long)plane->offset);
		if (plane->memory >= MEMORY_MAX || !handles[plane->memory])
			return handle_fail(part->broker, -EPROTO,
					   "%s: plane %zu lies in memory object %u, which is not "
					   "there",
					   part->name, i, plane->memory);
		planes->handles[i] = handles[plane->memory];
		planes->strides[i] = plane->stride;
		planes->offsets[i] = (uint32_t)plane->offset;
		planes->modifiers[i] = part->view->drm_modifier;
	}
	return 0;
}

/* A driver that cannot be told of modifiers takes what it is given for linear. */
static bool tells_modifier(const struct dmabroker_kms *kms)
{
	uint64_t modifier = kms->part.view->drm_modifier, can = 0;

	if (modifier == DRM_FORMAT_MOD_INVALID)
		return false;
	if (drmGetCap(kms->fd, DRM_CAP_ADDFB2_MODIFIERS, &can) < 0)
		can = 0;
	return can || modifier != DRM_FORMAT_MOD_LINEAR;
}

static int add_framebuffer(const struct dmabroker_kms *kms, const uint32_t handles[MEMORY_MAX],
			   uint32_t *ret_framebuffer)
{
	const struct part *part = &kms->part;
	bool tells = tells_modifier(kms);
	struct planes planes;
	int error = fill_planes(part, handles, &planes);

	if (error)
		return error;
	if (drmModeAddFB2WithModifiers(kms->fd, part->plan->width, part->plan->height,
				       part->view->drm_format, planes.handles, planes.strides,
				       planes.offsets, tells ? planes.modifiers : NULL,
				       ret_framebuffer, tells ? DRM_MODE_FB_MODIFIERS : 0) < 0)
		return fail(part, -errno, "DRM_IOCTL_MODE_ADDFB2");
	return 0;
}

static int import(const struct dmabroker_kms *kms, const struct dmabroker_buffer *buffer,
		  uint32_t handles[MEMORY_MAX])
{
	for (size_t i = 0; i < dmabroker_buffer_get_memory_count(buffer) && i < MEMORY_MAX; i++)
		if (drmPrimeFDToHandle(kms->fd, dmabroker_buffer_get_fd(buffer, i), &handles[i]) <
		    0) {
			handles[i] = 0;
			return fail(&kms->part, -errno, "DRM_IOCTL_PRIME_FD_TO_HANDLE");
		}
	return 0;
}

/* Memory objects that are one dma-buf have one handle. */
static void close_handles(const struct dmabroker_kms *kms, const uint32_t handles[MEMORY_MAX])
{
	for (size_t i = 0; i < MEMORY_MAX; i++) {
		bool closed = !handles[i];

		for (size_t j = 0; j < i && !closed; j++)
			closed = handles[j] == handles[i];
		if (!closed)
			drmCloseBufferHandle(kms->fd, handles[i]);
	}
}

static int add(struct dmabroker_kms *kms, size_t index)
{
	uint32_t handles[MEMORY_MAX] = {0};
	int error = import(kms, kms->part.buffers[index], handles);

	if (!error)
		error = add_framebuffer(kms, handles, &kms->framebuffers[index]);
	close_handles(kms, handles);
	return error;
}

static int add_all(struct dmabroker_kms *kms, struct dmabroker_collection *collection,
		   const char *participant)
{
	int error = part_init(&kms->part, collection, participant);

	if (!error)
		error = refuse_view(&kms->part);
	if (error)
		return error;
	kms->framebuffers = calloc(kms->part.buffers_len ? kms->part.buffers_len : 1,
				   sizeof(kms->framebuffers[0]));
	if (!kms->framebuffers)
		return fail(&kms->part, -ENOMEM, "the framebuffers");
	for (size_t i = 0; i < kms->part.buffers_len && !error; i++)
		error = add(kms, i);
	return error;
}

int dmabroker_kms_create(struct dmabroker_collection *collection, const char *participant, int fd,
			 struct dmabroker_kms **ret_kms)
{
	struct dmabroker_kms *kms = calloc(1, sizeof(*kms));
	int error;

	if (!kms)
		return handle_fail(collection->broker, -ENOMEM, "no memory for framebuffers");
	kms->fd = fd;
	kms->shown = kms->next = NONE;
	error = add_all(kms, collection, participant);
	if (!error)
		*ret_kms = kms;
	else
		dmabroker_kms_destroy(kms);
	return error;
}

/* The display has let go of a buffer only when its framebuffer is gone. */
void dmabroker_kms_destroy(struct dmabroker_kms *kms)
{
	if (!kms)
		return;
	for (size_t i = 0; kms->framebuffers && i < kms->part.buffers_len; i++)
		if (kms->framebuffers[i])
			drmModeRmFB(kms->fd, kms->framebuffers[i]);
	dmabroker_kms_stop(kms);
	free(kms->framebuffers);
	part_finish(&kms->part);
	free(kms);
}

uint32_t dmabroker_kms_get_framebuffer(const struct dmabroker_kms *kms,
				       const struct dmabroker_buffer *buffer)
{
	int index = part_find(&kms->part, buffer);

	return index < 0 ? 0 : kms->framebuffers[index];
}

/* ---- what is shown ---- */

int dmabroker_kms_begin_flip_at(struct dmabroker_kms *kms, struct dmabroker_buffer *buffer,
				uint32_t *ret_framebuffer, const char *file, int line)
{
	const struct part *part = &kms->part;
	int error, index = part_find(part, buffer);

	if (part->view->role != ROLE_SCANOUT)
		return handle_fail(part->broker, -EINVAL, "%s shows nothing: its role is %s",
				   part->name, vocab_role_names[part->view->role]);
	if (index < 0)
		return handle_fail(part->broker, index, "%s has no such buffer", part->name);
	if (kms->next != NONE)
		return handle_fail(part->broker, -EBUSY,
				   "%s: buffer %d is on its way to the screen already", part->name,
				   kms->next);
	error = index == kms->shown ? 0
				    : part_begin(part, (size_t)index, DMABROKER_ACCESS_READ,
						 (struct part_place){file, line});
	if (error)
		return error;
	kms->next = index;
	*ret_framebuffer = kms->framebuffers[index];
	return 0;
}

#undef dmabroker_kms_begin_flip
int dmabroker_kms_begin_flip(struct dmabroker_kms *kms, struct dmabroker_buffer *buffer,
			     uint32_t *ret_framebuffer)
{
	return dmabroker_kms_begin_flip_at(kms, buffer, ret_framebuffer, NULL, 0);
}

static int no_flip(const struct dmabroker_kms *kms)
{
	return handle_fail(kms->part.broker, -EINVAL, "%s: no flip has begun", kms->part.name);
}

int dmabroker_kms_end_flip(struct dmabroker_kms *kms, struct dmabroker_buffer **ret_before)
{
	int error, before = kms->shown;

	if (kms->next == NONE)
		return no_flip(kms);
	if (before == kms->next)
		before = NONE;
	kms->shown = kms->next;
	kms->next = NONE;
	error = before == NONE ? 0 : part_end(&kms->part, (size_t)before);
	if (!error)
		*ret_before = before == NONE ? NULL : kms->part.buffers[before];
	return error;
}

int dmabroker_kms_cancel_flip(struct dmabroker_kms *kms)
{
	int index = kms->next;

	if (index == NONE)
		return no_flip(kms);
	kms->next = NONE;
	return index == kms->shown ? 0 : part_end(&kms->part, (size_t)index);
}

int dmabroker_kms_stop(struct dmabroker_kms *kms)
{
	int first = kms->next == NONE ? 0 : dmabroker_kms_cancel_flip(kms), error = 0;

	if (kms->shown != NONE)
		error = part_end(&kms->part, (size_t)kms->shown);
	kms->shown = NONE;
	return first ? first : error;
}
