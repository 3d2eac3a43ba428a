// SPDX-License-Identifier: GPL-2.0
/* What the bus shows the device at an address: the kernel's own translation of each. */
#include <linux/dma-direct.h>

#include "bus.h"

int sgdma_reach_byte_at(struct device *dev, dma_addr_t addr)
{
	phys_addr_t phys = dma_to_phys(dev, addr);

	return pfn_valid(PHYS_PFN(phys)) ? READ_ONCE(*(u8 *)phys_to_virt(phys)) : -1;
}

bool sgdma_reach_in_place(struct device *dev, dma_addr_t addr, struct page *page, size_t offset)
{
	return dma_to_phys(dev, addr) == page_to_phys(page) + offset;
}
