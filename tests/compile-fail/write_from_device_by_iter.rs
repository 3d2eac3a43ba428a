// SPDX-License-Identifier: GPL-2.0

//! Taking from a process what the device is to read, in the direction in which it does not.

use kernel::iov::IovIterSource;
use sgdma::*;

fn f(mut mapped: Mapped<'_, FromDevice>, src: &mut IovIterSource<'_>) {
    let _ = mapped.for_cpu().copy_from_iter(0, 1, src);
}
