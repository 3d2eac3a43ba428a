// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of the IOMMU API. In C: the fields of a domain, the list of windows and the members of a
 * group have no accessors, or inline ones, and a kernel without CONFIG_IOMMU_API has other
 * structures.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#include "domain/domain.h"

#ifdef CONFIG_IOMMU_API
struct iommu_domain *sgdma_domain_alloc(struct device *dev, struct sgdma_aperture *aperture)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	int err = 0;

	if (IS_ERR(domain))
		return domain;
	/* A mapping may outlive the devices, and then the IOMMU's driver could be unloaded. */
	if (!try_module_get(domain->owner->owner)) {
		iommu_domain_free(domain);
		return ERR_PTR(-ENODEV);
	}
	/* Where the IOMMU translates MSI, the kernel maps their doorbells in this window. */
	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		if (region->type == IOMMU_RESV_SW_MSI) {
			err = iommu_get_msi_cookie(domain, region->start);
			break;
		}
	}
	iommu_put_resv_regions(dev, &regions);
	if (!err && !domain->pgsize_bitmap)
		err = -EOPNOTSUPP;
	if (err) {
		sgdma_domain_free(domain);
		return ERR_PTR(err);
	}
	*aperture = (struct sgdma_aperture){
		.first = domain->geometry.aperture_start,
		.last = domain->geometry.aperture_end,
		.granule = 1ull << __ffs(domain->pgsize_bitmap),
	};
	return domain;
}

void sgdma_domain_free(struct iommu_domain *domain)
{
	struct module *owner = domain->owner->owner;

	iommu_domain_free(domain);
	module_put(owner);
}

/*
 * A host bridge takes transfers to its windows for ones between devices, and lets no others through
 * than those to its DMA ranges, if it has any. These are in order.
 */
static int bridge_windows(struct device *dev, void *to,
			  int (*visit)(void *to, u64 first, u64 last))
{
	int err = 0;
#ifdef CONFIG_PCI
	struct pci_host_bridge *bridge;
	struct resource_entry *window;
	u64 next = 0;

	if (!dev_is_pci(dev))
		return 0;
	bridge = pci_find_host_bridge(to_pci_dev(dev)->bus);
	resource_list_for_each_entry(window, &bridge->windows) {
		if (resource_type(window->res) != IORESOURCE_MEM)
			continue;
		err = visit(to, window->res->start - window->offset,
			    window->res->end - window->offset);
		if (err)
			return err;
	}
	resource_list_for_each_entry(window, &bridge->dma_ranges) {
		u64 first = window->res->start - window->offset;

		if (first > next)
			err = visit(to, next, first - 1);
		if (err)
			return err;
		next = window->res->end - window->offset + 1;
	}
	if (next)
		err = visit(to, next, U64_MAX);
#endif
	return err;
}

int sgdma_domain_windows(struct device *dev, void *to, int (*visit)(void *to, u64 first, u64 last))
{
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	int err = 0;

	/* iommu_get_resv_regions() takes for granted that there is one. */
	if (!dev->iommu || !dev->iommu->iommu_dev)
		return -ENODEV;
	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		if (region->length)
			err = visit(to, region->start, region->start + (region->length - 1));
		if (err)
			break;
	}
	iommu_put_resv_regions(dev, &regions);
	return err ?: bridge_windows(dev, to, visit);
}

static bool is_mapped_by_firmware(struct device *dev)
{
	return dev->iommu && dev->iommu->require_direct;
}
#else
struct iommu_domain *sgdma_domain_alloc(struct device *dev, struct sgdma_aperture *aperture)
{
	return ERR_PTR(-ENODEV);
}

void sgdma_domain_free(struct iommu_domain *domain)
{
}

int sgdma_domain_windows(struct device *dev, void *to, int (*visit)(void *to, u64 first, u64 last))
{
	return -ENODEV;
}

static bool is_mapped_by_firmware(struct device *dev)
{
	return false;
}
#endif

u64 sgdma_domain_last(struct device *dev)
{
	return min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
}

/* Ports, for one, are bound by drivers that do not use the DMA API. */
static bool driver_uses_dma_api(struct device *dev)
{
#ifdef CONFIG_PCI
	if (dev_is_pci(dev))
		return !to_pci_driver(dev->driver)->driver_managed_dma;
#endif
	if (dev->bus == &platform_bus_type)
		return !to_platform_driver(dev->driver)->driver_managed_dma;
	return true;
}

