// SPDX-License-Identifier: GPL-2.0

//! A ring that is there after unbind, when its memory cannot be freed any more.

use core::any::Any;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use sgdma::*;

fn f(ring: InFlight<CoherentBuffer<'_>>) -> Result<Arc<dyn Any>> {
    Ok(Arc::new(ring, GFP_KERNEL)?)
}
