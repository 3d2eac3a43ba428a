// SPDX-License-Identifier: GPL-2.0

//! A handler that asks for a binding of a certain lifetime, to keep what it borrows.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

struct Keeps;

#[kernel::prelude::vtable]
impl Handlers<Gpu> for Keeps {
    fn irq(_ctx: &IrqContext<'static, Gpu>, _vector: u32) -> IrqReturn {
        IrqReturn::None
    }
}
