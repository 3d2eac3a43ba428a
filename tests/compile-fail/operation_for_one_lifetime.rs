// SPDX-License-Identifier: GPL-2.0

//! An operation that only takes what is lent for ever.

mod driver;

use driver::Gpu;
use kernel::prelude::*;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;
struct Other;

#[vtable]
impl FileOps<Gpu> for Other {
    const NODE: Option<&'static CStr> = None;

    fn open(_ctx: &DriverContext<'_, Gpu>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<Self, Error>(Self)
    }

    fn release(&self, _ctx: &'static DriverContext<'static, Gpu>) {}
}
