// SPDX-License-Identifier: GPL-2.0
/*
 * rdma-test: makes every request of sgdma_rdma.h to /dev/sgdma_rdma-*, with
 * memory of all kinds, and checks the results. Exits with 0 if all results are
 * right, with 1 if one is wrong, with 2 on wrong usage.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../sgdma_rdma.h"

#define PROGRAM		"rdma-test"
#include "../../common/user/say.h"

#define KIB(n)		((n) * 1024ull)
#define MIB(n)		((n) * 1024 * 1024ull)
#define READABLE	SGDMA_RDMA_REMOTE_READ
#define WRITABLE	(SGDMA_RDMA_REMOTE_READ | SGDMA_RDMA_REMOTE_WRITE | SGDMA_RDMA_LOCAL_WRITE)

#define RW		(PROT_READ | PROT_WRITE)

static __u8 buffer[KIB(64)];
static __u64 page;		/* the size of the CPU's pages; the device has pages of 4 KiB */
static __u32 soft;		/* a flag of all regions: SGDMA_RDMA_SOFT or zero */
static __u64 moved;		/* the number of bytes that the device has moved */

/* Returns how much pinned memory the kernel counts for this process, in KiB. */
static long counted(void)
{
	return number_in("/proc/self/status", "VmPin:");
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

/* Has the device read part of a region, and compares with the pattern of @seed. */
static void peer_reads(int fd, __u32 key, unsigned int seed, __u64 offset, __u64 len)
{
	memset(buffer, 0, len);
	must(try_io(fd, SGDMA_RDMA_READ, key, offset, len, buffer), "read");
	compare(buffer, seed, offset, len, "read");
	moved += len;
}

/* Has the device write the pattern of @seed to part of a region. */
static void peer_writes(int fd, __u32 key, unsigned int seed, __u64 offset, __u64 len)
{
	fill(buffer, seed, offset, len);
	must(try_io(fd, SGDMA_RDMA_WRITE, key, offset, len, buffer), "write");
	moved += len;
}

/* Kinds of memory */

static unsigned int seeds;

/* Has the device read both ends of a region and some bytes between. */
static void read_some(int fd, __u32 key, unsigned int seed, __u64 len)
{
	const __u64 part = 1000;

	if (len <= KIB(20)) {
		peer_reads(fd, key, seed, 0, len);
		return;
	}
	peer_reads(fd, key, seed, 0, part);
	peer_reads(fd, key, seed, KIB(8) - 300, part);
	peer_reads(fd, key, seed, len / 2 - 7, part);
	peer_reads(fd, key, seed, len - part, part);
}

/*
 * Registers memory that the process wrote before. If the memory may be written, the process and the
 * device write to the region too. Returns the size of the region's blocks.
 */
static __u64 exercise_one(int fd, const char *what, __u8 *memory, __u64 len, __u32 flags)
{
	bool mine = flags & SGDMA_RDMA_LOCAL_WRITE;
	unsigned int seed = ++seeds, other = ++seeds;
	struct sgdma_rdma_reg r;
	__u64 third = len / 3;
	long before = pinned();
	char list[100];

	snprintf(doing, sizeof(doing), "%s: ", what);
	moved = 0;
	if (mine)
		fill(memory, seed, 0, len);
	else
		seed = 0;
	r = reg(fd, memory, len, flags);
	expect(pinned() - before == (long)(((unsigned long)memory % page + len + page - 1) / page),
	       "the number of pinned pages is not that of the memory");
	read_some(fd, r.key, seed, len);
	if (mine) {
		__u64 part = len - third < 500 ? len - third : 500;

		/* The process writes, then the device. Neither changes the bytes around. */
		fill(memory + third, other, third, part);
		peer_reads(fd, r.key, other, third, part);
		fill(memory, seed, 0, len);
		if (len > 6000) {
			peer_writes(fd, r.key, other, third, 3000);
			compare(memory, seed, 0, third, "before what was written");
			compare(memory + third, other, third, 3000, "written");
			compare(memory + third + 3000, seed, third + 3000, len - third - 3000,
				"behind what was written");
			peer_writes(fd, r.key, other, len - 100, 100);
			compare(memory + len - 100, other, len - 100, 100, "written");
		} else {
			peer_writes(fd, r.key, other, 0, len);
			compare(memory, other, 0, len, "written");
		}
	}
	dereg(fd, r.key);
	expect(pinned() == before, "pages stay pinned");
	doing[0] = 0;
	snprintf(list, sizeof(list), "%u for the device, %llu blocks of %llu KiB, level %u",
		 r.nents, r.blocks, r.block_size / 1024, r.level);
	SAY(1, "%s, %llu bytes: %u segments, %s; %llu bytes moved: ok\n", what, len,
	    r.orig_nents, soft ? "by the CPU" : list, moved);
	return r.block_size;
}

/* Maps a power of two of pages, each far in the file from the page before. */
static __u8 *scattered(__u64 len, int file)
{
	__u8 *memory = map_aligned(len);

	for (__u64 at = 0; at < len; at += page)
		map_at(memory + at, page, RW, MAP_SHARED, file, at * 101 % len);
	return memory;
}

/* Writes to a setting that this kernel may not have. */
static void try_set(const char *path, const char *value)
{
	int file = open(path, O_WRONLY);

	if (file < 0)
		return;
	must(write(file, value, strlen(value)), path);
	close(file);
}

static void large_pages(int fd)
{
	const char *const count = "/proc/sys/vm/nr_hugepages";
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	__u8 *memory;
	__u64 size;

	try_set(count, "2");
	memory = mmap(NULL, MIB(4), RW, flags | MAP_HUGETLB, -1, 0);
	if (memory != MAP_FAILED) {
		size = exercise_one(fd, "hugepages", memory, MIB(4), WRITABLE);
		expect(soft || size == MIB(2), "hugepages are not listed as such");
		exercise_one(fd, "hugepages' middle", memory + MIB(1) + 5, MIB(2), WRITABLE);
		must(munmap(memory, MIB(4)), "munmap");
	} else {
		SAY(1, "no hugepages here: %s\n", error_text(errno));
	}
	try_set(count, "0");
	/* A machine with little memory does not use transparent hugepages unless told to. */
	try_set("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	memory = map_aligned(MIB(4));
	if (!syscall(__NR_madvise, memory, MIB(4), 14 /* MADV_HUGEPAGE */))
		exercise_one(fd, "transparent hugepages", memory, MIB(4), WRITABLE);
	else
		SAY(1, "no transparent hugepages here: %s\n", error_text(errno));
}

static void kinds(int fd)
{
	int file = make_file("/tmp/rdma-file", KIB(64));
	int scratch = memory_file(MIB(1));
	__u8 *memory, *view;

	memory = map(KIB(64));
	exercise_one(fd, "anonymous", memory, KIB(64), WRITABLE);
	exercise_one(fd, "unaligned", memory + 123, 10000, WRITABLE);
	exercise_one(fd, "a byte", memory + page - 1, 1, WRITABLE);
	exercise_one(fd, "two pages' ends", memory + page - 1, 2, WRITABLE);

	memory = map_at(NULL, KIB(64), RW, MAP_SHARED, scratch, 0);
	exercise_one(fd, "memfd", memory, KIB(64), WRITABLE);

	/* The file has the bytes that the device wrote. */
	memory = map_at(NULL, KIB(64), RW, MAP_SHARED, file, 0);
	exercise_one(fd, "file", memory, KIB(64) - 5, WRITABLE);
	must(lseek(file, KIB(64) - 105, SEEK_SET), "lseek");
	must(read(file, buffer, 100), "read");
	compare(buffer, seeds, KIB(64) - 105, 100, "in the file");

	/* Memory that the process may only read. Its pattern is that of seed 0. */
	fill(memory, 0, 0, KIB(64));
	close(file);
	file = must(open("/tmp/rdma-file", O_RDONLY), "open");
	view = map_at(NULL, KIB(64), PROT_READ, MAP_SHARED, file, 0);
	exercise_one(fd, "file, read only", view, KIB(12) + 77, READABLE);
	view = map_at(NULL, KIB(64), PROT_READ, MAP_PRIVATE, file, 0);
	exercise_one(fd, "private file, read only", view, KIB(64), READABLE);
	compare(memory, 0, 0, KIB(64), "the file afterwards");
	close(file);

	/* Shared memory between two pieces of anonymous memory. */
	memory = map(3 * KIB(64));
	map_at(memory + KIB(64), KIB(64), RW, MAP_SHARED, scratch, KIB(256));
	exercise_one(fd, "three mappings", memory + KIB(64) - 999, KIB(64) + 1999, WRITABLE);

	exercise_one(fd, "scattered", scattered(MIB(1), scratch), MIB(1), WRITABLE);
	exercise_one(fd, "in order", map_aligned(MIB(4)), MIB(4), WRITABLE);
	/* No large block can begin here, also behind an IOMMU, so the list has two levels. */
	exercise_one(fd, "at an odd page", (__u8 *)map_aligned(MIB(4)) + KIB(4), MIB(3), WRITABLE);
	large_pages(fd);
	close(scratch);
}

/* The life of memory while it is registered */

static int ended(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0), "wait");
	return status;
}

