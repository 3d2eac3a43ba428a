// SPDX-License-Identifier: GPL-2.0
/*
 * unbind-test unbinds a device while a process is in an operation that does not end by itself: the
 * process is asleep, or accesses memory that stalls. Exits with 0 if unbinding did not wait for the
 * operation. Otherwise prints the reason and exits with 1.
 *
 * The kernel needs CONFIG_USERFAULTFD, and must allow page faults of the kernel to stall.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "../../samples/camera/sgdma_camera.h"
#include "../../samples/gpu/sgdma_gpu.h"
#include "../../samples/rdma/sgdma_rdma.h"
#include "../modules/linger/sgdma_linger.h"

#define PROGRAM		"unbind-test"
#include "../../samples/common/user/say.h"
#include "unbind.h"

/* Asleep in an operation */

static void linger(unsigned int turns)
{
	long late, woken, refused;
	int fd, status;

	for (unsigned int i = 0; i < turns; i++) {
		pid_t sleeper, unbinder;

		snprintf(doing, sizeof(doing), "turn %u: ", i);
		fd = must(open(node, O_RDWR), node);
		sleeper = must(fork(), "fork");
		if (!sleeper) {
			/* By then some are asleep, some in the gate, and some come too late. */
			usleep(i % 3 * 1000);
			ioctl(fd, SGDMA_LINGER_SLEEP, i % 2 * 3000);
			exit(errno);
		}
		usleep(i * 7919 % 5000);
		unbinder = start_unbind();
		expect(ended_within(unbinder, &status, TOO_LONG) && !status,
		       "unbinding waits for an operation that sleeps");
		expect(ended_within(sleeper, &status, TOO_LONG), "a sleeper was not woken");
		errno = WEXITSTATUS(status);
		must(errno == ENODEV ? 0 : -1, "a sleeper");
		close(fd);
		write_address("bind");
	}
	doing[0] = 0;
	fd = must(open(node, O_RDWR), node);
	late = must(ioctl(fd, SGDMA_LINGER_LATE, 0), "late");
	woken = must(ioctl(fd, SGDMA_LINGER_WOKEN, 0), "woken");
	refused = turns - late - woken;
	SAY(1, "%u operations: %ld woken, %ld told behind the gate, %ld refused at the gate\n",
	    turns, woken, late, refused);
	expect(woken && late && refused, "one of these outcomes is missing");
}

/* At memory that stalls */

static int report;	/* the write end of a pipe to the process that watches the trap */

/*
 * Maps memory whose page faults nobody serves. Each access to the memory stalls. With @content only
 * writing stalls.
 */
