/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The C half of this folder: calls of the dma-buf API, for importers, and the operations of the
 * dma-bufs that this module exports (dma_buf.c).
 */
#ifndef SGDMA_DMA_BUF_H
#define SGDMA_DMA_BUF_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;
struct dma_buf;
struct dma_buf_attachment;
struct file;
struct page;
struct sg_table;
struct sgdma_export;
struct sgdma_revocation;

/*
 * Calls dma_buf_get(), which takes a reference. Returns an error pointer: -EBADF if there is no
 * such descriptor or the task has none any more, -EINVAL if it is no dma-buf. For process context.
 */
struct dma_buf *sgdma_dma_buf_get(int fd);

/* Takes another reference to @buf: get_dma_buf(). For any context. */
void sgdma_dma_buf_ref(struct dma_buf *buf);

/* Gives a reference back, as dma_buf_put() does. For any context. */
void sgdma_dma_buf_put(struct dma_buf *buf);

/* Returns the length in bytes. It does not change. */
size_t sgdma_dma_buf_size(const struct dma_buf *buf);

/* Returns the file, to which @buf has one reference for each of its own. */
struct file *sgdma_dma_buf_file(const struct dma_buf *buf);

/* Returns what this module has exported as @buf, or NULL if another module has exported @buf. */
struct sgdma_export *sgdma_dma_buf_export_of(const struct dma_buf *buf);

/* A buffer that is mapped for a device. */
struct sgdma_attachment {
	struct dma_buf_attachment *attachment;
	struct sg_table *sgt;
};

/*
 * Attaches @dev, which is bound and has a DMA mask, to @buf, and maps @buf: dma_buf_attach() and
 * dma_buf_map_attachment(). Fills in @result, and returns zero or a negative error number. May
 * sleep.
 *
 * If @revocation is not NULL, the exporter may take @buf back, and the buffer may be memory of
 * another device: dma_buf_dynamic_attach() and dma_buf_pin(). Then sgdma_dma_buf_revoked() may be
 * called until sgdma_dma_buf_unmap() has returned.
 */
int sgdma_dma_buf_map(struct dma_buf *buf, struct device *dev, enum dma_data_direction dir,
		      struct sgdma_revocation *revocation, struct sgdma_attachment *result);

/* Undoes sgdma_dma_buf_map(). May sleep. */
void sgdma_dma_buf_unmap(struct dma_buf *buf, const struct sgdma_attachment *attachment,
			 enum dma_data_direction dir);

/*
 * Tells the importer that the exporter takes a buffer back (revocation.rs). The exporter waits for
 * sgdma_dma_buf_unmap(). Only for dma_buf.c. With the reservation held. Does not sleep.
 */
void sgdma_dma_buf_revoked(struct sgdma_revocation *revocation);

/* Returns true unless the driver was stopped (revocation.rs). Only for dma_buf.c. */
bool sgdma_dma_buf_revocation_is_live(const struct sgdma_revocation *revocation);

/* Returns true if a driver of this library has attached a device to a buffer that may go. */
bool sgdma_dma_buf_is_importer(const struct dma_buf_attachment *attachment);

/*
 * Returns true if the device still has the binding in which it was attached, for an importer of
 * this library. Holds as long as the caller has the device's lock. With the reservation held.
 */
bool sgdma_dma_buf_is_live(const struct dma_buf_attachment *attachment);

/*
 * Returns what the exporter keeps of a mapping, for a buffer of ours. It is valid until
 * sgdma_dma_buf_unmap().
 */
const void *sgdma_dma_buf_mapping(const struct sgdma_attachment *attachment);

/* The CPU's turn: the kernel sees the bytes at @addr, which is NULL for a buffer of ours. */
struct sgdma_cpu_turn {
	void *addr;
	bool is_io;
};

/*
 * Calls dma_buf_begin_cpu_access() and, unless the buffer is ours, dma_buf_vmap_unlocked(). Fills
 * in @turn, and returns zero or a negative error number. May sleep.
 */
int sgdma_dma_buf_begin(struct dma_buf *buf, enum dma_data_direction dir,
			struct sgdma_cpu_turn *turn);

/* Undoes sgdma_dma_buf_begin(). May sleep. */
void sgdma_dma_buf_end(struct dma_buf *buf, enum dma_data_direction dir,
		       const struct sgdma_cpu_turn *turn);

/*
 * Copies @len bytes from byte @offset of the buffer, which is not ours, on to @dst. The bytes may
 * change meanwhile.
 */
void sgdma_dma_buf_copy_from(const struct sgdma_cpu_turn *turn, size_t offset, void *dst,
			     size_t len);

/* Copies @len bytes of @src to the buffer, which is not ours, from byte @offset on. */
void sgdma_dma_buf_copy_to(const struct sgdma_cpu_turn *turn, size_t offset, const void *src,
			   size_t len);

/*
 * Calls dma_buf_export() for the @size bytes of @export, whole pages. Returns an error pointer, or
 * the dma-buf, whose last reference calls sgdma_export_release(). May sleep.
 */
struct dma_buf *sgdma_dma_buf_export(struct sgdma_export *export, size_t size);

/* Logs why @dev does not get the buffer, and what to do. The rate of the messages is limited. */
void sgdma_say_not_attached(struct device *dev, const char *why, const char *remedy);

/*
 * The operations of an exported buffer (export.rs). Only for dma_buf.c. Each may sleep.
 */

/* Fills in @pages, for all @count pages of the buffer. */
void sgdma_export_pages(struct sgdma_export *export, struct page **pages, size_t count);

/* Returns zero if @dev may attach, or a negative error number. */
int sgdma_export_attach(struct sgdma_export *export, struct device *dev);

/*
 * Maps the buffer for @dev, which is bound. Returns zero, with the table in @sgt and in @mapping
 * what sgdma_export_unmap() takes, or a negative error number.
 */
int sgdma_export_map(struct sgdma_export *export, struct device *dev, enum dma_data_direction dir,
		     struct sg_table **sgt, void **mapping);

/* Unmaps what sgdma_export_map() has mapped, for a device that is bound or mapped as it was. */
void sgdma_export_unmap(struct sgdma_export *export, void *mapping);

/* Returns zero if the CPU may access the bytes in direction @dir, or -EBUSY. */
int sgdma_export_begin(struct sgdma_export *export, enum dma_data_direction dir);

/* Frees the buffer, which nobody is attached to. */
void sgdma_export_release(struct sgdma_export *export);

#endif
