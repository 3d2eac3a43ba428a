// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of the dma-buf API, and the operations of the dma-bufs that this module exports.
 *
 * The operations are a table of C functions, which the compiler makes constant. What they do to the
 * buffer is in export.rs.
 */
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dmabuf/dma_buf.h"
#include "sgdma.h"

MODULE_IMPORT_NS("DMA_BUF");

static int attach(struct dma_buf *buf, struct dma_buf_attachment *attachment)
{
	struct device *dev = attachment->dev;
	int err = sgdma_export_attach(buf->priv, dev);

	if (err == -EOPNOTSUPP)
		sgdma_say_not_attached(dev, sgdma_coherency_name(sgdma_coherency(dev)),
				       "export it as DmaBufUse::Turns");
	return err;
}

static struct sg_table *map(struct dma_buf_attachment *attachment, enum dma_data_direction dir)
{
	struct sg_table *sgt;
	int err;

	/* A second mapping of an attachment would take the place of the first one. */
	if (attachment->priv)
		return ERR_PTR(-EBUSY);
	err = sgdma_export_map(attachment->dmabuf->priv, attachment->dev, dir, &sgt,
			       &attachment->priv);
	return err ? ERR_PTR(err) : sgt;
}

static void unmap(struct dma_buf_attachment *attachment, struct sg_table *sgt,
		  enum dma_data_direction dir)
{
	sgdma_export_unmap(attachment->dmabuf->priv, attachment->priv);
	attachment->priv = NULL;
}

/* A device may end its turn when its fence is signalled, so that comes first. */
static int begin_cpu_access(struct dma_buf *buf, enum dma_data_direction dir)
{
	bool write = dir != DMA_FROM_DEVICE;
	long left = dma_resv_wait_timeout(buf->resv, dma_resv_usage_rw(write), true,
					  MAX_SCHEDULE_TIMEOUT);

	return left < 0 ? left : sgdma_export_begin(buf->priv, dir);
}

/* Returns an array of all pages, or NULL. */
static struct page **all_pages(struct dma_buf *buf)
{
	size_t count = buf->size >> PAGE_SHIFT;
	struct page **pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);

	if (pages)
		sgdma_export_pages(buf->priv, pages, count);
	return pages;
}

static int mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	struct page **pages;
	int err;

	/* A private mapping would have copies of the pages that no device sees. */
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_PFNMAP)
		return -EINVAL;
	pages = all_pages(buf);
	if (!pages)
		return -ENOMEM;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	err = vm_map_pages(vma, pages, buf->size >> PAGE_SHIFT);
	kvfree(pages);
	return err;
}

static int vmap_buffer(struct dma_buf *buf, struct iosys_map *map)
{
	struct page **pages = all_pages(buf);
	void *addr;

	if (!pages)
		return -ENOMEM;
	addr = vmap(pages, buf->size >> PAGE_SHIFT, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	if (!addr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, addr);
	return 0;
}

static void vunmap_buffer(struct dma_buf *buf, struct iosys_map *map)
{
	vunmap(map->vaddr);
}

static void release(struct dma_buf *buf)
{
	sgdma_export_release(buf->priv);
}

static const struct dma_buf_ops ops = {
	.attach = attach,
	.map_dma_buf = map,
	.unmap_dma_buf = unmap,
	.begin_cpu_access = begin_cpu_access,
	.mmap = mmap,
	.vmap = vmap_buffer,
	.vunmap = vunmap_buffer,
	.release = release,
};

struct dma_buf *sgdma_dma_buf_export(struct sgdma_export *export, size_t size)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &ops;
	info.size = size;
	info.flags = O_RDWR;
	info.priv = export;
	return dma_buf_export(&info);
}

void sgdma_say_not_attached(struct device *dev, const char *why, const char *remedy)
{
	dev_err_ratelimited(dev, "a dma-buf is not attached: %s; %s\n", why, remedy);
}

