/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The C functions that only this module calls. scripts/bindgen makes Rust declarations of them,
 * with these comments. After a change here, run `make bindings`.
 *
 * A parameter that Rust passes has no enum type of the kernel: its Rust type differs between
 * kernel releases.
 */
#ifndef SGDMA_HELPERS_H
#define SGDMA_HELPERS_H

#include <linux/types.h>

struct device;
struct iommu_domain;
struct mm_struct;
struct module;
struct page;
struct sg_table;
struct srcu_struct;
struct wait_queue_entry;
struct wait_queue_head;

/* module.c */

/* The parameters that insmod is given. */
struct sgdma_parameters {
	bool sync_debug;
	bool selftest;
	unsigned int tables;
	unsigned long long seed;
};

/* Returns the module's parameters, which do not change. */
const struct sgdma_parameters *sgdma_parameters(void);

/*
 * Starts the report and the C parts that live as long as the module. Returns zero or an error.
 * Called by the task that loads the module.
 */
int sgdma_module_init(void);

/* Ends what sgdma_module_init() starts. */
void sgdma_module_exit(void);

/*
 * Lets other tasks run. Returns true if a self-test should end, because nobody waits for the
 * self-test any more. May sleep.
 */
bool sgdma_selftest_is_stopped(void);

/* quarantine.c */

/* Adds @number buffers and @bytes to the counters of kind @what, an index of that file. */
void sgdma_count_held(unsigned int what, long number, long bytes);

/* Logs that a buffer of @len bytes is held. For any context. */
void sgdma_say_held(struct device *dev, size_t len);

/* Logs that a buffer of @len bytes is held for ever. For any context. */
void sgdma_say_for_ever(struct device *dev, size_t len);

/* Calls get_device(). For any context. */
struct device *sgdma_get_device(struct device *dev);

/* Calls put_device(). May sleep. */
void sgdma_put_device(struct device *dev);

/* Calls try_module_get(). Returns false if the module is being unloaded. */
bool sgdma_try_module_get(struct module *module);

/* Calls module_put(). */
void sgdma_module_put(struct module *module);

/* Returns true if two devices are, or were, in the same place of the same bus. */
bool sgdma_same_place(struct device *a, struct device *b);

/* Adds the file of the quarantine to the report's directory. */
void sgdma_quarantine_init(void);

/* limits.c */

/* The DMA limits of a device before a binding changes them. */
struct sgdma_limits {
	u64 mask;
	u64 coherent_mask;
	unsigned long seg_boundary;
	unsigned int max_seg_size;
	unsigned int min_align_mask;
	bool skips_sync;
};

/* Stores the DMA limits of a device. Returns -EINVAL if the device has no limits of its own. */
int sgdma_save_limits(struct device *dev, struct sgdma_limits *limits);

/* Restores the DMA limits of a device. */
void sgdma_restore_limits(struct device *dev, const struct sgdma_limits *limits);

/* Calls dma_set_min_align_mask(), which warns if the bus gave the device no dma_parms. */
void sgdma_dma_set_min_align_mask(struct device *dev, unsigned int mask);

/* helpers.c */

/* Calls dma_get_max_seg_size(). Returns bytes, never zero. */
unsigned int sgdma_dma_get_max_seg_size(struct device *dev);

/* Calls dma_get_seg_boundary(). Returns a mask such as 0xffffffff. */
unsigned long sgdma_dma_get_seg_boundary(struct device *dev);

/* Calls dma_set_seg_boundary(), which warns if the bus gave the device no dma_parms. */
void sgdma_dma_set_seg_boundary(struct device *dev, unsigned long mask);

/* Calls iommu_get_domain_for_dev(). Returns NULL if no IOMMU maps for the device. */
struct iommu_domain *sgdma_iommu_get_domain_for_dev(struct device *dev);

/* Calls iommu_iova_to_phys(). Returns zero for an address that is not mapped. */
phys_addr_t sgdma_iommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova);

/*
 * Calls dma_dev_need_sync(). Returns true if a mapping for the device may need
 * synchronisation. Once the device bounces, the answer stays true.
 */
