/* SPDX-License-Identifier: GPL-2.0 */
/* Many objects, and several processes at once. */
#ifndef SGDMA_GPU_MANY_H
#define SGDMA_GPU_MANY_H

#include "exercise.h"

static void round_robin(int fd)
{
	static struct object objects[64];
	const unsigned int window = 8;

	for (unsigned int i = 0; i < COUNT(objects); i++) {
		must(create(&objects[i], fd, KIB(256), SGDMA_GPU_MODE_BIND), "create");
		write_all(&objects[i]);
	}
	for (unsigned int i = 0; i < 3 * COUNT(objects); i += window) {
		struct object *first = &objects[i % COUNT(objects)];

		for (struct object *o = first; o < first + window; o++)
			must(try_bind(o, i & window ? 32 : 64, NULL), "bind");
		for (struct object *o = first; o < first + window; o++)
			fetch(o, (o - objects + i) % o->pages, 1);
		for (struct object *o = first; o < first + window; o++)
			handle(o, SGDMA_GPU_UNBIND, "unbind");
	}
	for (unsigned int i = 0; i < COUNT(objects); i++)
		read_all(&objects[i], "read after unbind");
}

static void evict(int fd)
{
	for (unsigned int i = 0; i < 4; i++) {
		struct object o;

		must(create(&o, fd, KIB(256), SGDMA_GPU_MODE_POPULATE), "create");
		write_all(&o);
		handle(&o, SGDMA_GPU_UNMAP, "unmap");
		expect(!(look(&o).state & SGDMA_GPU_MAPPED) && !look(&o).nents, "still mapped");
		read_all(&o, "read after unmap");
		change(&o, i, buffer);
		io(&o, SGDMA_GPU_WRITE, i * PAGE, PAGE, buffer);
		handle(&o, SGDMA_GPU_MAP, "map");
		expect_state(&o, SGDMA_GPU_MODE_POPULATE, false);
		must(try_bind(&o, 64, NULL), "bind");
		fetch(&o, 0, i + 2);
		handle(&o, SGDMA_GPU_UNBIND, "unbind");
		handle(&o, SGDMA_GPU_DESTROY, "destroy");
	}
}

/* The work of child processes, each with a file of its own */

static void user(int fd)
{
	for (unsigned int i = 0; i < 4; i++) {
		struct object o;

		must(create(&o, fd, KIB(64), SGDMA_GPU_MODE_COHERENT + i % 3), "create");
		write_all(&o);
		must(try_bind(&o, 64, NULL), "bind");
		fetch(&o, i, 4);
		handle(&o, SGDMA_GPU_UNBIND, "unbind");
		read_all(&o, "read");
		handle(&o, SGDMA_GPU_DESTROY, "destroy");
	}
}

/* Makes objects, writes a byte to @ready, and ends or is killed without cleaning up. */
static void keeper(int fd, int ready, __u64 pages)
{
	struct object o, p;

	must(create(&p, fd, KIB(64), SGDMA_GPU_MODE_BIND), "create");
	must(create(&o, fd, SURE_SIZE, SGDMA_GPU_MODE_POPULATE), "create");
	write_all(&o);
	must(try_bind(&p, 64, NULL), "bind");
	must(try_bind(&o, 64, NULL), "bind");
	must(write(ready, "", 1), "pipe");
	fetch(&o, 0, pages);
}

static pid_t start(const char *node, int ready, __u64 keeper_pages)
{
	pid_t pid;

	seeds += 1000;
	pid = must(fork(), "fork");
	if (!pid) {
		int fd = must(open(node, O_RDWR), node);

		snprintf(doing, sizeof(doing), "process %d: ", getpid());
		if (keeper_pages)
			keeper(fd, ready, keeper_pages);
		else
			user(fd);
		exit(0);
	}
	return pid;
}

static int ended(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0), "wait");
	return status;
}

static void many(int fd, const char *node)
{
	pid_t pids[4], pid;
	int ready[2], status;
	time_t killed;

	round_robin(fd);
	evict(fd);
	for (unsigned int i = 0; i < COUNT(pids); i++)
		pids[i] = start(node, -1, 0);
	for (unsigned int i = 0; i < COUNT(pids); i++) {
		status = ended(pids[i]);
		expect(!status, "one of four processes failed");
	}

	must(pipe(ready), "pipe");
	status = ended(start(node, ready[1], 1));
	expect(!status, "a process that leaves its objects failed");
	await(ready, "a process that leaves its objects did not make them");

	must(pipe(ready), "pipe");
	pid = start(node, ready[1], sizeof(buffer) / PAGE);
	await(ready, "the process to kill failed");
	sleep(1);
	killed = time(NULL);
	must(kill(pid, SIGKILL), "kill");
	status = ended(pid);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the process to kill had ended");
	expect(time(NULL) - killed <= 2, "a fetch went on after its process was killed");

	round_robin(must(open(node, O_RDWR), node));
	SAY(1, "%s: ok, %llu pages fetched, 6 processes\n", __func__, fetched);
}

#endif
