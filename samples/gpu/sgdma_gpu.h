/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The requests of user space to /dev/sgdma_gpu-*. Objects belong to the open
 * file, and closing the file destroys its objects. Offsets, lengths and sizes
 * are in bytes. While the device uses an object, requests and mmap(2) fail with
 * EBUSY. Answers show the addresses of DMA pages, which without an IOMMU are
 * physical addresses, so only root may open the node.
 *
 * A request whose answer cannot be written (EFAULT) has no effect. After an
 * error READ, WRITE, FETCH, STORE and COPY may have moved some of the bytes.
 */
#ifndef SGDMA_GPU_H
#define SGDMA_GPU_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The size of the largest object, a multiple of 4096. */
#define SGDMA_GPU_MAX_SIZE	(256u << 20)

/* The modes: the kind of an object's memory, and when it is mapped for the device. */
#define SGDMA_GPU_MODE_DEFAULT	0	/* the module parameter mode= */
#define SGDMA_GPU_MODE_COHERENT	1	/* dma_alloc_coherent() */
#define SGDMA_GPU_MODE_POPULATE	2	/* pages, mapped from CREATE to DESTROY */
#define SGDMA_GPU_MODE_BIND	3	/* pages, mapped from BIND to UNBIND */
/*
 * A dma-buf, of this driver or of another one, mapped as in mode BIND. The size
 * is a multiple of the CPU's page size. Where the device needs syncs, a mapped
 * object is the device's: READ and WRITE fail with EBUSY, and so does mapping
 * while another device has its turn.
 */
#define SGDMA_GPU_MODE_DMABUF	4

struct sgdma_gpu_create {
	__u64 size;		/* in: a multiple of 4096, not zero */
	__u32 mode;		/* in: SGDMA_GPU_MODE_*; out: never DEFAULT */
	__u32 handle;		/* out: never zero */
};

struct sgdma_gpu_handle {
	__u32 handle;
	__u32 pad;		/* zero */
};

struct sgdma_gpu_bind {
	__u32 handle;
	__u32 entry_bits;	/* in: 64 or 32, the size of a page table's entries */
	__u64 root;		/* out: the number of the DMA page of the root */
	__u64 first;		/* out: the number of the DMA page of the first byte */
	__u32 level;		/* out: 0 (the root is the data), 1 or 2 */
	__u32 table_pages;	/* out: the number of pages of all tables */
};

struct sgdma_gpu_io {
	__u32 handle;
	__u32 pad;		/* zero */
	__u64 offset;
	__u64 len;
	__u64 user;		/* the address of len bytes of the caller */
};

struct sgdma_gpu_copy {
	__u32 src;		/* a handle; bound */
	__u32 dst;		/* another; bound, and as large */
	__u64 pages;		/* out: the number of pages that a complete copy has */
};

struct sgdma_gpu_info {
	__u32 handle;
	__u32 mode;		/* out */
	__u64 size;		/* out */
	__u64 mmap_offset;	/* out: for mmap(2), but a dma-buf is mapped by its descriptor */
	__u32 state;		/* out: SGDMA_GPU_MAPPED and so on */
	__u32 orig_nents;	/* out: segments in memory, zero for a dma-buf */
	__u32 nents;		/* out: segments that the device sees, zero if not mapped */
	__u32 pad;
};

struct sgdma_gpu_export {
	__u32 handle;
	__u32 pad;		/* zero */
	__s32 fd;		/* out: a descriptor of the dma-buf, close-on-exec */
};

struct sgdma_gpu_import {
	__s32 fd;		/* in: a descriptor of a dma-buf, which may be closed afterwards */
	__u32 handle;		/* out: never zero */
	__u64 size;		/* out */
};

#define SGDMA_GPU_MAPPED	1	/* for the device */
#define SGDMA_GPU_SHARED	2	/* with the device, without syncs; pages may be mmapped */
#define SGDMA_GPU_BOUND		4	/* has a page table */

#define SGDMA_GPU_CREATE	_IOWR('G', 0xe0, struct sgdma_gpu_create)
#define SGDMA_GPU_DESTROY	_IOW('G', 0xe1, struct sgdma_gpu_handle)
/* The CPU moves the bytes. */
#define SGDMA_GPU_WRITE		_IOW('G', 0xe2, struct sgdma_gpu_io)
#define SGDMA_GPU_READ		_IOW('G', 0xe3, struct sgdma_gpu_io)
/* Maps for the device, or unmaps (evicts). A bound object cannot be unmapped. */
#define SGDMA_GPU_MAP		_IOW('G', 0xe4, struct sgdma_gpu_handle)
#define SGDMA_GPU_UNMAP		_IOW('G', 0xe5, struct sgdma_gpu_handle)
#define SGDMA_GPU_BIND		_IOWR('G', 0xe6, struct sgdma_gpu_bind)
#define SGDMA_GPU_UNBIND	_IOW('G', 0xe7, struct sgdma_gpu_handle)
/*
 * The device moves the bytes. It finds the pages of a bound object by the page
 * table. offset and len are multiples of 4096.
 */
#define SGDMA_GPU_FETCH		_IOW('G', 0xe8, struct sgdma_gpu_io)
#define SGDMA_GPU_STORE		_IOW('G', 0xe9, struct sgdma_gpu_io)
#define SGDMA_GPU_COPY		_IOWR('G', 0xea, struct sgdma_gpu_copy)
#define SGDMA_GPU_INFO		_IOWR('G', 0xeb, struct sgdma_gpu_info)
/*
 * EXPORT gives a descriptor of an object that is a dma-buf. IMPORT makes an
 * object of a dma-buf, each time another one. If the exporter takes the dma-buf
 * back, the object is unbound and unmapped, and BIND and MAP fail with ENODEV.
 */
#define SGDMA_GPU_EXPORT	_IOWR('G', 0xec, struct sgdma_gpu_export)
#define SGDMA_GPU_IMPORT	_IOWR('G', 0xed, struct sgdma_gpu_import)

#endif
