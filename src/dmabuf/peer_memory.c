// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a PCI device that other devices use: the dma-bufs that are made of it, and how they are
 * taken back when the driver of that device is unbound.
 *
 * In C, because the operations of a dma-buf are a table of C functions, and because what they do is
 * to call C.
 */
#include <linux/atomic.h>
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/genalloc.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "device/device.h"
#include "dmabuf/dma_buf.h"
#include "dmabuf/peer_memory.h"

#ifdef CONFIG_PCI_P2PDMA
/* While unbinding waits, the log names who uses the memory, in this interval. */
#define NAMING_INTERVAL	(10 * HZ)
/* After so many namings a device loses its bus mastering, and unbinding goes on for now. */
#define PATIENCE	3

/*
 * The memory that a driver has made available.
 *
 * It has a reference of the list of all, one of the driver's handle, and one of each dma-buf.
 */
struct sgdma_peer_memory {
	struct kref refs;
	struct pci_dev *pdev;
	int bar;
	phys_addr_t start;
	u64 size;
	/* Valid until the memory is taken back. */
	struct p2pdma_provider *provider;
	struct gen_pool *pool;
	/* The list of all memories, by `memories_lock`. Empty once the memory was forgotten. */
	struct list_head node;
	/* The mappings for other devices, without those that are gone. */
	atomic_t mappings;
	wait_queue_head_t unmapped;
	/* Protects the fields below it. May be taken with `memories_lock` held. */
	struct mutex lock;
	struct list_head exports;
	bool has_handle;
	bool taken_back;	/* set by the task that unbinds the driver */
};

/* A dma-buf: `dma_buf->priv`. */
struct export {
	struct sgdma_peer_memory *memory;
	struct list_head node;	/* by `memory->lock` */
	struct dma_buf *buf;
	phys_addr_t start;
	size_t size;
	bool taken_back;	/* by the reservation */
};

/* A device that may use a dma-buf: `attachment->priv`, by the reservation. */
struct importer {
	enum sgdma_peer route;
	unsigned int mappings;
	/* The device was removed: nobody waits for it. */
	bool gone;
};

static LIST_HEAD(memories);
static DEFINE_MUTEX(memories_lock);

static void free_memory(struct kref *refs)
{
	struct sgdma_peer_memory *memory = container_of(refs, struct sgdma_peer_memory, refs);

	gen_pool_destroy(memory->pool);
	pci_dev_put(memory->pdev);
	kfree(memory);
}

static void put_memory(struct sgdma_peer_memory *memory)
{
	kref_put(&memory->refs, free_memory);
}

/* Takes a memory off the list of all, with the reference that the list has. */
static void forget(struct sgdma_peer_memory *memory)
{
	lockdep_assert_held(&memories_lock);
	if (!list_empty(&memory->node)) {
		list_del_init(&memory->node);
		put_memory(memory);
	}
}

/*
 * Returns true if the PCI core has a table of MSI-X among these bytes: whoever writes to it has the
 * device write anywhere.
 */
static bool has_vectors(struct pci_dev *pdev, unsigned int bar, u64 offset, u64 size)
{
	static const struct {
		int at;		/* the register that has the place */
		u64 len;	/* the longest that there is: of 2048 vectors */
	} tables[] = {
		{ PCI_MSIX_TABLE, 2048 * PCI_MSIX_ENTRY_SIZE }, { PCI_MSIX_PBA, 2048 / 8 },
	};

	for (int i = 0; pdev->msix_cap && i < ARRAY_SIZE(tables); i++) {
		u32 place;
		u64 start;

		pci_read_config_dword(pdev, pdev->msix_cap + tables[i].at, &place);
		if (PCI_POSSIBLE_ERROR(place))
			return true;
		start = place & ~PCI_MSIX_TABLE_BIR;
		if ((place & PCI_MSIX_TABLE_BIR) == bar && start < offset + size &&
		    offset < start + tables[i].len)
			return true;
	}
	return false;
}

static bool overlaps(const struct sgdma_peer_memory *new)
{
	struct sgdma_peer_memory *memory;

	list_for_each_entry(memory, &memories, node)
		if (memory->pdev == new->pdev && memory->start < new->start + new->size &&
		    new->start < memory->start + memory->size)
			return true;
	return false;
}

