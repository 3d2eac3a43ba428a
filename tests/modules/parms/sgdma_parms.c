// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that sets no DMA limits and relies on the PCI core's. Prints the limits that it finds,
 * and how 64 pages are mapped by them. Binds nothing, so it can be loaded at any time.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>

static unsigned long mask;
module_param(mask, ulong, 0444);
MODULE_PARM_DESC(mask, "leave the device with this DMA mask, even if the platform would refuse it");

#define PAGES 64

static int map(struct device *dev, struct page *pages, unsigned int *segments,
	       unsigned int *longest)
{
	struct scatterlist *sg;
	struct sg_table sgt;
	unsigned int i;
	int ret;

	ret = sg_alloc_table(&sgt, PAGES, GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&sgt, sg, i)
		sg_set_page(sg, pages + i, PAGE_SIZE, 0);
	ret = dma_map_sgtable(dev, &sgt, DMA_TO_DEVICE, 0);
	if (!ret) {
		*segments = sgt.nents;
		for_each_sgtable_dma_sg(&sgt, sg, i)
			longest[0] = max(longest[0], sg_dma_len(sg));
		dma_unmap_sgtable(dev, &sgt, DMA_TO_DEVICE, 0);
	}
	sg_free_table(&sgt);
	return ret;
}

static int parms_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	unsigned int segments = 0, longest = 0;
	struct device *dev = &pdev->dev;
	bool skips_sync = false;
	struct page *pages;
	int ret = 0;

#ifdef CONFIG_DMA_NEED_SYNC
	skips_sync = dev_dma_skip_sync(dev);
#endif
	dev_info(dev, "parms: mask %llx coherent %llx skip %d\n", *dev->dma_mask,
		 dev->coherent_dma_mask, skips_sync);
	dev_info(dev, "parms: segments of %u boundary %lx alignment %x\n",
		 dma_get_max_seg_size(dev), dma_get_seg_boundary(dev),
		 dma_get_min_align_mask(dev));
	if (mask) {
		*dev->dma_mask = mask;
		return -ENODEV;
	}
	pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, get_order(PAGES * PAGE_SIZE));
	if (!pages)
		return -ENOMEM;
	ret = map(dev, pages, &segments, &longest);
	__free_pages(pages, get_order(PAGES * PAGE_SIZE));
	dev_info(dev, "parms: %d, %u segments, longest %u\n", ret, segments, longest);
	return -ENODEV;
}

static const struct pci_device_id parms_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver parms_driver = {
	.name = "sgdma_parms",
	.id_table = parms_ids,
	.probe = parms_probe,
};
module_pci_driver(parms_driver);

MODULE_DESCRIPTION("Prints the DMA limits that a device was left with");
MODULE_AUTHOR("sgdma developers");
MODULE_LICENSE("GPL");
