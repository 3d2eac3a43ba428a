// SPDX-License-Identifier: GPL-2.0

//! Memory that says when it is freed.

use core::ptr::NonNull;
use kernel::{
    bindings,
    page::{
        Page,
        PAGE_SIZE, //
    },
    prelude::*, //
};
use sgdma::PageOwner;

/// A page that says when it is given back.
pub(crate) struct Watched(Page);

impl Watched {
    pub(crate) fn new() -> Result<Self> {
        let page = Page::alloc_page(GFP_KERNEL)?;
        // SAFETY: Nobody else has the page.
        unsafe { page.fill_zero_raw(0, PAGE_SIZE) }?;
        Ok(Self(page))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        pr_info!("a page is given back\n");
    }
}

// SAFETY: The page is ours, it was zeroed, and nobody else is told of it.
unsafe impl PageOwner for Watched {
    fn len(&self) -> usize {
        PAGE_SIZE
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        NonNull::new(self.0.as_ptr()).into_iter()
    }
}
