// SPDX-License-Identifier: GPL-2.0

//! Keeping in an open file what an operation is lent: the file outlives the binding.

mod driver;

use driver::Gpu;
use kernel::sync::Mutex;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File(Mutex<Option<&'static DriverContext<'static, Gpu>>>);

fn ioctl(file: &File, ctx: &DriverContext<'_, Gpu>) {
    *file.0.lock() = Some(ctx);
}
