// SPDX-License-Identifier: GPL-2.0

//! Attaching a device whose DMA mask and limits nobody is known to have set.

use kernel::device::{
    Bound,
    Device, //
};
use sgdma::*;

fn f(dev: &Device<Bound>, buffer: &DmaBuf) {
    let _ = buffer.attach(dev, ToDevice);
}
