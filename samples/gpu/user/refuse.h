/* SPDX-License-Identifier: GPL-2.0 */
/* Bad requests. */
#ifndef SGDMA_GPU_REFUSE_H
#define SGDMA_GPU_REFUSE_H

#include "exercise.h"

/* Makes each request with handle @h, and otherwise right but for @pad. */
static void refuse_handle(int fd, const char *what, int expected, __u32 h, __u32 good, __u32 pad)
{
	/* The last three requests have no pad that must be zero. */
	static const unsigned long nrs[] = {
		SGDMA_GPU_DESTROY, SGDMA_GPU_MAP, SGDMA_GPU_UNMAP, SGDMA_GPU_UNBIND,
		SGDMA_GPU_EXPORT,
		SGDMA_GPU_READ, SGDMA_GPU_WRITE, SGDMA_GPU_FETCH, SGDMA_GPU_STORE,
		SGDMA_GPU_BIND, SGDMA_GPU_COPY, SGDMA_GPU_INFO,
	};
	unsigned int count = COUNT(nrs) - (pad ? 3 : 0);

	for (unsigned int i = 0; i < count; i++) {
		union request r = nrs[i] == SGDMA_GPU_BIND ? OF_BIND(h, 64) :
				  nrs[i] == SGDMA_GPU_COPY ? OF_COPY(h, good) :
				  OF_IO(h, 0, PAGE, buffer);

		if (pad)
			r.only.pad = pad;
		snprintf(doing, sizeof(doing), "request 0x%lx with %s", nrs[i] & 0xff, what);
		refused(doing, expected, ioctl(fd, nrs[i], &r));
	}
	SAY(1, "refused %u requests with %s: %s\n", count, what, error_text(expected));
	doing[0] = 0;
}

/* plain is not bound, evicted is not mapped either, small is smaller than the others */
static struct object plain, bound, small, evicted, shared, gone, other;

