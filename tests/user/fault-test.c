// SPDX-License-Identifier: GPL-2.0
/*
 * fault-test has the first allocation of an operation fail, then the second, and so on until the
 * operation makes no more. With each fault the operation fails or gets over the fault. The next try
 * must succeed, and data must be as before. Exits with 0, or prints the reason and exits with 1.
 *
 * This program does not look for leaks: the guest's other checks do.
 *
 * The kernel needs CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC and the stack trace filter. Allocations
 * without a module among their callers do not count.
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
#include "../modules/table_ops/sgdma_table_ops.h"

#define PROGRAM		"fault-test"
#include "../../samples/common/user/say.h"

#define PAGE		4096ull
#define KIB(n)		((n) * 1024ull)

/* The addresses of modules, without KASLR. */
#ifdef __aarch64__
#define MODULES_START	"0xffff800000000000"
#define MODULES_END	"0xffff800080000000"
#else
#define MODULES_START	"0xffffffffa0000000"
#define MODULES_END	"0xffffffffff000000"
#endif

static bool thorough;		/* leave no allocation out */
static unsigned int injected;	/* the number of faults so far */
static int fail_nth;		/* the open file of that name */

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
		/* A call trace of each fault would bury the rest of the log. */
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

/* Makes the @nth allocation of this task fail, counted from now. */
static void arm(unsigned int nth)
{
	char text[12];

	must(write(fail_nth, text, snprintf(text, sizeof(text), "%u", nth)), "fail-nth");
}

/* Returns true if the allocation was made. @left: how many more it would have taken. */
static bool disarm(unsigned int *left)
{
	char text[12] = "";

	must(syscall(__NR_pread64, fail_nth, text, sizeof(text) - 1, 0L), "fail-nth");
	arm(0);
	if (left)
		*left = atoi(text);
	return !atoi(text);
}

/* An operation to try. Faults are injected into @run only. */
struct operation {
	const char *name;
	long (*run)(const struct operation *op);	/* returns -1 with errno on failure */
	void (*prepare)(const struct operation *op);	/* before the first try of each fault */
	void (*verify)(const struct operation *op);	/* after success */
	void (*finish)(const struct operation *op);	/* after the last try of each fault */
	bool never_fails;
	bool by_core;					/* the driver core has other errors */
	bool slow;					/* each try waits for the device */
	unsigned long nr;				/* of an ioctl */
	__u32 mode, bits;
	__u64 size;
};

/* Returns true for the errors that a failed allocation may lead to. */
static bool is_refusal(const struct operation *op, int error)
{
	return error == ENOMEM || error == EIO || op->by_core;
}

/* Returns the number of allocations of an operation without faults. */
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
 * Returns the distance to the next allocation to fail. Most of @count are of the same kind, so some
 * are left out, but none of the first and the last ones. With @sparse, for operations that take
 * long, only the first three follow one by one.
 */
static unsigned int next_step(unsigned int nth, unsigned int count, bool sparse)
{
	unsigned int step;

	if (thorough || nth < 4 || (!sparse && (nth < 12 || nth + 24 >= count)))
		return 1;
	step = 1 + nth / 3;
	/* The last 24 follow one by one. */
	if (!sparse && nth + step + 24 > count)
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
			expect(!op->never_fails, "an operation that must not fail has failed");
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
		step = next_step(nth, count, op->by_core || op->slow);
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

/* The driver core registers a driver even if probe() failed: then binding is tried again. */
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
	static const struct operation operations[] = {
		{ "load", .run = load, .verify = verify_bound, .finish = must_unload,
		  .by_core = true },
		{ "unload", .run = unload, .prepare = must_load, .never_fails = true },
	};
	/* Without self-tests the module is loaded quickly. */
	static const char glob[] = "/sys/module/kunit/parameters/filter_glob";

	if (!access(glob, F_OK))
		put(glob, "none");
	for (unsigned int i = 0; i < COUNT(operations); i++)
		go_through(module_name, &operations[i]);
}

