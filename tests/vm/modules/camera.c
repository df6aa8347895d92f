// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A camera that takes pictures of nothing: every 16 bytes say which frame and page they are of. Or
 * a reader that takes pictures in; what it got is `picture` in sysfs. The memory helper is the
 * kernel's own (videobuf2), and so are its refusals.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>
#include <media/videobuf2-vmalloc.h>

#include "camera.h"

#define SIDE_MIN 16
#define SIDE_MAX 4096
#define STRIDE_MAX 65536

static unsigned int frame_ms = 33;
module_param(frame_ms, uint, 0644);
MODULE_PARM_DESC(frame_ms, "milliseconds from one frame to the next");

struct camera_buffer {
	struct vb2_v4l2_buffer vb;
	struct list_head list;
};

struct camera_format {
	u32 fourcc;
	u8 bytes_per_pixel; /* of the first plane */
	bool has_chroma;    /* a second plane of half the height in the same memory */
};

static const struct camera_format camera_formats[] = {
	{V4L2_PIX_FMT_YUYV, 2},
	{V4L2_PIX_FMT_XBGR32, 4},
	{V4L2_PIX_FMT_GREY, 1},
	{V4L2_PIX_FMT_NV12, 1, true},
};

static struct camera_buffer *buffer_of(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct camera_buffer, vb);
}

static struct camera *camera_of(struct vb2_buffer *vb)
{
	return vb2_get_drv_priv(vb->vb2_queue);
}

/* --- formats --- */

static const struct camera_format *find_format(u32 fourcc)
{
	for (size_t i = 0; i < ARRAY_SIZE(camera_formats); i++)
		if (camera_formats[i].fourcc == fourcc)
			return &camera_formats[i];
	return &camera_formats[0];
}

static void complete_format(const struct camera *camera, struct v4l2_pix_format *pix)
{
	const struct camera_format *format = find_format(pix->pixelformat);
	u32 align = camera->importer.stride_align, least;

	pix->pixelformat = format->fourcc;
	v4l_bound_align_image(&pix->width, SIDE_MIN, SIDE_MAX, 1, &pix->height, SIDE_MIN, SIDE_MAX,
			      1, 0);
	least = pix->width * format->bytes_per_pixel;
	if (align)
		pix->bytesperline =
			roundup(clamp(pix->bytesperline, least, STRIDE_MAX - align), align);
	else
		pix->bytesperline = least;
	pix->sizeimage = pix->bytesperline * pix->height;
	if (format->has_chroma)
		pix->sizeimage += pix->bytesperline * pix->height / 2;
	pix->field = V4L2_FIELD_NONE;
	pix->colorspace = V4L2_COLORSPACE_SRGB;
	pix->flags = 0;
	pix->ycbcr_enc = V4L2_YCBCR_ENC_DEFAULT;
	pix->quantization = V4L2_QUANTIZATION_DEFAULT;
	pix->xfer_func = V4L2_XFER_FUNC_DEFAULT;
}

static int querycap(struct file *file, void *handle, struct v4l2_capability *capability)
{
	struct camera *camera = video_drvdata(file);

	strscpy(capability->driver, camera->driver, sizeof(capability->driver));
	strscpy(capability->card, dev_name(camera->importer.dev), sizeof(capability->card));
	return 0;
}

static int enum_format(struct file *file, void *handle, struct v4l2_fmtdesc *description)
{
	if (description->index >= ARRAY_SIZE(camera_formats))
		return -EINVAL;
	description->pixelformat = camera_formats[description->index].fourcc;
	return 0;
}

static int enum_sizes(struct file *file, void *handle, struct v4l2_frmsizeenum *sizes)
{
	if (sizes->index || find_format(sizes->pixel_format)->fourcc != sizes->pixel_format)
		return -EINVAL;
	sizes->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	sizes->stepwise = (struct v4l2_frmsize_stepwise){
		.min_width = SIDE_MIN,
		.max_width = SIDE_MAX,
		.step_width = 2,
		.min_height = SIDE_MIN,
		.max_height = SIDE_MAX,
		.step_height = 2,
	};
	return 0;
}

