// SPDX-License-Identifier: GPL-2.0

//! Making a table of pinned pages as of any owner's.

use kernel::prelude::*;
use sgdma::*;

fn f(pages: PinnedPages) {
    let _ = SgTable::new(pages, 0..1, SegmentLimits::NONE, GFP_KERNEL);
}
