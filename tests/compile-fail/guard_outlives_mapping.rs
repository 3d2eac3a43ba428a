// SPDX-License-Identifier: GPL-2.0

//! The CPU's guard after unmapping: dropped, it syncs what is mapped no more.

use sgdma::*;

fn f(mut mapped: Mapped<'_, ToDevice>) {
    let cpu = mapped.for_cpu();
    let _table = mapped.unmap();
    drop(cpu);
}
