/* SPDX-License-Identifier: GPL-2.0 */
/* Dma-bufs that two devices use, and the CPU through a mapping. */
#ifndef SGDMA_GPU_SHARE_H
#define SGDMA_GPU_SHARE_H

#include "../../common/user/exporters.h"
#include "refuse.h"

/* The size of huge pages, and a place in one of them. */
#define HUGE		(2 << 20)
#define IN_HUGE		(HUGE / 2 + PAGE)

/* The files of the two nodes. */
static int node_a, node_b;
/* The devices only read, because the exporter loses what a device writes. */
static bool one_way;
/* The devices must not use the buffer. */
static bool not_for_devices;

/* Returns a descriptor of an object. */
static int export(const struct object *o)
{
	union request r = OF_EXPORT(o->handle);

	must(ioctl(o->fd, SGDMA_GPU_EXPORT, &r), "export");
	return r.export.fd;
}

/* Makes an object of a dma-buf with the contents of object @of. */
static struct object import(int fd, int dma_buf, const struct object *of)
{
	union request r = OF_IMPORT(dma_buf);
	struct object o = *of;

	must(ioctl(fd, SGDMA_GPU_IMPORT, &r), "import");
	expect(r.import.handle && r.import.size == of->size, "no handle, or the wrong size");
	o.fd = fd;
	o.handle = r.import.handle;
	return o;
}

static void bind(const struct object *o)
{
	must(try_bind(o, 64, NULL), "bind");
}

static void unbind(const struct object *o)
{
	handle(o, SGDMA_GPU_UNBIND, "unbind");
}

static void destroy(const struct object *o)
{
	handle(o, SGDMA_GPU_DESTROY, "destroy");
}

static void expect_dma_buf(const struct object *o, __u32 state)
{
	struct sgdma_gpu_info info = look(o);

	expect(info.mode == SGDMA_GPU_MODE_DMABUF && !info.orig_nents, "info: no dma-buf");
	expect((info.state & ~SGDMA_GPU_SHARED) == state, "info: wrong state");
	expect(!info.nents == !state, "info: wrong number of segments");
}

/* The CPU, through a mapping of the descriptor */

/* Gives @page other contents, in a turn of the CPU. */
static void change_mapped(struct object *o, int dma_buf, char *map, __u64 page)
{
	synchronise(dma_buf, DMA_BUF_SYNC_START);
	compare(o, 0, o->pages, map, "mapping");
	change(o, page, map + page * PAGE);
	synchronise(dma_buf, DMA_BUF_SYNC_END);
}

static void compare_mapped(const struct object *o, int dma_buf, const char *map)
{
	synchronise(dma_buf, DMA_BUF_SYNC_START);
	compare(o, 0, o->pages, map, "mapping");
	synchronise(dma_buf, DMA_BUF_SYNC_END);
}

/* The devices */

/* Notes that @o has the contents of @from, which is the same memory, or was copied. */
static void same(struct object *o, const struct object *from)
{
	int fd = o->fd;
	__u32 handle = o->handle;

	*o = *from;
	o->fd = fd;
	o->handle = handle;
}

/* The device of @o finds some pages. */
static void look_at(const struct object *o)
{
	bind(o);
	expect_dma_buf(o, SGDMA_GPU_MAPPED | SGDMA_GPU_BOUND);
	fetch(o, 0, 1);
	fetch(o, o->pages / 3, 1);
	fetch(o, o->pages - 1, 1);
	unbind(o);
	expect_dma_buf(o, 0);
}

/* The device of both objects copies @from to @to, all of it. */
static void copy_object(const struct object *from, struct object *to)
{
	union request r = OF_COPY(from->handle, to->handle);

	bind(from);
	bind(to);
	must(ioctl(from->fd, SGDMA_GPU_COPY, &r), "copy");
	same(to, from);
}

/* The device of @o copies it into an object of its own. */
static void copy_out(const struct object *o)
{
	struct object own;

	must(create(&own, o->fd, o->size, SGDMA_GPU_MODE_BIND), "create");
	copy_object(o, &own);
	unbind(o);
	read_all(&own, "copied out");
	destroy(&own);
}

/* The device of @o copies an object of its own there, and writes one more page. */
static void copy_in(struct object *o)
{
	struct object own;

	must(create(&own, o->fd, o->size, SGDMA_GPU_MODE_BIND), "create");
	write_all(&own);
	copy_object(&own, o);
	store(o, o->pages / 2);
	unbind(o);
	destroy(&own);
}

