// SPDX-License-Identifier: GPL-2.0

//! Attaching by generic code, which can call the library's own trait: no device is attached so.

use kernel::prelude::*;
use sgdma::*;

fn f<'bound, B: BoundDevice<'bound>>(dma: DmaDevice<'bound>) -> Result<B> {
    B::new(dma, |_| Err(ENODEV))
}
