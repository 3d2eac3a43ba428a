// SPDX-License-Identifier: GPL-2.0

//! A mapping that is dropped by a work item, which may run after unbind.

use kernel::{
    prelude::*,
    workqueue, //
};
use sgdma::*;

fn f(mapped: Mapped<'_, ToDevice>) {
    let _ = workqueue::system().try_spawn(GFP_KERNEL, move || drop(mapped));
}
