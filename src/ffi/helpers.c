// SPDX-License-Identifier: GPL-2.0
/*
 * Functions for inline functions and macros of C, which have no Rust binding. helpers.h documents
 * them.
 *
 * Some are exported, because generic Rust code of this module is compiled into the driver that uses
 * it, and calls them from there.
 */
#include <linux/capability.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/page_ref.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/swap.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "ffi/helpers.h"

unsigned int sgdma_dma_get_max_seg_size(struct device *dev)
{
	return dma_get_max_seg_size(dev);
}
EXPORT_SYMBOL_GPL(sgdma_dma_get_max_seg_size);

unsigned long sgdma_dma_get_seg_boundary(struct device *dev)
{
	return dma_get_seg_boundary(dev);
}
EXPORT_SYMBOL_GPL(sgdma_dma_get_seg_boundary);

void sgdma_dma_set_seg_boundary(struct device *dev, unsigned long mask)
{
	dma_set_seg_boundary(dev, mask);
}
EXPORT_SYMBOL_GPL(sgdma_dma_set_seg_boundary);

/* The next two are inline functions in a kernel without CONFIG_IOMMU_API. */
struct iommu_domain *sgdma_iommu_get_domain_for_dev(struct device *dev)
{
	return iommu_get_domain_for_dev(dev);
}
EXPORT_SYMBOL_GPL(sgdma_iommu_get_domain_for_dev);

phys_addr_t sgdma_iommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	return iommu_iova_to_phys(domain, iova);
}
EXPORT_SYMBOL_GPL(sgdma_iommu_iova_to_phys);

bool sgdma_dma_dev_need_sync(struct device *dev)
{
	return dma_dev_need_sync(dev);
}
EXPORT_SYMBOL_GPL(sgdma_dma_dev_need_sync);

phys_addr_t sgdma_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}
EXPORT_SYMBOL_GPL(sgdma_page_to_phys);

struct page *sgdma_phys_to_page(phys_addr_t phys)
{
	return phys_to_page(phys);
}
EXPORT_SYMBOL_GPL(sgdma_phys_to_page);

/*
 * A device or another CPU may write the page during the copy. For C code of the kernel, the result
 * is some mixture of old and new bytes. For Rust code it would be undefined behaviour.
 */
void sgdma_memcpy_from_page(u8 *to, struct page *page, size_t offset, size_t len)
{
	memcpy_from_page(to, page, offset, len);
}
EXPORT_SYMBOL_GPL(sgdma_memcpy_from_page);

void sgdma_memcpy_to_page(struct page *page, size_t offset, const u8 *from, size_t len)
{
	memcpy_to_page(page, offset, from, len);
}
EXPORT_SYMBOL_GPL(sgdma_memcpy_to_page);

void sgdma_memset_page(struct page *page, size_t offset, int value, size_t len)
{
	memset_page(page, offset, value, len);
}
EXPORT_SYMBOL_GPL(sgdma_memset_page);

void *sgdma_page_address(struct page *page)
{
	return page_address(page);
}
EXPORT_SYMBOL_GPL(sgdma_page_address);

/* As for the copies above: for Rust code a race would be undefined behaviour. */
void sgdma_memcpy(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
}
EXPORT_SYMBOL_GPL(sgdma_memcpy);

void sgdma_dma_rmb(void)
{
	dma_rmb();
}
EXPORT_SYMBOL_GPL(sgdma_dma_rmb);

void sgdma_dma_wmb(void)
{
	dma_wmb();
}
EXPORT_SYMBOL_GPL(sgdma_dma_wmb);

phys_addr_t sgdma_addr_to_phys(const void *addr)
{
	if (is_vmalloc_addr(addr))
		return page_to_phys(vmalloc_to_page(addr)) + offset_in_page(addr);
	return virt_to_phys((void *)addr);
}

struct dma_pool *sgdma_dma_pool_create(const char *name, struct device *dev, size_t size,
				       size_t align, size_t boundary)
{
	return dma_pool_create(name, dev, size, align, boundary);
}

void *sgdma_dma_pool_zalloc(struct dma_pool *pool, gfp_t gfp, dma_addr_t *addr)
{
	return dma_pool_zalloc(pool, gfp, addr);
}

