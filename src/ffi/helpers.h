/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wrappers of inline functions and macros of the kernel, for Rust.
 *
 * scripts/bindgen makes Rust declarations of them, with these comments. Run `make bindings` after
 * a change in this file.
 *
 * No parameter or result has an enum type of the kernel. The Rust type of such an enum differs
 * between kernel releases.
 */
#ifndef SGDMA_HELPERS_H
#define SGDMA_HELPERS_H

#include <linux/spinlock_types.h>
#include <linux/types.h>

struct device;
struct dma_iova_state;
struct dma_pool;
struct iommu_domain;
struct iov_iter;
struct mm_struct;
struct page;
struct sg_table;
struct srcu_struct;
struct wait_queue_entry;
struct wait_queue_head;

/* Calls dma_get_max_seg_size(). Returns a number of bytes, never zero. */
unsigned int sgdma_dma_get_max_seg_size(struct device *dev);

/* Calls dma_get_seg_boundary(). Returns a mask such as 0xffffffff. */
unsigned long sgdma_dma_get_seg_boundary(struct device *dev);

/* Calls dma_set_seg_boundary(), which warns if the bus has given the device no dma_parms. */
void sgdma_dma_set_seg_boundary(struct device *dev, unsigned long mask);

/* Calls iommu_get_domain_for_dev(). Returns NULL if no IOMMU maps for the device. */
struct iommu_domain *sgdma_iommu_get_domain_for_dev(struct device *dev);

/* Calls iommu_iova_to_phys(). Returns zero for an address that is not mapped. */
phys_addr_t sgdma_iommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova);

/*
 * Calls dma_dev_need_sync(). Returns true if a mapping for the device may need syncs. Once a buffer
 * of the device has bounced, it always returns true.
 */
bool sgdma_dma_dev_need_sync(struct device *dev);

/* Calls page_to_phys(), which only computes with the pointer's value. */
phys_addr_t sgdma_page_to_phys(struct page *page);

/* Calls phys_to_page(), for an address that has a page. */
struct page *sgdma_phys_to_page(phys_addr_t phys);

/*
 * Returns true if the system can spare @nr pages for long. Otherwise the OOM killer would end a
 * process at one of the next allocations.
 */
bool sgdma_pages_available(unsigned long nr);

/* Lets other tasks run. Returns -EINTR if the calling process is being killed. May sleep. */
int sgdma_pause(void);

/*
 * Calls memcpy_from_page(). Others may write the page at the same time. The copy then has some
 * mixture of old and new bytes.
 */
void sgdma_memcpy_from_page(u8 *to, struct page *page, size_t offset, size_t len);

/* Calls memcpy_to_page(). Others may read or write the page at the same time. */
void sgdma_memcpy_to_page(struct page *page, size_t offset, const u8 *from, size_t len);

/* Calls memset_page(). Others may read or write the page at the same time. */
void sgdma_memset_page(struct page *page, size_t offset, int value, size_t len);

/* Calls page_address(). A 64-bit kernel has an address for each page. */
void *sgdma_page_address(struct page *page);

/* Calls memcpy(). Others may read or write the memory of a device at the same time. */
void sgdma_memcpy(void *to, const void *from, size_t len);

/* Calls dma_rmb(). */
void sgdma_dma_rmb(void);

/* Calls dma_wmb(). */
void sgdma_dma_wmb(void);

/* Returns the physical address of a byte, which vmalloc() or the page allocator has mapped. */
phys_addr_t sgdma_addr_to_phys(const void *addr);

/*
 * Calls dma_pool_create(), for a size, an alignment and a boundary that it takes. Returns NULL if
 * there is no memory. May sleep.
 */
struct dma_pool *sgdma_dma_pool_create(const char *name, struct device *dev, size_t size,
				       size_t align, size_t boundary);

/* Calls dma_pool_zalloc(). Returns NULL if there is no memory. */
void *sgdma_dma_pool_zalloc(struct dma_pool *pool, gfp_t gfp, dma_addr_t *addr);

/* Calls dma_pool_free(). For any context. */
void sgdma_dma_pool_free(struct dma_pool *pool, void *block, dma_addr_t addr);

/* Calls dma_pool_destroy(), for a pool whose blocks are all free. May sleep. */
void sgdma_dma_pool_destroy(struct dma_pool *pool);

/*
 * Calls dma_iova_try_alloc() for @size bytes that begin at a page. Returns false if no IOMMU maps
 * for the device, or if there is no room in the addresses that the device can send.
 */
bool sgdma_iova_try_alloc(struct device *dev, struct dma_iova_state *state, size_t size);

/* Calls dma_iova_link(). The device may learn of it only by sgdma_iova_sync(). For any context. */
int sgdma_iova_link(struct device *dev, struct dma_iova_state *state, phys_addr_t phys,
		    size_t offset, size_t size, unsigned int dir, unsigned long attrs);

/* Calls dma_iova_sync(). For any context. */
int sgdma_iova_sync(struct device *dev, struct dma_iova_state *state, size_t offset, size_t size);

/* Calls dma_iova_unlink(), which warns unless all @size bytes from @offset on are linked. */
void sgdma_iova_unlink(struct device *dev, struct dma_iova_state *state, size_t offset,
		       size_t size, unsigned int dir, unsigned long attrs);

