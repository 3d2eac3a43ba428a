// SPDX-License-Identifier: GPL-2.0

//! Making a table, of any kind, of pages that user space may have.

use kernel::prelude::*;
use sgdma::*;

fn f(pages: MmapPages) {
    let _ = SgTable::new(pages, 0..1, SegmentLimits::NONE, GFP_KERNEL);
}
