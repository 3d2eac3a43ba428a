// SPDX-License-Identifier: GPL-2.0

//! Keeping in an open file a mapping that a device has: the file outlives the binding.

mod driver;

use driver::Gpu;
use kernel::{
    prelude::*,
    sync::Mutex, //
};
use sgdma::*;

struct Data<'bound>(DomainDevice<'bound>);
struct File(Mutex<Option<DomainUse<'static, ToDevice>>>);

fn ioctl(file: &File, ctx: &DriverContext<'_, Gpu>, mapping: &DomainMapping<ToDevice>) -> Result {
    *file.0.lock() = Some(mapping.for_device(ctx.0)?);
    Ok(())
}
