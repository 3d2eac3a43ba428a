// SPDX-License-Identifier: GPL-2.0

//! Keeping in a file what `poll` is lent: whoever polls does so when the device is gone, too.

mod driver;

use driver::Gpu;
use kernel::sync::Mutex;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File(Mutex<Option<DmaDevice<'static>>>);

fn poll(file: &File, ctx: &DriverContext<'_, Gpu>) -> PollEvents {
    *file.0.lock() = Some(ctx.dma());
    PollEvents::NONE
}
