// SPDX-License-Identifier: GPL-2.0

//! A device's coherency, and the witness of a coherent one.
//!
//! C header: `include/sgdma.h`

use crate::{
    base::error::EOPNOTSUPP,
    device::{
        coherency::Coherency,
        dma_device::DmaDevice, //
    },
    ffi, //
};
use kernel::prelude::*;

impl Coherency {
    /// The verdict on `dev`: `sgdma_coherency()`. Maps and allocates nothing. For process
    /// context; does not sleep.
    pub fn of(dev: DmaDevice<'_>) -> Self {
        // SAFETY: The device is valid; it is bound, and its mask is set.
        Self::from_raw(unsafe { ffi::sgdma_coherency(dev.as_raw()) })
    }

    /// The first of several devices for which a buffer that all of them share must change hands
    /// explicitly, and why: `sgdma_first_incoherent()`. For process context; does not
    /// sleep.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{Coherency, DmaDevice};
    /// fn may_share(display: DmaDevice<'_>, camera: DmaDevice<'_>) -> bool {
    ///     match Coherency::first_incoherent(&[display, camera]) {
    ///         None => true,
    ///         Some((blamed, why)) => {
    ///             dev_info!(blamed.device(), "{}\n", why);
    ///             false
    ///         }
    ///     }
    /// }
    /// ```
    pub fn first_incoherent<'bound>(
        devices: &[DmaDevice<'bound>],
    ) -> Option<(DmaDevice<'bound>, Self)> {
        devices
            .iter()
            .map(|&dev| (dev, Self::of(dev)))
            .find(|(_, coherency)| *coherency != Coherency::Coherent)
    }
}

/// Whether `dev` may share memory with the CPU without any synchronisation:
/// `dma_streaming_is_coherent()`. For process context; does not sleep.
///
/// A driver that acts on it wants a [`CoherentDevice`].
pub fn dma_streaming_is_coherent(dev: DmaDevice<'_>) -> bool {
    Coherency::of(dev) == Coherency::Coherent
}

/// A device that may share memory with the CPU without any synchronisation: the witness that
/// [`map_shared`](crate::SgTable::map_shared) asks for.
///
/// Only the probe makes it, and it lives no longer than the binding. Of one table there may be a
/// proof where there is none of all memory: [`InPlace`](crate::InPlace).
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
/// The device's verdict was [`Coherency::Coherent`].
#[derive(Clone, Copy)]
pub struct CoherentDevice<'bound>(DmaDevice<'bound>);

impl<'bound> CoherentDevice<'bound> {
    /// Asks for the verdict on `dev`, for a driver that does not go on without. For process
    /// context; does not sleep.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] if it is any but [`Coherency::Coherent`]; the log then has it in a line.
    pub fn probe(dev: DmaDevice<'bound>) -> Result<Self> {
        Self::new(dev).map_err(|coherency| {
            dev_err!(dev.device(), "refused: {}\n", coherency);
            EOPNOTSUPP
        })
    }

    /// Asks for the verdict on `dev`, for a driver that knows another way: nothing is logged. For
    /// process context; does not sleep.
    ///
    /// ```
    /// # use sgdma::{Coherency, CoherentDevice, DmaDevice};
    /// enum Sharing<'bound> {
    ///     Always(CoherentDevice<'bound>),
    ///     ByTurns(DmaDevice<'bound>, Coherency),
    /// }
    ///
    /// fn choose(dma: DmaDevice<'_>) -> Sharing<'_> {
    ///     match CoherentDevice::new(dma) {
    ///         Ok(dev) => Sharing::Always(dev),
    ///         Err(why) => Sharing::ByTurns(dma, why),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The verdict if it is any but [`Coherency::Coherent`].
    pub fn new(dev: DmaDevice<'bound>) -> Result<Self, Coherency> {
        match Coherency::of(dev) {
            // INVARIANT: It is the verdict.
            Coherency::Coherent => Ok(Self(dev)),
            coherency => Err(coherency),
        }
    }

    /// The device, for what takes any.
    pub fn dma(self) -> DmaDevice<'bound> {
        self.0
    }
}
