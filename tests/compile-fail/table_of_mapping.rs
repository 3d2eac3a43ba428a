// SPDX-License-Identifier: GPL-2.0

//! Reaching around a mapping for the table in it.

use sgdma::*;

fn f(mapped: &mut Mapped<'_, FromDevice>, bytes: &mut [u8]) {
    let _ = mapped.table.copy_to_slice(0, bytes);
}
