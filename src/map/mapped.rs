// SPDX-License-Identifier: GPL-2.0

//! Mappings: a table as one device sees it, and a table while that device works on it.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use crate::{
    base::{
        buffer_error::BufferError,
        direction::Direction, //
    },
    device::{
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    ffi,
    map::{
        attrs::MapAttrs,
        exclusive::Exclusive,
        in_flight::{
            private, //
            InFlight,
            Mapping,
        },
        sync::{
            sync_range,
            sync_whole, //
            To,
        }, //
    },
    table::{
        kept::Kept,
        owned_pages::OwnedPages,
        sg_table::SgTable, //
    },
    walk::{
        cpu::CpuTable,
        dma::DmaTable,
        lockstep::Lockstep, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{
        Deref,
        Range, //
    }, //
};
use kernel::{
    bindings,
    error::to_result,
    ffi::c_ulong,
    prelude::*, //
};

/// A table mapped for a device: `dma_map_sgtable()`. The CPU has no access to its bytes.
///
/// Dropping it unmaps the buffer and discards what is in it; [`unmap`](Self::unmap) gives it back. Before the device is
/// told any address, [`submit`](Self::submit) it, so that no early return unmaps under the device.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, DmaDevice, Mapped, SgTable};
/// fn map<'bound>(dev: DmaDevice<'bound>) -> Result<Mapped<'bound, Bidirectional>> {
///     let table = SgTable::alloc(1 << 20, dev, GFP_KERNEL)?;
///     let mut mapped = table.map(dev, Bidirectional)?;
///     mapped.for_cpu().copy_from_slice(0, b"more, now that it is mapped")?;
///     pr_info!(
///         "{} bytes in {} segments, of which the device sees {}\n",
///         mapped.len(),
///         mapped.cpu().orig_nents(),
///         mapped.nents()
///     );
///     Ok(mapped)
/// }
/// ```
///
/// # Invariants
///
/// `table` is mapped for `dev` in direction `D` with `attrs`.
pub struct Mapped<'bound, D: Direction, P = OwnedPages> {
    dev: DmaDevice<'bound>,
    attrs: MapAttrs,
    table: SgTable<P>,
    /// Whether anything is done when bytes change hands, or when it is unmapped.
    needs_sync: bool,
    needs_unmap: bool,
    /// The bytes that are in the hands of the CPU.
    with_cpu: Range<usize>,
    _direction: PhantomData<D>,
}

impl<P: Exclusive> SgTable<P> {
    /// Maps the buffer for `dev`: `dma_map_sgtable()`. Does not sleep.
    ///
    /// # Errors
    ///
    /// As for [`map_attrs`](Self::map_attrs).
    pub fn map<'bound, D: Direction>(
        self,
        dev: DmaDevice<'bound>,
        direction: D,
    ) -> Result<Mapped<'bound, D, P>, BufferError<Self>> {
        self.map_attrs(dev, direction, MapAttrs::NONE)
    }

    /// As [`map`](Self::map), with attributes.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them.
    ///
    /// - `E2BIG` if a segment is longer than the device takes, or lies across its segment boundary:
    ///   the table was made for another device, or for none.
    /// - `ERANGE` if a segment came to lie across that boundary on the bus, as it may where bus
    ///   addresses differ from physical ones by less than the boundary.
    /// - `EIO` if the device does not reach a page, and it cannot or must not bounce; or if the bus
    ///   shows it the parts of a segment at different places (`dma-ranges`): the table was made for
    ///   another device, or for none.
    /// - `EIO`, `ENOMEM`, `EINVAL`, `EREMOTEIO`, `EOPNOTSUPP` as `dma_map_sgtable()` gives them, for example if
    ///   the bounce buffer pool (`swiotlb=`) is too small.
    pub fn map_attrs<'bound, D: Direction>(
        self,
        dev: DmaDevice<'bound>,
        _direction: D,
        attrs: MapAttrs,
    ) -> Result<Mapped<'bound, D, P>, BufferError<Self>> {
        // An IOMMU shows whole pages anyway. But of an untrusted device the kernel has parts of
        // pages bounce, for it cannot know that the other bytes may be seen.
        let pages = match dev.route() {
            DmaRoute::Iommu => P::PAGES,
            _ => MapAttrs::NONE,
        };
        self.map_as(dev, attrs | pages)
    }
}

