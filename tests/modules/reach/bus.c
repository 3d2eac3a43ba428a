// SPDX-License-Identifier: GPL-2.0
/* Translates bus addresses as the kernel does. dma-direct.h has inline functions only. */
#include <linux/dma-direct.h>

#include "bus.h"

int sgdma_reach_byte_at(struct device *dev, dma_addr_t addr)
{
	phys_addr_t phys = dma_to_phys(dev, addr);

	return pfn_valid(PHYS_PFN(phys)) ? READ_ONCE(*(u8 *)phys_to_virt(phys)) : -1;
}

/* Returns true if a bus address is the one of this byte of this page. */
bool sgdma_reach_in_place(struct device *dev, dma_addr_t addr, struct page *page, size_t offset)
{
	return dma_to_phys(dev, addr) == page_to_phys(page) + offset;
}
