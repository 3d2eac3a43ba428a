/* SPDX-License-Identifier: GPL-2.0 */
/* The C half of this folder: calls of the IOMMU API, for whole domains and groups (domain.c). */
#ifndef SGDMA_DOMAIN_H
#define SGDMA_DOMAIN_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct device;
struct iommu_domain;
struct iommu_group;
struct sg_table;

/* The addresses that a domain can map: from @first to @last, in pages of @granule bytes. */
struct sgdma_aperture {
	u64 first;
	u64 last;
	u64 granule;
};

/*
 * Allocates a domain for the IOMMU of @dev, with room for the MSI of devices where the IOMMU
 * translates MSI: iommu_paging_domain_alloc(), iommu_get_msi_cookie(). Fills in @aperture. Returns
 * an error pointer: -ENODEV if no IOMMU translates for the device. May sleep.
 */
struct iommu_domain *sgdma_domain_alloc(struct device *dev, struct sgdma_aperture *aperture);

/* Frees a domain that nothing is attached to. May sleep. */
void sgdma_domain_free(struct iommu_domain *domain);

/*
 * Calls @visit for each window of addresses that the platform keeps from @dev, until @visit returns
 * an error: iommu_get_resv_regions(), and what a host bridge does not let through to memory.
 * Returns that error, or zero. May sleep.
 */
int sgdma_domain_windows(struct device *dev, void *to, int (*visit)(void *to, u64 first, u64 last));

/* Returns the last address that @dev and its buses can send. */
u64 sgdma_domain_last(struct device *dev);

/*
 * Returns zero if the IOMMU group of @dev can be attached, or an error, which it logs: -EBUSY if
 * another device of the group has a driver that uses the DMA API, -EPERM if firmware wants memory
 * mapped for a device of the group at all times. May sleep for a second.
 */
int sgdma_domain_check_group(struct device *dev);

/*
 * Attaches the IOMMU group of @dev, which is bound, to @domain: iommu_attach_group(). Stores the
 * group, with a reference. Returns zero or an error, which it logs: those of
 * sgdma_domain_check_group() for what has changed since. May sleep.
 */
int sgdma_domain_attach(struct iommu_domain *domain, struct device *dev,
			struct iommu_group **result);

/* Undoes sgdma_domain_attach(). May sleep. */
void sgdma_domain_detach(struct iommu_domain *domain, struct iommu_group *group);

/*
 * Maps the pages of @sgt, which are @len bytes, at @addr: iommu_map_sg(). The device gets the
 * permissions of @dir. Maps all or nothing, and returns zero or an error. May sleep.
 *
 * The range is within the aperture, is aligned, and nothing is mapped there.
 */
int sgdma_domain_map(struct iommu_domain *domain, u64 addr, struct sg_table *sgt, size_t len,
		     enum dma_data_direction dir, bool coherent);

/* Unmaps what sgdma_domain_map() has mapped. */
void sgdma_domain_unmap(struct iommu_domain *domain, u64 addr, size_t len);

/*
 * Hands the bytes of @sgt to a device whose caches are not coherent: dma_map_sgtable(). No bus
 * address of this mapping is ever used. Returns zero or an error: -EIO if memory has bounced.
 */
int sgdma_domain_begin_turn(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir);

/* Hands the bytes back to the CPU, or leaves out the caches if @skip is true. For any context. */
void sgdma_domain_end_turn(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir,
			   bool skip);

/*
 * Logs why @len bytes are not mapped at @addr for @dev, or anywhere if @addr is NULL. The rate of
 * the messages is limited.
 */
void sgdma_say_not_mapped(struct device *dev, const u64 *addr, u64 len, const char *why);

#endif
