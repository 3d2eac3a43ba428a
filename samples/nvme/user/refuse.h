/* SPDX-License-Identifier: GPL-2.0 */
/* Bad requests, each with the error that a user of NVMe passthrough expects. */
#ifndef SGDMA_NVME_REFUSE_H
#define SGDMA_NVME_REFUSE_H

#include "disk.h"

static long with(int fd, unsigned long nr, struct sgdma_nvme_command command)
{
	return ioctl(fd, nr, &command);
}

/* A read to memory that is not there. A command whose bytes are copied fails when it is reaped. */
static void refuse_destination(const char *what, int fd, unsigned long nr,
			       struct sgdma_nvme_command bad)
{
	struct sgdma_nvme_result result;

	if (nr != SGDMA_NVME_SUBMIT || disk.shares) {
		refused(what, EFAULT, with(fd, nr, bad));
		return;
	}
	must(with(fd, nr, bad), what);
	expect(wait_for_one(fd, 20000) & POLLIN, "no result");
	expect(reap(fd, &result) == EFAULT, what);
	refusals++;
}

static void refuse_commands(int fd, unsigned long nr, const char *name, __u8 *memory)
{
	struct sgdma_nvme_command good = command_of(SGDMA_NVME_READ, 0, memory, KIB(4)), bad;

	snprintf(doing, sizeof(doing), "%s: ", name);
	bad = good;
	bad.opcode = 3;
	refused("an unknown opcode", EINVAL, with(fd, nr, bad));
	bad = good;
	bad.pad[1] = 1;
	refused("pad", EINVAL, with(fd, nr, bad));
	bad = good;
	bad.blocks = 0;
	refused("no blocks", EINVAL, with(fd, nr, bad));
	bad = good;
	bad.opcode = SGDMA_NVME_FLUSH;
	refused("a flush of blocks", EINVAL, with(fd, nr, bad));
	bad = good;
	bad.blocks = disk.max_bytes / disk.block_size + 1;
	refused("too many blocks", EINVAL, with(fd, nr, bad));
	bad = good;
	bad.blocks = ~0U;
	refused("as many blocks as a word can say", EINVAL, with(fd, nr, bad));
	bad = good;
	bad.addr = 4096;
	refuse_destination("memory that is not there", fd, nr, bad);
	bad.opcode = SGDMA_NVME_WRITE;
	refused("a write from there", EFAULT, with(fd, nr, bad));
	bad = good;
	bad.addr = -KIB(8);
	refuse_destination("memory of the kernel", fd, nr, bad);
	bad = good;
	bad.addr = (unsigned long)memory + PAGE - KIB(2);
	refuse_destination("memory that ends", fd, nr, bad);
	refused("a request that is not there", EFAULT, ioctl(fd, nr, 4096));
	doing[0] = 0;
}

/* Memory that the process must not write is no destination. */
static void refuse_read_only(int fd, __u8 *memory)
{
	must(syscall(__NR_mprotect, memory, PAGE, PROT_READ), "mprotect");
	refused("a read to memory that must not be written", EFAULT,
		try_io(fd, SGDMA_NVME_READ, 0, memory, KIB(4)));
	refused("the same through a stage", EFAULT,
		try_io(fd, SGDMA_NVME_READ, 0, memory + 1, KIB(4)));
	must(syscall(__NR_mprotect, memory, PAGE, PROT_READ | PROT_WRITE), "mprotect");
}

static void refuse(int fd)
{
	struct sgdma_nvme_command good;
	struct sgdma_nvme_result result;
	__u8 *memory = map(2 * PAGE);

	must(munmap(memory + PAGE, PAGE), "munmap");
	refuse_commands(fd, SGDMA_NVME_IO, "IO", memory);
	refuse_commands(fd, SGDMA_NVME_SUBMIT, "SUBMIT", memory);
	refuse_read_only(fd, memory);
	refused("an unknown request", ENOTTY, ioctl(fd, _IO('N', 0xef), 0));
	refused("REAP of nothing", EAGAIN, ioctl(fd, SGDMA_NVME_REAP, &result));
	good = command_of(SGDMA_NVME_READ, 0, memory, KIB(4));
	refuse_answer("SUBMIT", fd, SGDMA_NVME_SUBMIT, &good, sizeof(good));
	refused("and so there is nothing to REAP", EAGAIN, ioctl(fd, SGDMA_NVME_REAP, &result));

	must(submit(fd, SGDMA_NVME_READ, 0, memory, KIB(4), 7), "SUBMIT");
	expect(wait_for_one(fd, 20000) & POLLIN, "no result");
	refuse_answer("REAP", fd, SGDMA_NVME_REAP, &result, sizeof(result));
	expect(!reap(fd, &result) && result.user_data == 7, "the result was lost");
	SAY(1, "%u bad requests were refused\n", refusals);
}

/* A namespace without blocks. */
static void exercise_empty(int fd)
{
	__u8 *memory = map(KIB(4));

	expect(!disk.blocks, "the disk has blocks");
	expect(!must(try_read(fd, 0, memory, 9), "read"), "an empty disk has bytes");
	refused("a write to an empty disk", ENOSPC, try_write(fd, 0, memory, 9));
	expect(try_io(fd, SGDMA_NVME_READ, 0, memory, disk.block_size) > 0,
	       "an empty disk has a block");
	SAY(1, "an empty disk: ok\n");
}

#endif
