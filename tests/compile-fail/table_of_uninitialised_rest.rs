// SPDX-License-Identifier: GPL-2.0

//! A vector whose last page holds what was there before.

use kernel::prelude::*;
use sgdma::*;

fn f(dma: DmaDevice<'_>, bytes: VVec<u8>) {
    let _ = SgTable::new(bytes, 0..1, dma, GFP_KERNEL);
}
