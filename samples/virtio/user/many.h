/* SPDX-License-Identifier: GPL-2.0 */
/* Many processes at once, until they are done, or until the device goes or fails. */
#ifndef SGDMA_VIRTIO_MANY_H
#define SGDMA_VIRTIO_MANY_H

#include "disk.h"

/* Writes and reads a slice of the disk. */
static void use_slice(int fd, unsigned int n, unsigned int seed)
{
	__u64 pos = EXERCISED + n * SLICE;
	__u8 *memory = map(SLICE + KIB(4)) + n;

	for (unsigned int turn = 0; turn < 5; turn++) {
		fill(memory, seed, pos, SLICE);
		write_bytes(fd, pos, memory, SLICE);
		memset(memory, 0x5a, SLICE);
		read_bytes(fd, pos, memory, SLICE);
		compare(memory, seed, pos, SLICE, "many");
	}
	exit(0);
}

static void many(int fd)
{
	const unsigned int seed = 500;
	static pid_t pids[PROCESSES];
	struct sgdma_virtio_stats stats;

	for (unsigned int i = 0; i < PROCESSES; i++) {
		pids[i] = must(fork(), "fork");
		if (!pids[i])
			use_slice(fd, i, seed);
	}
	wait_for_all(pids, PROCESSES);
	tell_host(seed, EXERCISED, MANY_LEN);
	stats = stats_of(fd);
	expect(stats.most <= disk.queue_size, "the device had more requests than its queue holds");
	SAY(1, "%u processes: ok; the device had up to %llu requests at once\n", PROCESSES,
	    (unsigned long long)stats.most);
}

/* Ends a process whose request has failed with @error. */
static void end_with(int error)
{
	expect(errno == error, error_text(errno));
	exit(0);
}

static void load(int fd, unsigned int n)
{
	__u8 *memory = map(MIB(1) + KIB(4)) + n;

	for (unsigned int i = 0;; i++) {
		size_t len = disk.block_size << ((i + n) % 8);
		__u64 pos = LOADED + i % 64 * disk.block_size;

		if (try_write(fd, pos, memory, len) < 0 || try_read(fd, pos, memory, len) < 0)
			end_with(ENODEV);
	}
}

/* Keeps the device busy, until the device goes. */
static void keep_loaded(int fd)
{
	static pid_t pids[8];

	for (unsigned int i = 0; i < COUNT(pids); i++) {
		pids[i] = must(fork(), "fork");
		if (!pids[i])
			load(fd, i);
	}
	SAY(1, "holding\n");
	wait_for_all(pids, COUNT(pids));
	SAY(1, "all loads ended with: %s\n", error_text(ENODEV));
}

/* Reads from a slow disk in so many processes that the last ones wait for too long. */
static void take_too_long(int fd)
{
	static pid_t pids[PROCESSES];
	__u8 *memory = map(KIB(4));

	for (unsigned int i = 0; i < PROCESSES; i++) {
		pids[i] = must(fork(), "fork");
		if (pids[i])
			continue;
		while (try_read(fd, i * KIB(4), memory, KIB(4)) >= 0)
			;
		end_with(EIO);
	}
	wait_for_all(pids, PROCESSES);
	refused("a read after that", EIO, try_read(fd, 0, memory, KIB(4)));
	SAY(1, "%u processes ended with: %s\n", PROCESSES, error_text(EIO));
}

#endif
