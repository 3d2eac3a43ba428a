// SPDX-License-Identifier: GPL-2.0

//! Tables: a buffer's pages and the list that describes them, not mapped for any device.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use crate::{
    base::{
        buffer_error::BufferError,
        gfp::Gfp, //
    },
    device::dma_device::DmaDevice,
    ffi,
    lifecycle::{
        deferred,
        quarantine::{
            Place,
            Placed, //
        }, //
    },
    table::{
        from_pages::sg_phys_run,
        limits::SegmentLimits,
        owned_pages::OwnedPages,
        page_owner::PageOwner,
        parts::{
            MapState,
            Parts, //
        },
    },
    walk::{
        cpu::{
            CpuPage,
            CpuTable,
            PagePart, //
        },
        entries::sg_dma_unmark,
        list::List,
        run::Run, //
    }, //
};
use core::{
    mem::ManuallyDrop,
    ops::Range, //
};
use kernel::{
    alloc::Flags,
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// A buffer, scattered in memory, with the `struct sg_table` that describes it.
///
/// No device can use the buffer of an `SgTable`. It belongs to the CPU, which copies bytes in and
/// out at any offset. [`map`](Self::map) turns the table into a [`Mapped`](crate::Mapped) table,
/// for one device.
///
/// `P` is the owner of the pages: [`OwnedPages`] in a table that [`alloc`](Self::alloc) has made,
/// or a [`PageOwner`]. Dropping the table drops the owner. For `OwnedPages` this frees the pages
/// and does not sleep.
///
/// ```
/// # use kernel::{page::PAGE_SIZE, prelude::*};
/// # use sgdma::{DmaDevice, SgTable};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let mut table = SgTable::alloc(100_000, dev, GFP_KERNEL)?;
/// table.fill(0..500, 0xff)?;
/// table.copy_from_slice(99_990, b"last bytes")?;
/// let mut first = [0; 2];
/// table.copy_to_slice(499, &mut first)?;
/// assert_eq!(first, [0xff, 0]);
/// assert_eq!(table.len(), 100_000);
/// assert_eq!(table.cpu().cpu_pages().count(), 100_000_usize.div_ceil(PAGE_SIZE));
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// - `parts` was not moved out.
/// - The list is not mapped for any device, and `unmap` is `None`.
/// - All bytes of the pages are initialised.
/// - Nobody else uses these bytes. User space is exempt if a [`UserTable`](crate::UserTable) has
///   the table, which then lends no reference to it. All are exempt if a dma-buf has the table,
///   which then only copies.
#[doc(alias = "sg_table")]
pub struct SgTable<P = OwnedPages> {
    /// Moved out once, when the table ends. They are in the place where they stay if they are
    /// dropped while a device may be using them, or where nothing may sleep.
    parts: ManuallyDrop<Placed<Parts<P>>>,
}

/// The bytes of a buffer's first and last page that are not in the buffer.
struct Margins {
    /// The number of bytes before the buffer.
    before: i32,
    /// The number of bytes behind the buffer.
    after: i32,
}

impl SgTable {
    /// Allocates a zeroed buffer of `len` bytes in single pages, and its list:
    /// `sg_alloc_table_from_pages_segment()`.
    ///
    /// `limits` is the device that the table is meant for, or [`SegmentLimits::NONE`]. Neighbouring
    /// pages share a segment as far as the limits allow. If the device does not reach all memory,
    /// the pages come from zones that it reaches (`GFP_DMA32`, `GFP_DMA`), as long as these have
    /// free pages. A page that comes from elsewhere bounces when it is mapped. The bytes between
    /// `len` and the end of the last page are zeroed, too, because a device behind an IOMMU sees
    /// whole pages.
    ///
    /// The call sleeps only if `gfp` allows it. Of `gfp`, only the bits of `GFP_KERNEL_ACCOUNT`,
    /// `GFP_ATOMIC`, `GFP_NOWAIT`, `__GFP_NOWARN`, `__GFP_HIGHMEM`,
    /// [`__GFP_RETRY_MAYFAIL`](crate::__GFP_RETRY_MAYFAIL) and
    /// [`__GFP_NORETRY`](crate::__GFP_NORETRY) count. The allocation does not make the OOM killer
    /// end a process.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `len` is zero, or `limits` contradict their documentation.
    /// - `E2BIG` if there are 2^31 segments or more.
    /// - `ENOMEM` if there is no memory, or none that the device reaches and bouncing is not
    ///   possible. Also if there is so little memory that the next allocation of another task would
    ///   make the OOM killer end a process.
    /// - `EINTR` if the calling process is being killed.
    #[doc(alias = "sg_alloc_table_from_pages")]
    #[doc(alias = "sg_alloc_table_from_pages_segment")]
    pub fn alloc<'a>(len: usize, limits: impl Into<SegmentLimits<'a>>, gfp: Flags) -> Result<Self> {
        Self::alloc_from_blocks(len, 0, limits.into(), gfp.into())
    }

    /// Allocates a buffer as [`alloc`](Self::alloc) does, in blocks of `1 << order` pages.
    ///
    /// Each block is contiguous in memory and aligned to its size, as a device with large pages
    /// needs. Pages of the last block that the buffer does not need are freed.
    ///
    /// ```
    /// # use kernel::{page::PAGE_SIZE, prelude::*};
    /// # use sgdma::{SegmentLimits, SgTable};
    /// # fn example() -> Result {
    /// // Nine pages in blocks of four, of which the last one is cut.
    /// let table = SgTable::alloc_blocks(9 * PAGE_SIZE, 2, SegmentLimits::NONE, GFP_KERNEL)?;
    /// assert_eq!(table.cpu().cpu_pages().count(), 9);
    /// assert!(table.cpu().orig_nents() <= 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of `alloc`, and:
    ///
    /// - `EINVAL` if `order` is larger than the kernel's `MAX_PAGE_ORDER`.
    /// - `ENOMEM` if memory is too fragmented for such blocks.
    #[doc(alias = "alloc_pages")]
    pub fn alloc_blocks<'a>(
        len: usize,
        order: u32,
        limits: impl Into<SegmentLimits<'a>>,
        gfp: Flags,
    ) -> Result<Self> {
        if order > bindings::MAX_PAGE_ORDER {
            return Err(EINVAL);
        }
        Self::alloc_from_blocks(len, order, limits.into(), gfp.into())
    }

    /// Allocates a buffer in blocks of `1 << order` pages. The caller has checked `order`.
    fn alloc_from_blocks(
        len: usize,
        order: u32,
        limits: SegmentLimits<'_>,
        gfp: Gfp,
    ) -> Result<Self> {
        let limits = limits.check()?;
        let place = place(gfp)?;
        let owner = OwnedPages::alloc(len.div_ceil(PAGE_SIZE), order, limits.reach, gfp)?;
        // SAFETY: Each call of `owner.pages()` yields the same pages, which are valid as long as
        // `owner` is.
        let list = unsafe { List::from_pages(|| owner.pages(), 0..len, limits, gfp) }?;
        // SAFETY:
        // - The list was made of `owner`'s pages for the bytes `0..len`, and is not mapped.
        // - The pages were zeroed when they were allocated.
        // - Nobody else has the pages.
        Ok(unsafe { Self::from_parts(owner, 0..len, limits, list, place) })
    }
}