/* A task that is exiting has no descriptors, and a driver's code may still run in it. */
struct dma_buf *sgdma_dma_buf_get(int fd)
{
	return current->files ? dma_buf_get(fd) : ERR_PTR(-EBADF);
}

void sgdma_dma_buf_ref(struct dma_buf *buf)
{
	get_dma_buf(buf);
}

void sgdma_dma_buf_put(struct dma_buf *buf)
{
	/* dma_buf_put() would take a lock that is not for interrupts, to trace the call. */
	fput(buf->file);
}

size_t sgdma_dma_buf_size(const struct dma_buf *buf)
{
	return buf->size;
}

struct file *sgdma_dma_buf_file(const struct dma_buf *buf)
{
	return buf->file;
}

struct sgdma_export *sgdma_dma_buf_export_of(const struct dma_buf *buf)
{
	return buf->ops == &ops ? buf->priv : NULL;
}
EXPORT_SYMBOL_GPL(sgdma_dma_buf_export_of);

/* An exporter also calls this before it has mapped the buffer, as it moves what is to be pinned. */
static void invalidate_mappings(struct dma_buf_attachment *attachment)
{
	if (attachment->importer_priv)
		sgdma_dma_buf_revoked(attachment->importer_priv);
}

/* The table has addresses only, so it may be of memory that has no pages. */
static const struct dma_buf_attach_ops revocable_ops = {
	.allow_peer2peer = true,
	.invalidate_mappings = invalidate_mappings,
};

bool sgdma_dma_buf_is_importer(const struct dma_buf_attachment *attachment)
{
	return attachment->importer_ops == &revocable_ops;
}

bool sgdma_dma_buf_is_live(const struct dma_buf_attachment *attachment)
{
	return attachment->importer_priv &&
	       sgdma_dma_buf_revocation_is_live(attachment->importer_priv);
}

/*
 * Maps a buffer that the exporter could move, and has the exporter call @revocation. The buffer is
 * pinned until it is unmapped.
 */
static struct sg_table *pin_and_map(struct dma_buf_attachment *attachment,
				    enum dma_data_direction dir,
				    struct sgdma_revocation *revocation)
{
	struct sg_table *sgt;
	long left;
	int err = dma_buf_pin(attachment);

	if (err)
		return ERR_PTR(err);
	/* The exporter may be moving the buffer to where it is pinned. */
	left = dma_resv_wait_timeout(attachment->dmabuf->resv, DMA_RESV_USAGE_KERNEL, true,
				     MAX_SCHEDULE_TIMEOUT);
	sgt = left < 0 ? ERR_PTR(left) : dma_buf_map_attachment(attachment, dir);
	if (IS_ERR(sgt))
		dma_buf_unpin(attachment);
	else
		attachment->importer_priv = revocation;
	return sgt;
}

static struct dma_buf_attachment *attach_to(struct dma_buf *buf, struct device *dev,
					    bool revocable)
{
	struct dma_buf_attachment *attachment;

	if (!revocable)
		return dma_buf_attach(buf, dev);
	attachment = dma_buf_dynamic_attach(buf, dev, &revocable_ops, NULL);
	/* The exporter may call this module, even if the driver has forgotten the buffer. */
	if (!IS_ERR(attachment))
		__module_get(THIS_MODULE);
	return attachment;
}

static void detach(struct dma_buf *buf, struct dma_buf_attachment *attachment)
{
	bool revocable = attachment->importer_ops;

	dma_buf_detach(buf, attachment);
	if (revocable)
		module_put(THIS_MODULE);
}

int sgdma_dma_buf_map(struct dma_buf *buf, struct device *dev, enum dma_data_direction dir,
		      struct sgdma_revocation *revocation, struct sgdma_attachment *result)
{
	struct dma_buf_attachment *attachment = attach_to(buf, dev, revocation);
	struct sg_table *sgt;

	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	dma_resv_lock(buf->resv, NULL);
	sgt = revocation ? pin_and_map(attachment, dir, revocation) :
			   dma_buf_map_attachment(attachment, dir);
	dma_resv_unlock(buf->resv);
	if (IS_ERR(sgt)) {
		detach(buf, attachment);
		return PTR_ERR(sgt);
	}
	/* An attachment that is forgotten stays on the list of the dma-buf, which lives on. */
	get_device(dev);
	result->attachment = attachment;
	result->sgt = sgt;
	return 0;
}

