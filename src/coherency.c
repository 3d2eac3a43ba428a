// SPDX-License-Identifier: GPL-2.0
/* What the DMA API keeps to itself: each peek with its reason, and what is public instead. */
#include <linux/cc_platform.h>
#include <linux/dma-direct.h>
#include <linux/iommu-dma.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include "coherency.h"

/* Who maps: dma_map_direct() is static, and nothing public says it. */
enum sgdma_path sgdma_path(struct device *dev)
{
	return use_dma_iommu(dev) ? SGDMA_IOMMU : get_dma_ops(dev) ? SGDMA_OPS : SGDMA_DIRECT;
}
EXPORT_SYMBOL_GPL(sgdma_path);

/* The address that a direct mapping in place has; else, only the mapping itself would tell. */
dma_addr_t sgdma_direct_address(struct device *dev, phys_addr_t phys, size_t size)
{
	dma_addr_t addr = phys_to_dma(dev, phys);

	return dma_capable(dev, addr, size, true) ? addr : DMA_MAPPING_ERROR;
}
EXPORT_SYMBOL_GPL(sgdma_direct_address);

enum sgdma_coherency sgdma_coherency(struct device *dev)
{
	enum sgdma_path path = dev ? sgdma_path(dev) : SGDMA_OPS;
	const struct dma_map_ops *ops = dev && path == SGDMA_OPS ? get_dma_ops(dev) : NULL;

	/* dma_get_mask() makes 32 bits of no mask. Who may not do DMA has ops that support none. */
	if (!dev || !dev->dma_mask || !*dev->dma_mask ||
	    (ops && ops->dma_supported && !ops->dma_supported(dev, *dev->dma_mask)))
		return SGDMA_NO_DMA;
	/* The hooks themselves: dma_dev_need_sync() is always true under DMA_API_DEBUG. */
	if (ops && (ops->sync_single_for_cpu || ops->sync_single_for_device ||
		    ops->sync_sg_for_cpu || ops->sync_sg_for_device))
		return SGDMA_UNKNOWN_DMA_OPS;
	/* The hardware's caches: device_get_dma_attr() says only what firmware said. */
	if (!dev_is_dma_coherent(dev))
		return SGDMA_NEEDS_CACHE_MAINTENANCE;
	/* iommu-dma bounces what shares a page of the IOMMU, of Thunderbolt devices, say. */
	if (path == SGDMA_IOMMU && dev_is_pci(dev) && to_pci_dev(dev)->untrusted &&
	    __ffs(iommu_get_domain_for_dev(dev)->pgsize_bitmap) > PAGE_SHIFT)
		return SGDMA_BOUNCE_UNTRUSTED;
	if (path != SGDMA_DIRECT)
		return SGDMA_COHERENT;
	/* swiotlb=force and its like: nothing public but a mapping that has bounced. */
	if (is_swiotlb_force_bounce(dev))
		return is_swiotlb_for_alloc(dev) ? SGDMA_BOUNCE_RESTRICTED_POOL :
		       cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT) ? SGDMA_BOUNCE_ENCRYPTED :
		       SGDMA_BOUNCE_FORCED;
	if (dma_addressing_limited(dev))
		return dma_get_mask(dev) < dma_get_required_mask(dev) ? SGDMA_BOUNCE_MASK :
		       SGDMA_BOUNCE_BUS_LIMIT;
	return SGDMA_COHERENT;
}
EXPORT_SYMBOL_GPL(sgdma_coherency);
