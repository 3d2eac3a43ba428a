// SPDX-License-Identifier: GPL-2.0

//! User space at bytes that are lent as a slice when the buffer is not mapped.

use kernel::mm::virt::VmaNew;
use sgdma::*;

fn f(shared: &Shared<'_, Bidirectional, ByteBuffer>, vma: &VmaNew) {
    let _ = shared.map_to_user(0, vma);
}
