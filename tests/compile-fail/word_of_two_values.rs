// SPDX-License-Identifier: GPL-2.0

//! A word whose type has values that are none: the device may write any.

use kernel::prelude::*;
use sgdma::*;

fn f(ring: &CoherentBuffer<'_>) -> Result<bool> {
    ring.read(0)
}
