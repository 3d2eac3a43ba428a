// SPDX-License-Identifier: GPL-2.0

//! Reading as if the device had written, in the direction in which it cannot.

use sgdma::*;

fn f(mut mapped: Mapped<'_, ToDevice>, bytes: &mut [u8]) {
    let _ = mapped.for_cpu().copy_to_slice(0, bytes);
}
