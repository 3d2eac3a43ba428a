/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The same work as the library does, in C, to measure beside it. generated.rs is made from this
 * file by `make bindings`.
 */
#ifndef SGDMA_BENCH_PEERS_H
#define SGDMA_BENCH_PEERS_H

#include <linux/types.h>

struct device;
struct dma_iova_state;
struct page;
struct sg_table;

/* clock.c */

/* The name of the unit that bench_measure() counts in. */
extern const char *const bench_unit;

/* Returns how long run(data) takes, with interrupts off. */
u64 bench_measure(void (*run)(void *), void *data);

/* walks_peers.c */

/* A page, and where the device sees that page. */
struct bench_pair {
	struct page *page;
	u64 addr;
};

/* Writes the bus address of each page. */
void bench_fill_pages(const struct sg_table *sgt, u64 *ptes);

/* Writes the bus address of each block of 1 << @shift bytes, by segments. */
void bench_fill_runs(const struct sg_table *sgt, u64 *ptes, unsigned int shift);

/* Writes the bus page number of each page. */
void bench_fill_pages32(const struct sg_table *sgt, u32 *ptes);

/* Writes each page. */
void bench_cpu_pages(const struct sg_table *sgt, struct page **pages);

/* Writes each page with its bus address. */
void bench_lockstep(const struct sg_table *sgt, struct bench_pair *pairs);

/* dma_peers.c */

/*
 * Makes a table of @size bytes, in blocks of 1 << @order pages and segments of at most
 * @max_segment bytes. Returns zero or an error.
 */
int bench_build(struct sg_table *sgt, size_t size, unsigned int order, size_t max_segment);

/* Frees a table of bench_build(). */
void bench_free(struct sg_table *sgt);

/* Calls dma_map_sgtable(). */
int bench_map(struct device *dev, struct sg_table *sgt);

/* Calls dma_unmap_sgtable(). */
void bench_unmap(struct device *dev, struct sg_table *sgt);

/* Reserves a range for a table, and links the table in it. Returns zero or an error. */
int bench_link(struct device *dev, const struct sg_table *sgt, struct dma_iova_state *state);

/* Unlinks the table that is linked in all of the range, and frees the range. */
void bench_unlink(struct device *dev, struct dma_iova_state *state);

/* Makes a list of the same pages. Returns zero or an error. */
int bench_clone(struct sg_table *sgt, const struct sg_table *of);

/* Frees a list of bench_clone(), without its pages. */
void bench_free_list(struct sg_table *sgt);

/* Passes a whole table to the CPU and back. */
void bench_sync(struct device *dev, struct sg_table *sgt);

/* Passes the first @size bytes to the CPU and back. */
void bench_sync_range(struct device *dev, struct sg_table *sgt, size_t size);

/* The pages of a buffer, and memory for a list of their addresses. */
struct bench_list;

/*
 * Allocates @n pages and a pool of lists. Returns NULL if there is no memory. The pages are at
 * bench_list_pages().
 */
struct bench_list *bench_list_new(struct device *dev, unsigned int n);

/* Returns the pages. */
struct page **bench_list_pages(struct bench_list *list);

/* Makes a table of the pages, maps it, and writes the bus address of each page to a list. */
int bench_list_make(struct bench_list *list);

/* Takes back what bench_list_make() has done. */
void bench_list_undo(struct bench_list *list);

/* Frees all. */
void bench_list_free(struct bench_list *list);

/* Returns how many pages were allocated since the machine was started. */
unsigned long bench_pages_allocated(void);

#endif