impl<P> SgTable<P> {
    /// As [`map_attrs`](Self::map_attrs), also for pages that user space knows, to be shared.
    pub(crate) fn map_as<'bound, D: Direction>(
        mut self,
        dev: DmaDevice<'bound>,
        attrs: MapAttrs,
    ) -> Result<Mapped<'bound, D, P>, BufferError<Self>> {
        let mut attrs = attrs | MapAttrs::of(dev);
        if attrs.contains(MapAttrs::WHOLE_PAGES) && !self.fits_whole_pages(dev) {
            attrs = attrs.without(MapAttrs::WHOLE_PAGES);
        }
        if let Err(error) = self.prepare(dev, attrs) {
            return Err(BufferError {
                error,
                buffer: self,
            });
        }
        self.unmark();
        let whole_pages = attrs.contains(MapAttrs::WHOLE_PAGES);
        if whole_pages {
            self.cover_whole_pages(false);
        }
        // SAFETY:
        // - `dev` is a bound device whose mask is set and stays.
        // - The table is allocated and not mapped; all bytes of its pages are initialised. It goes
        //   into a `Mapped`, which frees list and pages only after unmapping, or keeps both.
        // - The direction is not `DMA_NONE`, and the attributes are for streaming.
        let result = to_result(unsafe {
            ffi::sgdma_map_sgtable(
                dev.as_raw(),
                self.sgt_mut(),
                D::DIRECTION.into(),
                attrs.for_map(),
            )
        });
        if whole_pages {
            self.cover_bytes(result.is_ok());
        }
        if let Err(error) = result {
            return Err(BufferError {
                error,
                buffer: self,
            });
        }
        // Where it may be skipped, nothing has bounced so far: this neither, whatever comes later.
        // SAFETY: `dev` is valid, and its mask is set.
        let needs_sync = unsafe { ffi::sgdma_dma_dev_need_sync(dev.as_raw()) }
            | attrs.contains(MapAttrs::SYNC_DEBUG);
        // INVARIANT: Mapped just now.
        let mapped = Mapped {
            dev,
            attrs,
            table: self,
            needs_sync,
            // `dma_need_unmap()`, which says so of IOMMUs only on some platforms.
            needs_unmap: needs_sync || dev.route() != DmaRoute::Direct,
            with_cpu: 0..0,
            _direction: PhantomData,
        };

        let boundary = dev.seg_boundary() as u64;
        if boundary != u64::MAX && mapped.dma_segments().any(|run| !run.within(boundary)) {
            return Err(BufferError {
                error: ERANGE,
                buffer: mapped.unmap(),
            });
        }
        Ok(mapped)
    }

    /// What is checked, and done, before mapping.
    fn prepare(&self, dev: DmaDevice<'_>, attrs: MapAttrs) -> Result {
        if !self.fits(dev.into()) {
            return Err(E2BIG);
        }
        // The kernel warns of such a mapping.
        if (attrs.contains(MapAttrs::REQUIRE_COHERENT) || dev.warns_beyond_reach())
            && dev.route() == DmaRoute::Direct
            && !self.is_reached_by(dev)
        {
            return Err(EIO);
        }
        // It does not notice that the end of such a segment is elsewhere.
        if dev.has_borders() && !self.is_straight_for(dev) {
            return Err(EIO);
        }
        // Caches may hide what was written to the rest of a page, which an IOMMU shows.
        if self.is_whole_pages() || !dev.needs_cache_maintenance() {
            return Ok(());
        }
        for page in self.partial_pages() {
            // SAFETY: Both are valid, and the page is not mapped for any device.
            to_result(unsafe { ffi::sgdma_clean_page(dev.as_raw(), page.as_ptr()) })?;
        }
        Ok(())
    }
}

impl<'bound, D: Direction, P> Mapped<'bound, D, P> {
    /// Length of the buffer in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// The table in its CPU form: which pages there are.
    #[inline]
    pub fn cpu(&self) -> &CpuTable {
        self.table.cpu()
    }

