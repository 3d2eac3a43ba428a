// SPDX-License-Identifier: GPL-2.0

//! The CPU's access to the bytes of a dma-buf in the turn of a device.

use sgdma::*;

fn f(attached: &mut Attached<'_, Bidirectional>, bytes: &mut [u8]) {
    let _ = attached.copy_from_slice(0, bytes);
    let _ = attached.copy_to_slice(0, bytes);
    let _ = attached.for_cpu();
}
