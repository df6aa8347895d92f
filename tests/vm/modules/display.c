// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A display that shows nothing to nobody, with the kernel's helpers for engines without an MMU: an
 * import must be contiguous as a whole. Pitches and offsets must be aligned as chosen.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/property.h>

#include <drm/drm_atomic_helper.h>
#include <drm/drm_connector.h>
#include <drm/drm_drv.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_gem_dma_helper.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_modes.h>
#include <drm/drm_prime.h>
#include <drm/drm_probe_helper.h>
#include <drm/drm_simple_kms_helper.h>

#include "importer.h"

#define SIDE_MIN 16
#define SIDE_MAX 4096

static unsigned int platform;
module_param(platform, uint, 0444);
MODULE_PARM_DESC(platform, "how many platform devices to make");

static unsigned int mask_bits[IMPORTER_MAX];
module_param_array(mask_bits, uint, NULL, 0444);
MODULE_PARM_DESC(mask_bits, "DMA mask of each; 0: the kernel's default");

static unsigned int pitch_align[IMPORTER_MAX] = {[0 ... IMPORTER_MAX - 1] = 1};
module_param_array(pitch_align, uint, NULL, 0444);
MODULE_PARM_DESC(pitch_align, "alignment of pitches of each, in bytes");

static unsigned int offset_align[IMPORTER_MAX] = {[0 ... IMPORTER_MAX - 1] = 1};
module_param_array(offset_align, uint, NULL, 0444);
MODULE_PARM_DESC(offset_align, "alignment of the planes' offsets of each, in bytes");

struct display_config {
	unsigned int mask_bits, pitch_align, offset_align;
};

struct display {
	struct importer importer;
	struct drm_device drm;
	struct drm_simple_display_pipe pipe;
	struct drm_connector connector;
};

static struct importer_devices devices;

static const struct drm_display_mode display_mode = {DRM_MODE_INIT(60, 640, 480, 160, 120)};

static const u32 display_formats[] = {DRM_FORMAT_XRGB8888, DRM_FORMAT_RGB565, DRM_FORMAT_NV12};

static struct display *display_of(struct drm_device *drm)
{
	return container_of(drm, struct display, drm);
}

/* --- buffers --- */

static struct drm_gem_object *import(struct drm_device *drm, struct dma_buf *buffer)
{
	struct importer *importer = &display_of(drm)->importer;
	struct drm_gem_object *object;

	importer_begin(importer, buffer);
	object = drm_gem_prime_import(drm, buffer);
	importer_end(importer, !IS_ERR(object));
	return object;
}

static struct drm_gem_object *
import_table(struct drm_device *drm, struct dma_buf_attachment *attachment, struct sg_table *table)
{
	importer_note(&display_of(drm)->importer, table);
	return drm_gem_dma_prime_import_sg_table(drm, attachment, table);
}

static int dumb_create(struct drm_file *file, struct drm_device *drm,
		       struct drm_mode_create_dumb *dumb)
{
	u32 pitch = DIV_ROUND_UP(dumb->width * dumb->bpp, 8);

	dumb->pitch = roundup(pitch, display_of(drm)->importer.stride_align);
	return drm_gem_dma_dumb_create_internal(file, drm, dumb);
}

static struct drm_framebuffer *create_framebuffer(struct drm_device *drm, struct drm_file *file,
						  const struct drm_mode_fb_cmd2 *command)
{
	const struct drm_format_info *format = drm_get_format_info(drm, command);
	const struct importer *importer = &display_of(drm)->importer;

	for (unsigned int i = 0; i < format->num_planes; i++)
		if (command->pitches[i] % importer->stride_align ||
		    command->offsets[i] % importer->offset_align)
			return ERR_PTR(-EINVAL);
	return drm_gem_fb_create(drm, file, command);
}

DEFINE_DRM_GEM_DMA_FOPS(display_file_ops);

static const struct drm_driver display_driver = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.fops = &display_file_ops,
	.name = "importer-drm",
	.desc = "Display that imports buffers under rules that can be chosen",
	.date = "2025",
	.major = 1,
	.dumb_create = dumb_create,
	.gem_prime_import = import,
	.gem_prime_import_sg_table = import_table,
};

/* --- the way to the monitor --- */

static int get_modes(struct drm_connector *connector)
{
	return drm_connector_helper_get_modes_fixed(connector, &display_mode);
}

static const struct drm_connector_helper_funcs connector_helpers = {
	.get_modes = get_modes,
};

