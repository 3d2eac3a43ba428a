// SPDX-License-Identifier: GPL-2.0

//! May a device share memory with the CPU without any synchronisation?
//!
//! C header: `include/sgdma.h`

use crate::{
    device::DmaDevice,
    error::EOPNOTSUPP, //
    ffi,
};
use kernel::{
    fmt,
    prelude::*,
    str::CStrExt, //
};

/// What streaming mappings of a device need: `enum sgdma_coherency`.
///
/// It prints itself in one line: what, why, and what to do about it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Coherency, DmaDevice};
/// fn choose(dev: DmaDevice<'_>) -> bool {
///     let coherency = Coherency::of(dev);
///     if coherency != Coherency::Coherent {
///         dev_info!(dev.device(), "copying more than on other machines: {}\n", coherency);
///     }
///     coherency == Coherency::Coherent
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coherency {
    /// Nothing: for every whole page of memory that the device may map, `dma_sync_*()` does
    /// nothing.
    Coherent,
    /// The hardware does not keep the caches coherent with what the device does.
    NeedsCacheMaintenance,
    /// Memory may be, or is always, copied elsewhere for the device.
    MayBounce(Bounce),
    /// The device does no DMA.
    NoDma,
    /// It would be coherent, but the library was loaded with `sync_debug=1`.
    SyncDebug,
}

/// Why memory bounces.
///
/// ```
/// # use sgdma::{Bounce, Coherency};
/// /// Whether another DMA mask would help.
/// fn is_the_drivers_fault(coherency: Coherency) -> bool {
///     coherency == Coherency::MayBounce(Bounce::Mask)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounce {
    /// All of it does: `swiotlb=force`.
    Forced,
    /// All of it does, as memory is encrypted.
    Encrypted,
    /// All of it does, into the pool that the device tree restricts the device to.
    RestrictedPool,
    /// What lies beyond the device's DMA mask does.
    Mask,
    /// What lies beyond the reach of its bus does.
    BusLimit,
    /// The device is untrusted, and what shares a page of its IOMMU with other memory bounces.
    Untrusted,
    /// The platform maps and synchronises in its own way, as Xen does.
    UnknownDmaOps,
}

/// In the order of `enum sgdma_coherency`, and as many: a value that is added there is added here.
pub(crate) const COHERENCIES: [Coherency; ffi::SGDMA_COHERENCY_VALUES.len()] = [
    Coherency::Coherent,
    Coherency::NeedsCacheMaintenance,
    Coherency::MayBounce(Bounce::Forced),
    Coherency::MayBounce(Bounce::Encrypted),
    Coherency::MayBounce(Bounce::RestrictedPool),
    Coherency::MayBounce(Bounce::Mask),
    Coherency::MayBounce(Bounce::BusLimit),
    Coherency::MayBounce(Bounce::Untrusted),
    Coherency::MayBounce(Bounce::UnknownDmaOps),
    Coherency::NoDma,
    Coherency::SyncDebug,
];

// The values are the indices.
const _: () = {
    let mut i = 0;
    while i < COHERENCIES.len() {
        assert!(ffi::SGDMA_COHERENCY_VALUES[i] as usize == i);
        i += 1;
    }
};

impl Coherency {
    /// The verdict on `dev`: `sgdma_coherency()`. Maps and allocates nothing. For process
    /// context; does not sleep.
    pub fn of(dev: DmaDevice<'_>) -> Self {
        // SAFETY: The device is valid; it is bound, and its mask is set.
        Self::from_raw(unsafe { ffi::sgdma_coherency(dev.as_raw()) })
    }

    pub(crate) fn from_raw(verdict: u32) -> Self {
        // What is not known is not coherent.
        COHERENCIES
            .get(verdict as usize)
            .copied()
            .unwrap_or(Coherency::MayBounce(Bounce::UnknownDmaOps))
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

impl fmt::Display for Coherency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = COHERENCIES.iter().position(|coherency| coherency == self);
        // SAFETY: It takes any number, and gives a string that is there as long as the library.
        let string = unsafe {
            CStr::from_char_ptr(ffi::sgdma_coherency_string(
                verdict.map_or(u32::MAX, |i| i as u32),
            ))
        };
        fmt::Display::fmt(string, f)
    }
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
