// SPDX-License-Identifier: GPL-2.0
/*
 * An exporter and an importer of dma-bufs for the self-tests, as other drivers have them. In C,
 * because such drivers are written in C.
 */
#include <linux/device/faux.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "sgdma.h"
#include "tests/device.h"
#include "tests/foreign.h"

struct foreign {
	struct sg_table sgt;
	int extra;
	bool goes;
	bool revoked;
	int maps;
	int pins;
};

static void free_foreign(struct foreign *foreign)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_sg(&foreign->sgt, sg, i)
		if (sg_page(sg))
			__free_page(sg_page(sg));
	sg_free_table(&foreign->sgt);
	kfree(foreign);
}

static struct foreign *alloc_foreign(void)
{
	struct foreign *foreign = kzalloc(sizeof(*foreign), GFP_KERNEL);
	struct scatterlist *sg;
	struct page *page;
	int i;

	if (!foreign)
		return NULL;
	if (sg_alloc_table(&foreign->sgt, SGDMA_SELFTEST_FOREIGN_PAGES, GFP_KERNEL)) {
		kfree(foreign);
		return NULL;
	}
	for_each_sgtable_sg(&foreign->sgt, sg, i) {
		page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!page) {
			free_foreign(foreign);
			return NULL;
		}
		sg_set_page(sg, page, PAGE_SIZE, 0);
	}
	return foreign;
}

static int attach(struct dma_buf *buf, struct dma_buf_attachment *attachment)
{
	struct foreign *foreign = buf->priv;

	return foreign->goes && !dma_buf_attach_revocable(attachment) ? -EOPNOTSUPP : 0;
}

static int pin(struct dma_buf_attachment *attachment)
{
	struct foreign *foreign = attachment->dmabuf->priv;

	/* As if it had moved the buffer. */
	dma_buf_invalidate_mappings(attachment->dmabuf);
	foreign->pins++;
	return 0;
}

static void unpin(struct dma_buf_attachment *attachment)
{
	struct foreign *foreign = attachment->dmabuf->priv;

	foreign->pins--;
}

static struct sg_table *map(struct dma_buf_attachment *attachment, enum dma_data_direction dir)
{
	struct foreign *foreign = attachment->dmabuf->priv;
	int err = foreign->revoked ? -ENODEV :
				     dma_map_sgtable(attachment->dev, &foreign->sgt, dir, 0);

	if (err)
		return ERR_PTR(err);
	foreign->maps++;
	sg_dma_len(foreign->sgt.sgl) += foreign->extra;
	return &foreign->sgt;
}

static void unmap(struct dma_buf_attachment *attachment, struct sg_table *sgt,
		  enum dma_data_direction dir)
{
	struct foreign *foreign = attachment->dmabuf->priv;

	foreign->maps--;
	sg_dma_len(sgt->sgl) -= foreign->extra;
	dma_unmap_sgtable(attachment->dev, sgt, dir, 0);
}

static void release(struct dma_buf *buf)
{
	free_foreign(buf->priv);
}

static const struct dma_buf_ops ops = {
	.attach = attach,
	.pin = pin,
	.unpin = unpin,
	.map_dma_buf = map,
	.unmap_dma_buf = unmap,
	.release = release,
};

struct dma_buf *sgdma_selftest_export(int extra, bool goes)
{
	struct foreign *foreign = alloc_foreign();
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *buf;

	if (!foreign)
		return ERR_PTR(-ENOMEM);
	foreign->extra = extra;
	foreign->goes = goes;
	info.ops = &ops;
	info.size = SGDMA_SELFTEST_FOREIGN_PAGES * PAGE_SIZE;
	info.flags = O_RDWR;
	info.priv = foreign;
	buf = dma_buf_export(&info);
	if (IS_ERR(buf))
		free_foreign(foreign);
	return buf;
}

void sgdma_selftest_revoke(struct dma_buf *buf)
{
	struct foreign *foreign = buf->priv;

	dma_resv_lock(buf->resv, NULL);
	foreign->revoked = true;
	dma_buf_invalidate_mappings(buf);
	dma_resv_wait_timeout(buf->resv, DMA_RESV_USAGE_BOOKKEEP, false, MAX_SCHEDULE_TIMEOUT);
	dma_resv_unlock(buf->resv);
}

