// SPDX-License-Identifier: GPL-2.0

//! Mappings in flight: the device may access their bytes at any time.
//!
//! [`InFlight`] keeps a mapping from being unmapped or freed. Only two things end that: the driver
//! says that the device is done with the buffer, or the quarantine learns so later.

use core::{
    mem::ManuallyDrop,
    ops::Deref, //
};

/// Memory that can be in flight: [`Mapped`](crate::Mapped), [`Shared`](crate::Shared),
/// [`CoherentBuffer`](crate::CoherentBuffer) or [`PoolBlock`](crate::PoolBlock).
///
/// The owner of the pages is `Send + 'static`: the quarantine may keep the pages longer than the
/// driver that dropped the mapping exists.
pub trait Mapping: private::Mapping {}

pub(crate) mod private {
    /// A driver cannot name this trait, but its generic code can call what is in it.
    pub trait Mapping {
        /// Returns the number of resets of the device that have begun.
        fn epoch(&self) -> u64;

        /// Puts the mapping into quarantine. For any context.
        ///
        /// # Safety
        ///
        /// The mapping was submitted at `epoch`. A reset that begins later releases the buffer.
        unsafe fn hold(self, epoch: u64);
    }
}

/// A mapping that the device may be accessing.
///
/// The driver gives the bus addresses to its hardware, waits until the device is done, and calls
/// [`complete`](Self::complete).
///
/// A driver whose device does not answer drops the value instead, in any context. The device may
/// still write to the buffer, so the buffer goes into quarantine: the pages stay allocated and
/// mapped, and the log has a line. The buffer is released once the driver says that the device was
/// [reset](crate::DmaDevice::begin_reset), or the binding ends with a device that is quiet, was
/// reset, or is gone. `docs/soundness.md` lists the cases in which a buffer is kept longer.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, InFlight, Mapped, SgTable, ToDevice};
/// fn finish(in_flight: InFlight<Mapped<'_, ToDevice>>, engine: &Engine) -> Result<SgTable> {
///     if !engine.is_idle() {
///         return Err(ETIMEDOUT); // `in_flight` goes into quarantine.
///     }
///     Ok(in_flight.complete().unmap())
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let mut table = SgTable::alloc(1000, dev, GFP_KERNEL)?;
/// table.copy_from_slice(996, b"sent")?;
/// let table = finish(table.map(dev, ToDevice)?.submit(), &Engine)?;
/// let mut sent = [0; 4];
/// table.copy_to_slice(996, &mut sent)?;
/// assert_eq!(sent, *b"sent"); // The CPU has its bytes again.
/// # Ok(())
/// # }
/// # struct Engine;
/// # impl Engine {
/// #     fn is_idle(&self) -> bool { true }
/// # }
/// ```
///
/// # Invariants
///
/// - `mapping` is a value that was not moved out.
/// - `epoch` is the one at which it was submitted last.
#[must_use = "a buffer that is dropped in flight stays in quarantine; call complete()"]
pub struct InFlight<M: Mapping> {
    mapping: ManuallyDrop<M>,
    /// The number of resets of the device that had begun when the mapping was submitted last.
    epoch: u64,
}

impl<M: Mapping> InFlight<M> {
    pub(crate) fn new(mapping: M) -> Self {
        // INVARIANT: `mapping` was given as a value. It is submitted now.
        Self {
            epoch: mapping.epoch(),
            mapping: ManuallyDrop::new(mapping),
        }
    }

    /// States that the device is given the buffer again after a [reset](crate::Reset). For any
    /// context.
    ///
    /// Call this for a buffer that stays in flight over a reset, before the device is told its
    /// address again: a ring, or a request that is sent only now. Otherwise the reset counts as the
    /// end of the buffer, as for all that was submitted before it. If the driver then dropped the
    /// buffer with the device at work, the end of the binding would free the buffer.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{CoherentBuffer, DmaDevice, InFlight};
    /// fn restart(dev: DmaDevice<'_>, ring: &mut InFlight<CoherentBuffer<'_>>, engine: &Engine) {
    ///     let reset = dev.begin_reset();
    ///     engine.reset();
    ///     reset.done();
    ///     ring.resubmit();
    ///     engine.start(ring.dma_address());
    /// }
    /// # struct Engine;
    /// # impl Engine {
    /// #     fn reset(&self) {}
    /// #     fn start(&self, _ring: kernel::dma::DmaAddress) {}
    /// # }
    /// ```
    pub fn resubmit(&mut self) {
        // INVARIANT: The mapping is submitted anew, at this epoch.
        self.epoch = self.mapping.epoch();
    }

    /// Declares that the device is done with the buffer and will not access it again. For any
    /// context.
    ///
    /// This is a statement about hardware, which no type can check: call this when the device's
    /// interrupt, fence or reset has shown it. See `docs/soundness.md`.
    pub fn complete(self) -> M {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: By the type invariants the mapping was not moved out. `this` is neither used
        // again nor dropped, so the mapping is moved out once.
        unsafe { ManuallyDrop::take(&mut this.mapping) }
    }
}

impl<M: Mapping> Deref for InFlight<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.mapping
    }
}

impl<M: Mapping> Drop for InFlight<M> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the mapping was not moved out. A value that is being
        // dropped is not used again, so the mapping is moved out once.
        let mapping = unsafe { ManuallyDrop::take(&mut self.mapping) };
        // SAFETY: By the type invariants the mapping was submitted at `epoch`.
        unsafe { mapping.hold(self.epoch) };
    }
}
