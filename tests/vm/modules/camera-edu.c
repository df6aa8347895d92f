// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A camera or a reader on QEMU's device `edu`, whose engine does real DMA: it copies between its
 * own buffer of a page and any address, through the IOMMU if there is one. A page of a picture is
 * copied twice, from our page into the device and from there to the picture, or the other way; each
 * copy takes a tenth of a second.
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "camera.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8
#define EDU_IDENTITY 0x00
#define EDU_SOURCE 0x80
#define EDU_DESTINATION 0x88
#define EDU_COUNT 0x90
#define EDU_COMMAND 0x98
#define EDU_RUN BIT(0)
#define EDU_TO_MEMORY BIT(1)
#define EDU_BUFFER 0x40000
#define EDU_BYTES 2048 /* half of it: QEMU 7.2 takes the last byte of it for one beyond */

static unsigned int edu_mask_bits[IMPORTER_MAX] = {[0 ... IMPORTER_MAX - 1] = 28};
module_param_array(edu_mask_bits, uint, NULL, 0444);
MODULE_PARM_DESC(edu_mask_bits, "DMA mask of each edu device, in the order of their addresses");

static char *edu_allocator[IMPORTER_MAX];
module_param_array(edu_allocator, charp, NULL, 0444);
MODULE_PARM_DESC(edu_allocator, "contig (default) or sg, of each edu device");

static bool edu_output[IMPORTER_MAX];
module_param_array(edu_output, bool, NULL, 0444);
MODULE_PARM_DESC(edu_output, "each edu device reads pictures (1) or takes them (0, default)");

struct edu {
	void __iomem *registers;
	void *page; /* what the engine reads, or writes */
	dma_addr_t page_address;
};

/* Which of these devices it is. */
static unsigned int edu_index(struct pci_dev *device)
{
	struct pci_dev *other = NULL;
	unsigned int index = 0;

	while ((other = pci_get_device(EDU_VENDOR, EDU_DEVICE, other)) && other != device)
		index++;
	pci_dev_put(other);
	return min(index, IMPORTER_MAX - 1u);
}

static bool edu_copy(struct edu *edu, u64 source, u64 destination, size_t bytes, u64 command)
{
	u64 state;

	writeq(source, edu->registers + EDU_SOURCE);
	writeq(destination, edu->registers + EDU_DESTINATION);
	writeq(bytes, edu->registers + EDU_COUNT);
	writeq(command | EDU_RUN, edu->registers + EDU_COMMAND);
	return !readq_poll_timeout(edu->registers + EDU_COMMAND, state, !(state & EDU_RUN), 1000,
				   5 * USEC_PER_SEC);
}

static bool edu_write(struct camera *camera, dma_addr_t address, const void *page, size_t bytes)
{
	struct edu *edu = camera->engine_data;

	if (address + bytes - 1 > dma_get_mask(camera->importer.dev))
		return false;
	while (bytes) {
		size_t part = min(bytes, (size_t)EDU_BYTES);

		memcpy(edu->page, page, part);
		if (!edu_copy(edu, edu->page_address, EDU_BUFFER, part, 0) ||
		    !edu_copy(edu, EDU_BUFFER, address, part, EDU_TO_MEMORY))
			return false;
		address += part;
		page += part;
		bytes -= part;
	}
	return true;
}

static bool edu_read(struct camera *camera, dma_addr_t address, void *page, size_t bytes)
{
	struct edu *edu = camera->engine_data;

	if (address + bytes - 1 > dma_get_mask(camera->importer.dev))
		return false;
	while (bytes) {
		size_t part = min(bytes, (size_t)EDU_BYTES);

		if (!edu_copy(edu, address, EDU_BUFFER, part, 0) ||
		    !edu_copy(edu, EDU_BUFFER, edu->page_address, part, EDU_TO_MEMORY))
			return false;
		memcpy(page, edu->page, part);
		address += part;
		page += part;
		bytes -= part;
	}
	return true;
}

static const struct camera_engine edu_engine = {.write = edu_write, .read = edu_read};

static int edu_map(struct pci_dev *device, struct edu **ret_edu)
{
	struct edu *edu = devm_kzalloc(&device->dev, sizeof(*edu), GFP_KERNEL);
	int error = edu ? pcim_enable_device(device) : -ENOMEM;

	if (!error)
		error = pcim_iomap_regions(device, BIT(0), "importer-edu");
	if (error)
		return error;
	edu->registers = pcim_iomap_table(device)[0];
	if ((readl(edu->registers + EDU_IDENTITY) & 0xffff) != 0x00ed)
		return -ENODEV;
	edu->page = dmam_alloc_coherent(&device->dev, PAGE_SIZE, &edu->page_address, GFP_KERNEL);
	*ret_edu = edu;
	return edu->page ? 0 : -ENOMEM;
}

static int edu_probe(struct pci_dev *device, const struct pci_device_id *id)
{
	struct camera_config config = {.allocator = "contig", .stride_align = 1};
	unsigned int index = edu_index(device);
	struct camera *camera;
	struct edu *edu;
	int error;

	config.mask_bits = edu_mask_bits[index];
	config.output = edu_output[index];
	if (edu_allocator[index])
		strscpy(config.allocator, edu_allocator[index], sizeof(config.allocator));
	error = importer_set_mask(&device->dev, config.mask_bits);
	if (!error)
		error = edu_map(device, &edu);
	if (error)
		return error;
	pci_set_master(device);
	return camera_create(&device->dev, "importer-edu", &config, &edu_engine, edu, &camera);
}

static void edu_remove(struct pci_dev *device)
{
	camera_destroy(container_of(dev_get_drvdata(&device->dev), struct camera, importer));
	pci_clear_master(device);
}

static const struct pci_device_id edu_devices[] = {
	{PCI_DEVICE(EDU_VENDOR, EDU_DEVICE)},
	{},
};
MODULE_DEVICE_TABLE(pci, edu_devices);

static struct pci_driver edu_driver = {
	.name = "importer-edu",
	.id_table = edu_devices,
	.probe = edu_probe,
	.remove = edu_remove,
	.dev_groups = importer_groups,
};

int edu_register(void)
{
	return pci_register_driver(&edu_driver);
}

void edu_unregister(void)
{
	pci_unregister_driver(&edu_driver);
}
