// SPDX-License-Identifier: GPL-2.0

//! A driver that does not say what its device can address.

mod driver;

use kernel::{
    device::Core,
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
    type Files = NoFiles;
    type Handlers = sgdma::NoHandlers;
    type Dma<'bound> = sgdma::DmaDevice<'bound>;
}

impl sgdma::pci::Driver for Other {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = <driver::Gpu as sgdma::pci::Driver>::ID_TABLE;

    fn probe<'bound>(
        _pdev: &'bound pci::Device<Core<'_>>,
        _dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<(), Error> + 'bound {
        Err::<(), Error>(ENODEV)
    }
}
