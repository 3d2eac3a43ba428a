// SPDX-License-Identifier: GPL-2.0

//! Keeping in the driver's data what lives as long as an operation.

mod driver;

use driver::Gpu;
use kernel::sync::Mutex;
use sgdma::*;

struct Data<'bound>(Mutex<Option<&'bound Lent<'bound, Gpu>>>);
struct File;

fn ioctl(lent: &Lent<'_, Gpu>) {
    *lent.0.lock() = Some(lent);
}
