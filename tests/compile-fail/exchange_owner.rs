// SPDX-License-Identifier: GPL-2.0

//! Another owner for a table, whose entries then point to freed pages.

use sgdma::*;

fn f(table: &mut SgTable<ByteBuffer>, other: ByteBuffer) {
    *table.owner_mut() = other;
}
