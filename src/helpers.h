/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_HELPERS_H
#define SGDMA_HELPERS_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;
struct iommu_domain;
struct mm_struct;
struct page;
struct sg_table;
struct srcu_struct;

unsigned int sgdma_dma_get_max_seg_size(struct device *dev);
unsigned long sgdma_dma_get_seg_boundary(struct device *dev);
void sgdma_dma_set_seg_boundary(struct device *dev, unsigned long mask);
struct iommu_domain *sgdma_iommu_get_domain_for_dev(struct device *dev);
phys_addr_t sgdma_iommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova);
bool sgdma_dma_dev_need_sync(struct device *dev);
phys_addr_t sgdma_page_to_phys(struct page *page);
unsigned long sgdma_totalram_pages(void);
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
void sgdma_selftest_device_write(dma_addr_t addr, u8 byte);
u8 sgdma_selftest_device_read(dma_addr_t addr);
void sgdma_selftest_refer(struct page *page, bool refer);
unsigned long sgdma_selftest_user_memory(size_t len);

#endif
