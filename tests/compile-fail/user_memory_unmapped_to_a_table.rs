// SPDX-License-Identifier: GPL-2.0

//! Unmapping user memory to a table that nobody else uses, which can be filled and lent.

use sgdma::*;

fn f(region: Shared<'_, Bidirectional, PinnedPages>) {
    let _: SgTable<PinnedPages> = region.unmap();
}
