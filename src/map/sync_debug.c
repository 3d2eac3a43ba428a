// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of include/sgdma.h with which drivers map, unmap and synchronise tables, and all
 * mappings in sync-debug mode. shadow.c has one such mapping.
 *
 * A call for a table without a shadow is passed on to the DMA API. A call for a table with a shadow
 * is checked as DMA debugging would check it, and breaches are logged. A mapping that
 * sgdma_unmap_sgtable() never saw is logged at the latest when the device is unbound or the
 * driver's module is unloaded.
 *
 * This is C because drivers make these calls in interrupt handlers: the lock of the mappings must
 * disable interrupts, and the spinlocks of Rust in Linux 7.2 do not. The notifiers and
 * __builtin_return_address() have no counterpart in Rust either.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>

#include "device/device.h"
#include "ffi/helpers.h"
#include "map/shadow.h"
#include "map/sync_debug.h"

/* All mappings in sync-debug mode, in no order. */
static LIST_HEAD(shadows);
/* The same mappings, by the driver's list. */
static DEFINE_HASHTABLE(by_list, 8);
/* The DMA segments of the same mappings, by device and bus address. */
static struct rb_root by_address = RB_ROOT;
/*
 * Protects the three above. Raw: calls for tables that are not in sync-debug mode take the lock
 * too, in any context that the DMA API allows.
 */
static DEFINE_RAW_SPINLOCK(shadows_lock);
/* False until the first mapping in sync-debug mode. Then no call has to look for a shadow. */
static bool any __read_mostly;

/* A driver's call, for the log: the function, the code that called it, and its arguments. */
struct call {
	const char *name;
	void *caller;
	struct device *dev;
	enum dma_data_direction dir;
};

#define CALL(dev, dir) (&(struct call){ __func__, __builtin_return_address(0), dev, dir })

/* Keeping mappings */

/*
 * Compares @len bytes at bus address @addr of @dev with a segment. Returns a negative number if the
 * bytes come before the segment, a positive number if they come after it, 0 if they overlap.
 */
static int compare(const struct device *dev, dma_addr_t addr, size_t len,
		   const struct shadow_entry *entry)
{
	if (dev != entry->shadow->dev)
		return dev < entry->shadow->dev ? -1 : 1;
	if (addr + len - 1 < entry->addr)
		return -1;
	return addr > entry->addr + entry->len - 1;
}

/* Returns true if segment @a begins before segment @b: the order of by_address. */
static bool begins_before(struct rb_node *a, const struct rb_node *b)
{
	const struct shadow_entry *x = rb_entry(a, struct shadow_entry, by_address);
	const struct shadow_entry *y = rb_entry(b, struct shadow_entry, by_address);

	return compare(x->shadow->dev, x->addr, 1, y) < 0;
}

/*
 * Returns a segment of @dev that overlaps @len bytes at bus address @addr, or NULL. The caller
 * holds the lock. The segments of one device do not overlap each other.
 */
static struct shadow_entry *find_segment(struct device *dev, dma_addr_t addr, size_t len)
{
	struct rb_node *node = by_address.rb_node;

