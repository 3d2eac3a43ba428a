// SPDX-License-Identifier: GPL-2.0

//! Registering a driver by hand, which may then be forgotten, and outlive its module.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn f() {
    let _ = sgdma::pci::Registration::<Gpu>::new(c"again");
}
