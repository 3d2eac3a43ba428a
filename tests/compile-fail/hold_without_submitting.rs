// SPDX-License-Identifier: GPL-2.0

//! Putting a mapping that was not submitted into quarantine.

use sgdma::*;

fn f<M: Mapping>(mapping: M) {
    mapping.hold(0);
}
