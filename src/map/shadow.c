// SPDX-License-Identifier: GPL-2.0
/*
 * One mapping in sync-debug mode. The mode makes each device behave like one whose DMA is not
 * coherent with the CPU's caches, so that a forgotten synchronisation shows on any machine.
 * sync_debug.c has the calls for drivers, and keeps all mappings.
 *
 * The device gets pages of its own: the shadow. Bytes are copied between the shadow and the CPU's
 * pages only when the driver synchronises or unmaps. Each byte of the buffer belongs either to the
 * device or to the CPU. Mapping gives all bytes to the device. The page of the side that does not
 * own a byte is poisoned there, if the side that owns the byte may write:
 *
 *   direction          the device owns the byte      the CPU owns the byte
 *   to the device      -                             the shadow is poisoned
 *   from the device    the CPU's page is poisoned    -
 *   both ways          the CPU's page is poisoned    the shadow is poisoned
 *
 * The DMA API lets a driver omit two synchronisations, and the table allows for both: taking bytes
 * from the device that only the CPU writes, and giving bytes back that only the device writes.
 * Poison that was overwritten shows that a side wrote a byte that it did not own.
 *
 * This is C because drivers synchronise in interrupt handlers: the lock of a mapping must disable
 * interrupts, and the spinlocks of Rust in Linux 7.2 do not.
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "device/device.h"
#include "ffi/helpers.h"
#include "map/shadow.h"

/* Returns the CPU's page that has byte @at of an entry. */
static struct page *cpu_page(struct shadow_entry *entry, size_t at)
{
	return entry->cpu + ((entry->offset + at) >> PAGE_SHIFT);
}

/* Returns the size in bytes of an entry's pages. An empty entry has one page. */
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

void sgdma_shadow_put(struct shadow *shadow)
{
	if (!refcount_dec_and_test(&shadow->refs))
		return;
	if (!shadow->device_keeps_pages)
		put_device(shadow->dev);
	free_shadow(shadow);
}

/* Fills in @sg with pages for the device, which stand for those of the driver's entry @cpu. */
static int alloc_entry(struct shadow *shadow, struct scatterlist *sg, struct scatterlist *cpu)
{
	const unsigned int offset = offset_in_page(cpu->offset);
	const size_t size = max(PAGE_ALIGN(offset + cpu->length), PAGE_SIZE);
	unsigned int zone = 0;
	/*
	 * GFP_NOWAIT: debugging takes free memory only. The kernel neither reclaims memory nor
	 * kills a process for it, and leaves the reserve for interrupts alone.
	 */
	struct page *page = sgdma_alloc_pages(shadow->dev, &zone, GFP_NOWAIT | __GFP_ZERO,
					      get_order(size));
	struct shadow_entry *entry;

	entry = kzalloc_flex(*entry, cpu_owns, BITS_TO_LONGS(cpu->length), GFP_NOWAIT);
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
	bitmap_set(entry->cpu_owns, 0, cpu->length);
	set_page_private(page, (unsigned long)entry);
	sg_set_page(sg, page, cpu->length, offset);
	/* The kernel would not notice that the end of an entry lies elsewhere on the bus. */
	if (sgdma_route(shadow->dev) == SGDMA_DIRECT &&
	    sgdma_straight(shadow->dev, sg_phys(sg), cpu->length) != cpu->length)
		return -EIO;
	/*
	 * An IOMMU maps whole pages, so the device sees the bytes beside the buffer. The zeroes
	 * there may still be in the cache only.
	 */
	if ((offset || offset_in_page(offset + cpu->length)) &&
	    sgdma_coherency(shadow->dev) == SGDMA_NEEDS_CACHE_MAINTENANCE)
		for (size_t at = 0; at < size; at += PAGE_SIZE)
			if (sgdma_clean_page(shadow->dev, page + (at >> PAGE_SHIFT)))
				return -EIO;
	return 0;
}

/* Copies the CPU's bytes of an entry to the device's pages. */
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
		/* The device may write only a part. The rest of the buffer keeps its old bytes. */
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

bool sgdma_shadow_complain(struct shadow *shadow, enum sgdma_complaint about, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (test_and_set_bit(about, &shadow->complaints))
		return false;
	va_start(args, fmt);
	vaf.va = &args;
	/* The format of dev_err(), which would not know the name of a driver that was unbound. */
	pr_err("%s %s: sync_debug: %pV: %zu bytes mapped %s by %pS\n", shadow->driver,
	       dev_name(shadow->dev), &vaf, shadow->len, sgdma_direction_name(shadow->dir),
	       shadow->caller);
	va_end(args);
	return true;
}

/* Returns the index of the first of @n bytes that is not poison, @n if all of them are. */
static size_t first_written(const u8 *bytes, size_t n)
{
	const u8 *byte = memchr_inv(bytes, SGDMA_POISON, n);

	return byte ? byte - bytes : n;
}

