// SPDX-License-Identifier: GPL-2.0

//! The proof for one device, to share the table with another.

use sgdma::*;

fn f<'a>(one: DmaDevice<'a>, other: DmaDevice<'a>, table: SgTable) {
    if let Ok(table) = table.in_place_for(one) {
        let _ = table.into_table().map_shared(other, Bidirectional);
    }
}
