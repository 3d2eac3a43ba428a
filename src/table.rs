// SPDX-License-Identifier: GPL-2.0

//! Tables: a buffer's pages and the scatterlist that describes them, not mapped for any device.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use crate::{
    cpu_walk::{
        CpuPage,
        CpuTable, //
    },
    device::DmaDevice,
    ffi,
    frames::{
        segments,
        Limits,
        Run, //
    },
    gfp::Gfp,
    mapping::Kept,
    owner::PageOwner,
    pages::OwnedPages,
    quarantine::Place,
    reach::Reach,
    refused::Refused,
    scatterlist::{
        sg_dma_unmark,
        sg_page,
        sg_set_page,
        List, //
    },
};
use core::{
    ops::Range,
    ptr::NonNull, //
};
use kernel::{
    alloc::Flags,
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// How a buffer is cut into segments.
///
/// A [`DmaDevice`] can be given in its place, and means its own limits:
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, SegmentLimits, SgTable};
/// # fn tables(dev: DmaDevice<'_>) -> Result {
/// let for_this_device = SgTable::alloc(1 << 20, dev, GFP_KERNEL)?;
/// let for_none = SgTable::alloc(1 << 20, SegmentLimits::NONE, GFP_KERNEL)?;
/// let of_64_kib = SegmentLimits { max_size: 64 << 10, ..SegmentLimits::from(dev) };
/// # drop((for_this_device, for_none, of_64_kib)); Ok(())
/// # }
/// ```
///
/// Segments end where pages do, unless a limit is shorter than a page: then they are as long as the
/// largest power of two within it.
#[derive(Clone, Copy)]
pub struct SegmentLimits<'a> {
    /// The longest segment, in bytes; at least [`MIN`](Self::MIN).
    pub max_size: usize,
    /// No segment crosses a multiple of this mask plus one: a power of two, at least
    /// [`MIN`](Self::MIN).
    pub boundary: usize,
    /// Where [`SgTable::alloc`] looks for memory first, and what else no segment crosses.
    pub reach: Reach<'a>,
}

impl<'a> SegmentLimits<'a> {
    /// The least that a limit may be, in bytes. Shorter segments would share cache lines.
    pub const MIN: usize = 512;

    /// Segments as long as the memory happens to be contiguous, for no device in particular.
    pub const NONE: Self = Self {
        max_size: usize::MAX,
        boundary: usize::MAX,
        reach: Reach::ALL,
    };

    /// Whether tables can be cut so.
    pub(crate) fn check(self) -> Result<Self> {
        let boundary = self.boundary;
        if self.max_size < Self::MIN
            || boundary < Self::MIN - 1
            || boundary & boundary.wrapping_add(1) != 0
        {
            return Err(EINVAL);
        }
        Ok(self)
    }

    /// Returns the same sizes for no device in particular, to keep where the binding is not lent.
    ///
    /// Mapping then refuses a segment that crosses a border of the device's reach, with `EIO`.
    pub fn sizes(self) -> SegmentLimits<'static> {
        SegmentLimits {
            max_size: self.max_size,
            boundary: self.boundary,
            reach: Reach::ALL,
        }
    }
}

impl<'a> From<DmaDevice<'a>> for SegmentLimits<'a> {
    fn from(dev: DmaDevice<'a>) -> Self {
        Self {
            max_size: dev.max_seg_size(),
            boundary: dev.seg_boundary(),
            reach: dev.into(),
        }
    }
}

/// A buffer, scattered in memory, with its `struct sg_table`.
///
/// While it is an `SgTable`, no device knows of it and the CPU owns it: bytes are copied in and
/// out at any offset. [`map`](Self::map) turns it into a [`Mapped`](crate::Mapped) table.
///
/// The pages belong to `P`: to the table itself, as [`alloc`](Self::alloc) makes it, or to a
/// [`PageOwner`]. Dropping the table drops the owner; pages of the table's own are freed without
/// sleeping.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, SgTable};
/// # fn table(dev: DmaDevice<'_>) -> Result<SgTable> {
/// let mut table = SgTable::alloc(100_000, dev, GFP_KERNEL)?;
/// table.fill(0..500, 0xff)?;
/// table.copy_from_slice(99_990, b"last bytes")?;
/// let mut first = [0; 2];
/// table.copy_to_slice(499, &mut first)?;
/// assert_eq!(first, [0xff, 0]);
/// assert_eq!((table.len(), table.cpu().cpu_pages().count()), (100_000, 25));
/// # Ok(table)
/// # }
/// ```
///
/// # Invariants
///
/// - The entries of `list` describe the bytes `range` of `owner`'s pages, in order; the list is not
///   mapped for any device.
/// - All bytes of those pages are initialised, and nobody else uses them: but for user space, in a
///   table that a [`UserTable`](crate::UserTable) keeps to itself.
// The list comes last, for pinned pages are let go by going through it.
pub struct SgTable<P = OwnedPages> {
    owner: P,
    range: Range<usize>,
    /// What the segments were cut to.
    limits: SegmentLimits<'static>,
    list: List,
    /// Where it goes if it is dropped while a device may be at it.
    place: Place<Kept<P>>,
}

