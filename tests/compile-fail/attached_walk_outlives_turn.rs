// SPDX-License-Identifier: GPL-2.0

//! Walking on after the device's turn: nothing is mapped at the addresses then.

use sgdma::*;

fn f(attached: Attached<'_, ToDevice>) {
    let mut walk = attached.dma_pages();
    drop(attached);
    let _ = walk.next();
}
