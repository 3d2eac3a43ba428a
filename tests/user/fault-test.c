// SPDX-License-Identifier: GPL-2.0
/*
 * fault-test: has the first allocation that an operation makes fail, then the
 * second, and so on until it has made all it needs. With each fault the operation
 * may fail or get over it; the next try must go well, and data must be as before.
 * What leaks thereby, others find. Ends with 0, or 1 and a line that says why.
 *
 * Takes CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC and the stack trace filter: only
 * allocations count that have a module among their callers.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <errno.h>
#include <fcntl.h>
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
#include "../modules/exert/sgdma_exert.h"

#define PROGRAM		"fault-test"
#include "../../samples/common/user/say.h"

#define PAGE		4096ull
#define KIB(n)		((n) * 1024ull)

/* Where x86_64 has its modules, without KASLR. */
#define MODULES_START	"0xffffffffa0000000"
#define MODULES_END	"0xffffffffff000000"

static bool thorough;		/* every allocation; else some of the later ones are left out */
static unsigned int injected;	/* in all */
static int fail_nth;		/* open file */

static long try_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error;
	long result;

	if (fd < 0)
		return fd;
	result = write(fd, text, strlen(text));
	error = errno;
	close(fd);
	errno = error;
	return result;
}

static void put(const char *path, const char *text)
{
	must(try_put(path, text), path);
}

/* Faults */

static void set_up(void)
{
	static const char *const settings[][2] = {
		{ "ignore-gfp-wait", "N" },
		{ "stacktrace-depth", "32" },
		{ "require-start", MODULES_START },
		{ "require-end", MODULES_END },
		/* A trace for each would bury all else. */
		{ "verbose", "0" },
	};
	static const char *const kinds[] = { "failslab", "fail_page_alloc" };
	char path[80];

	for (unsigned int i = 0; i < COUNT(kinds); i++) {
		for (unsigned int j = 0; j < COUNT(settings); j++) {
			snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kinds[i],
				 settings[j][0]);
			put(path, settings[j][1]);
		}
	}
	put("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	put("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	fail_nth = must(open("/proc/thread-self/fail-nth", O_RDWR), "fail-nth");
}

/* Has the @nth allocation of this task from now on fail. */
static void arm(unsigned int nth)
{
	char text[12];

	must(write(fail_nth, text, snprintf(text, sizeof(text), "%u", nth)), "fail-nth");
}

/* Whether it has; and how many more it would have taken. */
static bool disarm(unsigned int *left)
{
	char text[12] = "";

	must(syscall(__NR_pread64, fail_nth, text, sizeof(text) - 1, 0L), "fail-nth");
	arm(0);
	if (left)
		*left = atoi(text);
	return !atoi(text);
}

/* Something to try: all but @run goes without faults. */
struct operation {
	const char *name;
	long (*run)(const struct operation *op);	/* fails with -1 and errno, or may not */
	void (*prepare)(const struct operation *op);	/* before each first try */
	void (*verify)(const struct operation *op);	/* after it went well */
	void (*finish)(const struct operation *op);	/* after each last try */
	bool never_fails, by_core;			/* the driver core has errors of its own */
	unsigned long nr;				/* a request, if it takes one */
	__u32 mode, bits;
	__u64 size;
};

/* What an allocation that failed may come to. */
static bool is_refusal(const struct operation *op, int error)
{
	return error == ENOMEM || error == EIO || op->by_core;
}

/* How many allocations it makes if none fails. */
static unsigned int count_allocations(const struct operation *op)
{
	const unsigned int many = 1000000;
	unsigned int left;

	if (op->prepare)
		op->prepare(op);
	arm(many);
	must(op->run(op), "without a fault");
	disarm(&left);
	if (op->verify)
		op->verify(op);
	if (op->finish)
		op->finish(op);
	return many - left;
}

/*
 * Many of @count are of the same kind, but for the first and the last of them. Modules take long
 * to load, and what comes last there is the driver core's.
 */
static unsigned int next_step(unsigned int nth, unsigned int count, bool by_core)
{
	unsigned int step;

	if (thorough || nth < 4 || (!by_core && (nth < 12 || nth + 24 >= count)))
		return 1;
	step = 1 + nth / 3;
	/* Not beyond where each counts again. */
	if (!by_core && nth + step + 24 > count)
		step = count - 24 - nth;
	return step;
}

