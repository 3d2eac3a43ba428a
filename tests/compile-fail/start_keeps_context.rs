// SPDX-License-Identifier: GPL-2.0

//! Keeping beyond `start` what it is lent.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn start(ctx: &DriverContext<'_, Gpu>) -> &'static DriverContext<'static, Gpu> {
    ctx
}
