// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz-test makes right, nearly right and random calls of a sample's node, in several processes
 * that share files. Some processes are killed. A seed determines the calls.
 *
 * The kernel watches for errors. This program only checks that requests of all kinds get through,
 * and that the end is reached.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
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
#include <unistd.h>

#include "../../samples/camera/sgdma_camera.h"
#include "../../samples/gpu/sgdma_gpu.h"
#include "../../samples/rdma/sgdma_rdma.h"

#define PROGRAM		"fuzz-test"
#include "../../samples/common/user/say.h"

#define PAGE		4096u
#define ARENA		(64 * PAGE)
/* Limits to what a process holds. Memory must not run out, or the kernel would kill processes. */
#define MAX_HANDLES	12
#define MAX_MAPS	4
#define MAX_DMA_BUFS	4
#define MAX_OBJECT	(128 * PAGE)
#define MAX_FRAME	(256 * PAGE)
#define MAX_BUFFERS	4
/* The device takes 100 ms and more for some requests: one of so many is made. */
#define AT_WORK		16
/* The number of calls after which a process ends, and the next one begins. */
#define LIFE		500

/* Requests */

union request {
	__u32 words[32];
	struct sgdma_gpu_create create;
	struct sgdma_gpu_bind bind;
	struct sgdma_gpu_io io;
	struct sgdma_gpu_copy copy;
	struct sgdma_gpu_info info;
	struct sgdma_gpu_export export;
	struct sgdma_gpu_import import;
	struct sgdma_rdma_reg reg;
	struct sgdma_rdma_io rdma_io;
	struct sgdma_camera_format format;
	struct sgdma_camera_request buffers;
	struct sgdma_camera_index index;
	struct sgdma_camera_buffer buffer;
	struct sgdma_camera_stream stream;
	struct sgdma_camera_frame frame;
	struct sgdma_camera_dummy dummy;
};

struct kind {
	const char *name;
	unsigned long nr;
	unsigned int weight;
	bool by_device;
};

#define KIND(sample, name, ...)	{ #name, SGDMA_##sample##_##name, __VA_ARGS__ }

static const struct kind gpu_kinds[] = {
	KIND(GPU, CREATE, 4, false), KIND(GPU, DESTROY, 2, false),
	KIND(GPU, WRITE, 3, false), KIND(GPU, READ, 3, false),
	KIND(GPU, MAP, 3, false), KIND(GPU, UNMAP, 3, false),
	KIND(GPU, BIND, 4, false), KIND(GPU, UNBIND, 3, false),
	KIND(GPU, FETCH, 2, true), KIND(GPU, STORE, 2, true),
	KIND(GPU, COPY, 2, true), KIND(GPU, INFO, 2, false),
	KIND(GPU, EXPORT, 2, false), KIND(GPU, IMPORT, 2, false),
};

static const struct kind rdma_kinds[] = {
	KIND(RDMA, REG, 5, false), KIND(RDMA, DEREG, 3, false),
	KIND(RDMA, READ, 4, true), KIND(RDMA, WRITE, 4, true),
};

static const struct kind camera_kinds[] = {
	KIND(CAMERA, FORMAT, 2, false), KIND(CAMERA, REQUEST, 2, false),
	KIND(CAMERA, QUERY, 3, false), KIND(CAMERA, QUEUE, 5, false),
	KIND(CAMERA, STREAM, 3, false), KIND(CAMERA, DEQUEUE, 4, true),
	KIND(CAMERA, DUMMY, 1, false),
};

static const struct sample {
	const char *name;
	const struct kind *kinds;
	unsigned int count;
} samples[] = {
	{ "gpu", gpu_kinds, COUNT(gpu_kinds) },
	{ "rdma", rdma_kinds, COUNT(rdma_kinds) },
	{ "camera", camera_kinds, COUNT(camera_kinds) },
};

/* Counters that all processes share. */
static struct counts {
	unsigned long calls, killed, mmaps, mmapped, reads, others;
	struct {
		unsigned long calls, good;
	} of[COUNT(gpu_kinds)];
} *counts;

