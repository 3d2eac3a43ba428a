/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_COHERENCY_H
#define SGDMA_COHERENCY_H

#include <sgdma.h>

enum sgdma_path { SGDMA_DIRECT, SGDMA_IOMMU, SGDMA_OPS };

enum sgdma_path sgdma_path(struct device *dev);
dma_addr_t sgdma_direct_address(struct device *dev, phys_addr_t phys, size_t size);
size_t sgdma_straight(struct device *dev, phys_addr_t phys, size_t size);
bool sgdma_has_borders(struct device *dev);
bool sgdma_bounces_all(struct device *dev);
bool sgdma_can_bounce(struct device *dev);
enum sgdma_coherency sgdma_judge(struct device *dev, enum sgdma_path path);
bool sgdma_reaches_all(struct device *dev);
struct page *sgdma_alloc_pages(struct device *dev, unsigned int *zone, gfp_t gfp,
			       unsigned int order);
unsigned int sgdma_memory_plugged(void);
void sgdma_memory_comes(void);
int sgdma_reach_init(void);
void sgdma_reach_exit(void);
bool sgdma_sync_debug(void);
size_t sgdma_max_shadow(void);
void sgdma_sync_debug_init(void);
void sgdma_sync_debug_exit(void);

/* The buses whose devices are looked at; a null pointer comes last. */
#define SGDMA_BUSES 3
extern const struct bus_type *const sgdma_buses[SGDMA_BUSES + 1];
void sgdma_report_init(void);
void sgdma_report_exit(void);

#endif
