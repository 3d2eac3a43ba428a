// SPDX-License-Identifier: GPL-2.0

//! Reading the CPU's own data back where the device may have written over it.

use sgdma::*;

fn f(mut mapped: Mapped<'_, FromDevice>, bytes: &mut [u8]) {
    let _ = mapped.for_cpu().read_back(0, bytes);
}
