// SPDX-License-Identifier: GPL-2.0

//! A mapping for one device, shared on the word of another.

use sgdma::*;

fn f<'a>(one: CoherentDevice<'a>, other: DmaDevice<'a>, table: SgTable) {
    if let Ok(mapped) = table.map(other, Bidirectional) {
        let _ = Shared(mapped, one);
    }
}
