// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that was badly converted to sgdma.h: it makes calls that DMA debugging would report, and
 * still calls plain dma_unmap_sgtable(). In sync-debug mode sgdma reports each such call. The
 * device is QEMU's edu, which does nothing.
 */
#include <linux/device/faux.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>

#include <sgdma.h>

static bool debug;
module_param(debug, bool, 0444);
MODULE_PARM_DESC(debug, "1: map in sync-debug mode, without sync_debug=1 (default: 0)");

static bool maskless;
module_param(maskless, bool, 0444);
MODULE_PARM_DESC(maskless, "1: only map for a device without a DMA mask (default: 0)");

static bool stays;
module_param(stays, bool, 0444);
MODULE_PARM_DESC(stays, "1: leave a mapping that only unloading reveals (default: 0)");

#define SIZE 100
/* More than there are slots to bounce to. */
#define TRIES 40000
/* The result of a function that leaves a mapping behind. */
#define KEEP 1

struct buffer {
	struct device *dev;
	struct page *page;
	struct sg_table sgt;
};

/*
 * Buffers whose mapping sgdma has lost. They are freed at the end. If the memory of one's list
 * became another list of this driver, sgdma would report the mapping for that.
 */
static struct buffer kept[3];
static unsigned int nr_kept;

/* A device without a DMA mask, on a bus that sgdma does not watch. */
static struct faux_device *other;

static int make(struct buffer *b, struct device *dev)
{
	int ret = -ENOMEM;

	b->dev = dev;
	b->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!b->page)
		return ret;
	ret = sg_alloc_table(&b->sgt, 1, GFP_KERNEL);
	if (ret)
		__free_page(b->page);
	else
		sg_set_page(b->sgt.sgl, b->page, SIZE, 0);
	return ret;
}

static void destroy(struct buffer *b)
{
	sg_free_table(&b->sgt);
	__free_page(b->page);
}

static int map(struct buffer *b, enum dma_data_direction dir)
{
	return sgdma_map_sgtable(b->dev, &b->sgt, dir, debug ? SGDMA_ATTR_SYNC_DEBUG : 0);
}

static int sync_in_another_direction(struct buffer *b)
{
	int ret = map(b, DMA_TO_DEVICE);

	if (ret)
		return ret;
	sgdma_sync_sgtable_for_cpu(b->dev, &b->sgt, DMA_FROM_DEVICE);
	/* sgdma reports a mapping once. */
	sgdma_sync_sgtable_for_device(b->dev, &b->sgt, DMA_FROM_DEVICE);
	sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_TO_DEVICE, 0);
	return 0;
}

static int sync_one_way(struct buffer *b)
{
	int ret = map(b, DMA_BIDIRECTIONAL);

	if (ret)
		return ret;
	/* A bidirectional mapping may be synchronised in either direction. */
	sgdma_sync_sgtable_for_cpu(b->dev, &b->sgt, DMA_FROM_DEVICE);
	sgdma_sync_sgtable_for_device(b->dev, &b->sgt, DMA_TO_DEVICE);
	sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_BIDIRECTIONAL, 0);
	return 0;
}

static int unmap_in_another_direction(struct buffer *b)
{
	int ret = map(b, DMA_FROM_DEVICE);

	if (!ret)
		sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_BIDIRECTIONAL, 0);
	return ret;
}

static int sync_beyond_the_segment(struct buffer *b)
{
	int ret = map(b, DMA_FROM_DEVICE);

	if (ret)
		return ret;
	sgdma_sync_single_for_cpu(b->dev, sg_dma_address(b->sgt.sgl) + 60, SIZE, DMA_FROM_DEVICE);
	sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_FROM_DEVICE, 0);
	return 0;
}

static int sync_for_another_device(struct buffer *b)
{
	int ret = map(b, DMA_FROM_DEVICE);

	if (ret)
		return ret;
	sgdma_sync_sgtable_for_cpu(&other->dev, &b->sgt, DMA_FROM_DEVICE);
	sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_FROM_DEVICE, 0);
	return 0;
}

static int unmap_other_entries(struct buffer *b)
{
	int ret = map(b, DMA_FROM_DEVICE);

	if (ret)
		return ret;
	b->sgt.orig_nents = 2;
	sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_FROM_DEVICE, 0);
	b->sgt.orig_nents = 1;
	return 0;
}

static int unmap_twice(struct buffer *b)
{
	int ret = map(b, DMA_FROM_DEVICE);

	if (ret)
		return ret;
	sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_FROM_DEVICE, 0);
	sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_FROM_DEVICE, 0);
	return 0;
}

static int map_twice(struct buffer *b)
{
	int ret = map(b, DMA_FROM_DEVICE);

	if (ret)
		return ret;
	dma_unmap_sgtable(b->dev, &b->sgt, DMA_FROM_DEVICE, 0);
	ret = map(b, DMA_FROM_DEVICE);
	if (!ret)
		sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_FROM_DEVICE, 0);
	return ret;
}

