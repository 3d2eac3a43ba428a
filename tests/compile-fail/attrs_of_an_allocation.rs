// SPDX-License-Identifier: GPL-2.0

//! An attribute that is for allocations.

use sgdma::*;

fn f() -> Attrs {
    Attrs::NO_KERNEL_MAPPING
}
