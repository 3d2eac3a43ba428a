/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The requests of user space to /dev/sgdma_nvme-*-n*, a namespace of an NVMe
 * controller. read(2) and write(2) take any position and length. The requests
 * here pass one command to the device.
 *
 * ENODEV	the device is gone, or its driver was unbound
 * EIO		the controller was reset, or does not work, while the command waited
 * ETIMEDOUT	the device did not complete the command
 * EINTR	the process is being killed
 */
#ifndef SGDMA_NVME_H
#define SGDMA_NVME_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SGDMA_NVME_FLUSH	0
#define SGDMA_NVME_WRITE	1
#define SGDMA_NVME_READ		2

/* The most commands of an open file that were submitted and not reaped. */
#define SGDMA_NVME_MAX_TAGS	128
/* The vectors and queues in sgdma_nvme_stats. */
#define SGDMA_NVME_MAX_QUEUES	8

struct sgdma_nvme_info {
	__u64 blocks;		/* out: the size of the namespace */
	__u32 block_size;	/* out: in bytes */
	__u32 max_bytes;	/* out: the most bytes of a command */
	__u32 nsid;		/* out */
	__u32 queues;		/* out: without the admin queue */
	__u32 vectors;		/* out */
	__u32 shares;		/* out: 1 if the device uses memory of user space in place */
};

/*
 * The device uses the memory at addr in place if addr is a multiple of 4 and
 * the device shares memory. Otherwise the bytes are copied.
 */
struct sgdma_nvme_command {
	__u8 opcode;		/* SGDMA_NVME_* */
	__u8 pad[3];		/* zero */
	__u32 blocks;		/* zero for FLUSH, not zero for the others */
	__u64 lba;
	__u64 addr;		/* of as many bytes as the blocks have */
	__u64 user_data;	/* comes back from REAP */
	__u32 tag;		/* out, of SUBMIT */
	__u32 result;		/* out, of IO: the first word of the completion */
};

/*
 * READ and WRITE of bytes in a dma-buf, which the CPU does not touch. The device
 * has its turn at the dma-buf until the request returns.
 *
 * EBADF	there is no such descriptor
 * EINVAL	the descriptor is not one of a dma-buf, a field is wrong, or the
 *		range goes beyond the end of the dma-buf
 * EBUSY	another device has its turn
 * EOPNOTSUPP	the device needs turns, and the exporter has none
 *
 * After EINTR the turn lasts until the command is complete, and after ETIMEDOUT
 * until the controller was reset. If that fails, the turn lasts until the driver
 * was unbound.
 */
struct sgdma_nvme_dma_buf {
	__u8 opcode;		/* SGDMA_NVME_READ or SGDMA_NVME_WRITE */
	__u8 pad[3];		/* zero */
	__u32 blocks;		/* not zero */
	__u64 lba;
	__u64 offset;		/* in the dma-buf, in bytes: a multiple of 4096 */
	__s32 fd;		/* a descriptor of the dma-buf */
	__u32 result;		/* out: the first word of the completion */
};

struct sgdma_nvme_export {
	__u64 len;		/* in: bytes, a multiple of the CPU's page size, not zero */
	__s32 fd;		/* out: a descriptor of the dma-buf, close-on-exec */
	__u32 pad;		/* zero */
};

struct sgdma_nvme_result {
	__u64 user_data;	/* out */
	__u32 tag;		/* out */
	__u32 result;		/* out: the first word of the completion */
	__u32 status;		/* out: the status of NVMe; 0: success */
	__s32 error;		/* out: 0, or a negative errno, and there is no status */
};

struct sgdma_nvme_stats {
	__u32 interrupts[SGDMA_NVME_MAX_QUEUES];	/* out: of each vector */
	__u32 commands[SGDMA_NVME_MAX_QUEUES];		/* out: completed, of each queue */
	__u32 most[SGDMA_NVME_MAX_QUEUES];		/* out: at once, of each queue */
	__u32 lists;		/* out: pages of PRP lists */
	__u32 chained;		/* out: lists of more than one page */
	__u32 misaligned;	/* out: addresses that a PRP1 must not have; always 0 */
	__u32 staged;		/* out: commands whose bytes were copied */
	__u32 wrong;		/* out: completions that no command waited for */
	__u32 late;		/* out: commands that were aborted, because they took too long */
	__u32 resets;		/* out */
	__u32 pad;		/* out: zero */
};

#define SGDMA_NVME_INFO		_IOR('N', 0xe0, struct sgdma_nvme_info)
/* Returns the status of NVMe when the device has completed the command; 0: success. */
#define SGDMA_NVME_IO		_IOWR('N', 0xe1, struct sgdma_nvme_command)
/*
 * Returns when the command is in a queue. Fails with EAGAIN if all queues are full, or the
 * file has MAX_TAGS. The memory belongs to the device until the result was reaped. If the bytes
 * of a read are copied, REAP does that, and says if the memory is not there.
 */
#define SGDMA_NVME_SUBMIT	_IOWR('N', 0xe2, struct sgdma_nvme_command)
/* Fails with EAGAIN if no command of the file is complete: poll(2) waits for POLLIN. */
#define SGDMA_NVME_REAP		_IOR('N', 0xe3, struct sgdma_nvme_result)
/* Counts since the driver was bound, of the whole controller. */
#define SGDMA_NVME_STATS	_IOR('N', 0xe4, struct sgdma_nvme_stats)
/* Returns as SGDMA_NVME_IO does. */
#define SGDMA_NVME_DMA_BUF	_IOWR('N', 0xe5, struct sgdma_nvme_dma_buf)
/*
 * Gives a descriptor of zeroed memory of the controller, for other devices. The memory
 * is free again when nobody uses the descriptor, or what was made of it, any more. When
 * the driver is unbound, all who use the memory have to stop.
 *
 * EOPNOTSUPP	the controller has no memory for others
 * EINVAL	len is zero or not whole pages, or pad is not zero
 * ENOSPC	the controller has not as much memory left in one piece
 * ENODEV	the driver is being unbound
 * EINTR	the process is being killed
 */
#define SGDMA_NVME_EXPORT	_IOWR('N', 0xe6, struct sgdma_nvme_export)

#endif
