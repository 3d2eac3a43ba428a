// SPDX-License-Identifier: GPL-2.0

//! A sync without a mapping.

use sgdma::*;

fn f(mut table: SgTable) {
    let _ = table.for_cpu();
}
