// SPDX-License-Identifier: GPL-2.0

//! A driver written against `sgdma`: user space hands in a buffer and the device copies it.
//!
//! The device is QEMU's `edu`. It reads the source and writes the destination by DMA, at the bus
//! addresses that walking the two mapped tables yields.
//!
//! - this file: which device, what it can address, what exists while it is bound
//! - `edu.rs`: the hardware
//! - `buffer.rs`: what user space can do

mod buffer;
mod edu;

use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};
use sgdma::{
    DmaDevice,
    DmaLimits, //
};

/// `edu`'s PCI device id. Its vendor id, 0x1234, has no name in the kernel, so it is matched by
/// class, which some other devices have too.
const EDU_DEVICE_ID: u16 = 0x11e8;
const EDU_CLASS: u32 = 0x00ff00;

kernel::pci_device_table!(
    PCI_TABLE,
    MODULE_PCI_TABLE,
    (),
    [(pci::DeviceId::from_class(EDU_CLASS, 0xffffff), ())]
);

struct Gpu;

/// What exists while a device is bound, and open files are lent.
#[pin_data]
struct GpuData<'bound> {
    #[pin]
    engine: edu::Engine<'bound>,
    /// Set when the device is being unbound: copies stop at the next transfer.
    leaving: Atomic<bool>,
}

impl sgdma::pci::Driver for Gpu {
    type IdInfo = ();
    type Data<'bound> = GpuData<'bound>;
    type Files = buffer::BufferFile;

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _dma: DmaDevice<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<GpuData<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            if pdev.device_id() != EDU_DEVICE_ID {
                return Err(ENODEV);
            }
            pdev.enable_device_mem()?;
            pdev.set_master();
            Ok(try_pin_init!(GpuData {
                engine <- edu::Engine::new(pdev),
                leaving: Atomic::new(false),
            }))
        })
    }

    fn unbind<'bound>(_pdev: &'bound pci::Device<Core<'_>>, data: Pin<&GpuData<'bound>>) {
        data.leaving.store(true, Relaxed);
    }
}

sgdma::module_pci_driver! {
    type: Gpu,
    name: "sgdma_gpu",
    authors: ["sgdma developers"],
    description: "Copies buffers by the DMA engine of QEMU's edu device",
    license: "GPL",
}
