// SPDX-License-Identifier: GPL-2.0

//! Detaching a device twice.

use sgdma::*;

fn f<'bound>(attached: &Attached<'bound, ToDevice>) -> Attached<'bound, ToDevice> {
    attached.clone()
}
