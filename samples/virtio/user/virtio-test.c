// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-test: makes every request of sgdma_virtio.h to /dev/sgdma_virtio-*,
 * and checks the results. Exits with 0 if all results are right, with 1 if one
 * is wrong, with 2 on wrong usage.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 *
 * Read in this order: disk.h (a disk and its requests), exercise.h (bytes to
 * and from the disk), many.h (many processes), refuse.h (bad requests),
 * foreign.h (dma-bufs of the kernel's exporters), this file (the commands).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/uio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM		"virtio-test"
#include "disk.h"
#include "exercise.h"
#include "foreign.h"
#include "many.h"
#include "refuse.h"

#define LLU(n)		((unsigned long long)(n))

static void show(int fd)
{
	struct sgdma_virtio_stats stats = stats_of(fd);

	SAY(1, "disk %s: %llu bytes in blocks of %u%s, %s\n", disk_name, LLU(disk.capacity),
	    disk.block_size, disk.read_only ? ", read-only" : "",
	    disk.shares ? "in place" : "through a stage");
	SAY(1, "a queue of %u, up to %u segments and %u bytes in a request\n", disk.queue_size,
	    disk.segments, disk.max_bytes);
	SAY(1, "%llu requests, up to %llu at once, %llu interrupts\n", LLU(stats.requests),
	    LLU(stats.most), LLU(stats.interrupts));
	SAY(1, "%llu descriptors in tables, up to %llu in one\n", LLU(stats.descriptors),
	    LLU(stats.longest));
	SAY(1, "in place: %llu bytes read, %llu written\n", LLU(stats.read_in_place),
	    LLU(stats.written_in_place));
	SAY(1, "through a stage: %llu bytes read, %llu written\n", LLU(stats.read_staged),
	    LLU(stats.written_staged));
}

/* Runs @command, with the arguments @rest. Returns false if there is no such command. */
static bool run(int fd, const char *command, char **rest)
{
	if (!strcmp(command, "verify"))
		verify(fd, map(MIB(3)), atoi(rest[0]), atol(rest[1]), atol(rest[2]));
	else if (!strcmp(command, "exercise"))
		exercise(fd);
	else if (!strcmp(command, "many"))
		many(fd);
	else if (!strcmp(command, "late"))
		take_too_long(fd);
	else if (!strcmp(command, "load"))
		keep_loaded(fd);
	else if (!strcmp(command, "refuse"))
		refuse(fd);
	else if (!strcmp(command, "foreign"))
		foreign(fd);
	else if (!strcmp(command, "show"))
		show(fd);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	bool is_verify = argc > 1 && !strcmp(argv[1], "verify");
	long before = pinned();

	if (argc != (is_verify ? 6 : 3) || !run(open_disk(argv[2]), argv[1], argv + 3)) {
		SAY(2, "exercise|many|late|load|refuse|foreign|show NODE\n");
		SAY(2, "verify NODE SEED POS LEN\n");
		return 2;
	}
	expect_pinned(before);
	return 0;
}
