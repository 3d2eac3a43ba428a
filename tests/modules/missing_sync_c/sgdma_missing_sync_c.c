// SPDX-License-Identifier: GPL-2.0
/*
 * A wrong driver: it leaves out each kind of sync, and prints what the CPU and the device saw then.
 * On a PC they see the right bytes. In sync-debug mode they see poison or old bytes, and sgdma
 * reports the driver. With forget=0 no sync is left out. The device is QEMU's edu, which copies
 * from one buffer to another.
 */
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>

#include <sgdma.h>

static bool forget = true;
module_param(forget, bool, 0444);
MODULE_PARM_DESC(forget, "0: leave out no sync (default: 1)");

static bool debug;
module_param(debug, bool, 0444);
MODULE_PARM_DESC(debug, "1: map in sync-debug mode, without sync_debug=1 (default: 0)");

#define DMA_SRC 0x80
#define DMA_DST 0x88
#define DMA_COUNT 0x90
#define DMA_CMD 0x98
#define START 1
#define TO_MEMORY 2
#define INNER_BUFFER 0x40000

/* The device copies COUNT bytes, from the start of a buffer of SIZE bytes. */
#define COUNT 16
#define SIZE 100

static const char before[COUNT + 1] = "what was before ";
static const char after[COUNT + 1] = "what was written";

struct buffer {
	struct device *dev;
	struct page *page;
	struct sg_table sgt;
	enum dma_data_direction dir;
};

/* Makes a buffer with these bytes and maps it: the buffer is the device's. */
static int make(struct buffer *b, struct device *dev, enum dma_data_direction dir,
		const char *bytes)
{
	int ret = -ENOMEM;

	b->dev = dev;
	b->dir = dir;
	b->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!b->page)
		return ret;
	memcpy_to_page(b->page, 0, bytes, COUNT);
	ret = sg_alloc_table(&b->sgt, 1, GFP_KERNEL);
	if (ret)
		goto free_page;
	sg_set_page(b->sgt.sgl, b->page, SIZE, 0);
	ret = sgdma_map_sgtable(dev, &b->sgt, dir, debug ? SGDMA_ATTR_SYNC_DEBUG : 0);
	if (!ret)
		return 0;
	sg_free_table(&b->sgt);
free_page:
	__free_page(b->page);
	return ret;
}

static void destroy(struct buffer *b)
{
	sgdma_unmap_sgtable(b->dev, &b->sgt, b->dir, 0);
	sg_free_table(&b->sgt);
	__free_page(b->page);
}

static dma_addr_t address(struct buffer *b)
{
	return sg_dma_address(b->sgt.sgl);
}

static void for_cpu(struct buffer *b, bool forgotten)
{
	if (!forgotten)
		sgdma_sync_sgtable_for_cpu(b->dev, &b->sgt, b->dir);
}

static void for_device(struct buffer *b, bool forgotten)
{
	if (!forgotten)
		sgdma_sync_sgtable_for_device(b->dev, &b->sgt, b->dir);
}

static int transfer(void __iomem *regs, u64 from, u64 to, u64 command)
{
	u64 running;

	writeq(from, regs + DMA_SRC);
	writeq(to, regs + DMA_DST);
	writeq(COUNT, regs + DMA_COUNT);
	writeq(command | START, regs + DMA_CMD);
	return readq_poll_timeout(regs + DMA_CMD, running, !(running & START), 10000, 5000000);
}

static int copy(void __iomem *regs, dma_addr_t from, dma_addr_t to)
{
	int ret = transfer(regs, from, INNER_BUFFER, 0);

	return ret ?: transfer(regs, INNER_BUFFER, to, TO_MEMORY);
}

static void tell(struct buffer *b, const char *how, const char *who)
{
	char bytes[COUNT];
	const char *saw = "something else";

	memcpy_from_page(bytes, b->page, 0, COUNT);
	if (!memcmp(bytes, after, COUNT))
		saw = "what was written";
	else if (!memcmp(bytes, before, COUNT))
		saw = "what was before";
	else if (!memchr_inv(bytes, SGDMA_POISON, COUNT))
		saw = "poison";
	dev_info(b->dev, "%s: %s saw %s\n", how, who, saw);
}

/* Prints what the device sees of @b now. */
static int ask_device(struct buffer *b, void __iomem *regs, const char *how)
{
	struct buffer answer;
	int ret = make(&answer, b->dev, DMA_FROM_DEVICE, before);

	if (ret)
		return ret;
	ret = copy(regs, address(b), address(&answer));
	for_cpu(&answer, false);
	if (!ret)
		tell(&answer, how, "the device");
	destroy(&answer);
	return ret;
}

/* Lets the device write to the end of @b, and synchronises that part for the CPU. */
static int answer_in(struct buffer *b, void __iomem *regs)
{
	dma_addr_t end = address(b) + SIZE - COUNT;
	struct buffer source;
	int ret = make(&source, b->dev, DMA_TO_DEVICE, after);

	if (ret)
		return ret;
	ret = copy(regs, address(&source), end);
	sgdma_sync_single_for_cpu(b->dev, end, COUNT, b->dir);
	destroy(&source);
	return ret;
}

static int read_without_for_cpu(struct device *dev, void __iomem *regs)
{
	struct buffer source, target;
	int ret = make(&source, dev, DMA_TO_DEVICE, after);

	if (ret)
		return ret;
	ret = make(&target, dev, DMA_FROM_DEVICE, before);
	if (ret)
		goto out;
	ret = copy(regs, address(&source), address(&target));
	for_cpu(&target, forget);
	tell(&target, "read without for_cpu", "the CPU");
	destroy(&target);
out:
	destroy(&source);
	return ret;
}

static int write_without(struct device *dev, void __iomem *regs, enum dma_data_direction dir,
			 bool with_for_cpu, const char *how)
{
	struct buffer b;
	int ret = make(&b, dev, dir, before);

	if (ret)
		return ret;
	for_cpu(&b, forget && !with_for_cpu);
	memcpy_to_page(b.page, 0, after, COUNT);
	for_device(&b, forget);
	ret = ask_device(&b, regs, how);
	if (!ret && dir == DMA_BIDIRECTIONAL)
		ret = answer_in(&b, regs);
	destroy(&b);
	return ret;
}

static int missing_sync_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	void __iomem *regs;
	int ret;

	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	pci_set_master(pdev);
	regs = pcim_iomap_region(pdev, 0, "sgdma_missing_sync_c");
	if (IS_ERR(regs))
		return PTR_ERR(regs);

	ret = read_without_for_cpu(dev, regs);
	ret = ret ?: write_without(dev, regs, DMA_BIDIRECTIONAL, false, "write without for_cpu");
	ret = ret ?: write_without(dev, regs, DMA_BIDIRECTIONAL, true, "write without for_device");
	ret = ret ?: write_without(dev, regs, DMA_TO_DEVICE, false, "write without any");
	return ret;
}

static const struct pci_device_id missing_sync_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver missing_sync_driver = {
	.name = "sgdma_missing_sync_c",
	.id_table = missing_sync_ids,
	.probe = missing_sync_probe,
};
module_pci_driver(missing_sync_driver);

MODULE_DESCRIPTION("Leaves out syncs, on QEMU's edu device");
MODULE_LICENSE("GPL");
