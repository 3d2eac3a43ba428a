// SPDX-License-Identifier: GPL-2.0

//! A dma-buf that stays attached after unbind, when the IOMMU may serve somebody else.

use core::any::Any;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use sgdma::*;

fn f(attached: Attached<'_, ToDevice>) -> Result<Arc<dyn Any>> {
    Ok(Arc::new(attached, GFP_KERNEL)?)
}