/* Memory that nobody has touched yet. */
static void register_untouched(int fd, __u8 *memory, unsigned int seed)
{
	struct sgdma_rdma_reg r;

	snprintf(doing, sizeof(doing), "untouched: ");
	r = reg(fd, memory, KIB(16), READABLE);
	must(try_io(fd, SGDMA_RDMA_READ, r.key, 0, 9, buffer), "read");
	expect(!buffer[0] && !buffer[8], "fresh memory is not zero");
	/* If the kernel had pinned its page of zeroes, the device would not see this write. */
	fill(memory, seed, 0, KIB(16));
	peer_reads(fd, r.key, seed, 100, 200);
	dereg(fd, r.key);
}

/* The child has a copy of the memory, and a key of the parent's memory. */
static void fork_child(int fd, __u32 key, __u8 *memory, unsigned int seed)
{
	compare(memory, seed, 0, KIB(16), "in the child");
	fill(memory, seed + 1, 0, KIB(16));
	peer_reads(fd, key, seed, KIB(4), 2000);
	peer_writes(fd, key, seed + 2, KIB(8), 2000);
	compare(memory, seed + 1, 0, KIB(16), "in the child");
	expect(!counted(), "the parent's pages count for the child");
}

/* Forks and unmaps while the memory is registered. */
static void fork_and_unmap(int fd, __u8 *memory, unsigned int seed)
{
	struct sgdma_rdma_reg r;
	pid_t pid;

	snprintf(doing, sizeof(doing), "fork: ");
	r = reg(fd, memory, KIB(16), WRITABLE);
	expect(counted() == 16, "the pages that count for the limit are not 16 KiB");
	pid = must(fork(), "fork");
	if (!pid) {
		fork_child(fd, r.key, memory, seed);
		exit(0);
	}
	expect(!ended(pid), "the child failed");
	compare(memory, seed, 0, KIB(8), "in the parent");
	compare(memory + KIB(8), seed + 2, KIB(8), 2000, "in the parent");
	fill(memory, seed, 0, KIB(16));
	peer_reads(fd, r.key, seed, KIB(10), 2000);

	snprintf(doing, sizeof(doing), "munmap: ");
	must(munmap(memory, KIB(16)), "munmap");
	peer_reads(fd, r.key, seed, KIB(3), KIB(8));
	peer_writes(fd, r.key, seed + 1, 0, 3000);
	peer_reads(fd, r.key, seed + 1, 0, 3000);
	dereg(fd, r.key);
	expect(!counted(), "pages still count for the limit");
}

