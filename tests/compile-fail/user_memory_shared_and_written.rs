// SPDX-License-Identifier: GPL-2.0

//! The same, while it is shared with a device.

use sgdma::*;

fn f(region: &Shared<'_, ToDevice, PinnedPages>) {
    let _ = region.copy_from_slice(0, &[0]);
}