    /// Each page of the buffer beside its bus address, piece by piece.
    #[inline]
    pub fn lockstep(&self) -> Lockstep<'_> {
        Lockstep::new(self.cpu(), self)
    }

    /// Says that the device is about to be told addresses of this buffer.
    ///
    /// From here on until [`InFlight::complete`] nothing unmaps or frees it.
    pub fn submit(mut self) -> InFlight<Self>
    where
        P: Send + 'static,
    {
        self.reclaim();
        InFlight::new(self)
    }

    /// Gives the buffer back to the CPU: `dma_unmap_sgtable()`. Does not sleep.
    pub fn unmap(self) -> SgTable<P> {
        let mut this = ManuallyDrop::new(self);
        if !this.attrs.contains(MapAttrs::SKIP_CPU_SYNC) {
            this.reclaim();
        }
        this.unmap_once();
        // SAFETY: `this` is never dropped or used again, so the table is moved out just once.
        unsafe { core::ptr::read(&this.table) }
    }

    pub(crate) fn dma(&self) -> DmaDevice<'bound> {
        self.dev
    }

    pub(crate) fn attrs(&self) -> MapAttrs {
        self.attrs
    }

    pub(crate) fn table(&self) -> &SgTable<P> {
        &self.table
    }

    /// For synchronisation and for the CPU's turn; it stays mapped.
    pub(crate) fn table_mut(&mut self) -> &mut SgTable<P> {
        &mut self.table
    }

    #[inline]
    pub(crate) fn needs_sync(&self) -> bool {
        self.needs_sync
    }

    /// Takes back what a guard has left with the CPU.
    #[inline]
    pub(crate) fn reclaim(&mut self) {
        if self.needs_sync() {
            self.hand_to_device();
        }
    }

    // Out of line, for there is nothing to do for most devices: then the guard costs a look at a bit.
    #[cold]
    #[inline(never)]
    fn hand_to_device(&mut self) {
        let range = core::mem::replace(&mut self.with_cpu, 0..0);
        if !range.is_empty() {
            self.sync(&range, To::Device);
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn hand_to_cpu(&mut self, range: Range<usize>) {
        // A guard may have been forgotten.
        self.hand_to_device();
        self.sync(&range, To::Cpu);
        self.with_cpu = range;
    }

    fn sync(&mut self, range: &Range<usize>, to: To) {
        let whole = *range == (0..self.len());
        let (dma, attrs) = (self.dma(), self.attrs());
        let sgt = self.table_mut().sgt_mut();
        // SAFETY: By the invariants of `Mapped` the table is mapped for `dma`, in this direction and with these
        // attributes, and borrowed exclusively; both callers' ranges lie within it.
        unsafe {
            match whole {
                true => sync_whole(dma, sgt, D::DIRECTION.into(), to),
                false => sync_range(dma, sgt, D::DIRECTION.into(), attrs, range, to),
            }
        }
    }

    /// Must be the last thing that happens to `self`.
    #[inline]
    fn unmap_once(&mut self) {
        if !self.needs_unmap {
            return;
        }
        let whole_pages = self.attrs.contains(MapAttrs::WHOLE_PAGES);
        if whole_pages {
            self.table.cover_whole_pages(true);
        }
        // SAFETY:
        // - `dev` is the device the table was mapped for. It is still bound: a value that borrows
        //   `'bound` is used, and dropped, within it.
        // - The table is mapped, with this direction and these attributes, by the type invariants.
        // - Both callers give the value up, so it happens once.
        unsafe {
            ffi::sgdma_unmap_sgtable(
                self.dev.as_raw(),
                self.table.sgt_mut(),
                D::DIRECTION.into(),
                self.attrs.for_unmap(),
            )
        };
        if whole_pages {
            self.table.cover_bytes(false);
        }
    }
}

/// What the device sees of the buffer, and the walks over it.
impl<D: Direction, P> Deref for Mapped<'_, D, P> {
    type Target = DmaTable;

    #[inline]
    fn deref(&self) -> &DmaTable {
        // SAFETY: By the type invariants the table is mapped. It is unmapped and changed only by
        // what takes the `Mapped` away, which the borrow forbids.
        unsafe { DmaTable::from_raw(self.table.sgt()) }
    }
}

impl<D: Direction, P> Drop for Mapped<'_, D, P> {
    fn drop(&mut self) {
        self.unmap_once();
    }
}

impl<D: Direction, P: Send + 'static> Mapping for Mapped<'_, D, P> {}

impl<D: Direction, P: Send + 'static> private::Mapping for Mapped<'_, D, P> {
    fn device(&self) -> DmaDevice<'_> {
        self.dev
    }

    fn hold(self, epoch: u64) {
        let (dev, len) = (self.dev, self.len());
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped or used again, so the table is moved out just once.
        let mut table = unsafe { core::ptr::read(&this.table) };
        if this.attrs.contains(MapAttrs::WHOLE_PAGES) {
            // As it was mapped, and is to be unmapped.
            table.cover_whole_pages(true);
        }
        let (place, owner, list) = table.into_parts();
        // SAFETY: The device is valid, and bound to its driver.
        let domain = unsafe { ffi::sgdma_iommu_get_domain_for_dev(dev.as_raw()) };
        // INVARIANT: As the `Mapped` was.
        let kept = Kept {
            dev: dev.as_raw(),
            domain,
            route: dev.route(),
            direction: D::DIRECTION.into(),
            attrs: this.attrs.for_unmap() | bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong,
            needs_unmap: this.needs_unmap,
            _owner: owner,
            list,
        };
        // SAFETY: The device is valid and bound, and the table is mapped for it.
        unsafe { place.hold(dev.as_raw(), dev.quarantine(), epoch, len, kept) };
    }
}
