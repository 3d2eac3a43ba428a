// SPDX-License-Identifier: GPL-2.0

//! A mapping in one direction for one in the other: unmapping would sync the wrong way.

use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) -> Mapped<'_, FromDevice> {
    mapped
}
