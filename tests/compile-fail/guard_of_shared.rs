// SPDX-License-Identifier: GPL-2.0

//! A guard, whose sync would do nothing, on a shared buffer.

use sgdma::*;

fn f(mut shared: Shared<'_, Bidirectional>) {
    let _ = shared.for_cpu();
}
