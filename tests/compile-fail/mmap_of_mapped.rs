// SPDX-License-Identifier: GPL-2.0

//! User space at a buffer that changes hands.

use kernel::mm::virt::VmaNew;
use sgdma::*;

fn f(mapped: &Mapped<'_, Bidirectional>, vma: &VmaNew) {
    let _ = mapped.map_to_user(0, vma);
}
