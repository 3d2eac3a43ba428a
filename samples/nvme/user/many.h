/* SPDX-License-Identifier: GPL-2.0 */
/* Many commands at once. */
#ifndef SGDMA_NVME_MANY_H
#define SGDMA_NVME_MANY_H

#include "disk.h"

/* The memory and the place on the disk of each command. */
#define PIECE		KIB(16)
#define MANY_START	MIB(10)

static unsigned int most_at_once(int fd)
{
	struct sgdma_nvme_stats stats = stats_of(fd);
	unsigned int sum = 0;

	for (unsigned int i = 1; i < SGDMA_NVME_MAX_QUEUES; i++)
		sum += stats.most[i];
	return sum;
}

/* Keeps all tags busy, until all commands have run. */
static void keep_busy(int fd, int opcode, __u8 *memory, unsigned int total)
{
	unsigned int sent = 0, done = 0, at_once = 0, most = 0;
	struct sgdma_nvme_result result;

	while (done < total) {
		while (sent < total && at_once < SGDMA_NVME_MAX_TAGS) {
			must(submit(fd, opcode, MANY_START + sent * PIECE, memory + sent * PIECE,
				    PIECE, sent), "SUBMIT");
			sent++;
			at_once++;
		}
		if (at_once > most)
			most = at_once;
		expect(wait_for_one(fd, 20000) & POLLIN, "no command was completed in 20 s");
		while (reap(fd, &result) >= 0) {
			expect(!result.error && !result.status && result.user_data < sent,
			       "REAP: an error");
			done++;
			at_once--;
		}
		expect(errno == EAGAIN, "REAP of nothing: another error than EAGAIN");
	}
	expect(!(wait_for_one(fd, 0) & POLLIN), "poll() promises a result that there is not");
	SAY(1, "%u commands submitted, up to %u waited for\n", total, most);
}

static void many(int fd)
{
	const unsigned int total = 200, seed = 500;
	__u8 *memory = map(total * PIECE);

	fill(memory, seed, MANY_START, total * PIECE);
	keep_busy(fd, SGDMA_NVME_WRITE, memory, total);
	memset(memory, 0x5a, total * PIECE);
	keep_busy(fd, SGDMA_NVME_READ, memory, total);
	compare(memory, seed, MANY_START, total * PIECE, "many");
	tell_host(seed, MANY_START, total * PIECE);
	SAY(1, "the device had up to %u commands at once\n", most_at_once(fd));
}

/*
 * Fills all queues of a slow disk, and waits. The first commands succeed. The others take too
 * long: they are aborted, and end with the reset of the controller.
 */
static void take_too_long(int fd, const char *node)
{
	const unsigned int total = 3 * SGDMA_NVME_MAX_TAGS;
	unsigned int sent = 0, right = 0, timed_out = 0, reset = 0, aborted = 0;
	int fds[] = { fd, must(open(node, O_RDWR), node), must(open(node, O_RDWR), node) };
	struct sgdma_nvme_result result;
	struct sgdma_nvme_stats stats;
	__u8 *memory = map(total * KIB(4));

	while (sent < total && !submit(fds[sent / SGDMA_NVME_MAX_TAGS], SGDMA_NVME_READ,
				       sent * KIB(4), memory + sent * KIB(4), KIB(4), sent))
		sent++;
	expect(errno == EAGAIN && sent < total, "the queues are not full");
	SAY(1, "%u commands fill the queues; the device had up to %u at once\n", sent,
	    most_at_once(fd));
	for (unsigned int i = 0; i < sent; i++) {
		int which = i / SGDMA_NVME_MAX_TAGS;

		expect(wait_for_one(fds[which], 60000) & POLLIN, "a command never ends");
		switch (reap(fds[which], &result)) {
		case 0:
			right += !result.status;
			aborted += !!result.status;
			break;
		case ETIMEDOUT:
			timed_out++;
			break;
		case EIO:
			reset++;
			break;
		default:
			must(-1, "REAP");
		}
	}
	stats = stats_of(fd);
	SAY(1, "%u succeeded, %u timed out, %u aborted, %u reset; %u late, %u resets\n", right,
	    timed_out, aborted, reset, stats.late, stats.resets);
	expect(right && timed_out && stats.late >= timed_out && stats.resets, "nothing was late");
}

/*
 * The end of a load: the device went, and poll() says so. If the device was pulled out, its driver
 * may know that before it is unbound.
 */
static void finish_load(int fd, const char *load)
{
	struct sgdma_nvme_result result;

	snprintf(doing, sizeof(doing), "%s ended with: ", load);
	expect(errno == ENODEV, error_text(errno));
	for (unsigned int try = 0; try < 600; try++) {
		int says = wait_for_one(fd, 100);

		if (says & POLLHUP && says & POLLERR)
			exit(0);
		reap(fd, &result);
	}
	expect(false, "poll() does not say HUP");
}

static void load_commands(int fd)
{
	__u8 *memory = map(MIB(4));

	for (unsigned int i = 0;; i++) {
		size_t len = KIB(4) << (i % 10);

		if (try_io(fd, i & 1 ? SGDMA_NVME_READ : SGDMA_NVME_WRITE, MIB(1),
			   memory + i % 3 * 4, len) < 0)
			finish_load(fd, "commands");
	}
}

static void load_bytes(int fd)
{
	__u8 *memory = map(MIB(1));

	for (unsigned int i = 0;; i++) {
		__u64 pos = MIB(6) + i % 1000 * 7;

		if (try_write(fd, pos, memory, 30001) < 0 || try_read(fd, pos, memory, 70007) < 0)
			finish_load(fd, "read and write");
	}
}

static void load_many(int fd)
{
	__u8 *memory = map(64 * KIB(16));
	struct sgdma_nvme_result result;
	unsigned int at_once = 0;

	SAY(1, "holding\n");
	for (unsigned int i = 0;; i++) {
		int error = 0;

		while (at_once < 64 &&
		       !submit(fd, SGDMA_NVME_READ, MIB(9) + at_once * KIB(16),
			       memory + at_once * KIB(16), KIB(16), i))
			at_once++;
		wait_for_one(fd, 1000);
		while ((error = reap(fd, &result)) == 0)
			at_once--;
		if (error > 0)
			errno = error;
		if (errno != EAGAIN)
			finish_load(fd, "submitted commands");
	}
}

/* Keeps the device busy, until it goes. */
static void keep_loaded(const char *node)
{
	static void (*const loads[])(int) = { load_commands, load_bytes, load_many };
	pid_t pids[COUNT(loads)];
	int fds[COUNT(loads)];
	int status;

	/* One load says for all that they hold the disk, which may then go at once. */
	for (unsigned int i = 0; i < COUNT(loads); i++)
		fds[i] = must(open(node, O_RDWR), node);
	for (unsigned int i = 0; i < COUNT(loads); i++) {
		pids[i] = must(fork(), "fork");
		if (!pids[i])
			loads[i](fds[i]);
		close(fds[i]);
	}
	for (unsigned int i = 0; i < COUNT(loads); i++) {
		must(waitpid(pids[i], &status, 0), "waitpid");
		expect(WIFEXITED(status) && !WEXITSTATUS(status), "a load has failed");
	}
	SAY(1, "all loads ended with: %s\n", error_text(ENODEV));
}

#endif