/* Enters a memory in the list of all. */
static int enter(struct sgdma_peer_memory *memory)
{
	int err;

	guard(mutex)(&memories_lock);
	if (overlaps(memory))
		return -EBUSY;
	err = pcim_p2pdma_init(memory->pdev);
	if (err)
		return err;
	memory->provider = pcim_p2pdma_provider(memory->pdev, memory->bar);
	if (!memory->provider)
		return -EOPNOTSUPP;
	kref_get(&memory->refs);
	list_add(&memory->node, &memories);
	return 0;
}

int sgdma_peer_memory_new(struct device *dev, unsigned int bar, u64 offset, u64 size,
			  struct sgdma_peer_memory **result)
{
	struct pci_dev *pdev = dev_is_pci(dev) ? to_pci_dev(dev) : NULL;
	struct sgdma_peer_memory *memory;
	u64 len, start;
	int err;

	if (!pdev || bar >= PCI_STD_NUM_BARS || !(pci_resource_flags(pdev, bar) & IORESOURCE_MEM))
		return -EINVAL;
	len = pci_resource_len(pdev, bar);
	start = pci_resource_start(pdev, bar) + offset;
	if (!size || offset > len || size > len - offset || !PAGE_ALIGNED(start | size) ||
	    has_vectors(pdev, bar, offset, size))
		return -EINVAL;
	memory = kzalloc_obj(*memory);
	if (!memory)
		return -ENOMEM;
	memory->pool = gen_pool_create(PAGE_SHIFT, dev_to_node(dev));
	if (!memory->pool) {
		kfree(memory);
		return -ENOMEM;
	}
	kref_init(&memory->refs);
	memory->pdev = pci_dev_get(pdev);
	memory->bar = bar;
	memory->start = start;
	memory->size = size;
	memory->has_handle = true;
	INIT_LIST_HEAD(&memory->node);
	INIT_LIST_HEAD(&memory->exports);
	mutex_init(&memory->lock);
	init_waitqueue_head(&memory->unmapped);
	err = gen_pool_add(memory->pool, start, size, dev_to_node(dev)) ?: enter(memory);
	if (err) {
		put_memory(memory);
		return err;
	}
	*result = memory;
	return 0;
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_new);

void sgdma_peer_memory_put(struct sgdma_peer_memory *memory)
{
	mutex_lock(&memories_lock);
	mutex_lock(&memory->lock);
	memory->has_handle = false;
	if (list_empty(&memory->exports))
		forget(memory);
	mutex_unlock(&memory->lock);
	mutex_unlock(&memories_lock);
	put_memory(memory);
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_put);

enum sgdma_peer sgdma_peer_memory_route(const struct sgdma_peer_memory *memory,
					struct device *dev)
{
	return sgdma_peer(memory->pdev, memory->bar, dev);
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_route);

/* Only importers that can be told when the memory goes are accepted. */
static int attach(struct dma_buf *buf, struct dma_buf_attachment *attachment)
{
	struct export *export = buf->priv;
	struct device *dev = attachment->dev;
	struct importer *importer;
	int err = 0;

	if (!attachment->peer2peer || !dma_buf_attach_revocable(attachment)) {
		sgdma_say_not_attached(dev, "the buffer is memory of a device, which may go",
				       "use a driver that attaches with attach_revocable(), or in C by dma_buf_dynamic_attach() with allow_peer2peer and invalidate_mappings");
		return -EOPNOTSUPP;
	}
	importer = kzalloc_obj(*importer);
	if (!importer)
		return -ENOMEM;
	/* The kernel knows routes to the memory only until it is taken back. */
	dma_resv_lock(buf->resv, NULL);
	if (export->taken_back)
		err = -ENODEV;
	else
		importer->route = sgdma_peer_memory_route(export->memory, dev);
	dma_resv_unlock(buf->resv);
	if (!err && importer->route > SGDMA_PEER_HOST_BRIDGE) {
		dev_err_ratelimited(dev, "memory of %s is not attached: %s\n",
				    pci_name(export->memory->pdev),
				    sgdma_peer_string(importer->route));
		err = -EREMOTEIO;
	}
	if (err)
		kfree(importer);
	else
		attachment->priv = importer;
	return err;
}

