/* SPDX-License-Identifier: GPL-2.0 */
/* Objects of all sizes and modes. */
#ifndef SGDMA_GPU_EXERCISE_H
#define SGDMA_GPU_EXERCISE_H

#include "object.h"

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

/* Makes the device read every page, or the first, the last and some of the others. */
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

#endif
