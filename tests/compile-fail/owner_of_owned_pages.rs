// SPDX-License-Identifier: GPL-2.0

//! Pages that outlive the list by which they are freed.

use sgdma::*;

fn f(table: SgTable) -> OwnedPages {
    table.into_owner()
}
