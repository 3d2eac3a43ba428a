// SPDX-License-Identifier: GPL-2.0

//! A mapping while its device works on it.

use crate::lifecycle::quarantine::Quarantine;
use core::{
    mem::ManuallyDrop,
    ops::Deref, //
};

/// What can be given to a device: [`Mapped`](crate::Mapped) and [`Shared`](crate::Shared).
///
/// Their pages' owner is `Send + 'static`: a buffer that the device may be working on outlives who
/// has dropped it.
pub trait Mapping: private::Mapping {}

pub(crate) mod private {
    use crate::device::dma_device::DmaDevice;

    pub trait Mapping {
        fn device(&self) -> DmaDevice<'_>;

        /// Goes into quarantine, the device having been told of it at `epoch`. For any context.
        fn hold(self, epoch: u64);
    }
}

/// A mapping that the device works on.
///
/// The driver gives the addresses to its hardware, waits, and says [`complete`](Self::complete).
/// If it cannot say so, because the device does not answer, it drops the value, in any context. The
/// device may still write there, so pages and mapping stay as they are, with a line in the log,
/// until the driver says that the device was [reset](DmaDevice::begin_reset), or the binding ends
/// with a device that is quiet, was reset, or is gone. See `docs/soundness.md` for what stays
/// longer.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{InFlight, Mapped, SgTable, ToDevice};
/// fn finish(in_flight: InFlight<Mapped<'_, ToDevice>>, engine: &Engine) -> Result<SgTable> {
///     if !engine.is_idle() {
///         return Err(ETIMEDOUT); // `in_flight` is kept from everybody.
///     }
///     Ok(in_flight.complete().unmap())
/// }
/// # struct Engine;
/// # impl Engine {
/// #     fn is_idle(&self) -> bool { true }
/// # }
/// ```
pub struct InFlight<M: Mapping> {
    mapping: ManuallyDrop<M>,
    /// When it was submitted, in resets.
    epoch: u64,
}

impl<M: Mapping> InFlight<M> {
    pub(crate) fn new(mapping: M) -> Self {
        let epoch = mapping.device().quarantine().map_or(0, Quarantine::epoch);
        Self {
            mapping: ManuallyDrop::new(mapping),
            epoch,
        }
    }

    /// Says that the device is done with the buffer and will not touch it again.
    ///
    /// This is a statement about hardware, which no type can check: say it when the device's
    /// interrupt, fence or reset told you so. See `docs/soundness.md`.
    pub fn complete(self) -> M {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped or used again, so the mapping is moved out just once.
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
        // SAFETY: It is not used again, so the mapping is moved out just once.
        unsafe { ManuallyDrop::take(&mut self.mapping) }.hold(self.epoch);
    }
}
