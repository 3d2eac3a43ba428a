// SPDX-License-Identifier: GPL-2.0

//! Words of a buffer that changes hands, without a guard.

use kernel::prelude::*;
use sgdma::*;

fn f(mapped: &Mapped<'_, Bidirectional>) -> Result<u32> {
    mapped.read(0)
}
