// SPDX-License-Identifier: GPL-2.0

//! `DMA_NONE`, which mapping answers with a `BUG_ON`.

use kernel::dma::DataDirection;
use sgdma::*;

fn f(dma: DmaDevice<'_>, table: SgTable) {
    let _ = table.map(dma, DataDirection::None);
}
