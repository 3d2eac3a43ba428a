// SPDX-License-Identifier: GPL-2.0

//! Walking a table from C, without answering for what is in it.

use kernel::bindings;
use sgdma::*;

fn f(sgt: *const bindings::sg_table) {
    let _ = DmaTable::from_raw(sgt);
    let _ = CpuTable::from_raw(sgt);
}
