// SPDX-License-Identifier: GPL-2.0

//! Taking a mapping out of the gate.

mod driver;

use driver::Gpu;
use kernel::prelude::*;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn ioctl(door: &Door<'_, Gpu>, table: SgTable) -> Result<u64> {
    let mapped = door.enter(|ctx| Ok(table.map(ctx.dma(), ToDevice)?))?;
    mapped.dma_pages().next().ok_or(EINVAL)
}
