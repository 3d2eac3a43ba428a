/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_REACH_BUS_H
#define SGDMA_REACH_BUS_H

#include <linux/types.h>

struct device;
struct page;

int sgdma_reach_byte_at(struct device *dev, dma_addr_t addr);
bool sgdma_reach_in_place(struct device *dev, dma_addr_t addr, struct page *page, size_t offset);

#endif