static const struct drm_connector_funcs connector_functions = {
	.reset = drm_atomic_helper_connector_reset,
	.fill_modes = drm_helper_probe_single_connector_modes,
	.destroy = drm_connector_cleanup,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
};

/* Nothing is shown; the helpers tell of each frame. */
static void update(struct drm_simple_display_pipe *pipe, struct drm_plane_state *old)
{
}

static const struct drm_simple_display_pipe_funcs pipe_functions = {
	.update = update,
};

static const struct drm_mode_config_funcs mode_config_functions = {
	.fb_create = create_framebuffer,
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = drm_atomic_helper_commit,
};

static int init_modes(struct display *display)
{
	struct drm_device *drm = &display->drm;
	int error = drmm_mode_config_init(drm);

	if (error)
		return error;
	drm->mode_config.min_width = SIDE_MIN;
	drm->mode_config.min_height = SIDE_MIN;
	drm->mode_config.max_width = SIDE_MAX;
	drm->mode_config.max_height = SIDE_MAX;
	drm->mode_config.funcs = &mode_config_functions;
	error = drm_connector_init(drm, &display->connector, &connector_functions,
				   DRM_MODE_CONNECTOR_VIRTUAL);
	if (error)
		return error;
	drm_connector_helper_add(&display->connector, &connector_helpers);
	error = drm_simple_display_pipe_init(drm, &display->pipe, &pipe_functions, display_formats,
					     ARRAY_SIZE(display_formats), NULL,
					     &display->connector);
	if (!error)
		drm_mode_config_reset(drm);
	return error;
}

/* --- coming and going --- */

static void fill_config(unsigned int index, void *data)
{
	*(struct display_config *)data = (struct display_config){
		.mask_bits = mask_bits[index],
		.pitch_align = pitch_align[index],
		.offset_align = offset_align[index],
	};
}

static void read_properties(struct device *dev, struct display_config *config)
{
	*config = (struct display_config){.pitch_align = 1, .offset_align = 1};
	device_property_read_u32(dev, "dmabroker,mask-bits", &config->mask_bits);
	device_property_read_u32(dev, "dmabroker,pitch-align", &config->pitch_align);
	device_property_read_u32(dev, "dmabroker,offset-align", &config->offset_align);
}

static int create(struct device *dev, const struct display_config *config)
{
	struct display *display = devm_drm_dev_alloc(dev, &display_driver, struct display, drm);
	int error;

	if (IS_ERR(display))
		return PTR_ERR(display);
	importer_init(&display->importer, dev, "gem-dma");
	display->importer.stride_align = max(config->pitch_align, 1u);
	display->importer.offset_align = max(config->offset_align, 1u);
	error = init_modes(display);
	if (!error)
		error = drm_dev_register(&display->drm, 0);
	return error;
}

static int display_probe(struct platform_device *device)
{
	struct device *dev = &device->dev;
	struct display_config config;
	int error;

	if (dev_get_platdata(dev))
		config = *(const struct display_config *)dev_get_platdata(dev);
	else
		read_properties(dev, &config);
	error = importer_set_mask(dev, config.mask_bits);
	if (!error)
		error = importer_use_reserved_memory(dev);
	if (error)
		return error;
	error = create(dev, &config);
	if (error)
		importer_leave_reserved_memory(dev);
	return error;
}

static void display_remove(struct platform_device *device)
{
	struct display *display =
		container_of(dev_get_drvdata(&device->dev), struct display, importer);

	drm_dev_unplug(&display->drm);
	drm_atomic_helper_shutdown(&display->drm);
	importer_leave_reserved_memory(&device->dev);
}

static const struct of_device_id display_nodes[] = {
	{.compatible = "dmabroker,importer-drm"},
	{},
};
MODULE_DEVICE_TABLE(of, display_nodes);

static struct platform_driver display_platform_driver = {
	.probe = display_probe,
	.remove_new = display_remove,
	.driver =
		{
			.name = "importer-drm",
			.of_match_table = display_nodes,
			.dev_groups = importer_groups,
		},
};

static int __init display_start(void)
{
	int error = platform_driver_register(&display_platform_driver);

	if (error)
		return error;
	error = importer_create_devices(&devices, "importer-drm", platform, fill_config,
					sizeof(struct display_config));
	if (error)
		platform_driver_unregister(&display_platform_driver);
	return error;
}
module_init(display_start);

static void __exit display_stop(void)
{
	importer_remove_devices(&devices);
	platform_driver_unregister(&display_platform_driver);
}
module_exit(display_stop);

MODULE_DESCRIPTION("Display that imports buffers under rules that can be chosen, for tests");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_IMPORT_NS(DMA_BUF);
