// SPDX-License-Identifier: GPL-2.0

//! Keeping the driver's data beyond a handler: handlers end before the data.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn irq(ctx: &IrqContext<'_, Gpu>) -> &'static Data<'static> {
    ctx
}
