// SPDX-License-Identifier: GPL-2.0

//! Filling a buffer that user space may have, as if nobody else used it.

use sgdma::*;

fn f(table: &mut UserTable<Bidirectional, MmapPages>) {
    let _ = table.fill(0..1, 1);
}
