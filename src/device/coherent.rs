// SPDX-License-Identifier: GPL-2.0

//! The coherency of a [`DmaDevice`], and the witness that a device is coherent.
//!
//! C header: `include/sgdma.h`

use crate::{
    base::error::EOPNOTSUPP,
    device::{
        coherency::Coherency,
        dma_device::DmaDevice, //
    }, //
};
use kernel::prelude::*;

impl Coherency {
    /// Returns the coherency of `dev`: `sgdma_coherency()`. For process context; does not sleep.
    ///
    /// Maps and allocates nothing.
    #[doc(alias = "sgdma_coherency")]
    pub fn of(dev: DmaDevice<'_>) -> Self {
        // SAFETY: The device is valid. Its mask does not change, by the invariants of `DmaFacts`.
        unsafe { Self::of_raw(dev.as_raw()) }
    }

    /// Returns the first of several devices that is not coherent, and its coherency:
    /// `sgdma_first_incoherent()`. For process context; does not sleep.
    ///
    /// A buffer that all of the devices share must change hands explicitly if there is one.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{dma_streaming_is_coherent, Coherency, DmaDevice};
    /// fn may_share(display: DmaDevice<'_>, camera: DmaDevice<'_>) -> bool {
    ///     match Coherency::first_incoherent(&[display, camera]) {
    ///         None => true,
    ///         Some((blamed, why)) => {
    ///             dev_info!(blamed.device(), "{}\n", why);
    ///             false
    ///         }
    ///     }
    /// }
    ///
    /// # fn example(dev: DmaDevice<'_>) -> Result {
    /// assert_eq!(may_share(dev, dev), dma_streaming_is_coherent(dev));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "sgdma_first_incoherent")]
    pub fn first_incoherent<'bound>(
        devices: &[DmaDevice<'bound>],
    ) -> Option<(DmaDevice<'bound>, Self)> {
        devices
            .iter()
            .map(|&dev| (dev, Self::of(dev)))
            .find(|(_, coherency)| *coherency != Coherency::Coherent)
    }
}

/// Returns whether `dev` may share memory with the CPU without any synchronisation:
/// `dma_streaming_is_coherent()`. For process context; does not sleep.
///
/// A driver that shares memory needs a [`CoherentDevice`], which proves the answer.
pub fn dma_streaming_is_coherent(dev: DmaDevice<'_>) -> bool {
    Coherency::of(dev) == Coherency::Coherent
}

/// A device that may share memory with the CPU without any synchronisation: the witness that
/// [`map_shared`](crate::SgTable::map_shared) asks for.
///
/// The witness speaks of all memory, and lives no longer than the binding. For a device that
/// reaches only some memory, [`InPlace`](crate::InPlace) is the witness for one table.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, DmaDevice, SgTable, Shared};
/// /// In a driver's probe: binds nowhere else.
/// fn probe<'bound>(dma: DmaDevice<'bound>) -> Result<Shared<'bound, Bidirectional>> {
///     let dev = CoherentDevice::probe(dma)?;
///     Ok(SgTable::alloc(1 << 20, dma, GFP_KERNEL)?.map_shared(dev, Bidirectional)?)
/// }
/// ```
///
/// # Invariants
///
/// The device is [`Coherency::Coherent`].
#[derive(Clone, Copy)]
#[must_use = "the witness is what `map_shared()` asks for"]
pub struct CoherentDevice<'bound>(DmaDevice<'bound>);

impl<'bound> CoherentDevice<'bound> {
    /// Proves that `dev` is coherent, for a driver that binds to no other device. For process
    /// context; does not sleep.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] if the coherency is any other than [`Coherency::Coherent`]. A line in the log
    /// then gives the reason.
    pub fn probe(dev: DmaDevice<'bound>) -> Result<Self> {
        Self::new(dev).map_err(|coherency| {
            dev_err!(dev.device(), "refused: {}\n", coherency);
            EOPNOTSUPP
        })
    }

    /// Proves that `dev` is coherent, for a driver that can also work without. For process context;
    /// does not sleep.
    ///
    /// Logs nothing.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{Coherency, CoherentDevice, DmaDevice};
    /// enum Sharing<'bound> {
    ///     Coherent(CoherentDevice<'bound>),
    ///     Streaming(DmaDevice<'bound>, Coherency),
    /// }
    ///
    /// fn choose(dma: DmaDevice<'_>) -> Sharing<'_> {
    ///     match CoherentDevice::new(dma) {
    ///         Ok(dev) => Sharing::Coherent(dev),
    ///         Err(why) => Sharing::Streaming(dma, why),
    ///     }
    /// }
    ///
    /// # fn example(dev: DmaDevice<'_>) -> Result {
    /// match choose(dev) {
    ///     Sharing::Coherent(dev) => assert_eq!(Coherency::of(dev.dma()), Coherency::Coherent),
    ///     Sharing::Streaming(dev, why) => assert_eq!(Coherency::of(dev), why),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The coherency, if it is any other than [`Coherency::Coherent`].
    pub fn new(dev: DmaDevice<'bound>) -> Result<Self, Coherency> {
        match Coherency::of(dev) {
            // INVARIANT: This is the coherency of the device.
            Coherency::Coherent => Ok(Self(dev)),
            coherency => Err(coherency),
        }
    }

    /// Returns the device, for functions that take any device.
    pub fn dma(self) -> DmaDevice<'bound> {
        self.0
    }
}
