// SPDX-License-Identifier: GPL-2.0

//! A driver's word that its device was reset.

use crate::{
    device::dma_device::DmaDevice,
    lifecycle::quarantine::Quarantine, //
};

/// A reset of the device that has begun; see [`DmaDevice::begin_reset`].
///
/// Dropping it, or forgetting it, releases nothing.
#[must_use = "what is held stays so until the reset is done()"]
pub struct Reset<'bound> {
    dev: DmaDevice<'bound>,
    until: u64,
}

impl<'bound> DmaDevice<'bound> {
    /// Says that the driver is about to reset the device. For any context.
    ///
    /// Once [`done()`](Reset::done) says that the reset has been, each buffer that was dropped in
    /// flight is unmapped and freed, if it was submitted before this call.
    ///
    /// That the device goes on with none of what was *submitted* before is a statement about
    /// hardware, as [`InFlight::complete`](crate::InFlight::complete) is; see `docs/soundness.md`.
    /// So from here on until `done()` nobody tells the device addresses of what was submitted
    /// before.
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
    /// Says that the device was reset. May sleep.
    ///
    /// Releases each buffer that was dropped in flight and submitted before
    /// [`begin_reset()`](DmaDevice::begin_reset). If an earlier driver has left a device that could
    /// not be reset, the buffers that this driver had dropped are released too, as far as they are
    /// mapped as they were, and bus mastering, which was off until now, comes on.
    pub fn done(self) {
        if let Some(quarantine) = self.dev.quarantine() {
            quarantine.reset(self.until);
        }
    }
}