static void add(unsigned long *count)
{
	__sync_fetch_and_add(count, 1);
}

/* This process */

static const struct sample *sample;
static const char *node;
static int fds[2];

static struct {
	__u32 handle;
	unsigned long size;
} handles[2][MAX_HANDLES];		/* of each file; the oldest is overwritten */
static unsigned int given[2];		/* number of handles so far, by file */
static unsigned int frame_size[2];	/* of a file's buffers, if it has some */

static struct {
	char *start;
	unsigned long len;
} maps[MAX_MAPS];

static int dma_bufs[MAX_DMA_BUFS];	/* descriptors, or zero; the oldest is overwritten */
static unsigned int exported;		/* number of descriptors so far */

/* Pages that requests may use, and two pages at the end of a mapping. */
static char *arena, *edge;

static __u64 state;	/* of the random numbers */

static __u32 random32(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 32) ^ state >> 59;
}

static __u32 below(__u32 n)
{
	return (__u64)random32() * n >> 32;
}

static bool one_in(__u32 n)
{
	return !below(n);
}

/* Returns a number near a limit of something, or any number. */
static __u64 odd_number(void)
{
	static const __u64 odd[] = {
		0, 1, 2, 3, 63, 64, 65, 511, 2047, 2048, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 65536,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffff, 0x7fffffffffffffff,
		0x8000000000000000, 0xffffffff81000000, 0xffff888000100000, 0xfffffffffffff000,
		0xffffffffffffffff,
	};

	return one_in(8) ? (__u64)random32() << 32 | random32() : odd[below(COUNT(odd))];
}

/* Returns the address of @len bytes, or sometimes an address that is not valid for the process. */
static __u64 place(unsigned long len)
{
	unsigned int map = below(MAX_MAPS);

	switch (below(24)) {
	case 0:
		return odd_number();
	case 1:
		/* The mapping ends in the middle of the bytes, or just behind them. */
		return (unsigned long)edge + 2 * PAGE - len + (one_in(2) ? 0 : below(64));
	case 2:
		/* Read-only memory. */
		return (unsigned long)PROGRAM;
	case 3:
		if (maps[map].start)
			return (unsigned long)maps[map].start;
	}
	return (unsigned long)arena + (len < ARENA ? below(ARENA - len) : 0);
}

static __u32 any_handle(unsigned int file, unsigned long *size)
{
	unsigned int i = below(MAX_HANDLES);

	*size = handles[file][i].size ?: PAGE;
	return one_in(40) ? odd_number() : handles[file][i].handle;
}

/* Chooses a part of @size bytes, a short one as a rule. */
static void some_part(unsigned long size, unsigned long unit, __u64 *offset, __u64 *len)
{
	*offset = below(size / unit) * unit;
	*len = unit == 1 ? below(one_in(8) ? size - *offset + 1 : 100) : unit;
}

static void make_gpu(union request *r, unsigned int file, const struct kind *kind,
		     unsigned long size)
{
	switch (kind->nr) {
	case SGDMA_GPU_CREATE:
		r->create.size = (1 + below(one_in(6) ? MAX_OBJECT / PAGE : 4)) * PAGE;
		r->create.mode = below(5);
		break;
	case SGDMA_GPU_BIND:
		r->bind.entry_bits = one_in(3) ? 32 : 64;
		break;
	case SGDMA_GPU_WRITE:
	case SGDMA_GPU_READ:
	case SGDMA_GPU_FETCH:
	case SGDMA_GPU_STORE:
		some_part(size, kind->by_device ? PAGE : 1, &r->io.offset, &r->io.len);
		r->io.user = place(r->io.len);
		break;
	case SGDMA_GPU_COPY:
		r->copy.dst = any_handle(file, &size);
		break;
	case SGDMA_GPU_IMPORT:
		r->import.fd = dma_bufs[below(MAX_DMA_BUFS)];
		break;
	}
}

