// SPDX-License-Identifier: GPL-2.0

//! The CPU's walk of what the device sees: there may be no pages behind it.

use sgdma::*;

fn f(mapped: &Mapped<'_, ToDevice>, table: &DmaTable) {
    let _ = table.cpu_pages();
    let _ = mapped.cpu_pages();
}
