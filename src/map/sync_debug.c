// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping, unmapping and synchronising for drivers that may be in sync-debug mode: include/sgdma.h.
 * Keeps all mappings in that mode, and names what a driver does to them that the DMA API forbids,
 * above all the ones that sgdma_unmap_sgtable() never saw.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>

#include "device/coherency.h"
#include "ffi/helpers.h"
#include "map/shadow.h"

/* All mappings, by the driver's list and by the device and what it sees. */
static LIST_HEAD(shadows);
static DEFINE_HASHTABLE(by_list, 8);
static struct rb_root by_address = RB_ROOT;
/* Raw, for those who are not in the mode take it too, wherever they may be. */
static DEFINE_RAW_SPINLOCK(shadows_lock);
/* Whether there ever was a mapping, or everything is mapped so. */
static bool any __read_mostly;

/* Who calls, and what for. */
struct call {
	const char *name;
	void *caller;
	struct device *dev;
	enum dma_data_direction dir;
};

#define CALL(dev, dir) (&(struct call){ __func__, __builtin_return_address(0), dev, dir })

/* Keeping mappings */

static bool sees_earlier(struct rb_node *a, const struct rb_node *b)
{
	const struct shadow_entry *x = rb_entry(a, struct shadow_entry, by_address);
	const struct shadow_entry *y = rb_entry(b, struct shadow_entry, by_address);

	if (x->shadow->dev != y->shadow->dev)
		return x->shadow->dev < y->shadow->dev;
	return x->addr < y->addr;
}

/* The segment of @dev that has some of these bytes; those of one device do not overlap. */
static struct shadow_entry *seen_at(struct device *dev, dma_addr_t addr, size_t len)
{
	struct rb_node *node = by_address.rb_node;

	while (node) {
		struct shadow_entry *entry = rb_entry(node, struct shadow_entry, by_address);

		if (dev == entry->shadow->dev && addr <= entry->addr + entry->len - 1 &&
		    entry->addr <= addr + len - 1)
			return entry;
		if (dev < entry->shadow->dev || (dev == entry->shadow->dev && addr < entry->addr))
			node = node->rb_left;
		else
			node = node->rb_right;
	}
	return NULL;
}

static void forget_address(struct shadow_entry *entry)
{
	if (RB_EMPTY_NODE(&entry->by_address))
		return;
	rb_erase(&entry->by_address, &by_address);
	RB_CLEAR_NODE(&entry->by_address);
}

/*
 * Takes a mapping out of what is kept. Returns false if somebody else has; otherwise the reference
 * is the caller's.
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
	/* Entry by entry, as there may be many. */
	for_each_sgtable_sg(&shadow->device, sg, i) {
		raw_spin_lock_irqsave(&shadows_lock, flags);
		forget_address(sgdma_shadow_entry(sg));
		raw_spin_unlock_irqrestore(&shadows_lock, flags);
	}
	return true;
}

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

/* Names a mapping that was not unmapped as it should have been. */
static bool name_left(struct shadow *shadow, const char *when)
{
	return sgdma_shadow_complain(shadow, SGDMA_NOT_UNMAPPED,
		"sgdma_unmap_sgtable() was not called before %s; look for a plain dma_unmap_sgtable()",
		when);
}

/*
 * Drops a mapping whose list was mapped again: calls for that list are meant for the new mapping.
 * The device may still use the pages of the old one.
 */
static void lose_list(struct shadow *shadow)
{
	unsigned long flags;

	name_left(shadow, "its list was mapped again");
	raw_spin_lock_irqsave(&shadows_lock, flags);
	hash_del(&shadow->by_list);
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
}

/* Takes out a mapping that @dev saw at these addresses; false if there is none. */
static bool evict(struct device *dev, dma_addr_t addr, size_t len)
{
	struct shadow_entry *entry;
	struct shadow *shadow;
	unsigned long flags;

	raw_spin_lock_irqsave(&shadows_lock, flags);
	entry = seen_at(dev, addr, len);
	if (entry) {
		shadow = entry->shadow;
		refcount_inc(&shadow->refs);
		forget_address(entry);
	}
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	if (!entry)
		return false;
	name_left(shadow, "its bus address was given to another mapping");
	if (take_out(shadow))
		sgdma_shadow_put(shadow);
	sgdma_shadow_put(shadow);
	return true;
}

