// SPDX-License-Identifier: GPL-2.0
/*
 * nvme-test: makes every request of sgdma_nvme.h to /dev/sgdma_nvme-*, and
 * checks the results. Exits with 0 if all results are right, with 1 if one is
 * wrong, with 2 on wrong usage.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 *
 * Read in this order: disk.h (a namespace and its requests), exercise.h (all
 * ways to and from the disk), many.h (many commands at once), refuse.h (bad
 * requests), faults.h (allocations that fail), share.h (dma-bufs of a GPU), this
 * file (the commands).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM		"nvme-test"
#include "disk.h"
#include "exercise.h"
#include "faults.h"
#include "many.h"
#include "refuse.h"
#include "share.h"

/* Prints the counters that are not zero. */
static void show(int fd)
{
	struct sgdma_nvme_stats stats = stats_of(fd);

	for (unsigned int i = 0; i < SGDMA_NVME_MAX_QUEUES; i++) {
		if (i < disk.vectors)
			SAY(1, "vector %u: %u interrupts\n", i, stats.interrupts[i]);
		if (i <= disk.queues)
			SAY(1, "queue %u: %u commands, up to %u at once\n", i, stats.commands[i],
			    stats.most[i]);
	}
	SAY(1, "%u list pages, %u chained; %u commands through a stage\n", stats.lists,
	    stats.chained, stats.staged);
	SAY(1, "%u misaligned, %u wrong, %u late, %u resets\n", stats.misaligned, stats.wrong,
	    stats.late, stats.resets);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	const char *gpu = argc == 4 ? argv[3] : NULL;
	int fd = argc == 3 || gpu ? open_disk(argv[2]) : -1;
	long before = pinned();

	if (fd < 0) {
		SAY(2, "exercise|many|late|load|refuse|empty|faults|show NODE\n");
		SAY(2, "share NODE GPU_NODE\n");
		return 2;
	}
	if (gpu && !strcmp(command, "share"))
		share(fd, gpu);
	else if (gpu)
		return 2;
	else if (!strcmp(command, "exercise"))
		exercise(fd);
	else if (!strcmp(command, "many"))
		many(fd);
	else if (!strcmp(command, "late"))
		take_too_long(fd, argv[2]);
	else if (!strcmp(command, "load"))
		keep_loaded(argv[2]);
	else if (!strcmp(command, "refuse"))
		refuse(fd);
	else if (!strcmp(command, "empty"))
		exercise_empty(fd);
	else if (!strcmp(command, "faults"))
		faults(fd);
	else if (!strcmp(command, "show"))
		show(fd);
	else
		return 2;
	expect_pinned(before);
	return 0;
}
