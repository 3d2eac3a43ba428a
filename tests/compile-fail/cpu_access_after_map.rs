// SPDX-License-Identifier: GPL-2.0

//! The CPU's access to a buffer that was given away to be mapped.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: SgTable, bytes: &mut [u8]) {
    let _mapped = table.map(dma, FromDevice);
    let _ = table.copy_to_slice(0, bytes);
}