static int get_format(struct file *file, void *handle, struct v4l2_format *format)
{
	struct camera *camera = video_drvdata(file);

	format->fmt.pix = camera->format;
	return 0;
}

static int try_format(struct file *file, void *handle, struct v4l2_format *format)
{
	complete_format(video_drvdata(file), &format->fmt.pix);
	return 0;
}

static int set_format(struct file *file, void *handle, struct v4l2_format *format)
{
	struct camera *camera = video_drvdata(file);

	if (vb2_is_busy(&camera->queue))
		return -EBUSY;
	complete_format(camera, &format->fmt.pix);
	camera->format = format->fmt.pix;
	return 0;
}

static int enum_input(struct file *file, void *handle, struct v4l2_input *input)
{
	if (input->index)
		return -EINVAL;
	input->type = V4L2_INPUT_TYPE_CAMERA;
	strscpy(input->name, "pattern", sizeof(input->name));
	return 0;
}

static int get_input(struct file *file, void *handle, unsigned int *index)
{
	*index = 0;
	return 0;
}

static int set_input(struct file *file, void *handle, unsigned int index)
{
	return index ? -EINVAL : 0;
}

static int enum_output(struct file *file, void *handle, struct v4l2_output *output)
{
	if (output->index)
		return -EINVAL;
	output->type = V4L2_OUTPUT_TYPE_ANALOG;
	strscpy(output->name, "sysfs", sizeof(output->name));
	return 0;
}

static const struct v4l2_ioctl_ops camera_ioctls = {
	.vidioc_querycap = querycap,
	.vidioc_enum_fmt_vid_cap = enum_format,
	.vidioc_enum_framesizes = enum_sizes,
	.vidioc_g_fmt_vid_cap = get_format,
	.vidioc_try_fmt_vid_cap = try_format,
	.vidioc_s_fmt_vid_cap = set_format,
	.vidioc_enum_fmt_vid_out = enum_format,
	.vidioc_g_fmt_vid_out = get_format,
	.vidioc_try_fmt_vid_out = try_format,
	.vidioc_s_fmt_vid_out = set_format,
	.vidioc_enum_input = enum_input,
	.vidioc_g_input = get_input,
	.vidioc_s_input = set_input,
	.vidioc_enum_output = enum_output,
	.vidioc_g_output = get_input,
	.vidioc_s_output = set_input,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_create_bufs = vb2_ioctl_create_bufs,
	.vidioc_prepare_buf = vb2_ioctl_prepare_buf,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations camera_file_ops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
	.unlocked_ioctl = video_ioctl2,
};

/* --- buffers --- */

static bool is_model(const struct camera *camera, const struct vb2_mem_ops *memory)
{
	return camera->memory == memory;
}

/* In front of the helper's own: what the kernel makes of the buffer, taken or not. */
static void *attach(struct vb2_buffer *vb, struct device *dev, struct dma_buf *buffer,
		    unsigned long bytes)
{
	struct camera *camera = camera_of(vb);

	importer_begin(&camera->importer, buffer);
	if (!is_model(camera, &vb2_vmalloc_memops))
		importer_look(&camera->importer, buffer);
	return camera->memory->attach_dmabuf(vb, dev, buffer, bytes);
}

static bool takes_segments(const struct importer *importer, struct sg_table *table)
{
	u32 segments = READ_ONCE(importer->segments);
	struct scatterlist *entry;
	unsigned int i;

	if (segments && table->nents > segments)
		return false;
	if (!importer->segment_bytes)
		return true;
	for_each_sgtable_dma_sg(table, entry,
				i) if (sg_dma_len(entry) > importer->segment_bytes) return false;
	return true;
}

/* The helper has mapped it. */
static int buffer_init(struct vb2_buffer *vb)
{
	struct camera *camera = camera_of(vb);

	if (vb->memory != VB2_MEMORY_DMABUF)
		return 0;
	if (is_model(camera, &vb2_dma_sg_memops) &&
	    !takes_segments(&camera->importer, vb2_dma_sg_plane_desc(vb, 0)))
		return -EFBIG;
	importer_end(&camera->importer, true);
	return 0;
}

