/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A GPU uses the memory of another device, whose driver exports it as a dma-buf and
 * takes it back. For programs that define PROGRAM.
 */
#ifndef PEER_H
#define PEER_H

#include <signal.h>
#include <sys/wait.h>

#include "../../samples/common/user/bytes.h"
#include "../../samples/gpu/user/requests.h"

#define LEN		KIB(64)
/* The device's page: what the GPU reads and writes at once. */
#define GPU_PAGE	KIB(4)
#define SEED		950

/* The importer, its object, and the exporter's memory: `bar` is what the CPU sees of that. */
static int gpu, dma_buf;
static __u32 handle;
static __u8 *bar, *page;

static void import(void)
{
	union request r = OF_IMPORT(dma_buf);

	must(ioctl(gpu, SGDMA_GPU_IMPORT, &r), "IMPORT");
	expect(r.import.size == LEN, "IMPORT: wrong size");
	handle = r.import.handle;
}

static int try_bind(void)
{
	union request r = OF_BIND(handle, 64);

	return ioctl(gpu, SGDMA_GPU_BIND, &r);
}

static __u32 state(void)
{
	union request r = OF_HANDLE(handle);

	must(ioctl(gpu, SGDMA_GPU_INFO, &r), "INFO");
	return r.info.state;
}

static int try_io(unsigned long nr, size_t offset)
{
	union request r = OF_IO(handle, offset, GPU_PAGE, page);

	return ioctl(gpu, nr, &r);
}

/* The GPU finds what the CPU has written, and the other way round. */
static void look(unsigned int turn)
{
	size_t at = turn % 8 * 2 * GPU_PAGE;

	must(try_bind(), "BIND");
	expect(state() == (SGDMA_GPU_MAPPED | SGDMA_GPU_SHARED | SGDMA_GPU_BOUND),
	       "INFO: not mapped, shared and bound");
	fill(bar + at, SEED + turn, at, GPU_PAGE);
	memset(page, 0, GPU_PAGE);
	must(try_io(SGDMA_GPU_FETCH, at), "FETCH");
	compare(page, SEED + turn, at, GPU_PAGE, "fetched from the other device");
	at += GPU_PAGE;
	fill(page, SEED + turn, at, GPU_PAGE);
	must(try_io(SGDMA_GPU_STORE, at), "STORE");
	compare(bar + at, SEED + turn, at, GPU_PAGE, "stored into the other device");
	refused("READ by the CPU", EINVAL, try_io(SGDMA_GPU_READ, at));
}

static void expect_gone(void)
{
	expect(!state(), "INFO: an object is mapped that was taken back");
	refused("BIND of what was taken back", ENODEV, try_bind());
	refused("FETCH of what was taken back", EINVAL, try_io(SGDMA_GPU_FETCH, 0));
}

/* The memory goes while the GPU is at work. The process that asked for the work is told so. */
static void take_back_at_work(unsigned int turn, void (*take_back)(void))
{
	int begun[2], status;
	pid_t pid;

	must(try_bind(), "BIND");
	must(pipe(begun), "pipe");
	pid = must(fork(), "fork");
	if (!pid) {
		for (size_t at = 0; !try_io(SGDMA_GPU_FETCH, at % LEN); at += GPU_PAGE)
			if (!at)
				must(write(begun[1], "", 1), "pipe");
		exit(errno);
	}
	await(begun, "no FETCH before the memory goes");
	usleep(turn * 7919 * 1013 % 700000);
	take_back();
	must(waitpid(pid, &status, 0), "waitpid");
	expect(WIFEXITED(status) &&
	       (WEXITSTATUS(status) == ENODEV || WEXITSTATUS(status) == EINVAL),
	       "FETCH went on with memory that was taken back");
	expect_gone();
}

/* The exporter takes its memory back, at rest and at work, and gives it again. */
static void take_back_often(void (*take_back)(void), void (*give_again)(void))
{
	unsigned int turn;

	for (turn = 0; turn < 5; turn++) {
		look(turn);
		take_back();
		expect_gone();
		give_again();
	}
	SAY(1, "memory of another device: %u times the GPU fetched, stored, and gave back\n", turn);
	for (turn = 0; turn < 5; turn++) {
		take_back_at_work(turn, take_back);
		give_again();
	}
	look(turn);
	SAY(1, "taken back at work %u times\n", turn);
}

#endif
