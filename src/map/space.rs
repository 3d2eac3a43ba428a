// SPDX-License-Identifier: GPL-2.0

//! Address space behind an IOMMU: reserved in one step, and linked to memory in others.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! [`Space`] has the calls of `dma_iova_*()` and the state that they share. What is linked where
//! is known to the [`Iova`](crate::Iova) that has the space.

use crate::{
    device::{
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    ffi,
    table::from_pages::sg_phys_run,
    walk::{
        cpu::CpuTable,
        extents::Extent,
        run::{
            Coalesce,
            Run, //
        }, //
    },
};
use kernel::{
    bindings,
    dma::DmaAddress,
    error::to_result,
    ffi::c_ulong,
    page::PAGE_SIZE,
    prelude::*, //
};

/// A reserved range of bus addresses: `struct dma_iova_state`.
///
/// Only whole pages are linked, so nothing ever bounces, and no two links share a page.
///
/// # Invariants
///
/// - `dma_iova_try_alloc()` has reserved the `size` bytes of `state` for `dev`, and nobody has
///   freed them. `size` is a multiple of `PAGE_SIZE`.
/// - A page of the IOMMU is at most a page of the CPU.
pub(super) struct Space {
    dev: *mut bindings::device,
    direction: ffi::dma_data_direction,
    size: usize,
    state: bindings::dma_iova_state,
}

// SAFETY: Any task may use the device and change the state.
unsafe impl Send for Space {}
// SAFETY: A shared reference only permits reading.
unsafe impl Sync for Space {}

impl Space {
    /// Reserves `len` bytes, rounded up to pages, for `dev`. Returns `None` if nothing can be
    /// reserved for such a device: no IOMMU maps for it, or one whose pages are larger than those
    /// of the CPU, or sync-debug mode has it use other pages.
    ///
    /// # Errors
    ///
    /// Those of [`Iova::reserve`](crate::Iova::reserve).
    #[inline(never)]
    pub(super) fn reserve(
        dev: DmaDevice<'_>,
        len: usize,
        direction: ffi::dma_data_direction,
    ) -> Result<Option<Self>> {
        // SAFETY: The device is valid: `dev` borrows it.
        let (unit, most) = unsafe {
            (
                bindings::dma_get_merge_boundary(dev.as_raw()) as usize,
                ffi::sgdma_dma_get_max_seg_size(dev.as_raw()) as usize,
            )
        };
        if dev.route() != DmaRoute::Iommu || unit >= PAGE_SIZE || dev.sync_debug() {
            return Ok(None);
        }
        if len > most {
            return Err(E2BIG);
        }
        let size = len.next_multiple_of(PAGE_SIZE);
        let mut state = bindings::dma_iova_state::default();
        // SAFETY: The device is valid, with a mask by the invariants of `DmaFacts`. `state` is
        // valid for writing, and `size` is neither zero nor near 64 bits.
        if !unsafe { ffi::sgdma_iova_try_alloc(dev.as_raw(), &mut state, size) } {
            return Err(ENOMEM);
        }
        // INVARIANT: The range was just reserved for `dev`.
        let space = Self {
            dev: dev.as_raw(),
            direction,
            size,
            state,
        };
        let run = Run {
            addr: state.addr,
            len: len as u64,
        };
        if !run.within(dev.seg_boundary() as u64) {
            // SAFETY: Nothing is linked.
            unsafe { space.free() };
            return Err(ERANGE);
        }
        Ok(Some(space))
    }

    /// Returns the bus address of the first byte.
    pub(super) fn addr(&self) -> DmaAddress {
        self.state.addr
    }

    /// Links the pages of `table`, from `offset` on. Does not sleep.
    ///
    /// The table begins at a page. If it ends inside one, that page is linked as a whole. If this
    /// fails, nothing of the table is linked.
    ///
    /// # Safety
    ///
    /// - The device is bound.
    /// - The pages from `offset` on that the table takes lie in the range, and nothing is linked in
    ///   them.
    /// - All bytes of the table's pages are initialised, and nobody uses them until they are
    ///   unlinked.
    #[inline(never)]
    pub(super) unsafe fn link_table(&mut self, offset: usize, table: &CpuTable) -> Result {
        let mut end = offset;
        // Segments may be shorter than a page. Joined, they begin and end where pages do.
        for run in Coalesce::new(table.entries().map(sg_phys_run)) {
            let size = (run.len as usize).next_multiple_of(PAGE_SIZE);
            // SAFETY: The run is of whole pages of the table. The rest is as the caller promises.
            if let Err(error) = unsafe { self.link(end, run.addr, size, 0) } {
                let done = Extent { start: offset, end };
                if !done.is_empty() {
                    // SAFETY: So much was linked just now.
                    unsafe { self.unlink(done, 0) };
                }
                return Err(error);
            }
            end += size;
        }
        Ok(())
    }

    /// Links `size` bytes from the physical address `phys` on, at `offset`. Does not sleep.
    ///
    /// # Safety
    ///
    /// - The device is bound.
    /// - `offset`, `phys` and `size` are multiples of `PAGE_SIZE`. The pages of the range lie in
    ///   it, and nothing is linked in them.
    /// - The device may access the bytes until they are unlinked. They are memory, or `attrs` is
    ///   `DMA_ATTR_MMIO`.
    pub(super) unsafe fn link(
        &mut self,
        offset: usize,
        phys: u64,
        size: usize,
        attrs: c_ulong,
    ) -> Result {
        // SAFETY:
        // - By the type invariants the range is reserved for this device, which is bound.
        // - All three are multiples of the IOMMU's pages, which are at most as large as the CPU's.
        //   So nothing bounces, and no offset is refused with a warning.
        // - Nothing is linked in these pages of the range, as the caller promises.
        to_result(unsafe {
            ffi::sgdma_iova_link(
                self.dev,
                &mut self.state,
                phys,
                offset,
                size,
                self.direction,
                attrs,
            )
        })
    }

    /// Unlinks `extent`, and hands the bytes to the CPU. Does not sleep.
    ///
    /// # Safety
    ///
    /// - The device is bound, and does not access the bytes.
    /// - All of `extent` is linked, with `attrs`.
    #[inline(never)]
    pub(super) unsafe fn unlink(&mut self, extent: Extent, attrs: c_ulong) {
        // SAFETY: By the type invariants the range is reserved for this device. The caller promises
        // the rest.
        unsafe {
            ffi::sgdma_iova_unlink(
                self.dev,
                &mut self.state,
                extent.start,
                extent.len(),
                self.direction,
                attrs,
            )
        };
    }

    /// Lets the device see what was linked in `extent`. Does not sleep.
    ///
    /// # Errors
    ///
    /// Those of the IOMMU's driver. Most cannot fail.
    ///
    /// # Safety
    ///
    /// The device is bound, and `extent` lies in the range.
    #[inline(never)]
    pub(super) unsafe fn sync(&mut self, extent: Extent) -> Result {
        // SAFETY: By the type invariants the range is reserved for this device. The caller promises
        // the rest.
        to_result(unsafe {
            ffi::sgdma_iova_sync(self.dev, &mut self.state, extent.start, extent.len())
        })
    }

    /// Frees the range. Does not sleep.
    ///
    /// # Safety
    ///
    /// The device is bound, and nothing is linked.
    pub(super) unsafe fn free(mut self) {
        // SAFETY: By the type invariants the range is reserved for this device. Nothing is linked
        // in it, and `self` is not used again.
        unsafe { ffi::sgdma_iova_free(self.dev, &mut self.state) };
    }

    /// Returns true if `extent` is the whole range, which [`destroy`](Self::destroy) can take.
    pub(super) fn is_all(&self, extent: Extent) -> bool {
        extent.len() == self.size
    }

    /// Unlinks all and frees the range, which takes less than one after the other. Does not sleep.
    ///
    /// # Safety
    ///
    /// - The device is bound, and does not access the range.
    /// - All of the range is linked, and all of it is memory. The whole of it, because 7.2 frees
    ///   just what it unlinks.
    pub(super) unsafe fn destroy(mut self) {
        // SAFETY: By the type invariants the range is reserved for this device. All of it is
        // linked, as the caller promises, and `self` is not used again.
        unsafe { ffi::sgdma_iova_destroy(self.dev, &mut self.state, self.size, self.direction, 0) };
    }
}