/*
 * The grandchild of the process that registered: has the region deregistered while a child of its
 * own has the device read the region. No process waits for the grandchild, so it reports by a byte.
 */
static void deregister_while_reading(int fd, __u32 key, unsigned int seed, int ready)
{
	pid_t pid = must(fork(), "fork");

	if (!pid) {
		peer_reads(fd, key, seed, 0, KIB(16));
		exit(0);
	}
	usleep(500000);
	dereg(fd, key);
	expect(!ended(pid), "reading a region failed because it was deregistered meanwhile");
	must(write(ready, "i", 1), "pipe");
}

/* The process that registered has ended when another one deregisters. */
static void inherit(const char *node, unsigned int seed)
{
	int ready[2];
	pid_t pid;

	snprintf(doing, sizeof(doing), "inherited: ");
	must(pipe(ready), "pipe");
	pid = must(fork(), "fork");
	if (!pid) {
		__u8 *memory = map(KIB(64));
		int fd = must(open(node, O_RDWR), node);
		struct sgdma_rdma_reg r;

		fill(memory, seed, 0, KIB(64));
		r = reg(fd, memory, KIB(64), READABLE);
		if (!must(fork(), "fork"))
			deregister_while_reading(fd, r.key, seed, ready[1]);
		exit(0);
	}
	expect(!ended(pid), "the process that registered failed");
	await(ready, "reading a region that was deregistered meanwhile failed");
}

