// SPDX-License-Identifier: GPL-2.0

//! A driver whose handlers take another driver's data.

mod driver;

use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;
struct Other;

#[kernel::prelude::vtable]
impl Handlers<driver::Gpu> for Other {}

// SAFETY: Never registered, as it does not compile.
unsafe impl sgdma::DriverModule for Other {
    const MODULE: &'static kernel::ThisModule = <driver::Gpu as sgdma::DriverModule>::MODULE;
}

impl sgdma::Driver for Other {
    type Data<'bound> = ();
    type Files = NoFiles;
    type Handlers = Self;
    type Dma<'bound> = sgdma::DmaDevice<'bound>;
}
