// SPDX-License-Identifier: GPL-2.0

//! Whether a device is shown a buffer where it is: before it is mapped, and after.

use crate::{
    attrs::Attrs,
    coherency::{
        Bounce,
        Coherency, //
    },
    cpu_walk::CpuTable,
    device::{
        DmaDevice,
        Path, //
    },
    direction::Direction,
    dma_walk::DmaTable,
    error::EOPNOTSUPP,
    ffi,
    lockstep::Lockstep,
    mapping::Mapped,
    refused::Refused,
    scatterlist::sg_dma_is_swiotlb,
    shared::{
        Exclusive,
        Shared, //
    },
    table::{
        sg_phys_run,
        SgTable, //
    }, //
};
use kernel::prelude::*;

/// A table that one device can share with the CPU, although it may not reach all memory.
///
/// A [`CoherentDevice`](crate::CoherentDevice) speaks of all memory. This speaks of one table, a
/// [`SgTable`] or a [`UserTable`](crate::UserTable): nothing forces the device to bounce, caches
/// are coherent with it, and it reaches all pages of the table where they are. What is mapped by it
/// has not bounced either, and needs no synchronisation.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, DmaDevice, SgTable, Shared};
/// /// A ring, also for a device whose DMA mask leaves out some of the machine's memory.
/// fn ring(dma: DmaDevice<'_>) -> Result<Shared<'_, Bidirectional>> {
///     let table = SgTable::alloc(1 << 16, dma, GFP_KERNEL)?;
///     match CoherentDevice::new(dma) {
///         Ok(dev) => Ok(table.map_shared(dev, Bidirectional)?),
///         Err(_) => Ok(table.in_place_for(dma)?.map_shared(Bidirectional)?),
///     }
/// }
/// ```
///
/// # Invariants
///
/// The device was found to be coherent for the table.
pub struct InPlace<'bound, T> {
    dev: DmaDevice<'bound>,
    table: T,
}

impl<'bound, T> InPlace<'bound, T> {
    /// `checked` is what [`SgTable::check_in_place`] says of `table` and `dev`.
    pub(crate) fn new(
        dev: DmaDevice<'bound>,
        table: T,
        checked: Result,
    ) -> Result<Self, Refused<T>> {
        match checked {
            // INVARIANT: Found just now.
            Ok(()) => Ok(Self { dev, table }),
            Err(error) => Err(Refused {
                error,
                buffer: table,
            }),
        }
    }

    /// Gives the table back.
    pub fn into_table(self) -> T {
        self.table
    }

    pub(crate) fn into_parts(self) -> (DmaDevice<'bound>, T) {
        (self.dev, self.table)
    }
}

impl<'bound, P: Exclusive> InPlace<'bound, SgTable<P>> {
    /// Maps the buffer for simultaneous access. Does not sleep.
    ///
    /// # Errors
    ///
    /// As for [`SgTable::map_shared`].
    pub fn map_shared<D: Direction>(
        self,
        _direction: D,
    ) -> Result<Shared<'bound, D, P>, Refused<SgTable<P>>> {
        self.table.share_exclusive(self.dev)
    }
}

impl<P> SgTable<P> {
    /// Checks that `dev` is coherent for this table: `EOPNOTSUPP` if it is for none, `EIO` if it
    /// does not reach this one.
    ///
    /// The answer stays so while the device is bound: pages, mask and bus are what they are.
    pub(crate) fn check_in_place(&self, dev: DmaDevice<'_>) -> Result {
        match Coherency::of(dev) {
            Coherency::Coherent | Coherency::MayBounce(Bounce::Mask | Bounce::BusLimit) => {}
            _ => return Err(EOPNOTSUPP),
        }
        // Which has no verdict of its own where there is another reason.
        if dev.sync_debug() != Attrs::NONE {
            return Err(EOPNOTSUPP);
        }
        match dev.path() == Path::Direct && !self.is_reached_by(dev) {
            true => Err(EIO),
            false => Ok(()),
        }
    }
}

