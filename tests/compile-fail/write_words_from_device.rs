// SPDX-License-Identifier: GPL-2.0

//! Words that the CPU writes where only the device may.

use kernel::prelude::*;
use sgdma::*;

fn f(shared: &Shared<'_, FromDevice>) -> Result {
    shared.write(0, 1u32)
}