/*
 * A device that needs turns has the buffer for itself. One that needs none lets
 * the CPU and other devices use the buffer at the same time. An exporter that is
 * not @own does not keep devices from each other.
 */
static void take_turns(struct object *o, struct object *p, int dma_buf, char *map, bool own)
{
	union request r = OF_IO(p->handle, 0, PAGE, buffer);

	bind(p);
	sharing = look(p).state & SGDMA_GPU_SHARED;
	if (sharing) {
		change(p, 0, buffer);
		io(p, SGDMA_GPU_WRITE, 0, PAGE, buffer);
		same(o, p);
		bind(o);
		fetch(p, 0, 1);
		fetch(o, 0, 1);
		store(o, 0);
		same(p, o);
		fetch(p, 0, 1);
		change_mapped(o, dma_buf, map, 0);
		same(p, o);
		fetch(p, 0, 1);
		unbind(o);
	} else {
		refused("write in a device's turn", EBUSY, ioctl(p->fd, SGDMA_GPU_WRITE, &r));
		refused("read in a device's turn", EBUSY, ioctl(p->fd, SGDMA_GPU_READ, &r));
		if (own) {
			refused("bind in a device's turn", EBUSY, try_bind(o, 64, NULL));
			refused("sync in a device's turn", EBUSY,
				try_sync(dma_buf, DMA_BUF_SYNC_START));
		}
	}
	unbind(p);
}

/* Moves bytes between the CPU and both devices. @o and @p are the same dma-buf, of each node. */
static void pass_on(struct object *o, struct object *p, int dma_buf, bool own)
{
	char *map = map_dma_buf(dma_buf, o->size);

	write_all(o);
	read_all(p, "read through the other node");
	if (not_for_devices) {
		refused("bind", EOPNOTSUPP, try_bind(p, 64, NULL));
		expect_dma_buf(p, 0);
		compare_mapped(o, dma_buf, map);
		must(munmap(map, o->size), "munmap");
		return;
	}
	copy_out(p);
	look_at(o);
	change_mapped(o, dma_buf, map, o->pages / 3);
	same(p, o);
	look_at(p);
	if (!one_way) {
		take_turns(o, p, dma_buf, map, own);
		copy_in(p);
		same(o, p);
		read_all(o, "read after the other device wrote");
		copy_out(o);
		copy_in(o);
		same(p, o);
		compare_mapped(p, dma_buf, map);
		look_at(p);
	}
	must(munmap(map, o->size), "munmap");
}

/* A dma-buf of node A goes to node B. */
static void share_own(__u64 size)
{
	struct object o, p, again;
	int dma_buf;

	must(create(&o, node_a, size, SGDMA_GPU_MODE_DMABUF), "create");
	expect_dma_buf(&o, 0);
	dma_buf = export(&o);
	/* F_GETFD */
	expect(must(syscall(__NR_fcntl, dma_buf, 1, 0), "fcntl") == 1, "not close-on-exec");
	p = import(node_b, dma_buf, &o);
	expect_dma_buf(&p, 0);
	pass_on(&o, &p, dma_buf, true);

	/* An import holds the memory, whoever else lets go. */
	again = import(node_b, dma_buf, &p);
	expect(again.handle != p.handle, "two imports have the same handle");
	must(close(dma_buf), "close");
	look_at(&o);
	destroy(&o);
	look_at(&p);
	destroy(&p);
	look_at(&again);
	/* What was imported is exported, too. */
	dma_buf = export(&again);
	destroy(&again);
	o = import(node_a, dma_buf, &again);
	must(close(dma_buf), "close");
	look_at(&o);
	destroy(&o);
}

/* A dma-buf of another exporter goes to both nodes. */
static void share_foreign(int dma_buf, __u64 size)
{
	struct object o = { .size = size, .pages = size / PAGE, .seed = ++seeds }, p;

	o = import(node_a, dma_buf, &o);
	p = import(node_b, dma_buf, &o);
	pass_on(&o, &p, dma_buf, false);
	must(close(dma_buf), "close");
	read_all(&p, "read after the descriptor was closed");
	destroy(&o);
	destroy(&p);
}

/* Bad requests */

