// SPDX-License-Identifier: GPL-2.0

//! An attribute that is for allocations.

use sgdma::*;

fn f() -> MapAttrs {
    MapAttrs::NO_KERNEL_MAPPING
}
