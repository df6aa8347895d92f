/* SPDX-License-Identifier: MIT */
/*
 * libdmabroker-wayland, a library of its own: what a compositor takes as constraints of a
 * participant, and a buffer as a wl_buffer.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux-dmabuf-unstable-v1-client-protocol.h>
#include <wayland-client-core.h>

#include "libclient/helper.h"
#include "libclient/wayland.h"

#define PLANES_MAX 4
#define FORMATS_MAX 1024 /* of the key formats */
#define LINEAR 0

/* A wl_buffer that the compositor has been asked for. */
struct creation {
	struct creation *next; /* dmabroker_wayland.creations */
	struct dmabroker_wayland *wayland;
	struct zwp_linux_buffer_params_v1 *params;
	dmabroker_wayland_created_fn callback;
	void *data;
};

struct dmabroker_wayland {
	struct zwp_linux_dmabuf_v1 *dmabuf; /* borrowed */
	struct zwp_linux_dmabuf_feedback_v1 *proxy;
	struct feedback_table table;
	struct feedback sent;	 /* so far */
	struct feedback current; /* the last one that is complete */
	unsigned int count;
	struct creation *creations; /* owned */
	char text[512];
};

__attribute__((format(printf, 3, 4))) static int fail(struct dmabroker_wayland *wayland, int number,
						      const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(wayland->text, sizeof(wayland->text), format, arguments);
	va_end(arguments);
	return number;
}

const char *dmabroker_wayland_get_error_text(const struct dmabroker_wayland *wayland)
{
	return wayland->text;
}

/* ---- feedback ---- */

static void handle_done(void *data, struct zwp_linux_dmabuf_feedback_v1 *proxy)
{
	struct dmabroker_wayland *wayland = data;

	(void)proxy;
	feedback_check(&wayland->sent);
	feedback_clear(&wayland->current);
	wayland->current = wayland->sent;
	memset(&wayland->sent, 0, sizeof(wayland->sent));
	wayland->count++;
}

static void handle_format_table(void *data, struct zwp_linux_dmabuf_feedback_v1 *proxy, int32_t fd,
				uint32_t size)
{
	struct dmabroker_wayland *wayland = data;

	(void)proxy;
	feedback_read_table(&wayland->sent, &wayland->table, fd, size);
}

static void handle_main_device(void *data, struct zwp_linux_dmabuf_feedback_v1 *proxy,
			       struct wl_array *device)
{
	(void)proxy;
	feedback_set_main_device(&((struct dmabroker_wayland *)data)->sent, device);
}

static void handle_tranche_done(void *data, struct zwp_linux_dmabuf_feedback_v1 *proxy)
{
	(void)proxy;
	feedback_end_tranche(&((struct dmabroker_wayland *)data)->sent);
}

static void handle_tranche_target_device(void *data, struct zwp_linux_dmabuf_feedback_v1 *proxy,
					 struct wl_array *device)
{
	(void)proxy;
	feedback_set_target_device(&((struct dmabroker_wayland *)data)->sent, device);
}

static void handle_tranche_formats(void *data, struct zwp_linux_dmabuf_feedback_v1 *proxy,
				   struct wl_array *indices)
{
	struct dmabroker_wayland *wayland = data;

	(void)proxy;
	feedback_add_formats(&wayland->sent, &wayland->table, indices);
}

static void handle_tranche_flags(void *data, struct zwp_linux_dmabuf_feedback_v1 *proxy,
				 uint32_t flags)
{
	(void)proxy;
	feedback_set_flags(&((struct dmabroker_wayland *)data)->sent,
			   flags & ZWP_LINUX_DMABUF_FEEDBACK_V1_TRANCHE_FLAGS_SCANOUT);
}

static const struct zwp_linux_dmabuf_feedback_v1_listener feedback_listener = {
	.done = handle_done,
	.format_table = handle_format_table,
	.main_device = handle_main_device,
	.tranche_done = handle_tranche_done,
	.tranche_target_device = handle_tranche_target_device,
	.tranche_formats = handle_tranche_formats,
	.tranche_flags = handle_tranche_flags,
};

int dmabroker_wayland_create(struct zwp_linux_dmabuf_v1 *dmabuf, struct wl_surface *surface,
			     struct dmabroker_wayland **ret_wayland)
{
	struct dmabroker_wayland *wayland;