static void go_through(const char *of, const struct operation *op)
{
	unsigned int faults = 0, failed = 0, step = 1, count;

	snprintf(doing, sizeof(doing), "%s %s: ", of, op->name);
	count = count_allocations(op);
	for (unsigned int nth = 1;; nth += step) {
		bool hit;
		long result;
		int error;

		snprintf(doing, sizeof(doing), "%s %s, fault %u: ", of, op->name, nth);
		if (op->prepare)
			op->prepare(op);
		arm(nth);
		result = op->run(op);
		error = errno;
		hit = disarm(NULL);
		faults += hit;
		errno = error;
		if (result < 0) {
			expect(!op->never_fails, "what may not fail has failed");
			if (!hit || !is_refusal(op, error))
				must(result, hit ? "failed otherwise" : "failed without a fault");
			failed++;
			must(op->run(op), "the next try");
		}
		if (op->verify)
			op->verify(op);
		if (op->finish)
			op->finish(op);
		if (!hit)
			break;
		step = next_step(nth, count, op->by_core);
	}
	doing[0] = 0;
	injected += faults;
	SAY(1, "%s %s: %u faults, %u refused, %u got over\n", of, op->name, faults, failed,
	    faults - failed);
}

/* Modules and bindings */

static const char *module_file, *module_name, *address;
static char bind_path[100], unbind_path[100], bound_path[100];

static bool is_bound(void)
{
	return !access(bound_path, F_OK);
}

static long load(const struct operation *op)
{
	int fd = must(open(module_file, O_RDONLY), module_file), error;
	long result = syscall(__NR_finit_module, fd, "", 0);

	(void)op;
	error = errno;
	close(fd);
	errno = error;
	return result;
}

static long unload(const struct operation *op)
{
	(void)op;
	return syscall(__NR_delete_module, module_name, O_NONBLOCK);
}

static long bind(const struct operation *op)
{
	(void)op;
	return try_put(bind_path, address);
}

static long unbind(const struct operation *op)
{
	(void)op;
	return try_put(unbind_path, address);
}

/* A driver is registered also if it could not bind. */
static void verify_bound(const struct operation *op)
{
	if (address && !is_bound())
		must(bind(op), "bind after a fault");
	expect(!address || is_bound(), "not bound");
}

static void must_load(const struct operation *op)
{
	must(load(op), "load");
	verify_bound(op);
}

static void must_unload(const struct operation *op)
{
	must(unload(op), "unload");
}

static void must_bind(const struct operation *op)
{
	if (!is_bound())
		must(bind(op), "bind");
}

static void must_unbind(const struct operation *op)
{
	if (is_bound())
		must(unbind(op), "unbind");
}

static void with_module(void)
{
	static const struct operation of_module[] = {
		{ "load", .run = load, .verify = verify_bound, .finish = must_unload,
		  .by_core = true },
		{ "unload", .run = unload, .prepare = must_load, .never_fails = true },
	}, of_driver[] = {
		{ "bind", .run = bind, .prepare = must_unbind, .verify = verify_bound,
		  .by_core = true },
		{ "unbind", .run = unbind, .prepare = must_bind, .never_fails = true },
	};
	/* To be loaded quickly, without its self-tests. */
	static const char glob[] = "/sys/module/kunit/parameters/filter_glob";

	if (!access(glob, F_OK))
		put(glob, "none");
	for (unsigned int i = 0; i < COUNT(of_module); i++)
		go_through(module_name, &of_module[i]);
	if (!address)
		return;
	must_load(NULL);
	for (unsigned int i = 0; i < COUNT(of_driver); i++)
		go_through(module_name, &of_driver[i]);
	must_unload(NULL);
}

/* Open files */

static const char *node;
static int file, second;
static char buffer[KIB(256)], peer[KIB(256)];
static void *mapping;

static long open_node(const struct operation *op)
{
	(void)op;
	second = open(node, O_RDWR);
	return second;
}

static long close_node(const struct operation *op)
{
	(void)op;
	return close(second);
}

static void must_open(const struct operation *op)
{
	must(open_node(op), node);
}

static void must_close(const struct operation *op)
{
	must(close_node(op), "close");
}

static void fill(char *bytes)
{
	for (unsigned int i = 0; i < sizeof(buffer); i++)
		bytes[i] = i % 251 + 1;
}

