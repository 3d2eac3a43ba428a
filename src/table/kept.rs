// SPDX-License-Identifier: GPL-2.0

//! A mapped table in quarantine.

use crate::{
    device::route::DmaRoute,
    ffi,
    lifecycle::quarantine::Hold,
    walk::{
        cpu::CpuTable,
        dma::DmaTable,
        list::List,
        lockstep::Lockstep, //
    }, //
};
use kernel::{
    bindings,
    ffi::c_ulong, //
};

/// A table in quarantine.
///
/// # Invariants
///
/// The list is that of `owner`'s pages. It is mapped for `dev` in `direction`, as it is unmapped
/// with `attrs`: on `path`, and there in `domain`, if that is an IOMMU's.
// As in a table, the list comes last.
pub(crate) struct Kept<P> {
    pub(crate) dev: *mut bindings::device,
    pub(crate) domain: *mut bindings::iommu_domain,
    pub(crate) route: DmaRoute,
    pub(crate) direction: ffi::dma_data_direction,
    pub(crate) attrs: c_ulong,
    pub(crate) needs_unmap: bool,
    pub(crate) _owner: P,
    pub(crate) list: List,
}

// SAFETY: The device and its domain are used from any task; the rest is `Send`.
unsafe impl<P: Send> Send for Kept<P> {}

impl<P: Send + 'static> Hold for Kept<P> {
    fn is_where_it_was(&self) -> bool {
        if !self.needs_unmap {
            return true;
        }
        // SAFETY: The device is valid, as it is kept as long as this.
        let (route, domain) = unsafe {
            (
                DmaRoute::of(self.dev),
                ffi::sgdma_iommu_get_domain_for_dev(self.dev),
            )
        };
        match (self.route, route) {
            (DmaRoute::Direct, DmaRoute::Direct) => true,
            // The domain may be another one that has the address of the old. What bounced is not
            // where the pages are.
            (DmaRoute::Iommu, DmaRoute::Iommu) if domain == self.domain => {
                let sgt = self.list.sgt();
                // SAFETY: By the type invariants the table is described, and mapped.
                let lockstep =
                    unsafe { Lockstep::new(CpuTable::from_raw(sgt), DmaTable::from_raw(sgt)) };
                lockstep.into_iter().all(|piece| {
                    // SAFETY: The domain is the device's own, which is bound. Arithmetic on the
                    // page's address.
                    unsafe {
                        ffi::sgdma_iommu_iova_to_phys(domain, piece.dma_address)
                            == ffi::sgdma_page_to_phys(piece.page.as_ptr()) + piece.offset as u64
                    }
                })
            }
            // Who maps in its own way may go by the mask, which was another one.
            _ => false,
        }
    }

    unsafe fn release(mut self) {
        if self.needs_unmap {
            // SAFETY: By the type invariants it is mapped so. The caller promises that it still is,
            // and that the device does not go on with it.
            unsafe {
                ffi::sgdma_unmap_sgtable(self.dev, self.list.sgt_mut(), self.direction, self.attrs)
            };
        }
    }
}
