// SPDX-License-Identifier: GPL-2.0

//! Making bytes that are lent as a slice a buffer for user space.

use sgdma::*;

fn f(table: SgTable<ByteBuffer>) {
    let _ = table.for_user(Bidirectional);
}