void sgdma_selftest_uses(const struct dma_buf *buf, int *maps, int *pins)
{
	const struct foreign *foreign = buf->priv;

	dma_resv_lock(buf->resv, NULL);
	*maps = foreign->maps;
	*pins = foreign->pins;
	dma_resv_unlock(buf->resv);
}

/* Maps in direction @dir, and unmaps. Returns zero or the error of mapping. */
static int try_map(struct dma_buf_attachment *attachment, enum dma_data_direction dir)
{
	struct sg_table *sgt = dma_buf_map_attachment_unlocked(attachment, dir);

	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	dma_buf_unmap_attachment_unlocked(attachment, sgt, dir);
	return 0;
}

static int import(struct dma_buf_attachment *attachment, u8 byte, struct sgdma_selftest_seen *seen)
{
	struct sg_table *sgt = dma_buf_map_attachment_unlocked(attachment, DMA_BIDIRECTIONAL);
	struct scatterlist *sg;
	int i;

	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	seen->addr = sg_dma_address(sgt->sgl);
	for_each_sgtable_dma_sg(sgt, sg, i)
		seen->len += sg_dma_len(sg);
	seen->first = sgdma_selftest_device_read(seen->addr);
	sgdma_selftest_device_write(seen->addr, byte);
	seen->again = try_map(attachment, DMA_BIDIRECTIONAL);
	dma_buf_unmap_attachment_unlocked(attachment, sgt, DMA_BIDIRECTIONAL);
	seen->afterwards = try_map(attachment, DMA_TO_DEVICE);
	seen->none = try_map(attachment, DMA_NONE);
	return 0;
}

int sgdma_selftest_import(struct dma_buf *buf, struct device *dev, u8 byte,
			  struct sgdma_selftest_seen *seen)
{
	struct dma_buf_attachment *attachment = dma_buf_attach(buf, dev);
	int err;

	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	seen->attached = true;
	err = import(attachment, byte, seen);
	dma_buf_detach(buf, attachment);
	return err;
}

/* The dma-buf that probe() imports. */
static struct dma_buf *imported;
/* True if the device of probe() was found to be coherent or not, as it is. */
static bool found_right;

static int probe(struct faux_device *faux)
{
	struct dma_buf_attachment *attachment;
	struct device *dev = &faux->dev, *found;
	int err;

	dev->dma_mask = &dev->coherent_dma_mask;
	err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (err)
		return err;
	attachment = dma_buf_attach(imported, dev);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	found = sgdma_dma_buf_first_incoherent(imported);
	found_right = found == (dma_streaming_is_coherent(dev) ? NULL : dev);
	put_device(found);
	dma_buf_detach(imported, attachment);
	return 0;
}

static const struct faux_device_ops importer = { .probe = probe };

bool sgdma_selftest_ask_in_probe(struct dma_buf *buf)
{
	struct faux_device *faux;

	imported = buf;
	found_right = false;
	faux = faux_device_create("sgdma-selftest-probe", NULL, &importer);
	if (faux)
		faux_device_destroy(faux);
	return found_right;
}

int sgdma_selftest_copy(struct dma_buf *buf, void *dst)
{
	struct iosys_map map;
	int err = dma_buf_begin_cpu_access(buf, DMA_FROM_DEVICE);

	if (err)
		return err;
	err = dma_buf_vmap_unlocked(buf, &map);
	if (!err) {
		iosys_map_memcpy_from(dst, &map, 0, buf->size);
		dma_buf_vunmap_unlocked(buf, &map);
	}
	dma_buf_end_cpu_access(buf, DMA_FROM_DEVICE);
	return err;
}

long sgdma_selftest_buf_refs(const struct dma_buf *buf)
{
	return file_count(buf->file);
}

int sgdma_selftest_install(struct dma_buf *buf)
{
	int fd;

	get_dma_buf(buf);
	fd = dma_buf_fd(buf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(buf);
	return fd;
}

void sgdma_selftest_close(unsigned int fd)
{
	close_fd(fd);
}
