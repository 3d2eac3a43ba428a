// SPDX-License-Identifier: GPL-2.0
/*
 * rdma-test: asks everything of /dev/sgdma_rdma-* that sgdma_rdma.h has, of
 * memory of all kinds, and looks whether it came out right. Ends with 0 if it
 * did, 1 if not, 2 on wrong usage.
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
static __u64 page;		/* the CPU's; the device's are of 4 KiB */
static __u32 soft;		/* SGDMA_RDMA_SOFT or zero, for all regions */
static __u64 moved;		/* bytes, by the device */

/* What the kernel says */

/* How many count for this process, in KiB. */
static long counted(void)
{
	return number_in("/proc/self/status", "VmPin:");
}

/* Memory, and what should be in it */

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

/* Memory that begins where a block of any size may. */
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

/* Has the device read part of a region, which should be that of the pattern. */
static void peer_reads(int fd, __u32 key, unsigned int seed, __u64 offset, __u64 len)
{
	memset(buffer, 0, len);
	must(try_io(fd, SGDMA_RDMA_READ, key, offset, len, buffer), "read");
	compare(buffer, seed, offset, len, "read");
	moved += len;
}

static void peer_writes(int fd, __u32 key, unsigned int seed, __u64 offset, __u64 len)
{
	fill(buffer, seed, offset, len);
	must(try_io(fd, SGDMA_RDMA_WRITE, key, offset, len, buffer), "write");
	moved += len;
}

/* Kinds of memory */

static unsigned int seeds;

/* Looks at the ends and at what lies between them. */
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
 * The memory itself was written before it was registered, is written by its process, and, if it
 * may be, by the device. Returns the size of its blocks.
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
	       "not as many pages are pinned as it has");
	read_some(fd, r.key, seed, len);
	if (mine) {
		__u64 part = len - third < 500 ? len - third : 500;

		/* The process, then the device; neither beyond what it was to write. */
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

/* Each page in a mapping of its own, far from its neighbours; as many as a power of two. */
static __u8 *scattered(__u64 len, int file)
{
	__u8 *memory = map_aligned(len);

	for (__u64 at = 0; at < len; at += page)
		map_at(memory + at, page, RW, MAP_SHARED, file, at * 101 % len);
	return memory;
}

/* Sets what this kernel may not have. */
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
	/* A machine of little memory does not use them by itself. */
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

	/* What the device wrote is in the file, too. */
	memory = map_at(NULL, KIB(64), RW, MAP_SHARED, file, 0);
	exercise_one(fd, "file", memory, KIB(64) - 5, WRITABLE);
	must(lseek(file, KIB(64) - 105, SEEK_SET), "lseek");
	must(read(file, buffer, 100), "read");
	compare(buffer, seeds, KIB(64) - 105, 100, "in the file");

	/* Memory that may be read only; its pattern is the zeroth. */
	fill(memory, 0, 0, KIB(64));
	close(file);
	file = must(open("/tmp/rdma-file", O_RDONLY), "open");
	view = map_at(NULL, KIB(64), PROT_READ, MAP_SHARED, file, 0);
	exercise_one(fd, "file, read only", view, KIB(12) + 77, READABLE);
	view = map_at(NULL, KIB(64), PROT_READ, MAP_PRIVATE, file, 0);
	exercise_one(fd, "private file, read only", view, KIB(64), READABLE);
	compare(memory, 0, 0, KIB(64), "the file afterwards");
	close(file);

	/* Two neighbours of another kind in the middle. */
	memory = map(3 * KIB(64));
	map_at(memory + KIB(64), KIB(64), RW, MAP_SHARED, scratch, KIB(256));
	exercise_one(fd, "three mappings", memory + KIB(64) - 999, KIB(64) + 1999, WRITABLE);

	exercise_one(fd, "scattered", scattered(MIB(1), scratch), MIB(1), WRITABLE);
	exercise_one(fd, "in order", map_aligned(MIB(4)), MIB(4), WRITABLE);
	/* A list of two levels, wherever an IOMMU puts it: no larger blocks begin here. */
	exercise_one(fd, "at an odd page", (__u8 *)map_aligned(MIB(4)) + KIB(4), MIB(3), WRITABLE);
	large_pages(fd);
	close(scratch);
}

/* What becomes of the memory while it is registered */

static int ended(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0), "wait");
	return status;
}

