// SPDX-License-Identifier: GPL-2.0

//! A reset that has begun before everything that was ever submitted.

use sgdma::*;

fn f(dev: DmaDevice<'_>) {
    Reset {
        dev,
        until: u64::MAX,
    }
    .done();
}
