// SPDX-License-Identifier: GPL-2.0

//! The DMA engine of `edu`, as a driver uses the engine.
//!
//! [`Engine::copy`] moves bytes between any two bus addresses. [`Engine::fetch`] and
//! [`Engine::store`] have the device read and write for the driver, by way of a scratch buffer. The
//! sample drivers follow tables of bus addresses in the place of the device, and by these two a
//! driver sees only what the device reads.

use super::edu::{
    self,
    Bar,
    CHUNK,
    DMA_CMD,
    ID,
    INNER_BUFFER,
    IRQ_ACK,
    IRQ_STATUS,
    LIVENESS,
    TIMEOUT_MS, //
};
use kernel::{
    current,
    device::Bound,
    dma::DmaAddress,
    io::Io,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        msecs_to_jiffies,
        Delta, //
    }, //
};
use sgdma::{
    DmaDevice,
    FromDevice,
    IrqReturn,
    Quiet,
    SgTable,
    ToDevice,
    Unbinding, //
};

/// The time between two looks at whether the device is still in its slot.
const PRESENCE_POLL_MS: u32 = 500;

/// The time between two looks at whether a transfer has ended, for a task that should not sleep
/// longer.
const LEAVING_POLL_MS: u32 = 10;

const LIVENESS_PROBE: u32 = 0x5a5a_1234;

/// The destination of a transfer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Device,
    Memory,
}

/// The device's DMA engine. `M` is the device as memory is mapped for it.
#[pin_data]
pub(crate) struct Engine<'bound, M = DmaDevice<'bound>> {
    pdev: &'bound pci::Device<Bound>,
    dma: M,
    unbinding: &'bound Arc<Unbinding>,
    bar: Bar<'bound>,
    /// Set by the interrupt handler at the end of a transfer.
    finished: Atomic<bool>,
    /// Held while the inner buffer is in use. True once a transfer did not end: the engine may
    /// still be working, so no other transfer can begin.
    #[pin]
    stuck: Mutex<bool>,
}

impl<'bound, M: Copy + 'bound> Engine<'bound, M> {
    /// Takes over a device that was made quiet.
    pub(crate) fn of(
        pdev: &'bound pci::Device<Bound>,
        dma: M,
        unbinding: &'bound Arc<Unbinding>,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let bar = edu::registers(pdev)?;
            bar.write_reg(LIVENESS::zeroed().with_value(LIVENESS_PROBE));
            if !edu::is_present(&bar) || bar.read(LIVENESS).value().get() != !LIVENESS_PROBE {
                let id = bar.read(ID).into_raw();
                dev_err!(pdev, "this is no edu device: id {:#x}\n", id);
                return Err(ENODEV);
            }

            Ok(try_pin_init!(Self {
                pdev,
                dma,
                unbinding,
                bar,
                finished: Atomic::new(false),
                stuck <- new_mutex!(false),
            }))
        })
    }

    /// Handles an interrupt.
    pub(crate) fn irq(&self) -> IrqReturn {
        let raised = self.bar.read(IRQ_STATUS).raised();
        if raised.get() == 0 || !edu::is_present(&self.bar) {
            return IrqReturn::None;
        }
        self.bar.write_reg(IRQ_ACK::zeroed().with_raised(raised));
        self.finished.store(true, Release);
        self.unbinding.wake_all();
        IrqReturn::Handled
    }

    /// Makes the device quiet, for a driver's `stop`.
    ///
    /// No transfer begins any more, but one that did not end in time may still be running.
    pub(crate) fn stop(&self) -> Quiet {
        edu::wait_idle(&self.bar, TIMEOUT_MS).unwrap_or(Quiet::Unknown)
    }

    /// Waits for the end of a transfer. Returns false if the transfer did not end in time, or the
    /// device is gone.
    fn wait(&self) -> bool {
        let finished = || self.finished.load(Acquire);
        let mut left = TIMEOUT_MS;
        while !finished() && left > 0 && edu::is_present(&self.bar) {
            let turn = msecs_to_jiffies(PRESENCE_POLL_MS);
            left -= match self.unbinding.wait(turn, finished) {
                Ok(()) => 0,
                Err(ETIMEDOUT) => PRESENCE_POLL_MS,
                // The task has a signal, or unbinding has begun. Nothing can stop a transfer, so
                // the task still waits for the end. From now on `wait()` returns at once, so the
                // task sleeps here.
                Err(_) => {
                    fsleep(Delta::from_millis(LEAVING_POLL_MS.into()));
                    LEAVING_POLL_MS
                }
            };
        }
        finished()
    }

    /// Copies `len` bytes, at most [`CHUNK`], from one bus address to another.
    ///
    /// # Errors
    ///
    /// - `ETIMEDOUT` if the device did not finish. The device may go on at any time, so nobody else
    ///   may use the memory.
    /// - `EIO` if that happened to an earlier copy. No transfer was begun.
    /// - `ENODEV` if the device was taken out of its slot, or the driver is being unbound.
    /// - `ERESTARTSYS` if the caller has a signal. Once the signal is handled and the task goes on,
    ///   the kernel begins the same request again.
    pub(crate) fn copy(&self, from: DmaAddress, to: DmaAddress, len: usize) -> Result {
        let mut stuck = self.stuck.lock();
        if *stuck {
            return Err(EIO);
        }
        if self.unbinding.has_begun() {
            return Err(ENODEV);
        }
        if current!().signal_pending() {
            return Err(ERESTARTSYS);
        }
        let result = self
            .transfer(from, INNER_BUFFER, len, To::Device)
            .and_then(|()| self.transfer(INNER_BUFFER, to, len, To::Memory));
        *stuck = result == Err(ETIMEDOUT);
        result
    }

    fn transfer(&self, from: u64, to: u64, len: usize, direction: To) -> Result {
        self.finished.store(false, Release);
        let command = DMA_CMD::zeroed()
            .with_interrupt(true)
            .with_to_memory(direction == To::Memory);
        edu::start(&self.bar, from, to, len, command)?;

        if self.wait() {
            return Ok(());
        }
        // In an empty slot another device answers, or none: the bus then reads as ones, or as
        // zeroes in QEMU. A device that is gone does not access memory either.
        if !edu::is_present(&self.bar) {
            return Err(ENODEV);
        }
        dev_err!(
            self.pdev,
            "no interrupt {} ms after a transfer of {} bytes from {:#x} to {:#x}\n",
            TIMEOUT_MS,
            len,
            from,
            to
        );
        Err(ETIMEDOUT)
    }

    /// Copies `len` bytes, as many as you like, from one bus address to another.
    ///
    /// # Errors
    ///
    /// As for [`copy`](Self::copy). Some of the bytes may have been copied then.
    pub(crate) fn copy_all(&self, from: DmaAddress, to: DmaAddress, len: usize) -> Result {
        for at in (0..len).step_by(CHUNK) {
            let part = CHUNK.min(len - at);
            let at = at as DmaAddress;
            self.copy(from + at, to + at, part)?;
        }
        Ok(())
    }
}

