// SPDX-License-Identifier: GPL-2.0
/*
 * The verdict: what the peeks of coherency.c add up to, and what drivers in C and the report make
 * of it.
 */
#include <linux/acpi.h>
#include <linux/array_size.h>
#include <linux/cc_platform.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/property.h>

#include "device/coherency.h"

static const struct {
	const char *name;
	const char *string;
} verdicts[] = {
	[SGDMA_COHERENT] = {
		"coherent",
		"coherent: memory can be shared with it without dma_sync",
	},
	[SGDMA_NEEDS_CACHE_MAINTENANCE] = {
		"needs-cache-maintenance",
		"not coherent: this platform does not keep caches coherent with it; it needs dma_sync: use map() instead of map_shared()",
	},
	[SGDMA_BOUNCE_FORCED] = {
		"bounce-forced",
		"bounces: swiotlb=force copies all it maps; remove that from the kernel command line, or use dma_sync",
	},
	[SGDMA_BOUNCE_ENCRYPTED] = {
		"bounce-encrypted",
		"bounces: it cannot read this guest's encrypted memory, so all it maps is copied; use dma_sync",
	},
	[SGDMA_BOUNCE_RESTRICTED_POOL] = {
		"bounce-restricted-pool",
		"bounces: its restricted-dma-pool copies all it maps; take that from the device tree, or use dma_sync",
	},
	[SGDMA_BOUNCE_MASK] = {
		"bounce-mask",
		"may bounce: its DMA mask does not reach all memory; set a wider DMA mask, put it behind an IOMMU, or use dma_sync",
	},
	[SGDMA_BOUNCE_BUS_LIMIT] = {
		"bounce-bus-limit",
		"may bounce: its bus does not reach all memory; put it behind an IOMMU, or use dma_sync",
	},
	[SGDMA_BOUNCE_UNTRUSTED] = {
		"bounce-untrusted",
		"may bounce: it is untrusted, and its IOMMU's pages are larger than the CPU's; use dma_sync",
	},
	[SGDMA_UNKNOWN_DMA_OPS] = {
		"unknown-dma-ops",
		"not coherent: this platform (Xen, for one) maps and synchronises in its own way; it needs dma_sync",
	},
	[SGDMA_NO_DMA] = {
		"no-dma",
		"no DMA: it has no DMA mask, or the platform lets it map nothing; set a DMA mask first",
	},
	[SGDMA_SYNC_DEBUG] = {
		"sync-debug",
		"sync_debug=1 has every mapping behave as on a platform without coherent caches; load sgdma without it, or use dma_sync",
	},
};

enum sgdma_coherency sgdma_coherency(struct device *dev)
{
	enum sgdma_coherency coherency;
	enum sgdma_path path;

	if (!dev || !dev->dma_mask || !*dev->dma_mask)
		return SGDMA_NO_DMA;
	path = sgdma_path(dev);
	/* As the platform has set up what firmware says must not do DMA. */
	if (path == SGDMA_OPS && has_acpi_companion(dev) &&
	    device_get_dma_attr(dev) == DEV_DMA_NOT_SUPPORTED)
		return SGDMA_NO_DMA;
	coherency = sgdma_judge(dev, path);
	/* Untrusted devices bounce what shares a page of the IOMMU with other memory. */
	if (coherency == SGDMA_BOUNCE_UNTRUSTED &&
	    (!IS_ENABLED(CONFIG_SWIOTLB) || dma_get_merge_boundary(dev) < PAGE_SIZE))
		return SGDMA_COHERENT;
	/* Guests whose memory is encrypted bounce to what is not. */
	if (coherency == SGDMA_BOUNCE_FORCED && cc_platform_has(CC_ATTR_MEM_ENCRYPT) &&
	    !cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT))
		return SGDMA_BOUNCE_ENCRYPTED;
	if (coherency == SGDMA_COHERENT && !sgdma_reaches_all(dev))
		return dev->bus_dma_limit && dev->bus_dma_limit <= *dev->dma_mask ?
		       SGDMA_BOUNCE_BUS_LIMIT : SGDMA_BOUNCE_MASK;
	/* What is so without it comes first: that cannot be switched off. */
	return coherency == SGDMA_COHERENT && sgdma_sync_debug() ? SGDMA_SYNC_DEBUG : coherency;
}
EXPORT_SYMBOL_GPL(sgdma_coherency);

const char *sgdma_coherency_name(enum sgdma_coherency coherency)
{
	return (unsigned int)coherency < ARRAY_SIZE(verdicts) ? verdicts[coherency].name : "?";
}
EXPORT_SYMBOL_GPL(sgdma_coherency_name);

const char *sgdma_coherency_string(enum sgdma_coherency coherency)
{
	return (unsigned int)coherency < ARRAY_SIZE(verdicts) ? verdicts[coherency].string :
	       "no verdict of sgdma's";
}
EXPORT_SYMBOL_GPL(sgdma_coherency_string);

bool dma_streaming_is_coherent(struct device *dev)
{
	return sgdma_coherency(dev) == SGDMA_COHERENT;
}
EXPORT_SYMBOL_GPL(dma_streaming_is_coherent);

int sgdma_first_incoherent(struct device *const *devs, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (!dma_streaming_is_coherent(devs[i]))
			return i;
	return -1;
}
EXPORT_SYMBOL_GPL(sgdma_first_incoherent);
