// SPDX-License-Identifier: GPL-2.0

//! Changing the driver's data from an operation, beside which others run.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound> {
    dma: DmaDevice<'bound>,
    count: u32,
}
struct File;

fn ioctl(ctx: &DriverContext<'_, Gpu>) {
    ctx.count += 1;
}
