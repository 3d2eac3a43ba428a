// SPDX-License-Identifier: GPL-2.0

//! A driver `Gpu` for the programs here, each of which says what its `Data` and its `File` are.

use crate::{
    Data,
    File, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*, //
};
use sgdma::{
    DmaDevice,
    DmaLimits,
    DriverContext,
    FileOps,
    NoHandlers, //
};

sgdma::pci_device_table!(PCI_TABLE, (), [(pci::DeviceId::from_class(0, 0), ())]);

pub(crate) struct Gpu;

impl sgdma::Driver for Gpu {
    type Data<'bound> = Data<'bound>;
    type Files = File;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}

impl sgdma::pci::Driver for Gpu {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn probe<'bound>(
        _pdev: &'bound pci::Device<Core<'_>>,
        _dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        Err::<Data<'bound>, Error>(ENODEV)
    }
}

#[vtable]
impl FileOps<Gpu> for File {
    const NODE: Option<&'static CStr> = None;

    fn open(_ctx: &DriverContext<'_, Gpu>, _node: u32) -> impl PinInit<Self, Error> {
        Err::<Self, Error>(ENODEV)
    }
}

sgdma::module_pci_driver! {
    type: Gpu,
    name: "compile_fail",
    authors: ["sgdma developers"],
    description: "Is never built",
    license: "GPL",
}
