// SPDX-License-Identifier: GPL-2.0

//! Keeping the proof for longer than the device is bound.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: SgTable) -> Option<InPlace<'static, SgTable>> {
    table.in_place_for(dma).ok()
}
