// SPDX-License-Identifier: GPL-2.0

//! The owner's bytes, while its pages are in a table.

use sgdma::*;

fn f(table: &SgTable<ByteBuffer>) -> &ByteBuffer {
    table.owner()
}
