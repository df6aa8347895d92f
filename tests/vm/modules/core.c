// SPDX-License-Identifier: MIT OR GPL-2.0
/* What the kernel knows of an importer, in sysfs; and what all importers share. */
#include <linux/dma-buf.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>
#include <linux/sysfs.h>
#include <linux/vmalloc.h>

#include "importer.h"

static bool look = true;
module_param(look, bool, 0644);
MODULE_PARM_DESC(look, "cameras map each buffer once more to look at it (default: yes)");

/* --- what the kernel has computed --- */

static struct iommu_domain *translating_domain(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_PAGING ? domain : NULL;
}

/* Where a DMA address leads, PHYS_ADDR_MAX if nowhere. */
static phys_addr_t address_to_memory(struct device *dev, dma_addr_t address)
{
	struct iommu_domain *domain = translating_domain(dev);

	if (domain)
		return iommu_iova_to_phys(domain, address) ?: PHYS_ADDR_MAX;
	return dma_to_phys(dev, address);
}

static u64 highest_address(struct device *dev)
{
	return min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
}

/* The part of memory between the lowest and the highest byte that it reaches without translation.
 */
static void find_reach(struct device *dev, u64 *ret_first, u64 *ret_last)
{
	const struct bus_dma_region *region = dev->dma_range_map;
	u64 highest = highest_address(dev);

	*ret_first = 0;
	*ret_last = highest;
	if (!region)
		return;
	*ret_first = U64_MAX;
	*ret_last = 0;
	for (; region->size; region++) {
		if (region->dma_start > highest)
			continue;
		*ret_first = min(*ret_first, (u64)region->cpu_start);
		*ret_last = max(*ret_last,
				(u64)region->cpu_start +
					min(region->size - 1, highest - (u64)region->dma_start));
	}
}

static ssize_t coherent_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	return sysfs_emit(text, "%d\n", dev_is_dma_coherent(dev));
}
static DEVICE_ATTR_RO(coherent);

static ssize_t dma_mask_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	return sysfs_emit(text, "0x%llx\n", dma_get_mask(dev));
}
static DEVICE_ATTR_RO(dma_mask);

static ssize_t coherent_dma_mask_show(struct device *dev, struct device_attribute *attribute,
				      char *text)
{
	return sysfs_emit(text, "0x%llx\n", dev->coherent_dma_mask);
}
static DEVICE_ATTR_RO(coherent_dma_mask);

static ssize_t bus_dma_limit_show(struct device *dev, struct device_attribute *attribute,
				  char *text)
{
	return sysfs_emit(text, "0x%llx\n", dev->bus_dma_limit);
}
static DEVICE_ATTR_RO(bus_dma_limit);

/* cpu-address dma-address size, a line for each */
static ssize_t dma_ranges_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	const struct bus_dma_region *region = dev->dma_range_map;
	ssize_t len = 0;

	for (; region && region->size; region++)
		len += sysfs_emit_at(text, len, "0x%llx 0x%llx 0x%llx\n", (u64)region->cpu_start,
				     (u64)region->dma_start, region->size);
	return len;
}
static DEVICE_ATTR_RO(dma_ranges);

static ssize_t reach_first_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	u64 first, last;

	find_reach(dev, &first, &last);
	return sysfs_emit(text, "0x%llx\n", first);
}
static DEVICE_ATTR_RO(reach_first);

static ssize_t reach_last_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	u64 first, last;

	find_reach(dev, &first, &last);
	return sysfs_emit(text, "0x%llx\n", last);
}
static DEVICE_ATTR_RO(reach_last);

static ssize_t addressing_limited_show(struct device *dev, struct device_attribute *attribute,
				       char *text)
{
	return sysfs_emit(text, "%d\n", dma_addressing_limited(dev));
}
static DEVICE_ATTR_RO(addressing_limited);

static ssize_t iommu_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	const char *type = "other";

	if (!domain)
		type = "none";
	else if (domain->type == IOMMU_DOMAIN_IDENTITY)
		type = "identity";
	else if (domain->type == IOMMU_DOMAIN_DMA)
		type = "dma";
	else if (domain->type == IOMMU_DOMAIN_DMA_FQ)
		type = "dma-fq";
	else if (domain->type == IOMMU_DOMAIN_UNMANAGED)
		type = "unmanaged";
	else if (domain->type == IOMMU_DOMAIN_BLOCKED)
		type = "blocked";
	return sysfs_emit(text, "%s\n", type);
}
static DEVICE_ATTR_RO(iommu);

static ssize_t translated_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	return sysfs_emit(text, "%d\n", translating_domain(dev) != NULL);
}
static DEVICE_ATTR_RO(translated);

static ssize_t max_mapping_size_show(struct device *dev, struct device_attribute *attribute,
				     char *text)
{
	return sysfs_emit(text, "%zu\n", dma_max_mapping_size(dev));
}
static DEVICE_ATTR_RO(max_mapping_size);

