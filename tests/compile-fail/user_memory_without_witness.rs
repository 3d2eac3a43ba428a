// SPDX-License-Identifier: GPL-2.0

//! Sharing user memory with a device that is not known to be coherent.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: UserTable<ToDevice>) {
    let _ = table.map_shared(dma);
}
