// SPDX-License-Identifier: GPL-2.0

//! A saved position in a walk is no longer valid than the walk.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) {
    let saved = mapped.dma_runs().clone();
    drop(mapped);
    let _ = saved.count();
}
