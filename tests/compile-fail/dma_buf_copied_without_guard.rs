// SPDX-License-Identifier: GPL-2.0

//! The CPU's access to the bytes of a dma-buf outside of its turn.

use sgdma::*;

fn f(buffer: &mut DmaBuf, bytes: &mut [u8]) {
    let _ = buffer.copy_from_slice(0, bytes);
    let _ = buffer.copy_to_slice(0, bytes);
}
