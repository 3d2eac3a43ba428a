// SPDX-License-Identifier: GPL-2.0

//! The parts of a table, in the table's place in a quarantine.
//!
//! A table that is dropped while a device may be using it stays mapped, and its parts stay in a
//! quarantine. Once the device is known to be done, the parts are unmapped and freed here.

use crate::{
    device::route::DmaRoute,
    ffi,
    lifecycle::quarantine::Hold,
    table::limits::SegmentLimits,
    walk::{
        cpu::CpuTable,
        dma::DmaTable,
        list::List,
        lockstep::Lockstep, //
    }, //
};
use core::ops::Range;
use kernel::{
    bindings,
    ffi::c_ulong, //
};

/// The parts of a table.
///
/// # Invariants
///
/// - `list` describes the bytes `range` of the pages of `owner`, in order.
/// - If `unmap` is `None`, the list is not mapped, or unmapping it does nothing, or a
///   [`Mapped`](crate::Mapped) or an [`Iova`](crate::Iova) unmaps it.
/// - Otherwise nobody else unmaps the list, which `unmap` describes.
// Fields are dropped in order. The list comes after the owner: the drop of pinned pages, which the
// owner may be, reads the list.
pub(crate) struct Parts<P> {
    pub(crate) owner: P,
    pub(crate) list: List,
    pub(crate) range: Range<usize>,
    /// The limits within which the segments were cut.
    pub(crate) limits: SegmentLimits<'static>,
    pub(crate) mapping: MapState,
    /// Only a table in quarantine has this, one of a dma-buf, and one that is linked.
    pub(crate) unmap: Option<Unmap>,
}

/// The knowledge of a [`Mapped`](crate::Mapped) about its mapping. A `Mapped` sets it.
#[derive(Default)]
pub(crate) struct MapState {
    /// The attributes: see `map/attrs.rs`.
    pub(crate) attrs: c_ulong,
    /// The bytes that belong to the CPU. They mean nothing if the table is not mapped.
    pub(crate) cpu_range: Range<usize>,
}

/// All that unmapping a table takes.
///
/// # Invariants
///
/// When the value was made, the list was mapped for `dev` in `direction`, by `route` and, if that
/// is an IOMMU, in `domain`. `attrs` are the attributes to unmap it with.
pub(crate) struct Unmap {
    pub(crate) dev: *mut bindings::device,
    pub(crate) domain: *mut bindings::iommu_domain,
    pub(crate) route: DmaRoute,
    pub(crate) direction: ffi::dma_data_direction,
    pub(crate) attrs: c_ulong,
}

// SAFETY: Any task may use the device and the domain that the pointers are to.
unsafe impl Send for Unmap {}
// SAFETY: As above.
unsafe impl Sync for Unmap {}

impl<P: Send + 'static> Hold for Parts<P> {
    fn is_where_it_was(&self) -> bool {
        let Some(unmap) = &self.unmap else {
            return true;
        };
        // SAFETY: The device is valid: the quarantine, or the binding, holds a reference to the
        // device as long as it holds this value.
        let (route, domain) = unsafe {
            (
                DmaRoute::of(unmap.dev),
                ffi::sgdma_iommu_get_domain_for_dev(unmap.dev),
            )
        };
        match (unmap.route, route) {
            (DmaRoute::Direct, DmaRoute::Direct) => true,
            // The device may have got another domain, even at the same address in memory. So each
            // piece must still be mapped to its page. For a table that has bounced, none is.
            (DmaRoute::Iommu, DmaRoute::Iommu) if domain == unmap.domain => {
                // SAFETY: `domain` is valid, as it is now the domain of a device that is bound.
                // Mapping has set `nents` and the DMA fields.
                unsafe { self.is_mapped_in(domain) }
            }
            // A platform with its own operations may unmap by the device's mask, and the mask may
            // have changed.
            _ => false,
        }
    }

    unsafe fn release(mut self) {
        // SAFETY: The requirements are the same.
        unsafe { self.unmap_once() };
    }
}

impl<P> Parts<P> {
    /// Returns true if each page of the list is mapped in `domain`, at the list's bus address.
    ///
    /// # Safety
    ///
    /// `domain` is valid. The list was mapped once, which has set its DMA fields.
    pub(crate) unsafe fn is_mapped_in(&self, domain: *mut bindings::iommu_domain) -> bool {
        let sgt = self.list.sgt();
        // SAFETY: By the type invariants the list describes pages, and mapping has set `nents` and
        // the DMA fields, as the caller promises. Nobody changes them, as the list is borrowed.
        // Whether they are still mapped does not matter: the walk only reads numbers.
        let lockstep = unsafe { Lockstep::new(CpuTable::from_raw(sgt), DmaTable::from_raw(sgt)) };
        lockstep.into_iter().all(|piece| {
            // SAFETY: `domain` is valid, as the caller promises. `sgdma_page_to_phys()` only
            // computes with the pointer's value.
            unsafe {
                ffi::sgdma_iommu_iova_to_phys(domain, piece.dma_address)
                    == ffi::sgdma_page_to_phys(piece.page.as_ptr()) + piece.offset as u64
            }
        })
    }

    /// Unmaps the list, if `unmap` says that it is mapped.
    ///
    /// # Safety
    ///
    /// Those of [`Hold::release`].
    pub(crate) unsafe fn unmap_once(&mut self) {
        if let Some(unmap) = self.unmap.take() {
            let sgt = self.list.sgt_mut();
            // SAFETY:
            // - By the invariants of `Unmap` the list was mapped for this device in this direction,
            //   and `attrs` are for unmapping it.
            // - It still is, and the device does not use it, as the caller promises.
            // - `unmap` was taken, so the list is unmapped once.
            unsafe { ffi::sgdma_unmap_sgtable(unmap.dev, sgt, unmap.direction, unmap.attrs) };
        }
    }
}
