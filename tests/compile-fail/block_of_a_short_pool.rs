// SPDX-License-Identifier: GPL-2.0

//! A block that says of itself that it lives longer than the binding of its pool.

use kernel::prelude::*;
use sgdma::*;

fn f<'bound>(pool: &DmaPool<'_>, _: DmaDevice<'bound>) -> Result<PoolBlock<'bound>> {
    pool.alloc(GFP_KERNEL)
}
