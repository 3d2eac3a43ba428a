// SPDX-License-Identifier: GPL-2.0
/*
 * Sync-debug mode: mappings for which any device is like one that is not coherent.
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
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "coherency.h"
#include "helpers.h"

static bool sync_debug;
module_param(sync_debug, bool, 0444);
MODULE_PARM_DESC(sync_debug, "1: have any device behave as one that is not coherent, to find forgotten syncs");

struct shadow {
	struct hlist_node node;
	struct device *dev;
	enum dma_data_direction dir;
	unsigned long attrs;
	/* Who mapped it. */
	void *caller;
	size_t len;
	/* The CPU's list, by which it is found, and one of as many entries of the same lengths. */
	struct scatterlist *cpu;
	struct sg_table device;
	/* Held while bytes cross: parts of a buffer may change hands on several CPUs. */
	spinlock_t lock;
	bool reported;
};

/* All there are, in the order of nothing; and whether there ever was one. */
static DEFINE_HASHTABLE(shadows, 8);
static DEFINE_SPINLOCK(shadows_lock);
static bool any __read_mostly;

/* The page in which byte @at of an entry is. */
static struct page *page_at(struct scatterlist *sg, size_t at)
{
	return sg_page(sg) + ((sg->offset + at) >> PAGE_SHIFT);
}

/* An entry's pages; there is one for an empty entry, too. */
static size_t size_of(struct scatterlist *sg)
{
	return max(PAGE_ALIGN(sg->offset + sg->length), PAGE_SIZE);
}

/* Which of an entry's bytes are the CPU's, a bit for each. */
static unsigned long *with_cpu(struct scatterlist *sg)
{
	return (unsigned long *)page_private(sg_page(sg));
}

static void free_shadow(struct shadow *shadow)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(&shadow->device, sg, i) {
		if (!sg_page(sg))
			break;
		bitmap_free(with_cpu(sg));
		set_page_private(sg_page(sg), 0);
		__free_pages(sg_page(sg), get_order(size_of(sg)));
	}
	sg_free_table(&shadow->device);
	kfree(shadow);
}

/* Pages for the entry @sg in place of those of @cpu. */
static int alloc_entry(struct shadow *shadow, struct scatterlist *sg, struct scatterlist *cpu)
{
	const unsigned int offset = offset_in_page(cpu->offset);
	const size_t size = max(PAGE_ALIGN(offset + cpu->length), PAGE_SIZE);
	unsigned long *bits = bitmap_zalloc(cpu->length ?: 1, GFP_ATOMIC | __GFP_NOWARN);
	unsigned int zone = 0;
	struct page *page = sgdma_alloc_pages(shadow->dev, &zone,
					      GFP_ATOMIC | __GFP_NOWARN | __GFP_ZERO,
					      get_order(size));

	if (!page || !bits) {
		if (page)
			__free_pages(page, get_order(size));
		bitmap_free(bits);
		return -ENOMEM;
	}
	bitmap_set(bits, 0, cpu->length);
	set_page_private(page, (unsigned long)bits);
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

static void copy_from_cpu(struct scatterlist *cpu, void *to)
{
	size_t n;

	for (size_t at = 0; at < cpu->length; at += n) {
		size_t start = offset_in_page(cpu->offset + at);

		n = min(cpu->length - at, PAGE_SIZE - start);
		memcpy_from_page(to + at, page_at(cpu, at), start, n);
	}
}

/* A shadow of @sgt, all of whose bytes are the CPU's. */
static struct shadow *alloc_shadow(struct device *dev, struct sg_table *sgt,
				   enum dma_data_direction dir, unsigned long attrs, void *caller)
{
	struct shadow *shadow = kzalloc(sizeof(*shadow), GFP_ATOMIC | __GFP_NOWARN);
	struct scatterlist *sg, *cpu = sgt->sgl;
	unsigned int i;
	int ret;

	if (!shadow)
		return ERR_PTR(-ENOMEM);
	shadow->dev = dev;
	shadow->dir = dir;
	shadow->attrs = attrs;
	shadow->caller = caller;
	shadow->cpu = cpu;
	spin_lock_init(&shadow->lock);
	ret = sg_alloc_table(&shadow->device, sgt->orig_nents, GFP_ATOMIC | __GFP_NOWARN);
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
			copy_from_cpu(cpu, sg_virt(sg));
		else
			memset(sg_virt(sg), SGDMA_POISON, cpu->length);
		shadow->len += cpu->length;
		cpu = sg_next(cpu);
	}
	return shadow;
}

enum crossing { FOR_DEVICE, FOR_CPU, UNMAP, UNMAP_WITHOUT };

static void report(struct shadow *shadow, size_t at, const char *wrong)
{
	static const char *const ways[] = {
		[DMA_BIDIRECTIONAL] = "both ways",
		[DMA_TO_DEVICE] = "to the device",
		[DMA_FROM_DEVICE] = "from the device",
	};

	if (shadow->reported)
		return;
	shadow->reported = true;
	dev_err(shadow->dev, "sync_debug: %s, byte %zu of %zu mapped %s by %pS\n", wrong, at,
		shadow->len, ways[shadow->dir], shadow->caller);
}

