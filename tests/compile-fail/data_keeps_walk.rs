// SPDX-License-Identifier: GPL-2.0

//! Keeping in the driver's data the walk of a mapping that lives as long as an operation.

mod driver;

use driver::Gpu;
use kernel::{
    prelude::*,
    sync::Mutex, //
};
use sgdma::*;

struct Data<'bound>(Mutex<Option<DmaRuns<'bound>>>);
struct File;

fn ioctl(ctx: &DriverContext<'_, Gpu>, table: SgTable) -> Result {
    let mapped = table.map(ctx.dma(), ToDevice)?;
    *ctx.0.lock() = Some(mapped.dma_runs());
    Ok(())
}
