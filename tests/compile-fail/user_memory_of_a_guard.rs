// SPDX-License-Identifier: GPL-2.0

//! Taking a guard of user memory that is shared.

use sgdma::*;

fn f(region: &mut Shared<'_, Bidirectional, PinnedPages>) {
    let _ = region.for_cpu();
}
