/* SPDX-License-Identifier: GPL-2.0 */
/* Bad requests, each with the error that a user of O_DIRECT expects. */
#ifndef SGDMA_VIRTIO_REFUSE_H
#define SGDMA_VIRTIO_REFUSE_H

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

static void refuse(int fd)
{
	__u8 *memory = map(3 * PAGE);

	must(munmap(memory + 2 * PAGE, PAGE), "munmap");
	refuse_places(fd, memory);
	refuse_memory(fd, memory);
	refused("an unknown request", ENOTTY, ioctl(fd, _IO('B', 0xef), 0));
	refused("INFO to memory that is not there", EFAULT, ioctl(fd, SGDMA_VIRTIO_INFO, KIB(4)));
	refuse_answer("STATS", fd, SGDMA_VIRTIO_STATS, &(struct sgdma_virtio_stats){ 0 },
		      sizeof(struct sgdma_virtio_stats));
	flush(fd);
	SAY(1, "%u bad requests were refused\n", refusals);
}

#endif
