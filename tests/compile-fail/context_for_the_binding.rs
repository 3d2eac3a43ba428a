// SPDX-License-Identifier: GPL-2.0

//! Claiming that what is lent to an operation is lent until unbind.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn f<'a, 'bound>(ctx: &'a DriverContext<'bound, Gpu>) -> &'bound Data<'bound> {
    ctx
}
