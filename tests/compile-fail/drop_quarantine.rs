// SPDX-License-Identifier: GPL-2.0

//! Releasing what is held without the driver's word.

use sgdma::*;

fn f(dma: DmaDevice<'_>) {
    if let Some(quarantine) = dma.quarantine() {
        quarantine.end(Quiet::Reset, todo!());
    }
}
