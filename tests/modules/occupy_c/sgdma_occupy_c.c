// SPDX-License-Identifier: GPL-2.0
/* Attaches a device to a domain for as long as the module is loaded. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>

static char *device = "";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "the PCI address of the device");

#ifdef CONFIG_IOMMU_API
static struct iommu_domain *domain;
static struct iommu_group *group;

static int attach(struct device *dev)
{
	int err;

	group = iommu_group_get(dev);
	if (!group)
		return -ENODEV;
	domain = iommu_paging_domain_alloc(dev);
	err = PTR_ERR_OR_ZERO(domain);
	if (!err) {
		err = iommu_attach_group(domain, group);
		if (err)
			iommu_domain_free(domain);
	}
	if (err)
		iommu_group_put(group);
	return err;
}

static void detach(void)
{
	iommu_detach_group(domain, group);
	iommu_domain_free(domain);
	iommu_group_put(group);
}
#else
static int attach(struct device *dev)
{
	return -ENODEV;
}

static void detach(void)
{
}
#endif

static int __init occupy_init(void)
{
	struct device *dev = bus_find_device_by_name(&pci_bus_type, NULL, device);
	int err = dev ? attach(dev) : -ENODEV;

	put_device(dev);
	return err;
}

static void __exit occupy_exit(void)
{
	detach();
}

module_init(occupy_init);
module_exit(occupy_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("sgdma developers");
MODULE_DESCRIPTION("Attaches a device to a domain");
