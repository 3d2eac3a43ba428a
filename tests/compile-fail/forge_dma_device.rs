// SPDX-License-Identifier: GPL-2.0

//! A device that is said to be ready for DMA, without its mask set.

use kernel::device::{
    Bound,
    Device, //
};
use sgdma::*;

fn f(dev: &Device<Bound>) -> DmaFacts<'_> {
    DmaFacts { dev }
}