void sgdma_dma_buf_unmap(struct dma_buf *buf, const struct sgdma_attachment *attachment,
			 enum dma_data_direction dir)
{
	struct device *dev = attachment->attachment->dev;

	dma_resv_lock(buf->resv, NULL);
	dma_buf_unmap_attachment(attachment->attachment, attachment->sgt, dir);
	if (attachment->attachment->importer_ops)
		dma_buf_unpin(attachment->attachment);
	dma_resv_unlock(buf->resv);
	detach(buf, attachment->attachment);
	put_device(dev);
}

struct device *sgdma_dma_buf_first_incoherent(struct dma_buf *buf)
{
	struct dma_buf_attachment *attachment;
	struct device *dev = NULL;

	dma_resv_lock(buf->resv, NULL);
	list_for_each_entry(attachment, &buf->attachments, node) {
		/*
		 * A device whose driver has gone is still attached if it may be at work. One in its
		 * probe has a driver, but is not bound yet.
		 */
		if (READ_ONCE(attachment->dev->driver) &&
		    !dma_streaming_is_coherent(attachment->dev)) {
			dev = get_device(attachment->dev);
			break;
		}
	}
	dma_resv_unlock(buf->resv);
	return dev;
}
EXPORT_SYMBOL_GPL(sgdma_dma_buf_first_incoherent);

const void *sgdma_dma_buf_mapping(const struct sgdma_attachment *attachment)
{
	return attachment->attachment->priv;
}

int sgdma_dma_buf_begin(struct dma_buf *buf, enum dma_data_direction dir,
			struct sgdma_cpu_turn *turn)
{
	struct iosys_map map;
	int err = dma_buf_begin_cpu_access(buf, dir);

	turn->addr = NULL;
	if (err || sgdma_dma_buf_export_of(buf))
		return err;
	err = dma_buf_vmap_unlocked(buf, &map);
	if (err) {
		dma_buf_end_cpu_access(buf, dir);
		return err;
	}
	turn->is_io = map.is_iomem;
	turn->addr = map.is_iomem ? (void __force *)map.vaddr_iomem : map.vaddr;
	return 0;
}
EXPORT_SYMBOL_GPL(sgdma_dma_buf_begin);

static struct iosys_map map_of(const struct sgdma_cpu_turn *turn)
{
	struct iosys_map map;

	if (turn->is_io)
		iosys_map_set_vaddr_iomem(&map, (void __iomem __force *)turn->addr);
	else
		iosys_map_set_vaddr(&map, turn->addr);
	return map;
}

void sgdma_dma_buf_end(struct dma_buf *buf, enum dma_data_direction dir,
		       const struct sgdma_cpu_turn *turn)
{
	struct iosys_map map = map_of(turn);

	if (turn->addr)
		dma_buf_vunmap_unlocked(buf, &map);
	dma_buf_end_cpu_access(buf, dir);
}
EXPORT_SYMBOL_GPL(sgdma_dma_buf_end);

void sgdma_dma_buf_copy_from(const struct sgdma_cpu_turn *turn, size_t offset, void *dst,
			     size_t len)
{
	struct iosys_map map = map_of(turn);

	iosys_map_memcpy_from(dst, &map, offset, len);
}
EXPORT_SYMBOL_GPL(sgdma_dma_buf_copy_from);

void sgdma_dma_buf_copy_to(const struct sgdma_cpu_turn *turn, size_t offset, const void *src,
			   size_t len)
{
	struct iosys_map map = map_of(turn);

	iosys_map_memcpy_to(&map, offset, src, len);
}
EXPORT_SYMBOL_GPL(sgdma_dma_buf_copy_to);
