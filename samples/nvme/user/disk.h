/* SPDX-License-Identifier: GPL-2.0 */
/* A namespace, its requests, and bytes that are known. */
#ifndef SGDMA_NVME_DISK_H
#define SGDMA_NVME_DISK_H

#include "../../common/user/say.h"
#include "../sgdma_nvme.h"

#define KIB(n)		((size_t)(n) << 10)
#define MIB(n)		((size_t)(n) << 20)

/* The host has filled the start of the first namespace with the bytes of this seed. */
#define PREPARED_SEED	1
#define PREPARED_LEN	MIB(1)

static struct sgdma_nvme_info disk;

static inline __u8 *map(size_t len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at == MAP_FAILED ? -1 : 0, "mmap");
	return at;
}

/* The bytes of the disk from a multiple of 8 on: harness/disks.py makes the same. */
static inline __u64 word_at(unsigned int seed, __u64 pos)
{
	__u64 word = (pos / 8 + ((__u64)seed << 32)) * 0x9e3779b97f4a7c15ull;

	return word ^ word >> 29;
}

static inline __u8 byte_at(unsigned int seed, __u64 pos)
{
	return word_at(seed, pos) >> (pos % 8 * 8);
}

static inline void fill(__u8 *to, unsigned int seed, __u64 pos, size_t len)
{
	for (; len && pos % 8; len--)
		*to++ = byte_at(seed, pos++);
	for (; len >= 8; len -= 8, to += 8, pos += 8) {
		__u64 word = word_at(seed, pos);

		__builtin_memcpy(to, &word, 8);
	}
	while (len--)
		*to++ = byte_at(seed, pos++);
}

static inline void compare(const __u8 *bytes, unsigned int seed, __u64 pos, size_t len,
			   const char *where)
{
	while (len) {
		__u64 word = word_at(seed, pos);

		if (!(pos % 8) && len >= 8 && !__builtin_memcmp(bytes, &word, 8)) {
			bytes += 8, pos += 8, len -= 8;
			continue;
		}
		if (*bytes != byte_at(seed, pos)) {
			SAY(2, "%s%s: byte %llu of the disk is %#x, not %#x\n", doing, where,
			    (unsigned long long)pos, *bytes, byte_at(seed, pos));
			exit(1);
		}
		bytes++, pos++, len--;
	}
}

static inline bool is_clean(const __u8 *bytes, size_t len)
{
	while (len && *bytes == 0x5a)
		bytes++, len--;
	return !len;
}

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

static inline long try_read(int fd, __u64 pos, void *addr, size_t len)
{
	return syscall(__NR_pread64, fd, addr, len, pos);
}

static inline long try_write(int fd, __u64 pos, const void *addr, size_t len)
{
	return syscall(__NR_pwrite64, fd, addr, len, pos);
}

static inline void read_bytes(int fd, __u64 pos, void *addr, size_t len)
{
	expect(must(try_read(fd, pos, addr, len), "read") == (long)len, "read: too few bytes");
}

static inline void write_bytes(int fd, __u64 pos, const void *addr, size_t len)
{
	expect(must(try_write(fd, pos, addr, len), "write") == (long)len, "write: too few bytes");
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
