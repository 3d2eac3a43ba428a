// SPDX-License-Identifier: GPL-2.0

//! A table that is longer than its pages.

use sgdma::*;

fn f(table: SgTable) -> SgTable {
    SgTable {
        range: 0..1 << 30,
        ..table
    }
}