/*
 * Drops earlier mappings when @sgt, of the driver's list @list, was mapped for @dev. An earlier
 * mapping of that list can be reached no more. An earlier mapping at these addresses was unmapped
 * without us, for the addresses were free.
 */
static void make_way(struct device *dev, struct sg_table *sgt, struct scatterlist *list)
{
	struct shadow *shadow = find_by_list(list);
	struct scatterlist *sg;
	unsigned int i;

	if (shadow) {
		lose_list(shadow);
		sgdma_shadow_put(shadow);
	}
	for_each_sgtable_dma_sg(sgt, sg, i)
		while (sg_dma_len(sg) && evict(dev, sg_dma_address(sg), sg_dma_len(sg)))
			;
}

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
		rb_add(&entry->by_address, &by_address, sees_earlier);
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
static noinline int map_without_shadow(const struct call *call, struct sg_table *sgt,
				       unsigned long attrs)
{
	int ret = dma_map_sgtable(call->dev, sgt, call->dir, attrs);

	if (!ret)
		make_way(call->dev, sgt, sgt->sgl);
	return ret;
}

static noinline int map_with_shadow(const struct call *call, struct sg_table *sgt,
				    unsigned long attrs)
{
	struct scatterlist *sg, *dma;
	struct shadow *shadow;
	unsigned int i;
	int ret;

	/* A device without a mask maps nothing: that is the DMA API's to say. */
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
	make_way(call->dev, &shadow->device, shadow->list);
	keep(shadow);
	return 0;
}

int sgdma_map_sgtable(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir,
		      unsigned long attrs)
{
	const bool debug = sgdma_sync_debug() || attrs & SGDMA_ATTR_SYNC_DEBUG;

	attrs &= ~SGDMA_ATTR_SYNC_DEBUG;
	if (unlikely(debug))
		return map_with_shadow(CALL(dev, dir), sgt, attrs);
	if (unlikely(READ_ONCE(any)))
		return map_without_shadow(CALL(dev, dir), sgt, attrs);
	return dma_map_sgtable(dev, sgt, dir, attrs);
}
EXPORT_SYMBOL_GPL(sgdma_map_sgtable);

/* Calls for what is mapped */

/* Returns the shadow of a mapped table, with a reference; NULL if the table has none. */
static struct shadow *find(struct sg_table *sgt)
{
	struct shadow *shadow = find_by_list(sgt->sgl);

	/* The list was unmapped and mapped again, both by the DMA API's own calls. */
	if (shadow && sg_dma_address(sgt->sgl) != sg_dma_address(shadow->device.sgl)) {
		lose_list(shadow);
		sgdma_shadow_put(shadow);
		return NULL;
	}
	return shadow;
}

/* Names a call for a table without a shadow. Returns true if the DMA API must not see the call. */
static bool reject(const struct call *call, struct sg_table *sgt)
{
	const bool unmapped = sg_dma_address(sgt->sgl) == DMA_MAPPING_ERROR;

	if (unmapped || (sgdma_sync_debug() && is_memory(sgt)))
		dev_err_ratelimited(call->dev, "sync_debug: %s() by %pS of a table that %s\n",
				    call->name, call->caller, unmapped ? "was unmapped before" :
				    "sgdma_map_sgtable() has not mapped");
	return unmapped;
}

/* Names what is wrong with a call, as DMA debugging would if it saw the call. */
static void check(const struct call *call, struct shadow *shadow, bool unmaps)
{
	if (call->dev != shadow->dev)
		sgdma_shadow_complain(shadow, SGDMA_WRONG_DEVICE,
				      "%s() by %pS for another device, %s", call->name,
				      call->caller, dev_name(call->dev));
	/* What is mapped both ways may be synchronised for one. */
	if (call->dir != shadow->dir && (unmaps || shadow->dir != DMA_BIDIRECTIONAL))
		sgdma_shadow_complain(shadow, SGDMA_WRONG_DIRECTION,
				      "%s() by %pS in another direction, %s", call->name,
				      call->caller, sgdma_direction_name(call->dir));
}

