// SPDX-License-Identifier: GPL-2.0

//! Walking on after the mapping was undone: the list holds its addresses no more.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) {
    let mut walk = mapped.dma_pages();
    let _table = mapped.unmap();
    let _ = walk.next();
}