static void make_rdma(union request *r, const struct kind *kind, unsigned long size)
{
	switch (kind->nr) {
	case SGDMA_RDMA_REG:
		r->reg.len = 1 + below(one_in(6) ? ARENA : 3 * PAGE);
		r->reg.addr = place(r->reg.len);
		r->reg.iova = (__u64)below(1000) * PAGE + r->reg.addr % PAGE;
		r->reg.flags = below(8) | (one_in(3) ? SGDMA_RDMA_SOFT : 0) |
			       (one_in(6) ? SGDMA_RDMA_FLAT : 0);
		break;
	case SGDMA_RDMA_READ:
	case SGDMA_RDMA_WRITE:
		some_part(size, 1, &r->rdma_io.offset, &r->rdma_io.len);
		r->rdma_io.user = place(r->rdma_io.len);
		break;
	}
}

static void make_camera(union request *r, const struct kind *kind)
{
	switch (kind->nr) {
	case SGDMA_CAMERA_FORMAT:
		r->format.width = 1 + below(one_in(8) ? 600 : 64);
		r->format.height = 1 + below(one_in(8) ? 400 : 8);
		r->format.bytes_per_line = one_in(2) ? 0 : (1 + below(20)) * 64;
		r->format.data_offset = one_in(2) ? 0 : below(PAGE);
		break;
	case SGDMA_CAMERA_REQUEST:
		r->buffers.count = below(MAX_BUFFERS + 1);
		r->buffers.contiguous = below(2);
		break;
	case SGDMA_CAMERA_QUERY:
	case SGDMA_CAMERA_QUEUE:
		r->index.index = below(MAX_BUFFERS);
		break;
	case SGDMA_CAMERA_STREAM:
		r->stream.on = !one_in(3);
		break;
	case SGDMA_CAMERA_DEQUEUE:
		r->frame.flags = one_in(4) ? SGDMA_CAMERA_LONG : 0;
		r->frame.line_step = below(10);
		break;
	case SGDMA_CAMERA_DUMMY:
		r->dummy.user = place(PAGE);
		break;
	}
}

/* Makes a request that is right, as far as this process knows. */
static void make(union request *r, unsigned int file, const struct kind *kind)
{
	unsigned long size;
	__u32 handle = any_handle(file, &size);

	memset(r, 0, sizeof(*r));
	r->words[0] = handle;
	if (sample->kinds == gpu_kinds)
		make_gpu(r, file, kind, size);
	else if (sample->kinds == rdma_kinds)
		make_rdma(r, kind, size);
	else
		make_camera(r, kind);
}

/* Changes some bits of a request, or writes odd numbers to it. */
static void mutate(union request *r, unsigned int words)
{
	for (unsigned int n = 1 + below(3); n; n--) {
		unsigned int at = below(words);
		__u64 odd = odd_number();

		switch (below(4)) {
		case 0:
			r->words[at] ^= 0x80000000 >> below(32);
			break;
		case 1:
			r->words[at] += below(5) - 2;
			break;
		case 2:
			r->words[at] = odd;
			break;
		default:
			at &= ~1u;
			r->words[at] = odd;
			r->words[at + 1] = odd >> 32;
		}
	}
}

/* Limits the memory that a request asks for. */
static void moderate(union request *r, unsigned int file, unsigned long nr)
{
	if (nr == SGDMA_GPU_CREATE && r->create.size <= SGDMA_GPU_MAX_SIZE)
		r->create.size %= MAX_OBJECT + PAGE;
	if (nr == SGDMA_CAMERA_REQUEST && r->buffers.count <= SGDMA_CAMERA_MAX_BUFFERS &&
	    frame_size[file] > MAX_FRAME / MAX_BUFFERS)
		r->buffers.count %= frame_size[file] > MAX_FRAME ? 1 : 2;
}

