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

/// A set of attributes to map a table with: the `DMA_ATTR_*` of the C API that are valid for a
/// streaming mapping of memory, and safe.
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
/// All bits of the set are bits of constants below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapAttrs(c_ulong);

impl MapAttrs {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Lets reads and writes of the device pass each other on some platforms:
    /// `DMA_ATTR_WEAK_ORDERING`.
    #[doc(alias = "DMA_ATTR_WEAK_ORDERING")]
    pub const WEAK_ORDERING: Self = Self(bindings::DMA_ATTR_WEAK_ORDERING as c_ulong);

    /// Suppresses the line in the log if mapping fails for lack of room: `DMA_ATTR_NO_WARN`.
    #[doc(alias = "DMA_ATTR_NO_WARN")]
    pub const NO_WARN: Self = Self(bindings::DMA_ATTR_NO_WARN as c_ulong);

    /// Makes mapping fail if the mapping would need synchronisation: `DMA_ATTR_REQUIRE_COHERENT`.
    ///
    /// Mapping returns `EOPNOTSUPP` if the device is not coherent, and `EIO` if a page would
    /// bounce.
    ///
    /// The kernel reserves this attribute for memory that user space accesses. So each mapping of a
    /// [`UserTable`](crate::UserTable) has it, and each of a dma-buf that is shared without turns.
    /// No other mapping has it. The attribute also tells
    /// DMA debugging that mappings may overlap in a cache line, provided that all mappings of that
    /// line have it. Pages of a process do overlap: a process can have one page pinned and mapped
    /// for several devices. All other pages, but those of dma-bufs, are in one table only, which is
    /// mapped once.
    pub(crate) const REQUIRE_COHERENT: Self = Self(bindings::DMA_ATTR_REQUIRE_COHERENT as c_ulong);

    /// Tells DMA debugging that mappings may overlap in a cache line:
    /// `DMA_ATTR_DEBUGGING_IGNORE_CACHELINES`.
    ///
    /// All mappings of the line have it. Only for pages for which somebody else sees to it that
    /// devices take turns: those of a dma-buf.
    #[cfg(CONFIG_DMA_SHARED_BUFFER)]
    pub(crate) const IGNORE_CACHELINES: Self =
        Self(bindings::DMA_ATTR_DEBUGGING_IGNORE_CACHELINES as c_ulong);

    /// Maps the first and the last page as a whole, so that neither of them bounces.
    ///
    /// Only for pages whose other bytes nobody uses. The lengths and walks of the mapping still
    /// cover just the bytes of the buffer. The library
    /// handles this attribute and does not pass it to the DMA API.
    pub(crate) const WHOLE_PAGES: Self = Self(1 << (c_ulong::BITS - 2));

    /// Marks a mapping that is to be synchronised. The library sets it after mapping.
    pub(crate) const NEEDS_SYNC: Self = Self(1 << (c_ulong::BITS - 3));

    /// Marks a mapping that is to be unmapped. The library sets it after mapping.
    pub(crate) const NEEDS_UNMAP: Self = Self(1 << (c_ulong::BITS - 4));

    /// The bits that the library keeps for itself.
    const INTERNAL: c_ulong = Self::WHOLE_PAGES.0 | Self::NEEDS_SYNC.0 | Self::NEEDS_UNMAP.0;

    /// Makes unmapping skip the synchronisation for the CPU: `DMA_ATTR_SKIP_CPU_SYNC`.
    ///
    /// For a buffer of which the driver has read all it needs through guards. After [`unmap`], a
    /// byte that the device wrote and that no guard covered has either its new or its old value.
    ///
    /// Mapping ignores this attribute and always hands the buffer to the device. Otherwise, on
    /// hardware without coherent caches, the device would read what an earlier user of the memory
    /// left.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{MapAttrs, DmaDevice, FromDevice, SgTable};
    /// # fn receive(dev: DmaDevice<'_>, table: SgTable, header: &mut [u8]) -> Result<SgTable> {
    /// let in_flight = table.map_attrs(dev, FromDevice, MapAttrs::SKIP_CPU_SYNC)?.submit();
    /// // The device writes the buffer here.
    /// let mut mapped = in_flight.complete();
    /// mapped.for_cpu_range(0..header.len())?.copy_to_slice(0, header)?;
    /// Ok(mapped.unmap()) // Does not copy the rest out of a bounce buffer, for example.
    /// # }
    /// ```
    ///
    /// [`unmap`]: crate::Mapped::unmap
    #[doc(alias = "DMA_ATTR_SKIP_CPU_SYNC")]
    pub const SKIP_CPU_SYNC: Self = Self(bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong);

