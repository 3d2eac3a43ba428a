// SPDX-License-Identifier: GPL-2.0
/*
 * Decides by which route a device reaches the memory of another one, if it does. In C, because the
 * facts are behind inline functions and fields of the PCI core.
 */
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>

#include "device/device.h"

/* pci_p2pdma_map_type(), which tells the routes apart, is not for modules. */
static bool redirects(struct pci_dev *pdev)
{
	u16 control = 0;

	if (pdev->acs_cap)
		pci_read_config_word(pdev, pdev->acs_cap + PCI_ACS_CTRL, &control);
	return control & (PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC);
}

/* Returns the nearest device that both are, or are behind; NULL if only the host joins them. */
static struct pci_dev *junction(struct pci_dev *a, struct pci_dev *b)
{
	for (; a; a = pci_upstream_bridge(a))
		for (struct pci_dev *other = b; other; other = pci_upstream_bridge(other))
			if (other == a)
				return a;
	return NULL;
}

static bool redirects_below(struct pci_dev *pdev, const struct pci_dev *end)
{
	for (; pdev != end; pdev = pci_upstream_bridge(pdev))
		if (redirects(pdev))
			return true;
	return false;
}

static bool stays_below_host(struct pci_dev *a, struct pci_dev *b)
{
	struct pci_dev *end = junction(a, b);

	return end && !redirects(end) && !redirects_below(a, end) && !redirects_below(b, end);
}

enum sgdma_peer sgdma_peer(struct pci_dev *provider, int bar, struct device *dev)
{
	if (!dev_is_pci(dev))
		return SGDMA_PEER_NOT_PCI;
	if (!dev->dma_mask || !*dev->dma_mask)
		return SGDMA_PEER_MASK;
	if (pci_p2pdma_distance(provider, dev, false) < 0)
		return SGDMA_PEER_NO_ROUTE;
	if (stays_below_host(provider, to_pci_dev(dev))) {
		u64 end = pci_bus_address(provider, bar) + pci_resource_len(provider, bar);

		return end - 1 > *dev->dma_mask ? SGDMA_PEER_MASK : SGDMA_PEER_BUS_ADDRESS;
	}
	if (!dma_pci_p2pdma_supported(dev))
		return SGDMA_PEER_DMA_OPS;
	switch (sgdma_route(dev)) {
	case SGDMA_DOMAIN:
		return SGDMA_PEER_DOMAIN;
	case SGDMA_DIRECT:
		if (sgdma_bounces_all(dev))
			return SGDMA_PEER_BOUNCES;
		break;
	default:
		break;
	}
	return sgdma_can_send(dev, pci_resource_start(provider, bar),
			      pci_resource_len(provider, bar)) ?
	       SGDMA_PEER_HOST_BRIDGE : SGDMA_PEER_MASK;
}
EXPORT_SYMBOL_GPL(sgdma_peer);