/// Makes a place for a table of owned pages.
///
/// Out of line: inlined into a driver, the place would refer to code of the driver's module, which
/// may be unloaded before the place is emptied.
#[inline(never)]
fn place(gfp: Gfp) -> Result<Place<Parts<OwnedPages>>> {
    Place::new_ours(gfp)
}

impl<P: PageOwner> SgTable<P> {
    /// Makes a table of the bytes `range` of `owner`'s pages:
    /// `sg_alloc_table_from_pages_segment()`.
    ///
    /// `limits` and `gfp` have the same meaning as for [`alloc`](SgTable::alloc). [`PageOwner`] has
    /// an example. The call sleeps only if `gfp` allows it.
    ///
    /// # Errors
    ///
    /// Each error returns `owner`, too.
    ///
    /// - `EINVAL` if `range` is empty, runs backwards or ends beyond the owner's bytes, or if
    ///   `limits` contradict their documentation.
    /// - `E2BIG` if there are 2^31 segments or more.
    /// - `ENOMEM` if there is no memory for the list.
    #[doc(alias = "sg_alloc_table_from_pages")]
    #[doc(alias = "sg_alloc_table_from_pages_segment")]
    pub fn new<'a>(
        owner: P,
        range: Range<usize>,
        limits: impl Into<SegmentLimits<'a>>,
        gfp: Flags,
    ) -> Result<Self, BufferError<P>> {
        let limits = limits.into();
        let list = limits.check().and_then(|limits| {
            if range.end > owner.len() {
                return Err(EINVAL);
            }
            let place = Place::new(gfp.into())?;
            // SAFETY: By the safety requirements of `PageOwner`, each call of `pages()` yields the
            // same pages, which stay allocated until `owner` is dropped.
            let list =
                unsafe { List::from_pages(|| owner.pages(), range.clone(), limits, gfp.into()) }?;
            Ok((list, place))
        });
        match list {
            // SAFETY:
            // - The list was made of `owner`'s pages for the bytes `range`, and is not mapped.
            // - By the safety requirements of `PageOwner`, all bytes of the pages are initialised,
            //   and nobody accesses them except through the table.
            Ok((list, place)) => Ok(unsafe { Self::from_parts(owner, range, limits, list, place) }),
            Err(error) => Err(BufferError {
                error,
                buffer: owner,
            }),
        }
    }

    /// Frees the list, and returns the owner of the pages. Does not sleep.
    #[must_use = "to drop the owner, drop the table"]
    pub fn into_owner(self) -> P {
        self.into_parts().into_inner().owner
    }

    /// Returns the owner of the pages, to change their bytes.
    ///
    /// The caller must not replace the owner: the list describes the pages of this one.
    pub(crate) fn owner_mut(&mut self) -> &mut P {
        &mut self.parts.owner
    }

    /// Returns the range of the owner's bytes that is the buffer.
    pub(crate) fn range(&self) -> Range<usize> {
        self.parts.range.clone()
    }
}

