/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes to and from all of the disk, in requests of many lengths, from memory at many places. */
#ifndef SGDMA_VIRTIO_EXERCISE_H
#define SGDMA_VIRTIO_EXERCISE_H

#include "disk.h"

/* The places of a buffer in its first page. A virtio device takes any place. */
static const size_t offsets[] = { 0, 4, 512, 2052, 4092, 1, 3, 4095 };

#define GUARD	64

/* Writes from one place of a page, and reads to another one. */
static void both_ways(int fd, __u8 *memory, size_t len, __u64 pos, unsigned int seed)
{
	for (unsigned int i = 0; i < COUNT(offsets); i++) {
		__u8 *from = memory + KIB(4) + offsets[i];
		__u8 *to = memory + KIB(4) + offsets[COUNT(offsets) - 1 - i];

		snprintf(doing, sizeof(doing), "%zu bytes, %zu bytes into a page: ", len,
			 offsets[i]);
		fill(from, seed + i, pos, len);
		write_bytes(fd, pos, from, len);
		memset(to - GUARD, 0x5a, len + 2 * GUARD);
		read_bytes(fd, pos, to, len);
		compare(to, seed + i, pos, len, "read(2)");
		expect(is_clean(to - GUARD, GUARD) && is_clean(to + len, GUARD),
		       "bytes beside the memory have changed");
	}
	doing[0] = 0;
}

static void exercise_lengths(int fd, __u8 *memory)
{
	size_t block = disk.block_size;
	size_t lens[] = { block, 3 * block, KIB(4), KIB(64) - block, KIB(128), disk.max_bytes,
			  disk.max_bytes + block, MIB(1), MIB(3) };

	for (unsigned int i = 0; i < COUNT(lens); i++)
		both_ways(fd, memory, lens[i], MIB(2), 100 + i * COUNT(offsets));
	SAY(1, "%zu lengths, %zu places in a page: ok\n", COUNT(lens), COUNT(offsets));
}

/* Tests that a write of a block leaves its neighbours alone. */
static void exercise_neighbours(int fd, __u8 *memory)
{
	size_t block = disk.block_size;
	__u64 pos = MIB(6);

	fill(memory, 200, pos, 64 * block);
	write_bytes(fd, pos, memory, 64 * block);
	for (unsigned int i = 1; i < 64; i += 2) {
		fill(memory, 201, pos + i * block, block);
		write_bytes(fd, pos + i * block, memory, block);
	}
	read_bytes(fd, pos, memory, 64 * block);
	for (unsigned int i = 0; i < 64; i++)
		compare(memory + i * block, 200 + i % 2, pos + i * block, block, "a neighbour");
	SAY(1, "blocks, and their neighbours: ok\n");
}

/* Writes and reads memory in several parts, which need not be pages. */
static void exercise_pieces(int fd, __u8 *memory)
{
	size_t block = disk.block_size, lens[] = { block, 9 * block, 2 * block, 40 * block };
	struct iovec pieces[COUNT(lens)];
	__u64 pos = MIB(7);
	size_t done = 0;

	for (unsigned int i = 0; i < COUNT(lens); i++) {
		pieces[i].iov_base = memory + MIB(1) * i + 7 * i;
		pieces[i].iov_len = lens[i];
		fill(pieces[i].iov_base, 210, pos + done, lens[i]);
		done += lens[i];
	}
	expect(must(syscall(__NR_pwritev, fd, pieces, COUNT(lens), pos, 0), "pwritev") ==
	       (long)done, "pwritev: too few bytes");
	memset(memory, 0x5a, MIB(4));
	expect(must(syscall(__NR_preadv, fd, pieces, COUNT(lens), pos, 0), "preadv") ==
	       (long)done, "preadv: too few bytes");
	done = 0;
	for (unsigned int i = 0; i < COUNT(lens); done += lens[i++])
		compare(pieces[i].iov_base, 210, pos + done, lens[i], "preadv");
	SAY(1, "memory in %zu pieces: ok\n", COUNT(lens));
}

static void exercise_end(int fd, __u8 *memory)
{
	size_t block = disk.block_size;
	__u64 end = disk.capacity;

	expect(!must(try_read(fd, end, memory, block), "read"), "there are bytes behind the end");
	expect(must(try_read(fd, end - block, memory, 2 * block), "read") == (long)block,
	       "read over the end");
	expect(must(try_write(fd, end - block, memory, 2 * block), "write") == (long)block,
	       "write over the end");
	refused("write behind the end", ENOSPC, try_write(fd, end, memory, block));
	SAY(1, "the end of the disk: ok\n");
}

/* Reads the bytes that were written with this seed. */
static void verify(int fd, __u8 *memory, unsigned int seed, __u64 pos, size_t len)
{
	while (len) {
		size_t n = len < MIB(3) ? len : MIB(3);

		read_bytes(fd, pos, memory, n);
		compare(memory, seed, pos, n, "verify");
		pos += n;
		len -= n;
	}
}

/* Writes and reads the whole disk. Requests of one size do not end where those of the other do. */
static void exercise_all(int fd, __u8 *memory)
{
	const unsigned int seed = 300;
	size_t step = KIB(768);

	for (__u64 pos = 0; pos < disk.capacity; pos += step) {
		if (step > disk.capacity - pos)
			step = disk.capacity - pos;
		fill(memory, seed, pos, step);
		write_bytes(fd, pos, memory, step);
	}
	flush(fd);
	verify(fd, memory, seed, 0, disk.capacity);
	tell_host(seed, 0, EXERCISED);
	tell_host(seed, EXERCISED, MANY_LEN);
	SAY(1, "%llu bytes written and read\n", (unsigned long long)disk.capacity);
}

static void exercise(int fd)
{
	__u8 *memory = map(MIB(5));

	expect(disk.capacity >= SMALLEST, "the disk is too small");
	exercise_lengths(fd, memory);
	exercise_neighbours(fd, memory);
	exercise_pieces(fd, memory);
	exercise_end(fd, memory);
	exercise_all(fd, memory);
}

#endif
