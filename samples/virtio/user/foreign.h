/* SPDX-License-Identifier: GPL-2.0 */
/* Dma-bufs of the kernel's own exporters, which a distribution's kernel may lack. */
#ifndef SGDMA_VIRTIO_FOREIGN_H
#define SGDMA_VIRTIO_FOREIGN_H

#include "../../common/user/exporters.h"
#include "disk.h"

static int try_dma_buf(int fd, struct sgdma_virtio_dma_buf request)
{
	return ioctl(fd, SGDMA_VIRTIO_DMA_BUF, &request);
}

static void refuse_foreign(int fd, const struct sgdma_virtio_dma_buf good)
{
	struct sgdma_virtio_dma_buf bad;
	int ends[2];

	must(pipe(ends), "pipe");
#define BAD(what, error, field, value) do { \
		bad = good; \
		bad.field = (value); \
		refused(what, error, try_dma_buf(fd, bad)); \
	} while (0)
	BAD("a dma-buf without a descriptor", EBADF, fd, -1);
	BAD("a pipe as a dma-buf", EINVAL, fd, ends[0]);
	BAD("a place inside of a block", EINVAL, pos, LOADED + 1);
	BAD("a place behind the end of the disk", EINVAL, pos, disk.capacity);
	BAD("a place far behind the end", EINVAL, pos, -(__u64)disk.block_size);
	BAD("no bytes", EINVAL, len, 0);
	BAD("part of a block", EINVAL, len, disk.block_size - 1);
	BAD("more bytes than a request has", EINVAL, len, disk.max_bytes + disk.block_size);
	BAD("more bytes than the dma-buf has", EINVAL, len, PAGE + disk.block_size);
	BAD("bytes behind the end of the dma-buf", EINVAL, offset, PAGE);
	BAD("bytes far behind that end", EINVAL, offset, -(__u64)disk.block_size);
	BAD("an odd offset", EINVAL, offset, 1);
	BAD("neither a read nor a write", EINVAL, write, 2);
	BAD("a field that must be zero", EINVAL, pad, 1);
	if (disk.read_only)
		BAD("a write to a read-only disk", EROFS, write, 1);
#undef BAD
	close(ends[0]);
	close(ends[1]);
	SAY(1, "%u bad requests were refused\n", refusals);
}

/* Writes the most bytes that a request has, from a place that takes one page more. */
static void write_scattered(int fd)
{
	const unsigned int seed = 600;
	size_t len = disk.max_bytes, size = len + getpagesize();
	struct sgdma_virtio_dma_buf request = {
		.pos = LOADED, .offset = disk.block_size, .len = len, .write = 1,
		.fd = from_scattered_pages(size),
	};
	__u8 *bytes = map_dma_buf(request.fd, size), *memory = map(len);

	synchronise(request.fd, DMA_BUF_SYNC_START);
	fill(bytes + request.offset, seed, LOADED, len);
	synchronise(request.fd, DMA_BUF_SYNC_END);
	must(try_dma_buf(fd, request), "a write from scattered pages");
	read_bytes(fd, LOADED, memory, len);
	compare(memory, seed, LOADED, len, "what came from scattered pages");
	must(munmap(bytes, size), "munmap");
	must(munmap(memory, len), "munmap");
	close(request.fd);
	SAY(1, "%zu bytes from scattered pages: ok\n", len);
}

static void foreign(int fd)
{
	struct sgdma_virtio_dma_buf good = { .pos = LOADED, .len = disk.block_size };

	good.fd = from_heap(PAGE);
	refuse_foreign(fd, good);
	if (!try_dma_buf(fd, good)) {
		SAY(1, "a dma-buf of the heap: works\n");
		if (!disk.read_only)
			write_scattered(fd);
	} else {
		SAY(1, "a dma-buf of the heap: %s\n", error_text(errno));
	}
	close(good.fd);
}

#endif