static void detach(struct dma_buf *buf, struct dma_buf_attachment *attachment)
{
	kfree(attachment->priv);
}

/* The device whose memory it is may use it, too. Nobody else gets what that device finds there. */
static bool is_waited_for(const struct dma_buf_attachment *attachment)
{
	const struct export *export = attachment->dmabuf->priv;
	const struct importer *importer = attachment->priv;

	return attachment->dev != &export->memory->pdev->dev && !importer->gone;
}

/*
 * Not dma_buf_phys_vec_to_sgt(): it leaks the entries of the table, and addresses if linking fails.
 * Memory of a device is mapped as registers are: neither bounced nor cleaned from caches.
 */
static int map_range(struct dma_buf_attachment *attachment, dma_addr_t *addr,
		     enum dma_data_direction dir)
{
	const struct export *export = attachment->dmabuf->priv;
	const struct importer *importer = attachment->priv;

	if (importer->route == SGDMA_PEER_BUS_ADDRESS) {
		*addr = pci_p2pdma_bus_addr_map(export->memory->provider, export->start);
		return 0;
	}
	*addr = dma_map_phys(attachment->dev, export->start, export->size, dir, DMA_ATTR_MMIO);
	return dma_mapping_error(attachment->dev, *addr);
}

static void free_table(struct sg_table *sgt)
{
	/* See map(). */
	sgt->orig_nents = sgt->nents;
	sg_free_table(sgt);
	kfree(sgt);
}

static struct sg_table *map(struct dma_buf_attachment *attachment, enum dma_data_direction dir)
{
	struct export *export = attachment->dmabuf->priv;
	struct importer *importer = attachment->priv;
	struct sg_table *sgt;
	int err;

	if (export->taken_back)
		return ERR_PTR(-ENODEV);
	sgt = kzalloc_obj(*sgt);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	err = sg_alloc_table(sgt, 1, GFP_KERNEL);
	if (!err)
		err = map_range(attachment, &sg_dma_address(sgt->sgl), dir);
	if (err) {
		free_table(sgt);
		return ERR_PTR(err);
	}
	sg_dma_len(sgt->sgl) = export->size;
	/* An importer that looks for pages is told that there are none. */
	sgt->orig_nents = 0;
	importer->mappings++;
	if (is_waited_for(attachment))
		atomic_inc(&export->memory->mappings);
	return sgt;
}

static void unmap(struct dma_buf_attachment *attachment, struct sg_table *sgt,
		  enum dma_data_direction dir)
{
	struct export *export = attachment->dmabuf->priv;
	struct importer *importer = attachment->priv;

	if (importer->route != SGDMA_PEER_BUS_ADDRESS)
		dma_unmap_phys(attachment->dev, sg_dma_address(sgt->sgl), export->size, dir,
			       DMA_ATTR_MMIO);
	free_table(sgt);
	importer->mappings--;
	if (is_waited_for(attachment) && atomic_dec_and_test(&export->memory->mappings))
		wake_up_all(&export->memory->unmapped);
}

static void release(struct dma_buf *buf)
{
	struct export *export = buf->priv;
	struct sgdma_peer_memory *memory = export->memory;

	mutex_lock(&memories_lock);
	mutex_lock(&memory->lock);
	list_del(&export->node);
	gen_pool_free(memory->pool, export->start, export->size);
	if (!memory->has_handle && list_empty(&memory->exports))
		forget(memory);
	mutex_unlock(&memory->lock);
	mutex_unlock(&memories_lock);
	put_memory(memory);
	kfree(export);
}

/* No operation for the CPU: the memory has no pages, and only its driver knows how to access it. */
static const struct dma_buf_ops ops = {
	.attach = attach,
	.detach = detach,
	.map_dma_buf = map,
	.unmap_dma_buf = unmap,
	.release = release,
};

bool sgdma_is_peer_memory(const struct dma_buf *buf)
{
	return buf->ops == &ops;
}

