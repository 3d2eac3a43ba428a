/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Output and checks of the samples' test programs. A program defines PROGRAM,
 * its name, before including this file.
 */
#ifndef SAY_H
#define SAY_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* Writes a line with one write(): the kernel log makes a record of each write. */
#define SAY(fd, ...) \
	emit(fd, snprintf(line, sizeof(line), PROGRAM ": " __VA_ARGS__))

static char line[256];
static char doing[80];		/* the subject of error messages, ending in ": ", or empty */
static unsigned int refusals;

static void emit(int fd, int len)
{
	if (len > (int)sizeof(line) - 1)
		len = sizeof(line) - 1;
	if (write(fd, line, len) != len)
		exit(1);
}

/* nolibc's strerror() knows numbers only. */
static const char *error_text(int error)
{
	static char number[24];

	switch (error) {
	case 0:		return "no error";
	case ENODEV:	return "No such device";
	case ENOENT:	return "No such file or directory";
	case ETIMEDOUT:	return "Timed out";
	case EINTR:	return "Interrupted";
	case EIO:	return "Input/output error";
	case ENOMEM:	return "Out of memory";
	case ENOSPC:	return "No space left on device";
	case EROFS:	return "Read-only file system";
	case EINVAL:	return "Invalid argument";
	case EBUSY:	return "Device or resource busy";
	case EAGAIN:	return "Try again";
	case EACCES:	return "Permission denied";
	case EFAULT:	return "Bad address";
	case ERANGE:	return "Out of range";
	case E2BIG:	return "Too many entries";
	case EOVERFLOW:	return "Value too large";
	case EFBIG:	return "File too large";
	case EBADF:	return "Bad file descriptor";
	case EOPNOTSUPP: return "Operation not supported";
	case ENOTTY:	return "Inappropriate ioctl for device";
	}
	snprintf(number, sizeof(number), "error %d", error);
	return number;
}

/* Ends the program with an error message if @result is negative. */
static long must(long result, const char *what)
{
	if (result < 0) {
		SAY(2, "%s%s: %s\n", doing, what, error_text(errno));
		exit(1);
	}
	return result;
}

/* Ends the program with the message @what unless @right. */
static void expect(bool right, const char *what)
{
	if (!right) {
		SAY(2, "%s%s\n", doing, what);
		exit(1);
	}
}

/* Ends the program unless @result is the @expected error. */
static inline void refused(const char *what, int expected, long result)
{
	int error = result < 0 ? errno : 0;

	if (error != expected) {
		SAY(2, "%s: %s, not: %s\n", what, error_text(error), error_text(expected));
		exit(1);
	}
	refusals++;
}

/*
 * Waits for another process to write a byte, and closes the pipe. The program
 * ends if no process is left that could write.
 */
static inline void await(const int pipe[2], const char *what)
{
	char byte;

	/* With its own write end open, this process would wait for ever. */
	close(pipe[1]);
	expect(read(pipe[0], &byte, 1) == 1, what);
	close(pipe[0]);
}

/* Returns the number that follows @name at the start of a line of a file. */
static inline long number_in(const char *path, const char *name)
{
	static char text[16 << 10];
	int fd = must(open(path, O_RDONLY), path);
	size_t len = 0, n = strlen(name);
	ssize_t got;

	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	close(fd);
	text[len] = 0;
	for (char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, name, n)) {
			for (at += n; *at == ' ' || *at == '\t'; at++)
				;
			return atol(at);
		}
		if (!*at)
			break;
	}
	SAY(2, "%s has no %s\n", path, name);
	exit(1);
}

/* Returns the number of pinned pages of the whole machine. */
static inline long pinned(void)
{
	int fd = must(open("/proc/sys/vm/stat_refresh", O_WRONLY), "stat_refresh");

	must(write(fd, "1", 1), "stat_refresh");
	close(fd);
	return number_in("/proc/vmstat", "nr_foll_pin_acquired ") -
	       number_in("/proc/vmstat", "nr_foll_pin_released ");
}

/* Tests that as many pages are pinned as before. The kernel unpins soon after a device is done. */
static inline void expect_pinned(long before)
{
	for (int i = 0; i < 50 && pinned() != before; i++)
		usleep(100000);
	expect(pinned() == before, "pages are pinned at the end that were not at the start");
}

/* Makes a request whose answer cannot be written: the request lies in read-only memory. */
static inline void refuse_answer(const char *what, int fd, unsigned long nr, const void *request,
				 size_t len)
{
	void *copy = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(copy == MAP_FAILED ? -1 : 0, "mmap");
	memcpy(copy, request, len);
	must(syscall(__NR_mprotect, copy, len, PROT_READ), "mprotect");
	refused(what, EFAULT, ioctl(fd, nr, copy));
	must(munmap(copy, len), "munmap");
	SAY(1, "refused %s whose answer cannot be written: %s\n", what, error_text(EFAULT));
}

#endif
