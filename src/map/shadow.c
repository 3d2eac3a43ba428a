// SPDX-License-Identifier: GPL-2.0
/*
 * One mapping in sync-debug mode, for which any device is like one that is not coherent. The calls
 * of drivers, and which mappings there are: sync_debug.c.
 *
 * The device is given pages of its own, the shadow, and bytes cross between them and the CPU's
 * pages only where the driver says so. Each byte is the device's or the CPU's, from the mapping on
 * the device's. The side that does not have it is poisoned, if the other may write there:
 *
 *                      while it is the device's      while it is the CPU's
 *   to the device      -                             the shadow is poisoned
 *   from the device    the CPU's page is poisoned    -
 *   both ways          the CPU's page is poisoned    the shadow is poisoned
 *
 * So what the documentation of the DMA API lets a driver leave out can be left out: to take what
 * only the CPU writes from the device, and to give back what only the device writes. Poison that
 * was written to shows that somebody had not got the byte.
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "device/coherency.h"
#include "ffi/helpers.h"
#include "map/shadow.h"

/* The page of the CPU's in which byte @at of an entry is. */
static struct page *cpu_page(struct shadow_entry *entry, size_t at)
{
	return entry->cpu + ((entry->offset + at) >> PAGE_SHIFT);
}

/* An entry's pages; there is one for an empty entry, too. */
static size_t size_of(struct scatterlist *sg)
{
	return max(PAGE_ALIGN(sg->offset + sg->length), PAGE_SIZE);
}

static void free_shadow(struct shadow *shadow)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(&shadow->device, sg, i) {
		if (!sg_page(sg))
			break;
		kfree(sgdma_shadow_entry(sg));
		set_page_private(sg_page(sg), 0);
		if (!shadow->device_keeps_pages)
			__free_pages(sg_page(sg), get_order(size_of(sg)));
	}
	sg_free_table(&shadow->device);
	kfree(shadow);
}

/* Gives a reference back. The last one frees the mapping. */
void sgdma_shadow_put(struct shadow *shadow)
{
	if (!refcount_dec_and_test(&shadow->refs))
		return;
	if (!shadow->device_keeps_pages)
		put_device(shadow->dev);
	free_shadow(shadow);
}

/* Pages for the entry @sg in place of those of @cpu. */
static int alloc_entry(struct shadow *shadow, struct scatterlist *sg, struct scatterlist *cpu)
{
	const unsigned int offset = offset_in_page(cpu->offset);
	const size_t size = max(PAGE_ALIGN(offset + cpu->length), PAGE_SIZE);
	unsigned int zone = 0;
	/*
	 * No more than is there: nothing is reclaimed or killed for it, and what is kept for
	 * interrupts stays.
	 */
	struct page *page = sgdma_alloc_pages(shadow->dev, &zone, GFP_NOWAIT | __GFP_ZERO,
					      get_order(size));
	struct shadow_entry *entry;

	entry = kzalloc_flex(*entry, with_cpu, BITS_TO_LONGS(cpu->length), GFP_NOWAIT);
	if (!page || !entry) {
		if (page)
			__free_pages(page, get_order(size));
		kfree(entry);
		return -ENOMEM;
	}
	entry->shadow = shadow;
	entry->cpu = sg_page(cpu);
	entry->offset = cpu->offset;
	RB_CLEAR_NODE(&entry->by_address);
	bitmap_set(entry->with_cpu, 0, cpu->length);
	set_page_private(page, (unsigned long)entry);
	sg_set_page(sg, page, cpu->length, offset);
	/* The kernel does not notice that the end of such an entry is elsewhere on the bus. */
	if (sgdma_path(shadow->dev) == SGDMA_DIRECT &&
	    sgdma_straight(shadow->dev, sg_phys(sg), cpu->length) != cpu->length)
		return -EIO;
	/* Caches may hide the zeroes around the buffer, which an IOMMU shows. */
	if ((offset || offset_in_page(offset + cpu->length)) &&
	    sgdma_coherency(shadow->dev) == SGDMA_NEEDS_CACHE_MAINTENANCE)
		for (size_t at = 0; at < size; at += PAGE_SIZE)
			if (sgdma_clean_page(shadow->dev, page + (at >> PAGE_SHIFT)))
				return -EIO;
	return 0;
}

