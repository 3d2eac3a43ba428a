// SPDX-License-Identifier: GPL-2.0

//! A turn of the CPU's at pages that user space may have.

use sgdma::*;

fn f(shared: Shared<'_, Bidirectional, MmapPages>) {
    let mut shared = shared;
    let _ = shared.for_cpu();
}
