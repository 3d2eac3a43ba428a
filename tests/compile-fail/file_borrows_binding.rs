// SPDX-License-Identifier: GPL-2.0

//! An open file that borrows the binding, which it outlives.

mod driver;

use driver::Gpu;
use kernel::prelude::*;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;
struct Borrowing<'bound>(DmaDevice<'bound>);

#[vtable]
impl<'bound> FileOps<Gpu> for Borrowing<'bound> {
    const NODE: Option<&'static CStr> = None;

    fn open(_ctx: &DriverContext<'_, Gpu>, _node: u32) -> Result<Self> {
        Err(ENODEV)
    }
}
