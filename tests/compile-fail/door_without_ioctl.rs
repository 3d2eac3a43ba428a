// SPDX-License-Identifier: GPL-2.0

//! Making a way to the gate, without an operation of user space's.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn f(door: &Door<'_, Gpu>) -> Door<'static, Gpu> {
    Door(door.0)
}
