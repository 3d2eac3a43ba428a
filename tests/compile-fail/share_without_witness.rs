// SPDX-License-Identifier: GPL-2.0

//! Sharing with a device that nobody has asked about.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: SgTable) {
    let _ = table.map_shared(dma, Bidirectional);
}
