/* SPDX-License-Identifier: GPL-2.0 */
/* The life of memory while it is registered. */
#ifndef SGDMA_RDMA_LIVES_H
#define SGDMA_RDMA_LIVES_H

#include "region.h"

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
	expect(counted() == (long)(page > KIB(16) ? page : KIB(16)) / 1024,
	       "the pages that count for the limit are not those of 16 KiB");
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

#endif
