// SPDX-License-Identifier: GPL-2.0

//! Unmapping pages, which user space may have, to a table that nobody else uses.

use sgdma::*;

fn f(shared: Shared<'_, Bidirectional, MmapPages>) {
    let _: SgTable = shared.unmap();
}
