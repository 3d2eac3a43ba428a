// SPDX-License-Identifier: GPL-2.0

//! Using a buffer after its export: devices and processes use the pages then.

use sgdma::*;

fn f(mut table: SgTable, bytes: &[u8]) {
    let _buffer = table.export(DmaBufUse::Turns);
    let _ = table.copy_from_slice(0, bytes);
}
