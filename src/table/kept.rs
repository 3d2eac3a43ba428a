// SPDX-License-Identifier: GPL-2.0

//! Kept tables: the parts of a mapped table in quarantine.
//!
//! A table that is dropped while a device may be using it stays mapped, and its parts stay in a
//! quarantine. Once the device is known to be done, the parts are unmapped and freed here.

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

/// The parts of a mapped table that is in quarantine, and what it takes to unmap the table.
///
/// # Invariants
///
/// - `list` describes the pages of `_owner`.
/// - When the value was made, the list was mapped for `dev` in `direction`, by `route` and, if that
///   is an IOMMU, in `domain`. `attrs` are the attributes to unmap it with.
/// - If `needs_unmap` is false, unmapping such a list does nothing, or the list is not mapped. The
///   other fields do not matter then.
// Fields are dropped in order. The list comes last, as in `SgTable`: the drop of pinned pages reads
// the list.
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

impl<P> Kept<P> {
    /// Keeps a table that is not mapped.
    pub(crate) fn unmapped(owner: P, list: List) -> Self {
        // INVARIANT: The list describes the pages of the owner. It is not mapped.
        Self {
            dev: core::ptr::null_mut(),
            domain: core::ptr::null_mut(),
            route: DmaRoute::Direct,
            direction: 0,
            attrs: 0,
            needs_unmap: false,
            _owner: owner,
            list,
        }
    }
}

// SAFETY: Any task may use the device and the domain that the pointers are to. The other fields are
// `Send`.
unsafe impl<P: Send> Send for Kept<P> {}

impl<P: Send + 'static> Hold for Kept<P> {
    fn is_where_it_was(&self) -> bool {
        if !self.needs_unmap {
            return true;
        }
        // SAFETY: The device is valid: the quarantine, or the binding, holds a reference to the
        // device as long as it holds this value.
        let (route, domain) = unsafe {
            (
                DmaRoute::of(self.dev),
                ffi::sgdma_iommu_get_domain_for_dev(self.dev),
            )
        };
        match (self.route, route) {
            (DmaRoute::Direct, DmaRoute::Direct) => true,
            // The device may have got another domain, even at the same address in memory. So each
            // piece must still be mapped to its page. For a table that has bounced, none is.
            (DmaRoute::Iommu, DmaRoute::Iommu) if domain == self.domain => {
                let sgt = self.list.sgt();
                // SAFETY: By the type invariants the list describes pages, and mapping has set
                // `nents` and the DMA fields. Nobody changes them, as the list is borrowed. Whether
                // they are still mapped does not matter: the walk only reads numbers.
                let lockstep =
                    unsafe { Lockstep::new(CpuTable::from_raw(sgt), DmaTable::from_raw(sgt)) };
                lockstep.into_iter().all(|piece| {
                    // SAFETY: `domain` is valid, as it is now the domain of a device that is bound.
                    // `sgdma_page_to_phys()` only computes with the pointer's value.
                    unsafe {
                        ffi::sgdma_iommu_iova_to_phys(domain, piece.dma_address)
                            == ffi::sgdma_page_to_phys(piece.page.as_ptr()) + piece.offset as u64
                    }
                })
            }
            // A platform with its own operations may unmap by the device's mask, and the mask may
            // have changed.
            _ => false,
        }
    }

    unsafe fn release(mut self) {
        if self.needs_unmap {
            // SAFETY:
            // - By the type invariants the list was mapped for this device in this direction, and
            //   `attrs` are for unmapping it.
            // - By the requirements of `release()` it still is, and the device does not use it.
            // - `self` is dropped at the end, so the list is unmapped once.
            unsafe {
                ffi::sgdma_unmap_sgtable(self.dev, self.list.sgt_mut(), self.direction, self.attrs)
            };
        }
    }
}