bool sgdma_dma_dev_need_sync(struct device *dev);

/* Calls page_to_phys(). */
phys_addr_t sgdma_page_to_phys(struct page *page);

/* Calls phys_to_page(), for an address that has a page. */
struct page *sgdma_phys_to_page(phys_addr_t phys);

/* Returns true if @nr pages can be had for long without anybody being killed. */
bool sgdma_pages_available(unsigned long nr);

/* Returns -EINTR if the calling process is being killed; else calls cond_resched(). */
int sgdma_pause(void);

/* Calls memcpy_from_page(). Others may write to the page meanwhile. */
void sgdma_memcpy_from_page(u8 *to, struct page *page, size_t offset, size_t len);

/* Calls memcpy_to_page(). Others may access the page meanwhile. */
void sgdma_memcpy_to_page(struct page *page, size_t offset, const u8 *from, size_t len);

/* Calls memset_page(). Others may access the page meanwhile. */
void sgdma_memset_page(struct page *page, size_t offset, int value, size_t len);

/* Zeroes a page of vmalloc's from byte @offset on. */
void sgdma_zero_page_from(struct page *page, size_t offset);

/* Writes back what CPU caches hold of a page. Returns zero or an error. */
int sgdma_clean_page(struct device *dev, struct page *page);

/* Logs why a buffer is not shared with @dev; not too often. */
void sgdma_say_why_not_shared(struct device *dev, const char *why);

/* Returns true if nobody refers to a page but vmalloc, its owner. */
bool sgdma_page_is_unshared(struct page *page);

/* Calls page_private(), of a page whose private data is another page. */
struct page *sgdma_page_private(struct page *page);

/* Calls set_page_private(). */
void sgdma_set_page_private(struct page *page, struct page *to);

/* Returns true if user space's memory may be at these @len bytes. */
bool sgdma_access_ok(unsigned long addr, unsigned long len);

/*
 * Pins up to @nr pages of user space for long, for a process with memory of its own.
 * Returns how many pages were pinned, or an error: -EINTR if the process is being killed.
 * Takes mmap_lock.
 */
int sgdma_pin_user_pages(unsigned long start, int nr, bool write, struct page **pages);

/* Calls unpin_user_page_range_dirty_lock() for @nr pages. May sleep. */
void sgdma_unpin_user_pages(struct page *page, unsigned long nr, bool dirty);

/*
 * Returns current->mm, NULL in a kernel thread.
 *
 * The kernel crate reads another member where CONFIG_SCHEDSTATS is not set: a member of struct
 * task_struct is empty then, and bindgen leaves out its alignment.
 */
struct mm_struct *sgdma_current_mm(void);

/* Counts @nr pinned pages. Returns false if the calling process may not pin so many. */
bool sgdma_account_pinned(struct mm_struct *mm, unsigned long nr);

/* Takes back what sgdma_account_pinned() counted. */
void sgdma_unaccount_pinned(struct mm_struct *mm, unsigned long nr);

/* Calls init_srcu_struct(). May sleep. */
int sgdma_init_srcu_struct(struct srcu_struct *ssp);

/* Calls srcu_read_lock(). */
int sgdma_srcu_read_lock(struct srcu_struct *ssp);

/* Calls srcu_read_unlock(). */
void sgdma_srcu_read_unlock(struct srcu_struct *ssp, int idx);

/* Calls init_waitqueue_head(). */
void sgdma_init_waitqueue_head(struct wait_queue_head *queue);

/* Adds an entry for the current task, for wait_woken() and remove_wait_queue(). */
void sgdma_add_waiter(struct wait_queue_head *queue, struct wait_queue_entry *entry);

/* sync_debug.c */

/*
 * Has bytes of a table in sync-debug mode change hands. Returns false if the table is not in
 * that mode.
 */
bool sgdma_shadow_sync(struct sg_table *sgt, size_t offset, size_t len, bool for_cpu);

/* The kernel's: user space may keep pages longer than this module is loaded. */
struct page *rust_helper_alloc_pages(gfp_t gfp, unsigned int order);

#endif
