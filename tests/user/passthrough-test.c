// SPDX-License-Identifier: GPL-2.0
/*
 * passthrough-test: passes reads of 4 KiB to an NVMe disk, one after the other,
 * by the kernel's own driver or by sgdma_nvme, and prints the instructions that
 * a read takes, as scripts/bench reads them:
 *
 * passthrough	all instructions but those of the idle CPU
 * passthrough-task	those of the calling task: the system call, and the wake-up
 *
 * The difference is the interrupt. In place of the idle CPU, whose clock jumps, a
 * program runs that gives way to all others. Its time is subtracted.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/nvme_ioctl.h>

#define PROGRAM		"passthrough-test"
#include "../../samples/common/user/say.h"
#include "../../samples/nvme/sgdma_nvme.h"

#define LEN		4096
#define READS		2000
#define WARM_UP		100
#define IDLE_POLICY	5	/* SCHED_IDLE */

static int read_by_nvme(int fd, void *memory, unsigned int block)
{
	struct nvme_passthru_cmd command = {
		.opcode = SGDMA_NVME_READ, .nsid = 1, .addr = (unsigned long)memory,
		.data_len = LEN, .cdw10 = block, .cdw12 = LEN / 512 - 1,
	};

	return ioctl(fd, NVME_IOCTL_IO_CMD, &command);
}

static int read_by_sgdma(int fd, void *memory, unsigned int block)
{
	struct sgdma_nvme_command command = {
		.opcode = SGDMA_NVME_READ, .blocks = LEN / 512, .lba = block,
		.addr = (unsigned long)memory,
	};

	return ioctl(fd, SGDMA_NVME_IO, &command);
}

static long long clock_of(clockid_t clock)
{
	struct timespec now;

	must(clock_gettime(clock, &now), "clock_gettime");
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Starts a program that runs when no other does. Returns its clock. */
static clockid_t run_idle(pid_t *pid)
{
	const int none = 0;

	*pid = must(fork(), "fork");
	if (!*pid) {
		must(syscall(__NR_sched_setscheduler, 0, IDLE_POLICY, &none), "SCHED_IDLE");
		for (;;)
			;
	}
	/* As pthread_getcpuclockid() makes it. */
	return ~*pid << 3 | 2;
}

int main(int argc, char **argv)
{
	const bool ours = argc == 3 && !strcmp(argv[1], "sgdma");
	int (*const pass)(int, void *, unsigned int) = ours ? read_by_sgdma : read_by_nvme;
	long long all, task, idle;
	clockid_t idle_clock;
	void *memory;
	pid_t pid;
	int fd;

	if (argc != 3 || (!ours && strcmp(argv[1], "c"))) {
		SAY(2, "c|sgdma NODE\n");
		return 2;
	}
	fd = must(open(argv[2], O_RDWR), argv[2]);
	memory = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(memory == MAP_FAILED ? -1 : 0, "mmap");
	memset(memory, 0x5a, LEN);
	idle_clock = run_idle(&pid);
	for (unsigned int i = 0; i < WARM_UP; i++)
		expect(!must(pass(fd, memory, i), "a read"), "a read has a status");
	expect(!*(char *)memory, "a read has not read");

	all = clock_of(CLOCK_MONOTONIC);
	task = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	idle = clock_of(idle_clock);
	for (unsigned int i = 0; i < READS; i++)
		expect(!must(pass(fd, memory, i), "a read"), "a read has a status");
	all = clock_of(CLOCK_MONOTONIC) - all;
	task = clock_of(CLOCK_PROCESS_CPUTIME_ID) - task;
	idle = clock_of(idle_clock) - idle;
	must(kill(pid, SIGKILL), "kill");
	expect(idle > 0 && all > task + idle, "the clocks do not tell the interrupt's time");

	SAY(1, "bench-unit: instructions\n");
	SAY(1, "bench: passthrough/4K %s %lld %u\n", argv[1], all - idle, READS);
	SAY(1, "bench: passthrough-task/4K %s %lld %u\n", argv[1], task, READS);
	return 0;
}
