/* SPDX-License-Identifier: GPL-2.0 */
/* The C half of peer_memory.rs: memory of a PCI device that other devices use (peer_memory.c). */
#ifndef SGDMA_PEER_MEMORY_H
#define SGDMA_PEER_MEMORY_H

#include <sgdma.h>

struct device;
struct dma_buf;
struct sgdma_attachment;
struct sgdma_peer_memory;

/*
 * Makes @size bytes from @offset of BAR @bar of @dev, which is bound, available to other devices.
 * Fills in @result. Returns zero, or -EINVAL if the bytes are no pages of a memory BAR of a PCI
 * device, or have its table of MSI-X among them, -EBUSY if some are available already, -EOPNOTSUPP
 * if the kernel or the device cannot do this, -ENOMEM. May sleep.
 */
int sgdma_peer_memory_new(struct device *dev, unsigned int bar, u64 offset, u64 size,
			  struct sgdma_peer_memory **result);

/* Gives @memory up. What was exported lives on. May sleep. */
void sgdma_peer_memory_put(struct sgdma_peer_memory *memory);

/* Returns by which route @dev, which is bound, reaches @memory. */
enum sgdma_peer sgdma_peer_memory_route(const struct sgdma_peer_memory *memory,
					struct device *dev);

/*
 * Allocates @size bytes, clears and exports them. @unbinding becomes true when unbinding begins.
 * Returns a dma-buf with a reference, or an error pointer: -EINVAL if @size is not a number of
 * pages, -E2BIG if it is 4 GiB or more, -ENOSPC if there are not as many bytes in one piece,
 * -ENODEV if unbinding has begun, -EINTR if the task is being killed, -ENOMEM. May sleep.
 */
struct dma_buf *sgdma_peer_memory_export(struct sgdma_peer_memory *memory, size_t size,
					 const bool *unbinding);

/* Returns true if @buf is memory of a device, exported here. */
bool sgdma_is_peer_memory(const struct dma_buf *buf);

/*
 * Returns true if @buf, memory of a device, is still mapped as @attachment, for a device that is
 * bound.
 */
bool sgdma_peer_memory_is_where_it_was(const struct dma_buf *buf,
				       const struct sgdma_attachment *attachment);

/*
 * Takes back all that was exported of the memory of @dev, which is being unbound. Waits until no
 * other device uses the memory, 30 seconds at most, and takes bus mastering from those of this
 * library that do. May sleep.
 */
void sgdma_peer_memory_take_back(struct device *dev);

/*
 * Waits until no other device uses the memory of @dev, which was taken back, and forgets the
 * memory. The driver of @dev has given back what it used of other devices. May sleep.
 */
void sgdma_peer_memory_end(struct device *dev);

/* Adds the file of peers to the module's directory in debugfs. May sleep. */
void sgdma_peer_memory_init(void);

#endif
