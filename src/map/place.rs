// SPDX-License-Identifier: GPL-2.0

//! Whether a device is shown a buffer where it is in memory: before it is mapped, and after.

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
        if dev.sync_debug() {
            return Err(EOPNOTSUPP);
        }
        match dev.route() == DmaRoute::Direct && !self.is_reached_by(dev) {
            true => Err(EIO),
            false => Ok(()),
        }
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
        match dev.route() {
            // Entries are not merged.
            DmaRoute::Direct => cpu
                .entries()
                .map(sg_phys_run)
                .zip(self.dma_segments())
                .all(|(cpu, dma)| dev.direct_address(cpu) == Some(dma.addr)),
            DmaRoute::Iommu => {
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
            DmaRoute::Ops => Coherency::of(dev) == Coherency::Coherent,
        }
    }
}

impl<D: Direction, P> Mapped<'_, D, P> {
    /// Returns whether the device sees all of the buffer where that is in memory: nothing of it has
    /// bounced.
    ///
    /// As [`DmaTable::is_in_place`]; in sync-debug mode the answer is no.
    pub fn is_in_place(&self) -> bool {
        if self.attrs().contains(MapAttrs::SYNC_DEBUG) {
            return false;
        }
        // iommu-dma marks what it has mapped page by page, as for devices that may bounce.
        if self.dma().route() == DmaRoute::Iommu
            && !self.cpu().entries().next().is_some_and(sg_dma_is_swiotlb)
        {
            return true;
        }
        // SAFETY: By the type invariants it is mapped for this device, and both are its own.
        unsafe { (**self).is_in_place(self.cpu(), self.dma()) }
    }
}
