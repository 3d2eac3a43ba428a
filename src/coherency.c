// SPDX-License-Identifier: GPL-2.0
/* What the DMA API keeps to itself: each peek with its reason, and what is public instead. */
#include <linux/dma-direct.h>
#include <linux/iommu-dma.h>
#include <linux/pci.h>
#include "coherency.h"

/* Who maps: dma_map_direct() is static, and nothing public says it. */
enum sgdma_path sgdma_path(struct device *dev)
{
	return use_dma_iommu(dev) ? SGDMA_IOMMU : get_dma_ops(dev) ? SGDMA_OPS : SGDMA_DIRECT;
}

/* Where a direct mapping is unless it bounces: else, only the mapping itself would tell. */
dma_addr_t sgdma_direct_address(struct device *dev, phys_addr_t phys, size_t size)
{
	dma_addr_t addr = phys_to_dma(dev, phys);
	bool in_place = dma_capable(dev, addr, size, true) && !is_swiotlb_force_bounce(dev);

	return in_place ? addr : DMA_MAPPING_ERROR;
}

/* Whether what is between reachable ends may be out of reach: dma_addressing_limited() rounds. */
bool sgdma_has_gaps(struct device *dev)
{
	return dev->dma_range_map && dev->dma_range_map[0].size && dev->dma_range_map[1].size;
}

/* Whether the bounce buffers are in reach: where they are not, mapping warns. Public: nothing. */
bool sgdma_can_bounce(struct device *dev)
{
#ifdef CONFIG_SWIOTLB
	phys_addr_t end = dev->dma_io_tlb_mem ? dev->dma_io_tlb_mem->defpool.end : 0;

	return end && dma_capable(dev, phys_to_dma_unencrypted(dev, end - 1), 1, true);
#else
	return false;
#endif
}

enum sgdma_coherency sgdma_judge(struct device *dev, enum sgdma_path path)
{
	const struct dma_map_ops *ops = path == SGDMA_OPS ? get_dma_ops(dev) : NULL;

	/* Each hook itself: dma_dev_need_sync() is always true under DMA_API_DEBUG. */
	if (ops && (IS_ENABLED(CONFIG_DMA_OPS_BYPASS) || ops->sync_single_for_cpu ||
		    ops->sync_single_for_device || ops->sync_sg_for_cpu || ops->sync_sg_for_device))
		return SGDMA_UNKNOWN_DMA_OPS;
	/* The hardware's caches: device_get_dma_attr() says only what firmware said. */
	if (!dev_is_dma_coherent(dev))
		return SGDMA_NEEDS_CACHE_MAINTENANCE;
	/* Whom iommu-dma gives no page together with other memory: a field of the PCI core's. */
	if (path == SGDMA_IOMMU && dev_is_pci(dev) && to_pci_dev(dev)->untrusted)
		return SGDMA_BOUNCE_UNTRUSTED;
	/* swiotlb=force and its like: public is only a mapping that has bounced. */
	if (path == SGDMA_DIRECT && is_swiotlb_force_bounce(dev))
		return is_swiotlb_for_alloc(dev) ? SGDMA_BOUNCE_RESTRICTED_POOL :
		       SGDMA_BOUNCE_FORCED;
	return SGDMA_COHERENT;
}