static void *trap(const void *content, size_t len)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = content ? UFFD_FEATURE_PAGEFAULT_FLAG_WP : 0,
	};
	size_t size = getpagesize();
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_writeprotect protect = {
		.range = { (unsigned long)memory, size }, .mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	struct uffdio_register range = {
		.range = { (unsigned long)memory, size },
		.mode = content ? UFFDIO_REGISTER_MODE_WP : UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = must(syscall(__NR_userfaultfd, 0), "userfaultfd");

	must(memory == MAP_FAILED ? -1 : 0, "mmap");
	must(ioctl(fd, UFFDIO_API, &api), "userfaultfd");
	if (content)
		memcpy(memory, content, len);
	must(ioctl(fd, UFFDIO_REGISTER, &range), "userfaultfd register");
	if (content)
		must(ioctl(fd, UFFDIO_WRITEPROTECT, &protect), "userfaultfd protect");
	must(write(report, &fd, sizeof(fd)), "pipe");
	return memory;
}

#define ANSWER(fd, nr, request)	ioctl(fd, nr, trap(&(request), sizeof(request)))

static void gpu_request(int fd)
{
	ioctl(fd, SGDMA_GPU_CREATE, trap(NULL, 0));
}

static void gpu_create(int fd)
{
	struct sgdma_gpu_create create = { .size = 4096 };

	ANSWER(fd, SGDMA_GPU_CREATE, create);
}

static __u32 gpu_object(int fd)
{
	struct sgdma_gpu_create create = { .size = 1 << 20 };

	must(ioctl(fd, SGDMA_GPU_CREATE, &create), "create");
	return create.handle;
}

static void gpu_bind(int fd)
{
	struct sgdma_gpu_bind bind = { .handle = gpu_object(fd), .entry_bits = 64 };

	ANSWER(fd, SGDMA_GPU_BIND, bind);
}

static void gpu_io(int fd, unsigned long nr)
{
	struct sgdma_gpu_io io = { .handle = gpu_object(fd), .len = 4096 };

	io.user = (unsigned long)trap(NULL, 0);
	ioctl(fd, nr, &io);
}

static void gpu_write(int fd)
{
	gpu_io(fd, SGDMA_GPU_WRITE);
}

static void gpu_read(int fd)
{
	gpu_io(fd, SGDMA_GPU_READ);
}

static __u8 memory[4096];

static struct sgdma_rdma_reg rdma_region(void *addr)
{
	return (struct sgdma_rdma_reg){
		.addr = (unsigned long)addr, .len = 4096, .iova = (unsigned long)addr,
		.flags = SGDMA_RDMA_REMOTE_READ | SGDMA_RDMA_REMOTE_WRITE |
			 SGDMA_RDMA_LOCAL_WRITE,
	};
}

static void rdma_request(int fd)
{
	ioctl(fd, SGDMA_RDMA_REG, trap(NULL, 0));
}

static void rdma_pin(int fd)
{
	struct sgdma_rdma_reg reg = rdma_region(trap(NULL, 0));

	ioctl(fd, SGDMA_RDMA_REG, &reg);
}

static void rdma_register(int fd)
{
	struct sgdma_rdma_reg reg = rdma_region(memory);

	ANSWER(fd, SGDMA_RDMA_REG, reg);
}

static void rdma_io(int fd, unsigned long nr)
{
	struct sgdma_rdma_reg reg = rdma_region(memory);
	struct sgdma_rdma_io io = { .len = 100 };

	must(ioctl(fd, SGDMA_RDMA_REG, &reg), "register");
	io.key = reg.key;
	io.user = (unsigned long)trap(NULL, 0);
	ioctl(fd, nr, &io);
}

static void rdma_read(int fd)
{
	rdma_io(fd, SGDMA_RDMA_READ);
}

static void rdma_write(int fd)
{
	rdma_io(fd, SGDMA_RDMA_WRITE);
}

static void camera_request(int fd)
{
	ioctl(fd, SGDMA_CAMERA_FORMAT, trap(NULL, 0));
}

static void camera_buffers(int fd)
{
	struct sgdma_camera_format format = { .width = 10, .height = 10 };
	struct sgdma_camera_request request = { .count = 1 };
	struct sgdma_camera_stream stream = { .on = 1 };
	struct sgdma_camera_index index = {};

	must(ioctl(fd, SGDMA_CAMERA_FORMAT, &format), "format");
	must(ioctl(fd, SGDMA_CAMERA_REQUEST, &request), "request");
	must(ioctl(fd, SGDMA_CAMERA_STREAM, &stream), "stream");
	must(ioctl(fd, SGDMA_CAMERA_QUEUE, &index), "queue");
}

static void camera_dequeue(int fd)
{
	struct sgdma_camera_frame frame = {};

	camera_buffers(fd);
	ANSWER(fd, SGDMA_CAMERA_DEQUEUE, frame);
}

static void camera_dummy(int fd)
{
	struct sgdma_camera_dummy dummy = { .user = (unsigned long)trap(NULL, 0) };

	ioctl(fd, SGDMA_CAMERA_DUMMY, &dummy);
}

static void camera_read(int fd)
{
	struct sgdma_camera_stream stream = {};

	camera_buffers(fd);
	must(ioctl(fd, SGDMA_CAMERA_STREAM, &stream), "stream");
	read(fd, trap(NULL, 0), 1);
}

static const struct operation {
	const char *driver, *what;
	void (*run)(int fd);
	bool waits;	/* the access is inside the gate, so unbinding waits */
} operations[] = {
	{ "gpu", "a request", gpu_request, false },
	{ "gpu", "the answer of CREATE", gpu_create, false },
	{ "gpu", "the answer of BIND", gpu_bind, false },
	{ "gpu", "the bytes of WRITE", gpu_write, false },
	{ "gpu", "the bytes of READ", gpu_read, false },
	{ "rdma", "a request", rdma_request, false },
	{ "rdma", "memory to pin", rdma_pin, false },
	{ "rdma", "the answer of REG", rdma_register, false },
	{ "rdma", "the bytes of READ", rdma_read, false },
	{ "rdma", "the bytes of WRITE", rdma_write, false },
	{ "camera", "a request", camera_request, false },
	{ "camera", "the answer of DEQUEUE", camera_dequeue, false },
	{ "camera", "the bytes of DUMMY", camera_dummy, false },
	{ "camera", "the bytes of read()", camera_read, true },
};

/* Returns a copy of the file descriptor that another process reports on a pipe. */
static int trap_of(pid_t pid, const int pipe[2])
{
	int fd, pidfd = must(syscall(__NR_pidfd_open, pid, 0), "pidfd");

	close(pipe[1]);
	expect(read(pipe[0], &fd, sizeof(fd)) == sizeof(fd), "the process failed");
	close(pipe[0]);
	fd = must(syscall(__NR_pidfd_getfd, pidfd, fd, 0), "pidfd_getfd");
	close(pidfd);
	return fd;
}

static void stall_in(const struct operation *op)
{
	struct pollfd poll_fd = { .events = POLLIN };
	long before = pinned();
	pid_t pid, unbinder;
	int ends[2], status;
	bool in_time;

	snprintf(doing, sizeof(doing), "%s: ", op->what);
	must(pipe(ends), "pipe");
	pid = must(fork(), "fork");
	if (!pid) {
		close(ends[0]);
		report = ends[1];
		op->run(must(open(node, O_RDWR), node));
		exit(0);
	}
	poll_fd.fd = trap_of(pid, ends);
	expect(must(poll(&poll_fd, 1, TOO_LONG), "poll") == 1,
	       "no access to the memory that stalls");

	unbinder = start_unbind();
	in_time = ended_within(unbinder, &status, op->waits ? 1000 : TOO_LONG);
	kill_it(pid, "a process that stalls cannot be killed");
	expect(in_time != op->waits, op->waits ? "unbinding did not wait for an operation" :
			"unbinding waits for memory that stalls");
	if (op->waits)
		expect(ended_within(unbinder, &status, TOO_LONG),
		       "unbinding waits for a process that was killed");
	expect(!status, "unbinding failed");
	expect(pinned() == before, "pages stay pinned");
	close(poll_fd.fd);
	write_address("bind");
	SAY(1, "%s stalls: unbinding %s: ok\n", op->what,
	    op->waits ? "waits until the process is killed" : "does not wait");
	doing[0] = 0;
}

static unsigned int stall(const char *name)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < COUNT(operations); i++) {
		if (!strcmp(operations[i].driver, name)) {
			stall_in(&operations[i]);
			count++;
		}
	}
	return count;
}

int main(int argc, char **argv)
{
	if (argc > 2 && use_node(argv[2])) {
		if (!strcmp(argv[1], "linger") && argc == 4) {
			linger(atoi(argv[3]));
			return 0;
		}
		if (!strcmp(argv[1], "stall") && argc == 3) {
			const char *name = strchr(node, '_') + 1;
			char which[20];

			snprintf(which, sizeof(which), "%.*s", (int)(address - 1 - name), name);
			if (stall(which))
				return 0;
		}
	}
	SAY(2, "linger NODE TURNS | stall NODE\n");
	return 2;
}