impl<P> Drop for SgTable<P> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the parts were not moved out. A value that is being
        // dropped is not used again.
        let parts = unsafe { ManuallyDrop::take(&mut self.parts) };
        if parts.is_ours() && !deferred::may_sleep() {
            // SAFETY: By the type invariants the list is not mapped. The place is this module's.
            unsafe { deferred::drop_later(parts) };
        }
    }
}

impl<P> SgTable<P> {
    /// Makes a table of parts that were made elsewhere.
    ///
    /// # Safety
    ///
    /// - `list` describes the bytes `range` of `owner`'s pages, in order, by segments within
    ///   `limits`, and is not mapped for any device.
    /// - All bytes of these pages are initialised.
    /// - Nobody else uses these bytes. Or the table goes into a [`UserTable`](crate::UserTable) and
    ///   only user space does. Or nothing is done with the table but mapping.
    pub(crate) unsafe fn from_parts(
        owner: P,
        range: Range<usize>,
        limits: SegmentLimits<'_>,
        list: List,
        place: Place<Parts<P>>,
    ) -> Self {
        // INVARIANT: The requirements of this function are the invariants of both types.
        let parts = place.put(Parts {
            owner,
            list,
            range,
            limits: limits.sizes(),
            mapping: MapState::default(),
            unmap: None,
        });
        Self {
            parts: ManuallyDrop::new(parts),
        }
    }

    /// Makes a table of the parts of another one, which are in their place.
    ///
    /// # Safety
    ///
    /// [`into_parts`](Self::into_parts) has returned the parts. If their list is mapped, the caller
    /// keeps the table to itself until it is unmapped and `unmap` is `None`.
    pub(crate) unsafe fn from_placed(parts: Placed<Parts<P>>) -> Self {
        // INVARIANT: The parts kept the other invariants as parts of a table. The caller sees to
        // the list.
        Self {
            parts: ManuallyDrop::new(parts),
        }
    }

