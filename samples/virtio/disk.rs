// SPDX-License-Identifier: GPL-2.0

//! A disk: the driver's data, which exists while the device is bound.

use crate::{
    block::{
        self,
        Outcome,
        Request, //
    },
    common::watchdog::Clock,
    device,
    facts::Facts,
    queue::Queue,
    registers::{
        self,
        Registers, //
    },
    ring::Lie,
    transfer::Bytes,
    uapi, //
};
use kernel::{
    device::Bound,
    io::Io,
    new_mutex,
    platform,
    prelude::*,
    sync::Mutex,
    time::Jiffies, //
};
use sgdma::{
    new_irq_lock,
    CoherentBuffer,
    DmaDevice,
    DmaPool,
    IrqLock, //
};

/// The cause of an interrupt.
#[derive(PartialEq, Eq)]
pub(crate) enum Cause {
    /// Nothing of this device.
    None,
    Requests,
    /// The device has failed: [`Disk::recover`] is to run.
    Failure,
}

#[pin_data]
pub(crate) struct Disk<'bound> {
    pub(crate) dma: DmaDevice<'bound>,
    pub(crate) registers: Registers<'bound>,
    pub(crate) facts: Facts,
    /// The device uses memory of user space in place.
    pub(crate) shares: bool,
    pub(crate) pool: DmaPool<'bound>,
    pub(crate) time: Clock,
    #[pin]
    pub(crate) queue: IrqLock<Queue<'bound>>,
    /// Held while `recover` resets the device. True as soon as `stop` is about to reset the device
    /// for the last time.
    #[pin]
    pub(crate) stopped: Mutex<bool>,
}

