// SPDX-License-Identifier: GPL-2.0

//! Keeping in the driver's data what lives as long as an operation.

mod driver;

use driver::Gpu;
use kernel::sync::Mutex;
use sgdma::*;

struct Data<'bound>(Mutex<Option<&'bound DriverContext<'bound, Gpu>>>);
struct File;

fn ioctl(ctx: &DriverContext<'_, Gpu>) {
    *ctx.0.lock() = Some(ctx);
}