/* A process is killed while the device reads its memory, with everything registered. */
static void kill_while_reading(const char *node)
{
	int ready[2];
	time_t killed;
	pid_t pid;

	snprintf(doing, sizeof(doing), "killed: ");
	must(pipe(ready), "pipe");
	pid = must(fork(), "fork");
	if (!pid) {
		__u8 *memory = map(KIB(64));
		int fd = must(open(node, O_RDWR), node);
		__u32 key = reg(fd, memory, KIB(64), WRITABLE).key;

		reg(fd, memory + 5, KIB(5), READABLE);
		must(write(ready[1], "k", 1), "pipe");
		for (;;)
			must(try_io(fd, SGDMA_RDMA_READ, key, 0, KIB(64), buffer), "read");
	}
	await(ready, "the process to kill failed");
	sleep(1);
	killed = time(NULL);
	must(kill(pid, SIGKILL), "kill");
	expect(WIFSIGNALED(ended(pid)), "the process to kill had ended");
	expect(time(NULL) - killed <= 2, "a read went on after its process was killed");
}

/* A process is killed at any moment of registering. */
static void kill_while_registering(const char *node, long before)
{
	snprintf(doing, sizeof(doing), "killed while it registers: ");
	for (unsigned int i = 1; i < 6; i++) {
		pid_t pid = must(fork(), "fork");

		if (!pid) {
			__u8 *memory = map(MIB(16));
			int fd = must(open(node, O_RDWR), node);

			for (;;)
				dereg(fd, reg(fd, memory, MIB(16), WRITABLE).key);
		}
		usleep(i * 3333);
		must(kill(pid, SIGKILL), "kill");
		expect(WIFSIGNALED(ended(pid)), "the process to kill had ended");
		expect(pinned() == before, "pages stay pinned");
	}
}

static void lives(int fd, const char *node)
{
	__u8 *memory = map(KIB(16));
	unsigned int seed = ++seeds;
	long before = pinned();

	register_untouched(fd, memory, seed);
	fork_and_unmap(fd, memory, seed);
	expect(pinned() == before, "pages stay pinned");
	inherit(node, seed);
	kill_while_reading(node);
	expect(pinned() == before, "pages stay pinned");
	kill_while_registering(node, before);
	SAY(1, "fork, munmap, exit and kill with regions alive: ok\n");
	doing[0] = 0;
}

static void thousands(int fd)
{
	static __u32 keys[SGDMA_RDMA_MAX_REGIONS];
	unsigned int seed = ++seeds;
	struct sgdma_rdma_reg r;
	__u8 *memory = map(MIB(1));
	long before = pinned();

	snprintf(doing, sizeof(doing), "many regions: ");
	fill(memory, seed, 0, MIB(1));
	for (unsigned int i = 0; i < COUNT(keys); i++)
		keys[i] = reg(fd, memory + i * 255, 1 + i % 3000, READABLE).key;
	expect(try_register(fd, memory, 1, 0, READABLE, &r) < 0 && errno == ENOSPC,
	       "one too many was not refused");
	for (unsigned int i = 7; i < COUNT(keys); i += 500) {
		__u64 len = 1 + i % 3000;

		must(try_io(fd, SGDMA_RDMA_READ, keys[i], 0, len, buffer), "read");
		compare(buffer, seed, i * 255, len, "read");
	}
	for (unsigned int i = 0; i < COUNT(keys); i += 2)
		dereg(fd, keys[i]);
	for (unsigned int i = 1; i < COUNT(keys); i += 2)
		dereg(fd, keys[i]);
	expect(pinned() == before, "pages stay pinned");
	SAY(1, "%u regions: ok\n", (unsigned int)COUNT(keys));
	doing[0] = 0;
}

