// SPDX-License-Identifier: GPL-2.0

//! Keeping the driver's work items in its data, whose drop could queue one that nobody ends.

mod driver;

use driver::Gpu;
use kernel::sync::Mutex;
use sgdma::*;

struct Data<'bound> {
    dma: DmaDevice<'bound>,
    tasks: Mutex<Option<&'bound Tasks>>,
}
struct File;

fn work(ctx: &DriverContext<'_, Gpu>) {
    *ctx.tasks.lock() = Some(ctx.tasks());
}
