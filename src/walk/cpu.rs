// SPDX-License-Identifier: GPL-2.0

//! The CPU walk: the pages that a table is made of.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! Bounded by `orig_nents` and by the entries' `length`. What the device sees is another walk and
//! another type.

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

/// A `struct sg_table` in its CPU form: the pages it is made of, mapped for a device or not.
///
/// [`SgTable`](crate::SgTable) and [`Mapped`](crate::Mapped) lend it; tables of C are taken over by
/// [`from_raw`](Self::from_raw). It tells which pages there are and gives no access to their bytes.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{CpuPages, SgTable};
/// fn show(table: &SgTable) {
///     pr_info!("{} segments\n", table.cpu().orig_nents());
///     for page in table.cpu().cpu_pages() {
///         pr_info!("page {:p}\n", page.as_ptr());
///     }
/// }
///
/// /// The walk from page `pgoffset` on. It can be kept as long as the table is borrowed, and cloned.
/// fn walk_from(table: &SgTable, pgoffset: usize) -> core::iter::Skip<CpuPages<'_>> {
///     table.cpu().cpu_pages().skip(pgoffset)
/// }
/// ```
///
/// # Invariants
///
/// Behind a reference, `sgl` has `orig_nents` entries, each of pages that exist, and neither is
/// changed while the reference lives.
#[repr(transparent)]
pub struct CpuTable(bindings::sg_table);

// SAFETY: By its invariants it is only read.
unsafe impl Send for CpuTable {}
// SAFETY: As for `Send`.
unsafe impl Sync for CpuTable {}

impl CpuTable {
    /// Takes a table that somebody else has made, C code for example.
    ///
    /// # Safety
    ///
    /// During `'a`, `sgt` points to a valid table whose entries have pages, and nobody changes or
    /// frees it or them. Mapping it, which writes the entries' DMA fields, counts as a change.
    pub unsafe fn from_raw<'a>(sgt: *const bindings::sg_table) -> &'a Self {
        // SAFETY: Valid, as the caller promises; the type is transparent.
        // INVARIANT: The caller promises just this.
        unsafe { &*sgt.cast() }
    }

    /// Number of segments before mapping: `sg_table::orig_nents`.
    pub fn orig_nents(&self) -> usize {
        self.0.orig_nents as usize
    }

    /// The pages of all segments: `for_each_sgtable_page()`.
    #[inline]
    pub fn cpu_pages(&self) -> CpuPages<'_> {
        CpuPages {
            entries: self.entries(),
            next: core::ptr::null_mut(),
            left: 0,
            _table: PhantomData,
        }
    }

    /// The pages of a table that is made of whole ones, each as often as the buffer has it, in runs
    /// of neighbours: where a segment begins inside a page, that was in the one before.
    pub(crate) fn pages_once(&self) -> impl Iterator<Item = (*mut bindings::page, usize)> + '_ {
        self.entries().enumerate().map(|(i, sg)| {
            let (first, count) = pages_of(sg);
            match i > 0 && sg.offset > 0 {
                true => (first.wrapping_add(1), count - 1),
                false => (first, count),
            }
        })
    }

    /// Cuts the bytes of `range` by pages.
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

    #[inline]
    pub(crate) fn entries(&self) -> Entries<'_> {
        // SAFETY: By the type invariants the list has `orig_nents` entries that nobody changes as
        // long as `self` is borrowed.
        unsafe { Entries::new(self.0.sgl, self.0.orig_nents) }
    }
}

/// One page of a table: which one it is, without access to its bytes.
///
/// ```
/// # use sgdma::SgTable;
/// /// Whether a table begins with the page that C code has told of.
/// fn begins_with(table: &SgTable, page: *mut kernel::bindings::page) -> bool {
///     table.cpu().cpu_pages().next().is_some_and(|first| first.as_ptr() == page)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuPage<'a> {
    page: *mut bindings::page,
    _table: PhantomData<&'a bindings::page>,
}

// SAFETY: It tells which page it is and gives no access to it.
unsafe impl Send for CpuPage<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for CpuPage<'_> {}

impl CpuPage<'_> {
    pub(crate) fn new(page: *mut bindings::page) -> Self {
        Self {
            page,
            _table: PhantomData,
        }
    }

    /// The `struct page`, for C functions.
    pub fn as_ptr(self) -> *mut bindings::page {
        self.page
    }
}

/// A part of a table that lies in one page.
pub(crate) struct PagePart<'a> {
    pub(crate) page: CpuPage<'a>,
    /// The first byte in the page.
    pub(crate) offset: usize,
    /// The length in bytes; never zero.
    pub(crate) len: usize,
}

/// See [`CpuTable::cpu_pages`].
///
/// Yields each page that an entry's `offset + length` bytes reach, from its first one on, entry
/// after entry. A page that is cut into several entries comes up with each. `nth`, and with it
/// `skip`, takes constant time for each entry.
#[derive(Clone)]
pub struct CpuPages<'a> {
    entries: Entries<'a>,
    next: *mut bindings::page,
    left: usize,
    _table: PhantomData<CpuPage<'a>>,
}

// SAFETY: The pages are only told, see `CpuPage`.
unsafe impl Send for CpuPages<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for CpuPages<'_> {}

/// The first page of an entry, and how many it has.
#[inline]
fn pages_of(sg: &bindings::scatterlist) -> (*mut bindings::page, usize) {
    let bytes = sg.offset as usize + sg.length as usize;
    (sg_page(sg), bytes.div_ceil(PAGE_SIZE))
}

impl<'a> CpuPages<'a> {
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
            (self.next, self.left) = pages_of(self.entries.next()?);
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
            (self.next, self.left) = pages_of(self.entries.next()?);
            skip = self.drop_front(skip);
        }
        self.next()
    }

    #[inline]
    fn fold<B, F: FnMut(B, CpuPage<'a>) -> B>(self, init: B, mut f: F) -> B {
        let mut walk = |acc, (first, count): (*mut bindings::page, usize)| {
            (0..count).fold(acc, |acc, i| f(acc, CpuPage::new(first.wrapping_add(i))))
        };
        let acc = walk(init, (self.next, self.left));
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
