// SPDX-License-Identifier: GPL-2.0

//! Unmapping a second time: the addresses may be somebody else's by then.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) {
    let _table = mapped.unmap();
    let _again = mapped.unmap();
}
