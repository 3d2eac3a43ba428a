// SPDX-License-Identifier: GPL-2.0
/*
 * Reach: the memory that a directly mapped device finds in place, and pages from there. In C,
 * because the zones' macros and the memory notifiers are.
 */
#include <linux/array_size.h>
#include <linux/atomic.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/memory.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>

#include "device/device.h"
#include "ffi/helpers.h"

/* Returns true if all of the memory is in place, though perhaps not in one segment. */
static bool reaches(struct device *dev, phys_addr_t phys, u64 size)
{
	for (u64 n; size; phys += n, size -= n) {
		n = sgdma_straight(dev, phys, size);
		if (sgdma_direct_address(dev, phys, n) == DMA_MAPPING_ERROR)
			return false;
	}
	return true;
}

/* Returns zero if each page is in place. A page that a border cuts has two places on the bus. */
static int reach_resource(struct resource *res, void *dev)
{
	phys_addr_t phys = PAGE_ALIGN(res->start);
	const phys_addr_t end = PAGE_ALIGN_DOWN(res->end + 1);

	for (size_t n; phys < end; phys += n) {
		n = PAGE_ALIGN_DOWN(sgdma_straight(dev, phys, end - phys));
		if (!n || sgdma_direct_address(dev, phys, n) == DMA_MAPPING_ERROR)
			return 1;
	}
	return 0;
}

/*
 * Looks at the first and the last page of each node, or at all memory if the bus has borders.
 * dma_addressing_limited() would not do: it rounds up to a power of two, and leaves out the bit of
 * AMD's memory encryption.
 */
bool sgdma_reaches_all(struct device *dev)
{
	int nid;

	if (sgdma_route(dev) != SGDMA_DIRECT)
		return true;
	if (sgdma_has_borders(dev))
		return !walk_iomem_res_desc(IORES_DESC_NONE,
					    IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, U64_MAX,
					    dev, reach_resource);
	for_each_online_node(nid) {
		const phys_addr_t ends[] = {
			PFN_PHYS(node_start_pfn(nid)), PFN_PHYS(node_end_pfn(nid) - 1),
		};

		if (!node_present_pages(nid))
			continue;
		for (int i = 0; i < ARRAY_SIZE(ends); i++)
			if (!reaches(dev, ends[i], PAGE_SIZE))
				return false;
	}
	return true;
}

/* Remembers in @zone the first zone that still had pages, so that the next call begins there. */
struct page *sgdma_alloc_pages(struct device *dev, unsigned int *zone, gfp_t gfp,
			       unsigned int order)
{
	static const gfp_t zones[] = { 0, __GFP_DMA32, __GFP_DMA };

	if (!dev || sgdma_route(dev) != SGDMA_DIRECT || sgdma_bounces_all(dev))
		return rust_helper_alloc_pages(gfp, order);
	/* The ends of zones differ between platforms, so each page is looked at. */
	for (; *zone < ARRAY_SIZE(zones); (*zone)++) {
		gfp_t here = gfp;
		struct page *page;

		if (zones[*zone])
			here = (gfp & ~__GFP_HIGHMEM) | zones[*zone] | __GFP_NOWARN;
		page = rust_helper_alloc_pages(here, order);
		if (page && reaches(dev, page_to_phys(page), PAGE_SIZE << order))
			return page;
		if (page)
			__free_pages(page, order);
	}
	return sgdma_can_bounce(dev) ? rust_helper_alloc_pages(gfp, order) : NULL;
}

static atomic_t plugged = ATOMIC_INIT(0);

unsigned int sgdma_memory_plugged(void)
{
	return atomic_read(&plugged);
}
EXPORT_SYMBOL_GPL(sgdma_memory_plugged);

void sgdma_memory_comes(void)
{
	atomic_inc(&plugged);
}

static int memory_changes(struct notifier_block *nb, unsigned long action, void *arg)
{
	if (action == MEM_GOING_ONLINE)
		sgdma_memory_comes();
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = { .notifier_call = memory_changes };

int sgdma_reach_init(void)
{
	return register_memory_notifier(&memory_notifier);
}

void sgdma_reach_exit(void)
{
	unregister_memory_notifier(&memory_notifier);
}
