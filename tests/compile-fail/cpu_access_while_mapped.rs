// SPDX-License-Identifier: GPL-2.0

//! The CPU's access to a mapped buffer: it may be in a bounce buffer or in a cache.

use sgdma::*;

fn f(mut mapped: Mapped<'_, Bidirectional>, bytes: &mut [u8]) {
    let _ = mapped.copy_from_slice(0, bytes);
    let _ = mapped.copy_to_slice(0, bytes);
}