/* Keeps the result of a request for later ones. */
static void remember(const union request *r, unsigned int file, unsigned long nr)
{
	unsigned int i = given[file] % MAX_HANDLES;

	switch (nr) {
	case SGDMA_GPU_CREATE:
	case SGDMA_RDMA_REG:
		handles[file][i].handle = nr == SGDMA_RDMA_REG ? r->reg.key : r->create.handle;
		handles[file][i].size = nr == SGDMA_RDMA_REG ? r->reg.len : r->create.size;
		given[file]++;
		break;
	case SGDMA_GPU_IMPORT:
		handles[file][i].handle = r->import.handle;
		handles[file][i].size = r->import.size;
		given[file]++;
		break;
	case SGDMA_GPU_EXPORT:
		i = exported++ % MAX_DMA_BUFS;
		if (dma_bufs[i])
			close(dma_bufs[i]);
		dma_bufs[i] = r->export.fd;
		break;
	case SGDMA_CAMERA_FORMAT:
		frame_size[file] = r->format.size;
		break;
	}
}

/* Frees the oldest object if a request is going to make another one. */
static void forget(unsigned int file, unsigned long nr)
{
	union request r = { .words = { handles[file][given[file] % MAX_HANDLES].handle } };

	if (r.words[0] &&
	    (nr == SGDMA_GPU_CREATE || nr == SGDMA_GPU_IMPORT || nr == SGDMA_RDMA_REG))
		ioctl(fds[file], nr == SGDMA_RDMA_REG ? SGDMA_RDMA_DEREG : SGDMA_GPU_DESTROY, &r);
}

/* Binds the objects that the device needs. A copy takes two objects of the same size. */
static void bind(union request *r, unsigned int file, unsigned long nr)
{
	union request b = { .bind = { .handle = r->words[0], .entry_bits = 64 } };
	union request c = { .create = { .size = PAGE, .mode = SGDMA_GPU_MODE_DEFAULT } };

	ioctl(fds[file], SGDMA_GPU_BIND, &b);
	if (nr != SGDMA_GPU_COPY)
		return;
	for (unsigned int i = 0; i < 2; i++) {
		forget(file, SGDMA_GPU_CREATE);
		c.create.mode = 0;
		if (ioctl(fds[file], SGDMA_GPU_CREATE, &c) < 0)
			return;
		remember(&c, file, SGDMA_GPU_CREATE);
		r->words[i] = c.create.handle;
		b.bind.handle = c.create.handle;
		ioctl(fds[file], SGDMA_GPU_BIND, &b);
	}
}

static const struct kind *any_kind(void)
{
	unsigned int sum = 0, at;

	for (unsigned int i = 0; i < sample->count; i++)
		sum += sample->kinds[i].weight;
	at = below(sum);
	for (unsigned int i = 0; ; i++) {
		if (at < sample->kinds[i].weight)
			return &sample->kinds[i];
		at -= sample->kinds[i].weight;
	}
}

static void request(unsigned int file)
{
	static union request right;
	const struct kind *kind = any_kind();
	union request *r = &right;
	int result;

	/* Most requests for the device's work are replaced, or refused before it begins. */
	if (kind->by_device && sample->kinds != rdma_kinds && !one_in(AT_WORK))
		kind = &sample->kinds[0];
	forget(file, kind->nr);
	make(r, file, kind);
	if (kind->by_device && sample->kinds == rdma_kinds && !one_in(AT_WORK))
		r->rdma_io.len = one_in(2) ? 0 : -1;
	if (kind->by_device && sample->kinds == gpu_kinds)
		bind(r, file, kind->nr);
	if (one_in(4))
		mutate(r, _IOC_SIZE(kind->nr) / 4);
	moderate(r, file, kind->nr);
	/* A mapping that ends behind the request, or in it, shows when too much is read. */
	if (one_in(8)) {
		r = (void *)(edge + 2 * PAGE - _IOC_SIZE(kind->nr) + (one_in(4) ? 4 : 0));
		memcpy(r, &right, (unsigned long)edge + 2 * PAGE - (unsigned long)r);
	}
	result = ioctl(fds[file], kind->nr, r);
	add(&counts->of[kind - sample->kinds].calls);
	if (result < 0)
		return;
	add(&counts->of[kind - sample->kinds].good);
	remember(r, file, kind->nr);
}