/* Bad input */

static bool limited;		/* not root: only root can read the number of pinned pages */

/* Addresses of the kernel: the last page, and the first byte of the kernel's half. */
#define END	((void *)-4096ul)
#define MIDDLE	((void *)(1ul << 63))

/* Makes a bad request to register. It must leave no page pinned and none counted. */
static void refuse_region(int fd, const char *what, int expected, const void *addr, __u64 len,
			  __u64 iova, __u32 flags)
{
	struct sgdma_rdma_reg r;
	long before = limited ? 0 : pinned(), counts = counted();
	long pages, kib;

	refused(what, expected, try_register(fd, addr, len, iova, flags, &r));
	pages = (limited ? 0 : pinned()) - before;
	kib = counted() - counts;
	if (pages || kib) {
		SAY(2, "%s: %ld pages stay pinned, %ld KiB count\n", what, pages, kib);
		exit(1);
	}
}

/* Runs a process that must not pin more than the limit. */
static void refuse_beyond_the_limit(int fd)
{
	const struct rlimit limit = { .rlim_cur = 4 * page, .rlim_max = 4 * page };
	__u8 *memory = map(8 * page);
	struct sgdma_rdma_reg r, other;
	pid_t pid = must(fork(), "fork");

	if (pid) {
		expect(!ended(pid), "the process with a limit failed");
		refusals += 3;
		return;
	}
	must(setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit");
	must(syscall(__NR_setuid, 65534), "setuid");
	limited = true;
	must(try_register(fd, memory, 4 * page, 0, READABLE, &r), "register up to the limit");
	refuse_region(fd, "a byte beyond RLIMIT_MEMLOCK", ENOMEM, memory, 1, 0, READABLE);
	dereg(fd, r.key);
	refuse_region(fd, "a page beyond RLIMIT_MEMLOCK", ENOMEM, memory, 5 * page, 0, READABLE);
	refuse_region(fd, "a byte of that page", ENOMEM, memory + 1, 4 * page, 1, READABLE);
	/* Memory that was refused does not count. */
	must(try_register(fd, memory, 2 * page, 0, READABLE, &r), "register");
	must(try_register(fd, memory, 2 * page, 0, READABLE, &other), "register the same again");
	dereg(fd, r.key);
	dereg(fd, other.key);
	exit(0);
}

/* If the key cannot be written to user space, the memory does not stay registered. */
static void refuse_answers(int fd, __u8 *memory, __u64 len)
{
	static const __u32 flags[] = { WRITABLE, READABLE, READABLE | SGDMA_RDMA_SOFT };
	long before = pinned(), counts = counted();

	for (unsigned int i = 0; i < 30; i++) {
		struct sgdma_rdma_reg r = {
			.addr = (unsigned long)memory, .len = len,
			.flags = flags[i % COUNT(flags)] | soft,
		};

		refuse_answer("a region", fd, SGDMA_RDMA_REG, &r, sizeof(r));
	}
	SAY(1, "%ld pages pinned before, %ld after\n", before, pinned());
	expect(pinned() == before && counted() == counts, "pages stay pinned without an answer");
}

/* Arguments that no memory is right for. */
static void refuse_arguments(int fd, const __u8 *memory, __u64 len)
{
	refuse_region(fd, "no bytes", EINVAL, memory, 0, 0, READABLE);
	refuse_region(fd, "a length that wraps", EOVERFLOW, memory, -page, 0, READABLE);
	refuse_region(fd, "all of 64 bits", EOVERFLOW, memory, -1, 0, READABLE);
	refuse_region(fd, "the end of the addresses", EOVERFLOW, END, KIB(8), 0, READABLE);
	refuse_region(fd, "a kernel address", EFAULT, END, KIB(2), 0, READABLE);
	refuse_region(fd, "a kernel address, to write", EFAULT, MIDDLE, 1, 0, WRITABLE);
	refuse_region(fd, "all memory there could be", EFAULT, memory, 1ull << 62, 0, READABLE);
	refuse_region(fd, "address 0", EFAULT, NULL, KIB(4), 0, READABLE);
	refuse_region(fd, "an unknown flag", EINVAL, memory, len, 0, READABLE | 0x80000000);
	refuse_region(fd, "remote write without local", EINVAL, memory, len, 0,
		      SGDMA_RDMA_REMOTE_WRITE);
	refuse_region(fd, "an iova elsewhere in its page", EINVAL, memory, len, 5, READABLE);
}

/* Memory with holes: the kernel has pinned the pages before the hole already, in two batches. */
static void refuse_holes(int fd)
{
	__u8 *hole = map_aligned(MIB(4));

	must(munmap(hole + MIB(3), page), "munmap");
	refuse_region(fd, "a hole", EFAULT, hole, MIB(4), (unsigned long)hole, WRITABLE);
	refuse_region(fd, "an end in a hole", EFAULT, hole, MIB(3) + 1, (unsigned long)hole,
		      READABLE);
}

/* Memory that the process itself may not access so, and memory of a device. */
static void refuse_protected(int fd, const char *node)
{
	int file = make_file("/tmp/rdma-file", KIB(64)), device;
	char path[80];
	__u8 *view;

	view = map_at(NULL, KIB(64), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	refuse_region(fd, "to write memory that is read only", EFAULT, view, KIB(64), 0, WRITABLE);
	close(file);
	file = must(open("/tmp/rdma-file", O_RDONLY), "open");
	view = map_at(NULL, KIB(64), PROT_READ, MAP_SHARED, file, 0);
	refuse_region(fd, "to write a file that is read only", EFAULT, view, KIB(64), 0, WRITABLE);
	close(file);
	view = map_at(NULL, KIB(64), 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	refuse_region(fd, "memory without access", EFAULT, view, KIB(64), 0, READABLE);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", strchr(node, '-') + 1);
	device = open(path, O_RDWR);
	view = device < 0 ? MAP_FAILED : mmap(NULL, KIB(64), RW, MAP_SHARED, device, 0);
	if (view != MAP_FAILED)
		refuse_region(fd, "memory of a device", EFAULT, view, KIB(64), 0, WRITABLE);
	else
		SAY(1, "no memory of a device here: %s\n", error_text(errno));
}

/* More blocks than fit into a list of one page. */
static void refuse_long_list(int fd)
{
	__u8 *memory = map_aligned(MIB(4));
	__u64 iova = KIB(4);
	struct sgdma_rdma_reg r;

	fill(memory, 0, 0, MIB(3));
	/* Large blocks, of which there are few enough, suit one of the two addresses at most. */
	if (!try_register(fd, memory, MIB(3), iova, READABLE | SGDMA_RDMA_FLAT, &r)) {
		dereg(fd, r.key);
		iova = KIB(8);
	}
	refuse_region(fd, "too many blocks for one page", E2BIG, memory, MIB(3), iova,
		      READABLE | SGDMA_RDMA_FLAT);
}

#define REFUSE(what, error, nr, key, offset, len, data) \
	refused(what, error, try_io(fd, SGDMA_RDMA_ ## nr, key, offset, len, data))

/* Reads and writes that the regions do not allow. */
static void refuse_access(int fd, __u32 key, __u8 *memory, __u64 len)
{
	__u32 readable = reg(fd, memory, len, READABLE).key;
	__u32 local = reg(fd, memory, len, SGDMA_RDMA_LOCAL_WRITE).key;

	REFUSE("to write a region for reading", EACCES, WRITE, readable, 0, 1, buffer);
	REFUSE("to write a local region", EACCES, WRITE, local, 0, 1, buffer);
	REFUSE("to read a local region", EACCES, READ, local, 0, 1, buffer);
	REFUSE("a read across the end", EINVAL, READ, key, len - 1, 2, buffer);
	REFUSE("a write across the end", EINVAL, WRITE, key, len - 1, 2, buffer);
	REFUSE("a read beyond the end", EINVAL, READ, key, len + 1, 0, buffer);
	REFUSE("a write that wraps", EINVAL, WRITE, key, -1ull, 2, buffer);
	REFUSE("a read of a wrapping length", EINVAL, READ, key, 2, -1ull, buffer);
	REFUSE("a read to address 0", EFAULT, READ, key, 0, 1, NULL);
	REFUSE("a write from a kernel address", EFAULT, WRITE, key, 0, 1, END);
	dereg(fd, readable);
	dereg(fd, local);
}

/* Keys that are not, or no longer, this file's, and other bad requests. */
static void refuse_keys(int fd, int other_fd, __u32 key, __u8 *memory, __u64 len)
{
	__u32 gone = reg(fd, memory, len, WRITABLE).key, other = 0;
	struct sgdma_rdma_io io = { .key = key, .pad = 1 };

	dereg(fd, gone);
	/* The other file gives out so many keys that this file has never given out the last one. */
	for (unsigned int i = 0; i < 9; i++)
		other = reg(other_fd, memory, len, WRITABLE).key;
	REFUSE("key 0", ENOENT, READ, 0, 0, 1, buffer);
	REFUSE("a key never given", ENOENT, WRITE, 0x7ffffff0, 0, 1, buffer);
	REFUSE("a key taken back", ENOENT, READ, gone, 0, 1, buffer);
	REFUSE("another file's key", ENOENT, READ, other, 0, 1, buffer);
	REFUSE("another file's key", ENOENT, WRITE, other, 0, 1, buffer);
	refused("to take back another file's key", ENOENT, try_dereg(fd, other, 0));
	refused("to take back a key twice", ENOENT, try_dereg(fd, gone, 0));
	refused("a pad", EINVAL, try_dereg(fd, key, 1));
	refused("another pad", EINVAL, ioctl(fd, SGDMA_RDMA_READ, &io));
	refused("an unknown number", ENOTTY, ioctl(fd, _IOWR('R', 0xef, __u64), &io));
	refused("a request at address 0", EFAULT, ioctl(fd, SGDMA_RDMA_REG, NULL));
}

static void refuse(int fd, const char *node)
{
	int other_fd = must(open(node, O_RDWR), node);
	const __u64 len = KIB(16);
	__u8 *memory = map(len);
	long before = pinned();
	__u32 key;

	refuse_arguments(fd, memory, len);
	refuse_holes(fd);
	refuse_protected(fd, node);
	if (!soft)
		refuse_long_list(fd);
	refuse_beyond_the_limit(fd);

	fill(memory, 0, 0, len);
	key = reg(fd, memory, len, WRITABLE).key;
	refuse_access(fd, key, memory, len);
	refuse_keys(fd, other_fd, key, memory, len);
	refuse_answers(fd, memory, len);

	/* No bad request has done any harm. */
	compare(memory, 0, 0, len, "the memory afterwards");
	peer_reads(fd, key, 0, 0, KIB(4));
	dereg(fd, key);
	close(other_fd);
	expect(pinned() == before, "pages stay pinned");
	SAY(1, "%u requests refused: ok\n", refusals);
}

/* Registers regions of each kind, and has the device read until it is unbound or unplugged. */
static void hold(int fd)
{
	__u8 *memory = map(KIB(64));
	struct sgdma_rdma_reg r = reg(fd, memory, KIB(64), WRITABLE);

	reg(fd, memory + 5, 5000, READABLE);
	reg(fd, memory, KIB(64), WRITABLE | SGDMA_RDMA_SOFT);
	SAY(1, "holding\n");
	while (!try_io(fd, SGDMA_RDMA_READ, r.key, 0, KIB(64), buffer))
		usleep(10000);
	SAY(1, "%s\n", error_text(errno));
	sleep(1000000);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	int fd = argc > 2 ? must(open(argv[2], O_RDWR), argv[2]) : -1;
	long before = pinned();

	page = getpagesize();
	if (argc == 4 && !strcmp(argv[3], "soft"))
		soft = SGDMA_RDMA_SOFT;
	if (!strcmp(command, "exercise") && argc == 3 + !!soft) {
		kinds(fd);
		lives(fd, argv[2]);
		thousands(fd);
	} else if (!strcmp(command, "refuse") && argc == 3 + !!soft) {
		refuse(fd, argv[2]);
	} else if (!strcmp(command, "hold") && argc == 3 + !!soft) {
		hold(fd);
	} else if (!strcmp(command, "pinned") && argc == 2) {
		SAY(1, "%ld pages pinned\n", before);
	} else {
		SAY(2, "exercise|refuse|hold NODE [soft] | pinned\n");
		return 2;
	}
	expect(pinned() == before, "pages are pinned at the end that were not at the start");
	return 0;
}