static void refuse_requests(int fd)
{
	const __u64 size = plain.size;
	const __u32 p = plain.handle, b = bound.handle;
	const struct {
		const char *what;
		int error;
		unsigned long nrs[2];	/* two requests refused alike, or one and zero */
		union request r;
	} bad[] = {
#define BAD(what, error, nr, r)		{ #nr " " what, error, { SGDMA_GPU_ ## nr }, r }
#define BAD2(what, error, nr, nr2, r)	\
	{ #nr ", " #nr2 " " what, error, { SGDMA_GPU_ ## nr, SGDMA_GPU_ ## nr2 }, r }
		BAD("of nothing", EINVAL, CREATE, OF_CREATE(0, 0)),
		BAD("of 4095 bytes", EINVAL, CREATE, OF_CREATE(PAGE - 1, 0)),
		BAD("of 4097 bytes", EINVAL, CREATE, OF_CREATE(PAGE + 1, 0)),
		BAD("of too much", EFBIG, CREATE, OF_CREATE(SGDMA_GPU_MAX_SIZE + PAGE, 0)),
		BAD("of 4 GiB and a page", EFBIG, CREATE, OF_CREATE(MIB(4096) + PAGE, 0)),
		BAD("in mode 9", EINVAL, CREATE, OF_CREATE(PAGE, 9)),
		{ "an unknown number", ENOTTY, { _IOWR('G', 0xef, __u64) }, OF_HANDLE(p) },
		{ "CREATE, INFO of another length", ENOTTY,
		  { _IOWR('G', 0xe0, __u64), _IOWR('G', 0xeb, __u64) }, OF_CREATE(PAGE, 0) },

		BAD2("beyond the end", EINVAL, READ, WRITE, OF_IO(p, size, PAGE, buffer)),
		BAD2("across the end", EINVAL, READ, WRITE, OF_IO(p, size - 1, 2, buffer)),
		BAD2("that wraps", EINVAL, READ, WRITE, OF_IO(p, -PAGE, 2 * PAGE, buffer)),
		BAD2("of a wrapping length", EINVAL, READ, WRITE, OF_IO(p, PAGE, -1ull, buffer)),
		BAD2("at address 0", EFAULT, READ, WRITE, OF_IO(p, 0, PAGE, 0)),
		BAD2("at a kernel address", EFAULT, READ, WRITE, OF_IO(p, 0, PAGE, -PAGE)),

		BAD2("of what is not bound", EINVAL, FETCH, STORE, OF_IO(p, 0, PAGE, buffer)),
		BAD2("at half a page", EINVAL, FETCH, STORE, OF_IO(b, PAGE / 2, PAGE, buffer)),
		BAD2("of half a page", EINVAL, FETCH, STORE, OF_IO(b, 0, PAGE / 2, buffer)),
		BAD2("beyond the end", EINVAL, FETCH, STORE, OF_IO(b, size, PAGE, buffer)),
		BAD2("that wraps", EINVAL, FETCH, STORE, OF_IO(b, -PAGE, 2 * PAGE, buffer)),
		BAD2("at address 0", EFAULT, FETCH, STORE, OF_IO(b, 0, PAGE, 0)),

		BAD("with 16 bits", EINVAL, BIND, OF_BIND(p, 16)),
		BAD("of what is bound", EBUSY, BIND, OF_BIND(b, 64)),
		BAD("of what is bound", EBUSY, UNMAP, OF_HANDLE(b)),
		BAD("of what is not bound", EINVAL, UNBIND, OF_HANDLE(p)),
		BAD("of what is mapped", EINVAL, MAP, OF_HANDLE(p)),
		BAD("of what is not mapped", EINVAL, UNMAP, OF_HANDLE(evicted.handle)),

		BAD("of mapped pages", EINVAL, EXPORT, OF_EXPORT(p)),
		BAD("of bound pages", EINVAL, EXPORT, OF_EXPORT(b)),
		BAD("of coherent memory", EINVAL, EXPORT, OF_EXPORT(shared.handle)),
		BAD("of a node", EINVAL, IMPORT, OF_IMPORT(fd)),
		BAD("of no descriptor", EBADF, IMPORT, OF_IMPORT(-1)),

		BAD("onto itself", EINVAL, COPY, OF_COPY(b, b)),
		BAD("to another size", EINVAL, COPY, OF_COPY(b, small.handle)),
		BAD("from what is not bound", EINVAL, COPY, OF_COPY(p, b)),
		BAD("to what is not bound", EINVAL, COPY, OF_COPY(b, p)),
		BAD("to a destroyed handle", ENOENT, COPY, OF_COPY(b, gone.handle)),
	};

	for (unsigned int i = 0; i < COUNT(bad); i++) {
		for (unsigned int j = 0; j < 2 && bad[i].nrs[j]; j++) {
			union request r = bad[i].r;

			refused(bad[i].what, bad[i].error, ioctl(fd, bad[i].nrs[j], &r));
		}
		SAY(1, "refused %s: %s\n", bad[i].what, error_text(bad[i].error));
	}
}

static void refuse_mmap(int fd, const char *what, __u64 size, __u64 offset, int flags)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);

	refused(what, errno == ENOENT ? ENOENT : EINVAL, map == MAP_FAILED ? -1 : 0);
	SAY(1, "refused %s: %s\n", what, error_text(errno));
}

#define REFUSE_ANSWER(what, fd, nr, r) \
	refuse_answer(what, fd, nr, &(r), sizeof(union request))

/* Returns the number of objects of a file: tries all handles that were given out. */
static unsigned int objects(int fd)
{
	unsigned int count = 0;
	struct object last;

	must(create(&last, fd, PAGE, SGDMA_GPU_MODE_BIND), "create");
	handle(&last, SGDMA_GPU_DESTROY, "destroy");
	for (__u32 h = 1; h < last.handle; h++) {
		union request r = OF_HANDLE(h);

		count += !ioctl(fd, SGDMA_GPU_INFO, &r);
	}
	return count;
}

