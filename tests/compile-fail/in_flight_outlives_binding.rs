// SPDX-License-Identifier: GPL-2.0

//! A buffer to be completed after unbind, on a device that is not this driver's any more.

use sgdma::*;

fn f<'bound>(in_flight: InFlight<Mapped<'bound, ToDevice>>) -> InFlight<Mapped<'static, ToDevice>> {
    in_flight
}
