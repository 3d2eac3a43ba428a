// SPDX-License-Identifier: GPL-2.0
/*
 * gpu-vm-test: makes every request of sgdma_gpu_vm.h to two nodes, which may be
 * of one device, and checks the results. Exits with 0 if all results are right,
 * with 1 if one is wrong, with 2 on wrong usage.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include "../sgdma_gpu_vm.h"

#define PROGRAM		"gpu-vm-test"
#include "../../common/user/say.h"

#define PAGE		(64 * 1024ull)	/* a multiple of each CPU's and IOMMU's page */
#define LEN		(2 * PAGE)
/* Host bridges have no windows there. */
#define FIRST		0x7450000ull
#define SECOND		0x2000000ull

static unsigned char bytes[LEN], seen[LEN];

static long create(int fd, __u64 size, __u64 *addr)
{
	struct sgdma_gpu_vm_create r = { .size = size, .addr = *addr };
	long result = ioctl(fd, SGDMA_GPU_VM_CREATE, &r);

	*addr = r.addr;
	return result;
}

static long destroy(int fd, __u64 addr)
{
	struct sgdma_gpu_vm_destroy r = { .addr = addr };

	return ioctl(fd, SGDMA_GPU_VM_DESTROY, &r);
}

static long io(int fd, unsigned long nr, __u64 addr, __u64 len, void *user)
{
	struct sgdma_gpu_vm_io r = { .addr = addr, .len = len, .user = (unsigned long)user };

	return ioctl(fd, nr, &r);
}

static long copy(int fd, __u64 src, __u64 dst, __u64 len)
{
	struct sgdma_gpu_vm_copy r = { .src = src, .dst = dst, .len = len };

	return ioctl(fd, SGDMA_GPU_VM_COPY, &r);
}

static void expect_bytes(int fd, __u64 addr, __u64 len, const unsigned char *right)
{
	memset(seen, 0, sizeof(seen));
	must(io(fd, SGDMA_GPU_VM_READ, addr, len, seen), "read");
	if (memcmp(seen, right, len)) {
		SAY(2, "0x%llx: wrong bytes\n", addr);
		exit(1);
	}
}

static void refuse(int fd, __u64 taken)
{
	__u64 addr = taken;

	refused("create at a taken address", EEXIST, create(fd, PAGE, &addr));
	addr = taken - PAGE;
	refused("create over the beginning of an object", EEXIST, create(fd, 2 * PAGE, &addr));
	addr = 0x1001;
	refused("create at an odd address", EINVAL, create(fd, PAGE, &addr));
	addr = ~0ull << 16;
	refused("create at the end of all addresses", ERANGE, create(fd, PAGE, &addr));
	addr = 0;
	refused("create of no size", EINVAL, create(fd, 0, &addr));
	refused("create of 100 bytes", EINVAL, create(fd, 100, &addr));
	refused("create of a terabyte", EFBIG, create(fd, 1ull << 40, &addr));
	refused("destroy inside an object", ENOENT, destroy(fd, taken + PAGE));
	refused("copy to no object", ENOENT, copy(fd, taken, taken + LEN, 8));
	refused("copy from no object", ENOENT, copy(fd, taken + LEN, taken, 8));
	refused("copy beyond the end", ENOENT, copy(fd, taken, taken + 8, LEN));
	refused("read beyond the end", ENOENT, io(fd, SGDMA_GPU_VM_READ, taken + 1, LEN, seen));
	refused("write around all addresses", EINVAL, io(fd, SGDMA_GPU_VM_WRITE, ~0ull, 2, seen));
	refused("read to no memory", EFAULT, io(fd, SGDMA_GPU_VM_READ, taken, 8, (void *)8));
	refused("create by no memory", EFAULT, ioctl(fd, SGDMA_GPU_VM_CREATE, (void *)8));
	refused("an unknown request", ENOTTY, ioctl(fd, 0, NULL));
}

int main(int argc, char **argv)
{
	__u64 first = FIRST, second = SECOND, third = 0;
	int one, other;

	if (argc != 3) {
		SAY(2, "NODE NODE\n");
		return 2;
	}
	one = must(open(argv[1], O_RDWR), argv[1]);
	other = must(open(argv[2], O_RDWR), argv[2]);
	for (unsigned int i = 0; i < LEN; i++)
		bytes[i] = i * 2654435761u >> 24;

	must(create(one, LEN, &first), "create the first");
	must(create(other, LEN, &second), "create the second");
	must(create(one, PAGE, &third), "create the third");
	if (first != FIRST || second != SECOND || !third)
		return SAY(2, "objects at 0x%llx, 0x%llx, 0x%llx\n", first, second, third), 1;
	must(io(other, SGDMA_GPU_VM_WRITE, first, LEN, bytes), "write");
	expect_bytes(one, first, LEN, bytes);

	/* Across pages: one device, then the other, and back within an object. */
	must(copy(one, first + 1000, second + 1000, 10000), "copy by one device");
	expect_bytes(other, second + 1000, 10000, bytes + 1000);
	must(copy(other, first + 60000, second + 60000, 10000), "copy by the other device");
	expect_bytes(one, second + 60000, 10000, bytes + 60000);
	must(copy(other, second + 1000, second + PAGE + 20000, 8192), "copy within an object");
	expect_bytes(one, second + PAGE + 20000, 8192, bytes + 1000);

	refuse(one, first);
	must(destroy(other, first), "destroy the first by the other node");
	refused("destroy it again", ENOENT, destroy(one, first));
	must(create(other, LEN, &first), "create at the same address");
	memset(bytes, 0, sizeof(bytes));
	expect_bytes(one, first, LEN, bytes);
	must(destroy(one, first), "destroy it");
	must(destroy(one, second), "destroy the second");
	/* The third stays: the last device ends it. */
	SAY(1, "objects at 0x%llx, 0x%llx, 0x%llx; %u requests refused: ok\n",
	    first, second, third, refusals);
	return 0;
}