impl<'bound> Engine<'bound> {
    /// Takes over a device that was made quiet, and for which the DMA API maps memory.
    pub(crate) fn new(
        pdev: &'bound pci::Device<Bound>,
        dma: DmaDevice<'bound>,
    ) -> impl PinInit<Self, Error> + 'bound {
        Self::of(pdev, dma, dma.unbinding())
    }

    /// Makes the device read at `addr`, and returns in `bytes` what the device has read. Reads at
    /// most a page.
    ///
    /// # Errors
    ///
    /// As for [`copy_all`](Self::copy_all).
    pub(crate) fn fetch(&self, addr: DmaAddress, bytes: &mut [u8]) -> Result {
        let scratch = SgTable::alloc(bytes.len(), self.dma, GFP_KERNEL)?;
        let scratch = scratch.map(self.dma, FromDevice)?.submit();
        let to = scratch.dma_runs().next().ok_or(EINVAL)?.addr;
        let result = self.copy_all(addr, to, bytes.len());
        if result == Err(ETIMEDOUT) {
            return result; // Dropped in flight, the scratch buffer goes into quarantine.
        }
        let scratch = scratch.complete().unmap();
        result?;
        scratch.copy_to_slice(0, bytes)
    }

    /// Makes the device write `bytes` at `addr`. Writes at most a page.
    ///
    /// # Errors
    ///
    /// As for [`copy_all`](Self::copy_all).
    pub(crate) fn store(&self, addr: DmaAddress, bytes: &[u8]) -> Result {
        let mut scratch = SgTable::alloc(bytes.len(), self.dma, GFP_KERNEL)?;
        scratch.copy_from_slice(0, bytes)?;
        let scratch = scratch.map(self.dma, ToDevice)?.submit();
        let from = scratch.dma_runs().next().ok_or(EINVAL)?.addr;
        let result = self.copy_all(from, addr, bytes.len());
        if result == Err(ETIMEDOUT) {
            return result; // Dropped in flight, the scratch buffer goes into quarantine.
        }
        drop(scratch.complete());
        result
    }
}