void sgdma_dma_pool_free(struct dma_pool *pool, void *block, dma_addr_t addr)
{
	dma_pool_free(pool, block, addr);
}

void sgdma_dma_pool_destroy(struct dma_pool *pool)
{
	dma_pool_destroy(pool);
}

/* The next six are inline functions in a kernel without CONFIG_IOMMU_DMA. */
bool sgdma_iova_try_alloc(struct device *dev, struct dma_iova_state *state, size_t size)
{
	return dma_iova_try_alloc(dev, state, 0, size);
}

int sgdma_iova_link(struct device *dev, struct dma_iova_state *state, phys_addr_t phys,
		    size_t offset, size_t size, unsigned int dir, unsigned long attrs)
{
	return dma_iova_link(dev, state, phys, offset, size, dir, attrs);
}

int sgdma_iova_sync(struct device *dev, struct dma_iova_state *state, size_t offset, size_t size)
{
	return dma_iova_sync(dev, state, offset, size);
}

void sgdma_iova_unlink(struct device *dev, struct dma_iova_state *state, size_t offset,
		       size_t size, unsigned int dir, unsigned long attrs)
{
	dma_iova_unlink(dev, state, offset, size, dir, attrs);
}

void sgdma_iova_free(struct device *dev, struct dma_iova_state *state)
{
	dma_iova_free(dev, state);
}

void sgdma_iova_destroy(struct device *dev, struct dma_iova_state *state, size_t size,
			unsigned int dir, unsigned long attrs)
{
	dma_iova_destroy(dev, state, size, dir, attrs);
}

dma_addr_t sgdma_map_mmio(struct device *dev, phys_addr_t phys, size_t size, unsigned int dir)
{
	dma_addr_t addr = dma_map_phys(dev, phys, size, dir, DMA_ATTR_MMIO);

	return dma_mapping_error(dev, addr) ? DMA_MAPPING_ERROR : addr;
}
EXPORT_SYMBOL_GPL(sgdma_map_mmio);

void sgdma_unmap_mmio(struct device *dev, dma_addr_t addr, size_t size, unsigned int dir)
{
	dma_unmap_phys(dev, addr, size, dir, DMA_ATTR_MMIO);
}
EXPORT_SYMBOL_GPL(sgdma_unmap_mmio);

/*
 * With hardware tags, KASAN gives the end of the last page another tag than the vector's bytes. An
 * access without a tag is not checked.
 */
void sgdma_zero_page_from(struct page *page, size_t offset)
{
	memset(kasan_reset_tag(page_address(page)) + offset, 0, PAGE_SIZE - offset);
}

/* The DMA API has no call that only writes back caches, so the page is mapped and unmapped. */
int sgdma_clean_page(struct device *dev, struct page *page)
{
	dma_addr_t addr = dma_map_page(dev, page, 0, PAGE_SIZE, DMA_TO_DEVICE);

	if (dma_mapping_error(dev, addr))
		return -EIO;
	dma_unmap_page(dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	return 0;
}
EXPORT_SYMBOL_GPL(sgdma_clean_page);

void sgdma_say_why_not_shared(struct device *dev, const char *why)
{
	dev_err_ratelimited(dev, "a buffer is not shared: %s\n", why);
}
EXPORT_SYMBOL_GPL(sgdma_say_why_not_shared);

/* Each mapping of user space, and each pin, has a reference of its own beside the owner's. */
bool sgdma_page_is_unshared(struct page *page)
{
	return page_ref_count(page) == 1;
}

/* The pages that are free or can be reclaimed, and those that can be swapped out. */
bool sgdma_pages_available(unsigned long nr)
{
	return nr <= si_mem_available() + max(get_nr_swap_pages(), 0L);
}

int sgdma_pause(void)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	return 0;
}

struct page *sgdma_page_private(struct page *page)
{
	return (struct page *)page_private(page);
}

void sgdma_set_page_private(struct page *page, struct page *to)
{
	set_page_private(page, (unsigned long)to);
}

