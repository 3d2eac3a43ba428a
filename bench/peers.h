/* SPDX-License-Identifier: GPL-2.0 */
/* The same work in C, beside which the library is measured. */
#ifndef SGDMA_BENCH_PEERS_H
#define SGDMA_BENCH_PEERS_H

#include <linux/types.h>

struct device;
struct page;
struct sg_table;

/* clock.c */
extern const char *const bench_unit;
u64 bench_measure(void (*run)(void *), void *data);

/* walks_peers.c */
struct bench_pair {
	struct page *page;
	u64 addr;
};

void bench_fill_pages(struct sg_table *sgt, u64 *ptes);
void bench_fill_runs(struct sg_table *sgt, u64 *ptes, unsigned int shift);
void bench_fill_pages32(struct sg_table *sgt, u32 *ptes);
void bench_cpu_pages(struct sg_table *sgt, struct page **pages);
void bench_lockstep(struct sg_table *sgt, struct bench_pair *pairs);

/* dma_peers.c */
int bench_build(struct sg_table *sgt, size_t size, unsigned int order, size_t max_segment);
void bench_free(struct sg_table *sgt);
int bench_map(struct device *dev, struct sg_table *sgt);
void bench_unmap(struct device *dev, struct sg_table *sgt);
void bench_sync(struct device *dev, struct sg_table *sgt);
void bench_sync_range(struct device *dev, struct sg_table *sgt, size_t size);
unsigned long bench_pages_allocated(void);

#endif
