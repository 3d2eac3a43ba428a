// SPDX-License-Identifier: GPL-2.0

//! The pages of a dma-buf: its exporter may have none.

use sgdma::*;

fn f(attached: &Attached<'_, ToDevice>) {
    let _ = attached.cpu();
    let _ = attached.lockstep();
}
