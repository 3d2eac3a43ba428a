// SPDX-License-Identifier: GPL-2.0

//! Making the work items of a binding that does not exist.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn f() -> Tasks {
    Tasks(core::ptr::NonNull::dangling())
}
