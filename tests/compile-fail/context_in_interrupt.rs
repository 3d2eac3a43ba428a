// SPDX-License-Identifier: GPL-2.0

//! Taking the context of an operation, with the bound device, out of that of an interrupt.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn irq<'a, 'bound>(ctx: &'a IrqContext<'bound, Gpu>) -> &'a DriverContext<'bound, Gpu> {
    let IrqContext(inner) = ctx;
    inner
}
