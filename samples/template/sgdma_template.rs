// SPDX-License-Identifier: GPL-2.0

//! A driver to start from: maps a buffer for QEMU's `edu` device for as long as it is bound.

use kernel::{device::Core, dma::DmaMask, pci, prelude::*};
use sgdma::{DmaDevice, DmaLimits, Mapped, NoFiles, NoHandlers, SgTable, ToDevice};
const EDU: pci::DeviceId = pci::DeviceId::from_class(0x00ff00, 0xffffff);
sgdma::pci_device_table!(PCI_TABLE, (), [(EDU, ())]);
struct Template;
impl sgdma::Driver for Template {
    type Data<'bound> = Mapped<'bound, ToDevice>;
    type Files = NoFiles;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}
impl sgdma::pci::Driver for Template {
    type IdInfo = ();
    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());
    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        if pdev.device_id() != 0x11e8 {
            return Err(ENODEV); // Other devices have this class too.
        }
        let buffer = SgTable::alloc(1 << 20, dma, GFP_KERNEL)?.map(dma, ToDevice)?;
        let pages = buffer.dma_pages().count(); // or: for addr in buffer.dma_pages()
        dev_info!(pdev, "{} pages in {} segments\n", pages, buffer.nents());
        Ok::<_, Error>(buffer)
    }
}
sgdma::module_pci_driver! {
    type: Template,
    name: "sgdma_template",
    authors: ["your name"],
    description: "Maps a buffer for QEMU's edu device",
    license: "GPL",
}
