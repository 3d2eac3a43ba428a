/* SPDX-License-Identifier: GPL-2.0 */
/* Regions of all kinds of memory, and as many as there may be. */
#ifndef SGDMA_RDMA_KINDS_H
#define SGDMA_RDMA_KINDS_H

#include "region.h"

/* Makes the device read both ends of a region and some bytes between. */
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
	/* Of 2 MiB, which need not be the size that the kernel prefers. */
	const char *const count = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21 << MAP_HUGE_SHIFT;
	__u8 *memory;
	__u64 size;

	try_set(count, "2");
	memory = mmap(NULL, MIB(4), RW, flags, -1, 0);
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

	memory = map(KIB(64) + page);
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
	/* No large block can begin here, also behind an IOMMU: pages of 4 KiB fill two levels. */
	exercise_one(fd, "at an odd page", (__u8 *)map_aligned(MIB(4)) + page, MIB(3), WRITABLE);
	large_pages(fd);
	close(scratch);
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

#endif
