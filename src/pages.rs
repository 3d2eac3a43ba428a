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
/// The pages from `first` to `last` are ours and of order 0, and the last one links to none. There
/// are none if `first` is null.
pub(crate) struct Chain {
    first: *mut bindings::page,
    last: *mut bindings::page,
}

impl Chain {
    /// Allocates `nr_pages` pages in blocks of `1 << order`, each contiguous and aligned to its size.
    ///
    /// `order` is at most `MAX_PAGE_ORDER`, or the allocator warns.
    pub(crate) fn alloc(nr_pages: usize, order: u32, gfp: Gfp) -> Result<Self> {
        gfp.check_room_for(nr_pages)?;
        let mut chain = Self {
            first: core::ptr::null_mut(),
            last: core::ptr::null_mut(),
        };
        let mut done = 0;
        while done < nr_pages {
            // SAFETY: There is nothing to keep to but the order's limit.
            let first = unsafe { bindings::alloc_pages(gfp.for_zeroed_pages(), order) };
            if first.is_null() {
                return Err(ENOMEM);
            }
            if order > 0 {
                // SAFETY: Allocated just now, in this order and not compound (see `Gfp`), and nobody
                // else has it.
                unsafe { bindings::split_page(first, order) };
            }
            for i in 0..1 << order {
                let page = first.wrapping_add(i);
                if done < nr_pages {
                    chain.push(page);
                    gfp.pause_at(done)?;
                    done += 1;
                } else {
                    // SAFETY: The page is ours, of order 0, and goes into no chain.
                    unsafe { bindings::__free_pages(page, 0) };
                }
            }
        }
        Ok(chain)
    }

    /// Takes over a page of order 0.
    fn push(&mut self, page: *mut bindings::page) {
        // SAFETY: The page is ours, as its only caller has allocated it, and so is the last one;
        // the `private` field is an owner's to use.
        // INVARIANT: It is the last one now, and links to none.
        unsafe {
            helpers::sgdma_set_page_private(page, core::ptr::null_mut());
            match self.first.is_null() {
                true => self.first = page,
                false => helpers::sgdma_set_page_private(self.last, page),
            }
        }
        self.last = page;
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
