/* SPDX-License-Identifier: MIT */
/*
 * Which device really does the DMA of an import, where it is not the one the node in /dev belongs
 * to: read in the drivers of Linux 6.12.
 *
 * X(kind, driver, patterns, lent, own IOMMU domain, source)
 *
 * patterns: compatibles of the nodes, as of fnmatch(3), with blanks between. What is said of an
 * import must hold for all of them that the tree has. lent: the driver configures its own device
 * from that node (of_dma_configure(drm->dev, node)), so that the search for dma-ranges begins at
 * the node. own IOMMU domain: the buffer is attached to the device of the card and mapped there, so
 * that coherency and reach are the card's; but what the hardware sees comes from a domain of the
 * driver's own, which translates if the pattern's nodes have an IOMMU, whatever the type of their
 * iommu_group.
 */
#ifndef TESTS_BOARDS_IMPORTERS_H
#define TESTS_BOARDS_IMPORTERS_H

/* clang-format off */
#define IMPORTERS(X)                                                                               \
	X("drm", "exynos", "samsung,*-fimd samsung,*-decon samsung,*-decon-tv samsung,*-mixer", false, false, "gpu/drm/exynos/exynos_drm_dma.c: exynos_drm_register_dma") \
	X("drm", "mediatek", "mediatek,*-disp-ovl", false, false, "gpu/drm/mediatek/mtk_drm_drv.c: mtk_gem_prime_import") \
	X("drm", "vc4", "brcm,bcm2711-hvs brcm,bcm2835-hvs brcm,bcm2835-v3d brcm,cygnus-v3d brcm,vc4-v3d", true, false, "gpu/drm/vc4/vc4_drv.c: vc4_drm_bind") \
	X("drm", "sun4i-drm", "allwinner,*-display-backend allwinner,*-de2-mixer* allwinner,*-de3-mixer-*", true, false, "gpu/drm/sun4i/sun4i_backend.c: sun4i_backend_bind, sun8i_mixer.c: sun8i_mixer_bind") \
	X("drm", "etnaviv", "vivante,gc", true, false, "gpu/drm/etnaviv/etnaviv_drv.c: etnaviv_pdev_probe") \
	X("drm", "rockchip", "rockchip,*-vop rockchip,*-vop-*", false, true, "gpu/drm/rockchip/rockchip_drm_gem.c: rockchip_gem_iommu_map_sg") \
	X("drm", "msm", "qcom,*-mdss qcom,mdp5 qcom,mdp4", false, true, "gpu/drm/msm/msm_kms.c: msm_kms_init_aspace") \
	X("drm", "tegra", "nvidia,tegra*-dc", false, true, "gpu/drm/tegra/gem.c: tegra_bo_import") \
	X("drm", "rcar-du", "renesas,du-* renesas,fcpv", false, false, "gpu/drm/renesas/rcar-du/rcar_du_vsp.c: rcar_du_vsp_map_fb") \
	X("v4l2", "vsp1", "renesas,fcpv renesas,vsp1", false, false, "media/platform/renesas/vsp1/vsp1_drv.c: vsp1_probe") \
	X("v4l2", "j721e-csi2rx", "ti,*-navss-main-udmap ti,*-dmss-bcdma*", false, false, "media/platform/ti/j721e-csi2rx/j721e-csi2rx.c: ti_csi2rx_init_vb2q")
/* clang-format on */

#endif
