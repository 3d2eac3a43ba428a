// SPDX-License-Identifier: GPL-2.0

//! Mapped tables: buffers that one device can access by bus addresses.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! Mapping gives each segment of a table a bus address for one device. It may also set up an IOMMU,
//! write back caches, or copy the bytes to a bounce buffer. A [`Mapped`] table knows if any of that
//! happened, so that synchronising and unmapping cost nothing where there is nothing to do.

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
    lifecycle::quarantine::Placed,
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
        owned_pages::OwnedPages,
        parts::{
            MapState,
            Parts,
            Unmap, //
        },
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
    ffi::{
        c_uint,
        c_ulong, //
    },
    prelude::*, //
};

/// A table that is mapped for a device: `dma_map_sgtable()`.
///
/// The bytes belong to the device. A guard, [`for_cpu`](Self::for_cpu), hands bytes to the CPU for
/// a while. [`unmap`](Self::unmap) ends the mapping and returns the buffer. A drop unmaps the
/// buffer and frees it.
///
/// Call [`submit`](Self::submit) before the device is told any address. Otherwise an early return
/// would unmap the buffer while the device accesses it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, DmaDevice, SgTable};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let table = SgTable::alloc(1 << 18, dev, GFP_KERNEL)?;
/// let mut mapped = table.map(dev, Bidirectional)?;
/// mapped.for_cpu().copy_from_slice(0, b"more, now that it is mapped")?;
/// // An IOMMU may have merged segments.
/// assert!(mapped.nents() <= mapped.cpu().orig_nents());
///
/// let mut bytes = [0; 4];
/// mapped.unmap().copy_to_slice(0, &mut bytes)?;
/// assert_eq!(bytes, *b"more");
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// - `table` is mapped for `dev` in direction `D` with the attributes `attrs` that it keeps, by
///   `sgdma_map_sgtable()`. If `attrs` has `WHOLE_PAGES`, the list covered whole pages when it was
///   mapped, and covers just the bytes of the buffer now.
/// - The `cpu_range` that the table keeps lies within `0..len`. It is the bytes that the last
///   synchronisation handed to the CPU and that were not handed back yet. All other bytes belong to
///   the device. If `cpu_range` is empty, all bytes do.
/// - If `attrs` lacks `NEEDS_SYNC`, synchronising this mapping would do nothing, so nobody does it,
///   and `cpu_range` stays empty. The device is coherent with the CPU's caches, and no page of this
///   mapping has bounced. Neither changes while the table is mapped.
/// - If `attrs` lacks `NEEDS_UNMAP`, unmapping would do nothing, so nobody does it. The device is
///   mapped directly, so there is no IOMMU entry to remove, and `NEEDS_SYNC` is not there either,
///   so there is neither a bounce buffer to free nor a cache to maintain.
#[must_use = "dropping a mapping unmaps the buffer and frees it"]
#[doc(alias = "dma_map_sgtable")]
pub struct Mapped<'bound, D: Direction, P = OwnedPages> {
    // Two words, which a result returns in registers. What else is known of the mapping is in the
    // table's place on the heap.
    dev: DmaDevice<'bound>,
    table: SgTable<P>,
    _direction: PhantomData<D>,
}

