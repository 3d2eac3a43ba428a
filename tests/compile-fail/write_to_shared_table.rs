// SPDX-License-Identifier: GPL-2.0

//! Writing to a table that others may be reading: it is `Sync` because nobody can.

use sgdma::*;

fn f(table: &SgTable) {
    let _ = table.copy_from_slice(0, &[0]);
}