static void lives(int fd, const char *node)
{
	__u8 *memory = map(KIB(16));
	unsigned int seed = ++seeds;
	struct sgdma_rdma_reg r;
	int ready[2];
	time_t killed;
	pid_t pid;
	long before = pinned();

	/* Never touched: the page of zeroes is not what is pinned, or this write would be lost. */
	snprintf(doing, sizeof(doing), "untouched: ");
	r = reg(fd, memory, KIB(16), READABLE);
	must(try_io(fd, SGDMA_RDMA_READ, r.key, 0, 9, buffer), "read");
	expect(!buffer[0] && !buffer[8], "read something");
	fill(memory, seed, 0, KIB(16));
	peer_reads(fd, r.key, seed, 100, 200);
	dereg(fd, r.key);

	snprintf(doing, sizeof(doing), "fork: ");
	r = reg(fd, memory, KIB(16), WRITABLE);
	expect(counted() == 16, "not 16 KiB count for the limit");
	pid = must(fork(), "fork");
	if (!pid) {
		compare(memory, seed, 0, KIB(16), "in the child");
		fill(memory, seed + 1, 0, KIB(16));
		/* The parent's, by a key of the file that both have. */
		peer_reads(fd, r.key, seed, KIB(4), 2000);
		peer_writes(fd, r.key, seed + 2, KIB(8), 2000);
		compare(memory, seed + 1, 0, KIB(16), "in the child");
		expect(!counted(), "the parent's pages count for the child");
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
	expect(!counted(), "pages count for the limit after all");
	expect(pinned() == before, "pages stay pinned");

	/* Who registered is gone when somebody else takes it back, while the device reads. */
	snprintf(doing, sizeof(doing), "inherited: ");
	must(pipe(ready), "pipe");
	pid = must(fork(), "fork");
	if (!pid) {
		memory = map(KIB(64));
		fill(memory, seed, 0, KIB(64));
		fd = must(open(node, O_RDWR), node);
		r = reg(fd, memory, KIB(64), READABLE);
		if (!must(fork(), "fork")) {
			/* A grandchild, of which nobody is told how it ends, but by its byte. */
			pid = must(fork(), "fork");
			if (!pid) {
				peer_reads(fd, r.key, seed, 0, KIB(16));
				exit(0);
			}
			usleep(500000);
			dereg(fd, r.key);
			expect(!ended(pid), "reading what was taken back meanwhile failed");
			must(write(ready[1], "i", 1), "pipe");
			exit(0);
		}
		exit(0);
	}
	expect(!ended(pid), "the one who registered failed");
	await(ready, "reading what was taken back meanwhile failed");

	/* Ends with everything registered, or is killed with the device at it. */
	snprintf(doing, sizeof(doing), "killed: ");
	must(pipe(ready), "pipe");
	pid = must(fork(), "fork");
	if (!pid) {
		memory = map(KIB(64));
		fd = must(open(node, O_RDWR), node);
		r = reg(fd, memory, KIB(64), WRITABLE);
		reg(fd, memory + 5, KIB(5), READABLE);
		must(write(ready[1], "k", 1), "pipe");
		for (;;)
			must(try_io(fd, SGDMA_RDMA_READ, r.key, 0, KIB(64), buffer), "read");
	}
	await(ready, "the process to kill failed");
	sleep(1);
	killed = time(NULL);
	must(kill(pid, SIGKILL), "kill");
	expect(WIFSIGNALED(ended(pid)), "the process to kill had ended");
	expect(time(NULL) - killed <= 2, "a read went on after its process was killed");
	expect(pinned() == before, "pages stay pinned");

	/* Somewhere in the middle of it. */
	snprintf(doing, sizeof(doing), "killed while it registers: ");
	for (unsigned int i = 1; i < 6; i++) {
		pid = must(fork(), "fork");
		if (!pid) {
			memory = map(MIB(16));
			fd = must(open(node, O_RDWR), node);
			for (;;)
				dereg(fd, reg(fd, memory, MIB(16), WRITABLE).key);
		}
		usleep(i * 3333);
		must(kill(pid, SIGKILL), "kill");
		expect(WIFSIGNALED(ended(pid)), "the process to kill had ended");
		expect(pinned() == before, "pages stay pinned");
	}
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

static bool limited;		/* not root, which alone is told what is pinned */

/* Addresses of the kernel's: the last page, and where its half begins. */
#define END	((void *)-4096ul)
#define MIDDLE	((void *)(1ul << 63))

/* A bad register, which leaves nothing pinned and nothing counted. */
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

/* A process of its own, without the right to pin more than the limit. */
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
	/* What was refused does not count. */
	must(try_register(fd, memory, 2 * page, 0, READABLE, &r), "register");
	must(try_register(fd, memory, 2 * page, 0, READABLE, &other), "register the same again");
	dereg(fd, r.key);
	dereg(fd, other.key);
	exit(0);
}

/* What user space cannot be told of, is not registered. */
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

static void refuse(int fd, const char *node)
{
	int other_fd = must(open(node, O_RDWR), node);
	int file = make_file("/tmp/rdma-file", KIB(64));
	const __u64 len = KIB(16);
	__u8 *memory = map(len), *view, *hole;
	struct sgdma_rdma_reg r, ro, local, other, gone;
	struct sgdma_rdma_io io;
	char path[80];
	int device;
	long before = pinned();

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

	/* What comes before the hole was pinned already, in two batches. */
	hole = map_aligned(MIB(4));
	must(munmap(hole + MIB(3), page), "munmap");
	refuse_region(fd, "a hole", EFAULT, hole, MIB(4), (unsigned long)hole, WRITABLE);
	refuse_region(fd, "an end in a hole", EFAULT, hole, MIB(3) + 1, (unsigned long)hole,
		      READABLE);

	view = map_at(NULL, KIB(64), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	refuse_region(fd, "to write memory that is read only", EFAULT, view, KIB(64), 0, WRITABLE);
	close(file);
	file = must(open("/tmp/rdma-file", O_RDONLY), "open");
	view = map_at(NULL, KIB(64), PROT_READ, MAP_SHARED, file, 0);
	refuse_region(fd, "to write a file that is read only", EFAULT, view, KIB(64), 0, WRITABLE);
	view = map_at(NULL, KIB(64), 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	refuse_region(fd, "memory without access", EFAULT, view, KIB(64), 0, READABLE);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", strchr(node, '-') + 1);
	device = open(path, O_RDWR);
	view = device < 0 ? MAP_FAILED : mmap(NULL, KIB(64), RW, MAP_SHARED, device, 0);
	if (view != MAP_FAILED)
		refuse_region(fd, "memory of a device", EFAULT, view, KIB(64), 0, WRITABLE);
	else
		SAY(1, "no memory of a device here: %s\n", error_text(errno));
	if (!soft) {
		/* Only one of the two can be where large blocks would do. */
		__u8 *many = map_aligned(MIB(4));
		__u64 iova = KIB(4);

		fill(many, 0, 0, MIB(3));
		if (!try_register(fd, many, MIB(3), iova, READABLE | SGDMA_RDMA_FLAT, &r)) {
			dereg(fd, r.key);
			iova = KIB(8);
		}
		refuse_region(fd, "too many blocks for one page", E2BIG, many, MIB(3), iova,
			      READABLE | SGDMA_RDMA_FLAT);
	}
	refuse_beyond_the_limit(fd);

	fill(memory, 0, 0, len);
	r = reg(fd, memory, len, WRITABLE);
	ro = reg(fd, memory, len, READABLE);
	local = reg(fd, memory, len, SGDMA_RDMA_LOCAL_WRITE);
	gone = reg(fd, memory, len, WRITABLE);
	dereg(fd, gone.key);
	for (unsigned int i = 0; i < 9; i++)
		other = reg(other_fd, memory, len, WRITABLE);

#define REFUSE(what, error, nr, key, offset, len, data) \
	refused(what, error, try_io(fd, SGDMA_RDMA_ ## nr, key, offset, len, data))
	REFUSE("to write a region for reading", EACCES, WRITE, ro.key, 0, 1, buffer);
	REFUSE("to write a local region", EACCES, WRITE, local.key, 0, 1, buffer);
	REFUSE("to read a local region", EACCES, READ, local.key, 0, 1, buffer);
	REFUSE("a read across the end", EINVAL, READ, r.key, len - 1, 2, buffer);
	REFUSE("a write across the end", EINVAL, WRITE, r.key, len - 1, 2, buffer);
	REFUSE("a read beyond the end", EINVAL, READ, r.key, len + 1, 0, buffer);
	REFUSE("a write that wraps", EINVAL, WRITE, r.key, -1ull, 2, buffer);
	REFUSE("a read of a wrapping length", EINVAL, READ, r.key, 2, -1ull, buffer);
	REFUSE("a read to address 0", EFAULT, READ, r.key, 0, 1, NULL);
	REFUSE("a write from a kernel address", EFAULT, WRITE, r.key, 0, 1, END);
	REFUSE("key 0", ENOENT, READ, 0, 0, 1, buffer);
	REFUSE("a key never given", ENOENT, WRITE, 0x7ffffff0, 0, 1, buffer);
	REFUSE("a key taken back", ENOENT, READ, gone.key, 0, 1, buffer);
	REFUSE("another file's key", ENOENT, READ, other.key, 0, 1, buffer);
	REFUSE("another file's key", ENOENT, WRITE, other.key, 0, 1, buffer);
	refused("to take back another file's key", ENOENT, try_dereg(fd, other.key, 0));
	refused("to take back a key twice", ENOENT, try_dereg(fd, gone.key, 0));
	refused("a pad", EINVAL, try_dereg(fd, r.key, 1));
	io = (struct sgdma_rdma_io){ .key = r.key, .pad = 1 };
	refused("another pad", EINVAL, ioctl(fd, SGDMA_RDMA_READ, &io));
	refused("an unknown number", ENOTTY, ioctl(fd, _IOWR('R', 0xef, __u64), &io));
	refused("a request at address 0", EFAULT, ioctl(fd, SGDMA_RDMA_REG, NULL));

	refuse_answers(fd, memory, len);

	/* None of it did any harm. */
	compare(memory, 0, 0, len, "the memory afterwards");
	peer_reads(fd, r.key, 0, 0, KIB(4));
	dereg(fd, r.key);
	dereg(fd, ro.key);
	dereg(fd, local.key);
	close(other_fd);
	close(file);
	expect(pinned() == before, "pages stay pinned");
	SAY(1, "%u requests refused: ok\n", refusals);
}

/* Leaves regions of each kind to whatever happens to the device. */
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
