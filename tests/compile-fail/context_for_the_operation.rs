// SPDX-License-Identifier: GPL-2.0

//! Claiming that the binding ends with the operation, to have its data keep what does.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn f<'a, 'bound>(ctx: &'a DriverContext<'bound, Gpu>) -> &'a DriverContext<'a, Gpu> {
    ctx
}
