// SPDX-License-Identifier: GPL-2.0
/*
 * A driver in C that shares memory with its device and never calls dma_sync_*(), so the driver
 * binds only to a coherent device. The device is QEMU's edu. sgdma_shared is the same in Rust.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>

#include <sgdma.h>

static unsigned int mask_bits = 64;
module_param(mask_bits, uint, 0444);
MODULE_PARM_DESC(mask_bits, "The number of address bits that the device is said to have");

struct ring {
	struct page *page;
	dma_addr_t addr;
};

static int shared_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct ring *ring;
	int ret;

	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(mask_bits));
	if (ret)
		return dev_err_probe(dev, ret, "no DMA with %u address bits\n", mask_bits);
	if (!dma_streaming_is_coherent(dev))
		return dev_err_probe(dev, -EOPNOTSUPP, "refused: %s\n",
				     sgdma_coherency_string(sgdma_coherency(dev)));

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	pci_set_master(pdev);

	ring = devm_kzalloc(dev, sizeof(*ring), GFP_KERNEL);
	if (!ring)
		return -ENOMEM;
	ring->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!ring->page)
		return -ENOMEM;
	ring->addr = dma_map_page(dev, ring->page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(dev, ring->addr)) {
		__free_page(ring->page);
		return -ENOMEM;
	}
	pci_set_drvdata(pdev, ring);
	dev_info(dev, "sharing a page at %pad with the device\n", &ring->addr);
	return 0;
}

static void shared_remove(struct pci_dev *pdev)
{
	struct ring *ring = pci_get_drvdata(pdev);

	dma_unmap_page(&pdev->dev, ring->addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
	__free_page(ring->page);
}

static const struct pci_device_id shared_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, shared_ids);

static struct pci_driver shared_driver = {
	.name = "sgdma_shared_c",
	.id_table = shared_ids,
	.probe = shared_probe,
	.remove = shared_remove,
};
module_pci_driver(shared_driver);

MODULE_DESCRIPTION("Shares a page with QEMU's edu device, where the device is coherent");
MODULE_LICENSE("GPL");
