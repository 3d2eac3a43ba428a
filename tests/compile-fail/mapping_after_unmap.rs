// SPDX-License-Identifier: GPL-2.0

//! Bus addresses of a mapping that is gone.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) {
    let _table = mapped.unmap();
    let _ = mapped.dma_pages();
}
