// SPDX-License-Identifier: GPL-2.0

//! Saying that a device was reset which may be another driver's by then.

use sgdma::*;

fn f(dma: DmaDevice<'_>) -> Reset<'static> {
    dma.begin_reset()
}
