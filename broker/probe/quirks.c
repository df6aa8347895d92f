/* SPDX-License-Identifier: MIT */
/*
 * What no probe can see of a driver, one row each. A row needs a source: a file of the kernel with
 * its version, or a measurement. Where a fact can be read or measured, it has no business here.
 *
 * A wrong "takes it" costs data, a wrong "needs it contiguous" only memory. So drivers that depend
 * on a module parameter (vivid, vimc: vmalloc or dma-contig) have no memory model here.
 *
 * cpu-copies: the kernel's CPU reads or writes the pixels through a mapping of its own, whether or
 * not the buffer is mapped for DMA besides. The virtual drivers with dma-contig or shmem do both.
 */
#include "broker/probe/quirks.h"

#include <string.h>

#define V4L2(name, model, copies, bits, origin)                                            \
	{                                                                                  \
		.kind = KIND_V4L2, .driver = (name), .memory_model = MEMORY_MODEL_##model, \
		.cpu_copies = QUIRK_##copies, .address_bits = (bits), .source = (origin)   \
	}
#define DRM(name, model, takes, copies, bits, align, origin)                                    \
	{                                                                                       \
		.kind = KIND_DRM, .driver = (name), .memory_model = MEMORY_MODEL_##model,       \
		.imports = QUIRK_##takes, .cpu_copies = QUIRK_##copies, .address_bits = (bits), \
		.stride_align = (align), .source = (origin)                                     \
	}
/* The helper takes a dma-buf only if all of it is one run: drm_gem_dma_prime_import_sg_table. */
#define GEM_DMA(name, file) DRM(name, GEM_DMA, UNSAID, UNSAID, 0, 0, "6.12 drivers/gpu/drm/" file)
#define OWN_MMU(name, file) DRM(name, OWN_MMU, UNSAID, UNSAID, 0, 0, "6.12 drivers/gpu/drm/" file)
/* Displays behind USB or an emulated frame buffer: shmem, copied out by the CPU. */
#define SHADOW(name, file) DRM(name, GEM_SHMEM, UNSAID, YES, 0, 0, "6.12 drivers/gpu/drm/" file)

