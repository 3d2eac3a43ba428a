// SPDX-License-Identifier: GPL-2.0

//! A mapping that a device has after its unbinding, when it is in the domain no more.

use core::any::Any;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use sgdma::*;

fn f(given: DomainUse<'_, ToDevice>) -> Result<Arc<dyn Any>> {
    Ok(Arc::new(given, GFP_KERNEL)?)
}