static void compare(const char *bytes, unsigned long len, const char *what)
{
	for (unsigned int i = 0; i < len; i++)
		expect(bytes[i] == (char)(i % 251 + 1), what);
}

#define OPEN	{ "open", .run = open_node, .finish = must_close }
#define CLOSE	{ "close", .run = close_node, .prepare = must_open, .never_fails = true }

/* sgdma_exert */

static long exert(const struct operation *op)
{
	return ioctl(file, op->nr, op->size);
}

#define EXERT(name, n) \
	{ #name " " #n " KiB", .run = exert, .nr = SGDMA_EXERT_ ## name, .size = KIB(n) }

static const struct operation exert_operations[] = {
	OPEN, CLOSE,
	EXERT(ALLOC, 64), EXERT(ATOMIC, 64), EXERT(BLOCKS, 256), EXERT(BYTES, 64),
	/* The second takes a chain of lists, as one has room for 128 entries. */
	EXERT(MAP, 64), EXERT(MAP, 640), EXERT(SHARE, 64),
};

/* sgdma_gpu */

static struct sgdma_gpu_create created, other;

static void gpu_request(unsigned long nr, void *request, const char *what)
{
	must(ioctl(file, nr, request), what);
}

static long gpu_create(const struct operation *op)
{
	created = (struct sgdma_gpu_create){ .size = op->size, .mode = op->mode };
	return ioctl(file, SGDMA_GPU_CREATE, &created);
}

static void gpu_destroy(const struct operation *op)
{
	struct sgdma_gpu_handle handle = { .handle = created.handle };

	(void)op;
	gpu_request(SGDMA_GPU_DESTROY, &handle, "destroy");
}

static long gpu_io(unsigned long nr, __u32 handle, __u64 size)
{
	struct sgdma_gpu_io io = { .handle = handle, .len = size, .user = (unsigned long)buffer };

	return ioctl(file, nr, &io);
}

/* An object that has what fill(buffer) makes. */
static void gpu_new(const struct operation *op)
{
	must(gpu_create(op), "create");
	fill(buffer);
	must(gpu_io(SGDMA_GPU_WRITE, created.handle, op->size), "write");
}

static void gpu_verify(const struct operation *op)
{
	memset(buffer, 0, op->size);
	must(gpu_io(SGDMA_GPU_READ, created.handle, op->size), "read");
	compare(buffer, created.size, "other bytes than were written");
}

static long gpu_bind(const struct operation *op)
{
	struct sgdma_gpu_bind request = { .handle = created.handle, .entry_bits = op->bits };

	return ioctl(file, SGDMA_GPU_BIND, &request);
}

static void gpu_new_bound(const struct operation *op)
{
	gpu_new(op);
	must(gpu_bind(op), "bind");
}

static long gpu_simple(const struct operation *op)
{
	struct sgdma_gpu_handle handle = { .handle = created.handle };

	return ioctl(file, op->nr, &handle);
}

static void gpu_new_unmapped(const struct operation *op)
{
	struct operation unmap = { .nr = SGDMA_GPU_UNMAP };

	gpu_new(op);
	must(gpu_simple(&unmap), "unmap");
}

static long gpu_transfer(const struct operation *op)
{
	if (op->nr == SGDMA_GPU_READ || op->nr == SGDMA_GPU_FETCH)
		memset(buffer, 0, op->size);
	else
		fill(buffer);
	return gpu_io(op->nr, created.handle, op->size);
}

static void gpu_verify_transfer(const struct operation *op)
{
	compare(buffer, created.size, "transferred other bytes");
	gpu_verify(op);
}

/* Two bound objects, and a copy from the one to the other. */
static void gpu_new_two(const struct operation *op)
{
	gpu_new_bound(op);
	other = created;
	must(gpu_create(op), "create");
	must(gpu_bind(op), "bind");
}

static long gpu_copy(const struct operation *op)
{
	struct sgdma_gpu_copy request = { .src = other.handle, .dst = created.handle };

	(void)op;
	return ioctl(file, SGDMA_GPU_COPY, &request);
}

static void gpu_destroy_two(const struct operation *op)
{
	gpu_destroy(op);
	created = other;
	gpu_destroy(op);
}

static long gpu_mmap(const struct operation *op)
{
	struct sgdma_gpu_info info = { .handle = created.handle };
	/* Where there are no page tables yet. */
	static char *where = (char *)(1UL << 32);

	where += 1 << 30;
	gpu_request(SGDMA_GPU_INFO, &info, "info");
	mapping = mmap(where, op->size, PROT_READ | PROT_WRITE, MAP_SHARED, file, info.mmap_offset);
	return mapping == MAP_FAILED ? -1 : 0;
}

static void gpu_verify_mmap(const struct operation *op)
{
	memcpy(buffer, mapping, op->size);
	compare(buffer, created.size, "another mapping");
	must(munmap(mapping, op->size), "munmap");
}

/* A file with an object of each mode, bound. */
static void gpu_open_full(const struct operation *op)
{
	struct operation make = { .size = op->size, .bits = 64 };
	int first = file;

	must_open(op);
	file = second;
	for (make.mode = SGDMA_GPU_MODE_COHERENT; make.mode <= SGDMA_GPU_MODE_BIND; make.mode++)
		gpu_new_bound(&make);
	file = first;
}

#define CREATE(m, n) \
	{ "create " #m " " #n " KiB", .run = gpu_create, .finish = gpu_destroy, \
	  .mode = SGDMA_GPU_MODE_ ## m, .size = KIB(n) }
#define BIND(m, n, b) \
	{ "bind " #m " " #n " KiB, " #b " bits", .run = gpu_bind, .prepare = gpu_new, \
	  .verify = gpu_verify, .finish = gpu_destroy, \
	  .mode = SGDMA_GPU_MODE_ ## m, .size = KIB(n), .bits = b }
#define SIMPLE(request, m, new) \
	{ #request, .run = gpu_simple, .prepare = new, .verify = gpu_verify, \
	  .finish = gpu_destroy, .nr = SGDMA_GPU_ ## request, .mode = SGDMA_GPU_MODE_ ## m, \
	  .size = KIB(64), .bits = 64 }
#define TRANSFER(request, m) \
	{ #request " " #m, .run = gpu_transfer, .prepare = gpu_new_bound, \
	  .verify = gpu_verify_transfer, .finish = gpu_destroy, .nr = SGDMA_GPU_ ## request, \
	  .mode = SGDMA_GPU_MODE_ ## m, .size = KIB(16), .bits = 64 }

static const struct operation gpu_operations[] = {
	OPEN, CLOSE,
	{ "close with objects", .run = close_node, .prepare = gpu_open_full, .never_fails = true,
	  .size = KIB(64) },
	CREATE(COHERENT, 128), CREATE(POPULATE, 128), CREATE(BIND, 128), CREATE(POPULATE, 256),
	{ "destroy", .run = gpu_simple, .prepare = gpu_new_bound, .never_fails = true,
	  .nr = SGDMA_GPU_DESTROY, .mode = SGDMA_GPU_MODE_BIND, .size = KIB(64), .bits = 64 },
	SIMPLE(MAP, POPULATE, gpu_new_unmapped), SIMPLE(UNMAP, POPULATE, gpu_new),
	SIMPLE(UNBIND, BIND, gpu_new_bound),
	BIND(COHERENT, 8, 64), BIND(POPULATE, 8, 32), BIND(BIND, 128, 64), BIND(BIND, 4, 64),
	TRANSFER(READ, POPULATE), TRANSFER(WRITE, POPULATE), TRANSFER(WRITE, COHERENT),
	TRANSFER(FETCH, BIND), TRANSFER(STORE, BIND),
	{ "COPY", .run = gpu_copy, .prepare = gpu_new_two, .verify = gpu_verify,
	  .finish = gpu_destroy_two, .mode = SGDMA_GPU_MODE_POPULATE, .size = KIB(16), .bits = 64 },
	{ "mmap", .run = gpu_mmap, .prepare = gpu_new, .verify = gpu_verify_mmap,
	  .finish = gpu_destroy, .mode = SGDMA_GPU_MODE_POPULATE, .size = KIB(64) },
};

/* sgdma_rdma */

static struct sgdma_rdma_reg region;

static long rdma_reg(const struct operation *op)
{
	region = (struct sgdma_rdma_reg){
		.addr = (unsigned long)buffer, .len = op->size,
		.iova = (unsigned long)buffer % PAGE,
		.flags = SGDMA_RDMA_LOCAL_WRITE | SGDMA_RDMA_REMOTE_WRITE |
			 SGDMA_RDMA_REMOTE_READ | op->mode,
	};
	return ioctl(file, SGDMA_RDMA_REG, &region);
}

/* Memory that is there, or else it would be what is allocated. */
static void rdma_fill(const struct operation *op)
{
	(void)op;
	fill(buffer);
}

static void rdma_new(const struct operation *op)
{
	rdma_fill(op);
	must(rdma_reg(op), "register");
}

static long rdma_dereg(const struct operation *op)
{
	struct sgdma_rdma_dereg request = { .key = region.key };

	(void)op;
	return ioctl(file, SGDMA_RDMA_DEREG, &request);
}

static void rdma_must_dereg(const struct operation *op)
{
	must(rdma_dereg(op), "deregister");
}

static long rdma_io(const struct operation *op)
{
	struct sgdma_rdma_io io = {
		.key = region.key, .len = op->size, .user = (unsigned long)peer,
	};
	bool write = op->nr == SGDMA_RDMA_WRITE;

	fill(write ? peer : buffer);
	memset(write ? buffer : peer, 0, op->size);
	return ioctl(file, op->nr, &io);
}

static void rdma_verify(const struct operation *op)
{
	compare(buffer, op->size, "other bytes in the region");
	compare(peer, op->size, "other bytes than the peer's");
}

/* A file with regions of both kinds. */
static void rdma_open_full(const struct operation *op)
{
	struct operation make = { .size = op->size };
	int first = file;

	must_open(op);
	file = second;
	rdma_new(&make);
	make.mode = SGDMA_RDMA_SOFT;
	rdma_new(&make);
	file = first;
}

#define REGION(text, flags, n) \
	.name = text " " #n " KiB", .mode = flags, .size = KIB(n)
#define REG(text, flags, n) \
	{ REGION("register " text, flags, n), .run = rdma_reg, .prepare = rdma_fill, \
	  .finish = rdma_must_dereg }
#define RDMA_IO(request, text, flags, n) \
	{ REGION(#request " " text, flags, n), .run = rdma_io, .prepare = rdma_new, \
	  .verify = rdma_verify, .finish = rdma_must_dereg, .nr = SGDMA_RDMA_ ## request }

static const struct operation rdma_operations[] = {
	OPEN, CLOSE,
	{ REGION("close with regions", 0, 64), .run = close_node, .prepare = rdma_open_full,
	  .never_fails = true },
	REG("hard", 0, 8), REG("hard", 0, 256), REG("soft", SGDMA_RDMA_SOFT, 256),
	REG("flat", SGDMA_RDMA_FLAT, 16),
	{ REGION("deregister", 0, 64), .run = rdma_dereg, .prepare = rdma_new,
	  .never_fails = true },
	RDMA_IO(READ, "hard", 0, 8), RDMA_IO(READ, "soft", SGDMA_RDMA_SOFT, 64),
	RDMA_IO(WRITE, "hard", 0, 8), RDMA_IO(WRITE, "soft", SGDMA_RDMA_SOFT, 64),
};

/* sgdma_camera: a file is a stream of its own */

#define WIDTH	64u
#define LINE	(WIDTH * sizeof(__u16))

static struct sgdma_camera_frame frame;

static long camera(const struct operation *op)
{
	struct sgdma_camera_format format = { .width = WIDTH, .height = op->size / LINE };
	struct sgdma_camera_request buffers = { .count = 2, .contiguous = op->mode };
	struct sgdma_camera_index first = {};
	struct sgdma_camera_stream stream = { .on = 1 };
	struct sgdma_camera_dummy dummy = { .user = (unsigned long)buffer };

	frame = (struct sgdma_camera_frame){};
	switch (op->nr) {
	case SGDMA_CAMERA_FORMAT:	return ioctl(second, op->nr, &format);
	case SGDMA_CAMERA_REQUEST:	return ioctl(second, op->nr, &buffers);
	case SGDMA_CAMERA_QUEUE:	return ioctl(second, op->nr, &first);
	case SGDMA_CAMERA_STREAM:	return ioctl(second, op->nr, &stream);
	case SGDMA_CAMERA_DEQUEUE:	return ioctl(second, op->nr, &frame);
	}
	return ioctl(second, op->nr, &dummy);
}

/* A file with all that has to be asked for before this. */
static void camera_open(const struct operation *op)
{
	struct operation step = *op;
	static const unsigned long steps[] = {
		SGDMA_CAMERA_FORMAT, SGDMA_CAMERA_REQUEST, SGDMA_CAMERA_QUEUE, SGDMA_CAMERA_STREAM,
	};

	must_open(op);
	for (unsigned int i = 0; i < COUNT(steps) && steps[i] != op->nr; i++) {
		step.nr = steps[i];
		must(camera(&step), "a request before it");
	}
}

/* Whether the frame is what the sensor saw. */
static void camera_compare(const __u16 *pixels, unsigned long len)
{
	for (unsigned int i = 0; i < len / sizeof(*pixels); i++)
		expect(pixels[i] == sgdma_camera_pixel(frame.picture, i / WIDTH, i % WIDTH),
		       "another picture");
}

static __u64 camera_offset(void)
{
	struct sgdma_camera_buffer query = {};

	must(ioctl(second, SGDMA_CAMERA_QUERY, &query), "query");
	return query.mmap_offset;
}

static long camera_read(const struct operation *op)
{
	must(lseek(second, camera_offset(), SEEK_SET), "seek");
	return read(second, buffer, op->size);
}

static void camera_verify(const struct operation *op)
{
	expect(frame.bytes_used == op->size && !frame.flags, "not all of a frame");
	must(camera_read(op), "read");
	camera_compare((const __u16 *)buffer, op->size);
}

static void camera_new_frame(const struct operation *op)
{
	struct operation dequeue = { .nr = SGDMA_CAMERA_DEQUEUE };

	camera_open(op);
	must(camera(&dequeue), "dequeue");
}

static long camera_mmap(const struct operation *op)
{
	mapping = mmap(NULL, op->size, PROT_READ, MAP_SHARED, second, camera_offset());
	return mapping == MAP_FAILED ? -1 : 0;
}

static void camera_verify_mmap(const struct operation *op)
{
	camera_compare(mapping, op->size);
	must(munmap(mapping, op->size), "munmap");
}

#define FRAMES(n)	.prepare = camera_open, .finish = must_close, .size = KIB(n)
#define CAMERA(request, n) \
	{ #request " " #n " KiB", .run = camera, FRAMES(n), .nr = SGDMA_CAMERA_ ## request }

static const struct operation camera_operations[] = {
	OPEN, CLOSE,
	{ "close with buffers", .run = close_node, .prepare = camera_new_frame, .size = KIB(64),
	  .never_fails = true },
	CAMERA(FORMAT, 64), CAMERA(REQUEST, 64), CAMERA(REQUEST, 256),
	{ "REQUEST contiguous 256 KiB", .run = camera, FRAMES(256), .mode = 1,
	  .nr = SGDMA_CAMERA_REQUEST },
	CAMERA(QUEUE, 64), CAMERA(STREAM, 64), CAMERA(DUMMY, 64),
	{ "DEQUEUE 16 KiB", .run = camera, FRAMES(16), .verify = camera_verify,
	  .nr = SGDMA_CAMERA_DEQUEUE },
	{ "read 16 KiB", .run = camera_read, .prepare = camera_new_frame, .finish = must_close,
	  .size = KIB(16) },
	{ "mmap 16 KiB", .run = camera_mmap, .prepare = camera_new_frame,
	  .verify = camera_verify_mmap, .finish = must_close, .size = KIB(16) },
};

/* Nodes are called after their drivers. */
static const struct {
	const char *driver;
	const struct operation *operations;
	unsigned int count;
} files[] = {
#define FILES(driver)	{ "sgdma_" #driver, driver ## _operations, COUNT(driver ## _operations) }
	FILES(exert),
	FILES(gpu),
	FILES(rdma),
	FILES(camera),
};

static void with_files(void)
{
	static const char dev[] = "/dev/";

	for (unsigned int i = 0; i < COUNT(files); i++) {
		const char *driver = files[i].driver;

		if (strncmp(node + strlen(dev), driver, strlen(driver)))
			continue;
		file = must(open(node, O_RDWR), node);
		for (unsigned int j = 0; j < files[i].count; j++)
			go_through(driver, &files[i].operations[j]);
		return;
	}
	expect(false, "no operations are known for this node");
}

/* Several processes, each with tables of its own for the one device. */
static void crowd(unsigned int processes, unsigned int rounds, bool shares)
{
	static const unsigned long requests[] = {
		SGDMA_EXERT_ALLOC, SGDMA_EXERT_ATOMIC, SGDMA_EXERT_BLOCKS, SGDMA_EXERT_BYTES,
		SGDMA_EXERT_MAP, SGDMA_EXERT_SHARE,
	};
	/* The last one is for a device that is coherent. */
	const unsigned int count = COUNT(requests) - !shares;
	int status;

	for (unsigned int i = 0; i < processes; i++) {
		unsigned int random = i;

		if (must(fork(), "fork"))
			continue;
		snprintf(doing, sizeof(doing), "process %u: ", i);
		file = must(open(node, O_RDWR), node);
		for (unsigned int j = 0; j < rounds; j++) {
			unsigned long nr = requests[(i + j) % count];

			random = random * 1664525 + 1013904223;
			must(ioctl(file, nr, ((random >> 16) % 96 + 1) * PAGE), "table");
		}
		exit(0);
	}
	for (unsigned int i = 0; i < processes; i++) {
		must(wait(&status), "wait");
		expect(!status, "a process has failed");
	}
	SAY(1, "%u processes mapped %u tables each: ok\n", processes, rounds);
}

/* Fills the bounce buffers with objects, again and again. */
static void exhaust(unsigned int rounds)
{
	static struct sgdma_gpu_create objects[64];
	unsigned int failed = 0;

	file = must(open(node, O_RDWR), node);
	for (unsigned int round = 0; round < rounds; round++) {
		const struct operation op = {
			.mode = SGDMA_GPU_MODE_POPULATE, .size = KIB(4096) + round * PAGE,
		};
		unsigned int n = 0;

		for (; n < COUNT(objects) && !gpu_create(&op); n++)
			objects[n] = created;
		expect(n && n < COUNT(objects), "the pool has no end, or nothing fits");
		expect(errno == ENOMEM || errno == EIO, "refused for another reason");
		failed++;
		/* Room that is given back may be in pieces that are too small for the next object. */
		do {
			expect(n, "nothing fits although all was given back");
			created = objects[--n];
			gpu_destroy(&op);
		} while (gpu_create(&op));
		gpu_destroy(&op);
		while (n) {
			created = objects[--n];
			gpu_destroy(&op);
		}
	}
	SAY(1, "%u mappings refused for want of room: ok\n", failed);
}

int main(int argc, char **argv)
{
	const char *command;
	char count[12];

	if (argc > 1 && !strcmp(argv[1], "thorough")) {
		thorough = true;
		argc--;
		argv++;
	}
	command = argc > 2 ? argv[1] : "";
	node = argc > 2 ? argv[2] : "";
	if (!strcmp(command, "module") && argc >= 4) {
		module_file = argv[2];
		module_name = argv[3];
		address = argc > 4 ? argv[4] : NULL;
		snprintf(bind_path, sizeof(bind_path), "/sys/bus/pci/drivers/%s/bind", argv[3]);
		snprintf(unbind_path, sizeof(unbind_path), "/sys/bus/pci/drivers/%s/unbind",
			 argv[3]);
		snprintf(bound_path, sizeof(bound_path), "/sys/bus/pci/drivers/%s/%s", argv[3],
			 address ? address : "");
		set_up();
		with_module();
	} else if (!strcmp(command, "files") && argc == 3) {
		set_up();
		with_files();
	} else if (!strcmp(command, "crowd") && (argc == 5 || argc == 6)) {
		crowd(atoi(argv[3]), atoi(argv[4]), argc == 5);
	} else if (!strcmp(command, "exhaust") && argc == 4) {
		exhaust(atoi(argv[3]));
	} else {
		SAY(2, "[thorough] module FILE NAME [ADDRESS] | [thorough] files NODE |\n");
		SAY(2, "crowd NODE PROCESSES ROUNDS [unshared] | exhaust NODE ROUNDS\n");
		return 2;
	}
	/* How many, for who counts them. */
	if (fail_nth)
		must(write(3, count, snprintf(count, sizeof(count), "%u\n", injected)), "count");
	return 0;
}