	while (node) {
		struct shadow_entry *entry = rb_entry(node, struct shadow_entry, by_address);
		const int order = compare(dev, addr, len, entry);

		if (!order)
			return entry;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/* Takes a segment out of by_address, if it is there. The caller holds the lock. */
static void forget_address(struct shadow_entry *entry)
{
	if (RB_EMPTY_NODE(&entry->by_address))
		return;
	rb_erase(&entry->by_address, &by_address);
	RB_CLEAR_NODE(&entry->by_address);
}

/*
 * Removes a mapping from the list, the hash table and the tree. Returns true if the caller gets the
 * reference that was held for these, false if another task removed the mapping before.
 */
static bool take_out(struct shadow *shadow)
{
	struct scatterlist *sg;
	unsigned long flags;
	unsigned int i;
	bool was_kept;

	raw_spin_lock_irqsave(&shadows_lock, flags);
	was_kept = !list_empty(&shadow->all);
	list_del_init(&shadow->all);
	hash_del(&shadow->by_list);
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	if (!was_kept)
		return false;
	/* There may be many entries, so interrupts are enabled between two of them. */
	for_each_sgtable_sg(&shadow->device, sg, i) {
		raw_spin_lock_irqsave(&shadows_lock, flags);
		forget_address(sgdma_shadow_entry(sg));
		raw_spin_unlock_irqrestore(&shadows_lock, flags);
	}
	return true;
}

/* Returns the mapping of a driver's list, with a reference, or NULL. */
static struct shadow *find_by_list(struct scatterlist *list)
{
	struct shadow *shadow;
	unsigned long flags;

	raw_spin_lock_irqsave(&shadows_lock, flags);
	hash_for_each_possible(by_list, shadow, by_list, (unsigned long)list)
		if (shadow->list == list) {
			refcount_inc(&shadow->refs);
			break;
		}
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	return shadow;
}

/* Logs a mapping that was not unmapped as it should have been. Returns true if it logged. */
static bool log_not_unmapped(struct shadow *shadow, const char *when)
{
	return sgdma_shadow_complain(shadow, SGDMA_NOT_UNMAPPED,
		"sgdma_unmap_sgtable() was not called before %s; look for a plain dma_unmap_sgtable()",
		when);
}

/*
 * Removes a mapping from by_list because its list was mapped again: later calls for the list mean
 * the new mapping. The old mapping is still kept, as the device may still access its pages.
 */
static void forget_list(struct shadow *shadow)
{
	unsigned long flags;

	log_not_unmapped(shadow, "its list was mapped again");
	raw_spin_lock_irqsave(&shadows_lock, flags);
	hash_del(&shadow->by_list);
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
}

/*
 * Removes a mapping that has some of @len bytes at bus address @addr of @dev. Returns false if
 * there is none.
 */
static bool evict(struct device *dev, dma_addr_t addr, size_t len)
{
	struct shadow_entry *entry;
	struct shadow *shadow;
	unsigned long flags;

	raw_spin_lock_irqsave(&shadows_lock, flags);
	entry = find_segment(dev, addr, len);
	if (entry) {
		shadow = entry->shadow;
		refcount_inc(&shadow->refs);
		forget_address(entry);
	}
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	if (!entry)
		return false;
	log_not_unmapped(shadow, "its bus address was given to another mapping");
	if (take_out(shadow))
		sgdma_shadow_put(shadow);
	sgdma_shadow_put(shadow);
	return true;
}

/*
 * Removes earlier mappings that a new one replaces: @sgt was mapped for @dev, with the driver's
 * list @list. No call can name an earlier mapping of that list any more. An earlier mapping
 * at the same bus addresses was unmapped by a plain dma_unmap_sgtable(): the addresses were free.
 */
static void replace_earlier(struct device *dev, struct sg_table *sgt, struct scatterlist *list)
{
	struct shadow *shadow = find_by_list(list);
	struct scatterlist *sg;
	unsigned int i;

	if (shadow) {
		forget_list(shadow);
		sgdma_shadow_put(shadow);
	}
	for_each_sgtable_dma_sg(sgt, sg, i)
		while (sg_dma_len(sg) && evict(dev, sg_dma_address(sg), sg_dma_len(sg)))
			;
}

/* Keeps a new mapping, with the caller's reference. */
static void keep(struct shadow *shadow)
{
	struct scatterlist *sg;
	unsigned long flags;
	unsigned int i;
	size_t start = 0;

	for_each_sgtable_dma_sg(&shadow->device, sg, i) {
		struct shadow_entry *entry = sgdma_shadow_entry(sg);

		entry->addr = sg_dma_address(sg);
		entry->len = sg_dma_len(sg);
		entry->start = start;
		start += entry->len;
		if (!entry->len)
			continue;
		raw_spin_lock_irqsave(&shadows_lock, flags);
		rb_add(&entry->by_address, &by_address, begins_before);
		raw_spin_unlock_irqrestore(&shadows_lock, flags);
	}
	raw_spin_lock_irqsave(&shadows_lock, flags);
	hash_add(by_list, &shadow->by_list, (unsigned long)shadow->list);
	list_add_tail(&shadow->all, &shadows);
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
}

/* Mapping */

size_t sgdma_max_shadow(void)
{
	return PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER;
}

/* Returns true if a table consists of system memory, false if a page is memory of a device. */
static bool is_memory(struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i)
		if (is_zone_device_page(sg_page(sg)))
			return false;
	return true;
}

/* Calls dma_map_sgtable(). Not inlined: without sync-debug mode this is never called. */
static noinline int map_without_shadow(const struct call *call, struct sg_table *sgt,
				       unsigned long attrs)
{
	int ret = dma_map_sgtable(call->dev, sgt, call->dir, attrs);

	if (!ret)
		replace_earlier(call->dev, sgt, sgt->sgl);
	return ret;
}

/* Maps a table in sync-debug mode: the device's pages are mapped instead of the driver's. */
static noinline int map_with_shadow(const struct call *call, struct sg_table *sgt,
				    unsigned long attrs)
{
	struct scatterlist *sg, *dma;
	struct shadow *shadow;
	unsigned int i;
	int ret;

	/* The DMA API refuses to map for a device without a mask, with its own error. */
	if (!call->dev->dma_mask)
		return map_without_shadow(call, sgt, attrs);
	if (attrs & DMA_ATTR_REQUIRE_COHERENT)
		return -EOPNOTSUPP;
	if (!is_memory(sgt))
		return map_without_shadow(call, sgt, attrs);

	shadow = sgdma_shadow_alloc(call->dev, sgt, call->dir, attrs & ~DMA_ATTR_SKIP_CPU_SYNC,
				    call->caller);
	if (IS_ERR(shadow))
		return PTR_ERR(shadow);
	ret = dma_map_sgtable(call->dev, &shadow->device, call->dir, shadow->attrs);
	if (ret) {
		sgdma_shadow_put(shadow);
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
		sgdma_shadow_cross(shadow, FOR_DEVICE, 0, shadow->len);
	WRITE_ONCE(any, true);
	replace_earlier(call->dev, &shadow->device, shadow->list);
	keep(shadow);
	return 0;
}

/* Maps a table of the caller @call if sync-debug mode is on, was used before, or is asked for. */
static noinline int map_in_mode(const struct call *call, struct sg_table *sgt, unsigned long attrs)
{
	const bool debug = sgdma_sync_debug() || attrs & SGDMA_ATTR_SYNC_DEBUG;

	attrs &= ~SGDMA_ATTR_SYNC_DEBUG;
	if (debug)
		return map_with_shadow(call, sgt, attrs);
	return map_without_shadow(call, sgt, attrs);
}

int sgdma_map_sgtable(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir,
		      unsigned long attrs)
{
	if (unlikely(READ_ONCE(any) || attrs & SGDMA_ATTR_SYNC_DEBUG))
		return map_in_mode(CALL(dev, dir), sgt, attrs);
	return dma_map_sgtable(dev, sgt, dir, attrs);
}
EXPORT_SYMBOL_GPL(sgdma_map_sgtable);

/* Calls for what is mapped */

/* Returns the shadow of a mapped table, with a reference, or NULL if the table has none. */
static struct shadow *find(struct sg_table *sgt)
{
	struct shadow *shadow = find_by_list(sgt->sgl);

	/*
	 * Another address: a driver has unmapped the list and mapped it again, both by plain calls
	 * of the DMA API.
	 */
	if (shadow && sg_dma_address(sgt->sgl) != sg_dma_address(shadow->device.sgl)) {
		forget_list(shadow);
		sgdma_shadow_put(shadow);
		return NULL;
	}
	return shadow;
}

/*
 * Logs a call for a table without a shadow, if the call is wrong. Returns true if the DMA API must
 * not get the call.
 */
static bool reject(const struct call *call, struct sg_table *sgt)
{
	const bool unmapped = sg_dma_address(sgt->sgl) == DMA_MAPPING_ERROR;

	if (unmapped || (sgdma_sync_debug() && is_memory(sgt)))
		dev_err_ratelimited(call->dev, "sync_debug: %s() by %pS of a table that %s\n",
				    call->name, call->caller, unmapped ? "is already unmapped" :
				    "sgdma_map_sgtable() has not mapped");
	return unmapped;
}

/*
 * Logs wrong arguments of a call. DMA debugging would check the same, but it only sees the shadow's
 * arguments.
 */
static void check(const struct call *call, struct shadow *shadow, bool unmaps)
{
	if (call->dev != shadow->dev)
		sgdma_shadow_complain(shadow, SGDMA_WRONG_DEVICE,
				      "%s() by %pS for another device, %s", call->name,
				      call->caller, dev_name(call->dev));
	/* A table that is mapped both ways may be synchronised for one direction. */
	if (call->dir != shadow->dir && (unmaps || shadow->dir != DMA_BIDIRECTIONAL))
		sgdma_shadow_complain(shadow, SGDMA_WRONG_DIRECTION,
				      "%s() by %pS in another direction, %s", call->name,
				      call->caller, sgdma_direction_name(call->dir));
}

/* Logs wrong arguments of a call for a whole table. */
static void check_table(const struct call *call, struct shadow *shadow, struct sg_table *sgt,
			bool unmaps)
{
	check(call, shadow, unmaps);
	if (sgt->orig_nents != shadow->device.orig_nents)
		sgdma_shadow_complain(shadow, SGDMA_WRONG_ENTRIES,
				      "%s() by %pS with %u entries instead of %u", call->name,
				      call->caller, sgt->orig_nents, shadow->device.orig_nents);
}

/* Unmaps a table in sync-debug mode. Returns false if the DMA API is to get the call. */
static noinline bool unmap_shadow(const struct call *call, struct sg_table *sgt,
				  unsigned long attrs)
{
	struct shadow *shadow = find(sgt);

	if (!shadow)
		return reject(call, sgt);
	if (take_out(shadow)) {
		check_table(call, shadow, sgt, true);
		dma_unmap_sgtable(shadow->dev, &shadow->device, shadow->dir, shadow->attrs);
		sgdma_shadow_cross(shadow, attrs & DMA_ATTR_SKIP_CPU_SYNC ? UNMAP_WITHOUT_SYNC :
				   UNMAP, 0, shadow->len);
		/* A mark: reject() then notices that the table is unmapped once more. */
		sg_dma_address(sgt->sgl) = DMA_MAPPING_ERROR;
		sgdma_shadow_put(shadow);
	}
	sgdma_shadow_put(shadow);
	return true;
}

void sgdma_unmap_sgtable(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir,
			 unsigned long attrs)
{
	attrs &= ~SGDMA_ATTR_SYNC_DEBUG;
	if (unlikely(READ_ONCE(any)) && unmap_shadow(CALL(dev, dir), sgt, attrs))
		return;
	dma_unmap_sgtable(dev, sgt, dir, attrs);
}
EXPORT_SYMBOL_GPL(sgdma_unmap_sgtable);

/* Synchronises a table in sync-debug mode. Returns false if the DMA API is to get the call. */
static noinline bool sync_shadow(const struct call *call, struct sg_table *sgt,
				 enum sgdma_crossing what)
{
	struct shadow *shadow = find(sgt);

	if (!shadow)
		return reject(call, sgt);
	check_table(call, shadow, sgt, false);
	sgdma_shadow_cross(shadow, what, 0, shadow->len);
	sgdma_shadow_put(shadow);
	return true;
}

void sgdma_sync_sgtable_for_cpu(struct device *dev, struct sg_table *sgt,
				enum dma_data_direction dir)
{
	if (unlikely(READ_ONCE(any)) && sync_shadow(CALL(dev, dir), sgt, FOR_CPU))
		return;
	dma_sync_sgtable_for_cpu(dev, sgt, dir);
}
EXPORT_SYMBOL_GPL(sgdma_sync_sgtable_for_cpu);

void sgdma_sync_sgtable_for_device(struct device *dev, struct sg_table *sgt,
				   enum dma_data_direction dir)
{
	if (unlikely(READ_ONCE(any)) && sync_shadow(CALL(dev, dir), sgt, FOR_DEVICE))
		return;
	dma_sync_sgtable_for_device(dev, sgt, dir);
}
EXPORT_SYMBOL_GPL(sgdma_sync_sgtable_for_device);

/*
 * Synchronises @size bytes at bus address @addr in sync-debug mode. Returns false if the DMA API is
 * to get the call.
 */
static noinline bool sync_part_of_shadow(const struct call *call, dma_addr_t addr, size_t size,
					 enum sgdma_crossing what)
{
	struct shadow *shadow = NULL;
	struct shadow_entry *entry;
	size_t at = 0, left = 0;
	unsigned long flags;

	raw_spin_lock_irqsave(&shadows_lock, flags);
	entry = find_segment(call->dev, addr, 1);
	if (entry && hash_hashed(&entry->shadow->by_list)) {
		shadow = entry->shadow;
		refcount_inc(&shadow->refs);
		at = entry->start + (addr - entry->addr);
		left = entry->len - (addr - entry->addr);
	}
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	if (!shadow)
		return false;
	check(call, shadow, false);
	if (size > left)
		sgdma_shadow_complain(shadow, SGDMA_WRONG_RANGE,
				      "%s() by %pS of %zu bytes, where the segment has %zu more",
				      call->name, call->caller, size, left);
	sgdma_shadow_cross(shadow, what, at, min(size, left));
	sgdma_shadow_put(shadow);
	return true;
}

void sgdma_sync_single_for_cpu(struct device *dev, dma_addr_t addr, size_t size,
			       enum dma_data_direction dir)
{
	if (unlikely(READ_ONCE(any)) &&
	    sync_part_of_shadow(CALL(dev, dir), addr, size, FOR_CPU))
		return;
	dma_sync_single_for_cpu(dev, addr, size, dir);
}
EXPORT_SYMBOL_GPL(sgdma_sync_single_for_cpu);

void sgdma_sync_single_for_device(struct device *dev, dma_addr_t addr, size_t size,
				  enum dma_data_direction dir)
{
	if (unlikely(READ_ONCE(any)) &&
	    sync_part_of_shadow(CALL(dev, dir), addr, size, FOR_DEVICE))
		return;
	dma_sync_single_for_device(dev, addr, size, dir);
}
EXPORT_SYMBOL_GPL(sgdma_sync_single_for_device);

bool sgdma_shadow_sync(struct sg_table *sgt, size_t offset, size_t len, bool for_cpu)
{
	struct shadow *shadow = find(sgt);

	if (!shadow)
		return false;
	sgdma_shadow_cross(shadow, for_cpu ? FOR_CPU : FOR_DEVICE, offset, len);
	sgdma_shadow_put(shadow);
	return true;
}
EXPORT_SYMBOL_GPL(sgdma_shadow_sync);

/* Mappings that a driver leaves behind */

/*
 * Returns true if the IOMMU's page table no longer has the mapping: a plain dma_unmap_sgtable() has
 * removed it. Returns false if nobody can tell, because there is no IOMMU or the mapping bounced.
 */
static bool is_unmapped(struct shadow *shadow)
{
	struct scatterlist *sg = shadow->device.sgl;
	struct iommu_domain *domain;

	if (sgdma_route(shadow->dev) != SGDMA_IOMMU || sg_dma_is_swiotlb(sg))
		return false;
	domain = sgdma_iommu_get_domain_for_dev(shadow->dev);
	return domain && iommu_is_dma_domain(domain) &&
	       sgdma_iommu_iova_to_phys(domain, sg_dma_address(sg)) != sg_phys(sg);
}

/* Returns true if a mapping belongs to @owner: a device or a module. */
typedef bool (*belongs_fn)(struct shadow *shadow, const void *owner);
/* Does something to a mapping of @owner. */
typedef void (*leave_fn)(struct shadow *shadow, const void *owner);

static bool is_of_device(struct shadow *shadow, const void *dev)
{
	return shadow->dev == dev;
}

static bool is_of_module(struct shadow *shadow, const void *module)
{
	return within_module((unsigned long)shadow->caller, module);
}

static bool is_any(struct shadow *shadow, const void *unused)
{
	return true;
}

/* Moves the first mapping of @some back to the others. Returns it, with a reference, or NULL. */
static struct shadow *put_back(struct list_head *some)
{
	struct shadow *shadow;
	unsigned long flags;

	raw_spin_lock_irqsave(&shadows_lock, flags);
	shadow = list_first_entry_or_null(some, struct shadow, all);
	if (shadow) {
		list_move_tail(&shadow->all, &shadows);
		refcount_inc(&shadow->refs);
	}
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	return shadow;
}

/* Calls @leave, without the lock, for each mapping that belongs to @owner. */
static void leave_each(belongs_fn belongs, const void *owner, leave_fn leave)
{
	struct shadow *shadow, *next;
	unsigned long flags;
	LIST_HEAD(some);

	raw_spin_lock_irqsave(&shadows_lock, flags);
	list_for_each_entry_safe(shadow, next, &shadows, all)
		if (belongs(shadow, owner))
			list_move_tail(&shadow->all, &some);
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	while ((shadow = put_back(&some))) {
		leave(shadow, owner);
		sgdma_shadow_put(shadow);
	}
}

/* Frees a mapping that the device certainly cannot access. */
static void free_if_unmapped(struct shadow *shadow)
{
	if (is_unmapped(shadow) && take_out(shadow))
		sgdma_shadow_put(shadow);
}

/* Logs a mapping whose device was unbound, and frees it if possible. */
static void leave_at_unbind(struct shadow *shadow, const void *dev)
{
	log_not_unmapped(shadow, "unbind");
	free_if_unmapped(shadow);
}

/* Logs a mapping whose driver's module is being unloaded, and frees it if possible. */
static void leave_at_unload(struct shadow *shadow, const void *module)
{
	log_not_unmapped(shadow, "its module was unloaded");
	shadow->caller = NULL;
	free_if_unmapped(shadow);
}

/*
 * Logs a mapping that is still there when this module is unloaded, and forgets it. No driver is
 * left that could unmap the table, but the device may still access its pages.
 */
static void leave_for_good(struct shadow *shadow, const void *unused)
{
	log_not_unmapped(shadow, "sgdma was unloaded");
	shadow->device_keeps_pages = !is_unmapped(shadow);
	if (take_out(shadow))
		sgdma_shadow_put(shadow);
}

/* Runs after the driver's remove() and after the core has released the driver's resources. */
static int bus_notify(struct notifier_block *nb, unsigned long event, void *dev)
{
	if (event == BUS_NOTIFY_UNBOUND_DRIVER)
		leave_each(is_of_device, dev, leave_at_unbind);
	return NOTIFY_DONE;
}

/*
 * Runs when a module is unloaded. On the buses that are watched, bus_notify() came first, so this
 * finds the mappings of devices on other buses. The module's code is still there, so the log can
 * name the function that mapped the table.
 */
static int module_notify(struct notifier_block *nb, unsigned long state, void *module)
{
	if (state == MODULE_STATE_GOING && module != THIS_MODULE)
		leave_each(is_of_module, module, leave_at_unload);
	return NOTIFY_DONE;
}

static struct notifier_block bus_notifiers[SGDMA_BUSES];
static struct notifier_block module_notifier = { .notifier_call = module_notify };

void sgdma_sync_debug_init(void)
{
	any = sgdma_sync_debug();
	for (int i = 0; sgdma_buses[i]; i++) {
		bus_notifiers[i].notifier_call = bus_notify;
		bus_register_notifier(sgdma_buses[i], &bus_notifiers[i]);
	}
	register_module_notifier(&module_notifier);
}

void sgdma_sync_debug_exit(void)
{
	unregister_module_notifier(&module_notifier);
	for (int i = 0; sgdma_buses[i]; i++)
		bus_unregister_notifier(sgdma_buses[i], &bus_notifiers[i]);
	leave_each(is_any, NULL, leave_for_good);
}