/* The driver is loaded, and bound at the end. */
static void with_driver(void)
{
	static const struct operation operations[] = {
		{ "bind", .run = bind, .prepare = must_unbind, .verify = verify_bound,
		  .by_core = true },
		{ "unbind", .run = unbind, .prepare = must_bind, .never_fails = true },
	};

	for (unsigned int i = 0; i < COUNT(operations); i++)
		go_through(module_name, &operations[i]);
	must_bind(NULL);
}

/* Takes a driver's name, and the name of its device on the PCI or platform bus if it has one. */
static void set_driver(const char *name, const char *device)
{
	const char *bus = "pci";

	module_name = name;
	address = device;
	if (device) {
		snprintf(bound_path, sizeof(bound_path), "/sys/bus/platform/devices/%s", device);
		if (!access(bound_path, F_OK))
			bus = "platform";
	}
	snprintf(bind_path, sizeof(bind_path), "/sys/bus/%s/drivers/%s/bind", bus, name);
	snprintf(unbind_path, sizeof(unbind_path), "/sys/bus/%s/drivers/%s/unbind", bus, name);
	snprintf(bound_path, sizeof(bound_path), "/sys/bus/%s/drivers/%s/%s", bus, name,
		 device ? device : "");
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

/* sgdma_table_ops */

static long table_ops(const struct operation *op)
{
	return ioctl(file, op->nr, op->size);
}

#define TABLE_OPS(name, n) \
	{ #name " " #n " KiB", .run = table_ops, .nr = SGDMA_TABLE_OPS_ ## name, .size = KIB(n) }

static const struct operation table_ops_operations[] = {
	OPEN, CLOSE,
	TABLE_OPS(ALLOC, 64), TABLE_OPS(ATOMIC, 64), TABLE_OPS(BLOCKS, 256), TABLE_OPS(BYTES, 64),
	/* One list has room for 128 entries, so the second needs a chain of lists. */
	TABLE_OPS(MAP, 64), TABLE_OPS(MAP, 640), TABLE_OPS(SHARE, 64),
	TABLE_OPS(RING, 64), TABLE_OPS(IOVA, 64), TABLE_OPS(IOVA, 640),
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

/* Makes an object with the bytes of fill(). */
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

/* Makes two bound objects, for a copy from the one to the other. */
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
	/* A gibibyte apart, so that each mapping allocates page tables. */
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

/* A descriptor of a dma-buf */
static int dma_buf;

static long gpu_export(const struct operation *op)
{
	struct sgdma_gpu_export request = { .handle = created.handle };
	long result = ioctl(file, SGDMA_GPU_EXPORT, &request);

	(void)op;
	dma_buf = request.fd;
	return result;
}

static void gpu_close_and_destroy(const struct operation *op)
{
	must(close(dma_buf), "close");
	gpu_destroy(op);
}

/* Makes a dma-buf that only a descriptor holds. */
static void gpu_new_exported(const struct operation *op)
{
	gpu_new(op);
	must(gpu_export(op), "export");
	gpu_destroy(op);
}

static long gpu_import(const struct operation *op)
{
	struct sgdma_gpu_import request = { .fd = dma_buf };
	long result = ioctl(file, SGDMA_GPU_IMPORT, &request);

	(void)op;
	created.handle = request.handle;
	return result;
}

/* Opens a file with an object of each mode, bound. */
static void gpu_open_full(const struct operation *op)
{
	struct operation make = { .size = op->size, .bits = 64 };
	int first = file;

	must_open(op);
	file = second;
	for (make.mode = SGDMA_GPU_MODE_COHERENT; make.mode <= SGDMA_GPU_MODE_DMABUF; make.mode++)
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
#define TRANSFER(request, m, ...) \
	{ #request " " #m, .run = gpu_transfer, .prepare = gpu_new_bound, \
	  .verify = gpu_verify_transfer, .finish = gpu_destroy, .nr = SGDMA_GPU_ ## request, \
	  .mode = SGDMA_GPU_MODE_ ## m, .size = KIB(16), .bits = 64, ##__VA_ARGS__ }

static const struct operation gpu_operations[] = {
	OPEN, CLOSE,
	{ "close with objects", .run = close_node, .prepare = gpu_open_full, .never_fails = true,
	  .size = KIB(64) },
	CREATE(COHERENT, 128), CREATE(POPULATE, 128), CREATE(BIND, 128), CREATE(POPULATE, 256),
	CREATE(DMABUF, 64),
	{ "destroy", .run = gpu_simple, .prepare = gpu_new_bound, .never_fails = true,
	  .nr = SGDMA_GPU_DESTROY, .mode = SGDMA_GPU_MODE_BIND, .size = KIB(64), .bits = 64 },
	SIMPLE(MAP, POPULATE, gpu_new_unmapped), SIMPLE(UNMAP, POPULATE, gpu_new),
	SIMPLE(UNBIND, BIND, gpu_new_bound),
	BIND(COHERENT, 8, 64), BIND(POPULATE, 8, 32), BIND(BIND, 128, 64), BIND(BIND, 4, 64),
	BIND(DMABUF, 64, 64),
	TRANSFER(READ, POPULATE), TRANSFER(WRITE, POPULATE), TRANSFER(WRITE, COHERENT),
	TRANSFER(READ, DMABUF), TRANSFER(WRITE, DMABUF),
	/* The others do the same as FETCH, in other directions. */
	TRANSFER(FETCH, BIND), TRANSFER(STORE, BIND, .slow = true),
	{ "COPY", .run = gpu_copy, .prepare = gpu_new_two, .verify = gpu_verify, .slow = true,
	  .finish = gpu_destroy_two, .mode = SGDMA_GPU_MODE_POPULATE, .size = KIB(16), .bits = 64 },
	{ "mmap", .run = gpu_mmap, .prepare = gpu_new, .verify = gpu_verify_mmap,
	  .finish = gpu_destroy, .mode = SGDMA_GPU_MODE_POPULATE, .size = KIB(64) },
	{ "EXPORT", .run = gpu_export, .prepare = gpu_new, .verify = gpu_verify,
	  .finish = gpu_close_and_destroy, .mode = SGDMA_GPU_MODE_DMABUF, .size = KIB(64) },
	{ "IMPORT", .run = gpu_import, .prepare = gpu_new_exported, .verify = gpu_verify,
	  .finish = gpu_close_and_destroy, .mode = SGDMA_GPU_MODE_DMABUF, .size = KIB(64) },
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

/* Writes to the buffer, because the first access to its pages would allocate them. */
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

/* Opens a file with regions of both kinds. */
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
#define RDMA_IO(request, text, flags, n, ...) \
	{ REGION(#request " " text, flags, n), .run = rdma_io, .prepare = rdma_new, \
	  .verify = rdma_verify, .finish = rdma_must_dereg, .nr = SGDMA_RDMA_ ## request, \
	  ##__VA_ARGS__ }

static const struct operation rdma_operations[] = {
	OPEN, CLOSE,
	{ REGION("close with regions", 0, 64), .run = close_node, .prepare = rdma_open_full,
	  .never_fails = true },
	REG("hard", 0, 8), REG("hard", 0, 256), REG("soft", SGDMA_RDMA_SOFT, 256),
	REG("flat", SGDMA_RDMA_FLAT, 16),
	{ REGION("deregister", 0, 64), .run = rdma_dereg, .prepare = rdma_new,
	  .never_fails = true },
	RDMA_IO(READ, "hard", 0, 8), RDMA_IO(READ, "soft", SGDMA_RDMA_SOFT, 64),
	RDMA_IO(WRITE, "hard", 0, 8, .slow = true), RDMA_IO(WRITE, "soft", SGDMA_RDMA_SOFT, 64),
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

/* Opens a file and makes all requests that have to come before this one. */
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

/* Compares a frame with the picture of the sensor. */
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
	{ "DEQUEUE 16 KiB", .run = camera, FRAMES(16), .verify = camera_verify, .slow = true,
	  .nr = SGDMA_CAMERA_DEQUEUE },
	{ "read 16 KiB", .run = camera_read, .prepare = camera_new_frame, .finish = must_close,
	  .size = KIB(16) },
	{ "mmap 16 KiB", .run = camera_mmap, .prepare = camera_new_frame,
	  .verify = camera_verify_mmap, .finish = must_close, .size = KIB(16) },
};

/* sgdma_virtio: a disk, whose last MiB is for bytes that do not stay */

#define VIRTIO_AT	(15L << 20)

static long virtio_transfer(const struct operation *op, long nr)
{
	long n = syscall(nr, file, buffer, op->size, VIRTIO_AT);

	return n < 0 ? n : must(n == (long)op->size ? 0 : -1, "fewer bytes");
}

static long virtio_write(const struct operation *op)
{
	fill(buffer);
	return virtio_transfer(op, __NR_pwrite64);
}

static void virtio_must_write(const struct operation *op)
{
	must(virtio_write(op), "write");
}

static long virtio_read(const struct operation *op)
{
	memset(buffer, 0, op->size);
	return virtio_transfer(op, __NR_pread64);
}

static void virtio_verify(const struct operation *op)
{
	must(virtio_read(op), "read");
	compare(buffer, op->size, "other bytes on the disk");
}

static const struct operation virtio_operations[] = {
	OPEN, CLOSE,
	{ "write 64 KiB", .run = virtio_write, .verify = virtio_verify, .size = KIB(64) },
	{ "read 64 KiB", .run = virtio_read, .prepare = virtio_must_write, .verify = virtio_verify,
	  .size = KIB(64) },
};

/* The operations by driver. The name of a node begins with its driver's. */
static const struct {
	const char *driver;
	const struct operation *operations;
	unsigned int count;
} files[] = {
#define FILES(driver)	{ "sgdma_" #driver, driver ## _operations, COUNT(driver ## _operations) }
	FILES(table_ops),
	FILES(gpu),
	FILES(rdma),
	FILES(camera),
	FILES(virtio),
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

/* Several processes map tables for one device at the same time. */
static void crowd(unsigned int processes, unsigned int rounds, bool shares)
{
	static const unsigned long requests[] = {
		SGDMA_TABLE_OPS_ALLOC, SGDMA_TABLE_OPS_ATOMIC, SGDMA_TABLE_OPS_BLOCKS,
		SGDMA_TABLE_OPS_BYTES, SGDMA_TABLE_OPS_MAP, SGDMA_TABLE_OPS_RING,
		SGDMA_TABLE_OPS_IOVA, SGDMA_TABLE_OPS_SHARE,
	};
	/* Only a coherent device takes the last one. */
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

/* Fills the bounce buffers with objects, in each round until one is refused. */
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
		expect(n && n < COUNT(objects), "the pool has no end, or no room for an object");
		expect(errno == ENOMEM || errno == EIO, "refused for another reason");
		failed++;
		/* The room that is given back may be in pieces, too small for an object. */
		do {
			expect(n, "no object fits although all were given back");
			created = objects[--n];
			gpu_destroy(&op);
		} while (gpu_create(&op));
		gpu_destroy(&op);
		while (n) {
			created = objects[--n];
			gpu_destroy(&op);
		}
	}
	SAY(1, "%u mappings refused without room: ok\n", failed);
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
		set_driver(argv[3], argc > 4 ? argv[4] : NULL);
		set_up();
		with_module();
	} else if (!strcmp(command, "driver") && argc == 4) {
		set_driver(argv[2], argv[3]);
		set_up();
		with_driver();
	} else if (!strcmp(command, "files") && argc == 3) {
		set_up();
		with_files();
	} else if (!strcmp(command, "crowd") && (argc == 5 || argc == 6)) {
		crowd(atoi(argv[3]), atoi(argv[4]), argc == 5);
	} else if (!strcmp(command, "exhaust") && argc == 4) {
		exhaust(atoi(argv[3]));
	} else {
		SAY(2, "[thorough] module FILE NAME [ADDRESS] |\n");
		SAY(2, "[thorough] driver NAME ADDRESS | [thorough] files NODE |\n");
		SAY(2, "crowd NODE PROCESSES ROUNDS [unshared] | exhaust NODE ROUNDS\n");
		return 2;
	}
	/* The guest's script adds up the numbers. */
	if (fail_nth)
		must(write(3, count, snprintf(count, sizeof(count), "%u\n", injected)), "count");
	return 0;
}