static int check_member(struct device *member, void *data)
{
	struct device *dev = data;
	int err = 0;

	/* Attaching moves all members. */
	if (is_mapped_by_firmware(member)) {
		dev_err(dev, "not attached to a domain: firmware wants memory mapped for %s at all times\n",
			dev_name(member));
		return -EPERM;
	}
	if (member == dev)
		return 0;
	/*
	 * Not device_lock(): whoever binds a device has that lock, and waits for the lock of the
	 * group, which is held here.
	 */
	if (!device_trylock(member))
		return -EAGAIN;
	if (member->driver && driver_uses_dma_api(member)) {
		dev_err(dev, "not attached to a domain: %s is in the same IOMMU group, and %s uses it\n",
			dev_name(member), member->driver->name);
		err = -EBUSY;
	}
	device_unlock(member);
	return err;
}

/* Returns zero if nobody uses the other devices of the group. Tries again while one is locked. */
static int check_members(struct iommu_group *group, struct device *dev, int tries)
{
	int err;

	while ((err = iommu_group_for_each_dev(group, dev, check_member)) == -EAGAIN && --tries)
		msleep(20);
	if (err != -EAGAIN)
		return err;
	dev_err(dev, "not attached to a domain: a device of the same IOMMU group is being bound or unbound\n");
	return -EBUSY;
}

int sgdma_domain_check_group(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);
	int err = 0;

	if (group)
		err = check_members(group, dev, 50);
	iommu_group_put(group);
	return err;
}

int sgdma_domain_attach(struct iommu_domain *domain, struct device *dev,
			struct iommu_group **result)
{
	struct iommu_group *group = iommu_group_get(dev);
	int err = -ENODEV;

	if (!group)
		return err;
	err = iommu_attach_group(domain, group);
	if (err) {
		dev_err(dev, "not attached to a domain: %s (%d)\n",
			err == -EBUSY ? "its IOMMU group is attached to another domain" :
			err == -EINVAL ? "its IOMMU is not that of the domain" :
			"its IOMMU failed", err);
		goto put;
	}
	/*
	 * Attaching takes no ownership of the group. From here on the kernel refuses to bind other
	 * devices of the group. One that was bound after sgdma_domain_check_group() is found now,
	 * by its lock or its driver: in between its transfers have faulted.
	 */
	err = check_members(group, dev, 1);
	if (err) {
		iommu_detach_group(domain, group);
		goto put;
	}
	*result = group;
	return 0;
put:
	iommu_group_put(group);
	return err;
}

void sgdma_domain_detach(struct iommu_domain *domain, struct iommu_group *group)
{
	iommu_detach_group(domain, group);
	iommu_group_put(group);
}

int sgdma_domain_map(struct iommu_domain *domain, u64 addr, struct sg_table *sgt, size_t len,
		     enum dma_data_direction dir, bool coherent)
{
	int prot = coherent ? IOMMU_CACHE : 0;
	ssize_t mapped;

	if (dir != DMA_FROM_DEVICE)
		prot |= IOMMU_READ;
	if (dir != DMA_TO_DEVICE)
		prot |= IOMMU_WRITE;
	mapped = iommu_map_sg(domain, addr, sgt->sgl, sgt->orig_nents, prot, GFP_KERNEL_ACCOUNT);
	if (mapped < 0)
		return mapped;
	if (WARN_ON_ONCE(mapped != len)) {
		iommu_unmap(domain, addr, mapped);
		return -EIO;
	}
	return 0;
}

void sgdma_domain_unmap(struct iommu_domain *domain, u64 addr, size_t len)
{
	/* Nobody else unmaps in this domain, so all of the range is mapped. */
	WARN_ON_ONCE(iommu_unmap(domain, addr, len) != len);
}

int sgdma_domain_begin_turn(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir)
{
	int err = dma_map_sgtable(dev, sgt, dir, 0);

	if (err)
		return err;
	/* iommu-dma marks the first entry of a list that it has bounced a part of. */
	if (sg_dma_is_swiotlb(sgt->sgl)) {
		sgdma_domain_end_turn(dev, sgt, dir, true);
		return -EIO;
	}
	return 0;
}

void sgdma_domain_end_turn(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir,
			   bool skip)
{
	dma_unmap_sgtable(dev, sgt, dir, skip ? DMA_ATTR_SKIP_CPU_SYNC : 0);
}

void sgdma_say_not_mapped(struct device *dev, const u64 *addr, u64 len, const char *why)
{
	if (addr)
		dev_err_ratelimited(dev, "%#llx bytes are not mapped at %#llx: %s\n",
				    len, *addr, why);
	else
		dev_err_ratelimited(dev, "%#llx bytes are not mapped: %s\n", len, why);
}