static ssize_t max_segment_size_show(struct device *dev, struct device_attribute *attribute,
				     char *text)
{
	return sysfs_emit(text, "%u\n", dma_get_max_seg_size(dev));
}
static DEVICE_ATTR_RO(max_segment_size);

/* none, or: what is bounced, first and last byte of the pool */
static ssize_t bounce_show(struct device *dev, struct device_attribute *attribute, char *text)
{
#ifdef CONFIG_SWIOTLB
	struct io_tlb_mem *memory = dev->dma_io_tlb_mem;

	if (memory && memory->nslabs)
		return sysfs_emit(text, "%s 0x%llx 0x%llx\n",
				  is_swiotlb_force_bounce(dev) ? "always" : "reach",
				  (u64)memory->defpool.start, (u64)memory->defpool.end - 1);
#endif
	return sysfs_emit(text, "none\n");
}
static DEVICE_ATTR_RO(bounce);

/* --- what was chosen --- */

static ssize_t memory_model_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct importer *importer = dev_get_drvdata(dev);

	return sysfs_emit(text, "%s\n", importer->memory_model);
}
static DEVICE_ATTR_RO(memory_model);

static ssize_t stride_align_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct importer *importer = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", importer->stride_align);
}
static DEVICE_ATTR_RO(stride_align);

static ssize_t offset_align_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct importer *importer = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", importer->offset_align);
}
static DEVICE_ATTR_RO(offset_align);

static ssize_t segments_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct importer *importer = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u %llu\n", importer->segments, importer->segment_bytes);
}

/* How many it takes from now on; of sg importers. */
static ssize_t segments_store(struct device *dev, struct device_attribute *attribute,
			      const char *text, size_t len)
{
	struct importer *importer = dev_get_drvdata(dev);
	u32 segments;
	int error = kstrtou32(text, 0, &segments);

	if (error)
		return error;
	WRITE_ONCE(importer->segments, segments);
	return len;
}
static DEVICE_ATTR_RW(segments);

/* --- what has happened --- */

static ssize_t import_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct importer *importer = dev_get_drvdata(dev);
	struct importer_mapping last;

	mutex_lock(&importer->lock);
	last = importer->last;
	mutex_unlock(&importer->lock);
	return sysfs_emit(text,
			  "number %llu\n"
			  "bytes %llu\n"
			  "taken %d\n"
			  "mapped %d\n"
			  "entries %u\n"
			  "address 0x%llx\n"
			  "contiguous-bytes %llu\n"
			  "longest-bytes %llu\n"
			  "bounced-bytes %llu\n"
			  "memory-first 0x%llx\n"
			  "memory-last 0x%llx\n",
			  last.number, last.bytes, last.taken, last.mapped, last.entries,
			  last.address, last.contiguous_bytes, last.longest_bytes,
			  last.bounced_bytes, last.memory_first, last.memory_last);
}
static DEVICE_ATTR_RO(import);

static ssize_t engine_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct importer *importer = dev_get_drvdata(dev);
	ssize_t len;

	mutex_lock(&importer->lock);
	len = sysfs_emit(text, "frames %llu\npages %llu\nfaults %llu\n", importer->frames,
			 importer->pages, importer->faults);
	mutex_unlock(&importer->lock);
	return len;
}
static DEVICE_ATTR_RO(engine);

/* Whether the kernel does anything for this device when somebody asks for maintenance. A coherent
 * device that was bounced once remains among those for which it does. */
static ssize_t needs_sync_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	return sysfs_emit(text, "%d\n", dma_dev_need_sync(dev));
}
static DEVICE_ATTR_RO(needs_sync);

/* The bytes that a reader has got last. */
static ssize_t picture_read(struct file *file, struct kobject *object,
			    struct bin_attribute *attribute, char *text, loff_t offset, size_t len)
{
	struct importer *importer = dev_get_drvdata(kobj_to_dev(object));

	mutex_lock(&importer->lock);
	if (!importer->picture || offset >= importer->picture_bytes) {
		len = 0;
	} else {
		len = min(len, importer->picture_bytes - (size_t)offset);
		memcpy(text, importer->picture + offset, len);
	}
	mutex_unlock(&importer->lock);
	return len;
}
static BIN_ATTR_RO(picture, 0);

