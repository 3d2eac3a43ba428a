// SPDX-License-Identifier: GPL-2.0

//! Mapping for a device whose DMA mask and limits nobody is known to have set.

use kernel::device::{
    Bound,
    Device, //
};
use sgdma::*;

fn f(dev: &Device<Bound>, table: SgTable) {
    let _ = table.map(dev, ToDevice);
}