/* Maps with the DMA API, as a part of the driver would that was not converted. */
static int unmap_a_plain_mapping(struct buffer *b)
{
	int ret = dma_map_sgtable(b->dev, &b->sgt, DMA_TO_DEVICE, 0);

	if (!ret)
		sgdma_unmap_sgtable(b->dev, &b->sgt, DMA_TO_DEVICE, 0);
	return ret;
}

/* Another mapping gets the bus address of a lost one: a sync of the address is for the former. */
static int use_an_address_again(struct buffer *lost)
{
	struct buffer b;
	bool again = false;
	u8 byte;
	int ret = make(&b, lost->dev);

	if (ret)
		return ret;
	ret = map(lost, DMA_FROM_DEVICE);
	if (ret)
		goto out;
	dma_unmap_sgtable(lost->dev, &lost->sgt, DMA_FROM_DEVICE, 0);
	memset_page(lost->page, 0, 0x5a, SIZE);
	for (int i = 0; i < TRIES && !again; i++) {
		ret = sgdma_map_sgtable(b.dev, &b.sgt, DMA_FROM_DEVICE, 0);
		if (ret)
			goto out;
		again = sg_dma_address(b.sgt.sgl) == sg_dma_address(lost->sgt.sgl);
		if (again)
			sgdma_sync_single_for_device(b.dev, sg_dma_address(b.sgt.sgl), SIZE,
						     DMA_FROM_DEVICE);
		sgdma_unmap_sgtable(b.dev, &b.sgt, DMA_FROM_DEVICE, 0);
	}
	memcpy_from_page(&byte, lost->page, 0, 1);
	dev_info(b.dev, "an address was %sused again: what was lost is %s\n", again ? "" : "not ",
		 byte == 0x5a ? "left alone" : "written to");
	ret = KEEP;
out:
	destroy(&b);
	return ret;
}

static int leave(struct buffer *b)
{
	int ret = map(b, DMA_FROM_DEVICE);

	if (!ret)
		dma_unmap_sgtable(b->dev, &b->sgt, DMA_FROM_DEVICE, 0);
	return ret ?: KEEP;
}

static int without_a_mask(struct buffer *b)
{
	int plain, ours;

	b->dev = &other->dev;
	plain = dma_map_sgtable(b->dev, &b->sgt, DMA_TO_DEVICE, 0);
	ours = map(b, DMA_TO_DEVICE);
	pr_info("sgdma_misuse: without a mask: plain %d, ours %d, %u segments\n", plain, ours,
		b->sgt.nents);
	return 0;
}

static int leave_for_good(struct buffer *b)
{
	struct device *dev = &other->dev;

	dev->dma_mask = &dev->coherent_dma_mask;
	b->dev = dev;
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)) ?: leave(b);
}

static int try(int (*one)(struct buffer *b), struct device *dev)
{
	struct buffer b;
	int ret = make(&b, dev);

	if (ret)
		return ret;
	ret = one(&b);
	if (ret == KEEP)
		kept[nr_kept++] = b;
	else
		destroy(&b);
	return ret == KEEP ? 0 : ret;
}

static int misuse_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	static int (*const all[])(struct buffer *b) = {
		sync_in_another_direction, sync_one_way, unmap_in_another_direction,
		sync_beyond_the_segment, sync_for_another_device, unmap_other_entries, unmap_twice,
		map_twice, unmap_a_plain_mapping, use_an_address_again, leave,
	};
	int ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));

	if (maskless)
		return try(without_a_mask, &pdev->dev);
	for (int i = 0; i < ARRAY_SIZE(all) && !ret; i++)
		ret = try(all[i], &pdev->dev);
	if (stays && !ret)
		ret = try(leave_for_good, &pdev->dev);
	if (ret)
		dev_err(&pdev->dev, "failed: %d\n", ret);
	return ret;
}

static const struct pci_device_id misuse_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver misuse_driver = {
	.name = "sgdma_misuse",
	.id_table = misuse_ids,
	.probe = misuse_probe,
};

static int __init misuse_init(void)
{
	int ret;

	other = faux_device_create("sgdma-misuse", NULL, NULL);
	if (!other)
		return -ENODEV;
	ret = pci_register_driver(&misuse_driver);
	if (ret)
		faux_device_destroy(other);
	return ret;
}
module_init(misuse_init);

static void __exit misuse_exit(void)
{
	pci_unregister_driver(&misuse_driver);
	faux_device_destroy(other);
	while (nr_kept)
		destroy(&kept[--nr_kept]);
}
module_exit(misuse_exit);

MODULE_DESCRIPTION("Makes wrong calls of sgdma.h, on QEMU's edu device");
MODULE_LICENSE("GPL");
