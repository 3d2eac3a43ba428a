// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA limits of a device as a binding finds them, and how they come back when it ends: what the
 * next driver of the device, in C perhaps, relies on.
 */
#include <linux/dma-mapping.h>
#include <linux/export.h>

#include "ffi/helpers.h"

/* Where the mask is the parent's, so are those who map by it: it is not ours to change. */
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
	/* It tells the architecture, too. A mask that nobody may set was there all the same. */
	if (dma_set_mask(dev, limits->mask))
		*dev->dma_mask = limits->mask;
	dev->coherent_dma_mask = limits->coherent_mask;
	dev->dma_parms->max_segment_size = limits->max_seg_size;
	dev->dma_parms->min_align_mask = limits->min_align_mask;
	dev->dma_parms->segment_boundary_mask = limits->seg_boundary;
#ifdef CONFIG_DMA_NEED_SYNC
	/* Setting a mask has changed it, whatever it was. */
	dev_assign_dma_skip_sync(dev, limits->skips_sync);
#endif
}
EXPORT_SYMBOL_GPL(sgdma_restore_limits);

void sgdma_dma_set_min_align_mask(struct device *dev, unsigned int mask)
{
	dma_set_min_align_mask(dev, mask);
}
EXPORT_SYMBOL_GPL(sgdma_dma_set_min_align_mask);
