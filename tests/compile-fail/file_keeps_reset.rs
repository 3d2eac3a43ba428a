// SPDX-License-Identifier: GPL-2.0

//! A reset that an open file keeps, and finishes when the device is somebody else's.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);

struct File(Reset<'static>);

fn open(ctx: &DriverContext<'_, Gpu>, _node: u32) -> File {
    File(ctx.dma().begin_reset())
}
