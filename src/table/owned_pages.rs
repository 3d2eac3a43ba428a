// SPDX-License-Identifier: GPL-2.0

//! Pages that are allocated for a table and belong to it.

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
/// The pages from `first` to `last` are ours and of order 0. Each links to the next one through its
/// `private` field, which takes no memory, however many they are; the last one links to none. There
/// are none if `first` is null.
pub struct OwnedPages {
    first: *mut bindings::page,
    last: *mut bindings::page,
}

// SAFETY: Pages are tied to no task.
unsafe impl Send for OwnedPages {}
// SAFETY: It gives no access to them.
unsafe impl Sync for OwnedPages {}

impl OwnedPages {
    /// Allocates `nr_pages` zeroed pages in blocks of `1 << order`, each contiguous and aligned to
    /// its size.
    ///
    /// `order` is at most `MAX_PAGE_ORDER`, or the allocator warns.
    pub(crate) fn alloc(nr_pages: usize, order: u32, reach: Reach<'_>, gfp: Gfp) -> Result<Self> {
        gfp.check_room_for(nr_pages)?;
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
                // SAFETY: Allocated just now, in this order and not compound (see `Gfp`), and nobody
                // else has it.
                unsafe { bindings::split_page(first, order) };
            }
            for i in 0..1 << order {
                let page = first.wrapping_add(i);
                if done < nr_pages {
                    chain.push(page);
                    done += 1;
                } else {
                    // SAFETY: The page is ours, of order 0, and goes into no chain.
                    unsafe { bindings::__free_pages(page, 0) };
                }
            }
            // Not inside the block, whose other pages nobody would free.
            gfp.pause_at(done - 1)?;
        }
        Ok(chain)
    }

    /// Takes over a page of order 0.
    fn push(&mut self, page: *mut bindings::page) {
        // SAFETY: The page is ours, as its only caller has allocated it, and so is the last one;
        // the `private` field is an owner's to use.
        // INVARIANT: It is the last one now, and links to none.
        unsafe {
            ffi::sgdma_set_page_private(page, core::ptr::null_mut());
            match self.first.is_null() {
                true => self.first = page,
                false => ffi::sgdma_set_page_private(self.last, page),
            }
        }
        self.last = page;
    }

    pub(crate) fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> + '_ {
        core::iter::successors(NonNull::new(self.first), |page| {
            // SAFETY: By the type invariants the page is ours, with its link.
            NonNull::new(unsafe { ffi::sgdma_page_private(page.as_ptr()) })
        })
    }
}

impl Drop for OwnedPages {
    fn drop(&mut self) {
        let mut next = NonNull::new(self.first);
        while let Some(page) = next {
            // SAFETY: By the type invariants the page is ours, with its link, and of order 0. It is
            // not used again.
            unsafe {
                next = NonNull::new(ffi::sgdma_page_private(page.as_ptr()));
                bindings::__free_pages(page.as_ptr(), 0);
            }
        }
    }
}