static struct attribute *importer_attributes[] = {
	&dev_attr_coherent.attr,
	&dev_attr_dma_mask.attr,
	&dev_attr_coherent_dma_mask.attr,
	&dev_attr_bus_dma_limit.attr,
	&dev_attr_dma_ranges.attr,
	&dev_attr_reach_first.attr,
	&dev_attr_reach_last.attr,
	&dev_attr_addressing_limited.attr,
	&dev_attr_iommu.attr,
	&dev_attr_translated.attr,
	&dev_attr_max_mapping_size.attr,
	&dev_attr_max_segment_size.attr,
	&dev_attr_bounce.attr,
	&dev_attr_memory_model.attr,
	&dev_attr_stride_align.attr,
	&dev_attr_offset_align.attr,
	&dev_attr_segments.attr,
	&dev_attr_import.attr,
	&dev_attr_engine.attr,
	&dev_attr_needs_sync.attr,
	NULL,
};

static struct bin_attribute *importer_pictures[] = {&bin_attr_picture, NULL};

static const struct attribute_group importer_group = {
	.name = "importer",
	.attrs = importer_attributes,
	.bin_attrs = importer_pictures,
};

const struct attribute_group *importer_groups[] = {&importer_group, NULL};
EXPORT_SYMBOL_GPL(importer_groups);

void importer_init(struct importer *importer, struct device *dev, const char *memory_model)
{
	importer->dev = dev;
	importer->memory_model = memory_model;
	mutex_init(&importer->lock);
	dev_set_drvdata(dev, importer);
}
EXPORT_SYMBOL_GPL(importer_init);

/* --- setting up --- */

int importer_set_mask(struct device *dev, unsigned int bits)
{
	int error;

	if (!bits)
		return 0;
	if (bits > 64)
		return -EINVAL;
	error = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
	if (error)
		dev_err(dev, "the kernel has no memory for a mask of %u bits\n", bits);
	return error;
}
EXPORT_SYMBOL_GPL(importer_set_mask);

static bool has_shared_pool(struct device *dev)
{
	struct device_node *pool = of_parse_phandle(dev->of_node, "memory-region", 0);
	bool shared = pool && of_device_is_compatible(pool, "shared-dma-pool");

	of_node_put(pool);
	return shared;
}

int importer_use_reserved_memory(struct device *dev)
{
	if (!has_shared_pool(dev))
		return 0;
	return of_reserved_mem_device_init(dev);
}
EXPORT_SYMBOL_GPL(importer_use_reserved_memory);

void importer_leave_reserved_memory(struct device *dev)
{
	if (has_shared_pool(dev))
		of_reserved_mem_device_release(dev);
}
EXPORT_SYMBOL_GPL(importer_leave_reserved_memory);

int importer_create_devices(struct importer_devices *devices, const char *name, unsigned int count,
			    void (*fill)(unsigned int index, void *data), size_t data_bytes)
{
	struct platform_device *device;
	void *data = kzalloc(data_bytes, GFP_KERNEL);
	int error = 0;

	if (!data)
		return -ENOMEM;
	count = min(count, (unsigned int)IMPORTER_MAX);
	for (unsigned int i = 0; i < count && !error; i++) {
		fill(i, data);
		device = platform_device_register_data(NULL, name, i, data, data_bytes);
		error = PTR_ERR_OR_ZERO(device);
		if (!error)
			devices->devices[devices->len++] = device;
	}
	kfree(data);
	if (error)
		importer_remove_devices(devices);
	return error;
}
EXPORT_SYMBOL_GPL(importer_create_devices);

void importer_remove_devices(struct importer_devices *devices)
{
	while (devices->len)
		platform_device_unregister(devices->devices[--devices->len]);
}
EXPORT_SYMBOL_GPL(importer_remove_devices);

/* --- imports --- */

/* What has been seen stays to be read when nobody looks at buffers any more. */
void importer_begin(struct importer *importer, struct dma_buf *buffer)
{
	if (!look)
		return;
	mutex_lock(&importer->lock);
	importer->last = (struct importer_mapping){
		.number = importer->last.number + 1,
		.bytes = buffer->size,
	};
	mutex_unlock(&importer->lock);
}
EXPORT_SYMBOL_GPL(importer_begin);

static void note_memory(struct importer_mapping *mapping, struct sg_table *table)
{
	struct scatterlist *entry;
	unsigned int i;

	if (IS_ENABLED(CONFIG_DMABUF_DEBUG))
		return; /* which hides the pages */
	mapping->memory_first = U64_MAX;
	for_each_sgtable_sg(table, entry, i)
	{
		u64 first = sg_phys(entry);

		mapping->memory_first = min(mapping->memory_first, first);
		mapping->memory_last = max(mapping->memory_last, first + entry->length - 1);
	}
}

static bool is_bounced(struct device *dev, dma_addr_t address)
{
	phys_addr_t memory = address_to_memory(dev, address);

	return memory != PHYS_ADDR_MAX && swiotlb_find_pool(dev, memory);
}

static void note_addresses(struct device *dev, struct importer_mapping *mapping,
			   struct sg_table *table)
{
	struct scatterlist *entry;
	bool contiguous = true;
	unsigned int i;

