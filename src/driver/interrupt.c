// SPDX-License-Identifier: GPL-2.0
/*
 * One interrupt of a PCI device, for as long as the device is bound. In C, because the kernel crate
 * has other types for this in each release, and since 7.3 none that safe code can use.
 */
#include <linux/device/devres.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/pci.h>

#include "ffi/helpers.h"

struct interrupt {
	struct pci_dev *pdev;
	int irq;
	bool (*handle)(struct device *dev, void *data);
	void (*release)(void *data);
	void *data;
};

static irqreturn_t handle(int irq, void *arg)
{
	struct interrupt *interrupt = arg;

	return IRQ_RETVAL(interrupt->handle(&interrupt->pdev->dev, interrupt->data));
}

/* free_irq() waits for a handler that runs. */
static void release(void *arg)
{
	struct interrupt *interrupt = arg;

	free_irq(interrupt->irq, interrupt);
	pci_free_irq_vectors(interrupt->pdev);
	interrupt->release(interrupt->data);
}

int sgdma_request_msi(struct pci_dev *pdev, const char *name,
		      bool (*on_interrupt)(struct device *dev, void *data),
		      void (*on_release)(void *data), void *data)
{
	/* Freed after release(), which is added later. */
	struct interrupt *interrupt = devm_kmalloc(&pdev->dev, sizeof(*interrupt), GFP_KERNEL);
	int ret;

	if (!interrupt)
		return -ENOMEM;
	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSIX | PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	*interrupt = (struct interrupt) {
		.pdev = pdev, .irq = pci_irq_vector(pdev, 0),
		.handle = on_interrupt, .release = on_release, .data = data,
	};
	ret = request_irq(interrupt->irq, handle, 0, name, interrupt);
	if (ret)
		goto free_vectors;
	ret = devm_add_action(&pdev->dev, release, interrupt);
	if (!ret)
		return 0;
	free_irq(interrupt->irq, interrupt);
free_vectors:
	pci_free_irq_vectors(pdev);
	return ret;
}
EXPORT_SYMBOL_GPL(sgdma_request_msi);
