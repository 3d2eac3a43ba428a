// SPDX-License-Identifier: GPL-2.0

//! The attribute that is for memory which user space sees, for memory which it does not.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: SgTable) {
    let _ = table.map_attrs(dma, ToDevice, MapAttrs::REQUIRE_COHERENT);
}
