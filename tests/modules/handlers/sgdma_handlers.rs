// SPDX-License-Identifier: GPL-2.0

//! A driver whose handlers keep each other running until the binding ends them. The device raises
//! interrupts when the driver asks for them. Lines in the log say what ran, and whether anything
//! ran after the end.

#[path = "../../../samples/common/mod.rs"]
mod common;
mod memory;
mod runs;

use common::edu::{
    self,
    Bar,
    IRQ_ACK,
    IRQ_RAISE,
    IRQ_STATUS, //
};
use kernel::{
    device::{
        Bound,
        Core,
        Device, //
    },
    io::Io,
    pci,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    }, //
};
use memory::Memory;
use runs::Runs;
use sgdma::{
    new_irq_lock,
    DmaDevice,
    DriverContext,
    Handlers,
    IrqContext,
    IrqLock,
    IrqReturn,
    NoFiles,
    SgTable,
    Tasks, //
};

/// The interrupts that the driver asks for, as bits that the device then shows as raised.
const SIMPLE: u32 = 1;
const FOR_THE_THREAD: u32 = 2;
const COMPLETES: u32 = 4;

/// The longest wait for a handler.
const TIMEOUT_MS: u32 = 5000;

#[pin_data(PinnedDrop)]
struct Data<'bound> {
    dev: &'bound Device<Bound>,
    bar: Bar<'bound>,
    runs: Runs,
    /// Memory that the interrupt handler completes and drops.
    #[pin]
    in_flight: IrqLock<Option<Memory<'bound>>>,
}

#[pinned_drop]
impl PinnedDrop for Data<'_> {
    fn drop(self: Pin<&mut Self>) {
        let at_the_end = self.runs.get();
        fsleep(Delta::from_millis(20));
        let [irq, irq_thread, work, timer] = self.runs.get();
        let end = if self.runs.get() == at_the_end {
            "all have ended"
        } else {
            "some run on"
        };
        dev_info!(
            self.dev,
            "{} interrupts, {} in the thread, {} work items, {} timers; {}\n",
            irq,
            irq_thread,
            work,
            timer,
            end
        );
    }
}

struct Driver;

impl sgdma::Driver for Driver {
    type Data<'bound> = Data<'bound>;
    type Files = NoFiles;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

/// The work item starts the timer, and the timer queues the work item.
const ITEM: u32 = 0;
const TIMER: u32 = 0;

fn count(runs: &Atomic<u32>, unbinding: &sgdma::Unbinding) {
    runs.fetch_add(1, Relaxed);
    unbinding.wake_all();
}

#[vtable]
impl Handlers<Self> for Driver {
    const WORK_ITEMS: u32 = 1;
    const TIMERS: u32 = 1;

    fn irq(ctx: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        let raised = ctx.bar.read(IRQ_STATUS).raised();
        if raised.get() == 0 || !edu::is_present(&ctx.bar) {
            return IrqReturn::None;
        }
        ctx.bar.write_reg(IRQ_ACK::zeroed().with_raised(raised));
        if raised.get() & COMPLETES != 0 {
            let in_flight = ctx.in_flight.lock().take();
            if let Some(memory) = in_flight {
                memory.complete_and_drop();
            }
        }
        count(&ctx.runs.irq, ctx.unbinding());
        if raised.get() & FOR_THE_THREAD != 0 {
            IrqReturn::WakeThread
        } else {
            IrqReturn::Handled
        }
    }

    fn irq_thread(ctx: &DriverContext<'_, Self>, _vector: u32) {
        // May sleep, and has the bound device.
        let _ = SgTable::alloc(1 << 16, ctx.dma(), GFP_KERNEL);
        count(&ctx.runs.irq_thread, ctx.unbinding());
    }

    fn work(ctx: &DriverContext<'_, Self>, _item: u32) {
        let _ = SgTable::alloc(1 << 16, ctx.dma(), GFP_KERNEL);
        count(&ctx.runs.work, ctx.unbinding());
        ctx.tasks().start_timer(TIMER, 1);
    }

    fn timer(ctx: &IrqContext<'_, Self>, _timer: u32) {
        count(&ctx.runs.timer, ctx.unbinding());
        ctx.tasks().queue(ITEM);
    }
}

/// Waits until a handler has run `times` times.
fn wait(ctx: &DriverContext<'_, Driver>, runs: &Atomic<u32>, times: u32) -> Result {
    ctx.unbinding()
        .wait(msecs_to_jiffies(TIMEOUT_MS), || runs.load(Relaxed) >= times)
}

fn raise(bar: &Bar<'_>, what: u32) {
    bar.write_reg(IRQ_RAISE::zeroed().with_raised(what));
}

/// Checks that a number that no task has does nothing.
fn no_such_task(tasks: &Tasks) -> Result {
    tasks.start_timer(TIMER + 1, 0);
    if tasks.queue(ITEM + 1) || tasks.stop_timer(TIMER + 1) {
        return Err(EINVAL);
    }
    Ok(())
}

fn data<'bound>(
    pdev: &'bound pci::Device<Bound>,
    dma: DmaDevice<'bound>,
) -> impl PinInit<Data<'bound>, Error> + 'bound {
    try_pin_init!(Data {
        dev: dma.device(),
        bar: edu::registers(pdev)?,
        runs: Runs::new(),
        in_flight <- new_irq_lock!(Some(Memory::new(dma)?)),
    })
}

edu::driver! {
    Driver, 64, data;

    fn start(pdev: &pci::Device<Core<'_>>, ctx: &DriverContext<'_, Self>) -> Result {
        let (bar, runs) = (&ctx.bar, &ctx.runs);
        raise(bar, SIMPLE);
        wait(ctx, &runs.irq, 1)?;
        raise(bar, FOR_THE_THREAD);
        wait(ctx, &runs.irq_thread, 1)?;
        raise(bar, COMPLETES);
        wait(ctx, &runs.irq, 3)?;
        if ctx.in_flight.lock().is_some() {
            return Err(EBUSY);
        }
        no_such_task(ctx.tasks())?;
        ctx.tasks().queue(ITEM);
        wait(ctx, &runs.work, 3)?;
        wait(ctx, &runs.timer, 3)?;
        dev_info!(
            pdev,
            "every handler has run, {} vectors\n",
            ctx.tasks().vectors()
        );
        if sgdma::parameter(&module_parameters::fail) != 0 {
            return Err(EIO);
        }
        Ok(())
    }
}

sgdma::module_pci_driver! {
    type: Driver,
    name: "sgdma_handlers",
    authors: ["sgdma developers"],
    description: "Has handlers start each other",
    license: "GPL",
    params: {
        fail: u8 {
            default: 0,
            description: "1: fail to bind when all handlers run",
        },
    },
}
