/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own exporters of dma-bufs. Each function returns a descriptor. */
#ifndef EXPORTERS_H
#define EXPORTERS_H

#include <linux/dma-heap.h>
#include <linux/memfd.h>
#include <linux/udmabuf.h>

#include "dma_buf.h"

#define HEAP	"/dev/dma_heap/system"
#define UDMABUF	"/dev/udmabuf"

static inline int from_heap(size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = must(open(HEAP, O_RDWR), HEAP);

	must(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "DMA_HEAP_IOCTL_ALLOC");
	close(heap);
	return data.fd;
}

/* Returns memory that udmabuf takes, which cannot shrink. */
static inline int sealed_memory(size_t size, unsigned int flags)
{
	int memory = must(syscall(__NR_memfd_create, "", MFD_ALLOW_SEALING | flags),
			  "memfd_create");

	must(ftruncate(memory, size), "ftruncate");
	/* F_ADD_SEALS and F_SEAL_SHRINK, which nolibc lacks. */
	must(syscall(__NR_fcntl, memory, 1033, 2), "seal");
	return memory;
}

/* Closes @memory. */
static inline int from_udmabuf(int memory, size_t offset, size_t size)
{
	struct udmabuf_create create = { .memfd = memory, .flags = UDMABUF_FLAGS_CLOEXEC,
					 .offset = offset, .size = size };
	int device = must(open(UDMABUF, O_RDWR), UDMABUF);
	int result = must(ioctl(device, UDMABUF_CREATE, &create), "UDMABUF_CREATE");

	close(memory);
	close(device);
	return result;
}

/* Pages of which hardly one follows another: between them other pages were allocated. */
static inline int from_scattered_pages(size_t size)
{
	int pages = sealed_memory(size, 0), others = sealed_memory(size, 0);
	size_t page = getpagesize();

	for (size_t at = 0; at < size; at += page) {
		must(syscall(__NR_pwrite64, pages, "", 1, at), "write");
		must(syscall(__NR_pwrite64, others, "", 1, at), "write");
	}
	close(others);
	return from_udmabuf(pages, 0, size);
}

#endif
