// SPDX-License-Identifier: GPL-2.0

//! Letting others map the memory of a process.

use kernel::mm::virt::VmaNew;
use sgdma::*;

fn f(region: &Shared<'_, Bidirectional, PinnedPages>, vma: &VmaNew) {
    let _ = region.map_to_user(0, vma);
}
