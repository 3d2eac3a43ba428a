/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The request of user space to /dev/sgdma_ivshmem-*.
 */
#ifndef SGDMA_IVSHMEM_H
#define SGDMA_IVSHMEM_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct sgdma_ivshmem_export {
	__u64 len;		/* in: bytes, a multiple of the CPU's page size, not zero */
	__s32 fd;		/* out: a descriptor of the dma-buf, close-on-exec */
	__u32 pad;		/* zero */
};

/*
 * Gives a descriptor of zeroed memory of the device. The memory is free again when
 * nobody uses the descriptor, or what was made of it, any more. When the driver
 * is unbound, all who use the memory have to stop.
 *
 * EINVAL	len is zero or not whole pages, or pad is not zero
 * ENOSPC	the device has not as much memory left in one piece
 * ENODEV	the driver is being unbound
 * EINTR	the process is being killed
 */
#define SGDMA_IVSHMEM_EXPORT	_IOWR('I', 0xe0, struct sgdma_ivshmem_export)

#endif