impl<P: Exclusive> SgTable<P> {
    /// Maps the buffer for `dev`: `dma_map_sgtable()`. Does not sleep.
    ///
    /// # Errors
    ///
    /// Those of [`map_attrs`](Self::map_attrs).
    #[doc(alias = "dma_map_sgtable")]
    #[doc(alias = "dma_map_sg")]
    pub fn map<'bound, D: Direction>(
        self,
        dev: DmaDevice<'bound>,
        direction: D,
    ) -> Result<Mapped<'bound, D, P>, BufferError<Self>> {
        self.map_attrs(dev, direction, MapAttrs::NONE)
    }

    /// Maps the buffer for `dev` with attributes: `dma_map_sgtable()`. Does not sleep.
    ///
    /// # Errors
    ///
    /// Each error returns the buffer.
    ///
    /// - `E2BIG` if a segment is longer than the device allows, or crosses the device's segment
    ///   boundary. The table was then made for another device, or for none.
    /// - `ERANGE` if a segment crosses that boundary on the bus only. This can happen where bus
    ///   addresses and physical addresses differ by less than the boundary.
    /// - `EIO` if the device cannot reach a page, and that page cannot bounce or must not.
    /// - `EIO` if the parts of a segment lie at different places of the device's bus
    ///   (`dma-ranges`). The table was then made for another device, or for none.
    /// - `EIO`, `ENOMEM`, `EINVAL`, `EREMOTEIO` and `EOPNOTSUPP` from `dma_map_sgtable()`. For
    ///   example, `EIO` if the pool of bounce buffers (`swiotlb=`) is full.
    #[doc(alias = "dma_map_sg_attrs")]
    pub fn map_attrs<'bound, D: Direction>(
        self,
        dev: DmaDevice<'bound>,
        _direction: D,
        attrs: MapAttrs,
    ) -> Result<Mapped<'bound, D, P>, BufferError<Self>> {
        // An IOMMU maps whole pages. For an untrusted device iommu-dma therefore bounces a partial
        // page, whose other bytes the device must not see. If nobody uses those bytes, the whole
        // page is mapped and nothing bounces.
        let pages = match dev.route() {
            DmaRoute::Iommu => MapAttrs::of_owner::<P>(),
            _ => MapAttrs::NONE,
        };
        self.map_as(dev, attrs | pages)
    }
}

