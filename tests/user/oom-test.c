// SPDX-License-Identifier: GPL-2.0
/*
 * oom-test NODE SCORE asks the sample for more and more memory, in large and in small pieces, until
 * a request is refused. The error must be ENOMEM, and this process must not be killed for it. SCORE
 * is its oom_score_adj.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../samples/gpu/sgdma_gpu.h"

#define PROGRAM		"oom-test"
#include "../../samples/common/user/say.h"

int main(int argc, char **argv)
{
	static const unsigned int sizes[] = { 256u << 20, 8u << 20, 256u << 10 };
	int fd, score;

	expect(argc == 3, "usage: oom-test NODE SCORE");
	score = must(open("/proc/self/oom_score_adj", O_WRONLY), "oom_score_adj");
	must(write(score, argv[2], strlen(argv[2])), "oom_score_adj");
	fd = must(open(argv[1], O_RDWR), argv[1]);
	for (unsigned int i = 0; i < COUNT(sizes); i++) {
		struct sgdma_gpu_create create;
		unsigned int made = 0;
		long result;

		do {
			create = (struct sgdma_gpu_create){
				.size = sizes[i], .mode = SGDMA_GPU_MODE_POPULATE,
			};
			result = ioctl(fd, SGDMA_GPU_CREATE, &create);
			made += !result;
		} while (!result && made < 10000);
		refused("an object too many", ENOMEM, result);
		SAY(1, "score %s: %u objects of %u KiB, then ENOMEM\n", argv[2], made,
		    sizes[i] >> 10);
	}
	return 0;
}