	if (zwp_linux_dmabuf_v1_get_version(dmabuf) <
	    ZWP_LINUX_DMABUF_V1_GET_DEFAULT_FEEDBACK_SINCE_VERSION)
		return -EOPNOTSUPP;
	wayland = calloc(1, sizeof(*wayland));
	if (!wayland)
		return -ENOMEM;
	wayland->dmabuf = dmabuf;
	wayland->proxy = surface ? zwp_linux_dmabuf_v1_get_surface_feedback(dmabuf, surface)
				 : zwp_linux_dmabuf_v1_get_default_feedback(dmabuf);
	if (!wayland->proxy) {
		free(wayland);
		return -ENOMEM;
	}
	zwp_linux_dmabuf_feedback_v1_add_listener(wayland->proxy, &feedback_listener, wayland);
	*ret_wayland = wayland;
	return 0;
}

void dmabroker_wayland_destroy(struct dmabroker_wayland *wayland)
{
	struct creation *creation;

	if (!wayland)
		return;
	while ((creation = wayland->creations)) {
		wayland->creations = creation->next;
		zwp_linux_buffer_params_v1_destroy(creation->params);
		free(creation);
	}
	zwp_linux_dmabuf_feedback_v1_destroy(wayland->proxy);
	feedback_clear(&wayland->sent);
	feedback_clear(&wayland->current);
	free(wayland->table.pairs);
	free(wayland);
}

unsigned int dmabroker_wayland_get_feedback_count(const struct dmabroker_wayland *wayland)
{
	return wayland->count;
}

static int check_feedback(struct dmabroker_wayland *wayland)
{
	if (!wayland->count)
		return fail(wayland, -EAGAIN,
			    "the compositor has not sent its feedback yet: dispatch the display");
	if (wayland->current.error)
		return fail(wayland, wayland->current.error, "%s", wayland->current.text);
	return 0;
}

/* ---- constraints of a participant ---- */

/* Finds the role, which says what of the feedback counts. */
static int check_participant(struct dmabroker_wayland *wayland,
			     const struct dmabroker_record *participant, bool *ret_scanout)
{
	const char *role;

	if (dmabroker_record_get_type(participant, "camping") < 0)
		return fail(wayland, -EINVAL, "the record is no participant of a request");
	role = dmabroker_record_get_string(participant, "role");
	if (!role || (strcmp(role, "render") != 0 && strcmp(role, "scanout") != 0))
		return fail(wayland, -EINVAL,
			    "the participant's role is %s: a compositor's is render or scanout",
			    role ? role : "not said");
	if (dmabroker_record_get_len(participant, "formats"))
		return fail(wayland, -EEXIST, "the participant has formats already");
	*ret_scanout = strcmp(role, "scanout") == 0;
	return 0;
}

static bool has_device(const struct dmabroker_record *participant)
{
	return dmabroker_record_get_origin(participant, "device") ||
	       dmabroker_record_get_origin(participant, "device-fd");
}

static int find_node(struct dmabroker_wayland *wayland, dev_t device, bool scanout,
		     char path[NODE_BYTES])
{
	int error = node_find("/sys", device, scanout ? "card" : "renderD", path);

	if (error == -ENODEV)
		return fail(wayland, -ENODEV,
			    "the compositor's device, number 0x%llx, is no DRM device here",
			    (unsigned long long)device);
	if (error)
		return fail(wayland, -ENODEV, "the compositor's device, number 0x%llx, has no %s",
			    (unsigned long long)device, scanout ? "card" : "render node");
	return 0;
}

static int say(struct dmabroker_wayland *wayland, struct dmabroker_record *participant,
	       const struct pair *pairs, size_t len, const char *node)
{
	int error = 0;

	for (size_t i = 0; i < len && !error; i++)
		error = dmabroker_record_add_format(participant, "formats", pairs[i].format,
						    pairs[i].modifier);
	if (!error && node)
		error = dmabroker_record_set_string(participant, "device", node);
	if (!error)
		error = helper_say_stride(participant);
	return error ? fail(wayland, error, "cannot say what the compositor takes: %s",
			    strerror(-error))
		     : 0;
}

/* `only`: a tranche for scanout, or NULL for all. */
static int declare(struct dmabroker_wayland *wayland, struct dmabroker_record *participant,
		   const struct tranche *only)
{
	const struct feedback *feedback = &wayland->current;
	bool own_device = has_device(participant);
	char node[NODE_BYTES];
	size_t len, left_out;
	struct pair *pairs;
	int error = 0;

	if (!own_device)
		error = find_node(wayland, only ? only->device : feedback->main_device, only, node);
	if (error)
		return error;
	error = feedback_list(feedback, only, FORMATS_MAX, &pairs, &len, &left_out);
	if (error)
		return fail(wayland, error, "no memory for the compositor's formats");
	error = say(wayland, participant, pairs, len, own_device ? NULL : node);
	free(pairs);
	return error ? error : (int)left_out;
}

