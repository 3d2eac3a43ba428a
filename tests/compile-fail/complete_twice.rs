// SPDX-License-Identifier: GPL-2.0

//! Completing twice: there would be two owners.

use sgdma::*;

fn f(in_flight: InFlight<Mapped<'_, FromDevice>>) {
    let _mapped = in_flight.complete();
    let _again = in_flight.complete();
}
