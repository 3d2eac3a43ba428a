// SPDX-License-Identifier: GPL-2.0

//! Pages of an owner that is tied to a task: in quarantine, it is dropped by another one.

use core::ptr::NonNull;
use kernel::{
    bindings,
    types::NotThreadSafe, //
};
use sgdma::*;

struct Tied(NotThreadSafe);

// SAFETY: It has no pages.
unsafe impl PageOwner for Tied {
    fn len(&self) -> usize {
        0
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        None.into_iter()
    }
}
