// SPDX-License-Identifier: GPL-2.0

//! A flag of memory that was freed.

use kernel::prelude::*;
use sgdma::*;

fn f(ring: CoherentBuffer<'_>) -> Result<u32> {
    let flag = ring.flag::<u32>(0)?;
    drop(ring);
    Ok(flag.load())
}
