// SPDX-License-Identifier: GPL-2.0

//! Using methods of a table that nobody else uses on user memory.

use sgdma::*;

fn f(table: &mut UserTable<Bidirectional>) {
    let _ = table.zero(0..1);
    let _ = table.fill(0..1, 1);
}
