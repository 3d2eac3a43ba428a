// SPDX-License-Identifier: GPL-2.0
/*
 * gpu-test: makes every request of sgdma_gpu.h to /dev/sgdma_gpu-*, and checks
 * the results. Exits with 0 if all results are right, with 1 if one is wrong,
 * with 2 on wrong usage.
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../sgdma_gpu.h"

#define PROGRAM		"gpu-test"
#include "../../common/user/say.h"

#define PAGE		4096ull
#define KIB(n)		((n) * 1024ull)
#define MIB(n)		((n) * 1024 * 1024ull)

/* A size for which there is room also where all memory bounces. */
#define SURE_SIZE	MIB(4)

static char buffer[MIB(1)];
static __u64 fetched, stored;	/* pages */
static bool sharing;		/* the CPU and the device use objects at the same time */

/* Requests */

union request {
	__u32 handle;	/* the first field of all requests but CREATE */
	struct sgdma_gpu_create create;
	struct sgdma_gpu_handle only;
	struct sgdma_gpu_bind bind;
	struct sgdma_gpu_io io;
	struct sgdma_gpu_copy copy;
	struct sgdma_gpu_info info;
};

#define OF_CREATE(s, m)	((union request){ .create = { .size = (s), .mode = (m) } })
#define OF_HANDLE(h)	((union request){ .info = { .handle = (h) } })
#define OF_BIND(h, b)	((union request){ .bind = { .handle = (h), .entry_bits = (b) } })
#define OF_COPY(s, d)	((union request){ .copy = { .src = (s), .dst = (d), .pages = ~0ULL } })
#define OF_IO(h, o, l, u) ((union request){ \
	.io = { .handle = (h), .offset = (o), .len = (l), .user = (unsigned long)(u) } })

/* Objects and their contents */

struct object {
	int fd;
	__u32 handle;
	__u64 size, pages;
	__u64 seed;		/* the contents of all pages but the changed ones */
	unsigned int changes;
	struct {
		__u64 page, seed;
	} changed[8];
};

static __u64 seeds;

static int create(struct object *o, int fd, __u64 size, __u32 mode)
{
	union request r = OF_CREATE(size, mode);

	if (ioctl(fd, SGDMA_GPU_CREATE, &r) < 0)
		return -1;
	expect(r.create.handle && (!mode || r.create.mode == mode), "no handle, or the wrong mode");
	*o = (struct object){ fd, r.create.handle, size, size / PAGE, ++seeds, 0, {} };
	return 0;
}

static void handle(const struct object *o, unsigned long nr, const char *what)
{
	union request r = { .only = { .handle = o->handle } };

	must(ioctl(o->fd, nr, &r), what);
}

static int try_bind(const struct object *o, __u32 bits, struct sgdma_gpu_bind *out)
{
	union request r = OF_BIND(o->handle, bits);
	int result = ioctl(o->fd, SGDMA_GPU_BIND, &r);

	if (out)
		*out = r.bind;
	return result;
}

static struct sgdma_gpu_info look(const struct object *o)
{
	union request r = OF_HANDLE(o->handle);

	must(ioctl(o->fd, SGDMA_GPU_INFO, &r), "info");
	expect(r.info.size == o->size, "info: wrong size");
	return r.info;
}

static void io(const struct object *o, unsigned long nr, __u64 offset, __u64 len, void *data)
{
	union request r = OF_IO(o->handle, offset, len, data);

	must(ioctl(o->fd, nr, &r), nr == SGDMA_GPU_READ ? "read" : nr == SGDMA_GPU_WRITE ? "write" :
				   nr == SGDMA_GPU_FETCH ? "fetch" : "store");
}

static __u64 seed_of(const struct object *o, __u64 page)
{
	__u64 seed = o->seed;

	for (unsigned int i = 0; i < o->changes; i++) {
		if (o->changed[i].page == page)
			seed = o->changed[i].seed;
	}
	return seed;
}

/* Returns a word that differs from all others of this seed and of other seeds. */
static __u64 word(__u64 seed, __u64 page, unsigned int i)
{
	return (seed << 32 | page << 9 | i) * 0x9e3779b97f4a7c15;
}