	mapping->address = sg_dma_address(table->sgl);
	for_each_sgtable_dma_sg(table, entry, i)
	{
		u64 address = sg_dma_address(entry), bytes = sg_dma_len(entry);

		mapping->entries++;
		mapping->longest_bytes = max(mapping->longest_bytes, bytes);
		contiguous &= address == mapping->address + mapping->contiguous_bytes;
		if (contiguous)
			mapping->contiguous_bytes += bytes;
		if (is_bounced(dev, address))
			mapping->bounced_bytes += bytes;
	}
}

void importer_note(struct importer *importer, struct sg_table *table)
{
	mutex_lock(&importer->lock);
	importer->last.mapped = 1;
	note_memory(&importer->last, table);
	note_addresses(importer->dev, &importer->last, table);
	mutex_unlock(&importer->lock);
}
EXPORT_SYMBOL_GPL(importer_note);

void importer_look(struct importer *importer, struct dma_buf *buffer)
{
	struct dma_buf_attachment *attachment;
	struct sg_table *table;

	if (!look)
		return;
	attachment = dma_buf_attach(buffer, importer->dev);
	table = ERR_CAST(attachment);
	if (!IS_ERR(attachment))
		table = dma_buf_map_attachment_unlocked(attachment, DMA_FROM_DEVICE);
	if (IS_ERR(table)) {
		mutex_lock(&importer->lock);
		importer->last.mapped = PTR_ERR(table);
		mutex_unlock(&importer->lock);
	} else {
		importer_note(importer, table);
		dma_buf_unmap_attachment_unlocked(attachment, table, DMA_FROM_DEVICE);
	}
	if (!IS_ERR(attachment))
		dma_buf_detach(buffer, attachment);
}
EXPORT_SYMBOL_GPL(importer_look);

void importer_end(struct importer *importer, bool taken)
{
	mutex_lock(&importer->lock);
	importer->last.taken = taken;
	mutex_unlock(&importer->lock);
}
EXPORT_SYMBOL_GPL(importer_end);

/* --- data --- */

void importer_pattern(void *page, u32 frame, u32 number)
{
	__le32 *words = page;

	for (u32 i = 0; i < PAGE_SIZE / 4; i += 4) {
		words[i] = cpu_to_le32(IMPORTER_MAGIC);
		words[i + 1] = cpu_to_le32(frame);
		words[i + 2] = cpu_to_le32(number);
		words[i + 3] = cpu_to_le32(i * 4);
	}
}
EXPORT_SYMBOL_GPL(importer_pattern);

/* The page in which a DMA address of the device lies, NULL if it does not reach so far. */
static struct page *find_page(struct device *dev, dma_addr_t address, size_t bytes,
			      size_t *ret_offset)
{
	phys_addr_t memory = address_to_memory(dev, address);

	if (address + bytes - 1 > highest_address(dev) || memory == PHYS_ADDR_MAX ||
	    !pfn_valid(PHYS_PFN(memory)))
		return NULL;
	*ret_offset = offset_in_page(memory);
	return pfn_to_page(PHYS_PFN(memory));
}

bool importer_write(struct importer *importer, dma_addr_t address, const void *data, size_t bytes)
{
	while (bytes) {
		size_t offset, part = min(bytes, PAGE_SIZE - offset_in_page(address));
		struct page *page = find_page(importer->dev, address, part, &offset);

		if (!page)
			return false;
		memcpy_to_page(page, offset, data, part);
		address += part;
		data += part;
		bytes -= part;
	}
	return true;
}
EXPORT_SYMBOL_GPL(importer_write);

bool importer_read(struct importer *importer, dma_addr_t address, void *data, size_t bytes)
{
	while (bytes) {
		size_t offset, part = min(bytes, PAGE_SIZE - offset_in_page(address));
		struct page *page = find_page(importer->dev, address, part, &offset);

		if (!page)
			return false;
		memcpy_from_page(data, page, offset, part);
		address += part;
		data += part;
		bytes -= part;
	}
	return true;
}
EXPORT_SYMBOL_GPL(importer_read);

void importer_show(struct importer *importer, void *picture, size_t bytes)
{
	mutex_lock(&importer->lock);
	swap(importer->picture, picture);
	importer->picture_bytes = bytes;
	mutex_unlock(&importer->lock);
	vfree(picture);
}
EXPORT_SYMBOL_GPL(importer_show);

void importer_wrote(struct importer *importer, unsigned int pages, unsigned int faults)
{
	mutex_lock(&importer->lock);
	importer->frames++;
	importer->pages += pages;
	importer->faults += faults;
	mutex_unlock(&importer->lock);
}
EXPORT_SYMBOL_GPL(importer_wrote);

MODULE_DESCRIPTION("What the kernel knows of an importer of buffers, for tests");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_IMPORT_NS(DMA_BUF);
