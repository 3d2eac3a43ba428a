// SPDX-License-Identifier: GPL-2.0

//! A slice of pages that user space may have.

use sgdma::*;

fn f(table: &UserTable<Bidirectional, MmapPages>) -> &[u8] {
    table.as_slice()
}