impl<'bound> Disk<'bound> {
    /// Takes over a device that was reset.
    pub(crate) fn new(
        pdev: &'bound platform::Device<Bound>,
        dma: DmaDevice<'bound>,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let registers = registers::map(pdev)?;
            let facts = Facts::ask(pdev, &registers)?;
            let pool = DmaPool::new(c"virtio requests", dma, block::BLOCK, block::ALIGN, 0)?;
            let memory = CoherentBuffer::alloc(facts.layout.bytes(), dma, GFP_KERNEL)?;
            let (layout, shares) = (facts.layout, sgdma::dma_streaming_is_coherent(dma));
            Ok(try_pin_init!(Self {
                dma,
                registers,
                facts,
                shares,
                pool,
                time: Clock::new(),
                queue <- new_irq_lock!(Queue::new(memory, layout)),
                stopped <- new_mutex!(false),
            }))
        })
    }

    /// Tells the device of its queue.
    pub(crate) fn start(&self) -> Result {
        let queue = self.queue.lock();
        // A device that has failed already is about to be reset, or was: it must not be started.
        if let Some(error) = queue.error {
            return Err(error);
        }
        let memory = queue.memory.as_ref().ok_or(ENODEV)?;
        device::start(&self.registers, self.facts.layout, memory.dma_address());
        Ok(())
    }

    /// Runs a request that begins at byte `pos` of the disk, and waits for its end. Returns the
    /// bytes.
    pub(crate) fn run(&self, pos: u64, bytes: impl Into<Bytes<'bound>>) -> Result<Bytes<'bound>> {
        let bytes = bytes.into();
        let (len, counter) = (bytes.len(), bytes.counter());
        let request = Request::new(self, pos, bytes)?;
        {
            let mut queue = self.queue.lock();
            let stats = &mut queue.stats;
            let descriptors = request.descriptors as u64;
            stats.descriptors += descriptors;
            stats.longest = stats.longest.max(descriptors);
            *counter(stats) += len as u64;
        }
        let pending = request.pending();
        self.send(request)?;
        let Outcome { result, bytes } = pending.wait(self.dma.unbinding(), Jiffies::MAX)?;
        result.map(|()| bytes)
    }

    /// Waits until the device can have one more request, and gives it this one.
    ///
    /// # Errors
    ///
    /// Those of [`sgdma::Unbinding::wait`], or the reason why the device is given no request.
    fn send(&self, request: KBox<Request<'bound>>) -> Result {
        let (mut left, mut error) = (Some(request), EAGAIN);
        let waited = self.dma.unbinding().wait(Jiffies::MAX, || {
            let Some(mut request) = left.take() else {
                return true;
            };
            request.since = self.time.now();
            let result = self.queue.lock().push(request);
            if let Err((why, request)) = result {
                (left, error) = (Some(request), why);
            }
            left.is_none() || error != EAGAIN
        });
        if let Some(request) = left {
            KBox::into_inner(request).finish(Err(error));
            return Err(waited.err().unwrap_or(error));
        }
        self.registers.write32(0, registers::QUEUE_NOTIFY);
        Ok(())
    }

    /// Handles an interrupt.
    pub(crate) fn handle(&self) -> Cause {
        let mut cause = Cause::None;
        // The line stays raised, and raises no other interrupt, if a cause comes between the read
        // and the acknowledgement. A device that goes on for ever does not keep the CPU for ever.
        for _ in 0..4 {
            let status = self.registers.read32(registers::INTERRUPT_STATUS);
            if status == 0 {
                break;
            }
            self.registers.write32(status, registers::INTERRUPT_ACK);
            self.queue.lock().stats.interrupts += 1;
            let mut failed = self.finish_used();
            if status & registers::CONFIG_CHANGED != 0
                && self.registers.read32(registers::STATUS) & registers::NEEDS_RESET != 0
            {
                failed |= self.fail(fmt!("the device says that it needs a reset"));
            }
            if failed {
                cause = Cause::Failure;
            } else if cause == Cause::None {
                cause = Cause::Requests;
            }
        }
        if cause != Cause::None {
            // Wakes those that wait for a descriptor.
            self.dma.unbinding().wake_all();
        }
        cause
    }

    /// Ends each request that the device is done with. Returns true if the device has failed.
    fn finish_used(&self) -> bool {
        // A device that returns requests for ever must not keep the CPU for ever.
        for _ in 0..2 * self.facts.layout.entries {
            match self.pop() {
                Ok(None) => break,
                Ok(Some(request)) => {
                    let result = request.status();
                    KBox::into_inner(request).finish(result);
                }
                Err(lie) => {
                    let (what, value) = match lie {
                        Lie::Index(index) => ("more requests than it has, index", index.into()),
                        Lie::Id(id) => ("a request that it does not have, id", id),
                        Lie::Length(len) => ("more bytes than there is room for, length", len),
                    };
                    return self.fail(fmt!("the device gives back {} {:#x}", what, value));
                }
            }
        }
        false
    }

    fn pop(&self) -> Result<Option<KBox<Request<'bound>>>, Lie> {
        let mut queue = self.queue.lock();
        let Queue { memory, ring, .. } = &mut *queue;
        let Some(memory) = memory else {
            return Ok(None);
        };
        Ok(ring.pop(&**memory)?.map(|(request, _)| request))
    }

    /// Fills in the answer to `SGDMA_VIRTIO_INFO`.
    pub(crate) fn describe(&self, info: &mut uapi::sgdma_virtio_info) {
        let facts = &self.facts;
        *info = uapi::sgdma_virtio_info {
            capacity: facts.capacity,
            block_size: facts.block_size as u32,
            queue_size: facts.layout.entries.into(),
            segments: facts.segments as u32,
            max_bytes: facts.max_bytes as u32,
            shares: self.shares.into(),
            read_only: facts.is_read_only.into(),
        };
    }

    /// Fills in the answer to `SGDMA_VIRTIO_STATS`.
    pub(crate) fn show(&self, stats: &mut uapi::sgdma_virtio_stats) {
        let bytes = stats.as_mut_bytes();
        bytes.copy_from_slice(self.queue.lock().stats.as_bytes());
    }
}
