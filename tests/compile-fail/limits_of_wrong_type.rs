// SPDX-License-Identifier: GPL-2.0

//! A driver's limits for those of a table: what the platform takes is not in them.

use kernel::prelude::*;
use sgdma::*;

fn f(limits: DmaLimits) {
    let _ = SgTable::alloc(1, limits, GFP_KERNEL);
}