int dmabroker_wayland_declare(struct dmabroker_wayland *wayland,
			      struct dmabroker_record *participant)
{
	const struct tranche *only = NULL;
	bool scanout = false;
	int error = check_participant(wayland, participant, &scanout);

	if (!error)
		error = check_feedback(wayland);
	if (!error && scanout) {
		only = feedback_find_scanout(&wayland->current);
		if (!only)
			error = fail(
				wayland, -ENOENT,
				"the compositor shows no buffer without drawing it: none of its "
				"tranches is for scanout");
	}
	return error ? error : declare(wayland, participant, only);
}

/* ---- a buffer as a wl_buffer ---- */

/* What zwp_linux_buffer_params_v1 is told. */
struct picture {
	uint32_t width, height, format;
	uint64_t modifier;
	uint32_t planes_len;
	struct {
		int fd; /* borrowed from the buffer */
		uint32_t offset, stride;
	} planes[PLANES_MAX];
};

/* A number of the plan that has to fit a field of the protocol. */
static int get_number(struct dmabroker_wayland *wayland, const struct dmabroker_record *record,
		      const char *key, uint64_t max, uint32_t *ret_value)
{
	uint64_t value;

	if (dmabroker_record_get_uint(record, key, &value) < 0)
		return fail(wayland, -EINVAL, "the plan does not say %s", key);
	if (value > max)
		return fail(wayland, -EOVERFLOW, "%s is %llu, and the protocol ends at %llu", key,
			    (unsigned long long)value, (unsigned long long)max);
	*ret_value = (uint32_t)value;
	return 0;
}

/* Of the visible rectangle, if the protocol can say it: there are no offsets in it. */
static int get_size(struct dmabroker_wayland *wayland, const struct dmabroker_record *plan,
		    struct picture *picture)
{
	uint64_t x = 0, y = 0, value;
	bool visible;
	int error;

	(void)dmabroker_record_get_uint(plan, "visible-x", &x);
	(void)dmabroker_record_get_uint(plan, "visible-y", &y);
	visible = !x && !y && dmabroker_record_get_uint(plan, "visible-width", &value) == 0 &&
		  dmabroker_record_get_uint(plan, "visible-height", &value) == 0;
	error = get_number(wayland, plan, visible ? "visible-width" : "width", INT32_MAX,
			   &picture->width);
	return error ? error
		     : get_number(wayland, plan, visible ? "visible-height" : "height", INT32_MAX,
				  &picture->height);
}

/* With the modifier by which the compositor has the format. */
static int get_format(struct dmabroker_wayland *wayland, const struct dmabroker_record *view,
		      const char *participant, struct picture *picture)
{
	const struct feedback *feedback = &wayland->current;
	uint64_t format, modifier;
	char text[HELPER_FOURCC_BYTES];

	if (dmabroker_record_get_uint(view, "drm-format", &format) < 0 ||
	    dmabroker_record_get_uint(view, "drm-modifier", &modifier) < 0)
		return fail(wayland, -EINVAL,
			    "%s is no DRM device: a compositor is a participant of role render or "
			    "scanout",
			    participant);
	picture->format = (uint32_t)format;
	if (feedback_has(feedback, picture->format, modifier))
		picture->modifier = modifier;
	else if (modifier == LINEAR && feedback_has(feedback, picture->format, WAYLAND_IMPLICIT))
		picture->modifier = WAYLAND_IMPLICIT;
	else
		return fail(wayland, -EOPNOTSUPP,
			    "the compositor does not take %s with modifier 0x%llx: its feedback "
			    "does not name it",
			    helper_fourcc_text(picture->format, text),
			    (unsigned long long)modifier);
	return 0;
}

static int get_planes(struct dmabroker_wayland *wayland, const struct dmabroker_buffer *buffer,
		      const struct dmabroker_record *view, struct picture *picture)
{
	size_t len = dmabroker_record_get_len(view, "drm-planes");
	const struct dmabroker_record *plane;
	uint32_t memory;
	int error = 0;

	if (!len || len > PLANES_MAX)
		return fail(wayland, -EINVAL, "the plan has %zu planes, and a wl_buffer 1 to %d",
			    len, PLANES_MAX);
	picture->planes_len = (uint32_t)len;
	for (size_t i = 0; i < len && !error; i++) {
		(void)dmabroker_record_get_record(view, "drm-planes", i, &plane);
		error = get_number(wayland, plane, "memory",
				   dmabroker_buffer_get_memory_count(buffer) - 1, &memory);
		if (!error)
			error = get_number(wayland, plane, "offset", UINT32_MAX,
					   &picture->planes[i].offset);
		if (!error)
			error = get_number(wayland, plane, "stride", UINT32_MAX,
					   &picture->planes[i].stride);
		if (!error)
			picture->planes[i].fd = dmabroker_buffer_get_fd(buffer, memory);
	}
	return error;
}