/* Has @n bytes cross, from @at in the buffer on, which are all the CPU's or all the device's. */
static void cross_run(struct shadow *shadow, enum crossing what, bool cpus, size_t at,
		      u8 *cpu, u8 *device, size_t n)
{
	const bool reads = shadow->dir != DMA_FROM_DEVICE, writes = shadow->dir != DMA_TO_DEVICE;
	u8 *wrong;

	if (cpus && reads) {
		wrong = memchr_inv(device, SGDMA_POISON, n);
		if (wrong)
			report(shadow, at + (wrong - device),
			       "for_device forgotten: the device wrote what was the CPU's");
	} else if (!cpus && writes) {
		wrong = memchr_inv(cpu, SGDMA_POISON, n);
		if (wrong)
			report(shadow, at + (wrong - cpu),
			       "for_cpu forgotten: the CPU wrote what was the device's");
	} else if (!cpus && what >= UNMAP) {
		for (size_t i = 0; i < n; i++)
			if (cpu[i] != device[i]) {
				report(shadow, at + i,
				       "for_device forgotten: the CPU wrote what the device never saw");
				break;
			}
	}

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
	case UNMAP_WITHOUT:
		break;
	}
}

/* Has @n bytes cross, from @at in the buffer on, which are in one page and one pair of entries. */
static void cross_page(struct shadow *shadow, enum crossing what, size_t at, size_t in_entry,
		       struct scatterlist *cpu, struct scatterlist *device, size_t n)
{
	void *page = kmap_local_page(page_at(cpu, in_entry));
	u8 *cpus = page + offset_in_page(cpu->offset + in_entry);
	u8 *devices = sg_virt(device) + in_entry;
	unsigned long *bits = with_cpu(device);
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
static noinline void cross(struct shadow *shadow, enum crossing what, size_t at, size_t len)
{
	struct scatterlist *cpu = shadow->cpu, *sg = shadow->device.sgl, *dma = sg;
	const bool mapped = what < UNMAP;
	size_t start = 0, dma_start = 0, n;

	for (const size_t end = at + len; at < end; at += n) {
		dma_addr_t addr;
		unsigned long flags;

		for (; at - start >= cpu->length; cpu = sg_next(cpu), sg = sg_next(sg))
			start += cpu->length;
		n = min(end - at, cpu->length - (at - start));
		n = min(n, PAGE_SIZE - offset_in_page(cpu->offset + (at - start)));
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
		cross_page(shadow, what, at, at - start, cpu, sg, n);
		if (mapped && shadow->dir != DMA_FROM_DEVICE)
			dma_sync_single_for_device(shadow->dev, addr, n, shadow->dir);
		spin_unlock_irqrestore(&shadow->lock, flags);
	}
}

/* What is mapped does not go away while its driver synchronises it. */
static noinline struct shadow *find(struct scatterlist *cpu)
{
	struct shadow *shadow;
	unsigned long flags;

	if (!READ_ONCE(any))
		return NULL;
	spin_lock_irqsave(&shadows_lock, flags);
	hash_for_each_possible(shadows, shadow, node, (unsigned long)cpu)
		if (shadow->cpu == cpu)
			break;
	spin_unlock_irqrestore(&shadows_lock, flags);
	return shadow;
}

/* The same, by what the device sees of it; @at is set to where in the buffer that is. */
static struct shadow *find_address(struct device *dev, dma_addr_t addr, size_t *at)
{
	struct shadow *shadow, *found = NULL;
	struct scatterlist *sg;
	unsigned long flags;
	unsigned int i, bucket;

	if (!READ_ONCE(any))
		return NULL;
	spin_lock_irqsave(&shadows_lock, flags);
	hash_for_each(shadows, bucket, shadow, node) {
		size_t start = 0;

		if (shadow->dev != dev)
			continue;
		for_each_sgtable_dma_sg(&shadow->device, sg, i) {
			if (addr - sg_dma_address(sg) < sg_dma_len(sg)) {
				*at = start + (addr - sg_dma_address(sg));
				found = shadow;
			}
			start += sg_dma_len(sg);
		}
	}
	spin_unlock_irqrestore(&shadows_lock, flags);
	return found;
}

bool sgdma_sync_debug(void)
{
	return sync_debug;
}

size_t sgdma_max_shadow(void)
{
	return PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER;
}

/* Memory of other devices is no memory of the CPU's. */
static bool is_memory(struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i)
		if (is_zone_device_page(sg_page(sg)))
			return false;
	return true;
}

/* Out of line, for most who map want nothing of it. */
static noinline int map_with_shadow(struct device *dev, struct sg_table *sgt,
				    enum dma_data_direction dir, unsigned long attrs, void *caller)
{
	struct scatterlist *sg, *dma;
	struct shadow *shadow;
	unsigned long flags;
	unsigned int i;
	int ret;

