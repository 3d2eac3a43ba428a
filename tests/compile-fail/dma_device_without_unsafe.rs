// SPDX-License-Identifier: GPL-2.0

//! Saying that a device is ready for DMA, without answering for it.

use kernel::device::{
    Bound,
    Device, //
};
use sgdma::*;

fn f(dev: &Device<Bound>) -> DmaDevice<'_> {
    DmaDevice::from_bound(dev)
}
