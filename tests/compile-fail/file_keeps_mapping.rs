// SPDX-License-Identifier: GPL-2.0

//! Keeping in an open file a mapping: the file outlives the binding.

mod driver;

use driver::Gpu;
use kernel::{
    prelude::*,
    sync::Mutex, //
};
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File(Mutex<Option<Mapped<'static, ToDevice>>>);

fn ioctl(file: &File, ctx: &DriverContext<'_, Gpu>, table: SgTable) -> Result {
    *file.0.lock() = Some(table.map(ctx.dma(), ToDevice)?);
    Ok(())
}