/* Makes a call of any number, with any argument. */
static void nonsense(unsigned int file)
{
	const struct kind *kind = any_kind();
	unsigned long nr = one_in(4) ? random32() : kind->nr ^ 0x80000000 >> below(32);

	/* The kernel itself handles these: O_ASYNC, close-on-exec. */
	if (_IOC_TYPE(nr) == 'T' || _IOC_TYPE(nr) == 'f')
		nr = kind->nr;
	if (nr == SGDMA_GPU_CREATE || nr == SGDMA_CAMERA_REQUEST || nr == SGDMA_CAMERA_DEQUEUE)
		nr ^= 1;
	add(&counts->others);
	ioctl(fds[file], nr, (void *)(unsigned long)(one_in(3) ? odd_number() : place(64)));
}

/* Maps some of an object or a frame, or unmaps an earlier mapping. */
static void map(unsigned int file)
{
	unsigned int i = below(MAX_MAPS), pages = 1 + below(one_in(4) ? 32 : 4);
	int prot = one_in(4) ? below(8) : PROT_READ | PROT_WRITE;
	unsigned long size;
	__u64 offset = any_handle(file, &size);

	if (maps[i].start) {
		/* In one piece or in two. */
		unsigned long len = one_in(4) ? PAGE : maps[i].len;

		if (len < maps[i].len)
			munmap(maps[i].start + len, maps[i].len - len);
		munmap(maps[i].start, len);
		maps[i].start = NULL;
		return;
	}
	/* The samples' offsets. */
	offset = sample->kinds == camera_kinds ? (__u64)below(MAX_BUFFERS) << 25 : offset << 28;
	if (one_in(6))
		offset += below(16) * PAGE;
	if (one_in(20))
		offset = odd_number() & -PAGE;
	add(&counts->mmaps);
	maps[i].len = one_in(2) ? (size + PAGE - 1) / PAGE * PAGE : pages * PAGE;
	maps[i].start = mmap(NULL, maps[i].len, prot, one_in(8) ? MAP_PRIVATE : MAP_SHARED,
			     fds[file], offset);
	if (maps[i].start == MAP_FAILED) {
		maps[i].start = NULL;
		return;
	}
	add(&counts->mmapped);
	if (prot & PROT_WRITE)
		memset(maps[i].start, i, maps[i].len);
}

/* Gives up memory that may be pinned, or maps other memory there. */
static void remap(void)
{
	char *at = arena + below(ARENA / PAGE) * PAGE;

	add(&counts->others);
	switch (below(3)) {
	case 0:
		syscall(__NR_madvise, at, PAGE, 4);	/* MADV_DONTNEED */
		break;
	case 1:
		mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		     -1, 0);
		break;
	default:
		/* For one call only, because all of the arena is written to. */
		syscall(__NR_mprotect, at, PAGE, PROT_READ);
		nonsense(0);
		syscall(__NR_mprotect, at, PAGE, PROT_READ | PROT_WRITE);
	}
}

/* Opens a file again. Another process may have the old one still open. */
static void open_file(unsigned int file)
{
	if (fds[file] >= 0)
		close(fds[file]);
	memset(handles[file], 0, sizeof(handles[file]));
	frame_size[file] = 0;
	fds[file] = must(open(node, O_RDWR), node);
}

static void read_file(unsigned int file)
{
	add(&counts->reads);
	lseek(fds[file], one_in(6) ? odd_number() : (__u64)below(MAX_BUFFERS) << 25, SEEK_SET);
	read(fds[file], (void *)(unsigned long)place(100), below(one_in(8) ? 10000 : 100));
}

static void call(void)
{
	unsigned int file = below(2);

	add(&counts->calls);
	switch (below(64)) {
	case 0:
		open_file(file);
		add(&counts->others);
		break;
	case 1 ... 4:
		map(file);
		break;
	case 5 ... 6:
		remap();
		break;
	case 7 ... 8:
		read_file(file);
		break;
	case 9 ... 13:
		nonsense(file);
		break;
	default:
		request(file);
	}
}

