/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What user space asks of /dev/sgdma_camera-*. Each open file is a stream of
 * its own, with a format, buffers and a queue; closing it frees them. While a
 * frame is being captured, what would change its stream answers EBUSY.
 * Addresses of DMA pages are shown, which without an IOMMU are those of memory:
 * the node is root's.
 *
 * A request whose answer cannot be written (EFAULT) has done nothing; but a frame
 * was captured, of which the next DEQUEUE tells.
 *
 * A buffer's bytes are at its mmap_offset: for mmap(2), where the device is
 * coherent, and for lseek(2) and read(2) everywhere, while it is not queued.
 */
#ifndef SGDMA_CAMERA_H
#define SGDMA_CAMERA_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* What the sensor sends at most, in pixels of two bytes. */
#define SGDMA_CAMERA_MAX_WIDTH		4224
#define SGDMA_CAMERA_MAX_HEIGHT		3136
#define SGDMA_CAMERA_MAX_BUFFERS	32
/* A device's page, and how many of a frame the lists have entries for. */
#define SGDMA_CAMERA_PAGE		4096
#define SGDMA_CAMERA_MAX_PAGES		(8 * 1024 - 1)

struct sgdma_camera_format {
	__u32 width;
	__u32 height;
	/* in: a multiple of 64, or zero for the least; out: which it is */
	__u32 bytes_per_line;
	/* where in a buffer's first page the frame begins: less than 4096 */
	__u32 data_offset;
	__u32 size;		/* out: bytes of a frame */
	__u32 lists;		/* out: pages of entries for each buffer */
	__u32 entries;		/* out: those in use, with one for the dummy page */
	__u32 pad;		/* zero */
};

struct sgdma_camera_request {
	__u32 count;		/* how many buffers instead of those there are */
	__u32 contiguous;	/* 1: of blocks of pages, as far as possible; or 0 */
};

struct sgdma_camera_index {
	__u32 index;		/* from 0 on */
	__u32 pad;		/* zero */
};

struct sgdma_camera_buffer {
	__u32 index;		/* in */
	__u32 state;		/* out: SGDMA_CAMERA_QUEUED and so on */
	__u64 mmap_offset;	/* out */
	__u32 length;		/* out: bytes of the buffer, whole pages */
	__u32 orig_nents;	/* out: segments in memory */
	__u32 nents;		/* out: segments that the device sees */
	__u32 first[4];		/* out: the first entries, numbers of DMA pages */
	__u32 last;		/* out: the last entry of a page of the frame's */
	__u32 dummy;		/* out: the entry behind it */
	__u32 pad;		/* zero */
};

#define SGDMA_CAMERA_QUEUED	1
#define SGDMA_CAMERA_SHARED	2	/* with the device: may be mmapped */

struct sgdma_camera_stream {
	__u32 on;		/* 1 or 0, which takes all buffers off the queue */
	__u32 pad;		/* zero */
};

struct sgdma_camera_frame {
	__u32 flags;		/* in: SGDMA_CAMERA_LONG; out: SGDMA_CAMERA_ERROR */
	/*
	 * in: the device takes its time. Of a large frame it may write only the
	 * lines whose number is a multiple of this one, and the last. 0: all.
	 */
	__u32 line_step;
	__u32 index;		/* out: the buffer, which was the first in the queue */
	__u32 sequence;		/* out: frames since the stream was switched on */
	__u32 picture;		/* out: of which the pixels are made */
	__u32 bytes_used;	/* out */
};

/* The sensor sends a line more than the format has. For tests. */
#define SGDMA_CAMERA_LONG	1
/* The frame was not as long as it should be. */
#define SGDMA_CAMERA_ERROR	2

struct sgdma_camera_dummy {
	__u64 user;		/* the address of SGDMA_CAMERA_PAGE bytes */
};

/* EBUSY: there are buffers. E2BIG: more pages than the lists have entries for. */
#define SGDMA_CAMERA_FORMAT	_IOWR('C', 0xe0, struct sgdma_camera_format)
#define SGDMA_CAMERA_REQUEST	_IOW('C', 0xe1, struct sgdma_camera_request)
#define SGDMA_CAMERA_QUERY	_IOWR('C', 0xe2, struct sgdma_camera_buffer)
#define SGDMA_CAMERA_QUEUE	_IOW('C', 0xe3, struct sgdma_camera_index)
#define SGDMA_CAMERA_STREAM	_IOW('C', 0xe4, struct sgdma_camera_stream)
/* Waits for the frame. EAGAIN: no buffer is queued for it. */
#define SGDMA_CAMERA_DEQUEUE	_IOWR('C', 0xe5, struct sgdma_camera_frame)
/* Shows the dummy page, where all that is too much goes. For tests. */
#define SGDMA_CAMERA_DUMMY	_IOW('C', 0xe6, struct sgdma_camera_dummy)

/* What the sensor sees at a pixel. A line's bytes behind its pixels are zero. */
static inline __u16 sgdma_camera_pixel(__u32 picture, __u32 line, __u32 column)
{
	__u32 mix = picture * 0x9e3779b1u ^ line * 0x85ebca6bu ^ column * 0xc2b2ae35u;

	return ((mix ^ mix >> 15) * 0x2c1b3c6du) >> 16;
}

#endif
