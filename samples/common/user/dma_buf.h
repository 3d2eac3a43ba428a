/* SPDX-License-Identifier: GPL-2.0 */
/* The CPU's turn at a dma-buf, through a mapping of its descriptor. */
#ifndef DMA_BUF_H
#define DMA_BUF_H

#include <linux/dma-buf.h>

#include "say.h"

static inline void *map_dma_buf(int dma_buf, size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dma_buf, 0);

	must(map == MAP_FAILED ? -1 : 0, "mmap of the descriptor");
	return map;
}

static inline int try_sync(int dma_buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW | flags };

	return ioctl(dma_buf, DMA_BUF_IOCTL_SYNC, &sync);
}

static inline void synchronise(int dma_buf, __u64 flags)
{
	must(try_sync(dma_buf, flags), "DMA_BUF_IOCTL_SYNC");
}

#endif
