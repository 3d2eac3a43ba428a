/* SPDX-License-Identifier: GPL-2.0 */
/* The requests to /dev/sgdma_gpu-*. */
#ifndef SGDMA_GPU_REQUESTS_H
#define SGDMA_GPU_REQUESTS_H

#include "../sgdma_gpu.h"

union request {
	__u32 handle;	/* the first field of all requests but CREATE and IMPORT */
	struct sgdma_gpu_create create;
	struct sgdma_gpu_handle only;
	struct sgdma_gpu_bind bind;
	struct sgdma_gpu_io io;
	struct sgdma_gpu_copy copy;
	struct sgdma_gpu_info info;
	struct sgdma_gpu_export export;
	struct sgdma_gpu_import import;
};

#define OF_CREATE(s, m)	((union request){ .create = { .size = (s), .mode = (m) } })
#define OF_HANDLE(h)	((union request){ .info = { .handle = (h) } })
#define OF_EXPORT(h)	((union request){ .export = { .handle = (h), .fd = -1 } })
#define OF_IMPORT(f)	((union request){ .import = { .fd = (f) } })
#define OF_BIND(h, b)	((union request){ .bind = { .handle = (h), .entry_bits = (b) } })
#define OF_COPY(s, d)	((union request){ .copy = { .src = (s), .dst = (d), .pages = ~0ULL } })
#define OF_IO(h, o, l, u) ((union request){ \
	.io = { .handle = (h), .offset = (o), .len = (l), .user = (unsigned long)(u) } })

#endif
