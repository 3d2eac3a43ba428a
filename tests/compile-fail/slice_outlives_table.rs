// SPDX-License-Identifier: GPL-2.0

//! A reference to bytes that is kept while the device has them.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: SgTable<ByteBuffer>) -> u8 {
    let bytes = table.as_slice();
    let _mapped = table.map(dma, FromDevice);
    bytes[0]
}
