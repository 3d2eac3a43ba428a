// SPDX-License-Identifier: GPL-2.0

//! Writing by the CPU to user memory that was pinned for reading: it may be somebody's file.

use sgdma::*;

fn f(table: &mut UserTable<ToDevice>) {
    let _ = table.copy_from_slice(0, &[0]);
}
