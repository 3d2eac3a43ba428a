// SPDX-License-Identifier: GPL-2.0

//! A slice of pages that have no address in common.

use sgdma::*;

fn f(table: &SgTable) -> &[u8] {
    table.as_slice()
}
