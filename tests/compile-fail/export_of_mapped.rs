// SPDX-License-Identifier: GPL-2.0

//! Exporting a buffer that is mapped: nobody would unmap it before others use the pages.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) {
    let _ = mapped.export(DmaBufUse::Turns);
}