bool sgdma_access_ok(unsigned long addr, unsigned long len)
{
	return access_ok((void __user *)addr, len);
}

void sgdma_user_iter(struct iov_iter *iter, unsigned long addr, size_t len, bool is_dest)
{
	iov_iter_ubuf(iter, is_dest ? ITER_DEST : ITER_SOURCE, (void __user *)addr, len);
}
EXPORT_SYMBOL_GPL(sgdma_user_iter);

bool sgdma_user_segment(struct iov_iter *iter, unsigned long *addr, size_t *len)
{
	*addr = 0;
	*len = 0;
	if (!user_backed_iter(iter))
		return false;
	if (!iov_iter_count(iter))
		return true;
	/* Skips empty segments. */
	iov_iter_advance(iter, 0);
	*addr = (unsigned long)iter_iov_addr(iter);
	*len = min(iter_iov_len(iter), iov_iter_count(iter));
	return true;
}
EXPORT_SYMBOL_GPL(sgdma_user_segment);

int sgdma_pin_user_pages(unsigned long start, int nr, bool write, struct page **pages)
{
	int ret = sgdma_pause();

	if (ret)
		return ret;
	return pin_user_pages_fast(start, nr, FOLL_LONGTERM | (write ? FOLL_WRITE : 0), pages);
}

void sgdma_unpin_user_pages(struct page *page, unsigned long nr, bool dirty)
{
	unpin_user_page_range_dirty_lock(page, nr, dirty);
	cond_resched();
}

struct mm_struct *sgdma_current_mm(void)
{
	return current->mm;
}

/* Counts as ib_umem_get() does: first adds, so that two tasks cannot both pass the limit. */
bool sgdma_account_pinned(struct mm_struct *mm, unsigned long nr)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long pinned = atomic64_add_return(nr, &mm->pinned_vm);

	if (pinned <= limit || capable(CAP_IPC_LOCK))
		return true;
	atomic64_sub(nr, &mm->pinned_vm);
	return false;
}

void sgdma_unaccount_pinned(struct mm_struct *mm, unsigned long nr)
{
	atomic64_sub(nr, &mm->pinned_vm);
}

int sgdma_init_srcu_struct(struct srcu_struct *ssp)
{
	/* Under lockdep this is a macro, which makes a lock class for the place of the call. */
	return init_srcu_struct(ssp);
}
EXPORT_SYMBOL_GPL(sgdma_init_srcu_struct);

int sgdma_srcu_read_lock(struct srcu_struct *ssp)
{
	return srcu_read_lock(ssp);
}
EXPORT_SYMBOL_GPL(sgdma_srcu_read_lock);

void sgdma_srcu_read_unlock(struct srcu_struct *ssp, int idx)
{
	srcu_read_unlock(ssp, idx);
}
EXPORT_SYMBOL_GPL(sgdma_srcu_read_unlock);

unsigned long sgdma_spin_lock_irqsave(spinlock_t *lock)
	__acquires(lock)
{
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	return flags;
}
EXPORT_SYMBOL_GPL(sgdma_spin_lock_irqsave);

bool sgdma_spin_trylock_irqsave(spinlock_t *lock, unsigned long *flags)
{
	return spin_trylock_irqsave(lock, *flags);
}
EXPORT_SYMBOL_GPL(sgdma_spin_trylock_irqsave);

void sgdma_spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
	__releases(lock)
{
	spin_unlock_irqrestore(lock, flags);
}
EXPORT_SYMBOL_GPL(sgdma_spin_unlock_irqrestore);

void sgdma_init_waitqueue_head(struct wait_queue_head *queue)
{
	/* Under lockdep this is a macro, which makes a lock class for the place of the call. */
	init_waitqueue_head(queue);
}
EXPORT_SYMBOL_GPL(sgdma_init_waitqueue_head);

/* Does the same as DEFINE_WAIT_FUNC() and add_wait_queue(). */
void sgdma_add_waiter(struct wait_queue_head *queue, struct wait_queue_entry *entry)
{
	init_wait_func(entry, woken_wake_function);
	add_wait_queue(queue, entry);
}
EXPORT_SYMBOL_GPL(sgdma_add_waiter);
