// SPDX-License-Identifier: GPL-2.0

//! Allocating memory for a device in a hard interrupt handler, where nothing may sleep.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn irq(ctx: &IrqContext<'_, Gpu>) -> kernel::prelude::Result<SgTable> {
    SgTable::alloc(4096, ctx.dma(), kernel::prelude::GFP_KERNEL)
}
