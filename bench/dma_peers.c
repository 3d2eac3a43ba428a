// SPDX-License-Identifier: GPL-2.0
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
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

int bench_link(struct device *dev, const struct sg_table *sgt, struct dma_iova_state *state)
{
	struct scatterlist *sg;
	size_t size = 0, at = 0;
	unsigned int i;
	int ret;

	for_each_sgtable_sg(sgt, sg, i)
		size += sg->length;
	if (!dma_iova_try_alloc(dev, state, 0, size))
		return -ENOMEM;
	for_each_sgtable_sg(sgt, sg, i) {
		ret = dma_iova_link(dev, state, sg_phys(sg), at, sg->length, DMA_BIDIRECTIONAL, 0);
		if (ret)
			goto destroy;
		at += sg->length;
	}
	ret = dma_iova_sync(dev, state, 0, size);
	if (!ret)
		return 0;
destroy:
	dma_iova_destroy(dev, state, at, DMA_BIDIRECTIONAL, 0);
	return ret;
}

void bench_unlink(struct device *dev, struct dma_iova_state *state)
{
	dma_iova_unlink(dev, state, 0, dma_iova_size(state), DMA_BIDIRECTIONAL, 0);
	dma_iova_free(dev, state);
}

int bench_clone(struct sg_table *sgt, const struct sg_table *of)
{
	struct scatterlist *from = of->sgl;
	struct scatterlist *sg;
	unsigned int i;
	int ret = sg_alloc_table(sgt, of->orig_nents, GFP_KERNEL);

	if (ret)
		return ret;
	for_each_sgtable_sg(sgt, sg, i) {
		sg_set_page(sg, sg_page(from), from->length, from->offset);
		from = sg_next(from);
	}
	return 0;
}

void bench_free_list(struct sg_table *sgt)
{
	sg_free_table(sgt);
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

struct bench_list {
	struct device *dev;
	struct dma_pool *pool;
	struct sg_table sgt;
	__le64 *list;
	dma_addr_t addr;
	unsigned int n;
	struct page *pages[];
};

struct bench_list *bench_list_new(struct device *dev, unsigned int n)
{
	struct bench_list *list = kzalloc(struct_size(list, pages, n), GFP_KERNEL);

	if (!list)
		return NULL;
	list->dev = dev;
	list->pool = dma_pool_create("bench", dev, n * sizeof(*list->list), 8, 0);
	while (list->pool && list->n < n) {
		list->pages[list->n] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!list->pages[list->n])
			break;
		list->n++;
	}
	if (list->n == n)
		return list;
	bench_list_free(list);
	return NULL;
}

struct page **bench_list_pages(struct bench_list *list)
{
	return list->pages;
}

int bench_list_make(struct bench_list *list)
{
	struct sg_dma_page_iter iter;
	unsigned int i = 0;
	int ret = sg_alloc_table_from_pages_segment(&list->sgt, list->pages, list->n, 0,
						    (size_t)list->n << PAGE_SHIFT, PAGE_SIZE,
						    GFP_ATOMIC);

	if (ret)
		return ret;
	ret = dma_map_sgtable(list->dev, &list->sgt, DMA_FROM_DEVICE, 0);
	if (ret)
		goto free;
	list->list = dma_pool_alloc(list->pool, GFP_ATOMIC, &list->addr);
	if (!list->list) {
		ret = -ENOMEM;
		goto unmap;
	}
	for_each_sgtable_dma_page(&list->sgt, &iter, 0)
		list->list[i++] = cpu_to_le64(sg_page_iter_dma_address(&iter));
	return 0;

unmap:
	dma_unmap_sgtable(list->dev, &list->sgt, DMA_FROM_DEVICE, 0);
free:
	sg_free_table(&list->sgt);
	return ret;
}

void bench_list_undo(struct bench_list *list)
{
	dma_pool_free(list->pool, list->list, list->addr);
	dma_unmap_sgtable(list->dev, &list->sgt, DMA_FROM_DEVICE, 0);
	sg_free_table(&list->sgt);
}

void bench_list_free(struct bench_list *list)
{
	while (list->n)
		__free_page(list->pages[--list->n]);
	dma_pool_destroy(list->pool);
	kfree(list);
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