impl<P> SgTable<P> {
    /// Maps the buffer, whoever owns its pages; otherwise as [`map_attrs`](Self::map_attrs).
    ///
    /// Pages that user space accesses are only mapped to be shared: see [`Shared`](crate::Shared).
    pub(crate) fn map_as<'bound, D: Direction>(
        mut self,
        dev: DmaDevice<'bound>,
        attrs: MapAttrs,
    ) -> Result<Mapped<'bound, D, P>, BufferError<Self>> {
        if !dev.is_plain() || attrs.intersects(MapAttrs::SYNC_DEBUG | MapAttrs::WHOLE_PAGES) {
            return self.map_with_care(dev, attrs);
        }
        let result = match self.fits(dev.into()) {
            // SAFETY: As `map_list()` requires, a table that was mapped goes into a `Mapped` with
            // the same `dev`, `D` and `attrs` below.
            true => unsafe { self.map_list::<D>(dev, attrs) },
            false => Err(E2BIG),
        };
        match result {
            // INVARIANT:
            // - `map_list()` has mapped the table for `dev` in direction `D` with `attrs`.
            // - Mapping hands all bytes to the device, so `cpu_range` is empty.
            // - By the invariants of `DmaFacts` a plain device is coherent, is mapped directly and
            //   reaches all memory in place, so the mapping has not bounced.
            Ok(()) => Ok(Mapped {
                dev,
                table: self.with_attrs(attrs),
                _direction: PhantomData,
            }),
            Err(error) => Err(BufferError {
                error,
                buffer: self,
            }),
        }
    }

    /// Maps the buffer as [`map_as`](Self::map_as) does, for any device and any attributes.
    #[inline(never)]
    fn map_with_care<'bound, D: Direction>(
        mut self,
        dev: DmaDevice<'bound>,
        attrs: MapAttrs,
    ) -> Result<Mapped<'bound, D, P>, BufferError<Self>> {
        let mut attrs = attrs | MapAttrs::of(dev);
        if attrs.contains(MapAttrs::WHOLE_PAGES) && !self.fits_whole_pages(dev) {
            attrs = attrs.without(MapAttrs::WHOLE_PAGES);
        }
        let result = self.prepare(dev, attrs).and_then(|()| {
            // SAFETY: As `map_list()` requires, a table that was mapped goes into a `Mapped` with
            // the same `dev`, `D` and `attrs` below.
            unsafe { self.map_list::<D>(dev, attrs) }
        });
        if let Err(error) = result {
            return Err(BufferError {
                error,
                buffer: self,
            });
        }
        // `dma_dev_need_sync()` returns false as long as no mapping of a coherent device has
        // bounced. So if it returns false after this mapping was made, this mapping has not
        // bounced. A later mapping that bounces cannot change that.
        // SAFETY: The device is valid: `dev` borrows it. Its mask is set, by the invariants of
        // `DmaFacts`.
        let needs_sync = unsafe { ffi::sgdma_dma_dev_need_sync(dev.as_raw()) }
            | attrs.contains(MapAttrs::SYNC_DEBUG);
        // The answer of `dma_need_unmap()` for a directly mapped device. An IOMMU or a platform's
        // own code always has an entry to remove.
        let needs_unmap = needs_sync || dev.route() != DmaRoute::Direct;
        // INVARIANT:
        // - `map_list()` has mapped the table for `dev` in direction `D` with `attrs`.
        // - Mapping hands all bytes to the device, so `cpu_range` is empty.
        // - Without `NEEDS_SYNC`, the device is coherent and this mapping has not bounced (see
        //   above), nor has it a shadow.
        // - Without `NEEDS_UNMAP`, there is no `NEEDS_SYNC` and the device is mapped directly.
        let mapped = Mapped {
            dev,
            table: self.with_attrs(attrs.with_state(needs_sync, needs_unmap)),
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

    /// Keeps the attributes that the table was just mapped with. No byte is the CPU's.
    fn with_attrs(mut self, attrs: MapAttrs) -> Self {
        *self.mapping_mut() = MapState {
            attrs: attrs.into_raw(),
            cpu_range: 0..0,
        };
        self
    }

    /// Calls `dma_map_sgtable()`. Does not sleep.
    ///
    /// # Safety
    ///
    /// If this succeeds, the caller puts the table into a [`Mapped`] with the same `dev`, `D` and
    /// `attrs`: the table no longer keeps the invariant of `SgTable` that its list is not mapped.
    unsafe fn map_list<D: Direction>(&mut self, dev: DmaDevice<'_>, attrs: MapAttrs) -> Result {
        self.unmark();
        let whole_pages = attrs.contains(MapAttrs::WHOLE_PAGES);
        if whole_pages {
            self.cover_whole_pages(false);
        }
        // SAFETY:
        // - The device is valid and bound: `dev` borrows it. Its mask is set, and does not change
        //   while the table is mapped, by the invariants of `DmaFacts`.
        // - By the invariants of `SgTable` the list is filled in and not mapped, and all bytes of
        //   its pages are initialised. `self` is borrowed exclusively.
        // - The caller puts the table into a `Mapped`, as it promises. A `Mapped` frees list and
        //   pages only after unmapping, or moves both into quarantine.
        // - `D::DIRECTION` is a direction, not `DMA_NONE`. By the invariants of `MapAttrs` the
        //   attributes are valid for a streaming mapping.
        let result = unsafe {
            ffi::sgdma_map_sgtable(
                dev.as_raw(),
                self.sgt_mut(),
                D::DIRECTION as c_uint,
                attrs.for_map(),
            )
        };
        if whole_pages {
            self.cover_bytes(result == 0);
        }
        match result {
            0 => Ok(()),
            failed => to_result(failed),
        }
    }

    /// Checks that the table can be mapped for `dev`, and cleans the caches of partial pages.
    fn prepare(&self, dev: DmaDevice<'_>, attrs: MapAttrs) -> Result {
        if !self.fits(dev.into()) {
            return Err(E2BIG);
        }
        // The kernel would refuse such a mapping with a warning.
        if (attrs.contains(MapAttrs::REQUIRE_COHERENT) || dev.warns_beyond_reach())
            && dev.route() == DmaRoute::Direct
            && !self.is_reached_by(dev)
        {
            return Err(EIO);
        }
        // The kernel checks only the ends of a segment. It would not notice that the bytes in
        // between lie at another place of the device's bus.
        if dev.has_borders() && !self.is_straight_for(dev) {
            return Err(EIO);
        }
        // An IOMMU maps whole pages, so the device also sees the bytes beside the buffer. What the
        // kernel wrote there last may still be in the cache only. Memory then shows the device what
        // an earlier user of the page left.
        if self.is_whole_pages() || !dev.needs_cache_maintenance() {
            return Ok(());
        }
        for page in self.partial_pages() {
            // SAFETY: The device is valid: `dev` borrows it. The page is one of the table's, and by
            // the invariants of `SgTable` it is not mapped for any device.
            to_result(unsafe { ffi::sgdma_clean_page(dev.as_raw(), page.as_ptr()) })?;
        }
        Ok(())
    }
}

