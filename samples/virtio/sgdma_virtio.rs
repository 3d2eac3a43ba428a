// SPDX-License-Identifier: GPL-2.0

//! A driver for block devices of virtio on the platform bus, written against `sgdma`.
//!
//! Each disk is a node, which user space reads and writes. `README.md` says more. Read in this
//! order:
//!
//! - this file: which devices the driver is for, and its handlers
//! - `registers.rs`: the registers
//! - `device.rs`: the device, recognised, reset and started
//! - `facts.rs`: its features, and what it says of itself
//! - `ring.rs`, `queue.rs`: a virtqueue, and its memory
//! - `../common/memory.rs`, `../common/loan.rs`: the memory of a request, or its dma-buf
//! - `transfer.rs`, `block.rs`: the bytes of a request, and how they are described to the device
//! - `disk.rs`, `recovery.rs`: the driver's data; requests and interrupts; devices that fail
//! - `bytes.rs`: `read(2)` and `write(2)`
//! - `dma_buf.rs`: requests whose bytes are in a dma-buf
//! - `uapi.rs`: the structures and constants of `sgdma_virtio.h`, generated
//! - `file.rs`: the requests of user space

mod block;
mod bytes;
#[path = "../common/mod.rs"]
mod common;
mod device;
mod disk;
mod dma_buf;
mod facts;
mod file;
mod queue;
mod recovery;
mod registers;
mod ring;
mod transfer;
mod uapi;

use common::watchdog::WATCHDOG_MS;
use disk::{
    Cause,
    Disk, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    of,
    platform,
    prelude::*,
    time::msecs_to_jiffies, //
};
use sgdma::{
    DmaDevice,
    DmaLimits,
    DriverContext,
    Handlers,
    IrqContext,
    IrqReturn,
    Quiet, //
};

sgdma::of_device_table!(OF_TABLE, (), [(of::DeviceId::new(c"virtio,mmio"), ())]);

struct Virtio;

impl sgdma::Driver for Virtio {
    type Data<'bound> = Disk<'bound>;
    type Files = file::DiskFile;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

/// The work item that resets a device which has failed, and the timer that looks for late requests.
const RECOVER: u32 = 0;
const WATCHDOG: u32 = 0;

#[vtable]
impl Handlers<Self> for Virtio {
    const WORK_ITEMS: u32 = 1;
    const TIMERS: u32 = 1;

    fn irq(disk: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        match disk.handle() {
            Cause::None => return IrqReturn::None,
            Cause::Requests => {}
            Cause::Failure => {
                disk.tasks().queue(RECOVER);
            }
        }
        IrqReturn::Handled
    }

    fn work(disk: &DriverContext<'_, Self>, _item: u32) {
        disk.recover();
    }

    fn timer(disk: &IrqContext<'_, Self>, _timer: u32) {
        if disk.watch() {
            disk.tasks().queue(RECOVER);
        }
        disk.tasks()
            .start_timer(WATCHDOG, msecs_to_jiffies(WATCHDOG_MS));
    }
}

impl sgdma::platform::Driver for Virtio {
    type IdInfo = ();

    const OF_ID_TABLE: Option<of::IdTable<()>> = Some(&OF_TABLE);
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn quiesce(pdev: &platform::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        let registers = registers::map(pdev)?;
        device::check(pdev, &registers)?;
        match device::reset(&registers) {
            Ok(()) => Ok(Quiet::Reset),
            Err(error) => {
                dev_err!(
                    pdev,
                    "cannot bind: the device cannot be reset: {:?}\n",
                    error
                );
                Err(error)
            }
        }
    }

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Disk<'bound>, Error> + 'bound {
        Disk::new(pdev, dma)
    }

    fn start(pdev: &platform::Device<Core<'_>>, disk: &DriverContext<'_, Self>) -> Result {
        disk.start()?;
        disk.tasks()
            .start_timer(WATCHDOG, msecs_to_jiffies(WATCHDOG_MS));
        let facts = &disk.facts;
        let access = ["", ", read-only"][usize::from(facts.is_read_only)];
        let way = ["through a stage", "in place"][usize::from(disk.shares)];
        dev_info!(
            pdev,
            "{} KiB{}, a queue of {} entries, up to {} segments, {}\n",
            facts.capacity >> 10,
            access,
            facts.layout.entries,
            facts.segments,
            way
        );
        Ok(())
    }

    fn stop<'bound>(_pdev: &'bound platform::Device<Core<'_>>, disk: Pin<&Disk<'bound>>) -> Quiet {
        disk.stop()
    }
}

sgdma::module_platform_driver! {
    type: Virtio,
    name: "sgdma_virtio",
    authors: ["sgdma developers"],
    description: "Block devices of virtio",
    license: "GPL",
    params: {
        timeout_ms: u32 {
            default: 30000,
            description: "the time that a request may take, in milliseconds",
        },
    },
}
