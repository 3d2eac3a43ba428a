// SPDX-License-Identifier: GPL-2.0

//! May a device share memory with the CPU without any synchronisation?
//!
//! C header: `include/sgdma.h`

use crate::ffi;
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
    pub(crate) fn from_raw(verdict: u32) -> Self {
        // What is not known is not coherent.
        COHERENCIES
            .get(verdict as usize)
            .copied()
            .unwrap_or(Coherency::MayBounce(Bounce::UnknownDmaOps))
    }
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
