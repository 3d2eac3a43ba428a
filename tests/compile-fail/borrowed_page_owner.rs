// SPDX-License-Identifier: GPL-2.0

//! An owner of pages that it has only borrowed. They would be freed under a device that never
//! answers.

use core::ptr::NonNull;
use kernel::{
    bindings,
    page::{
        Page,
        PAGE_SIZE, //
    }, //
};
use sgdma::*;

struct Borrowed<'a>(&'a Page);

// SAFETY: The page stays as long as it is borrowed.
unsafe impl PageOwner for Borrowed<'_> {
    fn len(&self) -> usize {
        PAGE_SIZE
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        NonNull::new(self.0.as_ptr()).into_iter()
    }
}
