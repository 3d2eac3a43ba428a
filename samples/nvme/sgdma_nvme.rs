// SPDX-License-Identifier: GPL-2.0

//! An NVMe driver, written against `sgdma`.
//!
//! Each namespace of the controller is a node. User space reads and writes the node, or passes
//! commands to the namespace. `README.md` says more. Read in this order:
//!
//! - this file: which device the driver is for, and its handlers
//! - `registers.rs`: the registers
//! - `command.rs`: commands and completions, as they lie in the queues
//! - `request.rs`, `sent.rs`: the side of a command that somebody waits for, and the driver's side
//! - `../common/memory.rs`, `transfer.rs`, `prp.rs`: the memory of a command, and how it is
//!   described to the device
//! - `queue.rs`, `slot.rs`, `slots.rs`: a pair of queues, and the commands that the device has
//! - `controller.rs`, `power.rs`, `admin.rs`: the controller, and what it is asked about itself
//! - `recovery.rs`: what is done when the device does not answer, and at the end
//! - `namespace.rs`, `bytes.rs`: a namespace, and `read(2)` and `write(2)` of it
//! - `passthrough.rs`: commands of user space
//! - `dma_buf.rs`: such commands whose bytes are in a dma-buf
//! - `cmb.rs`: the memory buffer of the controller, which other devices use
//! - `data.rs`, `stats.rs`: what exists while a device is bound, and its counters
//! - `uapi.rs`: the structures and constants of `sgdma_nvme.h`, generated
//! - `file.rs`: the requests of user space

mod admin;
mod bytes;
mod cmb;
mod command;
#[path = "../common/mod.rs"]
mod common;
mod controller;
mod data;
mod dma_buf;
mod file;
mod namespace;
mod passthrough;
mod power;
mod prp;
mod queue;
mod recovery;
mod registers;
mod request;
mod sent;
mod slot;
mod slots;
mod stats;
mod transfer;
mod uapi;

use admin::MAX_IO_QUEUES;
use common::watchdog::WATCHDOG_MS;
use controller::Controller;
use core::ops::RangeInclusive;
use data::{
    Found,
    NvmeData, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*,
    sync::SetOnce,
    time::msecs_to_jiffies, //
};
use queue::State;
use sgdma::{
    DmaDevice,
    DmaLimits,
    DriverContext,
    Handlers,
    IrqContext,
    IrqReturn,
    Quiet, //
};

sgdma::pci_device_table!(
    PCI_TABLE,
    (),
    [(pci::DeviceId::from_class(0x010802, 0xffffff), ())]
);

struct Nvme;

impl sgdma::Driver for Nvme {
    type Data<'bound> = NvmeData<'bound>;
    type Files = file::NamespaceFile;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

/// The work item that does the watchdog's work, and the timer of the watchdog.
const ATTEND: u32 = 0;
const WATCHDOG: u32 = 0;

#[vtable]
impl Handlers<Self> for Nvme {
    const WORK_ITEMS: u32 = 1;
    const TIMERS: u32 = 1;

    fn irq(nvme: &IrqContext<'_, Self>, vector: u32) -> IrqReturn {
        if nvme.controller.handle(vector) {
            IrqReturn::Handled
        } else {
            IrqReturn::None
        }
    }

    fn work(nvme: &DriverContext<'_, Self>, _item: u32) {
        nvme.controller.attend();
    }

    fn timer(nvme: &IrqContext<'_, Self>, _timer: u32) {
        if nvme.controller.watch() {
            nvme.tasks().queue(ATTEND);
        }
        nvme.tasks()
            .start_timer(WATCHDOG, msecs_to_jiffies(WATCHDOG_MS));
    }
}

impl sgdma::pci::Driver for Nvme {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits {
        // A page of the device holds the same bytes as a page of memory, also where those bounce.
        min_align_mask: command::PAGE as u32 - 1,
        ..DmaLimits::from_mask(DmaMask::new::<64>())
    };
    /// One for the admin queue, and one for each I/O queue. If there are fewer, queues share them.
    const VECTORS: RangeInclusive<u32> = 1..=1 + MAX_IO_QUEUES;

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        let bar = registers::map(pdev)?;
        match power::disable(&bar) {
            Ok(()) => Ok(Quiet::Reset),
            Err(error) => {
                dev_err!(pdev, "the controller cannot be disabled: {:?}\n", error);
                Err(error)
            }
        }
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<NvmeData<'bound>, Error> + 'bound {
        try_pin_init!(NvmeData {
            shares: sgdma::dma_streaming_is_coherent(dma),
            controller <- Controller::new(pdev, dma),
            found: SetOnce::new(),
        })
    }

    fn start(pdev: &pci::Device<Core<'_>>, nvme: &DriverContext<'_, Self>) -> Result {
        let controller = &nvme.controller;
        controller.enable().inspect_err(|error| {
            dev_err!(pdev, "the controller does not become ready: {:?}\n", error)
        })?;
        controller.admin.set_state(State::Open);

        let vectors = nvme.tasks().vectors();
        let mut queues = KVec::new();
        for id in 1..=controller.ask_for_queues(MAX_IO_QUEUES)? {
            let vector = if vectors > 1 {
                1 + (id - 1) % (vectors - 1)
            } else {
                0
            };
            queues.push(controller.new_queue(id as u16, vector)?, GFP_KERNEL)?;
        }
        controller.io.populate(queues);
        controller.create_queues()?;

        let max_bytes = controller.max_bytes()?;
        let found = Found {
            namespaces: controller.namespaces(max_bytes)?,
            max_bytes,
            vectors,
        };
        dev_info!(
            pdev,
            "{} namespaces, {} queues of {} entries, {} vectors, commands of up to {} KiB\n",
            found.namespaces.len(),
            controller.io_queues().count(),
            controller.depth,
            vectors,
            found.max_bytes >> 10
        );
        nvme.found.populate(found);
        nvme.tasks()
            .start_timer(WATCHDOG, msecs_to_jiffies(WATCHDOG_MS));
        Ok(())
    }

    fn stop<'bound>(_pdev: &'bound pci::Device<Core<'_>>, nvme: Pin<&NvmeData<'bound>>) -> Quiet {
        nvme.controller.stop()
    }
}

sgdma::module_pci_driver! {
    type: Nvme,
    name: "sgdma_nvme",
    authors: ["sgdma developers"],
    description: "NVMe disks",
    license: "GPL",
    params: {
        timeout_ms: u32 {
            default: 30000,
            description: "the time that a command may take, in milliseconds",
        },
        twice: u8 {
            default: 0,
            description: "1: take each completion twice, for tests",
        },
    },
}