bool sgdma_peer_memory_is_where_it_was(const struct dma_buf *buf,
				       const struct sgdma_attachment *attachment)
{
	const struct importer *importer = attachment->attachment->priv;
	dma_addr_t addr = sg_dma_address(attachment->sgt->sgl);
	struct device *dev = attachment->attachment->dev;
	const struct export *export = buf->priv;

	/* Unmapping does nothing then. */
	if (importer->route == SGDMA_PEER_BUS_ADDRESS)
		return true;
	switch (sgdma_route(dev)) {
	case SGDMA_DIRECT:
		return addr == export->start;
	case SGDMA_IOMMU:
		return iommu_iova_to_phys(iommu_get_domain_for_dev(dev), addr) == export->start;
	default:
		return false;
	}
}

/* An earlier user may have left secrets. The memory may be large and slow. */
static int clear(phys_addr_t start, size_t size, const bool *unbinding)
{
	void __iomem *bytes = ioremap(start, size);
	int err = 0;

	if (!bytes)
		return -ENOMEM;
	for (size_t at = 0; !err && at < size; at += SZ_64K) {
		memset_io(bytes + at, 0, min_t(size_t, size - at, SZ_64K));
		cond_resched();
		if (fatal_signal_pending(current))
			err = -EINTR;
		/* As in Unbinding::has_begun(). */
		else if (smp_load_acquire(unbinding))
			err = -ENODEV;
	}
	/* The answer comes after the writes: another device would not wait for these. */
	readb(bytes);
	iounmap(bytes);
	return err;
}

/* Makes a dma-buf of a part of the memory that nobody else has. */
static struct dma_buf *export_part(struct sgdma_peer_memory *memory, phys_addr_t start, size_t size)
{
	struct export *export = kzalloc_obj(*export, GFP_KERNEL_ACCOUNT);
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *buf;

	if (!export)
		return ERR_PTR(-ENOMEM);
	export->memory = memory;
	export->start = start;
	export->size = size;
	info.ops = &ops;
	info.size = size;
	info.flags = O_RDWR;
	info.priv = export;
	guard(mutex)(&memory->lock);
	buf = memory->taken_back ? ERR_PTR(-ENODEV) : dma_buf_export(&info);
	if (IS_ERR(buf)) {
		kfree(export);
		return buf;
	}
	export->buf = buf;
	kref_get(&memory->refs);
	list_add(&export->node, &memory->exports);
	return buf;
}

struct dma_buf *sgdma_peer_memory_export(struct sgdma_peer_memory *memory, size_t size,
					 const bool *unbinding)
{
	struct dma_buf *buf;
	phys_addr_t start;
	int err;

	if (!size || !PAGE_ALIGNED(size))
		return ERR_PTR(-EINVAL);
	/* One entry describes it. */
	if (size > UINT_MAX)
		return ERR_PTR(-E2BIG);
	/* The pool has a lock of its own. */
	start = gen_pool_alloc(memory->pool, size);
	if (!start)
		return ERR_PTR(-ENOSPC);
	err = clear(start, size, unbinding);
	buf = err ? ERR_PTR(err) : export_part(memory, start, size);
	if (IS_ERR(buf))
		gen_pool_free(memory->pool, start, size);
	return buf;
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_export);

/*
 * Tells all importers. Each stops its device, and unmaps.
 *
 * While an export is on the list and the lock is held, its dma-buf exists: release() waits for the
 * lock. There may be no reference to the dma-buf's file any more, nor the file.
 */
static void revoke(struct sgdma_peer_memory *memory)
{
	struct export *export;

	guard(mutex)(&memory->lock);
	WRITE_ONCE(memory->taken_back, true);
	list_for_each_entry(export, &memory->exports, node) {
		dma_resv_lock(export->buf->resv, NULL);
		export->taken_back = true;
		dma_buf_invalidate_mappings(export->buf);
		dma_resv_unlock(export->buf->resv);
	}
}

/* Who has the lock of a device for longer may be waiting for this task. */
static bool lock_briefly(struct device *dev)
{
	for (int i = 0; i < 10; i++) {
		if (device_trylock(dev))
			return true;
		msleep(20);
	}
	return false;
}

/*
 * Takes bus mastering from a device that has not stopped, so that nothing more gets to the memory.
 * A device that has another binding by now, or one of another library, is left alone.
 */
