// SPDX-License-Identifier: GPL-2.0

//! Exporting pages that are not the library's: a dma-buf outlives their owner.

use sgdma::*;

fn f(table: SgTable<ByteBuffer>, user: UserTable<Bidirectional>) {
    let _ = table.export(DmaBufUse::Turns);
    let _ = user.export(DmaBufUse::Turns);
}
