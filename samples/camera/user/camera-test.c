// SPDX-License-Identifier: GPL-2.0
/*
 * camera-test: makes every request of sgdma_camera.h to /dev/sgdma_camera-*,
 * and checks the results and the bytes of the frames. Exits with 0 if all
 * results are right, with 1 if one is wrong, with 2 on wrong usage.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 *
 * Read in this order: stream.h (streams and their requests), exercise.h
 * (frames of all shapes), import.h (frames to dma-bufs), refuse.h (bad requests),
 * this file (the commands).
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
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM		"camera-test"
#include "stream.h"
#include "exercise.h"
#include "import.h"
#include "refuse.h"

/* Captures a frame until the device is unbound or unplugged. */
static void hold(int fd)
{
	static struct stream s;
	union request r = OF_FRAME(0, 0);

	s.fd = fd;
	set_format(&s, 640, 480, 0, 10);
	request(&s, 3, false);
	turn(&s, true);
	for (unsigned int i = 0; i < 3; i++)
		queue(&s, i);
	SAY(1, "holding\n");
	refused("DEQUEUE of what is taken away", ENODEV, ioctl(fd, SGDMA_CAMERA_DEQUEUE, &r));
	r = OF_BUFFER(0);
	refused("QUERY of what is gone", ENODEV, ioctl(fd, SGDMA_CAMERA_QUERY, &r));
	refused("read of what is gone", ENODEV, read(fd, &r, 1));
	/* User space keeps the pages that it has mapped. */
	for (unsigned int i = 0; i < 3 && s.buffers[i].map; i++) {
		unsigned char *map = s.buffers[i].map;

		expect(map[0] == BEFORE && map[s.buffers[i].is.length - 1] == BEFORE,
		       "mapped pages have changed");
		memset(map, 0, s.buffers[i].is.length);
	}
	SAY(1, "held %s: ok\n", sharing ? "mapped buffers" : "buffers");
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	bool quick = argc == 4 && !strcmp(argv[3], "quick");
	int fd = argc > 2 ? must(open(argv[2], O_RDWR), argv[2]) : -1;

	if (!strcmp(command, "exercise") && (argc == 3 || quick)) {
		exercise(fd, argv[2], quick);
	} else if (!strcmp(command, "import") && argc == 4) {
		exercise_imports(fd, !strcmp(argv[3], "works"));
	} else if (!strcmp(command, "refuse") && argc == 3) {
		refuse(fd, argv[2]);
	} else if (!strcmp(command, "hold") && argc == 3) {
		hold(fd);
	} else {
		SAY(2, "exercise NODE [quick] | import NODE works|refused | refuse|hold NODE\n");
		return 2;
	}
	return 0;
}
