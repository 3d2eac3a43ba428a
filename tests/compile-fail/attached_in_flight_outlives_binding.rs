// SPDX-License-Identifier: GPL-2.0

//! A dma-buf to be completed after unbind, on a device that is not this driver's any more.

use sgdma::*;

fn f<'bound>(
    in_flight: InFlight<Attached<'bound, ToDevice>>,
) -> InFlight<Attached<'static, ToDevice>> {
    in_flight
}
