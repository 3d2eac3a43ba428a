// SPDX-License-Identifier: GPL-2.0

//! Mapping what is mapped: the first mapping would be forgotten.

use sgdma::*;

fn f(dma: DmaDevice<'_>, mapped: Mapped<'_, ToDevice>) {
    let _ = SgTable::map(mapped, dma, ToDevice);
}
