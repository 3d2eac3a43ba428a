// SPDX-License-Identifier: GPL-2.0

//! Giving a process what the device wrote, in the direction in which it cannot.

use kernel::iov::IovIterDest;
use sgdma::*;

fn f(mut mapped: Mapped<'_, ToDevice>, dst: &mut IovIterDest<'_>) {
    let _ = mapped.for_cpu().copy_to_iter(0, 1, dst);
}
