// SPDX-License-Identifier: GPL-2.0
/*
 * gpu-test: makes every request of sgdma_gpu.h to /dev/sgdma_gpu-*, and checks
 * the results. Exits with 0 if all results are right, with 1 if one is wrong,
 * with 2 on wrong usage.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 *
 * Read in this order: requests.h, object.h (objects and what is in them),
 * exercise.h (all sizes and modes), refuse.h (bad requests), many.h (many
 * objects and processes), share.h (dma-bufs of two devices), this file (the
 * commands).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM		"gpu-test"
#include "object.h"
#include "exercise.h"
#include "refuse.h"
#include "many.h"
#include "share.h"

/* Moves the first @bytes bytes of an object, in from a file or out to a file. */
static void move(const struct object *o, int file, const char *name, __u64 bytes, bool in)
{
	__u64 done = 0;

	while (done < bytes) {
		size_t len = bytes - done < sizeof(buffer) ? bytes - done : sizeof(buffer);
		ssize_t moved;

		if (!in)
			io(o, SGDMA_GPU_READ, done, len, buffer);
		errno = EIO;
		moved = in ? read(file, buffer, len) : write(file, buffer, len);
		must(moved ? moved : -1, name);
		if (in)
			io(o, SGDMA_GPU_WRITE, done, moved, buffer);
		done += moved;
	}
}

/*
 * Leaves free pages of which no two are neighbours, for the next object: one of
 * pages in a row has one segment, and shows nothing.
 */
static void scatter(int fd)
{
	struct object o[64];

	for (unsigned int i = 0; i < sizeof(o) / sizeof(*o); i++)
		must(create(&o[i], fd, PAGE, SGDMA_GPU_MODE_DEFAULT), "create a page");
	for (unsigned int i = 0; i < sizeof(o) / sizeof(*o); i += 2)
		handle(&o[i], SGDMA_GPU_DESTROY, "destroy a page");
}

static void copy(int fd, char **files)
{
	int in = must(open(files[0], O_RDONLY), files[0]);
	int out = must(open(files[1], O_WRONLY | O_CREAT | O_TRUNC, 0644), files[1]);
	__u64 bytes = must(lseek(in, 0, SEEK_END), files[0]);
	__u64 size = bytes ? (bytes + PAGE - 1) / PAGE * PAGE : PAGE;
	struct sgdma_gpu_info of_src, of_dst;
	struct sgdma_gpu_bind bound;
	struct object src, dst;
	union request r;

	must(lseek(in, 0, SEEK_SET), files[0]);
	scatter(fd);
	must(create(&src, fd, size, SGDMA_GPU_MODE_DEFAULT), "create source");
	must(create(&dst, fd, size, SGDMA_GPU_MODE_DEFAULT), "create destination");
	move(&src, in, files[0], bytes, true);
	must(try_bind(&dst, 64, NULL), "bind destination");
	must(try_bind(&src, 64, &bound), "bind source");
	r = OF_COPY(src.handle, dst.handle);
	must(ioctl(fd, SGDMA_GPU_COPY, &r), "copy");
	of_src = look(&src);
	of_dst = look(&dst);
	move(&dst, out, files[1], bytes, false);
	SAY(1, "%llu bytes, %llu pages\n", bytes, r.copy.pages);
	SAY(1, "source of %u segments, %u for the device; destination of %u, %u\n",
	    of_src.orig_nents, of_src.nents, of_dst.orig_nents, of_dst.nents);
	SAY(1, "root 0x%llx, level %u, %u table pages\n",
	    bound.root, bound.level, bound.table_pages);
}

/* Keeps a bound object of every mode, and a descriptor, until the process is killed. */
static void hold(int fd)
{
	for (__u32 mode = SGDMA_GPU_MODE_COHERENT; mode <= SGDMA_GPU_MODE_DMABUF; mode++) {
		struct sgdma_gpu_info info;
		int dma_buf = -1;
		struct object o;

		must(create(&o, fd, KIB(64), mode), "create");
		write_all(&o);
		must(try_bind(&o, 64, NULL), "bind");
		info = look(&o);
		if (mode == SGDMA_GPU_MODE_DMABUF)
			dma_buf = export(&o);
		if (info.state & SGDMA_GPU_SHARED) {
			char *memory = dma_buf < 0 ? map_shared(&o, &info) :
						     map_dma_buf(dma_buf, o.size);

			memory[0] = 1;
		}
	}
	SAY(1, "holding\n");
	sleep(1000000);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	bool quick = argc == 4 && !strcmp(argv[3], "quick");
	int fd = argc > 2 && strcmp(command, "held") ? must(open(argv[2], O_RDWR), argv[2]) : -1;

	one_way = argc == 6 && !strcmp(argv[5], "one-way");
	not_for_devices = argc == 6 && !strcmp(argv[5], "refused");
	if (!strcmp(command, "copy") && argc == 5) {
		copy(fd, argv + 3);
	} else if (!strcmp(command, "exercise") && (argc == 3 || quick)) {
		exercise(fd, quick);
	} else if (!strcmp(command, "refuse") && argc == 3) {
		refuse(fd, argv[2]);
	} else if (!strcmp(command, "many") && argc == 3) {
		many(fd, argv[2]);
	} else if (!strcmp(command, "share") && (argc == 5 || one_way || not_for_devices)) {
		share(fd, argv[2], argv[3], argv[4]);
	} else if (!strcmp(command, "hold") && argc == 3) {
		hold(fd);
	} else if (!strcmp(command, "held") && argc == 3) {
		/* Makes a request to a file that was opened before. No object has the handle. */
		union request r = OF_HANDLE(0);

		must(ioctl(atoi(argv[2]), SGDMA_GPU_INFO, &r), "held");
	} else {
		SAY(2, "copy NODE SRC DST | exercise NODE [quick]\n");
		SAY(2, "refuse|many|hold NODE | held FD\n");
		SAY(2, "share NODE NODE own|udmabuf|huge|heap [one-way|refused]\n");
		return 2;
	}
	return 0;
}
