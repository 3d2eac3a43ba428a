// SPDX-License-Identifier: GPL-2.0

//! A device that is coherent because its driver says so.

use sgdma::*;

fn f(dma: DmaDevice<'_>) -> CoherentDevice<'_> {
    CoherentDevice(dma)
}
