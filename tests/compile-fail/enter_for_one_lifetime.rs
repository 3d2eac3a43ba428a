// SPDX-License-Identifier: GPL-2.0

//! Work inside the gate that only takes what is lent for ever.

mod driver;

use driver::Gpu;
use kernel::prelude::*;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn ioctl(door: &Door<'_, Gpu>) -> Result {
    door.enter(|_ctx: &'static DriverContext<'static, Gpu>| Ok(()))
}