impl<P: Exclusive> SgTable<P> {
    /// Shows that `dev` can share the buffer although it could not share all memory: its verdict is
    /// [`Coherent`](Coherency::Coherent), or [`Mask`](Bounce::Mask) or
    /// [`BusLimit`](Bounce::BusLimit) and it reaches this buffer. For process context; does not
    /// sleep.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them.
    ///
    /// - `EOPNOTSUPP` if the verdict is another, or the library was loaded with `sync_debug=1`.
    /// - `EIO` if some of the buffer lies beyond the device's reach.
    pub fn in_place_for(self, dev: DmaDevice<'_>) -> Result<InPlace<'_, Self>, Refused<Self>> {
        let checked = self.check_in_place(dev);
        InPlace::new(dev, self, checked)
    }
}

impl DmaTable {
    /// Returns whether the device sees all of the buffer where that is in memory: nothing of it has
    /// bounced.
    ///
    /// Where a platform maps in its own way, as Xen does, nobody can tell, and the answer is no.
    /// For process context; does not sleep. Behind an IOMMU it takes time for each page.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{CpuTable, DmaDevice, DmaTable};
    /// /// Refuses a buffer of C's that the device would not share with the CPU.
    /// ///
    /// /// # Safety
    /// ///
    /// /// `sgt` is a table of system memory that is mapped for `dev` as long as the call lasts.
    /// unsafe fn check(sgt: *const kernel::bindings::sg_table, dev: DmaDevice<'_>) -> Result {
    ///     // SAFETY: Promised by the caller; both forms are those of one table.
    ///     let in_place = unsafe {
    ///         DmaTable::from_raw(sgt).is_in_place(CpuTable::from_raw(sgt), dev)
    ///     };
    ///     in_place.then_some(()).ok_or(EIO)
    /// }
    /// ```
    ///
    /// # Safety
    ///
    /// - The table is mapped for `dev`: an IOMMU is asked for its addresses.
    /// - `cpu` is the same table in its CPU form, and its pages are system memory. There is no
    ///   telling without it: bus addresses do not say where a buffer was.
    pub unsafe fn is_in_place(&self, cpu: &CpuTable, dev: DmaDevice<'_>) -> bool {
        match dev.path() {
            // Entries are not merged.
            Path::Direct => cpu
                .entries()
                .map(sg_phys_run)
                .zip(self.dma_segments())
                .all(|(cpu, dma)| dev.direct_address(cpu) == Some(dma.addr)),
            Path::Iommu => {
                // SAFETY: The device is valid, bound to its driver, and behind an IOMMU.
                let domain = unsafe { ffi::sgdma_iommu_get_domain_for_dev(dev.as_raw()) };
                Lockstep::new(cpu, self).all(|piece| {
                    // SAFETY: The page is one of the table's.
                    let page = unsafe { ffi::sgdma_page_to_phys(piece.page.as_ptr()) };
                    // SAFETY: The domain is the one that the address is mapped in, which the caller
                    // promises, as long as `self` is borrowed.
                    let seen = unsafe { ffi::sgdma_iommu_iova_to_phys(domain, piece.dma_address) };
                    seen == page + piece.offset as u64
                })
            }
            // Without hooks for synchronisation there is nothing that bounces.
            Path::Ops => Coherency::of(dev) == Coherency::Coherent,
        }
    }
}

impl<D: Direction, P> Mapped<'_, D, P> {
    /// Returns whether the device sees all of the buffer where that is in memory: nothing of it has
    /// bounced.
    ///
    /// As [`DmaTable::is_in_place`]; in sync-debug mode the answer is no.
    pub fn is_in_place(&self) -> bool {
        if self.attrs().contains(Attrs::SYNC_DEBUG) {
            return false;
        }
        // iommu-dma marks what it has mapped page by page, as for devices that may bounce.
        if self.dma().path() == Path::Iommu
            && !self.cpu().entries().next().is_some_and(sg_dma_is_swiotlb)
        {
            return true;
        }
        // SAFETY: By the type invariants it is mapped for this device, and both are its own.
        unsafe { (**self).is_in_place(self.cpu(), self.dma()) }
    }
}
