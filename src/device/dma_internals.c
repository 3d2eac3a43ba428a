// SPDX-License-Identifier: GPL-2.0
/*
 * Facts about a device that the DMA API keeps to itself. Each function says what is public instead.
 * In C, because the facts are behind inline functions and macros.
 */
#include <linux/acpi.h>
#include <linux/cc_platform.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/mem_encrypt.h>
#include <linux/pci.h>
#include <linux/property.h>

#include "device/device.h"

/* No call says whether a device is in a domain of its driver. Only the type of the domain tells. */
static bool is_in_domain_of_driver(struct device *dev)
{
#ifdef CONFIG_IOMMU_API
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type == IOMMU_DOMAIN_UNMANAGED;
#else
	return false;
#endif
}

enum sgdma_route sgdma_route(struct device *dev)
{
	if (is_in_domain_of_driver(dev))
		return SGDMA_DOMAIN;
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
 * Ranges that follow one another with the same offset are one piece. Outside of all ranges, a piece
 * ends where the next range begins. The kernel translates only the first byte of a segment, so it
 * does not notice that the rest lies elsewhere on the bus.
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
 * Several ranges have borders. A single range has one unless it ends where the bus limit does, as
 * firmware makes it: then the limit already refuses what goes on behind the range.
 */
bool sgdma_has_borders(struct device *dev)
{
	const struct bus_dma_region *range = dev->dma_range_map;

	return range && range->size &&
	       (range[1].size || !dev->bus_dma_limit ||
		dev->bus_dma_limit - range->dma_start >= range->size);
}

bool sgdma_is_untrusted(struct device *dev)
{
	return dev_is_pci(dev) && to_pci_dev(dev)->untrusted;
}

bool sgdma_has_ranges(struct device *dev)
{
	return dev->dma_range_map;
}

/*
 * dma_capable() answers more than this since 7.3: it calls force_dma_unencrypted(), which modules
 * cannot where memory can be encrypted. The two functions below answer that part.
 */
static bool addressable(struct device *dev, dma_addr_t addr, size_t size)
{
	return addr != DMA_MAPPING_ERROR &&
	       addr + size - 1 <= min_not_zero(*dev->dma_mask, dev->bus_dma_limit);
}

/*
 * Mapping tells by a warning. For what is no memory 7.2 does not go by the ranges of a bus, and 7.3
 * does: here both have to lead to the same place.
 */
bool sgdma_can_send(struct device *dev, phys_addr_t phys, size_t size)
{
	if (sgdma_route(dev) != SGDMA_DIRECT)
		return true;
	if (dev->dma_range_map &&
	    (phys_to_dma(dev, phys) != phys || sgdma_straight(dev, phys, size) != size))
		return false;
	return addressable(dev, phys, size);
}
EXPORT_SYMBOL_GPL(sgdma_can_send);

/*
 * A host whose memory is encrypted has an address bit that says so. 7.3 goes by the coherent mask.
 * 7.2 goes by the streaming mask only, so that a device there may be in place in spite of this.
 */
static bool lacks_encryption_bit(struct device *dev)
{
	return cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT) &&
	       min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit) < dma_addr_encrypted(0ULL);
}

/* Public is only the address of a mapping, and mapping may bounce. */
dma_addr_t sgdma_direct_address(struct device *dev, phys_addr_t phys, size_t size)
{
	dma_addr_t addr = phys_to_dma(dev, phys);
	bool in_place = addressable(dev, addr, size) && !sgdma_bounces_all(dev) &&
			!lacks_encryption_bit(dev) && sgdma_straight(dev, phys, size) == size;

	return in_place ? addr : DMA_MAPPING_ERROR;
}

/*
 * Public is only that a mapping has bounced. swiotlb=force and a restricted pool do that to all,
 * and so does a guest whose memory is encrypted: 7.2 forces it there, 7.3 finds no address good.
 */
bool sgdma_bounces_all(struct device *dev)
{
	return is_swiotlb_force_bounce(dev) || sgdma_memory_is_encrypted();
}

/* Nothing public says it. Where the bounce buffers are out of reach, mapping warns. */
bool sgdma_can_bounce(struct device *dev)
{
#ifdef CONFIG_SWIOTLB
	phys_addr_t end = dev->dma_io_tlb_mem ? dev->dma_io_tlb_mem->defpool.end : 0;

	return end && addressable(dev, phys_to_dma_unencrypted(dev, end - 1), 1);
#else
	return false;
#endif
}

/*
 * The hooks are looked at one by one: dma_dev_need_sync() always returns true under DMA_API_DEBUG.
 */
bool sgdma_ops_synchronise(struct device *dev)
{
	const struct dma_map_ops *ops = get_dma_ops(dev);

	return IS_ENABLED(CONFIG_DMA_OPS_BYPASS) || ops->sync_single_for_cpu ||
	       ops->sync_single_for_device || ops->sync_sg_for_cpu || ops->sync_sg_for_device;
}

/* Only the platform's code acts on what firmware says: DMA is set up for the device then. */
bool sgdma_firmware_denies_dma(struct device *dev)
{
	return has_acpi_companion(dev) && device_get_dma_attr(dev) == DEV_DMA_NOT_SUPPORTED;
}

/* device_get_dma_attr() is public, but it returns what firmware says, not what was set up. */
bool sgdma_has_coherent_caches(struct device *dev)
{
	return dev_is_dma_coherent(dev);
}

/*
 * iommu-dma bounces a page that an untrusted device would see together with other memory. That
 * happens to whole pages of the CPU only where the IOMMU's pages are larger. The flag is a field of
 * the PCI core and has no accessor.
 */
bool sgdma_bounces_partial_pages(struct device *dev)
{
	return sgdma_is_untrusted(dev) && IS_ENABLED(CONFIG_SWIOTLB) &&
	       dma_get_merge_boundary(dev) >= PAGE_SIZE;
}

/* Public is only that a mapping has bounced, not why: the device tree may name the pool. */
bool sgdma_has_restricted_pool(struct device *dev)
{
	return is_swiotlb_for_alloc(dev);
}

/*
 * Nothing public says where dma_alloc_coherent() takes memory from. Freeing looks for the place
 * again, and would take memory of a place that has gone for ordinary pages.
 */
bool sgdma_has_own_memory(struct device *dev)
{
#ifdef CONFIG_DMA_DECLARE_COHERENT
	if (dev->dma_mem)
		return true;
#endif
	return sgdma_has_restricted_pool(dev);
}

/* Guests whose memory is encrypted bounce to memory that is not. */
bool sgdma_memory_is_encrypted(void)
{
	return cc_platform_has(CC_ATTR_MEM_ENCRYPT) && !cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT);
}