/* If the answer cannot be written to user space, the request has no effect. */
static void refuse_answers(int fd)
{
	unsigned int before = objects(fd), after;

	for (unsigned int i = 0; i < 9; i++)
		REFUSE_ANSWER("CREATE", fd, SGDMA_GPU_CREATE,
			      OF_CREATE(SURE_SIZE, SGDMA_GPU_MODE_COHERENT + i % 3));
	after = objects(fd);
	SAY(1, "%u objects before 9 without an answer, %u after\n", before, after);
	expect(before == after, "objects stay whose handle nobody was told");

	REFUSE_ANSWER("INFO", fd, SGDMA_GPU_INFO, OF_HANDLE(plain.handle));
	REFUSE_ANSWER("BIND", fd, SGDMA_GPU_BIND, OF_BIND(plain.handle, 64));
	expect_state(&plain, SGDMA_GPU_MODE_POPULATE, false);
	REFUSE_ANSWER("BIND of what is not mapped", fd, SGDMA_GPU_BIND,
		      OF_BIND(evicted.handle, 64));
	expect_state(&evicted, SGDMA_GPU_MODE_BIND, false);

	write_all(&plain);
	must(try_bind(&plain, 64, NULL), "bind");
	REFUSE_ANSWER("COPY", fd, SGDMA_GPU_COPY, OF_COPY(bound.handle, plain.handle));
	read_all(&plain, "not copied");
	handle(&plain, SGDMA_GPU_UNBIND, "unbind");
}

static void refuse(int fd, const char *node)
{
	int other_fd = must(open(node, O_RDWR), node);
	struct sgdma_gpu_info info, gone_info;
	const __u64 size = 4 * PAGE, page = getpagesize(), mapped = 4 * page;
	union request copy;

	must(create(&plain, fd, size, SGDMA_GPU_MODE_POPULATE), "create");
	must(create(&bound, fd, size, SGDMA_GPU_MODE_BIND), "create");
	must(create(&small, fd, size / 2, SGDMA_GPU_MODE_POPULATE), "create");
	must(create(&evicted, fd, size, SGDMA_GPU_MODE_BIND), "create");
	must(create(&shared, fd, mapped, SGDMA_GPU_MODE_COHERENT), "create");
	must(create(&gone, fd, mapped, SGDMA_GPU_MODE_COHERENT), "create");
	/* The other file gives out so many handles that this file has never given out the last. */
	for (unsigned int i = 0; i < 9; i++)
		must(create(&other, other_fd, size, SGDMA_GPU_MODE_POPULATE), "create");
	info = look(&shared);
	gone_info = look(&gone);
	handle(&gone, SGDMA_GPU_DESTROY, "destroy");
	write_all(&bound);
	must(try_bind(&bound, 64, NULL), "bind");
	must(try_bind(&small, 32, NULL), "bind");

	refuse_requests(fd);
	refused("INFO at address 0", EFAULT, ioctl(fd, SGDMA_GPU_INFO, NULL));
	SAY(1, "refused INFO at address 0: %s\n", error_text(EFAULT));
	refuse_handle(fd, "handle 0", ENOENT, 0, bound.handle, 0);
	refuse_handle(fd, "a handle never given", ENOENT, 0x7ffffff0, bound.handle, 0);
	refuse_handle(fd, "another file's handle", ENOENT, other.handle, bound.handle, 0);
	refuse_handle(fd, "a destroyed handle", ENOENT, gone.handle, bound.handle, 0);
	refuse_handle(fd, "a pad", EINVAL, bound.handle, bound.handle, 1);
	refuse_mmap(fd, "mmap of too much", mapped + page, info.mmap_offset, MAP_SHARED);
	refuse_mmap(fd, "mmap across the end", mapped, info.mmap_offset + page, MAP_SHARED);
	refuse_mmap(fd, "private mmap", mapped, info.mmap_offset, MAP_PRIVATE);
	refuse_mmap(fd, "mmap of a destroyed handle", mapped, gone_info.mmap_offset, MAP_SHARED);

	refuse_answers(fd);

	/* No bad request has done any harm. */
	map_shared(&shared, &info);
	fetch(&bound, 0, bound.pages);
	must(try_bind(&plain, 64, NULL), "bind");
	copy = OF_COPY(bound.handle, plain.handle);
	must(ioctl(fd, SGDMA_GPU_COPY, &copy), "copy");
	plain.seed = bound.seed;
	read_all(&plain, "copied");
	SAY(1, "%u requests refused: ok\n", refusals);
}

#endif
