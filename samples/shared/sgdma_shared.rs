// SPDX-License-Identifier: GPL-2.0

//! A driver that shares memory with its device and never synchronises, so the driver binds only to
//! a coherent device. The device is QEMU's `edu`. `sgdma_shared_c` is the same driver in C.

#[path = "../common/mod.rs"]
mod common;

use common::edu;
use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    CoherentDevice,
    DmaDevice,
    DmaLimits,
    NoFiles,
    NoHandlers,
    SgTable,
    Shared as SharedBuffer, //
};

sgdma::pci_device_table!(PCI_TABLE, (), [(edu::MATCH, ())]);

struct Shared;

impl sgdma::Driver for Shared {
    type Data<'bound> = SharedBuffer<'bound, Bidirectional>;
    type Files = NoFiles;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}

impl sgdma::pci::Driver for Shared {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        edu::check_id(pdev)?;
        let dev = CoherentDevice::probe(dma)?;

        let ring = SgTable::alloc(1 << 16, dma, GFP_KERNEL)?.map_shared(dev, Bidirectional)?;
        ring.copy_from_slice(0, b"no guard, no sync")?;
        dev_info!(pdev, "sharing {} bytes with the device\n", ring.len());
        Ok::<_, Error>(ring)
    }
}

sgdma::module_pci_driver! {
    type: Shared,
    name: "sgdma_shared",
    authors: ["sgdma developers"],
    description: "Shares a buffer with QEMU's edu device, where the device is coherent",
    license: "GPL",
}
