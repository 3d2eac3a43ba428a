/* SPDX-License-Identifier: GPL-2.0 */
/* A namespace, its requests, and bytes that are known. */
#ifndef SGDMA_NVME_DISK_H
#define SGDMA_NVME_DISK_H

#include "../../common/user/bytes.h"
#include "../sgdma_nvme.h"

/* The host has filled the start of the first namespace with the bytes of this seed. */
#define PREPARED_SEED	1
#define PREPARED_LEN	MIB(1)

static struct sgdma_nvme_info disk;

/* Tells the host of bytes that stay. The host compares them with the disk at the end. */
static inline void tell_host(unsigned int seed, __u64 pos, size_t len)
{
	SAY(1, "disk %u has seed %u at %llu, %zu bytes\n", disk.nsid, seed,
	    (unsigned long long)pos, len);
}

static inline int open_disk(const char *node)
{
	int fd = must(open(node, O_RDWR), node);

	must(ioctl(fd, SGDMA_NVME_INFO, &disk), "INFO");
	return fd;
}

static inline struct sgdma_nvme_stats stats_of(int fd)
{
	struct sgdma_nvme_stats stats;

	must(ioctl(fd, SGDMA_NVME_STATS, &stats), "STATS");
	return stats;
}

static inline struct sgdma_nvme_command command_of(int opcode, __u64 pos, void *addr, size_t len)
{
	return (struct sgdma_nvme_command){
		.opcode = opcode,
		.blocks = len / disk.block_size,
		.lba = pos / disk.block_size,
		.addr = (unsigned long)addr,
	};
}

/* Runs a command. Returns the status, or -1. */
static inline int try_io(int fd, int opcode, __u64 pos, void *addr, size_t len)
{
	struct sgdma_nvme_command command = command_of(opcode, pos, addr, len);

	return ioctl(fd, SGDMA_NVME_IO, &command);
}

static inline void io(int fd, int opcode, __u64 pos, void *addr, size_t len)
{
	int status = must(try_io(fd, opcode, pos, addr, len), "IO");

	if (status) {
		SAY(2, "%sopcode %d at %llu, %zu bytes: status %#x\n", doing, opcode,
		    (unsigned long long)pos, len, status);
		exit(1);
	}
}

/* Returns 0, or -1. */
static inline int submit(int fd, int opcode, __u64 pos, void *addr, size_t len, __u64 user_data)
{
	struct sgdma_nvme_command command = command_of(opcode, pos, addr, len);

	command.user_data = user_data;
	return ioctl(fd, SGDMA_NVME_SUBMIT, &command);
}

/* Waits until a command is complete. Returns what poll() says. */
static inline int wait_for_one(int fd, int timeout_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	must(poll(&wait, 1, timeout_ms), "poll");
	return wait.revents;
}

/* Reaps a command. Returns its errno, or -1 if there is none. */
static inline int reap(int fd, struct sgdma_nvme_result *result)
{
	if (ioctl(fd, SGDMA_NVME_REAP, result) < 0)
		return -1;
	return -result->error;
}

#endif
