// SPDX-License-Identifier: GPL-2.0

//! Keeping in the driver's data what an interrupt handler is lent: the data outlives the handler.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(IrqLock<Option<&'bound IrqContext<'bound, Gpu>>>);
struct File;

fn irq(ctx: &IrqContext<'_, Gpu>) {
    *ctx.0.lock() = Some(ctx);
}