static void check_table(const struct call *call, struct shadow *shadow, struct sg_table *sgt,
			bool unmaps)
{
	check(call, shadow, unmaps);
	if (sgt->orig_nents != shadow->device.orig_nents)
		sgdma_shadow_complain(shadow, SGDMA_WRONG_ENTRIES,
				      "%s() by %pS with %u entries instead of %u", call->name,
				      call->caller, sgt->orig_nents, shadow->device.orig_nents);
}

/* Returns false if the table is not mapped in this mode: then the call is the DMA API's. */
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
		/* So that it is known if it is unmapped once more. */
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

/* Returns false if the table is not mapped in this mode: then the call is the DMA API's. */
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

/* Returns false if the table is not mapped in this mode: then the call is the DMA API's. */
static noinline bool sync_part_of_shadow(const struct call *call, dma_addr_t addr, size_t size,
					 enum sgdma_crossing what)
{
	struct shadow *shadow = NULL;
	struct shadow_entry *entry;
	size_t at = 0, left = 0;
	unsigned long flags;

	raw_spin_lock_irqsave(&shadows_lock, flags);
	entry = seen_at(call->dev, addr, 1);
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

/* For Rust: false if the table is mapped in no such way. */
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

/* What is left over */

/*
 * Returns true if the IOMMU's page table no longer has the mapping: then a plain
 * dma_unmap_sgtable() has removed it. Without such a table, or where memory bounces, the device may
 * still use the mapping for all that is known.
 */
static bool is_unmapped(struct shadow *shadow)
{
	struct scatterlist *sg = shadow->device.sgl;
	struct iommu_domain *domain;

	if (sgdma_path(shadow->dev) != SGDMA_IOMMU || sg_dma_is_swiotlb(sg))
		return false;
	domain = sgdma_iommu_get_domain_for_dev(shadow->dev);
	return domain && iommu_is_dma_domain(domain) &&
	       sgdma_iommu_iova_to_phys(domain, sg_dma_address(sg)) != sg_phys(sg);
}

typedef bool (*is_one_fn)(struct shadow *shadow, const void *of);
typedef void (*treat_fn)(struct shadow *shadow, const void *of);

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

/* Moves the first mapping of @some back to the others. Returns it with a reference. */
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

/* Calls @treat, without the lock, for each mapping for which @is_one returns true. */
static void treat_each(is_one_fn is_one, const void *of, treat_fn treat)
{
	struct shadow *shadow, *next;
	unsigned long flags;
	LIST_HEAD(some);

	raw_spin_lock_irqsave(&shadows_lock, flags);
	list_for_each_entry_safe(shadow, next, &shadows, all)
		if (is_one(shadow, of))
			list_move_tail(&shadow->all, &some);
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	while ((shadow = put_back(&some))) {
		treat(shadow, of);
		sgdma_shadow_put(shadow);
	}
}

static void free_if_unmapped(struct shadow *shadow)
{
	if (is_unmapped(shadow) && take_out(shadow))
		sgdma_shadow_put(shadow);
}

static void leave_at_unbind(struct shadow *shadow, const void *dev)
{
	name_left(shadow, "unbind");
	free_if_unmapped(shadow);
}

static void leave_at_unload(struct shadow *shadow, const void *module)
{
	name_left(shadow, "its module was unloaded");
	shadow->caller = NULL;
	free_if_unmapped(shadow);
}

/* No driver is there any more that could unmap it. The device may be. */
static void leave_for_good(struct shadow *shadow, const void *unused)
{
	name_left(shadow, "sgdma was unloaded");
	shadow->device_keeps_pages = !is_unmapped(shadow);
	if (take_out(shadow))
		sgdma_shadow_put(shadow);
}

/* The driver has returned from remove(), and what it had the core release is released. */
static int bus_notify(struct notifier_block *nb, unsigned long event, void *dev)
{
	if (event == BUS_NOTIFY_UNBOUND_DRIVER)
		treat_each(is_of_device, dev, leave_at_unbind);
	return NOTIFY_DONE;
}

/* For devices on other buses. Its code is still there, and so is its name. */
static int module_notify(struct notifier_block *nb, unsigned long state, void *module)
{
	if (state == MODULE_STATE_GOING && module != THIS_MODULE)
		treat_each(is_of_module, module, leave_at_unload);
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
	treat_each(is_any, NULL, leave_for_good);
}
