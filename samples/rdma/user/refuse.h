/* SPDX-License-Identifier: GPL-2.0 */
/* Bad requests. */
#ifndef SGDMA_RDMA_REFUSE_H
#define SGDMA_RDMA_REFUSE_H

#include "region.h"

static bool limited;		/* not root: only root can read the number of pinned pages */

/* Addresses of the kernel: the last page, and the first byte of the kernel's half. */
#define END	((void *)-4096ul)
#define MIDDLE	((void *)(1ul << 63))

/* Makes a bad request to register. It must leave no page pinned and none counted. */
static void refuse_region(int fd, const char *what, int expected, const void *addr, __u64 len,
			  __u64 iova, __u32 flags)
{
	struct sgdma_rdma_reg r;
	long before = limited ? 0 : pinned(), counts = counted();
	long pages, kib;

	refused(what, expected, try_register(fd, addr, len, iova, flags, &r));
	pages = (limited ? 0 : pinned()) - before;
	kib = counted() - counts;
	if (pages || kib) {
		SAY(2, "%s: %ld pages stay pinned, %ld KiB count\n", what, pages, kib);
		exit(1);
	}
}

/* Runs a process that must not pin more than the limit. */
static void refuse_beyond_the_limit(int fd)
{
	const struct rlimit limit = { .rlim_cur = 4 * page, .rlim_max = 4 * page };
	__u8 *memory = map(8 * page);
	struct sgdma_rdma_reg r, other;
	pid_t pid = must(fork(), "fork");

	if (pid) {
		expect(!ended(pid), "the process with a limit failed");
		refusals += 3;
		return;
	}
	must(setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit");
	must(syscall(__NR_setuid, 65534), "setuid");
	limited = true;
	must(try_register(fd, memory, 4 * page, 0, READABLE, &r), "register up to the limit");
	refuse_region(fd, "a byte beyond RLIMIT_MEMLOCK", ENOMEM, memory, 1, 0, READABLE);
	dereg(fd, r.key);
	refuse_region(fd, "a page beyond RLIMIT_MEMLOCK", ENOMEM, memory, 5 * page, 0, READABLE);
	refuse_region(fd, "a byte of that page", ENOMEM, memory + 1, 4 * page, 1, READABLE);
	/* Memory that was refused does not count. */
	must(try_register(fd, memory, 2 * page, 0, READABLE, &r), "register");
	must(try_register(fd, memory, 2 * page, 0, READABLE, &other), "register the same again");
	dereg(fd, r.key);
	dereg(fd, other.key);
	exit(0);
}

/* If the key cannot be written to user space, the memory does not stay registered. */
static void refuse_answers(int fd, __u8 *memory, __u64 len)
{
	static const __u32 flags[] = { WRITABLE, READABLE, READABLE | SGDMA_RDMA_SOFT };
	long before = pinned(), counts = counted();

	for (unsigned int i = 0; i < 30; i++) {
		struct sgdma_rdma_reg r = {
			.addr = (unsigned long)memory, .len = len,
			.flags = flags[i % COUNT(flags)] | soft,
		};

		refuse_answer("a region", fd, SGDMA_RDMA_REG, &r, sizeof(r));
	}
	SAY(1, "%ld pages pinned before, %ld after\n", before, pinned());
	expect(pinned() == before && counted() == counts, "pages stay pinned without an answer");
}

/* Arguments that no memory is right for. */
static void refuse_arguments(int fd, const __u8 *memory, __u64 len)
{
	refuse_region(fd, "no bytes", EINVAL, memory, 0, 0, READABLE);
	refuse_region(fd, "a length that wraps", EOVERFLOW, memory, -page, 0, READABLE);
	refuse_region(fd, "all of 64 bits", EOVERFLOW, memory, -1, 0, READABLE);
	refuse_region(fd, "the end of the addresses", EOVERFLOW, END, KIB(8), 0, READABLE);
	refuse_region(fd, "a kernel address", EFAULT, END, KIB(2), 0, READABLE);
	refuse_region(fd, "a kernel address, to write", EFAULT, MIDDLE, 1, 0, WRITABLE);
	refuse_region(fd, "all memory there could be", EFAULT, memory, 1ull << 62, 0, READABLE);
	refuse_region(fd, "address 0", EFAULT, NULL, KIB(4), 0, READABLE);
	refuse_region(fd, "an unknown flag", EINVAL, memory, len, 0, READABLE | 0x80000000);
	refuse_region(fd, "remote write without local", EINVAL, memory, len, 0,
		      SGDMA_RDMA_REMOTE_WRITE);
	refuse_region(fd, "an iova elsewhere in its page", EINVAL, memory, len, 5, READABLE);
}

/* Memory with holes: the kernel has pinned the pages before the hole already, in two batches. */
static void refuse_holes(int fd)
{
	__u8 *hole = map_aligned(MIB(4));

	must(munmap(hole + MIB(3), page), "munmap");
	refuse_region(fd, "a hole", EFAULT, hole, MIB(4), (unsigned long)hole, WRITABLE);
	refuse_region(fd, "an end in a hole", EFAULT, hole, MIB(3) + 1, (unsigned long)hole,
		      READABLE);
}

/* Memory that the process itself may not access so, and memory of a device. */
static void refuse_protected(int fd, const char *node)
{
	int file = make_file("/tmp/rdma-file", KIB(64)), device;
	char path[80];
	__u8 *view;

	view = map_at(NULL, KIB(64), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	refuse_region(fd, "to write memory that is read only", EFAULT, view, KIB(64), 0, WRITABLE);
	close(file);
	file = must(open("/tmp/rdma-file", O_RDONLY), "open");
	view = map_at(NULL, KIB(64), PROT_READ, MAP_SHARED, file, 0);
	refuse_region(fd, "to write a file that is read only", EFAULT, view, KIB(64), 0, WRITABLE);
	close(file);
	view = map_at(NULL, KIB(64), 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	refuse_region(fd, "memory without access", EFAULT, view, KIB(64), 0, READABLE);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", strchr(node, '-') + 1);
	device = open(path, O_RDWR);
	view = device < 0 ? MAP_FAILED : mmap(NULL, KIB(64), RW, MAP_SHARED, device, 0);
	if (view != MAP_FAILED)
		refuse_region(fd, "memory of a device", EFAULT, view, KIB(64), 0, WRITABLE);
	else
		SAY(1, "no memory of a device here: %s\n", error_text(errno));
}

/* More blocks than fit into a list of one page. */
static void refuse_long_list(int fd)
{
	__u8 *memory = map_aligned(MIB(4));
	__u64 iova = KIB(4);
	struct sgdma_rdma_reg r;

	fill(memory, 0, 0, MIB(3));
	/* Large blocks, of which there are few enough, suit one of the two addresses at most. */
	if (!try_register(fd, memory, MIB(3), iova, READABLE | SGDMA_RDMA_FLAT, &r)) {
		dereg(fd, r.key);
		iova = KIB(8);
	}
	refuse_region(fd, "too many blocks for one page", E2BIG, memory, MIB(3), iova,
		      READABLE | SGDMA_RDMA_FLAT);
}

#define REFUSE(what, error, nr, key, offset, len, data) \
	refused(what, error, try_io(fd, SGDMA_RDMA_ ## nr, key, offset, len, data))

/* Reads and writes that the regions do not allow. */
static void refuse_access(int fd, __u32 key, __u8 *memory, __u64 len)
{
	__u32 readable = reg(fd, memory, len, READABLE).key;
	__u32 local = reg(fd, memory, len, SGDMA_RDMA_LOCAL_WRITE).key;

	REFUSE("to write a region for reading", EACCES, WRITE, readable, 0, 1, buffer);
	REFUSE("to write a local region", EACCES, WRITE, local, 0, 1, buffer);
	REFUSE("to read a local region", EACCES, READ, local, 0, 1, buffer);
	REFUSE("a read across the end", EINVAL, READ, key, len - 1, 2, buffer);
	REFUSE("a write across the end", EINVAL, WRITE, key, len - 1, 2, buffer);
	REFUSE("a read beyond the end", EINVAL, READ, key, len + 1, 0, buffer);
	REFUSE("a write that wraps", EINVAL, WRITE, key, -1ull, 2, buffer);
	REFUSE("a read of a wrapping length", EINVAL, READ, key, 2, -1ull, buffer);
	REFUSE("a read to address 0", EFAULT, READ, key, 0, 1, NULL);
	REFUSE("a write from a kernel address", EFAULT, WRITE, key, 0, 1, END);
	dereg(fd, readable);
	dereg(fd, local);
}

/* Keys that are not, or no longer, this file's, and other bad requests. */
static void refuse_keys(int fd, int other_fd, __u32 key, __u8 *memory, __u64 len)
{
	__u32 gone = reg(fd, memory, len, WRITABLE).key, other = 0;
	struct sgdma_rdma_io io = { .key = key, .pad = 1 };

	dereg(fd, gone);
	/* The other file gives out so many keys that this file has never given out the last one. */
	for (unsigned int i = 0; i < 9; i++)
		other = reg(other_fd, memory, len, WRITABLE).key;
	REFUSE("key 0", ENOENT, READ, 0, 0, 1, buffer);
	REFUSE("a key never given", ENOENT, WRITE, 0x7ffffff0, 0, 1, buffer);
	REFUSE("a key taken back", ENOENT, READ, gone, 0, 1, buffer);
	REFUSE("another file's key", ENOENT, READ, other, 0, 1, buffer);
	REFUSE("another file's key", ENOENT, WRITE, other, 0, 1, buffer);
	refused("to take back another file's key", ENOENT, try_dereg(fd, other, 0));
	refused("to take back a key twice", ENOENT, try_dereg(fd, gone, 0));
	refused("a pad", EINVAL, try_dereg(fd, key, 1));
	refused("another pad", EINVAL, ioctl(fd, SGDMA_RDMA_READ, &io));
	refused("an unknown number", ENOTTY, ioctl(fd, _IOWR('R', 0xef, __u64), &io));
	refused("a request at address 0", EFAULT, ioctl(fd, SGDMA_RDMA_REG, NULL));
}

static void refuse(int fd, const char *node)
{
	int other_fd = must(open(node, O_RDWR), node);
	const __u64 len = KIB(16);
	__u8 *memory = map(len);
	long before = pinned();
	__u32 key;

	refuse_arguments(fd, memory, len);
	refuse_holes(fd);
	refuse_protected(fd, node);
	if (!soft)
		refuse_long_list(fd);
	refuse_beyond_the_limit(fd);

	fill(memory, 0, 0, len);
	key = reg(fd, memory, len, WRITABLE).key;
	refuse_access(fd, key, memory, len);
	refuse_keys(fd, other_fd, key, memory, len);
	refuse_answers(fd, memory, len);

	/* No bad request has done any harm. */
	compare(memory, 0, 0, len, "the memory afterwards");
	peer_reads(fd, key, 0, 0, KIB(4));
	dereg(fd, key);
	close(other_fd);
	expect(pinned() == before, "pages stay pinned");
	SAY(1, "%u requests refused: ok\n", refusals);
}

#endif
