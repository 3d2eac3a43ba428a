// SPDX-License-Identifier: GPL-2.0
/*
 * files-test tries the nodes of tests/modules/files: reads and writes, waits, polls. Prints what it
 * has done. At the first thing that is wrong prints the reason and exits with 1.
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
#include <sys/uio.h>
#include <unistd.h>

#include <linux/eventpoll.h>

#include "../modules/files/sgdma_files.h"

#define PROGRAM		"files-test"
#include "../../samples/common/user/say.h"
#include "unbind.h"

#define LEN		SGDMA_FILES_LEN
#define MINUTE		60000	/* milliseconds */

static unsigned int seed = 17;

static unsigned int below(unsigned int n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

static long pread_at(int fd, void *to, size_t len, long at)
{
	return syscall(__NR_pread64, fd, to, len, at);
}

static long pwrite_at(int fd, const void *from, size_t len, long at)
{
	return syscall(__NR_pwrite64, fd, from, len, at);
}

static int open_node(const char *suffix)
{
	char path[100];

	snprintf(path, sizeof(path), "%s%s", node, suffix);
	return must(open(path, O_RDWR), path);
}

/* Reads and writes */

static unsigned char model[LEN], bytes[LEN + 100];

static void same(int fd, const char *what)
{
	expect(pread_at(fd, bytes, sizeof(bytes), 0) == LEN, "the length is wrong");
	expect(!memcmp(bytes, model, LEN), what);
}

/* Writes other bytes each time, or only those that the file has. */
static void random_ranges(int fd, bool others)
{
	for (unsigned int i = 0; i < 200; i++) {
		unsigned int at = below(LEN + 1), len = below(LEN), rest = LEN - at;
		long n = len < rest ? len : rest;

		if (i % 2) {
			expect(pread_at(fd, bytes, len, at) == n, "a read is of another length");
			expect(!memcmp(bytes, model + at, n), "a read has other bytes");
			continue;
		}
		if (at == LEN && len)
			continue;
		memset(bytes, i, len);
		if (!others)
			memcpy(bytes, model + at, n);
		expect(pwrite_at(fd, bytes, len, at) == n, "a write is of another length");
		memcpy(model + at, bytes, n);
	}
	same(fd, "the file has other bytes than were written");
}

/* Returns two pages, of which only the first one is memory. */
static unsigned char *page_and_hole(void)
{
	size_t size = getpagesize();
	unsigned char *memory = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(memory == MAP_FAILED ? -1 : 0, "mmap");
	must(munmap(memory + size, size), "munmap");
	return memory;
}

static void holes(int fd)
{
	size_t size = getpagesize();
	unsigned char *memory = page_and_hole();

	expect(pread_at(fd, memory + 100, size, 5) == (long)size - 100,
	       "a read does not end where the memory ends");
	expect(!memcmp(memory + 100, model + 5, size - 100), "it has other bytes");
	refused("a read to no memory", EFAULT, pread_at(fd, memory + size, 1, 5));
	memset(memory, 7, size);
	expect(pwrite_at(fd, memory + 100, size, 5) == (long)size - 100,
	       "a write does not end where the memory ends");
	memset(model + 5, 7, size - 100);
	refused("a write from no memory", EFAULT, pwrite_at(fd, memory + size, 1, 5));
	same(fd, "a write that was cut short wrote more");
	refused("a write at the end", ENOSPC, pwrite_at(fd, memory, 1, LEN));
	expect(!pread_at(fd, memory, 1, LEN), "a read at the end is not empty");
}

/* Reads to five pieces, two of which are empty. */
static void pieces(int fd)
{
	const long total = 105001;
	struct iovec vector[] = {
		{ bytes + 1, 0 }, { bytes + 1, 5000 }, { bytes + 7, 0 }, { bytes + 9001, 1 },
		{ bytes + 20003, 100000 },
	};
	unsigned int at = 0;

	must(lseek(fd, 1000, SEEK_SET), "lseek");
	expect(readv(fd, vector, COUNT(vector)) == total, "readv is of another length");
	for (unsigned int i = 0; i < COUNT(vector); at += vector[i++].iov_len)
		expect(!memcmp(vector[i].iov_base, model + 1000 + at, vector[i].iov_len),
		       "readv has other bytes");
	must(lseek(fd, 1000, SEEK_SET), "lseek");
	expect(writev(fd, vector, COUNT(vector)) == total, "writev is of another length");
}

static void pins(int fd)
{
	size_t size = getpagesize();
	unsigned char *memory = page_and_hole();
	long before = pinned();

	for (unsigned int i = 0; i < LEN; i++)
		model[i] = i % 251;
	memset(bytes, 0, LEN);
	same(fd, "a pinned read has other bytes");
	random_ranges(fd, false);
	pieces(fd);
	expect(pwrite_at(fd, model + 3, 100000, 3) == 100000, "a pinned write is short");
	refused("other bytes", EIO, pwrite_at(fd, model + 3, 100, 4));
	refused("a pinned read to no memory", EFAULT, pread_at(fd, memory + size, 1, 5));
	refused("a pinned read to a page and a hole", EFAULT,
		pread_at(fd, memory + size - 1000, 2000, 5));
	expect(pinned() == before, "pages stay pinned");
}

static void try_io(void)
{
	int fd = open_node(""), pin = open_node("-pin");

	random_ranges(fd, true);
	holes(fd);
	pieces(fd);
	close(fd);
	SAY(1, "reads and writes of %u bytes: ok\n", LEN);
	pins(pin);
	close(pin);
	SAY(1, "reads and writes by pinned memory: ok\n");
}

/* Waits */

/* Starts a process that waits by a request, and exits with its error. */
static pid_t start_wait(int fd, unsigned long nr, int ms)
{
	pid_t pid = must(fork(), "fork");

	if (!pid)
		exit(ioctl(fd, nr, ms) ? errno : 0);
	usleep(20000);
	return pid;
}

static void ends_with(pid_t pid, int error, const char *what)
{
	int status;

	expect(ended_within(pid, &status, TOO_LONG), what);
	errno = WEXITSTATUS(status);
	expect(WIFEXITED(status), what);
	if (errno != error)
		must(-1, what);
}

static void try_waits(void)
{
	int fd = open_node("");
	pid_t pid, others[4], unbinder;

	refused("a wait", ETIMEDOUT, ioctl(fd, SGDMA_FILES_WAIT, 30));
	refused("a stay", ETIMEDOUT, ioctl(fd, SGDMA_FILES_STAY, 30));
	for (unsigned int i = 0; i < COUNT(others); i++)
		others[i] = start_wait(fd, i % 2 ? SGDMA_FILES_WAIT : SGDMA_FILES_STAY, MINUTE);
	must(ioctl(fd, SGDMA_FILES_RAISE, 0), "raise");
	for (unsigned int i = 0; i < COUNT(others); i++)
		ends_with(others[i], 0, "an interrupt does not end a wait");
	must(ioctl(fd, SGDMA_FILES_WAIT, 0), "a wait after the interrupt");
	must(ioctl(fd, SGDMA_FILES_TAKE, 0), "take");
	refused("a wait for another interrupt", ETIMEDOUT, ioctl(fd, SGDMA_FILES_WAIT, 0));

	pid = start_wait(fd, SGDMA_FILES_WAIT, MINUTE);
	kill_it(pid, "a process that waits cannot be killed");
	SAY(1, "waits end by a timeout, an interrupt and a kill: ok\n");

	pid = start_wait(fd, SGDMA_FILES_WAIT, MINUTE);
	unbinder = start_unbind();
	ends_with(pid, ENODEV, "unbinding does not end a wait");
	ends_with(unbinder, 0, "unbinding waits for one that waits");
	refused("a wait after unbinding", ENODEV, ioctl(fd, SGDMA_FILES_WAIT, MINUTE));
	close(fd);
	write_address("bind");

	fd = open_node("");
	pid = start_wait(fd, SGDMA_FILES_STAY, 300);
	unbinder = start_unbind();
	ends_with(pid, ETIMEDOUT, "unbinding ends a stay");
	ends_with(unbinder, 0, "unbinding goes on waiting");
	close(fd);
	write_address("bind");
	SAY(1, "unbinding ends a wait, and no stay: ok\n");
}

/* Polls */

static int new_epoll(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = must(syscall(__NR_epoll_create1, 0), "epoll");

	must(syscall(__NR_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &event), "epoll add");
	return epoll;
}

/* Returns the events that come within @ms milliseconds: 0 if none come. */
static unsigned int epoll_events(int epoll, int ms)
{
	struct epoll_event event = {};

	must(syscall(__NR_epoll_pwait, epoll, &event, 1, ms, NULL, 0), "epoll wait");
	return event.events;
}

static short poll_events(int fd, short events, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	must(poll(&poll_fd, 1, ms), "poll");
	return poll_fd.revents;
}

static void becomes_ready(int fd, int epoll)
{
	pid_t pid;

	expect(!poll_events(fd, POLLIN, 10) && !epoll_events(epoll, 10),
	       "the file is ready too early");
	expect(poll_events(fd, POLLIN | POLLOUT | POLLWRNORM, 0) == (POLLOUT | POLLWRNORM),
	       "the file is not ready for writing");
	pid = must(fork(), "fork");
	if (!pid)
		exit(poll_events(fd, POLLIN, MINUTE) == POLLIN &&
		     epoll_events(epoll, MINUTE) == EPOLLIN ? 0 : EDOM);
	usleep(20000);
	must(ioctl(fd, SGDMA_FILES_RAISE, 0), "raise");
	ends_with(pid, 0, "who polls is not woken by an interrupt");
	expect(poll_events(fd, POLLRDNORM, 0) == POLLRDNORM, "the file is not ready");
	must(ioctl(fd, SGDMA_FILES_TAKE, 0), "take");
	expect(!epoll_events(epoll, 0), "the file is ready for good");
}

/* The device goes while processes poll. The file or the epoll is closed first. */
static void hangs_up(bool file_first)
{
	int fd = open_node("-pin"), epoll = new_epoll(fd), copy;
	pid_t pids[2], unbinder;

	becomes_ready(fd, epoll);
	for (int i = 0; i < 2; i++) {
		pids[i] = must(fork(), "fork");
		if (pids[i])
			continue;
		if (i)
			exit(epoll_events(epoll, MINUTE) == (EPOLLHUP | EPOLLERR) ? 0 : EDOM);
		exit(poll_events(fd, POLLIN, MINUTE) == (POLLHUP | POLLERR) ? 0 : EDOM);
	}
	usleep(20000);
	unbinder = start_unbind();
	ends_with(unbinder, 0, "unbinding waits for those who poll");
	ends_with(pids[0], 0, "poll does not end with POLLHUP and POLLERR");
	ends_with(pids[1], 0, "epoll does not end with EPOLLHUP and EPOLLERR");
	/* The entry is still in the queue, and is asked again. */
	for (int i = 0; i < 3; i++)
		expect(epoll_events(epoll, 0) == (EPOLLHUP | EPOLLERR), "epoll has forgotten");
	refused("a read after unbinding", ENODEV, pread_at(fd, bytes, 1, 0));
	copy = must(dup(fd), "dup");
	/* Into the queue of a device that is gone, and out of it. */
	close(new_epoll(copy));
	/* The device is bound again while the old file is open. */
	write_address("bind");
	expect(epoll_events(epoll, 0) == (EPOLLHUP | EPOLLERR), "epoll has forgotten");
	if (file_first) {
		close(copy);
		close(fd);
		expect(!epoll_events(epoll, 0), "epoll knows a file that was closed");
		close(epoll);
	} else {
		close(epoll);
		close(fd);
		close(copy);
	}
	fd = open_node("");
	expect(!poll_events(fd, POLLIN, 0), "the device's next binding is ready");
	close(fd);
}

static void try_polls(void)
{
	for (int i = 0; i < 6; i++)
		hangs_up(i % 2);
	SAY(1, "polls end by an interrupt, and by unbinding: ok\n");
}

int main(int argc, char **argv)
{
	if (argc != 2 || !use_node(argv[1])) {
		SAY(2, "usage: files-test NODE\n");
		return 2;
	}
	try_io();
	try_waits();
	try_polls();
	return 0;
}
