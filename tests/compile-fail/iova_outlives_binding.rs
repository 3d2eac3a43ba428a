// SPDX-License-Identifier: GPL-2.0

//! A range to be unlinked after unbind, when its device is not this driver's any more.

use sgdma::*;

fn f<'bound>(in_flight: InFlight<Iova<'bound, ToDevice>>) -> InFlight<Iova<'static, ToDevice>> {
    in_flight
}
