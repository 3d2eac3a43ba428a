// SPDX-License-Identifier: GPL-2.0

//! Writing for the device to read, in the direction in which it does not.

use sgdma::*;

fn f(mut mapped: Mapped<'_, FromDevice>, bytes: &[u8]) {
    let _ = mapped.for_cpu().copy_from_slice(0, bytes);
}
