// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Cameras on the platform bus: those that the module's parameters make, without firmware node, and
 * those of the device tree ("dmabroker,importer").
 */
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/property.h>

#include "camera.h"

static unsigned int platform;
module_param(platform, uint, 0444);
MODULE_PARM_DESC(platform, "how many platform devices to make");

static unsigned int mask_bits[IMPORTER_MAX];
module_param_array(mask_bits, uint, NULL, 0444);
MODULE_PARM_DESC(mask_bits, "DMA mask of each; 0: the kernel's default");

static char *allocator[IMPORTER_MAX];
module_param_array(allocator, charp, NULL, 0444);
MODULE_PARM_DESC(allocator, "contig (default), sg or vmalloc, of each");

static unsigned int segment_bytes[IMPORTER_MAX];
module_param_array(segment_bytes, uint, NULL, 0444);
MODULE_PARM_DESC(segment_bytes, "longest segment of each; 0: any");

static unsigned int segments[IMPORTER_MAX];
module_param_array(segments, uint, NULL, 0444);
MODULE_PARM_DESC(segments, "most segments that an sg importer takes; 0: any number");

static unsigned int stride_align[IMPORTER_MAX] = {[0 ... IMPORTER_MAX - 1] = 1};
module_param_array(stride_align, uint, NULL, 0444);
MODULE_PARM_DESC(stride_align, "alignment of strides of each; 0: only the driver's own");

static bool output[IMPORTER_MAX];
module_param_array(output, bool, NULL, 0444);
MODULE_PARM_DESC(output, "each reads pictures (1) or takes them (0, default)");

static struct importer_devices devices;

static void fill_config(unsigned int index, void *data)
{
	struct camera_config *config = data;

	strscpy(config->allocator, allocator[index] ?: "contig", sizeof(config->allocator));
	config->mask_bits = mask_bits[index];
	config->segment_bytes = segment_bytes[index];
	config->segments = segments[index];
	config->stride_align = stride_align[index];
	config->output = output[index];
}

static void read_properties(struct device *dev, struct camera_config *config)
{
	const char *text;

	*config = (struct camera_config){.allocator = "contig", .stride_align = 1};
	if (device_property_read_string(dev, "dmabroker,allocator", &text) == 0)
		strscpy(config->allocator, text, sizeof(config->allocator));
	device_property_read_u32(dev, "dmabroker,mask-bits", &config->mask_bits);
	device_property_read_u32(dev, "dmabroker,segment-bytes", &config->segment_bytes);
	device_property_read_u32(dev, "dmabroker,segments", &config->segments);
	device_property_read_u32(dev, "dmabroker,stride-align", &config->stride_align);
	config->output = device_property_read_bool(dev, "dmabroker,output");
}

static int importer_probe(struct platform_device *device)
{
	struct device *dev = &device->dev;
	struct camera_config config;
	struct camera *camera;
	int error;

	if (dev_get_platdata(dev))
		config = *(const struct camera_config *)dev_get_platdata(dev);
	else
		read_properties(dev, &config);
	error = importer_set_mask(dev, config.mask_bits);
	if (!error)
		error = importer_use_reserved_memory(dev);
	if (error)
		return error;
	error = camera_create(dev, "importer", &config, &camera_software_engine, NULL, &camera);
	if (error)
		importer_leave_reserved_memory(dev);
	return error;
}

static void importer_remove(struct platform_device *device)
{
	camera_destroy(container_of(dev_get_drvdata(&device->dev), struct camera, importer));
	importer_leave_reserved_memory(&device->dev);
}

static const struct of_device_id importer_nodes[] = {
	{.compatible = "dmabroker,importer"},
	{},
};
MODULE_DEVICE_TABLE(of, importer_nodes);

static struct platform_driver importer_driver = {
	.probe = importer_probe,
	.remove_new = importer_remove,
	.driver =
		{
			.name = "importer",
			.of_match_table = importer_nodes,
			.dev_groups = importer_groups,
		},
};

static int __init importer_start(void)
{
	int error = platform_driver_register(&importer_driver);

	if (error)
		return error;
	error = edu_register();
	if (error)
		goto no_edu;
	error = importer_create_devices(&devices, "importer", platform, fill_config,
					sizeof(struct camera_config));
	if (error)
		goto no_devices;
	return 0;
no_devices:
	edu_unregister();
no_edu:
	platform_driver_unregister(&importer_driver);
	return error;
}
module_init(importer_start);

static void __exit importer_stop(void)
{
	importer_remove_devices(&devices);
	edu_unregister();
	platform_driver_unregister(&importer_driver);
}
module_exit(importer_stop);

MODULE_DESCRIPTION("Camera that imports buffers under rules that can be chosen, for tests");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_IMPORT_NS(DMA_BUF);
