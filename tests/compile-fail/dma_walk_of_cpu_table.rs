// SPDX-License-Identifier: GPL-2.0

//! The DMA walk of a table that need not be mapped: its DMA fields are anything.

use sgdma::*;

fn f(mapped: &Mapped<'_, ToDevice>, table: &CpuTable) {
    let _ = table.dma_pages();
    let _ = mapped.cpu().dma_segments();
}
