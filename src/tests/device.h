/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_TESTS_DEVICE_H
#define SGDMA_TESTS_DEVICE_H

#include <linux/types.h>

struct device;
struct iov_iter;
struct kvec;
struct page;

/* Writes a byte of memory, as a device with the direct route would. */
void sgdma_selftest_device_write(dma_addr_t addr, u8 byte);

/* Reads a byte of memory, as a device with the direct route would. */
u8 sgdma_selftest_device_read(dma_addr_t addr);

/* Takes a reference to a page if @refer is true, as a mapping of user space does, or drops it. */
void sgdma_selftest_refer(struct page *page, bool refer);

/* Maps @len bytes of memory into the calling process. Returns their address, or zero. */
unsigned long sgdma_selftest_user_memory(size_t len);

/*
 * Sets the ranges of the bus of a device that nobody uses yet. Each range has an address in memory,
 * an address on the bus, and a size in bytes. They are freed with the device. Returns zero or an
 * error.
 */
int sgdma_selftest_set_ranges(struct device *dev, const u64 ranges[][3], size_t count);

/*
 * Makes @iter stand for @count segments of kernel memory, which outlive it. It is a destination if
 * @is_dest is true, and a source otherwise.
 */
void sgdma_selftest_iter(struct iov_iter *iter, const struct kvec *segments, size_t count,
			 bool is_dest);

/* Calls page_ref_count(). */
int sgdma_selftest_page_refs(struct page *page);

/* Sets the DMA mask of @dev, and pretends that memory was plugged in which @mask does not reach. */
void sgdma_selftest_plug(struct device *dev, u64 mask);

#endif
