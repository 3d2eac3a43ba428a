// SPDX-License-Identifier: GPL-2.0

//! Pages that are allocated for a table and belong to it.

use crate::{
    bindings as helpers,
    cpu_walk::CpuTable,
    gfp::Gfp,
    scatterlist::List, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// Zeroed pages on their way into a table, each linked to the next through its `private` field:
/// that takes no memory of its own, however many they are.
///
/// # Invariants
///
/// The pages from `first` on are ours and of order 0, and the last one links to none.
pub(crate) struct Chain {
    first: *mut bindings::page,
}

impl Chain {
    /// Allocates `nr_pages` pages in blocks of `1 << order`, each contiguous and aligned to its size.
    ///
    /// `order` is at most `MAX_PAGE_ORDER`, or the allocator warns.
    pub(crate) fn alloc(nr_pages: usize, order: u32, gfp: Gfp) -> Result<Self> {
        let mut chain = Self {
            first: core::ptr::null_mut(),
        };
        let block = 1 << order;
        // From the end, as the chain grows at its front. The first to be taken is the last block,
        // of which only a part may be needed.
        let mut wanted = match nr_pages % block {
            0 => block,
            rest => rest,
        };
        let mut left = nr_pages;
        while left > 0 {
            // SAFETY: There is nothing to keep to but the order's limit.
            let first = unsafe { bindings::alloc_pages(gfp.for_zeroed_pages(), order) };
            if first.is_null() {
                return Err(ENOMEM);
            }
            if order > 0 {
                // SAFETY: Allocated just now, in this order and not compound (see `Gfp`), and nobody else has it.
                unsafe { bindings::split_page(first, order) };
            }
            for i in (0..block).rev() {
                let page = first.wrapping_add(i);
                if i < wanted {
                    // SAFETY: The page is ours, and its `private` field its owner's to use.
                    // INVARIANT: It comes before those there are.
                    unsafe { helpers::sgdma_set_page_private(page, chain.first) };
                    chain.first = page;
                } else {
                    // SAFETY: The page is ours, of order 0, and goes into no chain.
                    unsafe { bindings::__free_pages(page, 0) };
                }
            }
            left -= wanted;
            wanted = block;
        }
        Ok(chain)
    }

    pub(crate) fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> + '_ {
        core::iter::successors(NonNull::new(self.first), |page| {
            // SAFETY: By the type invariants the page is ours, with its link.
            NonNull::new(unsafe { helpers::sgdma_page_private(page.as_ptr()) })
        })
    }

    /// Leaves the pages to the entries of `list`.
    ///
    /// # Safety
    ///
    /// `list` has an entry for each page of the chain, and outlives the result.
    pub(crate) unsafe fn into_owned(self, list: &List) -> OwnedPages {
        let _moved = ManuallyDrop::new(self);
        // INVARIANT: The pages were the chain's, which is no more; the rest is promised.
        OwnedPages(*list.sgt())
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let mut next = NonNull::new(self.first);
        while let Some(page) = next {
            // SAFETY: By the type invariants the page is ours, with its link, and of order 0. It is
            // not used again.
            unsafe {
                next = NonNull::new(helpers::sgdma_page_private(page.as_ptr()));
                bindings::__free_pages(page.as_ptr(), 0);
            }
        }
    }
}

/// Pages that belong to their table alone: what [`SgTable::alloc`](crate::SgTable::alloc) makes.
///
/// ```
/// # use sgdma::{OwnedPages, SgTable};
/// /// It goes without saying: this is an `SgTable`.
/// type Buffer = SgTable<OwnedPages>;
/// ```
///
/// # Invariants
///
/// The list is a table's that outlives this value. The pages of its entries are ours, of order 0.
pub struct OwnedPages(bindings::sg_table);

// SAFETY: Pages are tied to no task.
unsafe impl Send for OwnedPages {}
// SAFETY: It gives no access to them.
unsafe impl Sync for OwnedPages {}

impl Drop for OwnedPages {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the list is there still, and nobody changes it now.
        let table = unsafe { CpuTable::from_raw(&self.0) };
        for page in table.cpu_pages() {
            // SAFETY: By the type invariants the page is ours and of order 0; it comes up once.
            unsafe { bindings::__free_pages(page.as_ptr(), 0) };
        }
    }
}
