// SPDX-License-Identifier: GPL-2.0

//! Keeping in an open file a dma-buf that is attached: the file outlives the binding.

mod driver;

use driver::Gpu;
use kernel::{
    prelude::*,
    sync::Mutex, //
};
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File(Mutex<Option<Attached<'static, ToDevice>>>);

fn ioctl(file: &File, ctx: &DriverContext<'_, Gpu>, buffer: &DmaBuf) -> Result {
    *file.0.lock() = Some(buffer.attach(ctx.dma(), ToDevice)?);
    Ok(())
}
