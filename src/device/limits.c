// SPDX-License-Identifier: GPL-2.0
/*
 * Saves the DMA limits of a device before a binding, and restores them when the binding ends, for
 * the next driver of the device. In C, because the limits are behind inline functions.
 */
#include <linux/dma-mapping.h>
#include <linux/export.h>

#include "device/device.h"

/* A mask that the device shares with its parent also limits what is mapped for the parent. */
static bool has_own_mask(struct device *dev)
{
	return dev->dma_mask && !(dev->parent && dev->dma_mask == dev->parent->dma_mask);
}

int sgdma_save_limits(struct device *dev, struct sgdma_limits *limits)
{
	if (!has_own_mask(dev) || !dev->dma_parms)
		return -EINVAL;
	*limits = (struct sgdma_limits) {
		.mask = *dev->dma_mask,
		.coherent_mask = dev->coherent_dma_mask,
		.max_seg_size = dev->dma_parms->max_segment_size,
		.min_align_mask = dev->dma_parms->min_align_mask,
		.seg_boundary = dev->dma_parms->segment_boundary_mask,
	};
#ifdef CONFIG_DMA_NEED_SYNC
	limits->skips_sync = dev_dma_skip_sync(dev);
#endif
	return 0;
}
EXPORT_SYMBOL_GPL(sgdma_save_limits);

void sgdma_restore_limits(struct device *dev, const struct sgdma_limits *limits)
{
	/* Setting a mask tells the architecture. A mask that is refused now was there before. */
	if (dma_set_mask(dev, limits->mask))
		*dev->dma_mask = limits->mask;
	dev->coherent_dma_mask = limits->coherent_mask;
	dev->dma_parms->max_segment_size = limits->max_seg_size;
	dev->dma_parms->min_align_mask = limits->min_align_mask;
	dev->dma_parms->segment_boundary_mask = limits->seg_boundary;
#ifdef CONFIG_DMA_NEED_SYNC
	/* Setting a mask has changed this flag. */
	dev_assign_dma_skip_sync(dev, limits->skips_sync);
#endif
}
EXPORT_SYMBOL_GPL(sgdma_restore_limits);

void sgdma_dma_set_min_align_mask(struct device *dev, unsigned int mask)
{
	dma_set_min_align_mask(dev, mask);
}
EXPORT_SYMBOL_GPL(sgdma_dma_set_min_align_mask);
