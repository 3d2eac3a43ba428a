// SPDX-License-Identifier: GPL-2.0

//! Having a device that is not shared with see more than the buffer.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: SgTable) {
    let _ = table.map_attrs(dma, ToDevice, MapAttrs::WHOLE_PAGES);
}