static void fill(const struct object *o, __u64 page, __u64 count, void *data)
{
	for (__u64 *words = data; count; page++, count--, words += PAGE / 8) {
		__u64 seed = seed_of(o, page);

		for (unsigned int i = 0; i < PAGE / 8; i++)
			words[i] = word(seed, page, i);
	}
}

static void compare(const struct object *o, __u64 page, __u64 count, const void *data,
		    const char *by)
{
	for (const __u64 *words = data; count; page++, count--, words += PAGE / 8) {
		__u64 seed = seed_of(o, page);

		for (unsigned int i = 0; i < PAGE / 8; i++) {
			if (words[i] == word(seed, page, i))
				continue;
			SAY(2, "%s%s: byte %u of page %llu: 0x%llx instead of 0x%llx\n", doing, by,
			    i * 8, page, words[i], word(seed, page, i));
			exit(1);
		}
	}
}

/* Returns how many pages of an object, from @page on, fit into the buffer. */
static __u64 part(const struct object *o, __u64 page)
{
	return o->pages - page < sizeof(buffer) / PAGE ? o->pages - page : sizeof(buffer) / PAGE;
}

static void write_all(const struct object *o)
{
	for (__u64 page = 0; page < o->pages; page += part(o, page)) {
		fill(o, page, part(o, page), buffer);
		io(o, SGDMA_GPU_WRITE, page * PAGE, part(o, page) * PAGE, buffer);
	}
}

static void read_all(const struct object *o, const char *by)
{
	for (__u64 page = 0; page < o->pages; page += part(o, page)) {
		memset(buffer, 0, part(o, page) * PAGE);
		io(o, SGDMA_GPU_READ, page * PAGE, part(o, page) * PAGE, buffer);
		compare(o, page, part(o, page), buffer, by);
	}
}

static void fetch(const struct object *o, __u64 page, __u64 count)
{
	memset(buffer, 0, count * PAGE);
	io(o, SGDMA_GPU_FETCH, page * PAGE, count * PAGE, buffer);
	compare(o, page, count, buffer, "fetched");
	fetched += count;
}

/* Gives @page new contents, which are written to @data. */
static void change(struct object *o, __u64 page, void *data)
{
	expect(o->changes < COUNT(o->changed), "too many changes");
	o->changed[o->changes].page = page;
	o->changed[o->changes++].seed = ++seeds;
	fill(o, page, 1, data);
}

static void store(struct object *o, __u64 page)
{
	change(o, page, buffer);
	io(o, SGDMA_GPU_STORE, page * PAGE, PAGE, buffer);
	stored++;
}

/* Commands */

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

static const char *const modes[] = { "default", "coherent", "populate", "bind" };

/* Maps an object, or returns NULL if the object may not be mmapped. */
static void *map_shared(const struct object *o, const struct sgdma_gpu_info *info)
{
	int prot = PROT_READ | PROT_WRITE;
	void *map = mmap(NULL, o->size, prot, MAP_SHARED, o->fd, info->mmap_offset);

	if (info->state & SGDMA_GPU_SHARED) {
		must(map == MAP_FAILED ? -1 : 0, "mmap");
		return map;
	}
	expect(map == MAP_FAILED && errno == EINVAL, "mmap of what is not shared was not refused");
	return NULL;
}

static void expect_state(const struct object *o, __u32 mode, bool bound)
{
	__u32 want = bound ? SGDMA_GPU_MAPPED | SGDMA_GPU_BOUND :
		     mode == SGDMA_GPU_MODE_BIND ? 0 : SGDMA_GPU_MAPPED;
	struct sgdma_gpu_info info = look(o);

	expect((info.state & ~SGDMA_GPU_SHARED) == want && info.mode == mode, "info: wrong state");
	expect(!info.nents == !want && info.orig_nents, "info: wrong number of segments");
}

static void expect_table(const struct object *o, const struct sgdma_gpu_bind *bound)
{
	__u64 entries = PAGE * 8 / bound->entry_bits;
	__u32 level = o->pages == 1 ? 0 : o->pages <= entries ? 1 : 2;
	__u32 leaves = level ? (o->pages + entries - 1) / entries : 0;

	expect(bound->level == level, "bind: wrong level");
	expect(bound->table_pages == leaves + (level == 2), "bind: wrong number of table pages");
	expect((bound->root == bound->first) == !level, "bind: wrong root");
}

