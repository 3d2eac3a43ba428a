/* SPDX-License-Identifier: GPL-2.0 */
/* One mapping in sync-debug mode (shadow.c), for what keeps all of them (sync_debug.c). */
#ifndef SGDMA_SHADOW_H
#define SGDMA_SHADOW_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>

/* What a line of the log can be about. A mapping has one of each at most. */
enum sgdma_complaint {
	SGDMA_WRONG_BYTE,
	SGDMA_WRONG_DEVICE,
	SGDMA_WRONG_DIRECTION,
	SGDMA_WRONG_ENTRIES,
	SGDMA_WRONG_RANGE,
	SGDMA_NOT_UNMAPPED,
};

enum sgdma_crossing { FOR_DEVICE, FOR_CPU, UNMAP, UNMAP_WITHOUT_SYNC };

/* A mapping. sync_debug.c holds a reference while it keeps the mapping, and so does each call. */
struct shadow {
	refcount_t refs;
	/* Held: the device may be removed while a driver forgets to unmap. */
	struct device *dev;
	/* The driver's name at that time. */
	char driver[32];
	enum dma_data_direction dir;
	unsigned long attrs;
	/* The code that mapped the buffer; NULL when that code is gone. */
	void *caller;
	size_t len;
	/* The device's pages: as many entries as the driver's list has, of the same lengths. */
	struct sg_table device;
	/* Held while bytes cross: parts of a buffer may change hands on several CPUs. */
	spinlock_t lock;
	/*
	 * The device may still write to its pages, and DMA debugging may still name the device:
	 * neither is ever given back.
	 */
	bool device_keeps_pages;
	/* A bit for each complaint that was made. */
	unsigned long complaints;

	/* What sync_debug.c finds it by. The driver's list may be gone: it is never followed. */
	struct scatterlist *list;
	struct hlist_node by_list;
	struct list_head all;
};

/* Beside each entry of the device's pages. */
struct shadow_entry {
	struct shadow *shadow;
	/* The CPU's pages for the same bytes. */
	struct page *cpu;
	size_t offset;
	/* The segment of the same number: where the device sees it, and its place in the buffer. */
	struct rb_node by_address;
	dma_addr_t addr;
	size_t len;
	size_t start;
	/* Which of the entry's bytes are the CPU's. */
	unsigned long with_cpu[];
};

/* The entry is the private data of its first page. */
static inline struct shadow_entry *sgdma_shadow_entry(struct scatterlist *sg)
{
	return (struct shadow_entry *)page_private(sg_page(sg));
}

struct shadow *sgdma_shadow_alloc(struct device *dev, struct sg_table *sgt,
				  enum dma_data_direction dir, unsigned long attrs, void *caller);
void sgdma_shadow_put(struct shadow *shadow);
void sgdma_shadow_cross(struct shadow *shadow, enum sgdma_crossing what, size_t at, size_t len);
__printf(3, 4)
bool sgdma_shadow_complain(struct shadow *shadow, enum sgdma_complaint about,
			   const char *fmt, ...);
const char *sgdma_direction_name(enum dma_data_direction dir);

#endif