/* clang-format off */
static const struct quirk quirks[] = {
	V4L2("uvcvideo", VMALLOC, UNSAID, 0, "6.12 drivers/media/usb/uvc/uvc_queue.c"),
	V4L2("vivid", UNKNOWN, YES, 32, "6.12 drivers/media/test-drivers/vivid/vivid-core.c"),
	V4L2("vimc", UNKNOWN, YES, 32, "6.12 drivers/media/test-drivers/vimc/vimc-core.c"),
	V4L2("vim2m", VMALLOC, YES, 0, "6.12 drivers/media/test-drivers/vim2m.c"),
	V4L2("vicodec", VMALLOC, YES, 0, "6.12 drivers/media/test-drivers/vicodec/vicodec-core.c"),
	V4L2("visl", VMALLOC, YES, 0, "6.12 drivers/media/test-drivers/visl/visl-video.c"),
	V4L2("qcom-camss", DMA_SG, UNSAID, 0, "6.12 drivers/media/platform/qcom/camss/"),
	V4L2("ipu3-cio2", DMA_SG, UNSAID, 0, "6.12 drivers/media/pci/intel/ipu3/ipu3-cio2.c"),
	V4L2("rockchip-rga", DMA_SG, UNSAID, 0, "6.12 drivers/media/platform/rockchip/rga/"),

	DRM("vkms", GEM_SHMEM, YES, YES, 64, 1, "6.12 drivers/gpu/drm/vkms/vkms_drv.c"),
	DRM("vgem", GEM_SHMEM, YES, UNSAID, 64, 1,
	    "6.12 drivers/gpu/drm/vgem/vgem_drv.c; measured: takes system heap and udmabuf"),
	/* Later kernels may take some. The price of the old answer is a copy. */
	DRM("bochs-drm", DEVICE, NO, UNSAID, 0, 0, "measured on 6.12: EINVAL on every import"),
	DRM("virtio_gpu", DEVICE, NO, UNSAID, 0, 0, "measured on 6.12: ENODEV on every import"),

	OWN_MMU("i915", "i915"),
	OWN_MMU("xe", "xe"),
	OWN_MMU("amdgpu", "amd/amdgpu"),
	OWN_MMU("radeon", "radeon"),
	OWN_MMU("nouveau", "nouveau"),
	OWN_MMU("msm", "msm"),
	OWN_MMU("etnaviv", "etnaviv/etnaviv_mmu.c"),
	OWN_MMU("panfrost", "panfrost/panfrost_mmu.c"),
	OWN_MMU("panthor", "panthor/panthor_mmu.c"),
	OWN_MMU("lima", "lima/lima_mmu.c"),
	OWN_MMU("v3d", "v3d/v3d_mmu.c"),
	OWN_MMU("powervr", "imagination/pvr_mmu.c"),

	SHADOW("ast", "ast/ast_drv.c"),
	SHADOW("cirrus", "tiny/cirrus.c"),
	SHADOW("gud", "gud/gud_drv.c"),
	SHADOW("hyperv_drm", "hyperv/hyperv_drm_drv.c"),
	SHADOW("mgag200", "mgag200/mgag200_drv.c"),
	SHADOW("simpledrm", "tiny/simpledrm.c"),
	SHADOW("udl", "udl/udl_drv.c"),

	GEM_DMA("aspeed-gfx-drm", "aspeed/aspeed_gfx_drv.c"),
	GEM_DMA("atmel-hlcdc", "atmel-hlcdc/atmel_hlcdc_dc.c"),
	GEM_DMA("fsl-dcu-drm", "fsl-dcu/fsl_dcu_drm_drv.c"),
	GEM_DMA("hdlcd", "arm/hdlcd_drv.c"),
	GEM_DMA("imx-dcss", "imx/dcss/dcss-kms.c"),
	GEM_DMA("imx-drm", "imx/ipuv3/imx-drm-core.c"),
	GEM_DMA("imx-lcdc", "imx/lcdc/imx-lcdc.c"),
	GEM_DMA("imx-lcdif", "mxsfb/lcdif_drv.c"),
	GEM_DMA("ingenic-drm", "ingenic/ingenic-drm-drv.c"),
	GEM_DMA("kirin", "hisilicon/kirin/kirin_drm_ade.c"),
	GEM_DMA("kmb-drm", "kmb/kmb_drv.c"),
	GEM_DMA("komeda", "arm/display/komeda/komeda_kms.c"),
	GEM_DMA("logicvc-drm", "logicvc/logicvc_drm.c"),
	GEM_DMA("mali-dp", "arm/malidp_drv.c"),
	GEM_DMA("mcde", "mcde/mcde_drv.c"),
	GEM_DMA("mediatek", "mediatek/mtk_gem.c"),
	GEM_DMA("meson", "meson/meson_drv.c"),
	GEM_DMA("mxsfb-drm", "mxsfb/mxsfb_drv.c"),
	GEM_DMA("pl111", "pl111/pl111_drv.c"),
	GEM_DMA("rcar-du", "renesas/rcar-du/rcar_du_drv.c"),
	GEM_DMA("rzg2l-du", "renesas/rz-du/rzg2l_du_drv.c"),
	GEM_DMA("shmob-drm", "renesas/shmobile/shmob_drm_drv.c"),
	GEM_DMA("sprd", "sprd/sprd_drm.c"),
	GEM_DMA("sti", "sti/sti_drv.c"),
	GEM_DMA("stm", "stm/drv.c"),
	GEM_DMA("sun4i-drm", "sun4i/sun4i_drv.c"),
	GEM_DMA("tidss", "tidss/tidss_drv.c"),
	GEM_DMA("tilcdc", "tilcdc/tilcdc_drv.c"),
	GEM_DMA("tve200", "tve200/tve200_drv.c"),
	GEM_DMA("vc4", "vc4/vc4_drv.c"),
	GEM_DMA("zynqmp-dpsub", "xlnx/zynqmp_kms.c"),
};
/* clang-format on */

const struct quirk *quirk_find(enum kind kind, const char *driver)
{
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++)
		if (quirks[i].kind == kind && strcmp(quirks[i].driver, driver) == 0)
			return &quirks[i];
	return NULL;
}