/* Returns the index of the first of @n bytes that differs, @n if none does. */
static size_t first_difference(const u8 *a, const u8 *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

/*
 * Logs a write of the side that does not own the bytes. The @n bytes at @at of the buffer belong
 * to the CPU if @cpu_owns, else to the device; @cpu and @device are both copies of them.
 */
static void check_run(struct shadow *shadow, enum sgdma_crossing what, bool cpu_owns, size_t at,
		      u8 *cpu, u8 *device, size_t n)
{
	const bool reads = shadow->dir != DMA_FROM_DEVICE, writes = shadow->dir != DMA_TO_DEVICE;
	const bool unmaps = what == UNMAP || what == UNMAP_WITHOUT_SYNC;
	const char *wrong = NULL;
	size_t i = n;

	if (cpu_owns) {
		if (reads) {
			wrong = "for_device forgotten: the device wrote what was the CPU's";
			i = first_written(device, n);
		}
	} else if (writes) {
		wrong = "for_cpu forgotten: the CPU wrote what was the device's";
		i = first_written(cpu, n);
	} else if (unmaps) {
		wrong = "for_device forgotten: the CPU wrote what the device never saw";
		i = first_difference(cpu, device, n);
	}
	if (i < n)
		sgdma_shadow_complain(shadow, SGDMA_WRONG_BYTE, "%s, byte %zu", wrong, at + i);
}

/* Checks and copies @n bytes that have one owner; the parameters are those of check_run(). */
static void cross_run(struct shadow *shadow, enum sgdma_crossing what, bool cpu_owns, size_t at,
		      u8 *cpu, u8 *device, size_t n)
{
	const bool reads = shadow->dir != DMA_FROM_DEVICE, writes = shadow->dir != DMA_TO_DEVICE;

	check_run(shadow, what, cpu_owns, at, cpu, device, n);
	switch (what) {
	case FOR_DEVICE:
		/* Where only the CPU writes, the CPU's page is always the newest. */
		if (reads && (cpu_owns || !writes))
			memcpy(device, cpu, n);
		if (writes)
			memset(cpu, SGDMA_POISON, n);
		break;
	case FOR_CPU:
	case UNMAP:
		/* Where only the device writes, the device's page is always the newest. */
		if (writes && (!cpu_owns || !reads))
			memcpy(cpu, device, n);
		if (reads)
			memset(device, SGDMA_POISON, n);
		break;
	case UNMAP_WITHOUT_SYNC:
		break;
	}
}

/*
 * Makes @n bytes change hands. They lie within one page and one entry, @sg: from byte @in_entry of
 * the entry and from byte @at of the buffer on.
 */
static void cross_page(struct shadow *shadow, enum sgdma_crossing what, size_t at,
		       size_t in_entry, struct scatterlist *sg, size_t n)
{
	struct shadow_entry *entry = sgdma_shadow_entry(sg);
	void *page = kmap_local_page(cpu_page(entry, in_entry));
	u8 *cpu = page + offset_in_page(sg->offset + in_entry);
	u8 *device = sg_virt(sg) + in_entry;
	unsigned long *bits = entry->cpu_owns;
	const size_t end = in_entry + n;

	for (size_t bit = in_entry, next; bit < end; bit = next) {
		const size_t i = bit - in_entry;
		const bool cpu_owns = test_bit(bit, bits);

		next = cpu_owns ? find_next_zero_bit(bits, end, bit) :
		       find_next_bit(bits, end, bit);
		cross_run(shadow, what, cpu_owns, at + i, cpu + i, device + i, next - bit);
	}
	if (what == FOR_DEVICE)
		bitmap_clear(bits, in_entry, n);
	else
		bitmap_set(bits, in_entry, n);
	kunmap_local(page);
}

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
		/* An IOMMU may have merged entries, so the DMA segments are walked separately. */
		if (mapped) {
			for (; at - dma_start >= sg_dma_len(dma); dma = sg_next(dma))
				dma_start += sg_dma_len(dma);
			n = min(n, sg_dma_len(dma) - (at - dma_start));
			addr = sg_dma_address(dma) + (at - dma_start);
		}

		/* The hardware may need cache maintenance or a bounce for the device's pages. */
		spin_lock_irqsave(&shadow->lock, flags);
		if (mapped)
			dma_sync_single_for_cpu(shadow->dev, addr, n, shadow->dir);
		cross_page(shadow, what, at, at - start, sg, n);
		if (mapped && shadow->dir != DMA_FROM_DEVICE)
			dma_sync_single_for_device(shadow->dev, addr, n, shadow->dir);
		spin_unlock_irqrestore(&shadow->lock, flags);
	}
}