static int queue_setup(struct vb2_queue *queue, unsigned int *buffers, unsigned int *planes,
		       unsigned int sizes[], struct device *devices[])
{
	struct camera *camera = vb2_get_drv_priv(queue);

	if (*planes)
		return *planes != 1 || sizes[0] < camera->format.sizeimage ? -EINVAL : 0;
	*planes = 1;
	sizes[0] = camera->format.sizeimage;
	return 0;
}

static int buffer_prepare(struct vb2_buffer *vb)
{
	struct camera *camera = camera_of(vb);

	if (vb2_plane_size(vb, 0) < camera->format.sizeimage)
		return -EINVAL;
	if (!camera->output)
		vb2_set_plane_payload(vb, 0, camera->format.sizeimage);
	return 0;
}

static void buffer_queue(struct vb2_buffer *vb)
{
	struct camera *camera = camera_of(vb);

	spin_lock(&camera->buffers_lock);
	list_add_tail(&buffer_of(vb)->list, &camera->buffers);
	spin_unlock(&camera->buffers_lock);
	if (vb2_start_streaming_called(vb->vb2_queue))
		queue_delayed_work(system_unbound_wq, &camera->work, msecs_to_jiffies(frame_ms));
}

static struct camera_buffer *take_buffer(struct camera *camera)
{
	struct camera_buffer *buffer;

	spin_lock(&camera->buffers_lock);
	buffer = list_first_entry_or_null(&camera->buffers, struct camera_buffer, list);
	if (buffer)
		list_del(&buffer->list);
	spin_unlock(&camera->buffers_lock);
	return buffer;
}

static int start_streaming(struct vb2_queue *queue, unsigned int buffers)
{
	struct camera *camera = vb2_get_drv_priv(queue);

	camera->frame = 0;
	WRITE_ONCE(camera->stopping, false);
	queue_delayed_work(system_unbound_wq, &camera->work, msecs_to_jiffies(frame_ms));
	return 0;
}