/* Has the device read every page, or the first, the last and some of the others. */
static void fetch_some(const struct object *o, bool every)
{
	__u64 random = o->seed * 0x2545f4914f6cdd1d;

	if (every) {
		for (__u64 page = 0; page < o->pages; page += 16)
			fetch(o, page, o->pages - page < 16 ? o->pages - page : 16);
		return;
	}
	fetch(o, 0, 1);
	fetch(o, o->pages - 1, 1);
	for (unsigned int n = o->size > SURE_SIZE ? 16 : 8; n; n--) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		fetch(o, (random >> 33) % o->pages, 1);
	}
}

/* Returns true if there is no room for a large object, which is no failure. */
static bool no_room(long result, __u64 size, const char *what)
{
	if (result < 0 && size > SURE_SIZE && (errno == ENOMEM || errno == EIO)) {
		SAY(1, "%sno room (%s)\n", doing, error_text(errno));
		return true;
	}
	must(result, what);
	return false;
}

static void exercise_one(int fd, __u32 mode, __u32 bits, __u64 size, bool every)
{
	struct sgdma_gpu_bind bound;
	struct sgdma_gpu_info info;
	char table[100], *map;
	struct object o;

	snprintf(doing, sizeof(doing), "%s %u bits, %llu KiB: ", modes[mode], bits, size / 1024);
	fetched = 0;
	stored = 0;
	if (no_room(create(&o, fd, size, mode), size, "create"))
		return;
	expect_state(&o, mode, false);
	write_all(&o);
	if (no_room(try_bind(&o, bits, &bound), size, "bind")) {
		handle(&o, SGDMA_GPU_DESTROY, "destroy");
		return;
	}
	expect_state(&o, mode, true);
	expect_table(&o, &bound);
	fetch_some(&o, every);

	/* The CPU writes while the object is bound. */
	change(&o, o.pages / 3, buffer);
	io(&o, SGDMA_GPU_WRITE, o.pages / 3 * PAGE, PAGE, buffer);
	fetch(&o, o.pages / 3, 1);

	info = look(&o);
	sharing = info.state & SGDMA_GPU_SHARED;
	map = map_shared(&o, &info);
	if (map) {
		compare(&o, 0, o.pages, map, "mapping");
		change(&o, o.pages / 4, map + o.pages / 4 * PAGE);
		fetch(&o, o.pages / 4, 1);
	}

	store(&o, 0);
	if (o.pages > 1) {
		store(&o, o.pages / 2);
		store(&o, o.pages - 1);
	}
	if (map) {
		compare(&o, 0, o.pages, map, "mapping after store");
		must(munmap(map, o.size), "munmap");
	}
	read_all(&o, "read after store");
	handle(&o, SGDMA_GPU_UNBIND, "unbind");
	expect_state(&o, mode, false);
	read_all(&o, "read after unbind");
	handle(&o, SGDMA_GPU_DESTROY, "destroy");
	doing[strlen(doing) - 2] = 0;
	snprintf(table, sizeof(table), "level %u, %u table pages, root 0x%llx, first 0x%llx",
		 bound.level, bound.table_pages, bound.root, bound.first);
	SAY(1, "%s, %s, %u -> %u segments, %llu pages fetched, %llu stored: ok\n", doing, table,
	    info.orig_nents, info.nents, fetched, stored);
}

static void exercise(int fd, bool quick)
{
	static const struct {
		__u32 bits;
		__u64 size;
	} cases[] = {
		{ 64, KIB(4) }, { 64, KIB(64) }, { 64, MIB(2) }, { 64, MIB(4) },
		{ 32, KIB(4) }, { 32, KIB(64) }, { 32, MIB(4) }, { 32, MIB(8) },
	};
	struct object large;

	for (__u32 mode = SGDMA_GPU_MODE_COHERENT; mode <= SGDMA_GPU_MODE_BIND; mode++) {
		for (unsigned int i = 0; i < COUNT(cases); i++) {
			__u32 bits = cases[i].bits;
			bool every = mode == SGDMA_GPU_MODE_POPULATE && bits == 64 && !quick;

			if (quick && mode != SGDMA_GPU_MODE_POPULATE && cases[i].size > KIB(64))
				continue;
			exercise_one(fd, mode, bits, cases[i].size,
				     every || cases[i].size <= KIB(64));
		}
	}
	if (quick)
		return;
	/*
	 * When a part of an object is synchronised, DMA debugging takes time for each page before
	 * that part, so the object is smaller then. For a larger object there may be no room to
	 * bounce; the driver must say so.
	 */
	exercise_one(fd, SGDMA_GPU_MODE_POPULATE, 64, MIB(sharing ? 64 : 16), false);
	snprintf(doing, sizeof(doing), "populate, %u KiB: ", (unsigned int)KIB(128));
	if (!no_room(create(&large, fd, MIB(128), SGDMA_GPU_MODE_POPULATE), MIB(128), "create"))
		handle(&large, SGDMA_GPU_DESTROY, "destroy");
}

