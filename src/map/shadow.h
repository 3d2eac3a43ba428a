/* SPDX-License-Identifier: GPL-2.0 */
/* One mapping in sync-debug mode (shadow.c), for sync_debug.c, which keeps all such mappings. */
#ifndef SGDMA_SHADOW_H
#define SGDMA_SHADOW_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>

/* The subject of a line in the log. Each mapping has at most one line of each subject. */
enum sgdma_complaint {
	SGDMA_WRONG_BYTE,
	SGDMA_WRONG_DEVICE,
	SGDMA_WRONG_DIRECTION,
	SGDMA_WRONG_ENTRIES,
	SGDMA_WRONG_RANGE,
	SGDMA_NOT_UNMAPPED,
};

/* The kind of call that makes bytes change hands: that bytes get another owner. */
enum sgdma_crossing { FOR_DEVICE, FOR_CPU, UNMAP, UNMAP_WITHOUT_SYNC };

/*
 * A mapping in sync-debug mode. sync_debug.c holds one reference as long as it keeps the mapping;
 * each running call for the mapping holds one more.
 */
struct shadow {
	refcount_t refs;
	/* A reference: the device may be removed although a driver forgot to unmap. */
	struct device *dev;
	/* The name of the driver that mapped the buffer, from the time of mapping. */
	char driver[32];
	enum dma_data_direction dir;
	unsigned long attrs;
	/* The code that mapped the buffer; NULL once that code was unloaded. */
	void *caller;
	size_t len;
	/* The device's pages. The list has as many entries as the driver's, of the same lengths. */
	struct sg_table device;
	/* Held while bytes change hands: several CPUs may synchronise parts of one buffer. */
	spinlock_t lock;
	/*
	 * True if the device may write to its pages even after the mapping is gone. Then neither
	 * the pages nor the reference to the device are given back.
	 */
	bool device_keeps_pages;
	/* One bit for each enum sgdma_complaint that was logged. */
	unsigned long complaints;

	/* The driver's list: a key only. The list may be gone, so the pointer is never followed. */
	struct scatterlist *list;
	struct hlist_node by_list;
	struct list_head all;
};

/* The state of one entry of the device's pages. */
struct shadow_entry {
	struct shadow *shadow;
	/* The CPU's pages for the bytes of this entry, which start at @offset. */
	struct page *cpu;
	size_t offset;
	/*
	 * The DMA segment of the same number as this entry: its bus address, its length, and the
	 * number of bytes of the buffer before it.
	 */
	struct rb_node by_address;
	dma_addr_t addr;
	size_t len;
	size_t start;
	/* One bit for each byte of the entry: set if the byte belongs to the CPU. */
	unsigned long cpu_owns[];
};

/* Returns the state of an entry, which is the private data of the entry's first page. */
static inline struct shadow_entry *sgdma_shadow_entry(struct scatterlist *sg)
{
	return (struct shadow_entry *)page_private(sg_page(sg));
}

/*
 * Allocates a shadow of @sgt, with one reference. All bytes belong to the CPU. Returns an ERR_PTR()
 * if there is no memory (-ENOMEM), or if the device could not use its pages (-EIO). Does not sleep.
 */
struct shadow *sgdma_shadow_alloc(struct device *dev, struct sg_table *sgt,
				  enum dma_data_direction dir, unsigned long attrs, void *caller);

/* Drops a reference. The last one frees the shadow. Does not sleep. */
void sgdma_shadow_put(struct shadow *shadow);

/*
 * Makes @len bytes of the buffer, from byte @at on, change hands: checks for wrong writes, copies
 * and poisons. Does not sleep.
 */
void sgdma_shadow_cross(struct shadow *shadow, enum sgdma_crossing what, size_t at, size_t len);

/* Logs a line about a mapping, unless it has one of that subject. Returns true if it logged. */
__printf(3, 4)
bool sgdma_shadow_complain(struct shadow *shadow, enum sgdma_complaint about,
			   const char *fmt, ...);

/* Returns the name of a direction for the log, also of a value that is no direction. */
const char *sgdma_direction_name(enum dma_data_direction dir);

#endif