	attrs &= ~SGDMA_ATTR_SYNC_DEBUG;
	if (attrs & DMA_ATTR_REQUIRE_COHERENT)
		return -EOPNOTSUPP;
	if (!is_memory(sgt))
		return dma_map_sgtable(dev, sgt, dir, attrs);

	shadow = alloc_shadow(dev, sgt, dir, attrs & ~DMA_ATTR_SKIP_CPU_SYNC, caller);
	if (IS_ERR(shadow))
		return PTR_ERR(shadow);
	ret = dma_map_sgtable(dev, &shadow->device, dir, shadow->attrs);
	if (ret) {
		free_shadow(shadow);
		return ret;
	}
	sgt->nents = shadow->device.nents;
	dma = sgt->sgl;
	for_each_sgtable_dma_sg(&shadow->device, sg, i) {
		sg_dma_address(dma) = sg_dma_address(sg);
		sg_dma_len(dma) = sg_dma_len(sg);
		dma = sg_next(dma);
	}
	if (!(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		cross(shadow, FOR_DEVICE, 0, shadow->len);

	WRITE_ONCE(any, true);
	spin_lock_irqsave(&shadows_lock, flags);
	hash_add(shadows, &shadow->node, (unsigned long)shadow->cpu);
	spin_unlock_irqrestore(&shadows_lock, flags);
	return 0;
}

int sgdma_map_sgtable(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir,
		      unsigned long attrs)
{
	if (unlikely(sync_debug || attrs & SGDMA_ATTR_SYNC_DEBUG))
		return map_with_shadow(dev, sgt, dir, attrs, __builtin_return_address(0));
	return dma_map_sgtable(dev, sgt, dir, attrs);
}
EXPORT_SYMBOL_GPL(sgdma_map_sgtable);

void sgdma_unmap_sgtable(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir,
			 unsigned long attrs)
{
	struct shadow *shadow = find(sgt->sgl);
	unsigned long flags;

	if (!shadow) {
		dma_unmap_sgtable(dev, sgt, dir, attrs & ~SGDMA_ATTR_SYNC_DEBUG);
		return;
	}
	spin_lock_irqsave(&shadows_lock, flags);
	hash_del(&shadow->node);
	spin_unlock_irqrestore(&shadows_lock, flags);
	dma_unmap_sgtable(shadow->dev, &shadow->device, shadow->dir, shadow->attrs);
	cross(shadow, attrs & DMA_ATTR_SKIP_CPU_SYNC ? UNMAP_WITHOUT : UNMAP, 0, shadow->len);
	free_shadow(shadow);
}
EXPORT_SYMBOL_GPL(sgdma_unmap_sgtable);

/* For Rust: false if the table is mapped in no such way. */
bool sgdma_shadow_sync(struct sg_table *sgt, size_t offset, size_t len, bool for_cpu)
{
	struct shadow *shadow = find(sgt->sgl);

	if (shadow)
		cross(shadow, for_cpu ? FOR_CPU : FOR_DEVICE, offset, len);
	return shadow;
}
EXPORT_SYMBOL_GPL(sgdma_shadow_sync);

void sgdma_sync_sgtable_for_cpu(struct device *dev, struct sg_table *sgt,
				enum dma_data_direction dir)
{
	struct shadow *shadow = find(sgt->sgl);

	if (shadow)
		cross(shadow, FOR_CPU, 0, shadow->len);
	else
		dma_sync_sgtable_for_cpu(dev, sgt, dir);
}
EXPORT_SYMBOL_GPL(sgdma_sync_sgtable_for_cpu);

void sgdma_sync_sgtable_for_device(struct device *dev, struct sg_table *sgt,
				   enum dma_data_direction dir)
{
	struct shadow *shadow = find(sgt->sgl);

	if (shadow)
		cross(shadow, FOR_DEVICE, 0, shadow->len);
	else
		dma_sync_sgtable_for_device(dev, sgt, dir);
}
EXPORT_SYMBOL_GPL(sgdma_sync_sgtable_for_device);

void sgdma_sync_single_for_cpu(struct device *dev, dma_addr_t addr, size_t size,
			       enum dma_data_direction dir)
{
	size_t at;
	struct shadow *shadow = find_address(dev, addr, &at);

	if (shadow)
		cross(shadow, FOR_CPU, at, min(size, shadow->len - at));
	else
		dma_sync_single_for_cpu(dev, addr, size, dir);
}
EXPORT_SYMBOL_GPL(sgdma_sync_single_for_cpu);

void sgdma_sync_single_for_device(struct device *dev, dma_addr_t addr, size_t size,
				  enum dma_data_direction dir)
{
	size_t at;
	struct shadow *shadow = find_address(dev, addr, &at);

	if (shadow)
		cross(shadow, FOR_DEVICE, at, min(size, shadow->len - at));
	else
		dma_sync_single_for_device(dev, addr, size, dir);
}
EXPORT_SYMBOL_GPL(sgdma_sync_single_for_device);