static void stop(struct dma_buf_attachment *attachment, struct pci_dev *provider)
{
	struct pci_dev *pdev = to_pci_dev(attachment->dev);

	if (!sgdma_dma_buf_is_importer(attachment) || !lock_briefly(&pdev->dev))
		return;
	if (pdev->is_busmaster && sgdma_dma_buf_is_live(attachment) &&
	    sgdma_halt(pdev) == SGDMA_HALTED)
		pci_err(pdev, "bus mastering is switched off: this device has not given back memory of %s, whose driver is being unbound; unbind the driver of this device\n",
			pci_name(provider));
	device_unlock(&pdev->dev);
}

/* A device that was removed does no DMA, whoever has dropped its buffer where. */
static void forget_gone(struct dma_buf_attachment *attachment)
{
	struct export *export = attachment->dmabuf->priv;
	struct importer *importer = attachment->priv;

	if (!pci_dev_is_disconnected(to_pci_dev(attachment->dev)))
		return;
	importer->gone = true;
	atomic_sub(importer->mappings, &export->memory->mappings);
}

static void name_user(struct dma_buf_attachment *attachment, struct pci_dev *provider, size_t size)
{
	struct device *dev = attachment->dev;

	if (sgdma_dma_buf_is_importer(attachment) && !sgdma_dma_buf_is_live(attachment))
		pci_warn(provider, "not unbound yet: %s %s may use %zu bytes of this device's memory, which an earlier driver has left to it; bind one that resets that device\n",
			 dev_driver_string(dev), dev_name(dev), size);
	else
		pci_warn(provider, "not unbound yet: %s %s uses %zu bytes of this device's memory; unbind the driver of that device\n",
			 dev_driver_string(dev), dev_name(dev), size);
}

/* What is done about those who use memory that was taken back. */
enum visit {
	LOOK,	/* see who is gone */
	NAME,
	STOP,
};

static void visit_users(struct sgdma_peer_memory *memory, enum visit what)
{
	struct dma_buf_attachment *attachment;
	struct export *export;

	guard(mutex)(&memory->lock);
	list_for_each_entry(export, &memory->exports, node) {
		dma_resv_lock(export->buf->resv, NULL);
		list_for_each_entry(attachment, &export->buf->attachments, node) {
			const struct importer *importer = attachment->priv;

			if (!importer || !importer->mappings || !is_waited_for(attachment))
				continue;
			forget_gone(attachment);
			if (importer->gone || what == LOOK)
				continue;
			name_user(attachment, memory->pdev, export->size);
			if (what == STOP)
				stop(attachment, memory->pdev);
		}
		dma_resv_unlock(export->buf->resv);
	}
}

static void visit_all_users(const struct pci_dev *pdev, enum visit what)
{
	struct sgdma_peer_memory *memory;

	guard(mutex)(&memories_lock);
	list_for_each_entry(memory, &memories, node)
		if (memory->pdev == pdev)
			visit_users(memory, what);
}

static bool is_used(const struct sgdma_peer_memory *memory)
{
	return atomic_read(&memory->mappings);
}

/* No lock: the task that asks is the one that sets it. */
static bool is_not_taken_back(const struct sgdma_peer_memory *memory)
{
	return !memory->taken_back;
}

/* Returns the first memory of a device that is @wanted, with a reference. */
static struct sgdma_peer_memory *find(const struct pci_dev *pdev,
				      bool (*is_wanted)(const struct sgdma_peer_memory *memory))
{
	struct sgdma_peer_memory *memory;

	guard(mutex)(&memories_lock);
	list_for_each_entry(memory, &memories, node) {
		if (memory->pdev == pdev && is_wanted(memory)) {
			kref_get(&memory->refs);
			return memory;
		}
	}
	return NULL;
}

/*
 * Waits until no other device uses the memories of a device. After the namings that make up
 * @patience, the devices that use them lose their bus mastering, and the wait ends. Without
 * patience they lose it at each naming, and the wait does not end.
 */
static void await_users(const struct pci_dev *pdev, unsigned int patience)
{
	unsigned long next = jiffies + NAMING_INTERVAL;
	struct sgdma_peer_memory *memory;
	unsigned int namings = 0;

	visit_all_users(pdev, LOOK);
	while ((memory = find(pdev, is_used))) {
		long left = next - jiffies;

		if (left > 0)
			wait_event_timeout(memory->unmapped, !is_used(memory), left);
		put_memory(memory);
		if (time_before(jiffies, next))
			continue;
		namings++;
		visit_all_users(pdev, namings >= patience ? STOP : NAME);
		if (namings == patience)
			break;
		next = jiffies + NAMING_INTERVAL;
	}
}