static void stop_streaming(struct vb2_queue *queue)
{
	struct camera *camera = vb2_get_drv_priv(queue);
	struct camera_buffer *buffer;

	WRITE_ONCE(camera->stopping, true);
	cancel_delayed_work_sync(&camera->work);
	while ((buffer = take_buffer(camera)))
		vb2_buffer_done(&buffer->vb.vb2_buf, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops camera_queue_ops = {
	.queue_setup = queue_setup,
	.buf_init = buffer_init,
	.buf_prepare = buffer_prepare,
	.buf_queue = buffer_queue,
	.start_streaming = start_streaming,
	.stop_streaming = stop_streaming,
	.wait_prepare = vb2_ops_wait_prepare,
	.wait_finish = vb2_ops_wait_finish,
};

/* --- pictures --- */

static bool write_by_software(struct camera *camera, dma_addr_t address, const void *page,
			      size_t bytes)
{
	return importer_write(&camera->importer, address, page, bytes);
}

static bool read_by_software(struct camera *camera, dma_addr_t address, void *page, size_t bytes)
{
	return importer_read(&camera->importer, address, page, bytes);
}

const struct camera_engine camera_software_engine = {.write = write_by_software,
						     .read = read_by_software};

/* Between `page` and an address of the device. */
static bool move_piece(struct camera *camera, dma_addr_t address, void *page, size_t bytes)
{
	return camera->output ? camera->engine->read(camera, address, page, bytes)
			      : camera->engine->write(camera, address, page, bytes);
}

/* Between `page` and `bytes` at `offset` of a mapping, in as many pieces as it has there. */
static bool move_scattered(struct camera *camera, struct sg_table *table, size_t offset, void *page,
			   size_t bytes)
{
	struct scatterlist *entry;
	unsigned int i;

	for_each_sgtable_dma_sg(table, entry, i)
	{
		size_t part;

		if (offset >= sg_dma_len(entry)) {
			offset -= sg_dma_len(entry);
			continue;
		}
		part = min(bytes, (size_t)sg_dma_len(entry) - offset);
		if (!move_piece(camera, sg_dma_address(entry) + offset, page, part))
			return false;
		page += part;
		bytes -= part;
		if (!bytes)
			return true;
		offset = 0;
	}
	return false;
}

static bool move_by_cpu(struct camera *camera, struct vb2_buffer *vb, size_t offset, void *page,
			size_t bytes)
{
	void *mapped = vb2_plane_vaddr(vb, 0);

	if (!mapped)
		return false;
	if (camera->output)
		memcpy(page, mapped + offset, bytes);
	else
		memcpy(mapped + offset, page, bytes);
	return true;
}

static bool move_page(struct camera *camera, struct vb2_buffer *vb, size_t offset, void *page,
		      size_t bytes)
{
	if (is_model(camera, &vb2_dma_contig_memops))
		return move_piece(camera, vb2_dma_contig_plane_dma_addr(vb, 0) + offset, page,
				  bytes);
	if (is_model(camera, &vb2_dma_sg_memops))
		return move_scattered(camera, vb2_dma_sg_plane_desc(vb, 0), offset, page, bytes);
	return move_by_cpu(camera, vb, offset, page, bytes);
}

/* `picture`: where the frame goes that is read, NULL for one that is written. */
static void move_frame(struct camera *camera, struct vb2_buffer *vb, void *picture)
{
	size_t bytes = vb2_get_plane_payload(vb, 0);
	unsigned int pages = 0, faults = 0;

	for (size_t offset = 0; offset < bytes; offset += PAGE_SIZE) {
		void *page = picture ? picture + offset : camera->page;

		if (READ_ONCE(camera->stopping))
			break;
		if (!picture)
			importer_pattern(page, camera->frame, offset / PAGE_SIZE);
		if (move_page(camera, vb, offset, page, min(PAGE_SIZE, bytes - offset)))
			pages++;
		else
			faults++;
	}
	importer_wrote(&camera->importer, pages, faults);
}

static bool do_frame(struct camera *camera, struct vb2_buffer *vb)
{
	size_t bytes = vb2_get_plane_payload(vb, 0);
	void *picture = NULL;

	if (camera->output) {
		picture = vzalloc(bytes);
		if (!picture)
			return false;
	}
	move_frame(camera, vb, picture);
	if (camera->output)
		importer_show(&camera->importer, picture, bytes);
	return true;
}

static void work(struct work_struct *item)
{
	struct camera *camera = container_of(to_delayed_work(item), struct camera, work);
	struct camera_buffer *buffer = take_buffer(camera);
	bool done;

	if (!buffer)
		return;
	done = do_frame(camera, &buffer->vb.vb2_buf);
	buffer->vb.vb2_buf.timestamp = ktime_get_ns();
	buffer->vb.sequence = camera->frame++;
	buffer->vb.field = V4L2_FIELD_NONE;
	vb2_buffer_done(&buffer->vb.vb2_buf, done ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR);
	if (!READ_ONCE(camera->stopping))
		queue_delayed_work(system_unbound_wq, &camera->work, msecs_to_jiffies(frame_ms));
}

/* --- coming and going --- */

static int choose_memory(struct camera *camera, const char *allocator)
{
	struct importer *importer = &camera->importer;

	if (strcmp(allocator, "contig") == 0) {
		importer->memory_model = "dma-contig";
		camera->memory = &vb2_dma_contig_memops;
	} else if (strcmp(allocator, "sg") == 0) {
		importer->memory_model = "dma-sg";
		camera->memory = &vb2_dma_sg_memops;
	} else if (strcmp(allocator, "vmalloc") == 0) {
		importer->memory_model = "vmalloc";
		camera->memory = &vb2_vmalloc_memops;
	} else {
		dev_err(importer->dev, "no allocator '%s'\n", allocator);
		return -EINVAL;
	}
	camera->memory_ops = *camera->memory;
	camera->memory_ops.attach_dmabuf = attach;
	return 0;
}

static void configure(struct camera *camera, const struct camera_config *config)
{
	struct importer *importer = &camera->importer;

	importer->segment_bytes = config->segment_bytes;
	importer->segments = config->segments;
	importer->stride_align = config->stride_align;
	camera->output = config->output;
	dma_set_max_seg_size(importer->dev, config->segment_bytes ?: UINT_MAX);
	camera->format.width = 640;
	camera->format.height = 480;
	complete_format(camera, &camera->format);
}

static int init_queue(struct camera *camera)
{
	struct vb2_queue *queue = &camera->queue;

	queue->type = camera->output ? V4L2_BUF_TYPE_VIDEO_OUTPUT : V4L2_BUF_TYPE_VIDEO_CAPTURE;
	queue->io_modes = VB2_MMAP | VB2_DMABUF;
	queue->dev = camera->importer.dev;
	queue->lock = &camera->lock;
	queue->ops = &camera_queue_ops;
	queue->mem_ops = &camera->memory_ops;
	queue->drv_priv = camera;
	queue->buf_struct_size = sizeof(struct camera_buffer);
	queue->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	if (dma_get_mask(camera->importer.dev) <= DMA_BIT_MASK(32))
		queue->gfp_flags = GFP_DMA32;
	return vb2_queue_init(queue);
}

/* The last user has gone. */
static void release(struct v4l2_device *v4l2)
{
	struct camera *camera = container_of(v4l2, struct camera, v4l2);

	free_page((unsigned long)camera->page);
	vfree(camera->importer.picture);
	kfree(camera);
}

static int register_video(struct camera *camera)
{
	struct video_device *video = &camera->video;

	strscpy(video->name, camera->driver, sizeof(video->name));
	video->release = video_device_release_empty;
	video->fops = &camera_file_ops;
	video->ioctl_ops = &camera_ioctls;
	video->v4l2_dev = &camera->v4l2;
	video->queue = &camera->queue;
	video->lock = &camera->lock;
	video->device_caps = V4L2_CAP_STREAMING;
	if (camera->output)
		video->vfl_dir = VFL_DIR_TX;
	video->device_caps |= camera->output ? V4L2_CAP_VIDEO_OUTPUT : V4L2_CAP_VIDEO_CAPTURE;
	video_set_drvdata(video, camera);
	return video_register_device(video, VFL_TYPE_VIDEO, -1);
}

int camera_create(struct device *dev, const char *driver, const struct camera_config *config,
		  const struct camera_engine *engine, void *engine_data, struct camera **ret_camera)
{
	struct camera *camera = kzalloc(sizeof(*camera), GFP_KERNEL);
	int error = camera ? v4l2_device_register(dev, &camera->v4l2) : -ENOMEM;

	if (error) {
		kfree(camera);
		return error;
	}
	camera->v4l2.release = release;
	camera->driver = driver;
	camera->engine = engine;
	camera->engine_data = engine_data;
	mutex_init(&camera->lock);
	spin_lock_init(&camera->buffers_lock);
	INIT_LIST_HEAD(&camera->buffers);
	INIT_DELAYED_WORK(&camera->work, work);
	importer_init(&camera->importer, dev, NULL);
	camera->page = (void *)get_zeroed_page(GFP_KERNEL);
	error = camera->page ? choose_memory(camera, config->allocator) : -ENOMEM;
	if (!error) {
		configure(camera, config);
		error = init_queue(camera);
	}
	if (!error)
		error = register_video(camera);
	if (error) {
		v4l2_device_unregister(&camera->v4l2);
		v4l2_device_put(&camera->v4l2);
		return error;
	}
	*ret_camera = camera;
	return 0;
}

void camera_destroy(struct camera *camera)
{
	vb2_video_unregister_device(&camera->video);
	v4l2_device_unregister(&camera->v4l2);
	v4l2_device_put(&camera->v4l2);
}
