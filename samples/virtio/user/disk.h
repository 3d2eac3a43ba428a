/* SPDX-License-Identifier: GPL-2.0 */
/* A disk, and its requests. */
#ifndef SGDMA_VIRTIO_DISK_H
#define SGDMA_VIRTIO_DISK_H

#include "../../common/user/bytes.h"
#include "../sgdma_virtio.h"

/*
 * The parts of a disk: what `exercise` leaves, what `many` leaves, and the last
 * MiB, where a load writes.
 */
#define EXERCISED	MIB(12)
#define PROCESSES	80
#define SLICE		KIB(32)
#define MANY_LEN	((size_t)PROCESSES * SLICE)
#define LOADED		MIB(15)
#define SMALLEST	MIB(16)

static struct sgdma_virtio_info disk;
static const char *disk_name;

/* Tells the host of bytes that stay. The host compares them with the disk at the end. */
static inline void tell_host(unsigned int seed, __u64 pos, size_t len)
{
	SAY(1, "disk %s has seed %u at %llu, %zu bytes\n", disk_name, seed,
	    (unsigned long long)pos, len);
}

/* Opens /dev/sgdma_virtio-NAME. */
static inline int open_disk(const char *node)
{
	int fd = open(node, O_RDWR);

	must(fd, node);
	disk_name = strchr(node, '-');
	disk_name = disk_name ? disk_name + 1 : node;
	must(ioctl(fd, SGDMA_VIRTIO_INFO, &disk), "INFO");
	return fd;
}

static inline struct sgdma_virtio_stats stats_of(int fd)
{
	struct sgdma_virtio_stats stats;

	must(ioctl(fd, SGDMA_VIRTIO_STATS, &stats), "STATS");
	return stats;
}

static inline void flush(int fd)
{
	must(ioctl(fd, SGDMA_VIRTIO_FLUSH, 0), "FLUSH");
}

/* Waits for processes, each of which must succeed. */
static inline void wait_for_all(const pid_t *pids, unsigned int count)
{
	int status;

	for (unsigned int i = 0; i < count; i++) {
		must(waitpid(pids[i], &status, 0), "waitpid");
		expect(WIFEXITED(status) && !WEXITSTATUS(status), "a process has failed");
	}
}

#endif
