// SPDX-License-Identifier: GPL-2.0

//! Checks that a device accesses a buffer in place: at the buffer's own pages, without a bounce
//! buffer.
//!
//! One check is for a table that is not mapped yet: [`SgTable::check_in_place`]. The other checks a
//! mapping: [`DmaTable::is_in_place`] asks where each bus address leads, and compares.

use crate::{
    base::{
        direction::Direction,
        error::EOPNOTSUPP, //
    },
    device::{
        coherency::{
            Bounce,
            Coherency, //
        },
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    ffi,
    map::{
        attrs::MapAttrs,
        mapped::Mapped, //
    },
    table::{
        from_pages::sg_phys_run,
        sg_table::SgTable, //
    },
    walk::{
        cpu::CpuTable,
        dma::DmaTable,
        entries::sg_dma_is_swiotlb,
        lockstep::Lockstep, //
    }, //
};
use kernel::prelude::*;

impl<P> SgTable<P> {
    /// Checks that `dev` would access this table in place, and is coherent.
    ///
    /// The answer does not change while the device is bound: neither the pages of the table nor the
    /// mask nor the bus of the device change.
    ///
    /// # Errors
    ///
    /// - `EOPNOTSUPP` if the device needs synchronisation for each buffer.
    /// - `EIO` if the device does not reach a page of this table.
    pub(crate) fn check_in_place(&self, dev: DmaDevice<'_>) -> Result {
        match Coherency::of(dev) {
            Coherency::Coherent | Coherency::MayBounce(Bounce::Mask | Bounce::BusLimit) => {}
            _ => return Err(EOPNOTSUPP),
        }
        // `Coherency` names only one reason. A device with another reason still needs its syncs.
        if dev.sync_debug() {
            return Err(EOPNOTSUPP);
        }
        if dev.route() == DmaRoute::Direct && !self.is_reached_by(dev) {
            return Err(EIO);
        }
        Ok(())
    }
}

impl DmaTable {
    /// Returns true if the device accesses the pages of the buffer in place: none has bounced.
    ///
    /// On a platform with mapping code of its own, as Xen has, returns true only if the device is
    /// coherent: nobody can tell for one buffer. For process context; does not sleep. Behind an
    /// IOMMU the time grows with the number of pages.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{CpuTable, DmaDevice, DmaTable};
    /// /// Refuses a buffer of C code that the device would not share with the CPU.
    /// ///
    /// /// # Safety
    /// ///
    /// /// `sgt` is a table of system memory that is mapped for `dev` as long as the call lasts.
    /// unsafe fn check(sgt: *const kernel::bindings::sg_table, dev: DmaDevice<'_>) -> Result {
    ///     // SAFETY: The table is mapped for `dev`, and its pages are system memory, as the caller
    ///     // promises. Both views are of the same table.
    ///     let in_place = unsafe {
    ///         DmaTable::from_raw(sgt).is_in_place(CpuTable::from_raw(sgt), dev)
    ///     };
    ///     in_place.then_some(()).ok_or(EIO)
    /// }
    /// ```
    ///
    /// # Safety
    ///
    /// - The table is mapped for `dev` as long as the call lasts: the IOMMU is asked for its
    ///   addresses.
    /// - `cpu` is the CPU's view of the same table.
    /// - The pages of the table are system memory.
    pub unsafe fn is_in_place(&self, cpu: &CpuTable, dev: DmaDevice<'_>) -> bool {
        match dev.route() {
            // A direct mapping never merges entries, so each entry has one bus address.
            DmaRoute::Direct => cpu
                .entries()
                .map(sg_phys_run)
                .zip(self.dma_segments())
                .all(|(cpu, dma)| dev.direct_address(cpu) == Some(dma.addr)),
            DmaRoute::Iommu => {
                // SAFETY: The device is valid and bound: `dev` borrows it.
                let domain = unsafe { ffi::sgdma_iommu_get_domain_for_dev(dev.as_raw()) };
                Lockstep::new(cpu, self).all(|piece| {
                    // SAFETY: The page is one of the table's, so it has a `struct page`.
                    let page = unsafe { ffi::sgdma_page_to_phys(piece.page.as_ptr()) };
                    // SAFETY:
                    // - `domain` is not null: the route of the device is an IOMMU.
                    // - The domain stays: the table is mapped in it as long as the call lasts, as
                    //   the caller promises.
                    let seen = unsafe { ffi::sgdma_iommu_iova_to_phys(domain, piece.dma_address) };
                    seen == page + piece.offset as u64
                })
            }
            // A bounce buffer must be copied in each `dma_sync_*()`, as the DMA API demands. So a
            // platform's `dma_map_ops` that bounces has `sync_*` hooks. `Coherency::of()` returns
            // `Coherent` only if there are no such hooks, and if the device cannot bypass the ops.
            // Then the platform cannot bounce, so no page has bounced.
            DmaRoute::Ops => Coherency::of(dev) == Coherency::Coherent,
            // The device does not see what the DMA API maps.
            DmaRoute::Domain => false,
        }
    }
}

impl<D: Direction, P> Mapped<'_, D, P> {
    /// Returns true if the device accesses the pages of the buffer in place: none has bounced.
    ///
    /// Returns false in sync-debug mode. Otherwise as [`DmaTable::is_in_place`].
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        if self.attrs().contains(MapAttrs::SYNC_DEBUG) {
            return false;
        }
        // iommu-dma marks the first entry of a list that it mapped page by page, as it does for an
        // untrusted device. Without the mark it has not bounced any page.
        if self.dma().route() == DmaRoute::Iommu
            && !self.cpu().entries().next().is_some_and(sg_dma_is_swiotlb)
        {
            return true;
        }
        // SAFETY:
        // - By the type invariants the table is mapped for this device, and `self` keeps it so.
        // - `self.cpu()` is the CPU's view of the same table.
        // - An `SgTable` consists of system memory.
        unsafe { (**self).is_in_place(self.cpu(), self.dma()) }
    }
}
