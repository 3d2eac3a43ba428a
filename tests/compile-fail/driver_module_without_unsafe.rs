// SPDX-License-Identifier: GPL-2.0

//! Naming the module that open files hold, without answering for it.

use kernel::prelude::*;

struct Other;

impl sgdma::DriverModule for Other {
    const MODULE: &'static ThisModule = loop {};
}