impl SgTable {
    /// Allocates a zeroed buffer of `len` bytes from single pages: `sg_alloc_table_from_pages()`.
    ///
    /// Neighbouring pages become one segment as far as `limits` allow; give the device that the
    /// table is meant for, or [`SegmentLimits::NONE`]. For a device that does not reach all memory
    /// they come from where the device finds them in place (`GFP_DMA32`, `GFP_DMA`), as long as
    /// there are some; what comes from elsewhere then bounces. The rest of the last page is zeroed
    /// too: a device behind an IOMMU sees whole pages.
    ///
    /// Sleeps only if `gfp` allows it; of its bits those of `GFP_KERNEL_ACCOUNT`, `GFP_ATOMIC`,
    /// `GFP_NOWAIT`, `__GFP_NOWARN`, `__GFP_HIGHMEM`,
    /// [`__GFP_RETRY_MAYFAIL`](crate::__GFP_RETRY_MAYFAIL) and
    /// [`__GFP_NORETRY`](crate::__GFP_NORETRY) count. Nobody is killed for the memory.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `len` is zero, or `limits` contradict their documentation.
    /// - `E2BIG` if it takes 2^31 segments or more.
    /// - `ENOMEM` if there is no memory, or so little that others would be killed when they want
    ///   some; also if the device reaches none of it, and it cannot bounce.
    /// - `EINTR` if the process is being killed.
    pub fn alloc<'a>(len: usize, limits: impl Into<SegmentLimits<'a>>, gfp: Flags) -> Result<Self> {
        Self::alloc_from_blocks(len, 0, limits.into(), gfp.into())
    }

    /// As [`alloc`](Self::alloc), from blocks of `1 << order` pages, each contiguous in memory and
    /// aligned to its size: what a device with large pages wants.
    ///
    /// The pages of the last block that the buffer does not need are not kept.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{DmaDevice, SgTable};
    /// # fn table(dev: DmaDevice<'_>) -> Result<SgTable> {
    /// // 16 MiB of 2 MiB each, with pages of 4 KiB.
    /// SgTable::alloc_blocks(16 << 20, 9, dev, GFP_KERNEL)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for `alloc`; `EINVAL` also if `order` is larger than the kernel's `MAX_PAGE_ORDER`, and
    /// `ENOMEM` if memory is too fragmented for it.
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

    fn alloc_from_blocks(
        len: usize,
        order: u32,
        limits: SegmentLimits<'_>,
        gfp: Gfp,
    ) -> Result<Self> {
        let limits = limits.check()?;
        let place = place(gfp)?;
        let owner = OwnedPages::alloc(len.div_ceil(PAGE_SIZE), order, limits.reach, gfp)?;
        // SAFETY: The pages are the owner's.
        let list = unsafe { describe(|| owner.pages(), 0..len, limits, gfp) }?;
        // INVARIANT: The pages are the table's own and were zeroed; the entries describe them up to
        // `len`.
        Ok(Self {
            owner,
            range: 0..len,
            limits: limits.sizes(),
            list,
            place,
        })
    }
}

/// Makes a place for a table of its own pages. Out of line, for the driver's code may go while it
/// is used.
#[inline(never)]
fn place(gfp: Gfp) -> Result<Place<Kept<OwnedPages>>> {
    Place::new_ours(gfp)
}

