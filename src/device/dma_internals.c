// SPDX-License-Identifier: GPL-2.0
/* What the DMA API keeps to itself: each peek with its reason, and what is public instead. */
#include <linux/dma-direct.h>
#include <linux/iommu-dma.h>
#include <linux/pci.h>
#include "device/coherency.h"

/* Who maps: dma_map_direct() is static, and nothing public says it. */
enum sgdma_path sgdma_path(struct device *dev)
{
	return use_dma_iommu(dev) ? SGDMA_IOMMU : get_dma_ops(dev) ? SGDMA_OPS : SGDMA_DIRECT;
}

static const struct bus_dma_region *range_of(struct device *dev, phys_addr_t phys)
{
	const struct bus_dma_region *range = dev->dma_range_map;

	while (range && range->size && phys - range->cpu_start >= range->size)
		range++;
	return range && range->size ? range : NULL;
}

/*
 * How many bytes from @phys on, of @size, keep together on the bus: as far as ranges go on with one
 * offset or, outside of all ranges, up to the next one. The kernel asks of the first byte alone
 * where all of a segment is.
 */
size_t sgdma_straight(struct device *dev, phys_addr_t phys, size_t size)
{
	const struct bus_dma_region *range = dev->dma_range_map, *first = range_of(dev, phys);
	u64 len;

	if (!first) {
		for (; range && range->size; range++)
			if (range->cpu_start > phys)
				size = min(size, range->cpu_start - phys);
		return size;
	}
	range = first;
	do {
		len = range->cpu_start + range->size - phys;
		if (len >= size)
			return size;
		range = range_of(dev, phys + len);
	} while (range && range->dma_start - range->cpu_start ==
			  first->dma_start - first->cpu_start);
	return len;
}

/*
 * Whether what begins in reach may go on elsewhere, which no limit tells. One range ends where the
 * bus does, if firmware made it.
 */
bool sgdma_has_borders(struct device *dev)
{
	const struct bus_dma_region *range = dev->dma_range_map;

	return range && range->size &&
	       (range[1].size || !dev->bus_dma_limit ||
		dev->bus_dma_limit - range->dma_start >= range->size);
}

/* Where a direct mapping is unless it bounces: else, only the mapping itself would tell. */
dma_addr_t sgdma_direct_address(struct device *dev, phys_addr_t phys, size_t size)
{
	dma_addr_t addr = phys_to_dma(dev, phys);
	bool in_place = dma_capable(dev, addr, size, true) && !is_swiotlb_force_bounce(dev) &&
			sgdma_straight(dev, phys, size) == size;

	return in_place ? addr : DMA_MAPPING_ERROR;
}

/* Whether no memory is better than other memory: what is mapped directly bounces anyway. */
bool sgdma_bounces_all(struct device *dev)
{
	return is_swiotlb_force_bounce(dev);
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
