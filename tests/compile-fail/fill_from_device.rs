// SPDX-License-Identifier: GPL-2.0

//! A guard that fills what only the device writes.

use kernel::prelude::*;
use sgdma::*;

fn f(mut mapped: Mapped<'_, FromDevice>, buffer: &DmaTable) -> Result<usize> {
    mapped
        .for_cpu()
        .fill(0..8, &mut buffer.dma_pages(), u64::to_le)
}
