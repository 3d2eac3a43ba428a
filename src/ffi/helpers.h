/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_HELPERS_H
#define SGDMA_HELPERS_H

#include <linux/dma-direction.h>
#include <linux/types.h>

/* What insmod is given. */
struct sgdma_parameters {
	bool sync_debug;
	bool selftest;
	unsigned int tables;
	unsigned long long seed;
};

extern struct sgdma_parameters sgdma_parameters;

struct device;
struct iommu_domain;
struct mm_struct;
struct module;
struct page;
struct sg_table;
struct srcu_struct;
struct wait_queue_entry;
struct wait_queue_head;

/* What a binding changes, as it was before. */
struct sgdma_limits {
	u64 mask;
	u64 coherent_mask;
	unsigned long seg_boundary;
	unsigned int max_seg_size;
	unsigned int min_align_mask;
	bool skips_sync;
};

void sgdma_count_held(unsigned int what, long number, long bytes);
void sgdma_say_held(struct device *dev, size_t len);
void sgdma_say_for_ever(struct device *dev, size_t len);
struct device *sgdma_get_device(struct device *dev);
void sgdma_put_device(struct device *dev);
bool sgdma_try_module_get(struct module *module);
void sgdma_module_put(struct module *module);
bool sgdma_same_place(struct device *a, struct device *b);
void sgdma_quarantine_init(void);
/* The kernel's: pages that user space keeps outlive this module, and the places it allocates at. */
struct page *rust_helper_alloc_pages(gfp_t gfp, unsigned int order);

int sgdma_save_limits(struct device *dev, struct sgdma_limits *limits);
void sgdma_restore_limits(struct device *dev, const struct sgdma_limits *limits);
void sgdma_dma_set_min_align_mask(struct device *dev, unsigned int mask);
unsigned int sgdma_dma_get_max_seg_size(struct device *dev);
unsigned long sgdma_dma_get_seg_boundary(struct device *dev);
void sgdma_dma_set_seg_boundary(struct device *dev, unsigned long mask);
struct iommu_domain *sgdma_iommu_get_domain_for_dev(struct device *dev);
phys_addr_t sgdma_iommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova);
bool sgdma_dma_dev_need_sync(struct device *dev);
phys_addr_t sgdma_page_to_phys(struct page *page);
struct page *sgdma_phys_to_page(phys_addr_t phys);
bool sgdma_pages_available(unsigned long nr);
int sgdma_pause(void);
void sgdma_memcpy_from_page(void *to, struct page *page, size_t offset, size_t len);
void sgdma_memcpy_to_page(struct page *page, size_t offset, const void *from, size_t len);
void sgdma_zero_page_from(struct page *page, size_t offset);
bool sgdma_shadow_sync(struct sg_table *sgt, size_t offset, size_t len, bool for_cpu);
void sgdma_say_why_not_shared(struct device *dev, const char *why);
bool sgdma_page_is_unshared(struct page *page);
int sgdma_clean_page(struct device *dev, struct page *page);
void sgdma_memset_page(struct page *page, size_t offset, int value, size_t len);
struct page *sgdma_page_private(struct page *page);
void sgdma_set_page_private(struct page *page, struct page *to);
bool sgdma_access_ok(unsigned long addr, unsigned long len);
int sgdma_pin_user_pages(unsigned long start, int nr, bool write, struct page **pages);
void sgdma_unpin_user_pages(struct page *page, unsigned long nr, bool dirty);
struct mm_struct *sgdma_current_mm(void);
bool sgdma_account_pinned(struct mm_struct *mm, unsigned long nr);
void sgdma_unaccount_pinned(struct mm_struct *mm, unsigned long nr);
int sgdma_init_srcu_struct(struct srcu_struct *ssp);
int sgdma_srcu_read_lock(struct srcu_struct *ssp);
void sgdma_srcu_read_unlock(struct srcu_struct *ssp, int idx);
void sgdma_init_waitqueue_head(struct wait_queue_head *queue);
void sgdma_add_waiter(struct wait_queue_head *queue, struct wait_queue_entry *entry);
int sgdma_module_init(void);
void sgdma_module_exit(void);
bool sgdma_selftest_is_stopped(void);
void sgdma_selftest_device_write(dma_addr_t addr, u8 byte);
u8 sgdma_selftest_device_read(dma_addr_t addr);
void sgdma_selftest_refer(struct page *page, bool refer);
unsigned long sgdma_selftest_user_memory(size_t len);
int sgdma_selftest_set_ranges(struct device *dev, const u64 *ranges, size_t count);
int sgdma_selftest_page_refs(struct page *page);
void sgdma_selftest_plug(struct device *dev, u64 mask);

#endif
