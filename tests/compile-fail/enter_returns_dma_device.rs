// SPDX-License-Identifier: GPL-2.0

//! Taking the bound device out of the gate, to map memory for it.

mod driver;

use driver::Gpu;
use kernel::prelude::*;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn ioctl(door: &Door<'_, Gpu>, table: SgTable) -> Result {
    let dma = door.enter(|ctx| Ok(ctx.dma()))?;
    table.map(dma, ToDevice)?;
    Ok(())
}
