// SPDX-License-Identifier: GPL-2.0
#include <linux/scatterlist.h>

#include "peers.h"

void bench_fill_pages(const struct sg_table *sgt, u64 *ptes)
{
	struct sg_dma_page_iter iter;

	for_each_sgtable_dma_page(sgt, &iter, 0) {
		ptes[0] = sg_page_iter_dma_address(&iter);
		ptes++;
	}
}

/* The loop over runs that drivers write by hand, to be faster than the iterator. */
void bench_fill_runs(const struct sg_table *sgt, u64 *ptes, unsigned int shift)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		dma_addr_t addr = sg_dma_address(sg), end = addr + sg_dma_len(sg);

		for (; addr < end; addr += 1ULL << shift)
			*ptes++ = addr;
	}
}

void bench_fill_pages32(const struct sg_table *sgt, u32 *ptes)
{
	struct sg_dma_page_iter iter;

	for_each_sgtable_dma_page(sgt, &iter, 0) {
		ptes[0] = sg_page_iter_dma_address(&iter) >> PAGE_SHIFT;
		ptes++;
	}
}

void bench_cpu_pages(const struct sg_table *sgt, struct page **pages)
{
	struct sg_page_iter iter;

	for_each_sgtable_page(sgt, &iter, 0) {
		pages[0] = sg_page_iter_page(&iter);
		pages++;
	}
}

void bench_lockstep(const struct sg_table *sgt, struct bench_pair *pairs)
{
	struct sg_dma_page_iter dma;
	struct sg_page_iter cpu;

	__sg_page_iter_start(&cpu, sgt->sgl, sgt->orig_nents, 0);
	__sg_page_iter_start(&dma.base, sgt->sgl, sgt->nents, 0);
	while (__sg_page_iter_next(&cpu) && __sg_page_iter_dma_next(&dma)) {
		pairs->page = sg_page_iter_page(&cpu);
		pairs++->addr = sg_page_iter_dma_address(&dma);
	}
}
