// SPDX-License-Identifier: GPL-2.0
/*
 * Switches the DMA of a PCI device on and off. In C, because peer_memory.c does so, too: for a
 * device that goes on with the memory of another one.
 */
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "device/device.h"

/* A device may be reset by its driver while the driver of another device switches its DMA off. */
static DEFINE_MUTEX(switching);

/* Each reset of a device calls this. As a rule there is nothing to write. */
void sgdma_start_dma(struct pci_dev *pdev)
{
	guard(mutex)(&switching);
	if (!pdev->is_busmaster)
		pci_set_master(pdev);
}
EXPORT_SYMBOL_GPL(sgdma_start_dma);

enum sgdma_halt sgdma_halt(struct pci_dev *pdev)
{
	u16 command = 0;

	scoped_guard(mutex, &switching) {
		pci_clear_master(pdev);
		/*
		 * The answer to this read arrives after all that the device has written before: see
		 * docs/soundness.md.
		 */
		pci_read_config_word(pdev, PCI_COMMAND, &command);
	}
	if (PCI_POSSIBLE_ERROR(command)) {
		if (pdev->error_state == pci_channel_io_perm_failure)
			return SGDMA_GONE;
		pci_err(pdev, "bus mastering cannot be switched off: the device does not answer\n");
		return SGDMA_HALT_FAILED;
	}
	if (command & PCI_COMMAND_MASTER) {
		pci_err(pdev, "bus mastering cannot be switched off\n");
		return SGDMA_HALT_FAILED;
	}
	if (!pci_wait_for_pending_transaction(pdev)) {
		pci_err(pdev, "transactions are still pending after bus mastering went off\n");
		return SGDMA_HALT_FAILED;
	}
	return SGDMA_HALTED;
}
EXPORT_SYMBOL_GPL(sgdma_halt);
