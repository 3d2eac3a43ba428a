/* SPDX-License-Identifier: GPL-2.0 */
/* Dma-bufs of the GPU that the disk reads and writes. */
#ifndef SGDMA_NVME_SHARE_H
#define SGDMA_NVME_SHARE_H

#include "../../common/user/dma_buf.h"
#include "../../gpu/user/requests.h"
#include "disk.h"

/* The place on the disk, which has nothing that must stay. */
#define SHARE_AT	MIB(48)
#define SHARE_SEED	700

/* An object of the GPU that is a dma-buf. */
struct shared {
	int gpu, dma_buf;
	__u32 handle;
	size_t len;
};

static struct shared new_shared(int gpu, size_t len)
{
	struct shared s = { .gpu = gpu, .len = len };
	union request r = OF_CREATE(len, SGDMA_GPU_MODE_DMABUF);

	must(ioctl(gpu, SGDMA_GPU_CREATE, &r), "CREATE");
	s.handle = r.create.handle;
	r = OF_EXPORT(s.handle);
	must(ioctl(gpu, SGDMA_GPU_EXPORT, &r), "EXPORT");
	s.dma_buf = r.export.fd;
	return s;
}

static void bind(const struct shared *s)
{
	union request r = OF_BIND(s->handle, 64);

	must(ioctl(s->gpu, SGDMA_GPU_BIND, &r), "BIND");
}

static void unbind(const struct shared *s)
{
	union request r = OF_HANDLE(s->handle);

	must(ioctl(s->gpu, SGDMA_GPU_UNBIND, &r), "UNBIND");
}

static void drop_shared(const struct shared *s)
{
	union request r = OF_HANDLE(s->handle);

	must(ioctl(s->gpu, SGDMA_GPU_DESTROY, &r), "DESTROY");
	must(close(s->dma_buf), "close");
}

static struct sgdma_nvme_dma_buf of_dma_buf(int opcode, __u64 pos, const struct shared *s,
					    size_t offset, size_t len)
{
	return (struct sgdma_nvme_dma_buf){
		.opcode = opcode,
		.blocks = len / disk.block_size,
		.lba = pos / disk.block_size,
		.offset = offset,
		.fd = s->dma_buf,
	};
}

/* Returns the status, or -1. */
static int try_dma_buf(int fd, struct sgdma_nvme_dma_buf request)
{
	return ioctl(fd, SGDMA_NVME_DMA_BUF, &request);
}

/* The disk reads or writes part of a dma-buf. */
static void by_disk(int fd, int opcode, __u64 pos, const struct shared *s, size_t offset,
		    size_t len)
{
	int status = must(try_dma_buf(fd, of_dma_buf(opcode, pos, s, offset, len)), "DMA_BUF");

	if (status) {
		SAY(2, "%sopcode %d: status %#x\n", doing, opcode, status);
		exit(1);
	}
}

/* Parts of a dma-buf go to the disk and come back. Long ones need lists, and a chained one. */
static void share_parts(int fd, int gpu)
{
	const struct {
		size_t offset, len;
	} parts[] = {
		{ 0, MIB(3) }, { 0, disk.block_size }, { KIB(4), KIB(4) }, { KIB(8), KIB(8) },
		{ MIB(1), KIB(12) }, { MIB(1) + KIB(4), MIB(1) }, { KIB(4), MIB(3) - KIB(4) },
		{ MIB(3) - KIB(4), KIB(4) },
	};
	struct shared s = new_shared(gpu, MIB(3));
	__u8 *bytes = map_dma_buf(s.dma_buf, s.len), *memory = map(s.len);

	for (unsigned int i = 0; i < COUNT(parts); i++) {
		size_t offset = parts[i].offset, len = parts[i].len, end = offset + len;

		snprintf(doing, sizeof(doing), "%zu bytes at %zu of a dma-buf: ", len, offset);
		synchronise(s.dma_buf, DMA_BUF_SYNC_START);
		fill(bytes + offset, SHARE_SEED + i, SHARE_AT, len);
		synchronise(s.dma_buf, DMA_BUF_SYNC_END);
		by_disk(fd, SGDMA_NVME_WRITE, SHARE_AT, &s, offset, len);
		read_bytes(fd, SHARE_AT, memory, len);
		compare(memory, SHARE_SEED + i, SHARE_AT, len, "read(2)");

		synchronise(s.dma_buf, DMA_BUF_SYNC_START);
		memset(bytes, 0x5a, s.len);
		synchronise(s.dma_buf, DMA_BUF_SYNC_END);
		by_disk(fd, SGDMA_NVME_READ, SHARE_AT, &s, offset, len);
		synchronise(s.dma_buf, DMA_BUF_SYNC_START);
		compare(bytes + offset, SHARE_SEED + i, SHARE_AT, len, "read into a dma-buf");
		expect(is_clean(bytes, offset) && is_clean(bytes + end, s.len - end),
		       "bytes beside the part have changed");
		synchronise(s.dma_buf, DMA_BUF_SYNC_END);
	}
	doing[0] = 0;
	must(munmap(bytes, s.len), "munmap");
	drop_shared(&s);
	SAY(1, "%zu parts of a dma-buf: ok\n", COUNT(parts));
}

