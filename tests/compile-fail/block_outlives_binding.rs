// SPDX-License-Identifier: GPL-2.0

//! A block of a pool that is there after unbind, and with it the pool.

use core::any::Any;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use sgdma::*;

fn f(block: PoolBlock<'_>) -> Result<Arc<dyn Any>> {
    Ok(Arc::new(block, GFP_KERNEL)?)
}
