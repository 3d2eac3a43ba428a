/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For drivers in C: may a device share memory with the CPU without any
 * dma_sync_*() call? And if not, are all of them there? Does a device reach the
 * memory of another one?
 */
#ifndef _SGDMA_H
#define _SGDMA_H

#include <linux/bits.h>
#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;
struct dma_buf;
struct pci_dev;
struct sg_table;

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
 * @SGDMA_SYNC_DEBUG: It would be coherent, but sgdma was loaded with
 *	sync_debug=1.
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
	SGDMA_SYNC_DEBUG,
};

/**
 * sgdma_coherency() - find out what streaming mappings of a device need
 * @dev: the device, which is bound or being probed, after its driver has set
 *	the DMA mask. %NULL is a device that does no DMA.
 *
 * Maps and allocates nothing. The answer holds as long as the driver is bound
 * and does not change the mask, and no memory is plugged in beyond the reach of
 * the device. To guard against that, map with %DMA_ATTR_REQUIRE_COHERENT: mapping
 * then fails where memory would bounce, and warns of a page out of reach. Where
 * the device's bus has several ranges, no segment may lie across two of them: the
 * kernel does not notice.
 *
 * For a device that its driver has attached to an IOMMU domain, the answer is
 * about what is mapped in that domain: nothing bounces there.
 *
 * Context: Process context. Does not sleep.
 * Return: the coherency of the device.
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
 * sgdma_dma_buf_first_incoherent() - who of those attached to a dma-buf may need
 * dma_sync_*()?
 * @buf: the dma-buf, whose reservation the caller does not hold. No driver unbinds meanwhile
 *	without detaching first.
 *
 * Each attached device is asked as by sgdma_coherency(). A device that does not
 * reach all of memory may find this buffer in place. Only in kernels with
 * CONFIG_DMA_SHARED_BUFFER.
 *
 * Context: Process context. May sleep: takes the reservation of @buf.
 * Return: a device because of which the buffer may have to change hands explicitly,
 * with a reference for put_device(); NULL if there is none.
 */
struct device *sgdma_dma_buf_first_incoherent(struct dma_buf *buf);

/**
 * sgdma_coherency_name() - a coherency in a word
 * @coherency: a value of &enum sgdma_coherency
 *
 * Context: Any context.
 * Return: a name for programs, such as "bounce-mask".
 */
const char *sgdma_coherency_name(enum sgdma_coherency coherency);

/**
 * sgdma_coherency_string() - a coherency in words
 * @coherency: a value of &enum sgdma_coherency
 *
 * Context: Any context.
 * Return: what, why, and what to do about it, in one line without a newline.
 */
const char *sgdma_coherency_string(enum sgdma_coherency coherency);

/**
 * enum sgdma_peer - the route from a device to the memory of another one
 * @SGDMA_PEER_BUS_ADDRESS: By bus addresses: a bridge carries the transfers, and
 *	the host does not see them.
 * @SGDMA_PEER_HOST_BRIDGE: Through the host bridge, as to memory of the system.
 * @SGDMA_PEER_NOT_PCI: None: the device is no PCI device.
 * @SGDMA_PEER_NO_ROUTE: None: the host bridge is not known to forward transfers
 *	between devices, or the kernel lacks CONFIG_PCI_P2PDMA.
 * @SGDMA_PEER_MASK: None: the BAR ends above the device's DMA mask or its bus, or
 *	the bus moves it or leaves it out (dma-ranges).
 * @SGDMA_PEER_BOUNCES: None: all that the device maps bounces, and the memory of
 *	a device cannot.
 * @SGDMA_PEER_DMA_OPS: None: the platform maps in its own way.
 * @SGDMA_PEER_DOMAIN: None: the device is attached to a domain, by its driver or by
 *	VFIO.
 */
enum sgdma_peer {
	SGDMA_PEER_BUS_ADDRESS,
	SGDMA_PEER_HOST_BRIDGE,
	SGDMA_PEER_NOT_PCI,
	SGDMA_PEER_NO_ROUTE,
	SGDMA_PEER_MASK,
	SGDMA_PEER_BOUNCES,
	SGDMA_PEER_DMA_OPS,
	SGDMA_PEER_DOMAIN,
};

/**
 * sgdma_peer() - find out by which route a device reaches the memory of another one
 * @provider: the PCI device with the memory, bound or being probed
 * @bar: the number of the BAR that the memory is in, 0 to 5; a memory BAR
 * @dev: the device that is to use the memory, bound or being probed, after its
 *	driver has set the DMA mask
 *
 * Maps nothing. A device of either of the first two answers can map the memory.
 *
 * Context: Process context. Does not sleep. Both devices stay bound meanwhile: the
 * caller is a driver of one, and holds the device lock of the other one or knows
 * that it is bound.
 * Return: the route, or the reason why there is none.
 */
enum sgdma_peer sgdma_peer(struct pci_dev *provider, int bar, struct device *dev);