impl<P: PageOwner> SgTable<P> {
    /// Makes a table of the bytes `range` of `owner`'s pages: `sg_alloc_table_from_pages()`.
    ///
    /// `limits` and `gfp` as for [`alloc`](SgTable::alloc); see [`PageOwner`] for an example.
    ///
    /// # Errors
    ///
    /// `owner` comes back with each of them.
    ///
    /// - `EINVAL` if `range` is empty, runs backwards or ends beyond the owner's bytes, or if
    ///   `limits` contradict their documentation.
    /// - `E2BIG` if it takes 2^31 segments or more.
    /// - `ENOMEM` if there is no memory for the list.
    pub fn new<'a>(
        owner: P,
        range: Range<usize>,
        limits: impl Into<SegmentLimits<'a>>,
        gfp: Flags,
    ) -> Result<Self, Refused<P>> {
        let limits = limits.into();
        let list = limits.check().and_then(|limits| {
            if range.end > owner.len() {
                return Err(EINVAL);
            }
            let place = Place::new(gfp.into())?;
            // SAFETY: Its owner vouches for the pages.
            let list = unsafe { describe(|| owner.pages(), range.clone(), limits, gfp.into()) }?;
            Ok((list, place))
        });
        match list {
            // INVARIANT: Described just now; its owner vouches for the bytes.
            Ok((list, place)) => Ok(Self {
                owner,
                range,
                limits: limits.sizes(),
                list,
                place,
            }),
            Err(error) => Err(Refused {
                error,
                buffer: owner,
            }),
        }
    }

    /// Takes the table apart, and gives the owner back. Does not sleep.
    pub fn into_owner(self) -> P {
        self.owner
    }

    /// As [`owner`](Self::owner); it must stay the same one, with the same pages.
    pub(crate) fn owner_mut(&mut self) -> &mut P {
        &mut self.owner
    }

    /// Which of the owner's bytes the table is of.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

/// A list of segments, within `limits`, which have been checked, for the bytes `range` of
/// `pages()`.
///
/// # Safety
///
/// The pages are valid, and the same ones each time.
pub(crate) unsafe fn describe<I: Iterator<Item = NonNull<bindings::page>>>(
    pages: impl Fn() -> I,
    range: Range<usize>,
    limits: SegmentLimits<'_>,
    gfp: Gfp,
) -> Result<List> {
    if range.is_empty() {
        return Err(EINVAL);
    }
    let (first, offset) = (range.start / PAGE_SIZE, range.start % PAGE_SIZE);
    let cut = || {
        segments(
            pages()
                .skip(first)
                // SAFETY: Its caller promises a valid page.
                .map(|page| unsafe { ffi::sgdma_page_to_phys(page.as_ptr()) }),
            PAGE_SIZE as u64,
            offset as u64..(offset + range.len()) as u64,
            Limits {
                // An entry's length has 32 bits, and iommu-dma adds to it.
                max_len: limits.max_size.min(1 << 31) as u64,
                boundary: limits.boundary as u64,
            },
            limits.reach.straight(),
        )
    };
    let (mut orig_nents, mut described) = (0usize, 0);
    for run in cut() {
        orig_nents += 1;
        described += run.len;
    }
    if described != range.len() as u64 {
        return Err(EINVAL);
    }

    // The C API counts them in an `int`.
    let orig_nents = i32::try_from(orig_nents).map_err(|_| E2BIG)?;
    let mut list = List::alloc(orig_nents as u32, gfp)?;
    for (sg, run) in list.entries_mut().zip(cut()) {
        // SAFETY: It is an address in one of the pages.
        let page = unsafe { ffi::sgdma_phys_to_page(run.addr) };
        // Fits, as the segments keep to the limit above.
        sg_set_page(sg, page, run.len as u32, run.addr as u32 % PAGE_SIZE as u32);
    }
    Ok(list)
}

/// `sg_phys()`, with the length.
pub(crate) fn sg_phys_run(sg: &bindings::scatterlist) -> Run {
    Run {
        // SAFETY: Arithmetic on the pointer's value.
        addr: unsafe { ffi::sgdma_page_to_phys(sg_page(sg)) } + u64::from(sg.offset),
        len: sg.length.into(),
    }
}

impl<P> SgTable<P> {
    /// A table of parts that were made elsewhere.
    ///
    /// # Safety
    ///
    /// They keep to the type invariants.
    pub(crate) unsafe fn from_parts(
        owner: P,
        range: Range<usize>,
        limits: SegmentLimits<'_>,
        list: List,
        place: Place<Kept<P>>,
    ) -> Self {
        // INVARIANT: The caller promises just this.
        Self {
            owner,
            range,
            limits: limits.sizes(),
            list,
            place,
        }
    }