    /// Returns the parts of the table, in their place.
    pub(crate) fn into_parts(self) -> Placed<Parts<P>> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: By the type invariants the parts were not moved out. `this` is neither used again
        // nor dropped.
        unsafe { ManuallyDrop::take(&mut this.parts) }
    }

    /// Returns the parts of the table.
    pub(crate) fn parts(&self) -> &Parts<P> {
        &self.parts
    }

    /// Returns the parts of the table, to link or unmap its list. The caller leaves the other parts
    /// as they are.
    pub(crate) fn parts_mut(&mut self) -> &mut Parts<P> {
        &mut self.parts
    }

    /// Returns the table with the owner that `make` makes of its owner, and a place for that.
    ///
    /// The new owner must hold the old one, and with it the pages.
    pub(crate) fn map_owner<Q>(
        self,
        place: Place<Parts<Q>>,
        make: impl FnOnce(P) -> Q,
    ) -> SgTable<Q> {
        let Parts {
            owner,
            list,
            range,
            limits,
            ..
        } = self.into_parts().into_inner();
        let owner = make(owner);
        // SAFETY: The new owner holds the old one. So the pages are the same, and the list, which
        // is not mapped, describes them. The rest is as by the type invariants of the old table.
        unsafe { SgTable::from_parts(owner, range, limits, list, place) }
    }

    /// Returns the owner of the pages.
    ///
    /// It is private to the library: while the pages are in a table, a driver must not reach their
    /// bytes through the owner.
    pub(crate) fn owner(&self) -> &P {
        &self.parts.owner
    }

    /// Returns the segments as runs of physical addresses.
    pub(crate) fn phys_runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.cpu().entries().map(sg_phys_run)
    }

    /// Returns the segments as runs of physical addresses, with the first and the last one
    /// lengthened as [`cover_whole_pages`](Self::cover_whole_pages) does.
    fn whole_phys_runs(&self) -> impl Iterator<Item = Run> + '_ {
        let Margins { before, after } = self.margins();
        let last = self.sgt().orig_nents - 1;
        self.phys_runs().zip(0..).map(move |(mut run, i)| {
            if i == 0 {
                run.addr -= before as u64;
                run.len += before as u64;
            }
            if i == last {
                run.len += after as u64;
            }
            run
        })
    }

    /// Returns `true` if `dev` reaches all of the buffer. `dev` must have the direct route.
    pub(crate) fn is_reached_by(&self, dev: DmaDevice<'_>) -> bool {
        self.phys_runs()
            .all(|run| dev.direct_address(run).is_some())
    }

    /// Returns `true` if no segment crosses a border, where the bus shows memory to `dev` at
    /// another offset. `dev` must have the direct route.
    pub(crate) fn is_straight_for(&self, dev: DmaDevice<'_>) -> bool {
        self.phys_runs().all(|run| dev.straight(run) == run.len)
    }

    /// Returns `true` if the buffer begins and ends at ends of pages.
    pub(crate) fn is_whole_pages(&self) -> bool {
        (self.parts.range.start | self.parts.range.end) % PAGE_SIZE == 0
    }

    /// Returns the pages that are only partly in the buffer: none, or its first or last one.
    pub(crate) fn partial_pages(&self) -> impl Iterator<Item = CpuPage<'_>> {
        let page_of = |byte: usize| self.cpu().page_parts(byte..byte + 1).next();
        let first = (self.parts.range.start % PAGE_SIZE != 0).then_some(0);
        let last = (self.parts.range.end % PAGE_SIZE != 0).then_some(self.len() - 1);
        [first, last]
            .into_iter()
            .flatten()
            .filter_map(page_of)
            .map(|part| part.page)
    }

    /// Lengthens the first and the last segment to the ends of their pages. If the list is
    /// `mapped`, the bus addresses and lengths change likewise.
    pub(crate) fn cover_whole_pages(&mut self, mapped: bool) {
        let Margins { before, after } = self.margins();
        self.parts.list.stretch(before, after, mapped);
    }

    /// Shortens the first and the last segment to the bytes of the buffer again, after
    /// [`cover_whole_pages`](Self::cover_whole_pages).
    pub(crate) fn cover_bytes(&mut self, mapped: bool) {
        let Margins { before, after } = self.margins();
        self.parts.list.stretch(-before, -after, mapped);
    }

    /// Returns the margins of the buffer, or none if a limit is less than a page: a segment must
    /// not be lengthened to a whole page then.
    fn margins(&self) -> Margins {
        if self.parts.limits.max_size < PAGE_SIZE || self.parts.limits.boundary < PAGE_SIZE - 1 {
            return Margins {
                before: 0,
                after: 0,
            };
        }
        Margins {
            before: (self.parts.range.start % PAGE_SIZE) as i32,
            after: (self.parts.range.end.wrapping_neg() % PAGE_SIZE) as i32,
        }
    }

    /// Returns `true` if every segment is within `limits`.
    #[inline]
    pub(crate) fn fits(&self, limits: SegmentLimits<'_>) -> bool {
        // Segments that were cut within limits that are equal or stricter need no check.
        (self.parts.limits.max_size <= limits.max_size
            && (self.parts.limits.boundary == limits.boundary || limits.boundary == usize::MAX))
            || self.all_segments_fit(limits)
    }

    /// Looks at each segment, for [`fits`](Self::fits).
    #[inline(never)]
    fn all_segments_fit(&self, limits: SegmentLimits<'_>) -> bool {
        let (max, boundary) = (limits.max_size as u64, limits.boundary as u64);
        self.phys_runs()
            .all(|run| run.len <= max && run.within(boundary))
    }

    /// Returns `true` if the segments still fit `dev` after
    /// [`cover_whole_pages`](Self::cover_whole_pages). They must fit without it.
    pub(crate) fn fits_whole_pages(&self, dev: DmaDevice<'_>) -> bool {
        let max = dev.max_seg_size();
        match self.margins() {
            Margins {
                before: 0,
                after: 0,
            } => true,
            // `max_size` cuts segments only where pages end, see `segments()`. A last segment that
            // is lengthened to the end of its page is still within `max_size`.
            Margins { before: 0, .. }
                if self.parts.limits.max_size <= max && !dev.has_borders() =>
            {
                true
            }
            _ => self.whole_phys_runs().all(|run| {
                run.len <= max as u64 && (!dev.has_borders() || dev.straight(run) == run.len)
            }),
        }
    }

    /// Returns the length of the buffer in bytes, as it was asked for.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    #[inline]
    pub fn len(&self) -> usize {
        // Does not wrap: no table can be made of a range that runs backwards.
        self.parts.range.end.wrapping_sub(self.parts.range.start)
    }

    /// Returns the CPU form of the table, which names its pages.
    #[inline]
    pub fn cpu(&self) -> &CpuTable {
        // SAFETY:
        // - The list is a valid table. By the type invariants its entries have the pages of the
        //   owner, which are valid.
        // - The list, its entries and pages change, or go, only through an exclusive reference to
        //   the table, or with the table. The result borrows the table.
        unsafe { CpuTable::from_raw(self.parts.list.sgt()) }
    }

    /// Copies `src` into the buffer, from byte `offset` on: `sg_pcopy_from_buffer()`. Does not
    /// sleep.
    ///
    /// It takes time for each segment before `offset`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + src.len()` lies beyond the buffer's end. Nothing was copied then,
    /// whereas the C function copies a part.
    #[doc(alias = "sg_pcopy_from_buffer")]
    #[doc(alias = "sg_copy_from_buffer")]
    pub fn copy_from_slice(&mut self, offset: usize, src: &[u8]) -> Result {
        self.copy_from_slice_shared(offset, src)
    }

    /// Copies as [`copy_from_slice`](Self::copy_from_slice) does, while user space or a device may
    /// be reading and writing the same bytes. They may see the copy in part.
    pub(crate) fn copy_from_slice_shared(&self, offset: usize, src: &[u8]) -> Result {
        let mut rest = src;
        for PagePart { page, offset, len } in self.page_parts(offset, src.len())? {
            let from;
            (from, rest) = rest.split_at(len);
            // SAFETY:
            // - The page is one of the table's, so it is valid, and it has `len` bytes from
            //   `offset` on.
            // - `from` is valid for reading `len` bytes.
            // - The page has no byte of `from`. Only a table of a `ByteBuffer` lends references to
            //   its bytes, while it is not mapped. Such a table gets here by `copy_from_slice()`,
            //   whose exclusive borrow excludes these references.
            unsafe { ffi::sgdma_memcpy_to_page(page.as_ptr(), offset, from.as_ptr(), len) };
        }
        Ok(())
    }

    /// Copies the bytes of the buffer from byte `offset` on into `dst`: `sg_pcopy_to_buffer()`.
    /// Does not sleep.
    ///
    /// It takes time for each segment before `offset`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + dst.len()` lies beyond the buffer's end. Nothing was copied then,
    /// whereas the C function copies a part.
    #[doc(alias = "sg_pcopy_to_buffer")]
    #[doc(alias = "sg_copy_to_buffer")]
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        let mut rest = dst;
        for PagePart { page, offset, len } in self.page_parts(offset, rest.len())? {
            let to;
            (to, rest) = rest.split_at_mut(len);
            // SAFETY:
            // - The page is one of the table's, so it is valid, and it has `len` bytes from
            //   `offset` on.
            // - `to` is valid for writing `len` bytes.
            // - The page has no byte of `to`: `to` is an exclusive reference, and the table is
            //   borrowed, so no exclusive reference to its bytes exists.
            unsafe { ffi::sgdma_memcpy_from_page(to.as_mut_ptr(), page.as_ptr(), offset, len) };
        }
        Ok(())
    }

    /// Sets the bytes of `range` to `value`. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `range` runs backwards or ends beyond the buffer. Nothing was written then.
    pub fn fill(&mut self, range: Range<usize>, value: u8) -> Result {
        let len = range.end.checked_sub(range.start).ok_or(EINVAL)?;
        for PagePart { page, offset, len } in self.page_parts(range.start, len)? {
            // SAFETY:
            // - The page is one of the table's, so it is valid, and it has `len` bytes from
            //   `offset` on.
            // - Nobody has a reference to these bytes, as the table is borrowed exclusively.
            unsafe { ffi::sgdma_memset_page(page.as_ptr(), offset, value.into(), len) };
        }
        Ok(())
    }

    /// Zeroes the bytes of `range`: `sg_zero_buffer()`. Does not sleep.
    ///
    /// # Errors
    ///
    /// The errors of [`fill`](Self::fill).
    #[doc(alias = "sg_zero_buffer")]
    pub fn zero(&mut self, range: Range<usize>) -> Result {
        self.fill(range, 0)
    }

    /// Cuts the `len` bytes of the buffer from byte `offset` on at pages.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + len` lies beyond the buffer's end.
    pub(crate) fn page_parts(
        &self,
        offset: usize,
        len: usize,
    ) -> Result<impl Iterator<Item = PagePart<'_>>> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len() => Ok(self.cpu().page_parts(offset..end)),
            _ => Err(EINVAL),
        }
    }

    /// Returns the C structure, for reading.
    pub(crate) fn sgt(&self) -> &bindings::sg_table {
        self.parts.list.sgt()
    }

    /// Removes the marks of an earlier mapping from the list, before the next one.
    pub(crate) fn unmark(&mut self) {
        if let Some(first) = self.parts.list.entries_mut().next() {
            sg_dma_unmark(first);
        }
    }

    /// Returns what the [`Mapped`](crate::Mapped) that has the table knows of its mapping.
    pub(crate) fn mapping(&self) -> &MapState {
        &self.parts.mapping
    }

    pub(crate) fn mapping_mut(&mut self) -> &mut MapState {
        &mut self.parts.mapping
    }

    /// Returns the C structure, for a call that maps, syncs or unmaps the table.
    ///
    /// Such a call sets `nents` and the DMA fields of the entries. Nothing else may be changed.
    pub(crate) fn sgt_mut(&mut self) -> &mut bindings::sg_table {
        self.parts.list.sgt_mut()
    }
}
