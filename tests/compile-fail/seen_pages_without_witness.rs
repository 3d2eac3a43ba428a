// SPDX-License-Identifier: GPL-2.0

//! Sharing pages with user space and a device that may not be coherent.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: UserTable<Bidirectional, MmapPages>) {
    let _ = table.map_shared(dma);
}
