// SPDX-License-Identifier: GPL-2.0
/*
 * C functions for the self-tests: a device without hardware, and memory as user space has it.
 * In C, because the kernel has these as inline functions.
 */
#include <linux/dma-direct.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/page_ref.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "device/device.h"
#include "tests/device.h"

/* The device of the self-tests has no hardware. These two do its accesses to memory. */
void sgdma_selftest_device_write(dma_addr_t addr, u8 byte)
{
	WRITE_ONCE(*(u8 *)phys_to_virt(addr), byte);
}

u8 sgdma_selftest_device_read(dma_addr_t addr)
{
	return READ_ONCE(*(u8 *)phys_to_virt(addr));
}

void sgdma_selftest_refer(struct page *page, bool refer)
{
	if (refer)
		get_page(page);
	else
		put_page(page);
}

unsigned long sgdma_selftest_user_memory(size_t len)
{
	unsigned long addr;

	if (!current->mm)
		return 0;
	addr = vm_mmap(NULL, 0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	return IS_ERR_VALUE(addr) ? 0 : addr;
}

int sgdma_selftest_set_ranges(struct device *dev, const u64 ranges[][3], size_t count)
{
	struct bus_dma_region *map = kcalloc(count + 1, sizeof(*map), GFP_KERNEL);

	if (!map)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		map[i] = (struct bus_dma_region) {
			.cpu_start = ranges[i][0], .dma_start = ranges[i][1],
			.size = ranges[i][2],
		};
	dev->dma_range_map = map;
	/* The kernel computes the limit in the same way from the ranges of the firmware. */
	dev->bus_dma_limit = dma_range_map_max(map);
	return 0;
}

void sgdma_selftest_iter(struct iov_iter *iter, const struct kvec *segments, size_t count,
			 bool is_dest)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += segments[i].iov_len;
	iov_iter_kvec(iter, is_dest ? ITER_DEST : ITER_SOURCE, segments, count, len);
}

int sgdma_selftest_page_refs(struct page *page)
{
	return page_ref_count(page);
}

void sgdma_selftest_plug(struct device *dev, u64 mask)
{
	*dev->dma_mask = mask;
	sgdma_memory_comes();
}