static int get_picture(struct dmabroker_wayland *wayland, const struct dmabroker_buffer *buffer,
		       const char *participant, struct picture *picture)
{
	const struct dmabroker_record *plan = dmabroker_buffer_get_plan(buffer);
	const struct dmabroker_record *view = helper_find_view(plan, participant);
	int error = check_feedback(wayland);

	if (!error && !view)
		error = fail(wayland, -ENOENT, "the plan has no participant called %s",
			     participant);
	if (!error)
		error = get_format(wayland, view, participant, picture);
	if (!error)
		error = get_size(wayland, plan, picture);
	return error ? error : get_planes(wayland, buffer, view, picture);
}

/* Returns owned the parameters with all planes, or NULL: no memory. */
static struct zwp_linux_buffer_params_v1 *create_params(struct dmabroker_wayland *wayland,
							const struct picture *picture)
{
	struct zwp_linux_buffer_params_v1 *params =
		zwp_linux_dmabuf_v1_create_params(wayland->dmabuf);

	for (uint32_t i = 0; params && i < picture->planes_len; i++)
		zwp_linux_buffer_params_v1_add(params, picture->planes[i].fd, i,
					       picture->planes[i].offset, picture->planes[i].stride,
					       (uint32_t)(picture->modifier >> 32),
					       (uint32_t)picture->modifier);
	return params;
}

/* Takes the creation. */
static void finish(struct creation *creation, struct wl_buffer *buffer)
{
	dmabroker_wayland_created_fn callback = creation->callback;
	struct creation **link = &creation->wayland->creations;
	void *data = creation->data;

	while (*link != creation)
		link = &(*link)->next;
	*link = creation->next;
	zwp_linux_buffer_params_v1_destroy(creation->params);
	free(creation);
	callback(data, buffer);
}

static void handle_created(void *data, struct zwp_linux_buffer_params_v1 *params,
			   struct wl_buffer *buffer)
{
	(void)params;
	finish(data, buffer);
}

static void handle_failed(void *data, struct zwp_linux_buffer_params_v1 *params)
{
	(void)params;
	finish(data, NULL);
}

static const struct zwp_linux_buffer_params_v1_listener params_listener = {
	.created = handle_created,
	.failed = handle_failed,
};

int dmabroker_wayland_create_buffer(struct dmabroker_wayland *wayland,
				    const struct dmabroker_buffer *buffer, const char *participant,
				    dmabroker_wayland_created_fn callback, void *data)
{
	struct creation *creation;
	struct picture picture;
	int error = get_picture(wayland, buffer, participant, &picture);

	if (error)
		return error;
	creation = calloc(1, sizeof(*creation));
	if (!creation)
		return fail(wayland, -ENOMEM, "no memory for a wl_buffer");
	*creation = (struct creation){.next = wayland->creations,
				      .wayland = wayland,
				      .params = create_params(wayland, &picture),
				      .callback = callback,
				      .data = data};
	if (!creation->params) {
		free(creation);
		return fail(wayland, -ENOMEM, "no memory for a wl_buffer");
	}
	wayland->creations = creation;
	zwp_linux_buffer_params_v1_add_listener(creation->params, &params_listener, creation);
	zwp_linux_buffer_params_v1_create(creation->params, (int32_t)picture.width,
					  (int32_t)picture.height, picture.format, 0);
	return 0;
}

int dmabroker_wayland_create_buffer_now(struct dmabroker_wayland *wayland,
					const struct dmabroker_buffer *buffer,
					const char *participant, struct wl_buffer **ret_buffer)
{
	struct zwp_linux_buffer_params_v1 *params;
	struct wl_buffer *created = NULL;
	struct picture picture;
	int error = get_picture(wayland, buffer, participant, &picture);

	if (error)
		return error;
	params = create_params(wayland, &picture);
	if (params) {
		created = zwp_linux_buffer_params_v1_create_immed(
			params, (int32_t)picture.width, (int32_t)picture.height, picture.format, 0);
		zwp_linux_buffer_params_v1_destroy(params);
	}
	if (!created)
		return fail(wayland, -ENOMEM, "no memory for a wl_buffer");
	*ret_buffer = created;
	return 0;
}
