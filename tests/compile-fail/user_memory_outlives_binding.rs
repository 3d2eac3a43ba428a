// SPDX-License-Identifier: GPL-2.0

//! Keeping user memory mapped for longer than the device is bound.

use sgdma::*;

fn f(
    dev: CoherentDevice<'_>,
    table: UserTable<ToDevice>,
) -> Shared<'static, ToDevice, PinnedPages> {
    table.map_shared(dev).ok().unwrap()
}
