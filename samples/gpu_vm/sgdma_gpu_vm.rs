// SPDX-License-Identifier: GPL-2.0

//! A GPU driver whose objects are at addresses that user space chooses, in an address space that
//! several devices share.
//!
//! The devices are QEMU's `edu`, behind an IOMMU. User space chooses where the devices find an
//! object. `README.md` says more. Read in this order:
//!
//! - this file: the driver, and what exists while a device is bound
//! - `space.rs`: the objects of the address space
//! - `file.rs`: the requests of user space
//! - `uapi.rs`: the structures and constants of `sgdma_gpu_vm.h`, generated

#[path = "../common/mod.rs"]
mod common;
mod file;
mod space;
mod uapi;

use common::{
    edu,
    engine::Engine, //
};
use kernel::{
    device::{
        Bound,
        Core,
        Device, //
    },
    pci,
    prelude::*, //
};
use sgdma::{
    DomainDevice,
    Handlers,
    IrqContext,
    IrqReturn,
    Quiet, //
};
use space::Space;

struct GpuVm;

/// Data that exists while a device is bound.
#[pin_data]
struct GpuData<'bound> {
    #[pin]
    engine: Engine<'bound, DomainDevice<'bound, Space>>,
}

impl sgdma::Driver for GpuVm {
    type Data<'bound> = GpuData<'bound>;
    type Files = file::SpaceFile;
    type Handlers = Self;
    // The device is attached to a domain, and is not given memory by the DMA API.
    type Dma<'bound> = DomainDevice<'bound, Space>;

    fn domain(_dev: &Device<Bound>) -> Option<u32> {
        Some(0) // One domain for all devices.
    }
}

edu::driver! {
    GpuVm, 64, |pdev, dma| pin_init::pin_init_scope(move || {
        Ok(try_pin_init!(GpuData {
            engine <- Engine::of(pdev, dma, DomainDevice::unbinding(dma)),
        }))
    });

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        edu::quiesce(pdev)
    }

    fn stop<'bound>(_pdev: &'bound pci::Device<Core<'_>>, gpu: Pin<&GpuData<'bound>>) -> Quiet {
        gpu.engine.stop()
    }
}

#[vtable]
impl Handlers<Self> for GpuVm {
    fn irq(gpu: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        gpu.engine.irq()
    }
}

sgdma::module_pci_driver! {
    type: GpuVm,
    name: "sgdma_gpu_vm",
    authors: ["sgdma developers"],
    description: "Objects at chosen addresses, which several edu devices share",
    license: "GPL",
}