/* A request whose answer cannot be written leaves neither a descriptor nor an object. */
static void refuse_sharing_answers(const struct object *o, int dma_buf)
{
	unsigned int before = objects(node_a);
	int free, free_before = must(dup(dma_buf), "dup");

	close(free_before);
	for (unsigned int i = 0; i < 3; i++) {
		REFUSE_ANSWER("EXPORT", node_a, SGDMA_GPU_EXPORT, OF_EXPORT(o->handle));
		REFUSE_ANSWER("IMPORT", node_a, SGDMA_GPU_IMPORT, OF_IMPORT(dma_buf));
	}
	free = must(dup(dma_buf), "dup");
	close(free);
	expect(free == free_before, "a descriptor stays whose number nobody was told");
	expect(objects(node_a) == before, "an object stays whose handle nobody was told");
}

/* Turns of the CPU that make no sense, and a second descriptor of the same dma-buf. */
static void misuse_descriptors(const struct object *o, int dma_buf)
{
	struct dma_buf_sync sync = { .flags = ~0ull };
	int again = export(o);

	refused("SYNC with unknown flags", EINVAL, ioctl(dma_buf, DMA_BUF_IOCTL_SYNC, &sync));
	sync.flags = DMA_BUF_SYNC_START;
	refused("SYNC of no direction", EINVAL, ioctl(dma_buf, DMA_BUF_IOCTL_SYNC, &sync));
	write_all(o);
	/* An end without a begin, and a begin without an end. */
	synchronise(dma_buf, DMA_BUF_SYNC_END);
	synchronise(again, DMA_BUF_SYNC_START);
	must(close(again), "close");
	refused("a descriptor closed twice", EBADF, close(again));
	look_at(o);
	read_all(o, "after turns that make no sense");
}

static void refuse_sharing(void)
{
	int ends[2], dma_buf;
	union request r;
	struct object o;
	void *map;

	must(pipe(ends), "pipe");
	r = OF_IMPORT(ends[0]);
	refused("import of a pipe", EINVAL, ioctl(node_b, SGDMA_GPU_IMPORT, &r));
	close(ends[0]);
	refused("import of a closed descriptor", EBADF, ioctl(node_b, SGDMA_GPU_IMPORT, &r));
	close(ends[1]);

	must(create(&o, node_a, getpagesize(), SGDMA_GPU_MODE_DMABUF), "create");
	dma_buf = export(&o);
	refuse_sharing_answers(&o, dma_buf);
	misuse_descriptors(&o, dma_buf);
	map = mmap(NULL, o.size, PROT_READ | PROT_WRITE, MAP_SHARED, node_a, look(&o).mmap_offset);
	refused("mmap of a dma-buf by its node", EINVAL, map == MAP_FAILED ? -1 : 0);
	map = mmap(NULL, o.size + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dma_buf, 0);
	refused("mmap of more than a dma-buf", EINVAL, map == MAP_FAILED ? -1 : 0);
	/* The end of the process cleans up. */
	import(node_b, dma_buf, &o);
	bind(&o);
	SAY(1, "%u requests refused: ok\n", refusals);
}

static void share(int fd, const char *a, const char *b, const char *source)
{
	__u64 sizes[] = { getpagesize(), KIB(256) };

	/* udmabuf's device claims to take 64 KiB, and DMA debugging warns of longer segments. */
	if (!strcmp(source, "udmabuf") || !strcmp(source, "huge"))
		sizes[1] = KIB(64);
	node_a = fd;
	node_b = must(open(b, O_RDWR), b);
	for (unsigned int i = 0; i < COUNT(sizes); i++) {
		snprintf(doing, sizeof(doing), "%s, %llu KiB: ", source, sizes[i] / 1024);
		if (!strcmp(source, "udmabuf"))
			share_foreign(from_udmabuf(sealed_memory(sizes[i], 0), 0, sizes[i]),
				      sizes[i]);
		else if (!strcmp(source, "huge"))
			share_foreign(from_udmabuf(sealed_memory(HUGE, MFD_HUGETLB), IN_HUGE,
						   sizes[i]), sizes[i]);
		else if (!strcmp(source, "heap"))
			share_foreign(from_heap(sizes[i]), sizes[i]);
		else
			share_own(sizes[i]);
	}
	doing[0] = 0;
	SAY(1, "%s of %s and %s%s: ok, %llu pages fetched, %llu stored\n", source, a, b,
	    not_for_devices ? ", which must not use it" : one_way ? ", one way" :
	    sharing ? ", without turns" : ", by turns", fetched, stored);
	if (!strcmp(source, "own"))
		refuse_sharing();
}

#endif
