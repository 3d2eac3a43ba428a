// SPDX-License-Identifier: GPL-2.0

//! The controller: enabled, disabled, and asked to run commands.

use crate::{
    cmb,
    command::{
        Command,
        PAGE, //
    },
    common::watchdog::Clock,
    power,
    prp::Prps,
    queue::{
        Queue,
        MAX_DEPTH, //
    },
    registers::{
        self,
        Bar,
        CAP,
        CAP_HIGH, //
    },
    request::{
        Outcome,
        Request, //
    },
    sent::Sent,
    slot::Slot,
    stats::Stats,
    transfer::IntoTransfer, //
};
use core::{
    iter,
    ops::Range, //
};
use kernel::{
    device::Bound,
    io::Io,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex,
        SetOnce, //
    },
    time::Jiffies, //
};
use sgdma::{
    DmaDevice,
    DmaPool,
    DmaTable,
    PeerMemory, //
};

/// The number of entries of the admin queue.
pub(crate) const ADMIN_DEPTH: u16 = 32;

/// The controller is to work, or has been stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Up,
    Down,
}

#[pin_data]
pub(crate) struct Controller<'bound> {
    pub(crate) dma: DmaDevice<'bound>,
    pub(crate) bar: Bar<'bound>,
    /// Memory of the controller that other devices use.
    pub(crate) cmb: Option<PeerMemory<'bound>>,
    pub(crate) stats: Stats,
    /// The number of list pages that one command needs is small, so they come from a pool.
    pool: DmaPool<'bound>,
    stride: u32,
    pub(crate) depth: u16,
    #[pin]
    pub(crate) admin: Queue<'bound>,
    pub(crate) io: SetOnce<KVec<Pin<KBox<Queue<'bound>>>>>,
    /// Counts commands, so that each queue gets as many.
    turn: Atomic<u32>,
    /// The watchdog's time.
    pub(crate) time: Clock,
    /// Held while the controller is reset or stopped.
    #[pin]
    pub(crate) life: Mutex<Life>,
}

impl<'bound> Controller<'bound> {
    /// Takes over a controller that is disabled.
    pub(crate) fn new(
        pdev: &'bound pci::Device<Bound>,
        dma: DmaDevice<'bound>,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let bar = registers::map(pdev)?;
            power::check(pdev, &bar)?;
            let stride = bar.read(CAP_HIGH).stride().get();
            let entries = bar.read(CAP).max_entries().get() + 1;
            let cmb = cmb::find(pdev, &bar, dma);
            let pool = DmaPool::new(c"nvme lists", dma, PAGE, PAGE, 0)?;
            let admin = Queue::new(dma, 0, 0, ADMIN_DEPTH, stride);
            Ok(try_pin_init!(Self {
                dma,
                bar,
                cmb,
                stats: Stats::new(),
                pool,
                stride,
                depth: entries.min(MAX_DEPTH.into()) as u16,
                admin <- admin,
                io: SetOnce::new(),
                turn: Atomic::new(0),
                time: Clock::new(),
                life <- new_mutex!(Life::Up),
            }))
        })
    }

    /// Makes I/O queue `id`, for interrupts of `vector`, of which the controller knows nothing yet.
    pub(crate) fn new_queue(&self, id: u16, vector: u32) -> Result<Pin<KBox<Queue<'bound>>>> {
        let queue = Queue::new(self.dma, id, vector, self.depth, self.stride);
        KBox::pin_init(queue, GFP_KERNEL)
    }

    /// Returns all queues, the admin queue first.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &Queue<'bound>> {
        Iterator::chain(iter::once(&self.admin), self.io_queues())
    }

    pub(crate) fn io_queues(&self) -> impl Iterator<Item = &Queue<'bound>> {
        let queues = self.io.as_ref().map_or(&[][..], |queues| &queues[..]);
        queues.iter().map(|queue| &**queue)
    }

    /// Handles an interrupt. Returns false if no queue of the vector had a completion.
    pub(crate) fn handle(&self, vector: u32) -> bool {
        let mut any = false;
        for queue in self.queues().filter(|queue| queue.vector == vector) {
            any |= queue.handle(&self.bar, |id| self.complain(queue.id, id));
        }
        if any {
            self.stats.interrupt(vector);
            // Wakes those that wait for a slot, or by poll(2).
            self.dma.unbinding().wake_all();
        }
        any
    }

    /// Logs that the device has completed a command that it does not have, but not each time.
    fn complain(&self, queue: u16, id: u16) {
        let number = self.stats.wrong.fetch_add(1, Relaxed);
        if self.stats.may_complain(self.time.now()) {
            dev_err!(
                self.dma.device(),
                "the device completed command {:#x} of queue {}, which it does not have: {} so \
                 far\n",
                id,
                queue,
                number + 1
            );
        }
    }

    /// Describes bytes of a mapped table to the device: see [`Prps::new`].
    pub(crate) fn describe(&self, table: &DmaTable, range: Range<usize>) -> Result<Prps<'bound>> {
        Prps::new(&self.pool, &self.stats, table, range)
    }

    /// Reserves a slot of an I/O queue.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there is none now, or the reason why there will be none.
    pub(crate) fn reserve(&self) -> Result<Slot<'_, 'bound>> {
        let queues = self.io.as_ref().ok_or(ENODEV)?;
        let first = self.turn.fetch_add(1, Relaxed) as usize;
        let mut result = Err(ENODEV);
        for n in 0..queues.len() {
            result = queues[(first + n) % queues.len()].reserve();
            if result.as_ref().err() != Some(&EAGAIN) {
                break;
            }
        }
        result
    }

    /// Reserves a slot of an I/O queue, and waits until there is one.
    ///
    /// # Errors
    ///
    /// Those of [`sgdma::Unbinding::wait`], or the reason why there will be no slot.
    fn reserve_in_time(&self) -> Result<Slot<'_, 'bound>> {
        let mut slot = self.reserve();
        while slot.as_ref().err() == Some(&EAGAIN) {
            self.dma.unbinding().wait(Jiffies::MAX, || {
                slot = self.reserve();
                slot.as_ref().err() != Some(&EAGAIN)
            })?;
        }
        slot
    }

    /// Sends a command in `slot`.
    pub(crate) fn send(
        &self,
        slot: Slot<'_, 'bound>,
        command: Command,
        memory: impl IntoTransfer<'bound>,
    ) -> Result<Arc<Request>> {
        self.try_send(slot, command, memory).inspect_err(|_| {
            // Somebody may wait for the slot, which is free again.
            self.dma.unbinding().wake_all();
        })
    }

    fn try_send(
        &self,
        slot: Slot<'_, 'bound>,
        command: Command,
        memory: impl IntoTransfer<'bound>,
    ) -> Result<Arc<Request>> {
        let request = Request::new()?;
        let transfer = memory.into_transfer(self)?;
        let sent = Sent::new(transfer, request.clone(), self.time.now());
        slot.send(&self.bar, command, sent)?;
        Ok(request)
    }

    /// Runs a command of a namespace, and waits for its end.
    pub(crate) fn run(
        &self,
        command: Command,
        memory: impl IntoTransfer<'bound>,
    ) -> Result<Outcome> {
        let request = self.send(self.reserve_in_time()?, command, memory)?;
        request.wait(self.dma.unbinding(), Jiffies::MAX)
    }
}
