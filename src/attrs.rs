// SPDX-License-Identifier: GPL-2.0

//! Attributes of a mapping.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use core::ops::BitOr;
use kernel::{
    bindings,
    ffi::c_ulong, //
};

/// How a table is mapped: those of the C API's `DMA_ATTR_*` that are for streaming mappings of
/// memory, and safe.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Attrs, DmaDevice, SgTable, ToDevice};
/// # fn map(dev: DmaDevice<'_>, table: SgTable) -> Result {
/// let mapped = table.map_attrs(dev, ToDevice, Attrs::NO_WARN | Attrs::WEAK_ORDERING)?;
/// # drop(mapped); Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// It holds none but those that are constants here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attrs(c_ulong);

impl Attrs {
    /// None.
    pub const NONE: Self = Self(0);

    /// Reads and writes of the device may pass each other: `DMA_ATTR_WEAK_ORDERING`.
    pub const WEAK_ORDERING: Self = Self(bindings::DMA_ATTR_WEAK_ORDERING as c_ulong);

    /// No line in the log if the mapping fails for want of room: `DMA_ATTR_NO_WARN`.
    pub const NO_WARN: Self = Self(bindings::DMA_ATTR_NO_WARN as c_ulong);

    /// For the device's supervisor alone, if the IOMMU can tell: `DMA_ATTR_PRIVILEGED`.
    pub const PRIVILEGED: Self = Self(bindings::DMA_ATTR_PRIVILEGED as c_ulong);

    /// Mapping and unmapping do not hand the buffer over: `DMA_ATTR_SKIP_CPU_SYNC`.
    ///
    /// For a buffer that is mapped first and filled then. It begins in the hands of the CPU, and
    /// goes to the device when a [`ForCpu`](crate::ForCpu) guard is dropped or when it is
    /// submitted, whichever comes first: once, where it would be twice. It comes back to the CPU
    /// with a guard or, if none took it, at [`unmap`](crate::Mapped::unmap): no driver sees stale
    /// bytes for having skipped too much.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{Attrs, DmaDevice, InFlight, SgTable, ToDevice};
    /// # fn send<'bound>(dev: DmaDevice<'bound>, table: SgTable) -> Result<InFlight<'bound, ToDevice>> {
    /// let mut mapped = table.map_attrs(dev, ToDevice, Attrs::SKIP_CPU_SYNC)?;
    /// mapped.for_cpu().copy_from_slice(0, b"filled now, and handed over once")?;
    /// # Ok(
    /// mapped.submit()
    /// # )
    /// # }
    /// ```
    pub const SKIP_CPU_SYNC: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// Whether all of `attrs` are among them.
    pub const fn contains(self, attrs: Self) -> bool {
        self.0 & attrs.0 == attrs.0
    }

    pub(crate) const fn as_raw(self) -> c_ulong {
        self.0
    }
}

impl BitOr for Attrs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        // INVARIANT: Both hold nothing else.
        Self(self.0 | other.0)
    }
}
