/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The requests of user space to /dev/sgdma_virtio-*, a block device of virtio.
 * read(2) and write(2) take a position and a length that are multiples of
 * block_size, and so is each part of readv(2) and writev(2).
 *
 * ENODEV	the driver was unbound
 * EIO		the device failed, and is not used until the driver is bound again
 * EROFS	a write to a disk that is read-only
 */
#ifndef SGDMA_VIRTIO_H
#define SGDMA_VIRTIO_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct sgdma_virtio_info {
	__u64 capacity;		/* out: in bytes */
	__u32 block_size;	/* out: in bytes */
	__u32 queue_size;	/* out: the most requests that the device has at once */
	__u32 segments;		/* out: the most segments of a request */
	__u32 max_bytes;	/* out: the most bytes of a request */
	__u32 shares;		/* out: 1 if the device uses memory of user space in place */
	__u32 read_only;	/* out: 1 if it is */
};

struct sgdma_virtio_stats {
	__u64 requests;		/* out: given to the device */
	__u64 most;		/* out: at once */
	__u64 interrupts;	/* out */
	__u64 descriptors;	/* out: in tables */
	__u64 longest;		/* out: the most descriptors of a table */
	__u64 read_in_place;	/* out: in bytes */
	__u64 written_in_place;	/* out: in bytes */
	__u64 read_staged;	/* out: in bytes, through a stage */
	__u64 written_staged;	/* out: in bytes, through a stage */
	__u64 read_to_dma_bufs;	/* out: in bytes */
	__u64 written_from_dma_bufs;	/* out: in bytes */
};

/*
 * A read or a write of bytes in a dma-buf, which the CPU does not touch. The
 * device has its turn at the dma-buf until the request returns.
 *
 * EBADF	there is no such descriptor
 * EINVAL	the descriptor is not one of a dma-buf, pos, len or offset is no
 *		multiple of block_size, the range is empty, longer than
 *		max_bytes, or goes beyond the end of the disk or the dma-buf
 * EBUSY	another device has its turn
 * EOPNOTSUPP	the device needs turns, and the exporter has none
 *
 * If the process is killed, the turn lasts until the device is done.
 */
struct sgdma_virtio_dma_buf {
	__u64 pos;		/* on the disk, in bytes */
	__u64 offset;		/* in the dma-buf, in bytes */
	__u32 len;		/* in bytes */
	__u32 write;		/* 1: to the disk, 0: from it */
	__s32 fd;		/* a descriptor of the dma-buf */
	__u32 pad;		/* zero */
};

#define SGDMA_VIRTIO_INFO	_IOR('B', 0xe0, struct sgdma_virtio_info)
/* Counts since the driver was bound. */
#define SGDMA_VIRTIO_STATS	_IOR('B', 0xe1, struct sgdma_virtio_stats)
/* Returns when all that was written before is on the disk. */
#define SGDMA_VIRTIO_FLUSH	_IO('B', 0xe2)
#define SGDMA_VIRTIO_DMA_BUF	_IOW('B', 0xe3, struct sgdma_virtio_dma_buf)

#endif
