// SPDX-License-Identifier: GPL-2.0

//! Attributes that no streaming mapping has.

use sgdma::*;

fn f() -> MapAttrs {
    MapAttrs(1 << 10)
}
