/* SPDX-License-Identifier: MIT */
/*
 * DRM nodes -> facts.
 *
 * The first to open a card's primary node while nobody is its master becomes the master. We want
 * nothing of that: the very first act is to drop it. A compositor that starts in this moment may
 * find the place taken and has to try again, so a primary node is opened when the card appears and
 * not otherwise. Connectors are only asked for what the kernel has (drmModeGetConnectorCurrent):
 * the other question makes it talk to monitors.
 *
 * scanout: the formats of the primary planes. Any CRTC has one of these, and it is what a picture
 * that fills the screen is put on. Which of the overlays is free for a picture is the compositor's
 * knowledge; formats that only an overlay takes are left to it (it can declare them).
 *
 * render: the formats of a render node are known to its user-space driver, which is not loaded
 * here. The role has no formats, its participant declares them.
 *
 * Whether a driver imports cannot be asked: the PRIME capability says yes for all of them, and
 * which pitches it takes cannot be asked either. What can be found out by trying: drm-trial.c.
 */
#include "broker/probe/drm.h"

#include <drm_fourcc.h>
#include <drm_mode.h>
#include <errno.h>
#include <string.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "broker/model/format.h"
#include "broker/probe/fact.h"
#include "broker/probe/quirks.h"
#include "broker/probe/role.h"

#define PLANES_MAX 256u
#define CONNECTORS_MAX 64

/* --- properties --- */

