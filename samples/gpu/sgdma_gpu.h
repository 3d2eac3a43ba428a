/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What user space asks of /dev/sgdma_gpu-*; write() fills the source, read() shows the copy. */
#ifndef SGDMA_GPU_H
#define SGDMA_GPU_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct sgdma_gpu_copy {
	__u64 bytes;		/* copied */
	__u32 pages;
	__u32 src_orig_nents;	/* segments in memory */
	__u32 src_nents;	/* segments that the device sees */
	__u32 dst_orig_nents;
	__u32 dst_nents;
	__u32 reserved;
};

/* In: a size in bytes. Makes a source and a destination buffer of it. */
#define SGDMA_GPU_CREATE	_IOW('G', 0xe0, __u64)

/* Has the device copy the source to the destination. */
#define SGDMA_GPU_COPY		_IOR('G', 0xe1, struct sgdma_gpu_copy)

#endif
