// SPDX-License-Identifier: GPL-2.0

//! Saying of one reset that it has been, when another one is under way.

use sgdma::*;

fn f(dma: DmaDevice<'_>) {
    let reset = dma.begin_reset();
    reset.done();
    reset.done();
}
