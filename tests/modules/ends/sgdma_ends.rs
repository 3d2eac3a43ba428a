// SPDX-License-Identifier: GPL-2.0

//! Bindings that end in each way there is: at a stage that fails, and with the device at work.
//!
//! A program writes to the node, a word at a time, and the driver does that. Read in this order:
//!
//! - this file: the stages of a binding, each of which can fail
//! - `file.rs`: the node, and its words
//! - `work.rs`: buffers that are given to the device, and dropped with the device at work
//! - `watched.rs`: memory that says when it is freed

#[path = "../../../samples/common/mod.rs"]
mod common;
mod file;
mod watched;
mod work;

use common::edu::{
    self,
    Bar, //
};
use file::{
    File,
    WORD_AT_QUIESCE,
    WORD_AT_STOP, //
};
use kernel::{
    bindings,
    device::Core,
    dma::DmaMask,
    new_spinlock,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        SpinLock, //
    }, //
};
use sgdma::{
    DmaDevice,
    DmaLimits,
    NoHandlers,
    Quiet, //
};
use work::wait;

sgdma::pci_device_table!(PCI_TABLE, (), [(edu::MATCH, ())]);

/// The stage that fails, of `fail=`.
#[derive(PartialEq)]
enum Stage {
    Limits = 1,
    Quiesce = 2,
    Probe = 3,
    Data = 4,
}

/// The number of bindings that have begun. With `fail=5` each ends at another stage.
static BINDINGS: Atomic<u32> = Atomic::new(0);

fn reach(stage: Stage) -> Result {
    let fail = match sgdma::parameter(&module_parameters::fail) {
        5 => BINDINGS.load(Relaxed) % 5,
        fail => fail.into(),
    };
    if fail == stage as u32 {
        return Err(ENODEV);
    }
    Ok(())
}

struct Ends;

#[pin_data]
struct Data<'bound> {
    dma: DmaDevice<'bound>,
    registers: Bar<'bound>,
    #[pin]
    spin: SpinLock<()>,
}

impl sgdma::Driver for Ends {
    type Data<'bound> = Data<'bound>;
    type Files = File;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}

impl sgdma::pci::Driver for Ends {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits {
        coherent_mask: DmaMask::new::<48>(),
        ..DmaLimits::from_mask(DmaMask::new::<64>())
    };

    fn limits(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<DmaLimits> {
        edu::check_id(pdev)?;
        BINDINGS.fetch_add(1, Relaxed);
        reach(Stage::Limits)?;
        if !edu::is_present(&edu::registers(pdev)?) {
            return Err(EIO);
        }
        Ok(DmaLimits {
            // No platform has so small a mask.
            mask: if sgdma::parameter(&module_parameters::fallback) == 0 {
                Self::DMA.mask
            } else {
                DmaMask::new::<8>()
            },
            fallback: Some(DmaMask::new::<40>()),
            min_align_mask: sgdma::parameter(&module_parameters::align),
            ..Self::DMA
        })
    }

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        reach(Stage::Quiesce)?;
        let registers = edu::registers(pdev)?;
        Ok(if WORD_AT_QUIESCE.xchg(false, Relaxed) {
            wait(&registers)
        } else {
            Quiet::Unknown
        })
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            reach(Stage::Probe)?;
            // SAFETY: The device is bound, so nobody changes its mask.
            let coherent = unsafe {
                (*core::ptr::from_ref(dma.device()).cast::<bindings::device>()).coherent_dma_mask
            };
            dev_info!(pdev, "masks {:x} {:x}\n", dma.mask(), coherent);
            let data = Ok(try_pin_init!(Data {
                dma,
                registers: edu::registers(pdev)?,
                spin <- new_spinlock!(()),
                _: { reach(Stage::Data)? },
            }));
            data
        })
    }

    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, _data: Pin<&Data<'bound>>) {
        dev_info!(pdev, "unbind\n");
    }

    fn stop<'bound>(pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Data<'bound>>) -> Quiet {
        dev_info!(pdev, "stop\n");
        if WORD_AT_STOP.xchg(false, Relaxed) {
            wait(&data.registers)
        } else {
            Quiet::Unknown
        }
    }
}

sgdma::module_pci_driver! {
    type: Ends,
    name: "sgdma_ends",
    authors: ["sgdma developers"],
    description: "Bindings that end in each way there is",
    license: "GPL",
    params: {
        fail: u8 {
            default: 0,
            description: "ENODEV from: 1 limits, 2 quiesce, 3 probe, 4 its data, 5 each in turn",
        },
        fallback: u8 {
            default: 0,
            description: "1: ask for a mask that the platform refuses",
        },
        align: u32 {
            default: 0,
            description: "the DMA limits' min_align_mask",
        },
    },
}