static void copy_from_cpu(struct scatterlist *sg)
{
	struct shadow_entry *entry = sgdma_shadow_entry(sg);
	size_t n;

	for (size_t at = 0; at < sg->length; at += n) {
		size_t start = offset_in_page(sg->offset + at);

		n = min(sg->length - at, PAGE_SIZE - start);
		memcpy_from_page(sg_virt(sg) + at, cpu_page(entry, at), start, n);
	}
}

/* A shadow of @sgt, all of whose bytes are the CPU's. */
struct shadow *sgdma_shadow_alloc(struct device *dev, struct sg_table *sgt,
				  enum dma_data_direction dir, unsigned long attrs, void *caller)
{
	struct shadow *shadow = kzalloc_obj(*shadow, GFP_NOWAIT);
	struct scatterlist *sg, *cpu = sgt->sgl;
	unsigned int i;
	int ret;

	if (!shadow)
		return ERR_PTR(-ENOMEM);
	refcount_set(&shadow->refs, 1);
	shadow->dev = dev;
	shadow->dir = dir;
	shadow->attrs = attrs;
	shadow->caller = caller;
	shadow->list = cpu;
	spin_lock_init(&shadow->lock);
	INIT_LIST_HEAD(&shadow->all);
	strscpy(shadow->driver, dev_driver_string(dev));
	ret = sg_alloc_table(&shadow->device, sgt->orig_nents, GFP_NOWAIT);
	if (ret) {
		kfree(shadow);
		return ERR_PTR(ret);
	}
	for_each_sgtable_sg(&shadow->device, sg, i) {
		ret = alloc_entry(shadow, sg, cpu);
		if (ret) {
			free_shadow(shadow);
			return ERR_PTR(ret);
		}
		/* The device need not write all of a buffer, and what it leaves stays. */
		if (dir == DMA_FROM_DEVICE)
			copy_from_cpu(sg);
		else
			memset(sg_virt(sg), SGDMA_POISON, cpu->length);
		shadow->len += cpu->length;
		cpu = sg_next(cpu);
	}
	get_device(dev);
	return shadow;
}

const char *sgdma_direction_name(enum dma_data_direction dir)
{
	static const char *const names[] = {
		[DMA_BIDIRECTIONAL] = "both ways",
		[DMA_TO_DEVICE] = "to the device",
		[DMA_FROM_DEVICE] = "from the device",
	};

	return (unsigned int)dir < ARRAY_SIZE(names) ? names[dir] : "nowhere";
}

/* A line about a mapping, unless it has one like it. Returns whether the line was written. */
bool sgdma_shadow_complain(struct shadow *shadow, enum sgdma_complaint about, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (test_and_set_bit(about, &shadow->complaints))
		return false;
	va_start(args, fmt);
	vaf.va = &args;
	/* As dev_err(), which no longer knows a driver that was unbound. */
	pr_err("%s %s: sync_debug: %pV: %zu bytes mapped %s by %pS\n", shadow->driver,
	       dev_name(shadow->dev), &vaf, shadow->len, sgdma_direction_name(shadow->dir),
	       shadow->caller);
	va_end(args);
	return true;
}

/* Looks for what somebody wrote who had not got the bytes; as for cross_run(). */
static void check_run(struct shadow *shadow, enum sgdma_crossing what, bool cpus, size_t at,
		      u8 *cpu, u8 *device, size_t n)
{
	const bool reads = shadow->dir != DMA_FROM_DEVICE, writes = shadow->dir != DMA_TO_DEVICE;
	const bool unmaps = what == UNMAP || what == UNMAP_WITHOUT_SYNC;
	const char *wrong = NULL;
	u8 *byte;
	size_t i = n;

	if (cpus && reads) {
		wrong = "for_device forgotten: the device wrote what was the CPU's";
		byte = memchr_inv(device, SGDMA_POISON, n);
		i = byte ? byte - device : n;
	} else if (!cpus && writes) {
		wrong = "for_cpu forgotten: the CPU wrote what was the device's";
		byte = memchr_inv(cpu, SGDMA_POISON, n);
		i = byte ? byte - cpu : n;
	} else if (!cpus && unmaps) {
		wrong = "for_device forgotten: the CPU wrote what the device never saw";
		for (i = 0; i < n && cpu[i] == device[i];)
			i++;
	}
	if (i < n)
		sgdma_shadow_complain(shadow, SGDMA_WRONG_BYTE, "%s, byte %zu", wrong, at + i);
}

