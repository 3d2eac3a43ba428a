// SPDX-License-Identifier: GPL-2.0

//! Walking pages with their bus addresses after the mapping was undone.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) {
    let mut walk = mapped.lockstep();
    let _table = mapped.unmap();
    let _ = walk.next();
}
