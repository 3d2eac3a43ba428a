// SPDX-License-Identifier: GPL-2.0

//! An RDMA driver in the manner of bnxt_re and rxe, written against `sgdma`.
//!
//! User space registers memory of its own and gets a key. The device finds the memory of a key by a
//! page-buffer list, which the driver fills with bus addresses. The device is QEMU's `edu`, which
//! has a DMA engine but cannot follow lists. So the driver follows the lists in the device's place,
//! by what the *device* reads. `README.md` says more. Read in this order:
//!
//! - this file: which device the driver is for, and what exists while a device is bound
//! - `../common/mod.rs`: the parts that other drivers use too: the device, tables, requests
//! - `region.rs`: registered memory, and which access a region allows
//! - `pbl.rs`: page-buffer lists
//! - `uapi.rs`: the structures and constants of `sgdma_rdma.h`, generated
//! - `file.rs`: the requests of user space

#[path = "../common/mod.rs"]
mod common;
mod file;
mod pbl;
mod region;
mod uapi;

use common::{
    edu,
    engine::Engine,
    handles::Handles, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*, //
};
use region::Region;
use sgdma::{
    CoherentDevice,
    DmaDevice,
    DmaLimits,
    Handlers,
    IrqContext,
    IrqReturn,
    Quiet, //
};

sgdma::pci_device_table!(PCI_TABLE, (), [(edu::MATCH, ())]);

struct Rdma;

/// Data that exists while a device is bound. Open files have access to it.
#[pin_data]
struct RdmaData<'bound> {
    /// `None` if the CPU copies all regions.
    dev: Option<CoherentDevice<'bound>>,
    #[pin]
    engine: Engine<'bound>,
    /// Whoever has the lock neither pins nor unpins memory.
    #[pin]
    regions: Handles<Region<'bound>>,
}

impl sgdma::Driver for Rdma {
    type Data<'bound> = RdmaData<'bound>;
    type Files = file::RegionFile;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

#[vtable]
impl Handlers<Self> for Rdma {
    fn irq(rdma: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        rdma.engine.irq()
    }
}

impl sgdma::pci::Driver for Rdma {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        edu::quiesce(pdev)
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<RdmaData<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            // User space goes on using its memory, so nobody could synchronise that memory.
            let dev = if sgdma::parameter(&module_parameters::soft) == 0 {
                Some(CoherentDevice::probe(dma)?)
            } else {
                None
            };
            Ok(try_pin_init!(RdmaData {
                dev,
                engine <- Engine::new(pdev, dma),
                regions <- Handles::new(),
            }))
        })
    }

    fn stop<'bound>(_pdev: &'bound pci::Device<Core<'_>>, rdma: Pin<&RdmaData<'bound>>) -> Quiet {
        rdma.engine.stop()
    }
}

sgdma::module_pci_driver! {
    type: Rdma,
    name: "sgdma_rdma",
    authors: ["sgdma developers"],
    description: "Memory regions and page-buffer lists on QEMU's edu device",
    license: "GPL",
    params: {
        soft: u8 {
            default: 0,
            description: "1: bind to any device, the CPU copies; 0: bind only to a coherent device",
        },
    },
}
