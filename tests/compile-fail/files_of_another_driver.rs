// SPDX-License-Identifier: GPL-2.0

//! A driver whose open files take another driver's data.

mod driver;

use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*, //
};
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;
struct Other;

// SAFETY: Never registered, as it does not compile.
unsafe impl sgdma::DriverModule for Other {
    const MODULE: &'static ThisModule = <driver::Gpu as sgdma::DriverModule>::MODULE;
}

impl sgdma::Driver for Other {
    type Data<'bound> = ();
    type Files = File;
    type Handlers = sgdma::NoHandlers;
    type Dma<'bound> = sgdma::DmaDevice<'bound>;
}

impl sgdma::pci::Driver for Other {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = <driver::Gpu as sgdma::pci::Driver>::ID_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn probe<'bound>(
        _pdev: &'bound pci::Device<Core<'_>>,
        _dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<(), Error> + 'bound {
        Err::<(), Error>(ENODEV)
    }
}
