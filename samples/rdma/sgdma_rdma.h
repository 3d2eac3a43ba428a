/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What user space asks of /dev/sgdma_rdma-*. Regions belong to the open file;
 * closing it takes them back. Offsets and lengths are in bytes. Requests of
 * another file's key answer ENOENT. A request whose answer cannot be written
 * (EFAULT) has done nothing. After an error some of the bytes may have been moved.
 */
#ifndef SGDMA_RDMA_H
#define SGDMA_RDMA_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Regions of one open file; ENOSPC beyond. */
#define SGDMA_RDMA_MAX_REGIONS	4096

/* What may be done with a region; as in ibv_reg_mr(). */
#define SGDMA_RDMA_LOCAL_WRITE	1	/* the device writes it at all */
#define SGDMA_RDMA_REMOTE_WRITE	2	/* WRITE; only with LOCAL_WRITE */
#define SGDMA_RDMA_REMOTE_READ	4	/* READ */
/* How it is done. */
#define SGDMA_RDMA_SOFT		0x100	/* by the CPU, as all are with the module's soft=1 */
#define SGDMA_RDMA_FLAT		0x200	/* with a list of one page, or else E2BIG */

struct sgdma_rdma_reg {
	__u64 addr;		/* of memory of the caller's, in any place */
	__u64 len;
	__u64 iova;		/* where the device's user has it: as far into 4 KiB as addr */
	__u32 flags;		/* SGDMA_RDMA_* */
	__u32 key;		/* out: never zero */
	__u64 block_size;	/* out; this and the others are zero for SOFT */
	__u64 blocks;		/* out: entries of the list */
	__u32 level;		/* out: 0, a page of entries, or 1, a page of such pages */
	__u32 list_pages;	/* out: how many pages of 4 KiB the list is */
	__u32 orig_nents;	/* out: segments in memory; for SOFT too */
	__u32 nents;		/* out: segments that the device sees */
};

struct sgdma_rdma_dereg {
	__u32 key;
	__u32 pad;		/* zero */
};

struct sgdma_rdma_io {
	__u32 key;
	__u32 pad;		/* zero */
	__u64 offset;		/* in the region */
	__u64 len;
	__u64 user;		/* the address of len bytes: the other side's */
};

#define SGDMA_RDMA_REG		_IOWR('R', 0xe0, struct sgdma_rdma_reg)
#define SGDMA_RDMA_DEREG	_IOW('R', 0xe1, struct sgdma_rdma_dereg)
/* As a peer would: reads the region, or writes it. EACCES if it must not. */
#define SGDMA_RDMA_READ		_IOW('R', 0xe2, struct sgdma_rdma_io)
#define SGDMA_RDMA_WRITE	_IOW('R', 0xe3, struct sgdma_rdma_io)

#endif
