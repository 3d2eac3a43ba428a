// SPDX-License-Identifier: GPL-2.0

//! Mapping pages, which user space had mapped while they were shared, so that they change hands.

use sgdma::*;

fn f(dma: DmaDevice<'_>, shared: Shared<'_, Bidirectional, MmapPages>) {
    let _ = shared.unmap().map_attrs(dma, Bidirectional, MapAttrs::NONE);
}
