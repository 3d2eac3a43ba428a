/* SPDX-License-Identifier: GPL-2.0 */
/* Regions of /dev/sgdma_rdma-*, their memory, and the requests. */
#ifndef SGDMA_RDMA_REGION_H
#define SGDMA_RDMA_REGION_H

#include "../../common/user/say.h"
#include "../sgdma_rdma.h"

#define KIB(n)		((n) * 1024ull)
#define MIB(n)		((n) * 1024 * 1024ull)
#define READABLE	SGDMA_RDMA_REMOTE_READ
#define WRITABLE	(SGDMA_RDMA_REMOTE_READ | SGDMA_RDMA_REMOTE_WRITE | SGDMA_RDMA_LOCAL_WRITE)

#define RW		(PROT_READ | PROT_WRITE)

static __u8 buffer[KIB(64)];
static __u64 page;		/* the size of the CPU's pages; the device has pages of 4 KiB */
static __u32 soft;		/* a flag of all regions: SGDMA_RDMA_SOFT or zero */
static unsigned int seeds;	/* the seed given out last */
static __u64 moved;		/* the number of bytes that the device has moved */

/* Returns how much pinned memory the kernel counts for this process, in KiB. */
static long counted(void)
{
	return number_in("/proc/self/status", "VmPin:");
}

static int ended(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0), "wait");
	return status;
}

/* Memory and its contents */

static __u8 pattern(unsigned int seed, __u64 at)
{
	return (seed * 31 + at) * 0x9e3779b97f4a7c15 >> 56;
}

static void fill(void *data, unsigned int seed, __u64 from, __u64 len)
{
	for (__u64 i = 0; i < len; i++)
		((__u8 *)data)[i] = pattern(seed, from + i);
}

static void compare(const void *data, unsigned int seed, __u64 from, __u64 len, const char *by)
{
	const __u8 *bytes = data;

	for (__u64 i = 0; i < len; i++) {
		if (bytes[i] == pattern(seed, from + i))
			continue;
		SAY(2, "%s%s: byte %llu is 0x%x instead of 0x%x\n", doing, by, from + i,
		    bytes[i], pattern(seed, from + i));
		exit(1);
	}
}

static void *map_at(void *at, __u64 len, int prot, int flags, int fd, __u64 offset)
{
	void *memory = mmap(at, len, prot, flags | (at ? MAP_FIXED : 0), fd, offset);

	must(memory == MAP_FAILED ? -1 : 0, "mmap");
	return memory;
}

static void *map(__u64 len)
{
	return map_at(NULL, len, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Maps memory at a multiple of 2 MiB, where a block of any size can begin. */
static void *map_aligned(__u64 len)
{
	unsigned long start = (unsigned long)map(len + MIB(2));

	return (void *)((start + MIB(2) - 1) & -MIB(2));
}

static int memory_file(__u64 len)
{
	int fd = must(syscall(__NR_memfd_create, "rdma-test", 0), "memfd_create");

	must(ftruncate(fd, len), "ftruncate");
	return fd;
}

static int make_file(const char *name, __u64 len)
{
	int fd = must(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644), name);

	must(ftruncate(fd, len), "ftruncate");
	return fd;
}

/* Requests */

static int try_register(int fd, const void *addr, __u64 len, __u64 iova, __u32 flags,
			struct sgdma_rdma_reg *reg)
{
	*reg = (struct sgdma_rdma_reg){
		.addr = (unsigned long)addr, .len = len, .iova = iova, .flags = flags | soft,
	};
	return ioctl(fd, SGDMA_RDMA_REG, reg);
}

static struct sgdma_rdma_reg reg_at(int fd, const void *addr, __u64 len, __u64 iova, __u32 flags)
{
	struct sgdma_rdma_reg reg;
	__u64 size;

	must(try_register(fd, addr, len, iova, flags, &reg), "register");
	expect(reg.key && reg.orig_nents, "register: no key, or no segments");
	size = reg.block_size;
	if ((flags | soft) & SGDMA_RDMA_SOFT) {
		expect(!size && !reg.blocks && !reg.nents, "register: blocks of a soft region");
		return reg;
	}
	expect(reg.nents && reg.nents <= reg.orig_nents, "register: wrong number of segments");
	expect(size == KIB(4) || size == KIB(64) || size == MIB(2) || size == MIB(1024),
	       "register: wrong block size");
	expect(reg.blocks == (iova % size + len + size - 1) / size,
	       "register: wrong number of blocks");
	expect(reg.level == (reg.blocks > 512), "register: wrong level");
	expect(reg.list_pages == (reg.blocks + 511) / 512 + reg.level, "register: wrong list");
	return reg;
}

static struct sgdma_rdma_reg reg(int fd, const void *addr, __u64 len, __u32 flags)
{
	return reg_at(fd, addr, len, (unsigned long)addr, flags);
}

static int try_dereg(int fd, __u32 key, __u32 pad)
{
	struct sgdma_rdma_dereg request = { .key = key, .pad = pad };

	return ioctl(fd, SGDMA_RDMA_DEREG, &request);
}

static void dereg(int fd, __u32 key)
{
	must(try_dereg(fd, key, 0), "deregister");
}

static int try_io(int fd, unsigned long nr, __u32 key, __u64 offset, __u64 len, void *data)
{
	struct sgdma_rdma_io io = {
		.key = key, .offset = offset, .len = len, .user = (unsigned long)data,
	};

	return ioctl(fd, nr, &io);
}

/* Makes the device read part of a region, and compares with the pattern of @seed. */
static void peer_reads(int fd, __u32 key, unsigned int seed, __u64 offset, __u64 len)
{
	memset(buffer, 0, len);
	must(try_io(fd, SGDMA_RDMA_READ, key, offset, len, buffer), "read");
	compare(buffer, seed, offset, len, "read");
	moved += len;
}

/* Makes the device write the pattern of @seed to part of a region. */
static void peer_writes(int fd, __u32 key, unsigned int seed, __u64 offset, __u64 len)
{
	fill(buffer, seed, offset, len);
	must(try_io(fd, SGDMA_RDMA_WRITE, key, offset, len, buffer), "write");
	moved += len;
}

#endif