    /// Its place in a quarantine, and what goes there; the pages before the list, as ever.
    pub(crate) fn into_kept(self) -> (Place<Kept<P>>, P, List) {
        (self.place, self.owner, self.list)
    }

    /// The same table, with `owner` made into another one, which keeps it, and a place for that.
    pub(crate) fn map_owner<Q>(
        self,
        place: Place<Kept<Q>>,
        make: impl FnOnce(P) -> Q,
    ) -> SgTable<Q> {
        // INVARIANT: The pages are what they were, as their owner is there still.
        SgTable {
            owner: make(self.owner),
            range: self.range,
            limits: self.limits,
            list: self.list,
            place,
        }
    }

    /// Not for everybody: while the pages are in a table, nobody else may get at their bytes.
    pub(crate) fn owner(&self) -> &P {
        &self.owner
    }

    /// The segments before mapping, as runs of physical addresses.
    pub(crate) fn phys_runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.cpu().entries().map(sg_phys_run)
    }

    /// The same as far as the list covers when it covers whole pages.
    fn whole_phys_runs(&self) -> impl Iterator<Item = Run> + '_ {
        let (before, after) = self.margins();
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

    /// Whether `dev`, which is mapped directly, reaches all of it.
    pub(crate) fn is_reached_by(&self, dev: DmaDevice<'_>) -> bool {
        self.phys_runs()
            .all(|run| dev.direct_address(run).is_some())
    }

    /// Whether each segment is in one piece for `dev`, which is mapped directly.
    pub(crate) fn is_straight_for(&self, dev: DmaDevice<'_>) -> bool {
        self.phys_runs().all(|run| dev.straight(run) == run.len)
    }

    /// Whether the buffer begins and ends where a page does.
    pub(crate) fn is_whole_pages(&self) -> bool {
        (self.range.start | self.range.end) % PAGE_SIZE == 0
    }

    /// The pages of which the buffer begins or ends in the middle.
    pub(crate) fn partial_pages(&self) -> impl Iterator<Item = CpuPage<'_>> {
        let page_of = |byte: usize| self.cpu().pieces(byte..byte + 1).next();
        let first = (self.range.start % PAGE_SIZE != 0).then_some(0);
        let last = (self.range.end % PAGE_SIZE != 0).then_some(self.len() - 1);
        [first, last]
            .into_iter()
            .flatten()
            .filter_map(page_of)
            .map(|(page, ..)| page)
    }

    /// Has the list cover the buffer's pages from end to end; if it is mapped, what the device sees
    /// of it, too.
    pub(crate) fn cover_whole_pages(&mut self, mapped: bool) {
        let (before, after) = self.margins();
        self.list.stretch(before, after, mapped);
    }

    /// Has it cover just the buffer's bytes again.
    pub(crate) fn cover_bytes(&mut self, mapped: bool) {
        let (before, after) = self.margins();
        self.list.stretch(-before, -after, mapped);
    }

    /// Returns how many bytes of the first page lie before the buffer, and of the last one behind
    /// it; none where no segment is a whole page.
    fn margins(&self) -> (i32, i32) {
        // No segment is a whole page then.
        if self.limits.max_size < PAGE_SIZE || self.limits.boundary < PAGE_SIZE - 1 {
            return (0, 0);
        }
        let after = self.range.end.wrapping_neg() % PAGE_SIZE;
        ((self.range.start % PAGE_SIZE) as i32, after as i32)
    }

    /// Whether every segment keeps to `limits`.
    pub(crate) fn fits(&self, limits: SegmentLimits<'_>) -> bool {
        // As they were cut, if that was for this device or one like it.
        if self.limits.max_size <= limits.max_size
            && (self.limits.boundary == limits.boundary || limits.boundary == usize::MAX)
        {
            return true;
        }
        let (max, boundary) = (limits.max_size as u64, limits.boundary as u64);
        self.phys_runs()
            .all(|run| run.len <= max && run.within(boundary))
    }

    /// Whether `dev`, which all segments fit, takes them by whole pages, too.
    pub(crate) fn fits_whole_pages(&self, dev: DmaDevice<'_>) -> bool {
        let max = dev.max_seg_size();
        match self.margins() {
            (0, 0) => true,
            // Segments are cut where pages end: see `segments()`.
            (0, _) if self.limits.max_size <= max && !dev.has_borders() => true,
            _ => self.whole_phys_runs().all(|run| {
                run.len <= max as u64 && (!dev.has_borders() || dev.straight(run) == run.len)
            }),
        }
    }

    /// Length of the buffer in bytes, as it was asked for.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    #[inline]
    pub fn len(&self) -> usize {
        // A range that runs backwards makes no table.
        self.range.end.wrapping_sub(self.range.start)
    }

    /// The table in its CPU form: which pages there are.
    #[inline]
    pub fn cpu(&self) -> &CpuTable {
        // SAFETY: By the type invariants the list has `orig_nents` entries, made of our pages. It is
        // changed only through an exclusive reference.
        unsafe { CpuTable::from_raw(self.list.sgt()) }
    }

    /// Copies `src` into the buffer, from byte `offset` on: `sg_pcopy_from_buffer()`, but all or
    /// nothing. Does not sleep.
    ///
    /// Getting to `offset` takes time for each segment before it.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + src.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_from_slice(&mut self, offset: usize, src: &[u8]) -> Result {
        self.copy_from_slice_shared(offset, src)
    }

    /// As [`copy_from_slice`](Self::copy_from_slice), where others may be reading and writing.
    pub(crate) fn copy_from_slice_shared(&self, offset: usize, src: &[u8]) -> Result {
        let mut rest = src;
        for (page, start, n) in self.pieces(offset, src.len())? {
            let part;
            (part, rest) = rest.split_at(n);
            // SAFETY: The page is one of the table's, and has `n` bytes from `start` on; `part` is
            // valid for reading `n` bytes, and no part of the page, which nobody borrows.
            unsafe { ffi::sgdma_memcpy_to_page(page.as_ptr(), start, part.as_ptr(), n) };
        }
        Ok(())
    }

    /// Copies from byte `offset` of the buffer on into all of `dst`: `sg_pcopy_to_buffer()`, but
    /// all or nothing. Does not sleep.
    ///
    /// Getting to `offset` takes time for each segment before it.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + dst.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        let mut rest = dst;
        for (page, start, n) in self.pieces(offset, rest.len())? {
            let part;
            (part, rest) = rest.split_at_mut(n);
            // SAFETY: The page is one of the table's, and has `n` bytes from `start` on; `part` is
            // valid for writing `n` bytes, and no part of the page, which nobody borrows for
            // writing.
            unsafe { ffi::sgdma_memcpy_from_page(part.as_mut_ptr(), page.as_ptr(), start, n) };
        }
        Ok(())
    }

    /// Sets the bytes of `range` to `value`. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range runs backwards or ends beyond the buffer; nothing was written then.
    pub fn fill(&mut self, range: Range<usize>, value: u8) -> Result {
        let len = range.end.checked_sub(range.start).ok_or(EINVAL)?;
        for (page, start, n) in self.pieces(range.start, len)? {
            // SAFETY: The page is one of the table's, and has `n` bytes from `start` on; we hold
            // the table exclusively, so nobody borrows them.
            unsafe { ffi::sgdma_memset_page(page.as_ptr(), start, value.into(), n) };
        }
        Ok(())
    }

    /// Zeroes the bytes of `range`: `sg_zero_buffer()`. Does not sleep.
    ///
    /// # Errors
    ///
    /// As for [`fill`](Self::fill).
    pub fn zero(&mut self, range: Range<usize>) -> Result {
        self.fill(range, 0)
    }

    /// The pages that `len` bytes at `offset` lie in, with where and how many; `EINVAL` if some of
    /// them lie beyond the buffer's end.
    fn pieces(
        &self,
        offset: usize,
        len: usize,
    ) -> Result<impl Iterator<Item = (CpuPage<'_>, usize, usize)>> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len() => Ok(self.cpu().pieces(offset..end)),
            _ => Err(EINVAL),
        }
    }

    pub(crate) fn sgt(&self) -> &bindings::sg_table {
        self.list.sgt()
    }

    /// Makes the list as good as new for another mapping.
    pub(crate) fn unmark(&mut self) {
        if let Some(first) = self.list.entries_mut().next() {
            sg_dma_unmark(first);
        }
    }

    /// For mapping, which sets `nents` and the entries' DMA fields and nothing else.
    pub(crate) fn sgt_mut(&mut self) -> &mut bindings::sg_table {
        self.list.sgt_mut()
    }
}
