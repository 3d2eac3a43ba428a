// SPDX-License-Identifier: GPL-2.0

//! User space at a buffer that can change hands when it is unmapped.

use kernel::mm::virt::VmaNew;
use sgdma::*;

fn f(shared: &Shared<'_, Bidirectional>, vma: &VmaNew) {
    let _ = shared.map_to_user(0, vma);
}
