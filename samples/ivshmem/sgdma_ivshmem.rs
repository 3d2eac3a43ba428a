// SPDX-License-Identifier: GPL-2.0

//! A driver of a board whose memory other devices use: QEMU's `ivshmem-plain`.
//!
//! The device does no DMA of its own. `README.md` says more. Read in this order:
//!
//! - this file: the driver, and what exists while a device is bound
//! - `file.rs`: the request of user space
//! - `uapi.rs`: the structure and constant of `sgdma_ivshmem.h`, generated

#[path = "../common/mod.rs"]
mod common;
mod file;
mod uapi;

use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*, //
};
use sgdma::{
    DmaDevice,
    DmaLimits,
    NoHandlers,
    PeerMemory, //
};

/// The BAR of the memory.
const MEMORY: u32 = 2;

sgdma::pci_device_table!(
    PCI_TABLE,
    (),
    [(
        pci::DeviceId::from_id(pci::Vendor::REDHAT_QUMRANET, 0x1110),
        ()
    )]
);

struct Ivshmem;

/// Data that exists while a device is bound.
struct IvshmemData<'bound> {
    memory: PeerMemory<'bound>,
}

impl sgdma::Driver for Ivshmem {
    type Data<'bound> = IvshmemData<'bound>;
    type Files = file::MemoryFile;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}

impl sgdma::pci::Driver for Ivshmem {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<IvshmemData<'bound>, Error> + 'bound {
        let memory = pdev
            .resource_len(MEMORY)
            .and_then(|len| PeerMemory::new(dma, MEMORY, 0..len));
        memory
            .map(|memory| IvshmemData { memory })
            .inspect_err(|error| {
                dev_err!(
                    pdev,
                    "not bound: the memory of BAR 2 is not available to other devices ({:?}): \
                     EOPNOTSUPP calls for a kernel with CONFIG_PCI_P2PDMA\n",
                    error
                )
            })
    }
}

sgdma::module_pci_driver! {
    type: Ivshmem,
    name: "sgdma_ivshmem",
    authors: ["sgdma developers"],
    description: "A board whose memory other devices use",
    license: "GPL",
}
