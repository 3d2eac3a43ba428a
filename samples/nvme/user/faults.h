/* SPDX-License-Identifier: GPL-2.0 */
/* Each allocation of a request fails in turn. The guest's script has limited faults to modules. */
#ifndef SGDMA_NVME_FAULTS_H
#define SGDMA_NVME_FAULTS_H

#include "disk.h"

#define FAULTS_AT	MIB(1)
#define FAULTS_LEN	MIB(3)

static long command_in_place(int fd, __u8 *memory)
{
	return try_io(fd, SGDMA_NVME_READ, FAULTS_AT, memory, FAULTS_LEN);
}

static long command_by_stage(int fd, __u8 *memory)
{
	/* Less, because each page is an allocation. */
	return try_io(fd, SGDMA_NVME_WRITE, FAULTS_AT, memory + 1, KIB(64));
}

static long read_some(int fd, __u8 *memory)
{
	return try_read(fd, FAULTS_AT + 1, memory, 5000) == 5000 ? 0 : -1;
}

static long write_some(int fd, __u8 *memory)
{
	return try_write(fd, FAULTS_AT + 1, memory, 5000) == 5000 ? 0 : -1;
}

static long submit_and_reap(int fd, __u8 *memory)
{
	struct sgdma_nvme_result result;

	if (submit(fd, SGDMA_NVME_READ, FAULTS_AT, memory, FAULTS_LEN, 0) < 0)
		return -1;
	expect(wait_for_one(fd, 20000) & POLLIN, "no result");
	must(ioctl(fd, SGDMA_NVME_REAP, &result), "REAP");
	errno = -result.error;
	return result.error ? -1 : (long)result.status;
}

static const struct {
	const char *name;
	long (*run)(int fd, __u8 *memory);
} operations[] = {
	{ "a command in place", command_in_place },
	{ "a command through a stage", command_by_stage },
	{ "read(2)", read_some },
	{ "write(2)", write_some },
	{ "SUBMIT and REAP", submit_and_reap },
};

/* Makes allocation @nth fail, or none. Returns the allocations that were left before. */
static int fail_nth(int nth)
{
	static int file;
	char text[12] = "";

	if (!file)
		file = must(open("/proc/thread-self/fail-nth", O_RDWR), "fail-nth");
	must(syscall(__NR_pread64, file, text, sizeof(text) - 1, 0L), "fail-nth");
	must(write(file, line, snprintf(line, sizeof(line), "%d", nth)), "fail-nth");
	return atoi(text);
}

/* Returns the number of allocations that have failed. */
static unsigned int faults_in(int fd, unsigned int n, __u8 *memory)
{
	unsigned int nth = 0, left, refused = 0;
	long result, error;

	snprintf(doing, sizeof(doing), "%s: ", operations[n].name);
	must(operations[n].run(fd, memory), "without a fault");
	do {
		fail_nth(++nth);
		result = operations[n].run(fd, memory);
		error = errno;
		left = fail_nth(0);
		expect(!result || (!left && error == ENOMEM), error_text(error));
		refused += !!result;
		must(operations[n].run(fd, memory), "after a fault");
	} while (!left);
	SAY(1, "%s%u faults, %u refused\n", doing, nth - 1, refused);
	return refused;
}

static void faults(int fd)
{
	__u8 *memory = map(FAULTS_LEN + KIB(4));

	for (unsigned int n = 0; n < COUNT(operations); n++)
		expect(faults_in(fd, n, memory), "no allocation has failed");
	doing[0] = 0;
}

#endif
