// SPDX-License-Identifier: GPL-2.0

//! Unlinking a table while the device may be using it.

use sgdma::*;

fn f(in_flight: &mut InFlight<Iova<'_, FromDevice>>) {
    let _ = in_flight.unlink(0);
}
