// SPDX-License-Identifier: GPL-2.0

//! Having a device write user memory that was pinned for reading.

use sgdma::*;

type Region<'bound> = Shared<'bound, FromDevice, PinnedPages>;

fn f(dev: CoherentDevice<'_>, table: UserTable<ToDevice>) {
    let _: Region<'_> = table.map_shared(dev).ok().unwrap();
}
