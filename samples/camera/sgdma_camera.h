/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The requests of user space to /dev/sgdma_camera-*. Each open file is a stream
 * of its own, with a format, buffers and a queue. Closing the file frees them.
 * While a frame is being captured, requests that would change the stream fail
 * with EBUSY. Answers show the numbers of DMA pages, which without an IOMMU are
 * those of physical pages, so only root may open the node.
 *
 * A request whose answer cannot be written (EFAULT) has no effect, but for
 * DEQUEUE: the frame was captured, and the next DEQUEUE returns it.
 *
 * The bytes of a buffer are at its mmap_offset: for mmap(2) if the device is
 * coherent, and for lseek(2) and read(2) always, while the buffer is not queued.
 */
#ifndef SGDMA_CAMERA_H
#define SGDMA_CAMERA_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The size of the sensor, in pixels of two bytes. */
#define SGDMA_CAMERA_MAX_WIDTH		4224
#define SGDMA_CAMERA_MAX_HEIGHT		3136
#define SGDMA_CAMERA_MAX_BUFFERS	32
/* The size of the device's pages, and the most pages of a frame. */
#define SGDMA_CAMERA_PAGE		4096
#define SGDMA_CAMERA_MAX_PAGES		(8 * 1024 - 1)

struct sgdma_camera_format {
	__u32 width;
	__u32 height;
	/* in: a multiple of 64, or zero for the smallest; out: never zero */
	__u32 bytes_per_line;
	/* the offset of the frame in the first page of a buffer: less than 4096 */
	__u32 data_offset;
	__u32 size;		/* out: the size of a frame in bytes */
	__u32 lists;		/* out: the number of lists of a buffer, a page each */
	__u32 entries;		/* out: the entries in use, with one for the dummy page */
	__u32 pad;		/* zero */
};

struct sgdma_camera_request {
	__u32 count;		/* the number of buffers that replace all former ones */
	__u32 contiguous;	/* 1: made of contiguous blocks as far as possible; or 0 */
};

struct sgdma_camera_index {
	__u32 index;		/* from 0 on */
	__u32 pad;		/* zero */
};

struct sgdma_camera_buffer {
	__u32 index;		/* in */
	__u32 state;		/* out: SGDMA_CAMERA_QUEUED and so on */
	__u64 mmap_offset;	/* out */
	__u32 length;		/* out: the size of the buffer in bytes, whole pages */
	__u32 orig_nents;	/* out: segments in memory */
	__u32 nents;		/* out: segments that the device sees */
	__u32 first[4];		/* out: the first entries: numbers of DMA pages */
	__u32 last;		/* out: the entry of the frame's last page */
	__u32 dummy;		/* out: the next entry, that of the dummy page */
	__u32 pad;		/* zero */
};

#define SGDMA_CAMERA_QUEUED	1
#define SGDMA_CAMERA_SHARED	2	/* with the device, without syncs; may be mmapped */
#define SGDMA_CAMERA_IMPORTED	4	/* a dma-buf, whose entries are known while it is queued */

struct sgdma_camera_stream {
	__u32 on;		/* 1, or 0, which also empties the queue */
	__u32 pad;		/* zero */
};

struct sgdma_camera_frame {
	__u32 flags;		/* in: SGDMA_CAMERA_LONG; out: SGDMA_CAMERA_ERROR */
	/*
	 * in: the device writes only the lines whose number is a multiple of
	 * this one, and the last line, since a large frame takes long. 0: all.
	 */
	__u32 line_step;
	__u32 index;		/* out: the buffer, which was the first in the queue */
	__u32 sequence;		/* out: frames since the stream was switched on */
	__u32 picture;		/* out: the number that the pixels are made from */
	__u32 bytes_used;	/* out: the number of bytes of the frame */
};

/* The sensor sends one line more than the format has. For tests. */
#define SGDMA_CAMERA_LONG	1
/* The frame is not as long as the format says. */
#define SGDMA_CAMERA_ERROR	2

/*
 * Takes a dma-buf in place of the pages of a buffer. The device has its turn at
 * the dma-buf while the buffer is queued. User space reads the bytes by read(2),
 * or by a mapping of the descriptor.
 *
 * EBUSY	the buffer is queued
 * EBADF	there is no such descriptor
 * EINVAL	there is no such buffer, or the descriptor is not one of a dma-buf
 *		that is as long as the buffer
 *
 * QUEUE of such a buffer also fails with
 *
 * EBUSY	another device has its turn
 * EOPNOTSUPP	the device needs turns, and the exporter has none
 * ERANGE	the lists cannot hold the addresses of the pages
 * E2BIG, EIO	the exporter has mapped what the device cannot use
 */
struct sgdma_camera_import {
	__u32 index;		/* from 0 on */
	__s32 fd;		/* a descriptor of the dma-buf, which may be closed afterwards */
};

struct sgdma_camera_dummy {
	__u64 user;		/* the address of SGDMA_CAMERA_PAGE bytes */
};

/* EBUSY: there are buffers. E2BIG: the frame has more pages than the lists have entries. */
#define SGDMA_CAMERA_FORMAT	_IOWR('C', 0xe0, struct sgdma_camera_format)
#define SGDMA_CAMERA_REQUEST	_IOW('C', 0xe1, struct sgdma_camera_request)
#define SGDMA_CAMERA_QUERY	_IOWR('C', 0xe2, struct sgdma_camera_buffer)
#define SGDMA_CAMERA_QUEUE	_IOW('C', 0xe3, struct sgdma_camera_index)
#define SGDMA_CAMERA_STREAM	_IOW('C', 0xe4, struct sgdma_camera_stream)
/* Waits for the frame. EAGAIN: no buffer is queued for it. */
#define SGDMA_CAMERA_DEQUEUE	_IOWR('C', 0xe5, struct sgdma_camera_frame)
/* Returns the bytes of the dummy page, to which excess lines go. For tests. */
#define SGDMA_CAMERA_DUMMY	_IOW('C', 0xe6, struct sgdma_camera_dummy)
#define SGDMA_CAMERA_IMPORT	_IOW('C', 0xe7, struct sgdma_camera_import)

/* Returns the value of a pixel. The bytes of a line behind its pixels are zero. */
static inline __u16 sgdma_camera_pixel(__u32 picture, __u32 line, __u32 column)
{
	__u32 mix = picture * 0x9e3779b1u ^ line * 0x85ebca6bu ^ column * 0xc2b2ae35u;

	return ((mix ^ mix >> 15) * 0x2c1b3c6du) >> 16;
}

#endif
