/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_REACH_BUS_H
#define SGDMA_REACH_BUS_H

#include <linux/types.h>

struct device;
struct page;

/* Returns the byte that the bus shows the device at an address; -1 if there is no memory. */
int sgdma_reach_byte_at(struct device *dev, dma_addr_t addr);

/* Returns true if the bus shows byte @offset of the page at an address. */
bool sgdma_reach_in_place(struct device *dev, dma_addr_t addr, struct page *page, size_t offset);

#endif