/* Makes each request with handle @h, and otherwise right but for @pad. */
static void refuse_handle(int fd, const char *what, int expected, __u32 h, __u32 good, __u32 pad)
{
	/* The last three requests have no pad that must be zero. */
	static const unsigned long nrs[] = {
		SGDMA_GPU_DESTROY, SGDMA_GPU_MAP, SGDMA_GPU_UNMAP, SGDMA_GPU_UNBIND,
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
	const __u64 size = 4 * PAGE;
	union request copy;

	must(create(&plain, fd, size, SGDMA_GPU_MODE_POPULATE), "create");
	must(create(&bound, fd, size, SGDMA_GPU_MODE_BIND), "create");
	must(create(&small, fd, size / 2, SGDMA_GPU_MODE_POPULATE), "create");
	must(create(&evicted, fd, size, SGDMA_GPU_MODE_BIND), "create");
	must(create(&shared, fd, size, SGDMA_GPU_MODE_COHERENT), "create");
	must(create(&gone, fd, size, SGDMA_GPU_MODE_COHERENT), "create");
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
	refuse_mmap(fd, "mmap of too much", size + PAGE, info.mmap_offset, MAP_SHARED);
	refuse_mmap(fd, "mmap across the end", size, info.mmap_offset + PAGE, MAP_SHARED);
	refuse_mmap(fd, "private mmap", size, info.mmap_offset, MAP_PRIVATE);
	refuse_mmap(fd, "mmap of a destroyed handle", size, gone_info.mmap_offset, MAP_SHARED);

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

/* Keeps a bound object of every mode until the process is killed. */
static void hold(int fd)
{
	for (__u32 mode = SGDMA_GPU_MODE_COHERENT; mode <= SGDMA_GPU_MODE_BIND; mode++) {
		struct sgdma_gpu_info info;
		struct object o;
		char *memory;

		must(create(&o, fd, KIB(64), mode), "create");
		write_all(&o);
		must(try_bind(&o, 64, NULL), "bind");
		info = look(&o);
		memory = info.state & SGDMA_GPU_SHARED ? map_shared(&o, &info) : NULL;
		if (memory)
			memory[0] = 1;
	}
	SAY(1, "holding\n");
	sleep(1000000);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	bool quick = argc == 4 && !strcmp(argv[3], "quick");
	int fd = argc > 2 && strcmp(command, "held") ? must(open(argv[2], O_RDWR), argv[2]) : -1;

	if (!strcmp(command, "copy") && argc == 5) {
		copy(fd, argv + 3);
	} else if (!strcmp(command, "exercise") && (argc == 3 || quick)) {
		exercise(fd, quick);
	} else if (!strcmp(command, "refuse") && argc == 3) {
		refuse(fd, argv[2]);
	} else if (!strcmp(command, "many") && argc == 3) {
		many(fd, argv[2]);
	} else if (!strcmp(command, "hold") && argc == 3) {
		hold(fd);
	} else if (!strcmp(command, "held") && argc == 3) {
		/* Makes a request to a file that was opened before, with a handle that does not exist. */
		union request r = OF_HANDLE(0);

		must(ioctl(atoi(argv[2]), SGDMA_GPU_INFO, &r), "held");
	} else {
		SAY(2, "copy NODE SRC DST | exercise NODE [quick]\n");
		SAY(2, "refuse|many|hold NODE | held FD\n");
		return 2;
	}
	return 0;
}
