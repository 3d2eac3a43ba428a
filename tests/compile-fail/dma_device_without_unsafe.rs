// SPDX-License-Identifier: GPL-2.0

//! Saying that a device is ready for DMA, without answering for it.

use kernel::{
    device::{
        Bound,
        Device, //
    },
    sync::Arc, //
};
use sgdma::*;

fn f<'a>(dev: &'a Device<Bound>, unbinding: &'a Arc<Unbinding>) -> DmaFacts<'a> {
    DmaFacts::from_bound(dev, unbinding)
}
