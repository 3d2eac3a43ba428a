// SPDX-License-Identifier: GPL-2.0

//! Copying from a write of another process to user memory that was pinned for reading.

use kernel::iov::IovIterSource;
use sgdma::*;

fn f(table: &UserTable<ToDevice>, src: &mut IovIterSource<'_>) {
    let _ = table.copy_from_iter(0, 1, src);
}
