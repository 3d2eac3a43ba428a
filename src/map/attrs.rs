// SPDX-License-Identifier: GPL-2.0

//! Attributes of a mapping.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use crate::device::dma_device::DmaDevice;
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
/// # use sgdma::{MapAttrs, DmaDevice, SgTable, ToDevice};
/// # fn map(dev: DmaDevice<'_>, table: SgTable) -> Result {
/// let mapped = table.map_attrs(dev, ToDevice, MapAttrs::NO_WARN | MapAttrs::WEAK_ORDERING)?;
/// # drop(mapped); Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// It holds none but those that are constants here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapAttrs(c_ulong);

impl MapAttrs {
    /// None.
    pub const NONE: Self = Self(0);

    /// Reads and writes of the device may pass each other: `DMA_ATTR_WEAK_ORDERING`.
    pub const WEAK_ORDERING: Self = Self(bindings::DMA_ATTR_WEAK_ORDERING as c_ulong);

    /// No line in the log if the mapping fails for want of room: `DMA_ATTR_NO_WARN`.
    pub const NO_WARN: Self = Self(bindings::DMA_ATTR_NO_WARN as c_ulong);

    /// For the device's supervisor alone, if the IOMMU can tell: `DMA_ATTR_PRIVILEGED`.
    pub const PRIVILEGED: Self = Self(bindings::DMA_ATTR_PRIVILEGED as c_ulong);

    /// Fails rather than need synchronisation: `DMA_ATTR_REQUIRE_COHERENT`.
    ///
    /// Mapping gives `EOPNOTSUPP` if the device is not coherent, and `EIO` if a page would bounce.
    ///
    /// The kernel reserves it for memory that user space sees, so it follows from what is mapped:
    /// each mapping of a [`UserTable`](crate::UserTable) has it, and no other. It also tells DMA
    /// debugging that cache lines may overlap, if all mappings of them say so. Those of such pages
    /// do, as a process can have one page pinned, and mapped, for several devices at once; other
    /// pages are in one table, which is mapped once.
    pub(crate) const REQUIRE_COHERENT: Self = Self(bindings::DMA_ATTR_REQUIRE_COHERENT as c_ulong);

    /// Shows the device the first and the last page whole: it is one that may get nothing less
    /// without a bounce.
    ///
    /// For pages whose other bytes are nobody else's. What is told of the mapping, and the walks,
    /// are of the buffer's own bytes. Nothing that the DMA API knows of.
    pub(crate) const WHOLE_PAGES: Self = Self(1 << (c_ulong::BITS - 2));

    /// Unmapping does not hand the buffer to the CPU: `DMA_ATTR_SKIP_CPU_SYNC`.
    ///
    /// For a buffer of which a guard has shown all that matters. After [`unmap`] the bytes that the
    /// device wrote and that no guard took over are what it wrote or what was there before.
    /// Mapping hands the buffer over whatever is said here: on hardware without coherent caches
    /// the device would see memory as it was before the buffer was made.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{MapAttrs, DmaDevice, FromDevice, SgTable};
    /// # fn receive(dev: DmaDevice<'_>, table: SgTable, header: &mut [u8]) -> Result<SgTable> {
    /// let in_flight = table.map_attrs(dev, FromDevice, MapAttrs::SKIP_CPU_SYNC)?.submit();
    /// // ... the device writes ...
    /// let mut mapped = in_flight.complete();
    /// mapped.for_cpu_range(0..header.len())?.copy_to_slice(0, header)?;
    /// Ok(mapped.unmap()) // The rest is not copied out of a bounce buffer, for example.
    /// # }
    /// ```
    ///
    /// [`unmap`]: crate::Mapped::unmap
    pub const SKIP_CPU_SYNC: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// Behaves as on a platform without coherent caches, whatever the device: `SGDMA_ATTR_SYNC_DEBUG`.
    ///
    /// For debugging: the device gets pages of its own, and a sync that is forgotten, which takes `unsafe`, is seen at
    /// once. All mappings have it if the library is loaded with `sync_debug=1`; see `docs/sync-debug.md`. Mapping
    /// gives `ENOMEM` if there is no memory for as much again.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{MapAttrs, Bidirectional, DmaDevice, Mapped, SgTable};
    /// fn map(dev: DmaDevice<'_>, table: SgTable) -> Result<Mapped<'_, Bidirectional>> {
    ///     Ok(table.map_attrs(dev, Bidirectional, MapAttrs::SYNC_DEBUG)?)
    /// }
    /// ```
    pub const SYNC_DEBUG: Self = Self(1 << (c_ulong::BITS - 1));

    /// Returns the attributes of every mapping for `dev`: those of `sync_debug=1`.
    #[inline]
    pub(crate) fn of(dev: DmaDevice<'_>) -> Self {
        if dev.sync_debug() {
            Self::SYNC_DEBUG
        } else {
            Self::NONE
        }
    }

    /// Whether all of `attrs` are among them.
    pub const fn contains(self, attrs: Self) -> bool {
        self.0 & attrs.0 == attrs.0
    }

    pub(crate) const fn without(self, attrs: Self) -> Self {
        // INVARIANT: Some of the same.
        Self(self.0 & !attrs.0)
    }

    /// Those to map with.
    pub(crate) const fn for_map(self) -> c_ulong {
        self.0 & !Self::SKIP_CPU_SYNC.0 & !Self::WHOLE_PAGES.0
    }

    /// Those to unmap with: the same, to the DMA API.
    pub(crate) const fn for_unmap(self) -> c_ulong {
        // What a guard has shown, and handed back, must not be poison afterwards.
        match self.contains(Self::SYNC_DEBUG) {
            true => self.for_map(),
            false => self.0 & !Self::WHOLE_PAGES.0,
        }
    }
}

impl BitOr for MapAttrs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        // INVARIANT: Both hold nothing else.
        Self(self.0 | other.0)
    }
}
