// SPDX-License-Identifier: GPL-2.0
/*
 * gpu-copy NODE SRC DST: has the device behind NODE copy file SRC to file DST.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../sgdma_gpu.h"

/* nolibc's strerror() knows numbers only. */
static const char *error_text(void)
{
	static char number[24];

	switch (errno) {
	case ENODEV:	return "No such device";
	case ENOENT:	return "No such file or directory";
	case ETIMEDOUT:	return "Timed out";
	case EINTR:	return "Interrupted";
	case EIO:	return "Input/output error";
	case ENOMEM:	return "Out of memory";
	case ENOSPC:	return "No space left on device";
	case EINVAL:	return "Invalid argument";
	case EBUSY:	return "Device or resource busy";
	}
	snprintf(number, sizeof(number), "error %d", errno);
	return number;
}

static int fail(const char *what)
{
	fprintf(stderr, "gpu-copy: %s: %s\n", what, error_text());
	return 1;
}

/* Moves @bytes bytes from one file position to the other. */
static int move(int from, const char *from_name, int to, const char *to_name, off_t bytes)
{
	static char buf[65536];

	while (bytes > 0) {
		size_t most = bytes < (off_t)sizeof(buf) ? (size_t)bytes : sizeof(buf);
		ssize_t got = read(from, buf, most);
		ssize_t done = 0;

		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return fail(from_name);
		while (done < got) {
			ssize_t put = write(to, buf + done, got - done);

			if (put == 0)
				errno = EIO;
			if (put <= 0)
				return fail(to_name);
			done += put;
		}
		bytes -= got;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sgdma_gpu_copy copy;
	int node, src, dst;
	off_t bytes;
	__u64 size;

	if (argc != 4) {
		fprintf(stderr, "usage: gpu-copy NODE SRC DST\n");
		return 2;
	}

	node = open(argv[1], O_RDWR);
	if (node < 0)
		return fail(argv[1]);
	src = open(argv[2], O_RDONLY);
	if (src < 0)
		return fail(argv[2]);
	dst = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (dst < 0)
		return fail(argv[3]);

	bytes = lseek(src, 0, SEEK_END);
	if (bytes < 0 || lseek(src, 0, SEEK_SET) < 0)
		return fail(argv[2]);
	size = bytes;
	if (ioctl(node, SGDMA_GPU_CREATE, &size) < 0)
		return fail("create");
	if (move(src, argv[2], node, "write to device", bytes))
		return 1;
	if (ioctl(node, SGDMA_GPU_COPY, &copy) < 0)
		return fail("copy");
	printf("gpu-copy: %llu bytes, %u pages\n", (unsigned long long)copy.bytes, copy.pages);
	printf("gpu-copy: source of %u segments, %u for the device; destination of %u, %u\n",
	       copy.src_orig_nents, copy.src_nents, copy.dst_orig_nents, copy.dst_nents);
	if (lseek(node, 0, SEEK_SET) < 0)
		return fail("seek");
	return move(node, "read from device", dst, argv[3], bytes);
}
