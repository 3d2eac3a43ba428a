// SPDX-License-Identifier: GPL-2.0

//! Making a table of user memory from one that is not.

use sgdma::*;

fn f(table: SgTable<PinnedPages>) {
    let _ = UserTable(table);
}
