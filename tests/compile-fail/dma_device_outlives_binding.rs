// SPDX-License-Identifier: GPL-2.0

//! Mapping for a device that is bound no more.

use sgdma::*;

fn f(dma: DmaDevice<'_>) -> DmaDevice<'static> {
    dma
}
