// SPDX-License-Identifier: GPL-2.0

//! Keeping the way to the gate in the open file, for others to go in by.

mod driver;

use driver::Gpu;
use kernel::{
    prelude::*,
    sync::Mutex, //
};
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;
struct Other(Mutex<Option<&'static Door<'static, Gpu>>>);

#[vtable]
impl FileOps<Gpu> for Other {
    const NODE: Option<&'static CStr> = None;

    fn open(_ctx: &DriverContext<'_, Gpu>, _node: u32) -> impl PinInit<Self, Error> {
        Err::<Self, Error>(ENODEV)
    }

    fn ioctl(&self, door: &Door<'_, Gpu>, _cmd: u32, _arg: usize) -> Result<isize> {
        *self.0.lock() = Some(door);
        Ok(0)
    }
}