/**
 * sgdma_peer_name() - a route to a device's memory in a word
 * @peer: a value of &enum sgdma_peer
 *
 * Context: Any context.
 * Return: a name for programs, such as "host-bridge".
 */
const char *sgdma_peer_name(enum sgdma_peer peer);

/**
 * sgdma_peer_string() - a route to a device's memory in words
 * @peer: a value of &enum sgdma_peer
 *
 * Context: Any context.
 * Return: the route, or why there is none and what to do about it, in one line
 * without a newline.
 */
const char *sgdma_peer_string(enum sgdma_peer peer);

/* What a stale byte of a mapping in sync-debug mode is. */
#define SGDMA_POISON 0xd5

/* For sgdma_map_sgtable(): this mapping in sync-debug mode, without sync_debug=1. */
#define SGDMA_ATTR_SYNC_DEBUG BIT(BITS_PER_LONG - 1)

/**
 * sgdma_map_sgtable() - dma_map_sgtable(), or in sync-debug mode
 * @dev: the device, whose DMA mask is set
 * @sgt: the buffer
 * @dir: the direction
 * @attrs: DMA_ATTR_* and %SGDMA_ATTR_SYNC_DEBUG
 *
 * Does what dma_map_sgtable() does, unless sgdma was loaded with sync_debug=1 or
 * @attrs asks for this mapping: then the device gets pages of its own, and sees
 * what the CPU writes, and the other way round, only as it may expect to on a
 * platform without coherent caches. See docs/sync-debug.md. The buffer must be
 * unmapped and synchronised by the functions here, whether the mode is on or off.
 * In sync-debug mode the log names each mapping that dma_unmap_sgtable() was
 * called for instead, and the wrong calls that DMA debugging would report.
 *
 * Context: As dma_map_sgtable(): any context, and it does not sleep. In
 * sync-debug mode it allocates memory, by %GFP_NOWAIT, and takes spinlocks, with
 * interrupts off: hard interrupts may map, but under PREEMPT_RT neither they nor
 * who holds a raw spinlock.
 * Return: as dma_map_sgtable(). In sync-debug mode also -ENOMEM if there is no
 * memory for as much again, contiguous for each entry (4 MiB at most, with pages
 * of 4 KiB), and -EOPNOTSUPP if @attrs has %DMA_ATTR_REQUIRE_COHERENT.
 */
int sgdma_map_sgtable(struct device *dev, struct sg_table *sgt,
		      enum dma_data_direction dir, unsigned long attrs);

/**
 * sgdma_unmap_sgtable() - dma_unmap_sgtable() of what sgdma_map_sgtable() mapped
 * @dev: the device
 * @sgt: the buffer
 * @dir: the direction it was mapped in
 * @attrs: DMA_ATTR_* for unmapping. With %DMA_ATTR_SKIP_CPU_SYNC, bytes that are
 *	still the device's and that it may have written stay %SGDMA_POISON in
 *	sync-debug mode.
 *
 * In sync-debug mode a table that is unmapped once more is left alone, with a
 * line in the log.
 *
 * Context: As for sgdma_map_sgtable().
 */
void sgdma_unmap_sgtable(struct device *dev, struct sg_table *sgt,
			 enum dma_data_direction dir, unsigned long attrs);

/**
 * sgdma_sync_sgtable_for_cpu() - dma_sync_sgtable_for_cpu() of such a buffer
 * @dev: the device
 * @sgt: the buffer
 * @dir: the direction it was mapped in
 *
 * Context: As for sgdma_map_sgtable().
 */
void sgdma_sync_sgtable_for_cpu(struct device *dev, struct sg_table *sgt,
				enum dma_data_direction dir);

/**
 * sgdma_sync_sgtable_for_device() - dma_sync_sgtable_for_device() likewise
 * @dev: the device
 * @sgt: the buffer
 * @dir: the direction it was mapped in
 *
 * Context: As for sgdma_map_sgtable().
 */
void sgdma_sync_sgtable_for_device(struct device *dev, struct sg_table *sgt,
				   enum dma_data_direction dir);

/**
 * sgdma_sync_single_for_cpu() - dma_sync_single_for_cpu() of a part of such a
 * buffer
 * @dev: the device
 * @addr: where the device sees the part
 * @size: how many bytes of one segment it has. In sync-debug mode, what is beyond
 *	the segment is left out, with a line in the log.
 * @dir: the direction the buffer was mapped in
 *
 * Context: As for sgdma_map_sgtable().
 */
void sgdma_sync_single_for_cpu(struct device *dev, dma_addr_t addr, size_t size,
			       enum dma_data_direction dir);

/**
 * sgdma_sync_single_for_device() - dma_sync_single_for_device() likewise
 * @dev: the device
 * @addr: where the device sees the part
 * @size: how many bytes of one segment it has. In sync-debug mode, what is beyond
 *	the segment is left out, with a line in the log.
 * @dir: the direction the buffer was mapped in
 *
 * Context: As for sgdma_map_sgtable().
 */
void sgdma_sync_single_for_device(struct device *dev, dma_addr_t addr, size_t size,
				  enum dma_data_direction dir);

#endif
