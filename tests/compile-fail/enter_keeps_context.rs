// SPDX-License-Identifier: GPL-2.0

//! Keeping what is lent inside the gate, in a variable outside.

mod driver;

use driver::Gpu;
use kernel::prelude::*;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn ioctl(door: &Door<'_, Gpu>) -> Result<usize> {
    let mut kept = None;
    door.enter(|ctx| {
        kept = Some(ctx);
        Ok(())
    })?;
    Ok(kept.ok_or(EINVAL)?.dma().max_seg_size())
}
