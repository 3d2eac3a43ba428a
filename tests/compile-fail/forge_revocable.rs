// SPDX-License-Identifier: GPL-2.0

//! A buffer that the exporter cannot take back, as one that it can.

use sgdma::*;

fn f<'bound>(attached: Attached<'bound, ToDevice>) -> Revocable<'bound, ToDevice> {
    Revocable(attached)
}
