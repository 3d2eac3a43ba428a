/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The requests of user space to /dev/sgdma_gpu_vm-*. All devices of the driver
 * share one address space of an IOMMU. Objects belong to that space, and end with
 * the last device at the latest. Each device finds an object at the same
 * address. Sizes, lengths and offsets are in bytes. Only root may open the nodes.
 *
 * EBUSY	a device uses the object, and caches are not coherent
 * ENOENT	there is no object, or it does not have all of the range
 */
#ifndef SGDMA_GPU_VM_H
#define SGDMA_GPU_VM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The size of the largest object. */
#define SGDMA_GPU_VM_MAX_SIZE	(64u << 20)

struct sgdma_gpu_vm_create {
	__u64 size;	/* in: a multiple of the pages of CPU and IOMMU, not zero */
	__u64 addr;	/* in: the address, or zero for any; out: the address */
};

struct sgdma_gpu_vm_destroy {
	__u64 addr;	/* the address of an object */
};

struct sgdma_gpu_vm_io {
	__u64 addr;	/* any address in an object */
	__u64 len;
	__u64 user;	/* the address of len bytes of the caller */
};

struct sgdma_gpu_vm_copy {
	__u64 src;	/* any address in an object */
	__u64 dst;	/* any address in an object */
	__u64 len;
};

#define SGDMA_GPU_VM_CREATE	_IOWR('G', 0xf0, struct sgdma_gpu_vm_create)
/* An object that a device uses ends when the device is done with it. */
#define SGDMA_GPU_VM_DESTROY	_IOW('G', 0xf1, struct sgdma_gpu_vm_destroy)
/* The CPU moves the bytes. */
#define SGDMA_GPU_VM_WRITE	_IOW('G', 0xf2, struct sgdma_gpu_vm_io)
#define SGDMA_GPU_VM_READ	_IOW('G', 0xf3, struct sgdma_gpu_vm_io)
/* The device of this node copies, by these addresses. */
#define SGDMA_GPU_VM_COPY	_IOW('G', 0xf4, struct sgdma_gpu_vm_copy)

#endif
