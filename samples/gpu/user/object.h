/* SPDX-License-Identifier: GPL-2.0 */
/* Objects of /dev/sgdma_gpu-*, their contents, and the requests. */
#ifndef SGDMA_GPU_OBJECT_H
#define SGDMA_GPU_OBJECT_H

#include "../../common/user/say.h"
#include "requests.h"

#define PAGE		4096ull
#define KIB(n)		((n) * 1024ull)
#define MIB(n)		((n) * 1024 * 1024ull)

/* A size for which there is room also where all memory bounces. */
#define SURE_SIZE	MIB(4)

static char buffer[MIB(1)];
static __u64 fetched, stored;	/* pages */
static bool sharing;		/* the CPU and the device use objects at the same time */

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

#endif
