// SPDX-License-Identifier: GPL-2.0

//! Addresses of a dma-buf that the exporter may have taken back.

use sgdma::*;

fn f(buffer: &Revocable<'_, ToDevice>) {
    let _ = buffer.dma_pages();
}
