/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The requests of user space to /dev/sgdma_rdma-*. Regions belong to the open
 * file, and closing the file deregisters its regions. Offsets and lengths are
 * in bytes. A request with another file's key fails with ENOENT. A request whose
 * answer cannot be written (EFAULT) has no effect. After an error READ and WRITE
 * may have moved some of the bytes.
 */
#ifndef SGDMA_RDMA_H
#define SGDMA_RDMA_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The most regions of an open file. The next one fails with ENOSPC. */
#define SGDMA_RDMA_MAX_REGIONS	4096

/* The access that a region allows, as for ibv_reg_mr(). */
#define SGDMA_RDMA_LOCAL_WRITE	1	/* the device may write */
#define SGDMA_RDMA_REMOTE_WRITE	2	/* WRITE is allowed; needs LOCAL_WRITE */
#define SGDMA_RDMA_REMOTE_READ	4	/* READ is allowed */
/* How the region is made. */
#define SGDMA_RDMA_SOFT		0x100	/* the CPU copies, as for all regions with soft=1 */
#define SGDMA_RDMA_FLAT		0x200	/* the list has one page; E2BIG if one is too few */

struct sgdma_rdma_reg {
	__u64 addr;		/* any address of the caller's memory */
	__u64 len;
	__u64 iova;		/* the address for the device's user, equal to addr modulo 4096 */
	__u32 flags;		/* SGDMA_RDMA_* */
	__u32 key;		/* out: never zero */
	__u64 block_size;	/* out; zero for SOFT, like the next three and nents */
	__u64 blocks;		/* out: the number of entries for blocks */
	__u32 level;		/* out: 0, a page of entries, or 1, a page of such pages */
	__u32 list_pages;	/* out: the number of pages of 4 KiB of the list */
	__u32 orig_nents;	/* out: segments in memory, for SOFT too */
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
	__u64 user;		/* the address of len bytes of the caller, who is the peer */
};

#define SGDMA_RDMA_REG		_IOWR('R', 0xe0, struct sgdma_rdma_reg)
#define SGDMA_RDMA_DEREG	_IOW('R', 0xe1, struct sgdma_rdma_dereg)
/* Reads or writes the region, as a peer would. EACCES if the region does not allow that. */
#define SGDMA_RDMA_READ		_IOW('R', 0xe2, struct sgdma_rdma_io)
#define SGDMA_RDMA_WRITE	_IOW('R', 0xe3, struct sgdma_rdma_io)

#endif
