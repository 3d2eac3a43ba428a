/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For drivers in C: may a device share memory with the CPU without any
 * dma_sync_*() call?
 */
#ifndef _SGDMA_H
#define _SGDMA_H

#include <linux/types.h>

struct device;

/**
 * enum sgdma_coherency - what streaming DMA mappings of a device need
 * @SGDMA_COHERENT: Nothing: for every whole page of memory that the device may
 *	map, dma_sync_*() does nothing.
 * @SGDMA_NEEDS_CACHE_MAINTENANCE: The hardware does not keep the caches
 *	coherent with what the device does.
 * @SGDMA_BOUNCE_FORCED: Every mapping bounces: swiotlb=force.
 * @SGDMA_BOUNCE_ENCRYPTED: Every mapping bounces, as the guest's memory is
 *	encrypted.
 * @SGDMA_BOUNCE_RESTRICTED_POOL: Every mapping bounces, into the pool that the
 *	device tree restricts the device to.
 * @SGDMA_BOUNCE_MASK: Memory beyond the device's DMA mask bounces.
 * @SGDMA_BOUNCE_BUS_LIMIT: Memory beyond what the bus carries bounces.
 * @SGDMA_BOUNCE_UNTRUSTED: The device is untrusted, and its IOMMU's pages are
 *	larger than the CPU's: what shares one with other memory bounces.
 * @SGDMA_UNKNOWN_DMA_OPS: The platform maps and synchronises in its own way,
 *	as Xen does.
 * @SGDMA_NO_DMA: The device does no DMA: it has no DMA mask, or the platform
 *	lets it map nothing.
 */
enum sgdma_coherency {
	SGDMA_COHERENT,
	SGDMA_NEEDS_CACHE_MAINTENANCE,
	SGDMA_BOUNCE_FORCED,
	SGDMA_BOUNCE_ENCRYPTED,
	SGDMA_BOUNCE_RESTRICTED_POOL,
	SGDMA_BOUNCE_MASK,
	SGDMA_BOUNCE_BUS_LIMIT,
	SGDMA_BOUNCE_UNTRUSTED,
	SGDMA_UNKNOWN_DMA_OPS,
	SGDMA_NO_DMA,
};

/**
 * sgdma_coherency() - find out what streaming mappings of a device need
 * @dev: the device, which is bound or being probed, after its driver has set
 *	the DMA mask. %NULL is a device that does no DMA.
 *
 * Maps and allocates nothing. The answer holds as long as the driver is bound
 * and does not change the mask, and no memory is plugged in beyond its reach: who
 * fears that maps with %DMA_ATTR_REQUIRE_COHERENT, which fails where it would
 * bounce (and warns of a page out of reach).
 *
 * Context: Process context. Does not sleep.
 * Return: the verdict.
 */
enum sgdma_coherency sgdma_coherency(struct device *dev);

/**
 * dma_streaming_is_coherent() - may memory be shared without dma_sync_*()?
 * @dev: as for sgdma_coherency()
 *
 * Context: Process context. Does not sleep.
 * Return: true if a driver may leave out all calls of dma_sync_*() for memory
 * of whole pages that it has mapped for @dev.
 */
bool dma_streaming_is_coherent(struct device *dev);

/**
 * sgdma_first_incoherent() - who of several devices needs dma_sync_*()?
 * @devs: the devices, each as for sgdma_coherency()
 * @count: how many they are
 *
 * Context: Process context. Does not sleep.
 * Return: the index of the first device for which a buffer that all of them
 * share must change hands explicitly; -1 if there is none.
 */
int sgdma_first_incoherent(struct device *const *devs, unsigned int count);

/**
 * sgdma_coherency_name() - a verdict in a word
 * @coherency: the verdict
 *
 * Context: Any context.
 * Return: a name for programs, such as "bounce-mask".
 */
const char *sgdma_coherency_name(enum sgdma_coherency coherency);

/**
 * sgdma_coherency_string() - a verdict in words
 * @coherency: the verdict
 *
 * Context: Any context.
 * Return: what, why, and what to do about it, in one line without a newline.
 */
const char *sgdma_coherency_string(enum sgdma_coherency coherency);

#endif
