/* SPDX-License-Identifier: GPL-2.0 */
/* All ways to and from the disk, each compared with another one. */
#ifndef SGDMA_NVME_EXERCISE_H
#define SGDMA_NVME_EXERCISE_H

#include "disk.h"

/* The place of a buffer in its first page. An odd one goes through a stage. */
static const size_t offsets[] = { 0, 4, 512, 2052, 4092, 1, 2, 4095 };

#define GUARD	64

/* Writes at one place of a page, and reads at another one, by commands. */
static void both_ways(int fd, __u8 *memory, size_t len, __u64 pos, unsigned int seed)
{
	for (unsigned int i = 0; i < COUNT(offsets); i++) {
		__u8 *from = memory + KIB(4) + offsets[i];
		__u8 *to = memory + KIB(4) + offsets[COUNT(offsets) - 1 - i];

		snprintf(doing, sizeof(doing), "%zu bytes, %zu bytes into a page: ", len,
			 offsets[i]);
		fill(from, seed + i, pos, len);
		io(fd, SGDMA_NVME_WRITE, pos, from, len);
		memset(to - GUARD, 0x5a, len + 2 * GUARD);
		io(fd, SGDMA_NVME_READ, pos, to, len);
		compare(to, seed + i, pos, len, "read by a command");
		expect(is_clean(to - GUARD, GUARD) && is_clean(to + len, GUARD),
		       "bytes beside the memory have changed");
	}
	memset(memory, 0x5a, len + 1);
	read_bytes(fd, pos, memory, len);
	compare(memory, seed + COUNT(offsets) - 1, pos, len, "read(2)");
	expect(memory[len] == 0x5a, "read(2) has written behind its memory");
}

static void exercise_commands(int fd, __u8 *memory)
{
	size_t lens[] = { disk.block_size, KIB(4), KIB(8), KIB(12), KIB(64) - disk.block_size,
			  KIB(512), MIB(3), disk.max_bytes - KIB(4) };
	unsigned int seed = 100;

	for (unsigned int i = 0; i < COUNT(lens); i++, seed += COUNT(offsets))
		both_ways(fd, memory, lens[i], MIB(2), seed);
	tell_host(seed - 1, MIB(2), disk.max_bytes - KIB(4));
	io(fd, SGDMA_NVME_FLUSH, 0, NULL, 0);
	SAY(1, "commands of %zu lengths, %zu places in a page: ok\n", COUNT(lens),
	    COUNT(offsets));
}

/* Writes of any length, each of which leaves its neighbours alone. */
static void exercise_bytes(int fd, __u8 *memory)
{
	static const size_t lens[] = { 1, 3, 511, 512, 513, 4095, 4097, 70001, 600000 };
	__u64 start = MIB(8), pos = start + 77;
	unsigned int seed = 300;

	fill(memory, seed, start, MIB(1));
	write_bytes(fd, start, memory, MIB(1));
	for (unsigned int i = 0; i < COUNT(lens); i++) {
		snprintf(doing, sizeof(doing), "write(2) of %zu bytes: ", lens[i]);
		fill(memory, seed + 1 + i, pos, lens[i]);
		write_bytes(fd, pos, memory, lens[i]);
		memset(memory, 0x5a, lens[i] + 2);
		read_bytes(fd, pos - 1, memory, lens[i] + 2);
		compare(memory, i ? seed + i : seed, pos - 1, 1, "the byte before");
		compare(memory + 1, seed + 1 + i, pos, lens[i], "read(2)");
		compare(memory + 1 + lens[i], seed, pos + lens[i], 1, "the byte behind");
		tell_host(seed + 1 + i, pos, lens[i]);
		pos += lens[i];
	}
	tell_host(seed, pos, start + MIB(1) - pos);
	doing[0] = 0;
	SAY(1, "read and write of %zu lengths: ok\n", COUNT(lens));
}

static void exercise_end(int fd, __u8 *memory)
{
	__u64 end = disk.blocks * disk.block_size;

	expect(!must(try_read(fd, end, memory, 9), "read"), "there are bytes behind the end");
	expect(must(try_read(fd, end - 5, memory, 9), "read") == 5, "read over the end");
	expect(must(try_write(fd, end - 5, memory, 9), "write") == 5, "write over the end");
	refused("write behind the end", ENOSPC, try_write(fd, end, memory, 9));
	expect(try_io(fd, SGDMA_NVME_READ, end, memory, disk.block_size) == 0x4080,
	       "a command behind the end has another status than LBA out of range");
	io(fd, SGDMA_NVME_READ, end - disk.block_size, memory, disk.block_size);
	SAY(1, "the end of the disk: ok\n");
}

/* The bytes that the host has prepared, by each way. */
static void exercise_prepared(int fd, __u8 *memory)
{
	snprintf(doing, sizeof(doing), "prepared by the host: ");
	read_bytes(fd, 0, memory, PREPARED_LEN);
	compare(memory, PREPARED_SEED, 0, PREPARED_LEN, "read(2)");
	for (unsigned int i = 0; i < COUNT(offsets); i++) {
		memset(memory + offsets[i], 0x5a, PREPARED_LEN);
		io(fd, SGDMA_NVME_READ, 0, memory + offsets[i], PREPARED_LEN);
		compare(memory + offsets[i], PREPARED_SEED, 0, PREPARED_LEN, "a command");
	}
	doing[0] = 0;
	SAY(1, "what the host has prepared: ok\n");
}

static void exercise(int fd)
{
	__u8 *memory = map(disk.max_bytes + KIB(16));

	SAY(1, "disk %u: %llu blocks of %u bytes, commands of up to %u bytes, %s\n", disk.nsid,
	    (unsigned long long)disk.blocks, disk.block_size, disk.max_bytes,
	    disk.shares ? "in place" : "through a stage");
	if (disk.nsid == 1)
		exercise_prepared(fd, memory);
	exercise_commands(fd, memory);
	exercise_bytes(fd, memory);
	exercise_end(fd, memory);
}

#endif
