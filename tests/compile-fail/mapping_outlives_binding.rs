// SPDX-License-Identifier: GPL-2.0

//! A mapping that is there after unbind, when the IOMMU may serve somebody else.

use core::any::Any;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) -> Result<Arc<dyn Any>> {
    Ok(Arc::new(mapped, GFP_KERNEL)?)
}
