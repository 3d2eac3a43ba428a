// SPDX-License-Identifier: GPL-2.0

//! Two tasks that write to a dma-buf by one guard at the same time.

use sgdma::*;

fn f(cpu: &DmaBufForCpu<ToDevice>, bytes: &[u8]) {
    let _ = cpu.copy_from_slice(0, bytes);
}