/* Has @n bytes cross, from @at in the buffer on, which are all the CPU's or all the device's. */
static void cross_run(struct shadow *shadow, enum sgdma_crossing what, bool cpus, size_t at,
		      u8 *cpu, u8 *device, size_t n)
{
	const bool reads = shadow->dir != DMA_FROM_DEVICE, writes = shadow->dir != DMA_TO_DEVICE;

	check_run(shadow, what, cpus, at, cpu, device, n);
	switch (what) {
	case FOR_DEVICE:
		if (reads && (cpus || !writes))
			memcpy(device, cpu, n);
		if (writes)
			memset(cpu, SGDMA_POISON, n);
		break;
	case FOR_CPU:
	case UNMAP:
		if (writes && (!cpus || !reads))
			memcpy(cpu, device, n);
		if (reads)
			memset(device, SGDMA_POISON, n);
		break;
	case UNMAP_WITHOUT_SYNC:
		break;
	}
}

/* Has @n bytes cross, from @at in the buffer on, which are in one page and one entry. */
static void cross_page(struct shadow *shadow, enum sgdma_crossing what, size_t at,
		       size_t in_entry, struct scatterlist *sg, size_t n)
{
	struct shadow_entry *entry = sgdma_shadow_entry(sg);
	void *page = kmap_local_page(cpu_page(entry, in_entry));
	u8 *cpus = page + offset_in_page(sg->offset + in_entry);
	u8 *devices = sg_virt(sg) + in_entry;
	unsigned long *bits = entry->with_cpu;
	const size_t end = in_entry + n;

	for (size_t bit = in_entry, next; bit < end; bit = next) {
		const size_t i = bit - in_entry;
		const bool is_cpus = test_bit(bit, bits);

		next = is_cpus ? find_next_zero_bit(bits, end, bit) : find_next_bit(bits, end, bit);
		cross_run(shadow, what, is_cpus, at + i, cpus + i, devices + i, next - bit);
	}
	if (what == FOR_DEVICE)
		bitmap_clear(bits, in_entry, n);
	else
		bitmap_set(bits, in_entry, n);
	kunmap_local(page);
}

/* Has bytes cross; all of them are the buffer's. */
void sgdma_shadow_cross(struct shadow *shadow, enum sgdma_crossing what, size_t at, size_t len)
{
	struct scatterlist *sg = shadow->device.sgl, *dma = sg;
	const bool mapped = what == FOR_DEVICE || what == FOR_CPU;
	size_t start = 0, dma_start = 0, n;

	for (const size_t end = at + len; at < end; at += n) {
		dma_addr_t addr;
		unsigned long flags;

		for (; at - start >= sg->length; sg = sg_next(sg))
			start += sg->length;
		n = min(end - at, sg->length - (at - start));
		n = min(n, PAGE_SIZE - offset_in_page(sg->offset + (at - start)));
		/* An IOMMU may have merged entries, so what the device sees is another walk. */
		if (mapped) {
			for (; at - dma_start >= sg_dma_len(dma); dma = sg_next(dma))
				dma_start += sg_dma_len(dma);
			n = min(n, sg_dma_len(dma) - (at - dma_start));
			addr = sg_dma_address(dma) + (at - dma_start);
		}

		/* The platform may need a sync of its own. */
		spin_lock_irqsave(&shadow->lock, flags);
		if (mapped)
			dma_sync_single_for_cpu(shadow->dev, addr, n, shadow->dir);
		cross_page(shadow, what, at, at - start, sg, n);
		if (mapped && shadow->dir != DMA_FROM_DEVICE)
			dma_sync_single_for_device(shadow->dev, addr, n, shadow->dir);
		spin_unlock_irqrestore(&shadow->lock, flags);
	}
}
