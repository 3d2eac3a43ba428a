// SPDX-License-Identifier: GPL-2.0
/*
 * Compares sgdma's answer on the coherency of a device with what mapping does: maps low and high
 * pages, one by one and in tables, and looks where the device sees them.
 *
 * Prints one line for each device. The line ends with "agree", "DISAGREE", or "undecided": the
 * answer is that some memory bounces, and no page was found that does.
 */
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/iommu-dma.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/of_address.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>

#include <sgdma.h>

static unsigned int mask_bits = 64;
module_param(mask_bits, uint, 0444);
MODULE_PARM_DESC(mask_bits, "The devices' DMA mask");

#define PAGES 256

enum outcome { DISAGREE, AGREE, UNDECIDED };
static const char *const outcomes[] = { "DISAGREE", "agree", "undecided" };

struct evidence {
	unsigned int mapped;
	unsigned int bounced;
	unsigned int failed;
	/* Pages out of reach that cannot bounce. Mapping one would make the kernel warn. */
	unsigned int out_of_reach;
	/*
	 * Result of mapping a table with DMA_ATTR_REQUIRE_COHERENT, or 1 where that was not tried
	 * because the kernel would warn.
	 */
	int attr;
	/* According to the platform, not the DMA API. */
	bool caches_coherent;
	/* According to dma_streaming_is_coherent(). */
	bool may_share;
};

/* Reads the property in the device tree. The caches of a PC are always coherent. */
static bool caches_coherent(struct device *dev)
{
	struct device_node *node = dev->of_node;

	if (IS_ENABLED(CONFIG_X86))
		return true;
	if (dev_is_pci(dev))
		node = pci_find_host_bridge(to_pci_dev(dev)->bus)->dev.parent->of_node;
	return of_dma_is_coherent(node);
}

static bool can_bounce(struct device *dev)
{
#ifdef CONFIG_SWIOTLB
	return dev->dma_io_tlb_mem && dev->dma_io_tlb_mem->nslabs;
#else
	return false;
#endif
}

static bool in_place(struct device *dev, dma_addr_t addr, phys_addr_t phys)
{
	if (use_dma_iommu(dev))
		return iommu_iova_to_phys(iommu_get_domain_for_dev(dev), addr) == phys;
	return dma_to_phys(dev, addr) == phys;
}

static void count(struct evidence *seen, bool in_place)
{
	seen->mapped++;
	seen->bounced += !in_place;
}

static bool may_map(struct device *dev, struct page *page)
{
	dma_addr_t addr = phys_to_dma(dev, page_to_phys(page));

	if (use_dma_iommu(dev) || can_bounce(dev))
		return true;
	/* dma_capable() is not for modules since 7.3. */
	return addr != DMA_MAPPING_ERROR &&
	       addr + PAGE_SIZE - 1 <= min_not_zero(*dev->dma_mask, dev->bus_dma_limit);
}

static void map_single(struct device *dev, struct page *page, struct evidence *seen)
{
	static const enum dma_data_direction dirs[] = {
		DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_BIDIRECTIONAL,
	};

	if (!may_map(dev, page)) {
		seen->out_of_reach++;
		return;
	}
	for (int i = 0; i < ARRAY_SIZE(dirs); i++) {
		dma_addr_t addr = dma_map_page(dev, page, 0, PAGE_SIZE, dirs[i]);

		if (dma_mapping_error(dev, addr)) {
			seen->failed++;
			continue;
		}
		count(seen, in_place(dev, addr, page_to_phys(page)));
		dma_unmap_page(dev, addr, PAGE_SIZE, dirs[i]);
	}
}

/* Maps a table of single pages. An IOMMU may merge them, so each page's address is compared. */
static int map_table(struct device *dev, struct page **pages, unsigned long attrs,
		     struct evidence *seen)
{
	struct sg_dma_page_iter iter;
	struct scatterlist *sg;
	struct sg_table sgt;
	unsigned int i;
	int ret;

	ret = sg_alloc_table(&sgt, PAGES, GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&sgt, sg, i)
		sg_set_page(sg, pages[i], PAGE_SIZE, 0);
	ret = dma_map_sgtable(dev, &sgt, DMA_BIDIRECTIONAL, attrs);
	if (!ret) {
		i = 0;
		for_each_sgtable_dma_page(&sgt, &iter, 0)
			count(seen, in_place(dev, sg_page_iter_dma_address(&iter),
					     page_to_phys(pages[i++])));
		dma_unmap_sgtable(dev, &sgt, DMA_BIDIRECTIONAL, attrs);
	}
	sg_free_table(&sgt);
	return ret;
}

/* Looks for a page that bounces: maps the first and the last page of each large free block. */
static void search(struct device *dev, struct evidence *seen)
{
	const unsigned int pages = 1 << MAX_PAGE_ORDER;
	struct page *page, *next;
	LIST_HEAD(blocks);

	while (!seen->bounced && !seen->out_of_reach &&
	       si_mem_available() > SZ_64M >> PAGE_SHIFT) {
		page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, MAX_PAGE_ORDER);
		if (!page)
			break;
		list_add(&page->lru, &blocks);
		map_single(dev, page, seen);
		map_single(dev, page + pages - 1, seen);
	}
	list_for_each_entry_safe(page, next, &blocks, lru)
		__free_pages(page, MAX_PAGE_ORDER);
}

static bool may_bounce(enum sgdma_coherency answer)
{
	return answer == SGDMA_BOUNCE_MASK || answer == SGDMA_BOUNCE_BUS_LIMIT;
}

static bool map_all(struct device *dev, enum sgdma_coherency answer, gfp_t zone,
		    struct evidence *seen)
{
	struct page **pages = kcalloc(PAGES, sizeof(*pages), GFP_KERNEL);
	bool done = pages;

