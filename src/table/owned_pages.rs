// SPDX-License-Identifier: GPL-2.0

//! Owned pages: pages that are allocated for a table and belong to it alone.
//!
//! The pages of a buffer form a chain: each page points to the next one, in the `private` field of
//! its `struct page`, which belongs to the owner of a page. Thus a buffer of any size needs no
//! array of page pointers.

use crate::{
    base::gfp::Gfp,
    device::reach::Reach,
    ffi, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

/// Pages that belong to their table alone, as [`SgTable::alloc`](crate::SgTable::alloc) makes them.
///
/// ```
/// # use sgdma::{OwnedPages, SgTable};
/// /// The same type as `SgTable`, whose owner is `OwnedPages` by default.
/// type Buffer = SgTable<OwnedPages>;
/// ```
///
/// # Invariants
///
/// - If `first` is null, there are no pages.
/// - Otherwise `first` begins a chain of pages, and `last` ends it. The `private` field of each
///   page points to the next one, that of `last` is null.
/// - The value owns the pages of the chain: they are allocated, of order 0, and nobody else uses
///   them.
pub struct OwnedPages {
    first: *mut bindings::page,
    last: *mut bindings::page,
}

// SAFETY: Any task may use or free a page.
unsafe impl Send for OwnedPages {}
// SAFETY: A shared reference only permits reading the chain, which does not change meanwhile.
unsafe impl Sync for OwnedPages {}

impl OwnedPages {
    /// Allocates `nr_pages` zeroed pages in blocks of `1 << order` pages: `alloc_pages()`. Each
    /// block is contiguous in memory and aligned to its size.
    ///
    /// The caller checks that `order` is at most `MAX_PAGE_ORDER`. The allocator warns otherwise.
    /// Sleeps only if `gfp` allows it.
    ///
    /// # Errors
    ///
    /// - `ENOMEM` if there is no memory, or too little to leave some to others.
    /// - `EINTR` if the calling process is being killed.
    pub(crate) fn alloc(nr_pages: usize, order: u32, reach: Reach<'_>, gfp: Gfp) -> Result<Self> {
        gfp.check_room_for(nr_pages)?;
        // INVARIANT: There are no pages yet, and `first` is null.
        let mut chain = Self {
            first: core::ptr::null_mut(),
            last: core::ptr::null_mut(),
        };
        let mut pages = reach.pages();
        let mut done = 0;
        while done < nr_pages {
            let first = pages.alloc(order, gfp);
            if first.is_null() {
                return Err(ENOMEM);
            }
            if order > 0 {
                // SAFETY: The block was allocated just now, in this order, and nobody else has it.
                // By the invariants of `Gfp` it is not compound, as `split_page()` requires.
                unsafe { bindings::split_page(first, order) };
            }
            for i in 0..1 << order {
                let page = first.wrapping_add(i);
                if done < nr_pages {
                    chain.push(page);
                    done += 1;
                } else {
                    // SAFETY: The block was split into pages of order 0. This page is not in the
                    // chain, so it is freed once.
                    unsafe { bindings::__free_pages(page, 0) };
                }
            }
            // A look inside the block could return while some of its pages are in no chain: nobody
            // would free them.
            gfp.pause_at(done - 1)?;
        }
        Ok(chain)
    }

    /// Adds a page to the end of the chain. The caller has allocated the page, with order 0, and
    /// gives it up.
    fn push(&mut self, page: *mut bindings::page) {
        // SAFETY: The page is valid and now belongs to the chain. An owner of a page may set its
        // `private` field.
        unsafe { ffi::sgdma_set_page_private(page, core::ptr::null_mut()) };
        if self.first.is_null() {
            self.first = page;
        } else {
            // SAFETY: By the type invariants `last` is a valid page of the chain.
            unsafe { ffi::sgdma_set_page_private(self.last, page) };
        }
        // INVARIANT: `page` is the first page, or the page before points to it. It is the last
        // page, and its `private` field is null.
        self.last = page;
    }

    /// Returns the pages of the chain, in order.
    pub(crate) fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> + '_ {
        core::iter::successors(NonNull::new(self.first), |page| {
            // SAFETY: By the type invariants the page is valid, and its `private` field is null or
            // points to a page.
            NonNull::new(unsafe { ffi::sgdma_page_private(page.as_ptr()) })
        })
    }
}

impl Drop for OwnedPages {
    fn drop(&mut self) {
        let mut next = NonNull::new(self.first);
        while let Some(page) = next {
            // SAFETY: By the type invariants the page is valid, and its `private` field is null or
            // points to a page.
            next = NonNull::new(unsafe { ffi::sgdma_page_private(page.as_ptr()) });
            // SAFETY: By the type invariants the value owns the page, which has order 0. The chain
            // has each page once, so each is freed once.
            unsafe { bindings::__free_pages(page.as_ptr(), 0) };
        }
    }
}
