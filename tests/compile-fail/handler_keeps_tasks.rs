// SPDX-License-Identifier: GPL-2.0

//! Keeping the driver's work items: they end with the binding.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn work(ctx: &DriverContext<'_, Gpu>) -> &'static Tasks {
    ctx.tasks()
}