void sgdma_peer_memory_take_back(struct device *dev)
{
	struct sgdma_peer_memory *memory;

	if (!dev_is_pci(dev))
		return;
	/* Each time from the start: a memory that nobody has any more leaves the list. */
	while ((memory = find(to_pci_dev(dev), is_not_taken_back))) {
		revoke(memory);
		put_memory(memory);
	}
	await_users(to_pci_dev(dev), PATIENCE);
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_take_back);

void sgdma_peer_memory_end(struct device *dev)
{
	struct sgdma_peer_memory *memory, *next;

	if (!dev_is_pci(dev))
		return;
	await_users(to_pci_dev(dev), 0);
	mutex_lock(&memories_lock);
	list_for_each_entry_safe(memory, next, &memories, node)
		if (memory->pdev == to_pci_dev(dev))
			forget(memory);
	mutex_unlock(&memories_lock);
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_end);

/* A provider in the report. */
struct report {
	struct seq_file *m;
	struct sgdma_peer_memory *memory;
};

static int show_peer(struct device *dev, void *data)
{
	const char *name = "busy", *string = "busy: a driver binds or unbinds, ask again";
	const struct report *report = data;
	const struct sgdma_peer_memory *memory = report->memory;
	bool is_bound = true;

	if (READ_ONCE(memory->taken_back)) {
		name = "taken-back";
		string = "taken back: the driver of that device is being unbound";
	} else if (device_trylock(dev)) {
		is_bound = dev->driver && dev->dma_mask;
		if (is_bound) {
			enum sgdma_peer peer = sgdma_peer_memory_route(memory, dev);

			name = sgdma_peer_name(peer);
			string = sgdma_peer_string(peer);
		}
		device_unlock(dev);
	}
	if (is_bound)
		seq_printf(report->m, "%-13s %-3d %#-10llx %-13s %-12s %s\n",
			   pci_name(memory->pdev), memory->bar, memory->size, dev_name(dev),
			   name, string);
	return 0;
}

/* Prints each memory, and by which route each device reaches it. */
static int peers_show(struct seq_file *m, void *data)
{
	struct report report = { .m = m };

	seq_printf(m, "%-13s %-3s %-10s %-13s %-12s %s\n", "memory of", "bar", "size", "device",
		   "route", "in words");
	guard(mutex)(&memories_lock);
	list_for_each_entry(report.memory, &memories, node)
		bus_for_each_dev(&pci_bus_type, NULL, &report, show_peer);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(peers);

/* The file needs no removal: sgdma_report_exit() removes its directory with all files in it. */
void sgdma_peer_memory_init(void)
{
	struct dentry *dir = debugfs_lookup("sgdma", NULL);

	if (IS_ERR_OR_NULL(dir))
		return;
	debugfs_create_file("peers", 0400, dir, NULL, &peers_fops);
	dput(dir);
}
#else
int sgdma_peer_memory_new(struct device *dev, unsigned int bar, u64 offset, u64 size,
			  struct sgdma_peer_memory **result)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_new);

void sgdma_peer_memory_put(struct sgdma_peer_memory *memory)
{
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_put);

enum sgdma_peer sgdma_peer_memory_route(const struct sgdma_peer_memory *memory,
					struct device *dev)
{
	return SGDMA_PEER_NO_ROUTE;
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_route);

struct dma_buf *sgdma_peer_memory_export(struct sgdma_peer_memory *memory, size_t size,
					 const bool *unbinding)
{
	return ERR_PTR(-EOPNOTSUPP);
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_export);

bool sgdma_is_peer_memory(const struct dma_buf *buf)
{
	return false;
}

bool sgdma_peer_memory_is_where_it_was(const struct dma_buf *buf,
				       const struct sgdma_attachment *attachment)
{
	return false;
}

void sgdma_peer_memory_take_back(struct device *dev)
{
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_take_back);

void sgdma_peer_memory_end(struct device *dev)
{
}
EXPORT_SYMBOL_GPL(sgdma_peer_memory_end);

void sgdma_peer_memory_init(void)
{
}
#endif