impl<'bound, D: Direction, P> Mapped<'bound, D, P> {
    /// Returns the length of the buffer in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns the CPU's view of the table: its pages.
    #[inline]
    pub fn cpu(&self) -> &CpuTable {
        self.table.cpu()
    }

    /// Returns an iterator over pieces of the buffer, each with its page and its bus address.
    #[inline]
    pub fn lockstep(&self) -> Lockstep<'_> {
        Lockstep::new(self.cpu(), self)
    }

    /// Puts the mapping in flight, before the device is told any address of it. Does not sleep.
    ///
    /// Nothing unmaps or frees the buffer until [`InFlight::complete`] is called. Bytes that a
    /// forgotten guard left with the CPU are handed to the device.
    pub fn submit(mut self) -> InFlight<Self>
    where
        P: Send + 'static,
    {
        self.reclaim();
        InFlight::new(self)
    }

    /// Ends the mapping and returns the buffer to the CPU: `dma_unmap_sgtable()`. Does not sleep.
    #[doc(alias = "dma_unmap_sgtable")]
    #[doc(alias = "dma_unmap_sg")]
    pub fn unmap(self) -> SgTable<P> {
        let mut this = ManuallyDrop::new(self);
        if !this.attrs().contains(MapAttrs::SKIP_CPU_SYNC) {
            this.reclaim();
        }
        this.unmap_once();
        // SAFETY: `table` is valid. `this` is neither used again nor dropped, so the table is moved
        // out once. The other fields need no drop.
        unsafe { core::ptr::read(&this.table) }
    }

    /// Returns the device that the table is mapped for.
    pub(crate) fn dma(&self) -> DmaDevice<'bound> {
        self.dev
    }

    /// Returns the attributes that the table is mapped with.
    pub(crate) fn attrs(&self) -> MapAttrs {
        MapAttrs::from_raw(self.table.mapping().attrs)
    }

    /// Returns the table, which stays mapped.
    pub(crate) fn table(&self) -> &SgTable<P> {
        &self.table
    }

    /// Returns the table for synchronisation and for copying. The caller leaves its list as it is.
    pub(crate) fn table_mut(&mut self) -> &mut SgTable<P> {
        &mut self.table
    }

    /// Returns false if synchronising this mapping would do nothing.
    #[inline]
    pub(crate) fn needs_sync(&self) -> bool {
        self.attrs().contains(MapAttrs::NEEDS_SYNC)
    }

    /// Hands the bytes of `cpu_range` back to the device. Does not sleep.
    #[inline]
    pub(crate) fn reclaim(&mut self) {
        if self.needs_sync() {
            self.hand_to_device();
        }
    }

    /// Hands the bytes of `cpu_range` back to the device, for a mapping that needs synchronisation.
    // Cold: most devices need no synchronisation, and then a guard only tests a flag.
    #[cold]
    #[inline(never)]
    fn hand_to_device(&mut self) {
        // INVARIANT: No byte is the CPU's after the synchronisation below.
        let range = core::mem::replace(&mut self.table.mapping_mut().cpu_range, 0..0);
        if !range.is_empty() {
            self.sync(&range, To::Device);
        }
    }

    /// Hands the bytes of `range`, which lies within `0..len`, to the CPU and all other bytes to
    /// the device. Only for a mapping that needs synchronisation.
    // Cold, as `hand_to_device()` is.
    #[cold]
    #[inline(never)]
    pub(crate) fn hand_to_cpu(&mut self, range: Range<usize>) {
        // A guard that was forgotten has left its bytes with the CPU.
        self.hand_to_device();
        self.sync(&range, To::Cpu);
        // INVARIANT: `range` lies within `0..len`, as the caller checked. The synchronisation has
        // handed it to the CPU.
        self.table.mapping_mut().cpu_range = range;
    }

    /// Synchronises the bytes of `range`, which lies within `0..len` and is not empty.
    fn sync(&mut self, range: &Range<usize>, to: To) {
        let whole = *range == (0..self.len());
        let (dma, attrs) = (self.dma(), self.attrs());
        let sgt = self.table_mut().sgt_mut();
        // SAFETY:
        // - By the type invariants the table is mapped for `dma` in this direction with these
        //   attributes, by `sgdma_map_sgtable()`.
        // - `self` is borrowed exclusively, so nobody changes the table during the call.
        // - `range` lies within the bytes of the table: `hand_to_device()` passes a `cpu_range`, of
        //   which the type invariants say so, and `hand_to_cpu()` the range of a new guard.
        unsafe {
            if whole {
                sync_whole(dma, sgt, D::DIRECTION as c_uint, to);
            } else {
                sync_range(dma, sgt, D::DIRECTION as c_uint, attrs, range, to);
            }
        }
    }

    /// Returns the parts of the table, which stays mapped. Releasing the parts unmaps it, and hands
    /// nothing to the CPU if `skip_cpu_sync` is true.
    pub(crate) fn into_mapped_parts(self, skip_cpu_sync: bool) -> Placed<Parts<P>> {
        let (dev, attrs) = (self.dev, self.attrs());
        let skip = if skip_cpu_sync {
            bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong
        } else {
            0
        };
        let this = ManuallyDrop::new(self);
        // SAFETY: `table` is valid. `this` is not dropped, and its `table` is not used again, so
        // the table is moved out once.
        let mut table = unsafe { core::ptr::read(&this.table) };
        if attrs.contains(MapAttrs::WHOLE_PAGES) {
            // The list must cover the same bytes when it is unmapped as when it was mapped.
            table.cover_whole_pages(true);
        }
        let mut parts = table.into_parts();
        // INVARIANT: By the invariants of `Mapped` the list is mapped for `dev` in direction `D`
        // with these attributes. `route` and `domain` are those of a device that is still bound, so
        // they are those that the list was mapped by. `this` is not dropped, so nobody else unmaps
        // the list. Without `NEEDS_UNMAP`, unmapping does nothing.
        let needs_unmap = attrs.contains(MapAttrs::NEEDS_UNMAP);
        parts.unmap = needs_unmap.then(|| Unmap {
            dev: dev.as_raw(),
            // SAFETY: The device is valid and bound: `dev` borrows it.
            domain: unsafe { ffi::sgdma_iommu_get_domain_for_dev(dev.as_raw()) },
            route: dev.route(),
            direction: D::DIRECTION as c_uint,
            attrs: attrs.for_unmap() | skip,
        });
        parts
    }

    /// Unmaps the table. The caller uses `self` no more, but for moving the table out.
    #[inline]
    fn unmap_once(&mut self) {
        if !self.attrs().contains(MapAttrs::NEEDS_UNMAP) {
            return;
        }
        let whole_pages = self.attrs().contains(MapAttrs::WHOLE_PAGES);
        if whole_pages {
            self.table.cover_whole_pages(true);
        }
        // SAFETY:
        // - By the type invariants the table is mapped for `dev` in this direction with these
        //   attributes. The list covers what it covered when it was mapped: for `WHOLE_PAGES`,
        //   `cover_whole_pages()` has just restored that.
        // - The device is still bound: `self` borrows `'bound`, which ends with the binding.
        // - The table is unmapped once: `unmap()` and `drop()` both give the value up, and
        //   `unmap()` prevents the drop.
        unsafe {
            ffi::sgdma_unmap_sgtable(
                self.dev.as_raw(),
                self.table.sgt_mut(),
                D::DIRECTION as c_uint,
                self.attrs().for_unmap(),
            )
        };
        if whole_pages {
            self.table.cover_bytes(false);
        }
    }
}

/// Gives access to the device's view of the buffer: the bus addresses, and the walks over them.
impl<D: Direction, P> Deref for Mapped<'_, D, P> {
    type Target = DmaTable;

    #[inline]
    fn deref(&self) -> &DmaTable {
        // SAFETY:
        // - By the type invariants the table is mapped, so its list has bus addresses.
        // - Unmapping the table or changing its list takes the `Mapped` by value or exclusively,
        //   and the reference borrows it.
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
    fn epoch(&self) -> u64 {
        self.dev.epoch()
    }

    unsafe fn hold(self, epoch: u64) {
        let (dev, len) = (self.dev, self.len());
        let parts = self.into_mapped_parts(true);
        // SAFETY:
        // - The device is valid and bound: `dev` borrows it.
        // - By the invariants of `Mapped` the list in `parts` is mapped for it.
        // - The quarantine is the one that `dev` has from its binding.
        unsafe { parts.hold(dev.as_raw(), dev.quarantine(), epoch, len) };
    }
}