	for (int i = 0; done && i < PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL | zone);
		done = pages[i];
	}
	if (done) {
		for (int i = 0; i < PAGES; i++)
			map_single(dev, pages[i], seen);
		if (!seen->out_of_reach && map_table(dev, pages, 0, seen))
			seen->failed += PAGES;
		if (may_bounce(answer))
			seen->attr = 1;
		else
			seen->attr = map_table(dev, pages, DMA_ATTR_REQUIRE_COHERENT, seen);
	}
	for (int i = 0; pages && i < PAGES; i++)
		if (pages[i])
			__free_page(pages[i]);
	kfree(pages);
	return done;
}

static enum outcome compare(enum sgdma_coherency answer, const struct evidence *seen)
{
	if (seen->failed || (seen->may_share && answer != SGDMA_COHERENT))
		return DISAGREE;
	switch (answer) {
	case SGDMA_COHERENT:
		return seen->may_share && seen->caches_coherent && !seen->bounced &&
		       !seen->out_of_reach && !seen->attr;
	case SGDMA_NEEDS_CACHE_MAINTENANCE:
		return !seen->caches_coherent && seen->attr == -EOPNOTSUPP;
	case SGDMA_BOUNCE_FORCED:
	case SGDMA_BOUNCE_RESTRICTED_POOL:
		return seen->bounced == seen->mapped && seen->attr == -EIO;
	case SGDMA_BOUNCE_MASK:
	case SGDMA_BOUNCE_BUS_LIMIT:
		if (!seen->bounced && !seen->out_of_reach)
			return UNDECIDED;
		return seen->bounced < seen->mapped;
	default:
		return DISAGREE;
	}
}

static const char *attr_string(int attr)
{
	switch (attr) {
	case 0:
		return "maps";
	case 1:
		return "not asked";
	case -EIO:
		return "gives EIO";
	case -EOPNOTSUPP:
		return "gives EOPNOTSUPP";
	default:
		return "fails";
	}
}

static int check_coherency(struct device *dev)
{
	const gfp_t low = IS_ENABLED(CONFIG_ZONE_DMA) ? __GFP_DMA : __GFP_DMA32;
	enum sgdma_coherency answer;
	struct evidence seen = {};
	enum outcome outcome;
	int ret;

	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(mask_bits));
	if (ret)
		return dev_err_probe(dev, ret, "no DMA with %u bits\n", mask_bits);
	dma_set_max_seg_size(dev, SZ_1M);
	answer = sgdma_coherency(dev);
	seen.may_share = dma_streaming_is_coherent(dev);
	seen.caches_coherent = caches_coherent(dev);
	if (!map_all(dev, answer, low, &seen) || !map_all(dev, answer, 0, &seen))
		return -ENOMEM;
	if (may_bounce(answer))
		search(dev, &seen);
	outcome = compare(answer, &seen);
	dev_info(dev, "%s | %s, caches %s, %u of %u pages bounced, %sREQUIRE_COHERENT %s | %s\n",
		 sgdma_coherency_name(answer), use_dma_iommu(dev) ? "iommu" : "direct",
		 seen.caches_coherent ? "coherent" : "not coherent", seen.bounced, seen.mapped,
		 seen.out_of_reach ? "others cannot, " : "", attr_string(seen.attr),
		 outcomes[outcome]);
	if (outcome == UNDECIDED)
		dev_info(dev, "found no page that bounces in all free memory\n");
	if (outcome != DISAGREE)
		return 0;
	dev_err(dev, "%u mappings failed; sgdma says: %s\n", seen.failed,
		sgdma_coherency_string(answer));
	return -EIO;
}

static int probe_pci(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret = pcim_enable_device(pdev);

	if (ret)
		return ret;
	pci_set_master(pdev);
	return check_coherency(&pdev->dev);
}

static const struct pci_device_id pci_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver pci_driver = {
	.name = "sgdma_coherency_check",
	.id_table = pci_ids,
	.probe = probe_pci,
};

static int probe_platform(struct platform_device *pdev)
{
	return check_coherency(&pdev->dev);
}

static const struct of_device_id of_ids[] = {
	{ .compatible = "sgdma,coherency-check" },
	{ }
};

static struct platform_driver platform_driver = {
	.driver = {
		.name = "sgdma_coherency_check",
		.of_match_table = of_match_ptr(of_ids),
	},
	.probe = probe_platform,
};

/* Drivers may ask about NULL, and about a device that cannot do DMA yet, or no longer. */
static bool defined_for_anything(void)
{
	static struct device no_mask;
	struct device *devs[] = { NULL, &no_mask };

	return sgdma_coherency(NULL) == SGDMA_NO_DMA && sgdma_coherency(&no_mask) == SGDMA_NO_DMA &&
	       !dma_streaming_is_coherent(NULL) && sgdma_first_incoherent(devs, 2) == 0 &&
	       sgdma_first_incoherent(devs, 0) == -1 && sgdma_coherency_string(-1)[0];
}

static int __init coherency_check_init(void)
{
	int ret;

	if (!defined_for_anything())
		return -EINVAL;
	ret = platform_driver_register(&platform_driver);
	if (ret)
		return ret;
	ret = pci_register_driver(&pci_driver);
	if (ret)
		platform_driver_unregister(&platform_driver);
	return ret;
}
module_init(coherency_check_init);

static void __exit coherency_check_exit(void)
{
	pci_unregister_driver(&pci_driver);
	platform_driver_unregister(&platform_driver);
}
module_exit(coherency_check_exit);

MODULE_DESCRIPTION("Compares sgdma's answer on a device with what mapping does");
MODULE_LICENSE("GPL");
