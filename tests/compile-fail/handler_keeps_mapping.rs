// SPDX-License-Identifier: GPL-2.0

//! Completing a buffer in a handler for somebody outside of the binding.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(IrqLock<Option<InFlight<Mapped<'bound, ToDevice>>>>);
struct File;

type Done = InFlight<Mapped<'static, ToDevice>>;

fn irq(ctx: &IrqContext<'_, Gpu>) -> Option<Done> {
    ctx.0.lock().take()
}
