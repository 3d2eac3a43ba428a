// SPDX-License-Identifier: GPL-2.0
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "peers.h"

/* Builds a buffer of blocks of 1 << order pages, with at most @max_segment bytes a segment. */
int bench_build(struct sg_table *sgt, size_t size, unsigned int order, size_t max_segment)
{
	unsigned int n = PFN_UP(size), i = 0;
	struct page **pages = kmalloc_array(n, sizeof(*pages), GFP_ATOMIC);
	int ret = -ENOMEM;

	if (!pages)
		return ret;
	while (i < n) {
		struct page *block = alloc_pages(GFP_ATOMIC | __GFP_ZERO, order);

		if (!block)
			goto out;
		split_page(block, order);
		for (unsigned int j = 0; j < 1 << order; j++)
			pages[i++] = block + j;
	}
	ret = sg_alloc_table_from_pages_segment(sgt, pages, n, 0, size, max_segment, GFP_ATOMIC);
out:
	while (ret && i)
		__free_page(pages[--i]);
	kfree(pages);
	return ret;
}

void bench_free(struct sg_table *sgt)
{
	struct sg_page_iter iter;

	for_each_sgtable_page(sgt, &iter, 0)
		__free_page(sg_page_iter_page(&iter));
	sg_free_table(sgt);
}

int bench_map(struct device *dev, struct sg_table *sgt)
{
	return dma_map_sgtable(dev, sgt, DMA_BIDIRECTIONAL, 0);
}

void bench_unmap(struct device *dev, struct sg_table *sgt)
{
	dma_unmap_sgtable(dev, sgt, DMA_BIDIRECTIONAL, 0);
}

void bench_sync(struct device *dev, struct sg_table *sgt)
{
	dma_sync_sgtable_for_cpu(dev, sgt, DMA_BIDIRECTIONAL);
	dma_sync_sgtable_for_device(dev, sgt, DMA_BIDIRECTIONAL);
}

void bench_sync_range(struct device *dev, struct sg_table *sgt, size_t size)
{
	dma_addr_t addr = sg_dma_address(sgt->sgl);

	dma_sync_single_for_cpu(dev, addr, size, DMA_BIDIRECTIONAL);
	dma_sync_single_for_device(dev, addr, size, DMA_BIDIRECTIONAL);
}

/* Returns the number of pages allocated since boot, including those freed since. */
unsigned long bench_pages_allocated(void)
{
	unsigned long events[NR_VM_EVENT_ITEMS], sum = 0;
	/* There is one counter for each zone. */
	const int first = PSWPOUT + 1, zones = ALLOCSTALL_NORMAL - PGALLOC_NORMAL;

	all_vm_events(events);
	for (int i = first; i < first + zones; i++)
		sum += events[i];
	return sum;
}
