/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a test program of a sample says what it sees: include it after PROGRAM
 * was defined as its name.
 */
#ifndef SAY_H
#define SAY_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* One write() for each line: the kernel log makes a record of each. */
#define SAY(fd, ...) \
	emit(fd, snprintf(line, sizeof(line), PROGRAM ": " __VA_ARGS__))

static char line[256];
static char doing[80];		/* what errors are about, ending in ": ", or empty */
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
	case EINVAL:	return "Invalid argument";
	case EBUSY:	return "Device or resource busy";
	case EAGAIN:	return "Try again";
	case EACCES:	return "Permission denied";
	case EFAULT:	return "Bad address";
	case ERANGE:	return "Out of range";
	case E2BIG:	return "Too many entries";
	case EOVERFLOW:	return "Value too large";
	case EFBIG:	return "File too large";
	case ENOTTY:	return "Inappropriate ioctl for device";
	}
	snprintf(number, sizeof(number), "error %d", error);
	return number;
}

/* Ends the program unless @result says that @what went well. */
static long must(long result, const char *what)
{
	if (result < 0) {
		SAY(2, "%s%s: %s\n", doing, what, error_text(errno));
		exit(1);
	}
	return result;
}

/* Likewise, of what has no errno. */
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

#endif
