// SPDX-License-Identifier: GPL-2.0

//! Pages of a table's own, out of which another one could be made.

use sgdma::*;

fn f(table: SgTable) -> OwnedPages {
    table.into_owner()
}