/* Starts a process that makes @calls calls. */
static pid_t start(__u64 seed, unsigned long calls)
{
	pid_t pid = must(fork(), "fork");

	if (!pid) {
		state = seed;
		while (calls--)
			call();
		exit(0);
	}
	return pid;
}

/* Waits for a number of calls: the life of a process does not depend on time. */
static void until(unsigned long calls)
{
	while (counts->calls < calls)
		usleep(1000);
}

/*
 * Makes @calls calls in processes that follow each other. Half of these share their files with a
 * second process, which is killed.
 */
static void family(__u64 seed, unsigned long calls)
{
	fds[0] = -1;
	fds[1] = -1;
	state = seed;
	while (calls) {
		unsigned long life = calls < LIFE ? calls : LIFE;
		pid_t pid, victim = 0;
		int status;

		open_file(0);
		open_file(1);
		/* Both processes inherit the handles of these. */
		for (unsigned int i = 0; i < 16; i++)
			request(i % 2);
		if (one_in(2))
			victim = start(random32(), ~0ul);
		pid = start(random32(), life);
		if (victim) {
			until(counts->calls + below(life));
			must(kill(victim, SIGKILL), "kill");
			must(waitpid(victim, &status, 0), "wait");
			expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
			       "a process that was to be killed had ended");
			add(&counts->killed);
		}
		must(waitpid(pid, &status, 0), "wait");
		expect(!status, "a process did not end well");
		calls -= life;
	}
	exit(0);
}

/* Prints what was done. Fails if no request of some kind got through. */
static void tell(unsigned long seed, unsigned long processes)
{
	SAY(1, "%s: %lu calls of seed %lu by %lu processes, %lu more were killed\n", sample->name,
	    counts->calls, seed, processes, counts->killed);
	for (unsigned int i = 0; i < sample->count; i++) {
		SAY(1, "%s: %s %lu of %lu\n", sample->name, sample->kinds[i].name,
		    counts->of[i].good, counts->of[i].calls);
	}
	SAY(1, "%s: mmap %lu of %lu, read %lu, others %lu\n", sample->name, counts->mmapped,
	    counts->mmaps, counts->reads, counts->others);
	for (unsigned int i = 0; i < sample->count && counts->calls > 5000; i++) {
		snprintf(doing, sizeof(doing), "%s: ", sample->kinds[i].name);
		expect(counts->of[i].good, "none got through");
	}
}

/*
 * Maps memory that is followed by an inaccessible mapping. That is as long as the most that a
 * request writes, so no request overwrites other memory of the process.
 */
static void *memory(unsigned long len, int whose)
{
	const unsigned long nothing = 2 * MAX_OBJECT;
	char *at = mmap(NULL, len + nothing, PROT_READ | PROT_WRITE, whose | MAP_ANONYMOUS, -1, 0);

	must(at == MAP_FAILED ? -1 : 0, "mmap");
	must(syscall(__NR_mprotect, at + len, nothing, PROT_NONE), "mprotect");
	return at;
}

int main(int argc, char **argv)
{
	unsigned long calls, processes, seed;

	if (argc != 5) {
		SAY(2, "NODE CALLS PROCESSES SEED\n");
		return 2;
	}
	node = argv[1];
	calls = atol(argv[2]);
	processes = atol(argv[3]);
	seed = atol(argv[4]);
	for (unsigned int i = 0; i < COUNT(samples); i++) {
		if (strstr(node, samples[i].name))
			sample = &samples[i];
	}
	expect(sample && calls && processes, "no such sample, or nothing to do");

	counts = memory(PAGE, MAP_SHARED);
	arena = memory(ARENA, MAP_PRIVATE);
	edge = memory(2 * PAGE, MAP_PRIVATE);

	for (unsigned long i = 0; i < processes; i++) {
		if (!must(fork(), "fork"))
			family(seed * 1000 + i, (calls + processes - 1) / processes);
	}
	for (unsigned long i = 0; i < processes; i++) {
		int status;

		must(wait(&status), "wait");
		expect(!status, "a process failed");
	}
	tell(seed, processes);
	expect(counts->calls >= calls, "not all calls were made");
	return 0;
}
