// SPDX-License-Identifier: GPL-2.0

//! The bus address of a table that is not mapped: there is none.

use sgdma::*;

fn f(table: SgTable) {
    let _ = table.dma_pages();
    let _ = table.dma_runs();
}
