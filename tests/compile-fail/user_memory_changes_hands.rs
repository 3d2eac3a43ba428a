// SPDX-License-Identifier: GPL-2.0

//! Mapping user memory so that it changes hands: user space would not know.

use sgdma::*;

fn f(dma: DmaDevice<'_>, table: UserTable<ToDevice>) {
    let _ = table.map_attrs(dma, ToDevice, MapAttrs::NONE);
}