/* Calls dma_iova_free(), for a range in which nothing is linked any more. For any context. */
void sgdma_iova_free(struct device *dev, struct dma_iova_state *state);

/*
 * Calls dma_iova_destroy(), which unlinks and frees, and warns unless the whole range is linked.
 * For any context.
 */
void sgdma_iova_destroy(struct device *dev, struct dma_iova_state *state, size_t size,
			unsigned int dir, unsigned long attrs);

/*
 * Calls dma_map_phys() with DMA_ATTR_MMIO, for addresses that are no memory. Returns
 * DMA_MAPPING_ERROR if it fails. For any context.
 */
dma_addr_t sgdma_map_mmio(struct device *dev, phys_addr_t phys, size_t size, unsigned int dir);

/* Calls dma_unmap_phys() for what sgdma_map_mmio() has mapped. For any context. */
void sgdma_unmap_mmio(struct device *dev, dma_addr_t addr, size_t size, unsigned int dir);

/* Zeroes a page that vmalloc has allocated, from byte @offset to its end. */
void sgdma_zero_page_from(struct page *page, size_t offset);

/* Writes back the lines of a page that CPU caches hold. Returns zero or an error. */
int sgdma_clean_page(struct device *dev, struct page *page);

/* Logs the reason why a buffer is not shared with @dev. The rate of the messages is limited. */
void sgdma_say_why_not_shared(struct device *dev, const char *why);

/* Returns true if nobody refers to a page except its owner: no mapping of user space, no pin. */
bool sgdma_page_is_unshared(struct page *page);

/* Calls page_private() for a page whose private field is NULL or points to another page. */
struct page *sgdma_page_private(struct page *page);

/* Calls set_page_private(): @page, which the caller owns, points to @to. */
void sgdma_set_page_private(struct page *page, struct page *to);

/* Calls access_ok(). Returns true if the @len bytes from @addr on are addresses of user space. */
bool sgdma_access_ok(unsigned long addr, unsigned long len);

/*
 * Makes @iter stand for @len bytes of the calling process from @addr on: iov_iter_ubuf(). Copies
 * check the addresses. The process writes to them if @is_dest is true.
 */
void sgdma_user_iter(struct iov_iter *iter, unsigned long addr, size_t len, bool is_dest);

/*
 * Stores the address and the length of the next segment of @iter, without advancing it but for
 * empty segments. At the end of @iter the length is zero. Returns false if @iter does not stand
 * for memory of a process.
 */
bool sgdma_user_segment(struct iov_iter *iter, unsigned long *addr, size_t *len);

/*
 * Calls pin_user_pages_fast() for up to @nr pages of the calling process from address @start on,
 * to pin them for long, and stores them to @pages. The process must have memory of its own.
 * Returns the number of pages pinned, or an error: -EINTR if the process is being killed. Lets
 * other tasks run, takes mmap_lock, and may sleep.
 */
int sgdma_pin_user_pages(unsigned long start, int nr, bool write, struct page **pages);

/*
 * Calls unpin_user_page_range_dirty_lock() for @nr pages from @page on. Marks them dirty if @dirty
 * is true. May sleep.
 */
void sgdma_unpin_user_pages(struct page *page, unsigned long nr, bool dirty);

/*
 * Returns current->mm: NULL in a kernel thread.
 *
 * The kernel crate cannot be used for this. Without CONFIG_SCHEDSTATS, a member of struct
 * task_struct is empty, and bindgen leaves out its alignment. The crate then reads another member.
 */
struct mm_struct *sgdma_current_mm(void);

/*
 * Counts @nr pinned pages in @mm, which belongs to the calling process. Returns false, and counts
 * nothing, if RLIMIT_MEMLOCK does not allow so many.
 */
bool sgdma_account_pinned(struct mm_struct *mm, unsigned long nr);

/* Takes @nr pages off the count of sgdma_account_pinned(). For any process. */
void sgdma_unaccount_pinned(struct mm_struct *mm, unsigned long nr);

/* Calls init_srcu_struct(). May sleep. */
int sgdma_init_srcu_struct(struct srcu_struct *ssp);

/* Calls srcu_read_lock(). */
int sgdma_srcu_read_lock(struct srcu_struct *ssp);

/* Calls srcu_read_unlock(). */
void sgdma_srcu_read_unlock(struct srcu_struct *ssp, int idx);

/* Calls spin_lock_irqsave(), and returns the flags. For any context. */
unsigned long sgdma_spin_lock_irqsave(spinlock_t *lock);

/* Calls spin_trylock_irqsave(), which stores the flags if it returns true. For any context. */
bool sgdma_spin_trylock_irqsave(spinlock_t *lock, unsigned long *flags);

/* Calls spin_unlock_irqrestore(). */
void sgdma_spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags);

/* Calls init_waitqueue_head(). */
void sgdma_init_waitqueue_head(struct wait_queue_head *queue);

/*
 * Initialises @entry for the current task, and adds it to @queue. The task then calls wait_woken(),
 * and at last remove_wait_queue().
 */
void sgdma_add_waiter(struct wait_queue_head *queue, struct wait_queue_entry *entry);

/*
 * Calls alloc_pages(). This function is the kernel's own, and not in this module: pages that user
 * space has mapped may outlive the module.
 */
struct page *rust_helper_alloc_pages(gfp_t gfp, unsigned int order);

#endif
