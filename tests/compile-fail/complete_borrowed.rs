// SPDX-License-Identifier: GPL-2.0

//! Completing what somebody else has in flight.

use sgdma::*;

fn f(in_flight: &mut InFlight<Mapped<'_, FromDevice>>) {
    let _ = in_flight.complete();
}
