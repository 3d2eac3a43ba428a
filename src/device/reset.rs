// SPDX-License-Identifier: GPL-2.0

//! The driver's statement that its device was reset, which releases buffers in quarantine.

use crate::{
    device::dma_device::DmaDevice,
    lifecycle::quarantine::Quarantine, //
};

/// A reset of the device that has begun; see [`DmaDevice::begin_reset`].
///
/// Dropping or forgetting the value releases nothing.
#[must_use = "buffers stay in quarantine until the reset is done()"]
pub struct Reset<'bound> {
    dev: DmaDevice<'bound>,
    until: u64,
}

impl<'bound> DmaDevice<'bound> {
    /// States that the driver is about to reset the device. For any context.
    ///
    /// [`done()`](Reset::done) states that the device was reset. It unmaps and frees each buffer
    /// that was dropped in flight and had been submitted before this call.
    ///
    /// The driver states that the device goes on with no buffer that was *submitted* before this
    /// call. No type can check such a statement about hardware, as with
    /// [`InFlight::complete`](crate::InFlight::complete); see `docs/soundness.md`. Between this
    /// call and `done()` the driver tells the device no address of such a buffer. Later it does so
    /// after [`resubmit`](crate::InFlight::resubmit).
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::DmaDevice;
    /// fn recover(dev: DmaDevice<'_>, engine: &Engine) -> Result {
    ///     let reset = dev.begin_reset();
    ///     engine.reset()?; // On an error, all is kept.
    ///     reset.done();
    ///     Ok(())
    /// }
    /// # struct Engine;
    /// # impl Engine {
    /// #     fn reset(&self) -> Result { Ok(()) }
    /// # }
    /// ```
    pub fn begin_reset(self) -> Reset<'bound> {
        let until = self.quarantine().map_or(0, Quarantine::begin_reset);
        Reset { dev: self, until }
    }
}

impl Reset<'_> {
    /// States that the device was reset. May sleep.
    ///
    /// Releases each buffer that was dropped in flight and had been submitted before
    /// [`begin_reset()`](DmaDevice::begin_reset). If an earlier binding has left buffers because
    /// its device could not be reset, this call also releases those that are still mapped as they
    /// were. Switches bus mastering on, if it was off because of such buffers, or because the
    /// device went on with memory of another device: see [`PeerMemory`](crate::PeerMemory).
    pub fn done(self) {
        if let Some(quarantine) = self.dev.quarantine() {
            quarantine.reset(self.until);
        }
    }
}
