// SPDX-License-Identifier: GPL-2.0

//! The CPU walk: the pages of a table.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! The walk ends after `orig_nents` entries, and takes `offset` and `length` of each. It does not
//! read the bus addresses: see [`DmaTable`](crate::DmaTable) for these.

use crate::walk::{
    blocks::block_parts,
    entries::{
        sg_page, //
        Entries,
    }, //
};
use core::{
    iter::FusedIterator,
    marker::PhantomData,
    ops::Range, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE, //
};

/// The CPU form of a `struct sg_table`: its pages, whether a device has the table mapped or not.
///
/// [`SgTable::cpu`](crate::SgTable::cpu) and [`Mapped::cpu`](crate::Mapped::cpu) lend this form of
/// their tables. [`from_raw`](Self::from_raw) lends it of a table that C code has made. A
/// `CpuTable` names pages, and gives no access to their bytes. Its methods do not sleep.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{CpuPages, DmaDevice, SgTable};
/// /// Returns a walk from page `pgoffset` on, which can be cloned and lives as long as the borrow.
/// fn walk_from(table: &SgTable, pgoffset: usize) -> core::iter::Skip<CpuPages<'_>> {
///     table.cpu().cpu_pages().skip(pgoffset)
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let table = SgTable::alloc(1 << 18, dev, GFP_KERNEL)?;
/// let pages = table.cpu().cpu_pages().count();
/// assert!(table.cpu().orig_nents() <= pages);
/// assert_eq!(walk_from(&table, pages - 1).next(), table.cpu().cpu_pages().last());
/// assert_eq!(walk_from(&table, pages).next(), None);
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// While a reference to it lives, `sgl` has `orig_nents` entries, each of valid pages, and nobody
/// changes the structure, nor a page, an offset or a length in an entry.
#[repr(transparent)]
#[doc(alias = "sg_table")]
pub struct CpuTable(bindings::sg_table);

// SAFETY: A reference only permits reading, and by the type invariants nobody changes what it
// reads.
unsafe impl Send for CpuTable {}
// SAFETY: As for `Send`.
unsafe impl Sync for CpuTable {}

impl CpuTable {
    /// Returns the CPU form of a table that somebody else has made, C code for example.
    ///
    /// # Safety
    ///
    /// During `'a`:
    ///
    /// - `sgt` points to a valid table, whose entries have valid pages.
    /// - Nobody changes or frees the structure, its entries or their pages. To map or unmap the
    ///   table, which writes DMA fields of the entries, is such a change.
    pub unsafe fn from_raw<'a>(sgt: *const bindings::sg_table) -> &'a Self {
        // SAFETY:
        // - `sgt` is valid for reading during `'a`, and `CpuTable` has the layout of `sg_table`.
        // - Nobody changes the structure during `'a`, as a shared reference requires.
        // INVARIANT: By the requirements of this function, the entries have valid pages, and nobody
        // changes them during `'a`.
        unsafe { &*sgt.cast() }
    }

    /// Returns the number of segments before mapping: `sg_table::orig_nents`.
    pub fn orig_nents(&self) -> usize {
        self.0.orig_nents as usize
    }

    /// Returns a walk over the pages of all segments: `for_each_sgtable_page()`.
    ///
    /// To begin at a page offset, use `skip`.
    #[doc(alias = "for_each_sgtable_page")]
    #[doc(alias = "sg_page_iter")]
    #[inline]
    pub fn cpu_pages(&self) -> CpuPages<'_> {
        CpuPages {
            entries: self.entries(),
            next: core::ptr::null_mut(),
            left: 0,
            _table: PhantomData,
        }
    }

    /// Returns the pages of the buffer, as a run of neighbours for each segment. A page that is cut
    /// into several segments comes up with the first of them only.
    ///
    /// The buffer consists of whole pages, except for its first and its last one. Thus a segment
    /// that begins in the middle of a page has this page in common with the segment before, unless
    /// it is the first.
    pub(crate) fn pages_once(&self) -> impl Iterator<Item = PageRun> + '_ {
        self.entries().enumerate().map(|(i, sg)| {
            let PageRun { first, count } = pages_of(sg);
            if i > 0 && sg.offset > 0 {
                PageRun {
                    first: first.wrapping_add(1),
                    count: count - 1,
                }
            } else {
                PageRun { first, count }
            }
        })
    }

    /// Cuts the bytes `range` of the buffer at pages. Bytes behind the buffer's end are left out.
    pub(crate) fn page_parts(&self, range: Range<usize>) -> impl Iterator<Item = PagePart<'_>> {
        let mut next = 0;
        self.entries()
            .map(move |sg| {
                let start = next;
                next += sg.length as usize;
                (sg, start)
            })
            .take_while(move |(_, start)| *start < range.end)
            .flat_map(move |(sg, start)| {
                let end = range.end.min(start + sg.length as usize);
                let from = range.start.max(start).min(end);
                let offset = sg.offset as usize + (from - start);
                block_parts(offset, end - from, PAGE_SIZE).map(|part| PagePart {
                    page: CpuPage::new(sg_page(sg).wrapping_add(part.block)),
                    offset: part.offset,
                    len: part.len,
                })
            })
    }

    /// Returns the entries before mapping.
    #[inline]
    pub(crate) fn entries(&self) -> Entries<'_> {
        // SAFETY: By the type invariants `sgl` has `orig_nents` entries, and nobody changes them
        // while `self` is borrowed, which is the lifetime of the result.
        unsafe { Entries::new(self.0.sgl, self.0.orig_nents) }
    }
}

