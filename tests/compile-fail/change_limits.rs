// SPDX-License-Identifier: GPL-2.0

//! Changing the limits of a bound device: memory may be mapped by the old ones.

use sgdma::*;

fn f(dma: DmaDevice<'_>, limits: &DmaLimits) {
    let _ = unsafe { DmaFacts::with_limits(dma.device(), dma.unbinding(), limits, todo!()) };
}