/* The value of an object's property. Errors: -ENOENT. */
static int find_property(int fd, uint32_t object, uint32_t type, const char *name,
			 uint64_t *ret_value)
{
	drmModeObjectProperties *properties = drmModeObjectGetProperties(fd, object, type);
	int error = -ENOENT;

	if (!properties)
		return error;
	for (uint32_t i = 0; i < properties->count_props && error; i++) {
		drmModePropertyRes *property = drmModeGetProperty(fd, properties->props[i]);

		if (property && strncmp(property->name, name, sizeof(property->name)) == 0) {
			*ret_value = properties->prop_values[i];
			error = 0;
		}
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(properties);
	return error;
}

/* Returns owned the blob that a property of an object names, or NULL. */
static drmModePropertyBlobRes *find_blob(int fd, uint32_t object, uint32_t type, const char *name)
{
	uint64_t id;

	if (find_property(fd, object, type, name, &id) < 0 || id == 0 || id > UINT32_MAX)
		return NULL;
	return drmModeGetPropertyBlob(fd, (uint32_t)id);
}

/* --- formats --- */

static bool is_listed(const struct device_role *role, uint32_t fourcc, uint64_t modifier)
{
	for (size_t i = 0; i < role->formats.len; i++)
		if (vocab_number(role->formats.items[i], FORMAT_FORMAT) == fourcc &&
		    vocab_number(role->formats.items[i], FORMAT_MODIFIER) == modifier)
			return true;
	return false;
}

/* `how`: where the format was listed. */
static int add_format(struct device_role *role, uint32_t fourcc, uint64_t modifier,
		      enum vocab_origin modifier_origin, const char *how)
{
	struct device_format *format;
	int error;

	if (is_listed(role, fourcc, modifier))
		return 0;
	error = vocab_add_dict(role, ROLE_FORMATS, VOCAB_KERNEL, &format);
	if (error)
		return error == -ERANGE ? 0 : error;
	fact_number(format, FORMAT_FORMAT, fourcc, VOCAB_KERNEL);
	fact_number(format, FORMAT_MODIFIER, modifier, modifier_origin);
	fact_how(format, FORMAT_HOW, FORMAT_FORMAT, "%s", how);
	fact_how(format, FORMAT_HOW, FORMAT_MODIFIER, "%s",
		 modifier_origin == VOCAB_ASSUMED ? "no modifiers are listed: linear" : how);
	return 0;
}

static bool lies_inside(size_t bytes, uint32_t offset, uint32_t len, size_t size)
{
	return offset % sizeof(uint32_t) == 0 && offset <= bytes && len <= (bytes - offset) / size;
}

/* Whether the modifier applies to the format of this index: it has bits for 64 formats. */
static bool applies(const struct drm_format_modifier *modifier, uint32_t index)
{
	return index >= modifier->offset && index - modifier->offset < 64 &&
	       modifier->formats >> (index - modifier->offset) & 1;
}

static int add_modifiers(struct device_role *role, const char *blob,
			 const struct drm_format_modifier_blob *head, uint32_t index)
{
	struct drm_format_modifier modifier;
	uint32_t fourcc;
	int error = 0;

	memcpy(&fourcc, blob + head->formats_offset + index * sizeof(fourcc), sizeof(fourcc));
	for (uint32_t i = 0; i < head->count_modifiers && !error; i++) {
		memcpy(&modifier, blob + head->modifiers_offset + i * sizeof(modifier),
		       sizeof(modifier));
		if (applies(&modifier, index))
			error = add_format(role, fourcc, modifier.modifier, VOCAB_KERNEL,
					   "IN_FORMATS of a primary plane");
	}
	return error;
}

int drm_add_in_formats(struct device_role *role, const void *blob, size_t bytes)
{
	struct drm_format_modifier_blob head;
	int error = 0;

	if (bytes < sizeof(head))
		return 0;
	memcpy(&head, blob, sizeof(head));
	if (!lies_inside(bytes, head.formats_offset, head.count_formats, sizeof(uint32_t)) ||
	    !lies_inside(bytes, head.modifiers_offset, head.count_modifiers,
			 sizeof(struct drm_format_modifier)))
		return 0;
	for (uint32_t i = 0; i < head.count_formats && !error; i++)
		error = add_modifiers(role, blob, &head, i);
	return error;
}

/* --- planes --- */

static int add_plane_formats(int fd, uint32_t id, struct device_role *role)
{
	drmModePropertyBlobRes *blob = find_blob(fd, id, DRM_MODE_OBJECT_PLANE, "IN_FORMATS");
	drmModePlane *plane;
	int error = 0;

	if (blob) {
		error = drm_add_in_formats(role, blob->data, blob->length);
		drmModeFreePropertyBlob(blob);
		return error;
	}
	plane = drmModeGetPlane(fd, id);
	if (!plane)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (uint32_t i = 0; i < plane->count_formats && !error; i++)
		error = add_format(role, plane->formats[i], FORMAT_MODIFIER_LINEAR, VOCAB_ASSUMED,
				   "DRM_IOCTL_MODE_GETPLANE of a primary plane");
	drmModeFreePlane(plane);
	return error;
}

static int add_planes(int fd, struct device_role *role)
{
	drmModePlaneRes *planes = drmModeGetPlaneResources(fd);
	uint64_t type;
	int error = 0;

	if (!planes)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (uint32_t i = 0; i < planes->count_planes && i < PLANES_MAX && !error; i++)
		if (find_property(fd, planes->planes[i], DRM_MODE_OBJECT_PLANE, "type", &type) ==
			    0 &&
		    type == DRM_PLANE_TYPE_PRIMARY)
			error = add_plane_formats(fd, planes->planes[i], role);
	drmModeFreePlaneResources(planes);
	return error;
}

/* --- writeback --- */

static int add_writeback_formats(int fd, uint32_t connector, struct device_role *role)
{
	drmModePropertyBlobRes *blob =
		find_blob(fd, connector, DRM_MODE_OBJECT_CONNECTOR, "WRITEBACK_PIXEL_FORMATS");
	uint32_t fourcc;
	int error = 0;

	if (!blob)
		return 0;
	for (uint32_t i = 0; i < blob->length / sizeof(fourcc) && !error; i++) {
		memcpy(&fourcc, (const char *)blob->data + i * sizeof(fourcc), sizeof(fourcc));
		error = add_format(role, fourcc, FORMAT_MODIFIER_LINEAR, VOCAB_ASSUMED,
				   "WRITEBACK_PIXEL_FORMATS of a connector");
	}
	drmModeFreePropertyBlob(blob);
	return error;
}

static int add_writebacks(int fd, const drmModeRes *resources, struct device_role *role)
{
	int error = 0;

	for (int i = 0; i < resources->count_connectors && i < CONNECTORS_MAX && !error; i++) {
		drmModeConnector *connector =
			drmModeGetConnectorCurrent(fd, resources->connectors[i]);

		if (connector && connector->connector_type == DRM_MODE_CONNECTOR_WRITEBACK)
			error = add_writeback_formats(fd, connector->connector_id, role);
		drmModeFreeConnector(connector);
	}
	return error;
}

/* --- roles --- */

static void set_size(struct vocab_head *format, unsigned int row, uint32_t value)
{
	fact_number(format, row, value, VOCAB_KERNEL);
	fact_how(format, FORMAT_HOW, row, "DRM_IOCTL_MODE_GETRESOURCES");
}

/* What holds for any format: the card's limits, and that the pitch is the user's to choose. */
static void complete_formats(struct device_role *role, const drmModeRes *resources)
{
	for (size_t i = 0; i < role->formats.len; i++) {
		struct vocab_head *format = role->formats.items[i];

		fact_number(format, FORMAT_STRIDE_CUSTOM, true, VOCAB_KERNEL);
		fact_how(format, FORMAT_HOW, FORMAT_STRIDE_CUSTOM,
			 "DRM_IOCTL_MODE_ADDFB2 is told the pitch");
		if (resources->max_width == 0 || resources->max_height == 0)
			continue;
		set_size(format, FORMAT_WIDTH_MIN, resources->min_width);
		set_size(format, FORMAT_WIDTH_MAX, resources->max_width);
		set_size(format, FORMAT_HEIGHT_MIN, resources->min_height);
		set_size(format, FORMAT_HEIGHT_MAX, resources->max_height);
	}
}

static void set_imports(int fd, struct device_role *role)
{
	uint64_t prime;

	if (drmGetCap(fd, DRM_CAP_PRIME, &prime) == 0 && !(prime & DRM_PRIME_CAP_IMPORT)) {
		fact_number(role, ROLE_IMPORTS, false, VOCAB_KERNEL);
		fact_how(role, ROLE_HOW, ROLE_IMPORTS, "DRM_CAP_PRIME");
	} else if (!vocab_has(role, ROLE_IMPORTS)) {
		fact_number(role, ROLE_IMPORTS, true, VOCAB_ASSUMED);
		fact_how(role, ROLE_HOW, ROLE_IMPORTS, "assumed");
	}
}

static int create_role(const struct measure *measure, enum role what, const char *how,
		       struct device_role **ret_role)
{
	const struct quirk *quirk = &measure->quirk;
	enum memory_model model = (enum memory_model)quirk->number[QUIRK_MEMORY_MODEL];
	struct device_role *role;
	int error;

	error = vocab_create(&vocab_role, &role);
	if (error)
		return error;
	fact_number(role, ROLE_ROLE, what, VOCAB_KERNEL);
	fact_how(role, ROLE_HOW, ROLE_ROLE, "%s", how);
	role_set_memory_model(role, model, VOCAB_QUIRK, quirk->how[QUIRK_MEMORY_MODEL], quirk);
	role_set_quirks(role, quirk);
	set_imports(measure->fd, role);
	*ret_role = role;
	return 0;
}

/* Adds a role of a card, if the card has formats for it. */
static int measure_role(struct measure *measure, enum role what, const char *how,
			const drmModeRes *resources)
{
	struct device_role *role;
	int error;

	error = create_role(measure, what, how, &role);
	if (error)
		return error;
	error = what == ROLE_SCANOUT ? add_planes(measure->fd, role)
				     : add_writebacks(measure->fd, resources, role);
	complete_formats(role, resources);
	if (!error && role->formats.len > 0) {
		error = vocab_take_dict(measure->device, DEVICE_ROLES, role, VOCAB_KERNEL);
		if (!error)
			return 0;
	}
	vocab_destroy(role);
	return error;
}

static int measure_card(struct measure *measure)
{
	drmModeRes *resources;
	int error;

	drmSetClientCap(measure->fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1);
	if (drmSetClientCap(measure->fd, DRM_CLIENT_CAP_ATOMIC, 1) == 0)
		drmSetClientCap(measure->fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1);
	resources = drmModeGetResources(measure->fd);
	if (!resources)
		return errno == ENOMEM || errno == ENODEV ? -errno : -ENOTSUP;
	error = measure_role(measure, ROLE_SCANOUT, "it has primary planes", resources);
	if (!error)
		error = measure_role(measure, ROLE_WRITEBACK, "it has writeback connectors",
				     resources);
	drmModeFreeResources(resources);
	if (!error && measure->device->roles.len == 0)
		error = -ENOTSUP;
	return error;
}

static int measure_render(struct measure *measure)
{
	struct device_role *role;
	int error;

	error = create_role(measure, ROLE_RENDER, "it is a render node", &role);
	if (error)
		return error;
	error = vocab_take_dict(measure->device, DEVICE_ROLES, role, VOCAB_KERNEL);
	if (error)
		vocab_destroy(role);
	return error;
}

static int ask_version(int fd, struct device *device)
{
	drmVersion *version = drmGetVersion(fd);
	int error;

	if (!version)
		return errno == ENOMEM || errno == ENODEV ? -errno : -ENOTSUP;
	error = fact_text(device, DEVICE_DRIVER, version->name ? version->name : "",
			  version->name_len > 0 ? (size_t)version->name_len : 0);
	if (!error)
		error = fact_text(device, DEVICE_NAME, version->desc ? version->desc : "",
				  version->desc_len > 0 ? (size_t)version->desc_len : 0);
	drmFreeVersion(version);
	fact_how(device, DEVICE_HOW, DEVICE_DRIVER, "DRM_IOCTL_VERSION");
	fact_how(device, DEVICE_HOW, DEVICE_NAME, "DRM_IOCTL_VERSION");
	return error;
}

int drm_identify(struct measure *measure)
{
	int error;

	if (drmGetNodeTypeFromFd(measure->fd) == DRM_NODE_PRIMARY && drmIsMaster(measure->fd))
		drmDropMaster(measure->fd);
	error = ask_version(measure->fd, measure->device);
	if (error)
		return error;
	fact_number(measure->device, DEVICE_KIND, KIND_DRM, VOCAB_KERNEL);
	fact_how(measure->device, DEVICE_HOW, DEVICE_KIND, "DRM_IOCTL_VERSION");
	return 0;
}

int drm_measure(struct measure *measure)
{
	int type = drmGetNodeTypeFromFd(measure->fd), error = -ENOTSUP;

	if (type == DRM_NODE_RENDER)
		error = measure_render(measure);
	else if (type == DRM_NODE_PRIMARY)
		error = measure_card(measure);
	if (!error)
		drm_try(measure);
	return error;
}