/* The GPU copies @from to @to. */
static void copy_by_gpu(const struct shared *from, const struct shared *to)
{
	union request r = OF_COPY(from->handle, to->handle);

	bind(from);
	bind(to);
	must(ioctl(from->gpu, SGDMA_GPU_COPY, &r), "COPY");
	unbind(from);
	unbind(to);
}

/* From the disk to the GPU, from object to object, and back to another place of the disk. */
static void share_with_gpu(int fd, int gpu)
{
	/* The GPU takes long. */
	const size_t len = KIB(32);
	const __u64 to = SHARE_AT + MIB(4);
	struct shared a = new_shared(gpu, len), b = new_shared(gpu, len);
	__u8 *memory = map(len);
	__u32 staged;

	fill(memory, SHARE_SEED, SHARE_AT, len);
	write_bytes(fd, SHARE_AT, memory, len);
	staged = stats_of(fd).staged;
	by_disk(fd, SGDMA_NVME_READ, SHARE_AT, &a, 0, len);
	copy_by_gpu(&a, &b);
	by_disk(fd, SGDMA_NVME_WRITE, to, &b, 0, len);
	expect(stats_of(fd).staged == staged, "a command went through a stage");
	memset(memory, 0x5a, len);
	read_bytes(fd, to, memory, len);
	compare(memory, SHARE_SEED, SHARE_AT, len, "from disk to GPU to disk");
	drop_shared(&a);
	drop_shared(&b);
	SAY(1, "moved %zu bytes by devices, 0 by the CPU\n", 3 * len);
}

static void refuse_dma_bufs(int fd, int gpu)
{
	struct shared s = new_shared(gpu, KIB(64));
	const struct sgdma_nvme_dma_buf good = of_dma_buf(SGDMA_NVME_READ, SHARE_AT, &s, 0, KIB(8));
	struct sgdma_nvme_dma_buf bad;
	int closed = must(dup(s.dma_buf), "dup");

	must(close(closed), "close");
	for (unsigned int opcode = 0; opcode < 4; opcode += opcode ? 2 : 3) {
		bad = good;
		bad.opcode = opcode;
		bad.blocks = opcode ? good.blocks : 0;
		refused("an opcode without bytes", EINVAL, try_dma_buf(fd, bad));
	}
#define BAD(what, error, field, value) do {				\
		bad = good;						\
		bad.field = (value);					\
		refused(what, error, try_dma_buf(fd, bad));		\
	} while (0)
	BAD("pad", EINVAL, pad[2], 1);
	BAD("no blocks", EINVAL, blocks, 0);
	BAD("too many blocks", EINVAL, blocks, disk.max_bytes / disk.block_size + 1);
	BAD("as many blocks as a word can say", EINVAL, blocks, ~0U);
	BAD("an offset of 4 bytes", EINVAL, offset, 4);
	BAD("an offset of a block", EINVAL, offset, 512);
	BAD("a range beyond the end", EINVAL, offset, s.len - KIB(4));
	BAD("a range behind the end", EINVAL, offset, s.len);
	BAD("a range that wraps", EINVAL, offset, -KIB(4));
	BAD("a closed descriptor", EBADF, fd, closed);
	BAD("descriptor -1", EBADF, fd, -1);
	BAD("a descriptor of a disk", EINVAL, fd, fd);
#undef BAD
	expect(try_dma_buf(fd, of_dma_buf(SGDMA_NVME_READ, disk.blocks * disk.block_size, &s, 0,
					  KIB(4))) == 0x4080,
	       "a command behind the end has another status than LBA out of range");
	refuse_answer("DMA_BUF", fd, SGDMA_NVME_DMA_BUF, &good, sizeof(good));
	/* No turn is left. */
	bind(&s);
	unbind(&s);
	drop_shared(&s);
	SAY(1, "%u bad requests were refused\n", refusals);
}

static void share(int fd, const char *gpu_node)
{
	int gpu = must(open(gpu_node, O_RDWR), gpu_node);

	share_parts(fd, gpu);
	share_with_gpu(fd, gpu);
	refuse_dma_bufs(fd, gpu);
	close(gpu);
}

#endif
