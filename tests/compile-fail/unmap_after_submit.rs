// SPDX-License-Identifier: GPL-2.0

//! Unmapping what was submitted, through the value that submitting took.

use sgdma::*;

fn f(mapped: Mapped<'_, FromDevice>) {
    let _in_flight = mapped.submit();
    let _ = mapped.unmap();
}
