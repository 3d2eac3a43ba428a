/* SPDX-License-Identifier: GPL-2.0 */
/* Bad requests, each with the error that a user of O_DIRECT expects. */
#ifndef SGDMA_VIRTIO_REFUSE_H
#define SGDMA_VIRTIO_REFUSE_H

#include <linux/dma-heap.h>

#include "disk.h"

static void refuse_places(int fd, __u8 *memory)
{
	size_t block = disk.block_size;
	struct iovec odd[] = { { memory, 100 }, { memory, block - 100 } };

	refused("a read inside of a block", EINVAL, try_read(fd, 1, memory, block));
	refused("a read of part of a block", EINVAL, try_read(fd, 0, memory, block - 1));
	refused("a read before the start", EINVAL, try_read(fd, -block, memory, block));
	if (disk.shares)
		refused("a read to odd pieces", EINVAL,
			syscall(__NR_preadv, fd, odd, COUNT(odd), 0, 0));
	if (disk.read_only) {
		refused("a write to a read-only disk", EROFS, try_write(fd, 0, memory, block));
		return;
	}
	refused("a write inside of a block", EINVAL, try_write(fd, 1, memory, block));
	refused("a write of part of a block", EINVAL, try_write(fd, 0, memory, block + 1));
	refused("a write behind the end", ENOSPC,
		try_write(fd, disk.capacity, memory, block));
	refused("a write far behind the end", ENOSPC,
		try_write(fd, 1ull << 62, memory, block));
}

/*
 * Takes the result of a request whose memory ends after one page. An earlier
 * part of the request, or a stage, may have moved bytes of that page.
 */
static void refuse_behind(const char *what, long moved)
{
	if (moved <= 0 || moved > (long)PAGE)
		refused(what, EFAULT, moved);
}

/* Makes requests on memory of three pages, of which the last one is not there. */
static void refuse_memory(int fd, __u8 *memory)
{
	void *nowhere = (void *)KIB(4), *kernel = (void *)-KIB(8);

	refused("a read to memory that is not there", EFAULT, try_read(fd, 0, nowhere, KIB(4)));
	refused("a read to memory of the kernel", EFAULT, try_read(fd, 0, kernel, KIB(4)));
	refuse_behind("a read to memory that ends", try_read(fd, 0, memory + PAGE, 2 * PAGE));
	must(syscall(__NR_mprotect, memory, PAGE, PROT_READ), "mprotect");
	refused("a read to memory that must not be written", EFAULT,
		try_read(fd, 0, memory, KIB(4)));
	must(syscall(__NR_mprotect, memory, PAGE, PROT_READ | PROT_WRITE), "mprotect");
	if (disk.read_only)
		return;
	refused("a write from memory that is not there", EFAULT,
		try_write(fd, LOADED, nowhere, KIB(4)));
	refuse_behind("a write from memory that ends",
		      try_write(fd, LOADED, memory + PAGE, 2 * PAGE));
}

/* Makes requests on a dma-buf of the kernel's own exporter, which Debian's kernels may lack. */
static void refuse_dma_bufs(int fd)
{
	struct dma_heap_allocation_data heap = { .len = PAGE, .fd_flags = O_RDWR };
	const struct sgdma_virtio_dma_buf good = { .pos = LOADED, .len = disk.block_size };
	struct sgdma_virtio_dma_buf request = good;
	int device = open("/dev/dma_heap/system", O_RDWR), ends[2];

	request.fd = -1;
	refused("a dma-buf without a descriptor", EBADF, ioctl(fd, SGDMA_VIRTIO_DMA_BUF, &request));
	must(pipe(ends), "pipe");
	request.fd = ends[0];
	refused("a pipe as a dma-buf", EINVAL, ioctl(fd, SGDMA_VIRTIO_DMA_BUF, &request));
	close(ends[0]);
	close(ends[1]);
	if (device < 0) {
		SAY(1, "no /dev/dma_heap/system, and so no bad requests on its dma-bufs\n");
		return;
	}
	must(ioctl(device, DMA_HEAP_IOCTL_ALLOC, &heap), "DMA_HEAP_IOCTL_ALLOC");
	close(device);
#define REFUSE(what, field, value) do { \
		request = good; \
		request.fd = heap.fd; \
		request.field = value; \
		refused(what, EINVAL, ioctl(fd, SGDMA_VIRTIO_DMA_BUF, &request)); \
	} while (0)
	REFUSE("a place inside of a block", pos, LOADED + 1);
	REFUSE("a place behind the end of the disk", pos, disk.capacity);
	REFUSE("a place far behind the end", pos, -(__u64)disk.block_size);
	REFUSE("no bytes", len, 0);
	REFUSE("part of a block", len, disk.block_size - 1);
	REFUSE("more bytes than a request has", len, disk.max_bytes + disk.block_size);
	REFUSE("more bytes than the dma-buf has", len, PAGE + disk.block_size);
	REFUSE("bytes behind the end of the dma-buf", offset, PAGE);
	REFUSE("bytes far behind that end", offset, -(__u64)disk.block_size);
	REFUSE("an odd offset", offset, 1);
	REFUSE("neither a read nor a write", write, 2);
	REFUSE("a field that must be zero", pad, 1);
#undef REFUSE
	if (disk.read_only) {
		request = good;
		request.fd = heap.fd;
		request.write = 1;
		refused("a write to a read-only disk", EROFS,
			ioctl(fd, SGDMA_VIRTIO_DMA_BUF, &request));
	}
	close(heap.fd);
}

static void refuse(int fd)
{
	__u8 *memory = map(3 * PAGE);

	must(munmap(memory + 2 * PAGE, PAGE), "munmap");
	refuse_places(fd, memory);
	refuse_memory(fd, memory);
	refuse_dma_bufs(fd);
	refused("an unknown request", ENOTTY, ioctl(fd, _IO('B', 0xef), 0));
	refused("INFO to memory that is not there", EFAULT, ioctl(fd, SGDMA_VIRTIO_INFO, KIB(4)));
	refuse_answer("STATS", fd, SGDMA_VIRTIO_STATS, &(struct sgdma_virtio_stats){ 0 },
		      sizeof(struct sgdma_virtio_stats));
	flush(fd);
	SAY(1, "%u bad requests were refused\n", refusals);
}

#endif
