/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_TESTS_DEVICE_H
#define SGDMA_TESTS_DEVICE_H

#include <linux/types.h>

struct device;
struct page;

/* Writes a byte as a directly mapped device would. */
void sgdma_selftest_device_write(dma_addr_t addr, u8 byte);

/* Reads a byte as a directly mapped device would. */
u8 sgdma_selftest_device_read(dma_addr_t addr);

/* Takes a reference to a page, as a mapping of user space does, or drops that reference. */
void sgdma_selftest_refer(struct page *page, bool refer);

/* Maps @len bytes into the current process. Returns their address, or zero. */
unsigned long sgdma_selftest_user_memory(size_t len);

/*
 * Sets the ranges of a device's bus. Each range has an address in memory, an address on the
 * bus, and a size in bytes.
 */
int sgdma_selftest_set_ranges(struct device *dev, const u64 ranges[][3], size_t count);

/* Calls page_ref_count(). */
int sgdma_selftest_page_refs(struct page *page);

/* Pretends that memory was plugged in which a device with @mask does not reach. */
void sgdma_selftest_plug(struct device *dev, u64 mask);

#endif