    /// Makes the mapping behave as on a platform without coherent caches: `SGDMA_ATTR_SYNC_DEBUG`.
    ///
    /// For debugging. The device gets pages of its own, so a forgotten synchronisation shows at
    /// once. Only `unsafe` code can forget one. All mappings have this attribute if the library was
    /// loaded with `sync_debug=1`; see `docs/sync-debug.md`. Mapping returns `ENOMEM` if there is
    /// no memory for the additional pages.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{MapAttrs, Bidirectional, DmaDevice, Mapped, SgTable};
    /// fn map(dev: DmaDevice<'_>, table: SgTable) -> Result<Mapped<'_, Bidirectional>> {
    ///     Ok(table.map_attrs(dev, Bidirectional, MapAttrs::SYNC_DEBUG)?)
    /// }
    /// ```
    #[doc(alias = "SGDMA_ATTR_SYNC_DEBUG")]
    pub const SYNC_DEBUG: Self = Self(1 << (c_ulong::BITS - 1));

    /// Returns the attributes that every mapping for `dev` has: `SYNC_DEBUG` with `sync_debug=1`.
    #[inline]
    pub(crate) fn of(dev: DmaDevice<'_>) -> Self {
        if dev.sync_debug() {
            Self::SYNC_DEBUG
        } else {
            Self::NONE
        }
    }

    /// Returns true if all of `attrs` are in the set.
    #[must_use]
    pub const fn contains(self, attrs: Self) -> bool {
        self.0 & attrs.0 == attrs.0
    }

    /// Returns true if any of `attrs` is in the set.
    pub(crate) const fn intersects(self, attrs: Self) -> bool {
        self.0 & attrs.0 != 0
    }

    /// Returns the set without `attrs`.
    pub(crate) const fn without(self, attrs: Self) -> Self {
        // INVARIANT: All bits are bits of `self`, and those are bits of constants.
        Self(self.0 & !attrs.0)
    }

    /// Returns the set of [`into_raw`](Self::into_raw).
    pub(crate) const fn from_raw(bits: c_ulong) -> Self {
        // INVARIANT: The bits are those of a set.
        Self(bits)
    }

    /// Returns the bits, which a table keeps.
    pub(crate) const fn into_raw(self) -> c_ulong {
        self.0
    }

    /// Returns the set with what was learnt by mapping.
    pub(crate) fn with_state(mut self, needs_sync: bool, needs_unmap: bool) -> Self {
        if needs_sync {
            self = self | Self::NEEDS_SYNC;
        }
        if needs_unmap {
            self = self | Self::NEEDS_UNMAP;
        }
        self
    }

    /// Returns the attributes to pass to `sgdma_map_sgtable()`.
    pub(crate) const fn for_map(self) -> c_ulong {
        self.0 & !Self::SKIP_CPU_SYNC.0 & !Self::INTERNAL
    }

    /// Returns the attributes to pass to `sgdma_unmap_sgtable()`.
    pub(crate) const fn for_unmap(self) -> c_ulong {
        if self.contains(Self::SYNC_DEBUG) {
            // Without the last synchronisation, bytes that a guard covered before would be poison.
            self.for_map()
        } else {
            self.0 & !Self::INTERNAL
        }
    }
}

impl BitOr for MapAttrs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        // INVARIANT: All bits are bits of `self` or `other`, and those are bits of constants.
        Self(self.0 | other.0)
    }
}
