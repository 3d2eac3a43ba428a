// SPDX-License-Identifier: GPL-2.0

//! A table that is longer than its pages.

use sgdma::*;

fn f(table: &mut SgTable) {
    table.parts.range = 0..1 << 30;
}