/// A page of a table, without access to its bytes.
///
/// ```
/// # use kernel::{page::PAGE_SIZE, prelude::*};
/// # use sgdma::{SegmentLimits, SgTable};
/// /// Returns `true` if a table begins with a page that C code has named.
/// fn begins_with(table: &SgTable, page: *mut kernel::bindings::page) -> bool {
///     table.cpu().cpu_pages().next().is_some_and(|first| first.as_ptr() == page)
/// }
///
/// # fn example() -> Result {
/// let table = SgTable::alloc(2 * PAGE_SIZE, SegmentLimits::NONE, GFP_KERNEL)?;
/// let second = table.cpu().cpu_pages().nth(1).ok_or(EINVAL)?;
/// assert!(!begins_with(&table, second.as_ptr()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuPage<'a> {
    page: *mut bindings::page,
    _table: PhantomData<&'a bindings::page>,
}

// SAFETY: The value only names a page. It gives no access to the page, so any task may have it.
unsafe impl Send for CpuPage<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for CpuPage<'_> {}

impl CpuPage<'_> {
    /// Names a page of a table that is borrowed for the lifetime of the result.
    pub(crate) fn new(page: *mut bindings::page) -> Self {
        Self {
            page,
            _table: PhantomData,
        }
    }

    /// Returns the `struct page`, for C functions.
    pub fn as_ptr(self) -> *mut bindings::page {
        self.page
    }
}

/// A part of a table that lies in one page.
pub(crate) struct PagePart<'a> {
    pub(crate) page: CpuPage<'a>,
    /// The offset of the first byte in the page.
    pub(crate) offset: usize,
    /// The length in bytes; never zero.
    pub(crate) len: usize,
}

/// Consecutive pages in memory.
#[derive(Clone, Copy)]
pub(crate) struct PageRun {
    /// The first page.
    pub(crate) first: *mut bindings::page,
    /// The number of pages.
    pub(crate) count: usize,
}

impl PageRun {
    /// Returns the pages, one after another.
    #[inline]
    pub(crate) fn pages(self) -> impl Iterator<Item = *mut bindings::page> {
        (0..self.count).map(move |i| self.first.wrapping_add(i))
    }
}

/// A walk over the pages of a table, which [`CpuTable::cpu_pages`] returns.
///
/// It yields each page that the `offset + length` bytes of an entry reach, from the entry's first
/// page on, entry after entry. A page that is cut into several entries comes up with each of them.
/// `nth`, which `skip` uses, takes constant time for each entry.
#[derive(Clone)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct CpuPages<'a> {
    /// The entries after the current one.
    entries: Entries<'a>,
    /// The next page of the current entry.
    next: *mut bindings::page,
    /// The number of pages of the current entry that are still to come.
    left: usize,
    _table: PhantomData<CpuPage<'a>>,
}

// SAFETY: The walk only names pages, like `CpuPage`, and its entries are `Send`.
unsafe impl Send for CpuPages<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for CpuPages<'_> {}

/// Returns the pages of an entry, from its first page on.
#[inline]
fn pages_of(sg: &bindings::scatterlist) -> PageRun {
    let bytes = sg.offset as usize + sg.length as usize;
    PageRun {
        first: sg_page(sg),
        count: bytes.div_ceil(PAGE_SIZE),
    }
}

impl<'a> CpuPages<'a> {
    /// Skips up to `n` pages of the current entry. Returns the number of pages that remain to be
    /// skipped.
    #[inline]
    fn drop_front(&mut self, n: usize) -> usize {
        let dropped = n.min(self.left);
        self.left -= dropped;
        self.next = self.next.wrapping_add(dropped);
        n - dropped
    }
}

impl<'a> Iterator for CpuPages<'a> {
    type Item = CpuPage<'a>;

    #[inline]
    fn next(&mut self) -> Option<CpuPage<'a>> {
        while self.left == 0 {
            PageRun {
                first: self.next,
                count: self.left,
            } = pages_of(self.entries.next()?);
        }
        let page = CpuPage::new(self.next);
        self.next = self.next.wrapping_add(1);
        self.left -= 1;
        Some(page)
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<CpuPage<'a>> {
        let mut skip = self.drop_front(n);
        while self.left == 0 {
            PageRun {
                first: self.next,
                count: self.left,
            } = pages_of(self.entries.next()?);
            skip = self.drop_front(skip);
        }
        self.next()
    }

    #[inline]
    fn fold<B, F: FnMut(B, CpuPage<'a>) -> B>(self, init: B, mut f: F) -> B {
        let mut walk = |acc, PageRun { first, count }| {
            (0..count).fold(acc, |acc, i| f(acc, CpuPage::new(first.wrapping_add(i))))
        };
        let current = PageRun {
            first: self.next,
            count: self.left,
        };
        let acc = walk(init, current);
        self.entries.map(pages_of).fold(acc, walk)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let upper = match self.entries.size_hint() {
            (0, _) => Some(self.left),
            _ => None,
        };
        (self.left, upper)
    }
}

impl FusedIterator for CpuPages<'_> {}
