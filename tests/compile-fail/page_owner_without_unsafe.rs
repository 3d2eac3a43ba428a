// SPDX-License-Identifier: GPL-2.0

//! An owner of pages that vouches for nothing.

use core::ptr::NonNull;
use kernel::bindings;
use sgdma::*;

struct Pages(NonNull<bindings::page>);

impl PageOwner for Pages {
    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        core::iter::once(self.0)
    }
}
