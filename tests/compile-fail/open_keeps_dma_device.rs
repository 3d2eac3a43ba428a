// SPDX-License-Identifier: GPL-2.0

//! Keeping what `open` is lent, by way of the initialiser that it returns.

mod driver;

use driver::Gpu;
use kernel::prelude::*;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;
struct Other(DmaDevice<'static>);

#[vtable]
impl FileOps<Gpu> for Other {
    const NODE: Option<&'static CStr> = None;

    fn open(ctx: &DriverContext<'_, Gpu>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<Self, Error>(Self(ctx.dma()))
    }
}
