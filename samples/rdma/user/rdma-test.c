// SPDX-License-Identifier: GPL-2.0
/*
 * rdma-test: makes every request of sgdma_rdma.h to /dev/sgdma_rdma-*, with
 * memory of all kinds, and checks the results. Exits with 0 if all results are
 * right, with 1 if one is wrong, with 2 on wrong usage.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 *
 * Read in this order: region.h (regions and their requests), kinds.h
 * (all kinds of memory), lives.h (fork, exit and kill), refuse.h (bad requests),
 * this file (the commands).
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

#define PROGRAM		"rdma-test"
#include "region.h"
#include "kinds.h"
#include "lives.h"
#include "refuse.h"

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
	} else if (!strcmp(command, "many") && argc == 3 + !!soft) {
		thousands(fd);
	} else if (!strcmp(command, "refuse") && argc == 3 + !!soft) {
		refuse(fd, argv[2]);
	} else if (!strcmp(command, "hold") && argc == 3 + !!soft) {
		hold(fd);
	} else if (!strcmp(command, "pinned") && argc == 2) {
		SAY(1, "%ld pages pinned\n", before);
	} else {
		SAY(2, "exercise|many|refuse|hold NODE [soft] | pinned\n");
		return 2;
	}
	expect(pinned() == before, "pages are pinned at the end that were not at the start");
	return 0;
}
