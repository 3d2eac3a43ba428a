// SPDX-License-Identifier: GPL-2.0

//! A verdict that is kept beyond the binding it was given on.

use sgdma::*;

fn f(dma: DmaDevice<'_>) -> Option<CoherentDevice<'static>> {
    CoherentDevice::probe(dma).ok()
}
